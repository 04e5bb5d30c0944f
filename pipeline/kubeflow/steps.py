"""The steps of a pipeline: which nodes are one task, and what it waits for.

A task's start costs more than the work of a small node, so that nodes that run one after the other
share one. What may run beside each other, the trainings and what becomes of them, has tasks of its
own.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from pipeline import nodes
from pipeline.config import ReleaseConfig
from pipeline.pretrainings import PRETRAIN, WITHOUT, pretrained_name
from schemas.errors import UserError
from schemas.signatures import MULTI_DOMAIN

PREPARE, REPORT = "prepare", "report"
INGEST, TRANSFORM = "ingest", "transform"
TRAIN, PUSH, STUDY = "train", "push", "study"

# The step that a component's node belongs to. Trainers and what follows them are per model.
_KINDS = {
    "CorporaAudit": INGEST,
    "AuditGate": INGEST,
    "AudioExampleGen": INGEST,
    "StatisticsGen": INGEST,
    "ImportSchemaGen": INGEST,
    "ExampleValidator": INGEST,
    "ManifestStatistics": INGEST,
    "LastAcceptedData": INGEST,
    "DataGate": INGEST,
    "Transform": TRANSFORM,
    "Embeddings": TRANSFORM,
    "LastAcceptedEmbeddings": TRANSFORM,
    "EmbeddingsGate": TRANSFORM,
    "Trainer": TRAIN,
    "AdaptationGate": PUSH,
    "PreviousBlessedModel": PUSH,
    "Evaluator": PUSH,
    "ParityGate": PUSH,
    "Pusher": PUSH,
    "TransferStudy": STUDY,
}
_PER_MODEL = (TRAIN, PUSH, STUDY)
_OF_DATA = (INGEST, TRANSFORM)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One task.

    Attributes:
      kind: What it does; names its resources in the configuration.
      model: The network that it trains or pushes, or the number, from 0, of a part of a study;
        empty for what all share.
      after: Names of the steps that have to be over before it.
    """

    kind: str
    model: str = ""
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name, in lower-case letters, digits and hyphens, as Kubeflow wants it."""
        return step_name(self.kind, self.model)


def step_name(kind: str, model: str = "") -> str:
    """Returns a step's name.

    >>> step_name("train", "my_domain")
    'train-my-domain'
    """
    text = f"{kind}-{model}" if model else kind
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def step_of(node_id: str) -> str:
    """Returns the name of the step that a node belongs to.

    >>> step_of("Transform"), step_of("Evaluator.emodb")
    ('transform', 'push-emodb')
    """
    component, model = nodes.parts(node_id)
    kind = _KINDS[component]
    return step_name(kind, model if kind in _PER_MODEL else "")


def domain_of(node_id: str) -> str:
    """Returns the domain without which nobody needs a node; empty for what all need.

    >>> domain_of("Trainer.pretrain-without-emodb"), domain_of("Trainer.pretrain")
    ('emodb', '')
    """
    _, model = nodes.parts(node_id)
    return "" if model in (PRETRAIN, MULTI_DOMAIN) else model.removeprefix(WITHOUT)


def release_steps(config: ReleaseConfig, domains: Sequence[str]) -> tuple[Step, ...]:
    """Returns the steps of a release, each after those that it waits for.

    Raises:
      UserError: Two domains come to the same name of a task.
    """
    steps = list(_data_steps())
    transform = steps[-1].name
    pretrainings = dict.fromkeys([PRETRAIN, *(pretrained_name(config, d) for d in domains)])
    steps += [Step(kind=TRAIN, model=name, after=(transform,)) for name in pretrainings]
    for domain in domains:
        base = step_name(TRAIN, pretrained_name(config, domain))
        steps.append(Step(kind=TRAIN, model=domain, after=(base,)))
    pretrained = step_name(TRAIN, PRETRAIN)
    steps.append(Step(kind=PUSH, model=MULTI_DOMAIN, after=(pretrained,)))
    for domain in domains:
        # Its gate compares it with the multi-domain network.
        after = tuple(dict.fromkeys((step_name(TRAIN, domain), pretrained)))
        steps.append(Step(kind=PUSH, model=domain, after=after))
    return _checked([*steps, _report(steps)])


def study_steps(parts: int) -> tuple[Step, ...]:
    """Returns the steps of a study whose cells are divided over `parts` tasks."""
    steps = list(_data_steps())
    transform = steps[-1].name
    divided = [Step(kind=STUDY, model=str(part), after=(transform,)) for part in range(parts)]
    # Finds all cells there, and makes what belongs to all of them.
    steps += [*divided, Step(kind=STUDY, after=tuple(step.name for step in divided))]
    return _checked([*steps, _report(steps)])


def _data_steps() -> Iterable[Step]:
    before = PREPARE
    yield Step(kind=PREPARE)
    for kind in _OF_DATA:
        yield Step(kind=kind, after=(before,))
        before = kind


def _report(steps: Sequence[Step]) -> Step:
    waited_for = {name for step in steps for name in step.after}
    last = tuple(step.name for step in steps if step.name not in waited_for)
    return Step(kind=REPORT, after=last)


def _checked(steps: list[Step]) -> tuple[Step, ...]:
    names: dict[str, Step] = {}
    for step in steps:
        if step.name in names:
            raise UserError(
                f"the domains {names[step.name].model} and {step.model} would have one name as"
                f" tasks, {step.name}: index one of them under another name"
            )
        names[step.name] = step
    return tuple(steps)

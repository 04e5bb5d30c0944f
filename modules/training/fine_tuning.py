"""Fine-tuning: a pre-trained network adapted to one domain."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from modules.networks.approaches import APPROACHES, Adaptation, resolve
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.job import Job, Outcome, TrainerJob
from modules.training.pretraining import count, early_stopping_split
from modules.training.records import AdaptationRecord, SettingsRecord, TrainingRecord
from modules.training.trained import Trained, network_record, spec_of
from schemas.errors import UserError
from schemas.labels import LabelSet


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Adapted:
    """What `adapt` did.

    Attributes:
      labels: Label set of the network, in the order of its outputs.
      outcome: What the engine did.
      train, held_out: int64, rows of the clips that were trained on, and of the inner split.
    """

    labels: LabelSet
    outcome: Outcome
    train: np.ndarray
    held_out: np.ndarray


def fine_tune(
    job: TrainerJob,
    clips: Clips,
    engine: Engine,
    base: Trained,
    *,
    approach: str,
    choice: Mapping[str, float],
    rows: np.ndarray | None = None,
) -> Trained:
    """Adapts a pre-trained network to `job.domain`.

    Args:
      job: The fine-tuning.
      clips: Clips of the training folds; those that the engine has.
      engine: What trains.
      base: The pre-trained network.
      approach: Name in `approaches.APPROACHES`.
      choice: UAR of each approach that was compared to find it; empty if it was given.
      rows: int64 `[m]`, clips to train on; all of the domain's by default.

    Returns:
      The network, and the record of its training with the weight hashes that prove what was frozen.

    Raises:
      UserError: The network does not know the manifest's labels, or has too few layer groups.
    """
    if rows is None:
        rows = np.flatnonzero(clips.domains == job.domain)
    adapted = adapt(job, clips, engine, base, rows, approach=approach)
    outcome, found = adapted.outcome, APPROACHES[approach]
    assert job.domain is not None
    assert job.scenario is not None
    assert job.base is not None
    assert job.approach is not None
    return Trained(
        weights=outcome.weights,
        record=TrainingRecord(
            name=job.name,
            labels=adapted.labels.labels,
            domain_labels=clips.domain_labels(job.labels),
            network=network_record(spec_of(base.record.network, adapted.labels), outcome.weights),
            settings=SettingsRecord(**dataclasses.asdict(job.seeded_settings)),
            clips=count(clips, rows),
            held_out=count(clips, adapted.held_out),
            history=outcome.history,
            kept_epoch=outcome.kept_epoch,
            weight_hashes=outcome.hashes,
            weight_hashes_before=outcome.hashes_before,
            idle=outcome.idle,
            known_speakers=job.known_speakers,
            adaptation=AdaptationRecord(
                domain=job.domain,
                scenario=job.scenario,
                base=job.base,
                asked=job.approach,
                approach=approach,
                fates=outcome.fates,
                fine_tuned=found.fine_tuned,
                l2_sp=outcome.l2_sp,
                choice=dict(choice),
            ),
        ),
    )


def adapt(
    job: TrainerJob,
    clips: Clips,
    engine: Engine,
    base: Trained,
    rows: np.ndarray,
    *,
    approach: str,
    tested: np.ndarray | None = None,
    report_epochs: bool = True,
) -> Adapted:
    """Adapts a pre-trained network to the clips in `rows`; arguments and errors as of `fine_tune`.

    Args:
      tested: int64 `[k]`, rows whose probabilities are wanted; none by default.
      report_epochs: Whether each epoch is reported.
    """
    adaptation = resolve(approach, base.spec.groups, held=base.spec.held)
    labels = network_labels(base.labels, job.labels, adaptation)
    train, held_out = rows, rows[:0]
    if adaptation.fine_tuned:
        train, held_out = early_stopping_split(job, clips, rows)
    outcome = engine.run(
        Job(
            name=job.name,
            network=spec_of(base.record.network, labels),
            settings=job.seeded_settings,
            train=train,
            held_out=held_out,
            tested=rows[:0] if tested is None else tested,
            start=base.weights,
            approach=approach,
            output_of_label=positions(job.labels, labels),
            report_epochs=report_epochs,
        )
    )
    return Adapted(labels=labels, outcome=outcome, train=train, held_out=held_out)


def network_labels(base: LabelSet, wanted: LabelSet, adaptation: Adaptation) -> LabelSet:
    """Returns the label set of a network that is adapted to a manifest.

    Args:
      base: Label set of the pre-trained network.
      wanted: Label set of the manifest.
      adaptation: What happens to the network. If its outputs are new, they are the manifest's.

    Raises:
      UserError: The outputs are those of the pre-trained network, which lack a label.
    """
    if adaptation.has_new_head:
        return wanted
    if unknown := [label for label in wanted if label not in base]:
        new_heads = [name for name in APPROACHES if _has_new_head(name, adaptation.groups)]
        raise UserError(
            f"approach {adaptation.approach} keeps the outputs of a network of the labels"
            f" {', '.join(base)}; the manifest's labels are {', '.join(wanted)}, and the network"
            f" does not know {', '.join(unknown)}: pre-train a network on a manifest of these"
            f" labels, or take an approach with new outputs ({', '.join(new_heads)})"
        )
    return base


def _has_new_head(approach: str, groups: tuple[str, ...]) -> bool:
    try:
        return resolve(approach, dict.fromkeys(groups, ())).has_new_head
    except UserError:
        return False


def positions(labels: LabelSet, outputs: LabelSet) -> np.ndarray:
    """Returns the position among a network's outputs of each label, int64 `[labels]`."""
    return np.array([outputs.index(label) for label in labels], np.int64)

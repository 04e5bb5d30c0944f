"""The trainings of an adaptation: adapted, from scratch, and the base as it is.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

import dataclasses

import numpy as np

from modules.adaptation.plan import Plan, for_few
from modules.metrics.uar import best_of
from modules.networks.approaches import Adaptation, resolve
from modules.networks.registry import NetworkSpec
from modules.training import fine_tuning, members
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.job import Job, TrainerJob
from modules.training.trained import Trained
from schemas.labels import LabelSet

# The approach that trains nothing.
AS_IT_IS = "A1"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Tested:
    """What a network answered to clips.

    Attributes:
      answers: int64 `[k]`, positions in the manifest's label set.
      members: int64 `[members, k]`, the same of each of its members by itself.
      probabilities: float32 `[k, labels]` in the order of the manifest's label set, of all labels.
    """

    answers: np.ndarray
    members: np.ndarray
    probabilities: np.ndarray


class Trainings:
    """Trains on some clips of the domain and asks about others.

    Args:
      plan: The adaptation.
      clips: All clips of the domain; those that the engine has.
      engine: What trains.
      base: The pre-trained network.
    """

    def __init__(self, plan: Plan, clips: Clips, engine: Engine, base: Trained):
        self.plan = plan
        self.clips = clips
        self.engine = engine
        self.base = base

    @property
    def single(self) -> "Trainings":
        """The same with one member, for choices that would take several times as long."""
        spec = self.base.spec
        if spec.members == 1:
            return self
        network = dataclasses.replace(self.base.record.network, members=1)
        base = Trained(
            weights=members.member(self.base.weights, spec, 0),
            record=dataclasses.replace(self.base.record, network=network),
        )
        return Trainings(self.plan, self.clips, self.engine, base)

    def outputs(self, approach: str) -> LabelSet:
        """Returns the label set of the network that an approach leaves.

        Raises:
          UserError: The network has too few layer groups, or does not know the manifest's labels.
        """
        return fine_tuning.network_labels(
            self.base.labels, self.plan.job.labels, self.adaptation(approach)
        )

    def adaptation(self, approach: str) -> Adaptation:
        """Returns what an approach does to the base; errors as of `approaches.resolve`."""
        return resolve(approach, self.base.spec.groups, held=self.base.spec.held)

    def job(self, approach: str, *, clips: int, seed: int | None = None) -> TrainerJob:
        """Returns the fine-tuning by an approach on a number of clips."""
        job = self.plan.job
        return dataclasses.replace(
            job,
            settings=for_few(job.settings, clips, least_steps=self.plan.least_steps),
            approach=approach,
            seed=job.seed if seed is None else seed,
        )

    def adapted(
        self, train: np.ndarray, tested: np.ndarray, *, approach: str, seed: int | None = None
    ) -> Tested:
        """Adapts the base to clips, and asks about others.

        Args:
          train, tested: int64 `[n]` and `[k]`, rows of the clips.
          approach: Name in `approaches.APPROACHES`.
          seed: Seed of the training; the plan's by default.

        Raises:
          UserError: As of `outputs`.
        """
        adapted = fine_tuning.adapt(
            self.job(approach, clips=len(train), seed=seed),
            self.clips,
            self.engine,
            self.base,
            train,
            approach=approach,
            tested=tested,
            report_epochs=False,
        )
        outcome = adapted.outcome
        return self._tested(
            outcome.probabilities, outcome.member_probabilities, adapted.labels, train
        )

    def zero_shot(self) -> Tested:
        """Asks the base about all clips.

        Raises:
          UserError: It does not know the manifest's labels.
        """
        rows = np.arange(len(self.clips.labels))
        return self.adapted(rows, rows, approach=AS_IT_IS)

    def scratch(self, train: np.ndarray, tested: np.ndarray, *, seed: int | None = None) -> Tested:
        """Trains a new network on clips alone, and asks about others; arguments as of `adapted`."""
        job = self.plan.job
        settings = for_few(self.plan.scratch, len(train), least_steps=self.plan.least_steps)
        outcome = self.engine.run(
            Job(
                name=f"{job.name}, from scratch",
                network=self._own_network,
                settings=dataclasses.replace(settings, seed=job.seed if seed is None else seed),
                train=train,
                tested=tested,
                report_epochs=False,
            )
        )
        return self._tested(outcome.probabilities, outcome.member_probabilities, job.labels, train)

    @property
    def _own_network(self) -> NetworkSpec:
        """The base's network with the manifest's outputs."""
        return dataclasses.replace(self.base.spec, outputs=len(self.plan.job.labels))

    def _tested(
        self, whole: np.ndarray, parts: np.ndarray, outputs: LabelSet, train: np.ndarray
    ) -> Tested:
        """Returns the answers among the labels that were trained on."""
        own = np.unique(self.clips.labels[train])
        places = fine_tuning.positions(self.plan.job.labels, outputs)[own]
        everyone = np.arange(len(own))

        def answers(probabilities: np.ndarray) -> np.ndarray:
            return own[best_of(probabilities[:, places], everyone)]

        return Tested(
            answers=answers(whole),
            members=np.stack([answers(each) for each in parts]),
            probabilities=whole[:, fine_tuning.positions(self.plan.job.labels, outputs)],
        )

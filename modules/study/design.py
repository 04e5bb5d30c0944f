"""The study's design: which cells each of the paper's tables, and each one beside them, needs."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modules.baselines.features import FUNCTIONALS
from modules.networks.approaches import APPROACHES, AUTO, PAPER_APPROACHES, first_alike
from modules.networks.registry import FRONT_ENDS, NetworkSpec
from modules.study import cells
from modules.study.cells import Split
from modules.training.settings import Settings
from schemas.splits import NUM_FOLDS, PROTOCOLS, S2, SCENARIOS

TABLES = (2, 3, 4, 5)
# Beside the paper's tables.
CROSS_CORPUS, LEARNING_CURVES = "cross_corpus", "learning_curves"
BEYOND = (CROSS_CORPUS, LEARNING_CURVES)
# The approach of learning curves.
CURVE_APPROACH = "A2"
# Clips a class at which learning curves take the epochs of the settings; with fewer clips as many
# times more, so that no training is behind another one for want of steps.
_FULL_CLIPS_PER_CLASS = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """What to compute; the methods name the cells, so that plan and tables agree.

    Attributes:
      domains: All domains of the study, sorted.
      targets: Domains that networks are adapted to.
      protocols, folds, seeds, tables, scenarios: Those to compute. Seeds repeat all trainings.
      approaches: Names in `approaches.APPROACHES`, or `auto`.
      baselines: Features of the SVMs, names in `modules.baselines.features.FEATURE_SETS`; the first
        are Adaptive SVM's.
      network: The network, with an output for each label.
      pretrain, scratch, fine_tune: Settings of the trainings on several domains, on the target
        alone (TT), and from pre-trained weights. Their own seeds are not used.
      cross_corpus: Whether networks of one domain are tested on the others, too.
      clips_per_class: Numbers of clips a class on the learning curve of each target that has one.
    """

    domains: tuple[str, ...]
    targets: tuple[str, ...]
    protocols: tuple[str, ...] = PROTOCOLS
    folds: tuple[int, ...] = tuple(range(NUM_FOLDS))
    seeds: tuple[int, ...] = (0,)
    tables: tuple[int, ...] = TABLES
    scenarios: tuple[str, ...] = SCENARIOS
    approaches: tuple[str, ...] = PAPER_APPROACHES
    baselines: tuple[str, ...] = (FUNCTIONALS,)
    network: NetworkSpec
    pretrain: Settings
    scratch: Settings
    fine_tune: Settings
    cross_corpus: bool = False
    clips_per_class: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns the design as nested dictionaries."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Design":
        """Returns the design that `to_json` wrote."""
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        for name in ("pretrain", "scratch", "fine_tune"):
            arguments[name] = Settings(**values[name])
        arguments["network"] = NetworkSpec.from_json(values["network"])
        arguments["clips_per_class"] = {
            name: tuple(counts) for name, counts in values["clips_per_class"].items()
        }
        return cls(**arguments)

    def pretraining(
        self, protocol: str, split: Split, seed: int, *, without: str | None = None
    ) -> cells.Training:
        """The training on all domains, or on all `without` one: S2's, and Table 4's."""
        domains = tuple(name for name in self.domains if name != without)
        return self._training(protocol, split, domains, seed, self.pretrain)

    def source(
        self, protocol: str, split: Split, seed: int, *, scenario: str, target: str
    ) -> cells.Training:
        """The pre-training that a target starts from: with its own training folds (S1) or not."""
        without = target if scenario == S2 else None
        return self.pretraining(protocol, split, seed, without=without)

    def on_target(self, protocol: str, split: Split, seed: int, *, target: str) -> cells.Training:
        """TT: the network trained on the target alone."""
        return self._training(protocol, split, (target,), seed, self.scratch)

    @property
    def preset_without_lstm(self) -> str | None:
        """The preset of the network without LSTM (Table 2); `None` where there is none."""
        return FRONT_ENDS[self.network.front_end].without_lstm.get(self.network.preset)

    def cnn(self, protocol: str, split: Split, seed: int) -> cells.Training:
        """The network without LSTM, on all domains (Table 2); there must be one."""
        assert self.preset_without_lstm is not None
        network = dataclasses.replace(self.network, preset=self.preset_without_lstm)
        return dataclasses.replace(self.pretraining(protocol, split, seed), network=network)

    def adapted(
        self, parent: cells.Training, *, target: str, approach: str
    ) -> cells.Training | cells.FineTuning:
        """The parent adapted to the target; the parent itself where there is no fine-tuning."""
        if not APPROACHES[approach].fine_tuned:
            return parent
        settings = dataclasses.replace(self.fine_tune, seed=parent.settings.seed)
        # What comes to the same is computed once, and shown under each name.
        approach = first_alike(approach, self.network.groups, held=self.network.held)
        return cells.FineTuning(parent=parent, target=target, approach=approach, settings=settings)

    def few_alone(
        self, protocol: str, split: Split, seed: int, *, target: str, clips_per_class: int
    ) -> cells.Training:
        """The network trained on a few clips of the target alone (learning curves)."""
        settings = _repeated(self.scratch, clips_per_class)
        cell = self._training(protocol, split, (target,), seed, settings)
        return dataclasses.replace(cell, clips_per_class=clips_per_class)

    def few_adapted(
        self, protocol: str, split: Split, seed: int, *, target: str, clips_per_class: int
    ) -> cells.FineTuning:
        """The network that never heard the target, tuned on the same clips of it."""
        parent = self.pretraining(protocol, split, seed, without=target)
        cell = self.adapted(parent, target=target, approach=CURVE_APPROACH)
        assert isinstance(cell, cells.FineTuning)
        settings = _repeated(cell.settings, clips_per_class)
        return dataclasses.replace(cell, settings=settings, clips_per_class=clips_per_class)

    def candidates(
        self, protocol: str, split: Split, seed: int, *, scenario: str, target: str
    ) -> dict[str, cells.Cell]:
        """The cell of every approach but `auto`, by name."""
        parent = self.source(protocol, split, seed, scenario=scenario, target=target)
        return {
            approach: self.adapted(parent, target=target, approach=approach)
            for approach in self.approaches
            if approach != AUTO
        }

    def svm(self, protocol: str, split: Split, seed: int, *, features: str) -> cells.Svm:
        """The SVM on all domains (Table 2)."""
        return cells.Svm(
            protocol=protocol, split=split, domains=self.domains, seed=seed, features=features
        )

    def adaptive_svm(
        self, protocol: str, split: Split, seed: int, *, target: str
    ) -> cells.AdaptiveSvm:
        """Adaptive SVM from all other domains to the target (Table 5)."""
        sources = tuple(name for name in self.domains if name != target)
        return cells.AdaptiveSvm(
            protocol=protocol,
            split=split,
            sources=sources,
            target=target,
            seed=seed,
            features=self.baselines[0],
        )

    def plan(self) -> list[cells.Cell]:
        """Returns the distinct cells of all tables, trainings before what starts from them."""
        found: dict[cells.Cell, None] = {}
        for protocol in self.protocols:
            for fold in self.folds:
                for seed in self.seeds:
                    for cell in self._cells(protocol, fold, seed):
                        if isinstance(cell, cells.FineTuning):
                            found[cell.parent] = None
                        found[cell] = None
        return list(found)

    def _cells(self, protocol: str, fold: int, seed: int) -> Iterator[cells.Cell]:
        outer = Split.outer(fold)
        if 2 in self.tables:
            yield self.pretraining(protocol, outer, seed)
            if self.preset_without_lstm:
                yield self.cnn(protocol, outer, seed)
            for features in self.baselines:
                yield self.svm(protocol, outer, seed, features=features)
        for target in self.targets:
            if 3 in self.tables:
                yield self.on_target(protocol, outer, seed, target=target)
                for scenario in self.scenarios:
                    for split in (outer, *([Split.inner(fold)] if AUTO in self.approaches else [])):
                        yield from self.candidates(
                            protocol, split, seed, scenario=scenario, target=target
                        ).values()
            if 4 in self.tables:
                for source in self.domains:
                    if source != target:
                        parent = self.pretraining(protocol, outer, seed, without=source)
                        for approach in self.approaches:
                            if approach in PAPER_APPROACHES:
                                yield self.adapted(parent, target=target, approach=approach)
            if 5 in self.tables:
                parent = self.pretraining(protocol, outer, seed)
                yield self.adapted(parent, target=target, approach="A2")
                yield self.adaptive_svm(protocol, outer, seed, target=target)
            for count in self.clips_per_class.get(target, ()):
                for few in (self.few_alone, self.few_adapted):
                    yield few(protocol, outer, seed, target=target, clips_per_class=count)
            if self.cross_corpus:
                yield self.pretraining(protocol, outer, seed, without=target)
        if self.cross_corpus:
            for source in self.domains:
                yield self.on_target(protocol, outer, seed, target=source)

    def _training(
        self, protocol: str, split: Split, domains: tuple[str, ...], seed: int, settings: Settings
    ) -> cells.Training:
        return cells.Training(
            protocol=protocol,
            split=split,
            domains=domains,
            network=self.network,
            settings=dataclasses.replace(settings, seed=seed),
        )


def repetitions(clips_per_class: int) -> int:
    """Returns how many times the epochs of its settings a training on so few clips takes.

    >>> repetitions(5), repetitions(25), repetitions(100)
    (10, 2, 1)
    """
    return max(1, _FULL_CLIPS_PER_CLASS // clips_per_class)


def _repeated(settings: Settings, clips_per_class: int) -> Settings:
    return dataclasses.replace(settings, epochs=settings.epochs * repetitions(clips_per_class))


# A training, what to fine-tune from it, and whether its weights are wanted later.
Task = tuple[cells.Training, list[cells.FineTuning], bool]


def stages(planned: Iterable[cells.Cell]) -> tuple[list[Task], list[Task]]:
    """Returns the tasks of the networks: first all trainings, then all fine-tunings.

    Tasks of a stage are independent of each other. Fine-tunings of one parent and target are one
    task, as they share the outputs of frozen layers.
    """
    families: dict[cells.Training, dict[str, list[cells.FineTuning]]] = {}
    for cell in planned:
        if isinstance(cell, cells.Training):
            families.setdefault(cell, {})
        elif isinstance(cell, cells.FineTuning):
            families.setdefault(cell.parent, {}).setdefault(cell.target, []).append(cell)
    trainings: list[Task] = [(training, [], bool(own)) for training, own in families.items()]
    fine_tunings: list[Task] = [
        (training, group, True) for training, own in families.items() for group in own.values()
    ]
    # The longest first, so that none is left running alone at the end.
    trainings.sort(key=lambda task: -task[0].settings.epochs * len(task[0].domains))
    fine_tunings.sort(key=lambda task: -len(task[1]))
    return trainings, fine_tunings

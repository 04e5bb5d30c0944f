"""What a run of a release did, typed: the report and the command line show this."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from components.adaptation_gate.comparison import ADAPTED, Comparison
from components.parity_gate.artifact import Parity
from corpora.audit.report import Finding
from corpora.manifest.sources import Source
from modules.training.records import TrainingRecord
from modules.trust.answers import Answers
from pipeline.config import ReleaseConfig
from pipeline.runners.results import NodeResult
from schemas.features import DOMAIN
from schemas.labels import LabelSet
from schemas.signatures import MULTI_DOMAIN

# ((feature, value), …), empty for the overall slice.
SliceKey = tuple[tuple[str, str], ...]

ModelStatus = Literal["pushed", "kept back", "failed"]


def domain_slice(domain: str) -> SliceKey:
    """Returns the key of the slice that holds a domain's clips."""
    return ((DOMAIN, domain),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SliceResult:
    """What TFMA measured in one slice of the test fold.

    Attributes:
      clips: Number of clips.
      uar, uar_lower, uar_upper: Unweighted average recall and its 95% confidence interval.
      accuracy: Share of the clips recognised.
      recalls: Recall by label, of the labels that have clips.
      confusion: Counts, int64 `[labels, labels]` in the order of the label set, true labels in
        rows.
      answers: How far they were to be relied on; `None` where that was not measured.
    """

    clips: int
    uar: float
    uar_lower: float
    uar_upper: float
    accuracy: float
    recalls: dict[str, float]
    confusion: np.ndarray
    answers: Answers | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelResult:
    """What became of one model.

    Attributes:
      name: Its domain, or `multi-domain`.
      training: Record of its training; `None` if it was not trained.
      pretraining: Record of the pre-training that it was adapted from, or was to be; `None` for
        the multi-domain model, and where there was none.
      comparison: The adapted network against the multi-domain one, on the domain's test clips;
        `None` for the multi-domain model, and where they were not compared.
      slices: What was measured of what is served, by slice; empty if it was not evaluated.
      baseline_uar: UAR of the last blessed model by slice; empty if there was none.
      blessed: Whether every threshold held; `None` if it was not evaluated.
      faults: Thresholds that did not hold, in words.
      parity: How far a server's answers are from the evaluation's; `None` if none was asked.
      pushed_to: Folder of the version; `None` if it was not pushed.
      newest: The newest version in its serving folder, which servers answer with; `None` if there
        is none, or it was not pushed.
    """

    name: str
    training: TrainingRecord | None
    pretraining: TrainingRecord | None
    comparison: Comparison | None = None
    slices: dict[SliceKey, SliceResult]
    baseline_uar: dict[SliceKey, float]
    blessed: bool | None
    faults: tuple[str, ...]
    pushed_to: Path | None
    newest: int | None = None
    parity: Parity | None = None

    @property
    def multi_domain(self) -> bool:
        """Whether it answers for all domains."""
        return self.name == MULTI_DOMAIN

    @property
    def in_place(self) -> Comparison | None:
        """Why the multi-domain network is served in its place; `None` if it is not."""
        found = self.comparison
        return found if found and found.served != ADAPTED else None

    @property
    def status(self) -> ModelStatus:
        """What became of it, in a word."""
        if self.pushed_to:
            return "pushed"
        refused = self.parity is not None and self.parity.faults
        return "kept back" if self.blessed is False or refused else "failed"

    @property
    def reason(self) -> str:
        """Why; of a pushed model, its version."""
        if self.pushed_to:
            version = f"version {self.pushed_to.name}"
            return f"{version}, with the multi-domain network" if self.in_place else version
        if self.blessed is None:
            return "not evaluated: a step before it failed"
        faults = [*self.faults, *(self.parity.faults if self.parity else ())]
        return "; ".join(faults) or "blessed, but not pushed: a step behind that failed"

    @property
    def outcome(self) -> str:
        """One phrase: pushed, or why not."""
        head = {"pushed": "pushed as ", "kept back": "kept back: ", "failed": ""}[self.status]
        return head + self.reason


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording that was not used.

    Attributes:
      utterance_id, path, domain: What names it; empty where the account does not tell.
      status: `skipped` or `quarantined`.
      reason: Why, in words; empty where the account does not tell.
    """

    utterance_id: str
    path: str = ""
    domain: str
    status: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditResult:
    """What the audit of the manifest said.

    Attributes:
      verdict: Whether what is measured on these folds can be trusted, in a line.
      errors: Number of findings that break an honest measurement.
      findings: What was found, errors first.
      not_run: Checks that could not be made, each with the reason.
    """

    verdict: str
    errors: int
    findings: tuple[Finding, ...]
    not_run: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accepted:
    """What DataGate, or EmbeddingsGate, found and let pass.

    Attributes:
      reference: Digest of the manifest it compared with; empty if there was none.
      drift_accepted: Whether drift passed because somebody said so.
      drift, skew: Findings of either check, in words.
    """

    reference: str = ""
    drift_accepted: bool = False
    drift: tuple[str, ...] = ()
    skew: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunResults:
    """The last run in an output folder.

    Attributes:
      config: The resolved configuration.
      labels: The run's label set.
      nodes: What became of each node, in order.
      models: The multi-domain model and one model per domain.
      found: Number of the manifest's recordings by domain and status (used, skipped,
        quarantined), from AudioExampleGen's account.
      not_used: Recordings that were skipped or quarantined.
      sources: Where the manifest comes from; empty if nothing beside it says so.
      audit: Audit of the manifest; `None` if there was none.
      anomalies: What ExampleValidator found, by feature, in words.
      accepted: What DataGate let pass; `None` if the data did not pass.
      accepted_embeddings: What EmbeddingsGate let pass; `None` if there is no such gate, or if the
        clips did not pass.
    """

    config: ReleaseConfig
    labels: LabelSet
    nodes: tuple[NodeResult, ...]
    models: tuple[ModelResult, ...]
    found: Mapping[str, Mapping[str, int]]
    not_used: tuple[Recording, ...]
    sources: tuple[Source, ...]
    audit: AuditResult | None
    anomalies: tuple[str, ...]
    accepted: Accepted | None
    accepted_embeddings: Accepted | None = None

    @property
    def complete(self) -> bool:
        """Whether every model was pushed."""
        return bool(self.models) and all(model.pushed_to for model in self.models)

    @property
    def multi_domain(self) -> ModelResult | None:
        """The multi-domain model; `None` if the run names none."""
        return next((model for model in self.models if model.multi_domain), None)

    @property
    def adapted(self) -> tuple[ModelResult, ...]:
        """The models of single domains."""
        return tuple(model for model in self.models if not model.multi_domain)

    def node(self, component: str, model: str = "") -> NodeResult | None:
        """Returns what became of a node; `None` if the run has no such node."""
        return next(
            (node for node in self.nodes if (node.component, node.model) == (component, model)),
            None,
        )

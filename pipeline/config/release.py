"""The configuration of a release."""

import dataclasses
from pathlib import Path
from typing import Annotated

import pydantic

from pipeline.config import allowed
from pipeline.config.data import DataConfig
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.section import Name, Place, Scenario, Section, one_of
from pipeline.config.training import Training
from pipeline.config.trust import TrustConfig
from schemas.splits import S1

Approach = Annotated[str, one_of(allowed.approaches_or_choice)]
"""Name of a transfer approach, or `auto`: the one that does best on an inner split of the domain's
training folds."""


class Gate(Section):
    """What a model has to reach before it is pushed."""

    min_uar: float = pydantic.Field(0.0, ge=0, le=1)
    """UAR on the test fold of each domain that the model serves."""
    max_drop: float = pydantic.Field(1.0, ge=0, le=1)
    """How much UAR it may lose against the last blessed model, in absolute terms."""


class Domain(Section):
    """What differs for one domain; absent keys take the release's."""

    approach: Approach | None = None
    scenario: Scenario | None = None
    fine_tune: Training | None = None
    gate: Gate | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DomainSettings:
    """What counts for one domain: its own values, and the release's where it has none.

    Attributes:
      approach: Name of a transfer approach, or `auto`.
      scenario: Whether the domain's training folds are part of its pre-training.
      fine_tune: The training that adapts the network to the domain.
      gate: What the domain's models have to reach.
    """

    approach: str
    scenario: str
    fine_tune: Training
    gate: Gate


class ReleaseConfig(DataConfig):
    """One release: one network pre-trained on all domains and one adapted to each."""

    name: Name = "release"
    output: Place = Path("out/release")
    serving: Place | None = None
    """The folder TF Serving watches; `<output>/serving` if absent."""
    seed: int = pydantic.Field(0, ge=0)
    inner_fraction: float = pydantic.Field(0.15, gt=0, lt=0.5)
    """Share of the training clips that decides early stopping, and the approach where it is
    `auto`."""
    pretrain: Training = Training()
    fine_tune: Training = Training()
    approach: Approach = "A2"
    candidates: tuple[Annotated[str, one_of(allowed.approaches)], ...] = pydantic.Field(
        default_factory=allowed.paper_approaches, min_length=1
    )
    """Approaches among which `auto` chooses. Those that come to the same are compared once."""
    scenario: Scenario = S1
    known_speakers: bool = False
    """Whether what the clips of a speaker have in common is taken out of them, in training and,
    for speakers that `ser enrol` made known, in serving. For front ends with an encoder."""
    trust: TrustConfig = TrustConfig()
    gate: Gate = Gate()
    domains: dict[str, Domain] = pydantic.Field(default_factory=dict)
    """Per-domain settings, by the manifest's domain names."""
    kubeflow: Kubeflow = Kubeflow()

    @property
    def serving_root(self) -> Path:
        """The folder that models are pushed to."""
        return self.serving or self.output / "serving"

    def for_domain(self, domain: str) -> DomainSettings:
        """Returns what counts for one domain."""
        own = self.domains.get(domain, Domain())
        return DomainSettings(
            approach=own.approach or self.approach,
            scenario=own.scenario or self.scenario,
            fine_tune=own.fine_tune or self.fine_tune,
            gate=own.gate or self.gate,
        )

"""Runs an adaptation: from a request to a pushed model and a report."""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora import manifest as manifests
from modules.adaptation.possible import allowed, why_not
from modules.networks.approaches import APPROACHES, AUTO
from modules.training import memory
from modules.training.trained import spec_of
from pipeline import base_release, execution, protocols
from pipeline import config as configs
from pipeline.base_release import BaseRelease
from pipeline.config import AdaptationConfig
from pipeline.networks import recipe
from pipeline.observer import Observer
from pipeline.own_recordings import check_unheard, own_recordings
from pipeline.preparation import Prepared, prepare
from pipeline.protocols import Protocol
from pipeline.request import Request
from schemas.errors import UserError
from schemas.labels import LabelSet

if TYPE_CHECKING:
    from pipeline.reports.adaptation.results import AdaptationResults

REPORT_FILE = "report.html"

# What a network and its clips are made by: the base's, whatever is adapted to.
_OF_BASE = ("front_end", "preset", "precision", "encoder", "members", "audio")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaptationResult:
    """What an adaptation came to.

    Attributes:
      prepared: The configuration, and the manifest it ran on.
      found: What became of nodes and the model.
      report: The page that shows it.
    """

    prepared: Prepared[AdaptationConfig]
    found: "AdaptationResults"
    report: Path

    @property
    def complete(self) -> bool:
        """Whether the model was pushed."""
        return self.found.pushed


def run(request: Request, *, observer: Observer) -> AdaptationResult:
    """Adapts a release's network; what did not change since the last run is not repeated.

    Args:
      request: Where the adaptation's configuration comes from.
      observer: Hears how far the run is.

    Raises:
      UserError: The configuration, its base or its manifest is at fault, or another run uses the
        folder.
    """
    config = configs.read(request.config, request.overrides, kind=AdaptationConfig)
    base = base_release.read(config.base)
    config = with_base(config, base)
    own = own_recordings(config, manifests.read(config.manifest))
    protocol = protocols.choose(own.utterances, config.protocol)
    check(config, base, own.labels)
    check_unheard(config, own.utterances, base)
    prepared = prepare(config, track=observer.track)
    # Recordings that were never hashed are by now.
    check_unheard(config, prepared.utterances, base)
    observer.on_prepared(prepared)

    from pipeline import adaptation

    build = functools.partial(adaptation.build, base=base, protocol=protocol)
    execution.execute(prepared, build, observer=observer)

    from pipeline.reports.adaptation import report
    from pipeline.reports.adaptation.collect import collect

    found = collect(config.output, remarks=remarks(base, protocol, prepared))
    return AdaptationResult(
        prepared=prepared, found=found, report=report.write(found, config.output / REPORT_FILE)
    )


def with_base(config: AdaptationConfig, base: BaseRelease) -> AdaptationConfig:
    """Returns a configuration with the network and the audio of its base.

    Raises:
      UserError: It names others.
    """
    own: dict[str, Any] = {key: getattr(base.config, key) for key in _OF_BASE}
    for key, value in own.items():
        given = getattr(config, key)
        if key in config.model_fields_set and given != value:
            raise UserError(
                f"{key}: the network of {config.base} was trained with {value}, not with {given};"
                f" leave {key} out, or take another base"
            )
    return config.model_copy(update=own)


def check(config: AdaptationConfig, base: BaseRelease, labels: LabelSet) -> None:
    """Checks that the base can be adapted as it was asked for.

    Args:
      config: The adaptation.
      base: The release.
      labels: Labels of the manifest.

    Raises:
      UserError: The base knows speakers, no approach fits its network and the labels, one tunes
        layers that are computed beforehand, or a batch does not fit into the memory that a training
        may take.
    """
    spec = spec_of(base.record.network, base.labels)
    if base.record.known_speakers:
        raise UserError(
            f"{base.folder}: its network was trained for known speakers, and an adaptation knows"
            " none; take a base that was run with known_speakers: false"
        )
    approaches = config.candidates if config.approach == AUTO else (config.approach,)
    for approach in approaches:
        if APPROACHES[approach].unfrozen:
            raise UserError(
                f"approach {approach} tunes layers that the front end holds, which an adaptation"
                " computes once; choose another approach"
            )
    if config.approach == AUTO:
        allowed(approaches, spec, base.labels, labels)
    elif reason := why_not(config.approach, spec, base.labels, labels):
        raise UserError(reason)
    own_recipe = recipe(config)
    for key, training in (
        ("fine_tune", config.fine_tune.over(own_recipe.fine_tune)),
        ("scratch", config.scratch.over(own_recipe.scratch)),
    ):
        memory.check(
            config.training.memory_gib,
            batch_size=training.batch_size,
            row_shape=(config.input_samples, 1),
            batch_key=f"{key}.batch_size",
        )


def remarks(
    base: BaseRelease, protocol: Protocol, prepared: Prepared[AdaptationConfig]
) -> tuple[str, ...]:
    """Returns what has to be known to read the figures, the weightiest first."""
    found = [protocol.remark] if protocol.remark else []
    [domain] = prepared.manifest.domains
    if domain in base.record.clips:
        found.append(
            f"the base was trained on other clips of {domain}: its figures without adaptation are"
            " not those of a new domain"
        )
    if base.config.synthetic:
        found.append("the base was trained on synthetic speech")
    if base.examples is None:
        found.append("the base's clips are no longer there: what was forgotten cannot be measured")
    return tuple(found)

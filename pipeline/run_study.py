"""Runs a transfer study: from a request to every cell and the tables of them."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import config as configs
from pipeline import execution
from pipeline.config import StudyConfig
from pipeline.manifest import Manifest
from pipeline.observer import Observer
from pipeline.preparation import Prepared, prepare
from pipeline.request import StudyRequest
from pipeline.runners.results import NodeResult
from schemas.errors import UserError
from schemas.progress import Track
from schemas.sound import SAMPLE_RATE_HZ
from schemas.splits import PROTOCOLS

if TYPE_CHECKING:
    from modules.networks.registry import NetworkSpec
    from modules.study.cells import Cell
    from modules.study.design import Design
    from modules.study.store import Store
    from pipeline.reports.release.results import Recording

# Below the output folder.
TABLES = "tables"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Count:
    """The cells of one kind.

    Attributes:
      kind: What they are, in words.
      planned: Number of cells that the study needs.
      done: Number of those that its store has.
    """

    kind: str
    planned: int
    done: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study has to compute.

    Attributes:
      store: Folder of the results.
      counts: The cells by kind; kinds of which there are none are left out.
    """

    store: Path
    counts: tuple[Count, ...]

    @property
    def planned(self) -> int:
        """Number of cells that the study needs."""
        return sum(count.planned for count in self.counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """How long the cells that are missing will take to train.

    Attributes:
      clips: Clips to learn from, each counted as often as it is seen.
      clips_per_s: Clips that this machine learns from in a second, as measured.
    """

    clips: float
    clips_per_s: float

    @property
    def duration_s(self) -> float:
        """The time it takes, in seconds."""
        return self.clips / self.clips_per_s


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyResult:
    """What a study came to.

    Attributes:
      plan: What it had to compute before it began.
      nodes: What became of each node; empty where only the plan was asked for.
      missing: Number of cells that are not in the store.
      report: The page with the tables; `None` where nothing is there to show.
      not_used: Recordings that were skipped or quarantined.
    """

    plan: Plan
    nodes: tuple[NodeResult, ...]
    missing: int
    report: Path | None
    not_used: "tuple[Recording, ...]" = ()

    @property
    def complete(self) -> bool:
        """Whether every cell is there and no node failed."""
        return not self.missing and not execution.failures(self.nodes)


def run(request: StudyRequest, *, observer: Observer) -> StudyResult:
    """Runs a study on this machine; what its store has is not computed again.

    Args:
      request: Where the study's configuration comes from, and whether to stop at its plan.
      observer: Hears how far the run is.

    Raises:
      UserError: The configuration or its manifest is at fault, the store holds results of other
        data or code, its SVMs need openSMILE and it is missing, or another run uses the folder.
    """
    config = configs.read(request.config, request.overrides, kind=StudyConfig)
    prepared = prepare(config, track=observer.track)
    observer.on_prepared(prepared)

    from pipeline import study

    # Before any work: a store of other data or code is refused here.
    store, design = opened(config, prepared.manifest, prepared.network)
    planned = design.plan()
    plan = Plan(store=store.folder, counts=_counts(planned, store))
    observer.on_plan(plan)
    missing = [cell for cell in planned if cell not in store]
    # Before the speed is measured, which takes seconds.
    require_features(missing)
    if estimate := _estimate(missing, prepared, design):
        observer.on_estimate(estimate)
    if request.plan_only:
        return StudyResult(plan=plan, nodes=(), missing=len(missing), report=None)
    nodes = execution.execute(prepared, study.build, observer=observer)

    from pipeline.reports.release.collect import not_used

    return StudyResult(
        plan=plan,
        nodes=nodes,
        missing=sum(cell not in store for cell in planned),
        report=write_tables(config, store, design, command=request.command, track=observer.track),
        not_used=not_used(config),
    )


def opened(
    config: StudyConfig, manifest: Manifest, network: "NetworkSpec"
) -> tuple["Store", "Design"]:
    """Returns a study's store and its design.

    Raises:
      UserError: The store holds results of other data or code.
    """
    from modules.study.store import Store
    from pipeline import study

    store = Store(
        config.store_root.absolute(),
        identity=study.identity(config, manifest.digest, network),
    )
    return store, study.design(config, manifest, network)


def _counts(planned: "Sequence[Cell]", store: "Store") -> tuple[Count, ...]:
    """Returns how many cells there are of each kind, and how many are done."""
    from modules.study import cells

    names = {
        cells.Training: "trainings from scratch",
        cells.FineTuning: "fine-tunings",
        cells.Svm: "SVMs",
        cells.AdaptiveSvm: "Adaptive SVMs",
    }
    counts = []
    for kind, name in names.items():
        for few, what in ((False, name), (True, f"{name} on few clips")):
            own = [
                cell
                for cell in planned
                if isinstance(cell, kind) and bool(getattr(cell, "clips_per_class", None)) == few
            ]
            if own:
                done = sum(cell in store for cell in own)
                counts.append(Count(kind=what, planned=len(own), done=done))
    return tuple(counts)


def require_features(missing: "Sequence[Cell]") -> None:
    """Raises UserError where SVMs are still to be trained and their features cannot be had."""
    from modules.baselines.features import FEATURE_SETS
    from modules.study import cells

    for name in dict.fromkeys(
        cell.features for cell in missing if isinstance(cell, cells.Svm | cells.AdaptiveSvm)
    ):
        try:
            FEATURE_SETS[name].require()
        except UserError as error:
            raise UserError(
                f"baselines: {name} cannot be had (`--baselines functionals` needs nothing else; in"
                f" a checkout, `make opensmile` installs openSMILE): {error}"
            ) from None


def _estimate(
    missing: "Sequence[Cell]", prepared: Prepared[StudyConfig], design: "Design"
) -> Estimate | None:
    """Returns how long the missing cells will take; None where there is nothing to train."""
    from modules.study import estimate

    counts = Counter(
        (protocol, utterance.domain, utterance.fold(protocol))
        for utterance in prepared.utterances
        for protocol in PROTOCOLS
    )
    work = estimate.work(missing, lambda *key: counts[key])
    if not work:
        return None
    speed = estimate.clips_per_s(design.network)
    return Estimate(clips=work, clips_per_s=speed)


def write_tables(
    config: StudyConfig, store: "Store", design: "Design", *, command: str, track: Track
) -> Path | None:
    """Writes the tables of what the store has, and returns the page that shows them.

    Args:
      config: The study.
      store: Its results.
      design: What it computes.
      command: What repeats it.
      track: Shows progress over the recordings.

    Returns:
      The page; `None` where the store has nothing to show.
    """
    from corpora.manifest_summary import summarise
    from modules.study import clips
    from pipeline.reports.study import report

    if not (store.folder / clips.TABLE).exists():
        return None
    written = report.write(
        store,
        clips.load(store.folder),
        design,
        config.output / TABLES,
        title="Transfer study",
        synthetic=config.synthetic,
        command=command,
        corpora_summary=summarise(
            config.manifest,
            over_length=config.audio.over_length,
            input_s=config.input_samples / SAMPLE_RATE_HZ,
            trim_silence=config.audio.trim_silence,
            track=track,
        ),
    )
    return written[0]

"""The report of a study from its store alone: what was asked for is read from what is there."""

import dataclasses
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeVar

from modules.baselines.features import FEATURE_SETS
from modules.networks.approaches import PAPER_APPROACHES, first_alike
from modules.networks.registry import FRONT_ENDS, NetworkSpec
from modules.networks.waveform import WAVEFORM
from modules.study import clips as study_clips
from modules.study.cells import AdaptiveSvm, Cell, FineTuning, Split, Svm, Training, from_json, key
from modules.study.clips import Clips
from modules.study.design import Design, repetitions
from modules.study.store import Store
from modules.training.settings import Settings
from pipeline.reports.study import report
from pipeline.reports.study.approaches import AUTO, fine_tuned, in_order, without_fine_tuning
from schemas.errors import UserError
from schemas.labels import PAPER
from schemas.words import listed, plural

Value = TypeVar("Value")

# Adapted from all domains, whichever approaches and scenarios the other tables have.
TABLE_5_APPROACH = "A2"
_TABLE_OF_TT = 3
# Of a store of SVMs only, whose tables show none.
_PAPER_NETWORK = NetworkSpec(front_end=WAVEFORM.name, preset="fast", outputs=len(PAPER))
_FILES = ("store.json", study_clips.TABLE, "clips.json")


def write(
    folder: Path, out: Path, *, synthetic: bool, command: str, cross_corpus: bool = False
) -> list[Path]:
    """Writes the report of all that a store holds; see `pipeline.reports.study.report.write`.

    Args:
      folder: Folder of the store, for example unpacked from a study's `cells.tar.xz`.
      out: Folder of the report.
      synthetic: Whether the speech is synthetic, which a store does not tell.
      command: Command line that repeats it.
      cross_corpus: Whether to show the cross-corpus matrix, whose cells other tables have, too.

    Returns:
      What was written.

    Raises:
      UserError: The folder is no store of a study, or it holds studies of several settings.
    """
    store, clips = open_store(folder)
    stored = [from_json(record["cell"]) for record in store.results()]
    if not stored:
        raise UserError(f"{folder}: the store holds no results yet; run `ser study` first")
    design = design_of(stored, clips, source=str(folder), cross_corpus=cross_corpus)
    untold = "neither the corpora (Table 1) nor whether the speech is synthetic"
    if synthetic:
        untold = "nothing of the corpora (Table 1)"
    remarks = [f"Written from the store alone, which tells {untold}."]
    planned = {key(cell) for cell in design.plan()}
    if other := sum(key(cell) not in planned for cell in stored):
        remarks.append(f"In no table: {plural(other, 'cell')} of the store.")
    return report.write(
        store,
        clips,
        design,
        out,
        title="Transfer study",
        synthetic=synthetic,
        command=command,
        remarks=remarks,
    )


def open_store(folder: Path) -> tuple[Store, Clips]:
    """Returns a store as it is, whatever data and code it was made with, and its clips.

    Raises:
      UserError: The folder is no store of a study.
    """
    if lacking := [name for name in _FILES if not (folder / name).is_file()]:
        raise UserError(
            f"{folder}: is no store of a study, it has no {listed(lacking)}; give a folder like"
            " out/study/store, or one into which a study's cells.tar.xz was unpacked"
        )
    try:
        identity = json.loads((folder / "store.json").read_text(encoding="utf-8"))
        return Store(folder, identity=identity), study_clips.load(folder)
    except (ValueError, KeyError) as error:
        raise UserError(
            f"{folder}: store.json, clips.json or {study_clips.TABLE} is broken ({error}); unpack"
            " or run the study again"
        ) from error


def design_of(
    stored: Collection[Cell], clips: Clips, *, source: str, cross_corpus: bool = False
) -> Design:
    """Returns the design whose tables show what is stored.

    Approaches without fine-tuning need no cells of their own and are part of every design.

    Args:
      stored: All cells that have a result.
      clips: Clips of the study.
      source: What errors call the store.
      cross_corpus: Whether the cross-corpus matrix is shown; it is where nothing else explains
        what is stored.

    Raises:
      UserError: The cells are of several settings, or of domains that the clips do not have.
    """
    domains = tuple(sorted({name for cell in stored for name in _domains(cell)}))
    if strange := set(domains) - set(clips.domain_names()):
        raise UserError(f"{source}: its cells are of {listed(sorted(strange))}, its clips are not")
    trainings = [cell for cell in stored if isinstance(cell, Training)]
    tunings = [cell for cell in stored if isinstance(cell, FineTuning)]
    parents = {cell.parent for cell in tunings}
    pretrainings = [cell for cell in trainings if len(cell.domains) > 1 or cell in parents]
    pretrain = _only(map(_seedless, pretrainings), "pre-training", source)
    alone = [cell for cell in trainings if len(cell.domains) == 1]
    # Of two domains, the pre-training without one is on a single domain, too.
    on_target = [cell for cell in alone if _seedless(cell) != pretrain] or alone
    scratch = _only(map(_seedless, on_target), "TT", source)
    fine_tune = _only(map(_seedless, tunings), "fine-tuning", source)
    networks: list[Training | FineTuning] = [*trainings, *tunings]
    few = [cell for cell in networks if cell.clips_per_class is not None]
    of_tables = set(stored) - set(few)
    # What no cell has is in no table.
    some = pretrain or scratch or fine_tune or Settings(epochs=1)
    network = _only(
        (cell.network for cell in trainings if not _without_lstm(cell)), "network", source
    )
    outer = [cell for cell in stored if cell.split == Split.outer(cell.split.test)]
    targets = {cell.target for cell in stored if isinstance(cell, FineTuning | AdaptiveSvm)}
    only_crossed = _only_crossed(of_tables, domains)
    if only_crossed and not targets:
        targets = {name for cell in pretrainings for name in domains if name not in cell.domains}
    elif not targets or (len(domains) > 2 and not cross_corpus and not only_crossed):
        targets |= {cell.domains[0] for cell in on_target}
    tables, scenarios = _tables(of_tables, len(domains)), _scenarios(of_tables, domains)
    if only_crossed:
        tables = tuple(table for table in tables if table != _TABLE_OF_TT)
    return Design(
        domains=domains,
        targets=tuple(sorted(targets or domains)),
        # The paper's first.
        protocols=tuple(sorted({cell.protocol for cell in stored})),
        folds=tuple(sorted({cell.split.test for cell in outer})),
        seeds=tuple(sorted({_seed(cell) for cell in stored})),
        tables=tables,
        scenarios=scenarios,
        approaches=tuple(
            in_order(
                _approaches([cell for cell in tunings if cell in of_tables], domains)
                | set(without_fine_tuning())
                | ({AUTO} if len(outer) < len(stored) else set())
            )
        ),
        baselines=_baselines(stored),
        network=network or _PAPER_NETWORK,
        pretrain=pretrain or some,
        scratch=scratch or some,
        fine_tune=fine_tune or some,
        cross_corpus=cross_corpus or only_crossed,
        clips_per_class=_curves(few),
    )


def _curves(few: Collection[Training | FineTuning]) -> dict[str, tuple[int, ...]]:
    """Returns the numbers of clips a class of each target that has a learning curve."""
    found: dict[str, set[int]] = {}
    for cell in few:
        target = cell.target if isinstance(cell, FineTuning) else cell.domains[0]
        found.setdefault(target, set()).add(cell.clips_per_class or 0)
    return {target: tuple(sorted(found[target])) for target in sorted(found)}


def _only_crossed(of_tables: Collection[Cell], domains: tuple[str, ...]) -> bool:
    """Returns whether networks of single domains are there, and nothing that they stand beside."""
    trainings = [cell for cell in of_tables if isinstance(cell, Training)]
    return (
        any(len(cell.domains) == 1 for cell in trainings)
        and not any(cell.domains == domains for cell in trainings)
        and not any(isinstance(cell, FineTuning) for cell in of_tables)
    )


def _without_lstm(cell: Training) -> bool:
    return cell.network.preset in FRONT_ENDS[cell.network.front_end].without_lstm.values()


def _baselines(stored: Collection[Cell]) -> tuple[str, ...]:
    """Returns the features of the SVMs, those of Adaptive SVM first."""
    adaptive = {cell.features for cell in stored if isinstance(cell, AdaptiveSvm)}
    found = adaptive | {cell.features for cell in stored if isinstance(cell, Svm)}
    in_order = [name for name in FEATURE_SETS if name in found] or list(FEATURE_SETS)[:1]
    return tuple(sorted(in_order, key=lambda name: name not in adaptive))


def _domains(cell: Cell) -> tuple[str, ...]:
    if isinstance(cell, FineTuning):
        return (*cell.parent.domains, cell.target)
    return (*cell.sources, cell.target) if isinstance(cell, AdaptiveSvm) else cell.domains


def _seed(cell: Cell) -> int:
    return cell.settings.seed if isinstance(cell, Training | FineTuning) else cell.seed


def _seedless(cell: Training | FineTuning) -> Settings:
    """Returns the settings as the design has them."""
    settings = dataclasses.replace(cell.settings, seed=0)
    if cell.clips_per_class is None:
        return settings
    return dataclasses.replace(
        settings, epochs=settings.epochs // repetitions(cell.clips_per_class)
    )


def _only(values: Iterable[Value], what: str, source: str) -> Value | None:
    """Returns the one value that all share; `None` if there is none."""
    found = list(dict.fromkeys(values))
    if len(found) > 1:
        raise UserError(
            f"{source}: holds results of {len(found)} settings of {what}"
            f" ({'; '.join(map(str, found))}); write the report of one of them with the command"
            " that made it, without --from-store"
        )
    return found[0] if found else None


def _tables(stored: Collection[Cell], domains: int) -> tuple[int, ...]:
    """Returns the tables of which there is a cell that no other table has."""
    trainings = [cell for cell in stored if isinstance(cell, Training)]
    marks = {
        2: any(isinstance(cell, Svm) for cell in stored)
        or any(_without_lstm(cell) for cell in trainings),
        3: any(len(cell.domains) == 1 for cell in trainings),
        4: any(
            len(cell.parent.domains) == domains - 1 and cell.target in cell.parent.domains
            for cell in stored
            if isinstance(cell, FineTuning)
        ),
        5: any(isinstance(cell, AdaptiveSvm) for cell in stored),
    }
    return tuple(table for table, there in marks.items() if there)


def _approaches(tunings: Collection[FineTuning], domains: tuple[str, ...]) -> set[str]:
    """Returns the approaches of the fine-tunings, one that is Table 5's alone left aside."""
    elsewhere = {cell.approach for cell in tunings if cell.parent.domains != domains}
    every = {cell.approach for cell in tunings}
    found = every - ({TABLE_5_APPROACH} - elsewhere) if elsewhere else every
    for network in {cell.parent.network for cell in tunings}:
        # Of those that come to the same there is one cell.
        papers = {
            first_alike(name, network.groups, held=network.held)
            for name in PAPER_APPROACHES
            if fine_tuned(name)
        }
        if papers <= found:
            found |= set(PAPER_APPROACHES)
    return found


def _scenarios(stored: Collection[Cell], domains: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the scenarios of which there are cells, those of Table 5 alone left aside."""
    tunings = [cell for cell in stored if isinstance(cell, FineTuning)]
    first = {cell.approach for cell in tunings if cell.parent.domains == domains}
    second = {cell.approach for cell in tunings if cell.target not in cell.parent.domains}
    of_table_5 = any(isinstance(cell, AdaptiveSvm) for cell in stored)
    if of_table_5 and first <= {TABLE_5_APPROACH} and second - first:
        first = set()
    found = tuple(name for name, has in (("S1", first), ("S2", second)) if has)
    # Without fine-tunings, what a pre-training on all domains gives.
    return found or ("S1",)

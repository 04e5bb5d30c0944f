"""The paper's Tables 1 to 5, one of each for each protocol, and what leakage was worth.

Numbers are UAR averaged over folds, or the relative gain of one such average over another, as in
the paper. What is missing is NaN here and `–` on paper; nothing is filled in.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from corpora.summary import DomainSummary
from modules.networks.approaches import PAPER_APPROACHES
from modules.study.cells import Cell, Split
from modules.study.design import Design
from pipeline.reports.study import paper
from pipeline.reports.study.inference import compare, difference_interval, with_holm
from pipeline.reports.study.layout import (
    NOTHING,
    PROTOCOL_WORDS,
    Column,
    Entry,
    Row,
    Table,
    display,
    number,
)
from pipeline.reports.study.results import Results, Series
from pipeline.reports.study.series import (
    adapted,
    adaptive_svm,
    approach_order,
    on_target,
    relative_gain,
    without,
)
from schemas.labels import EMOTIONS
from schemas.words import kilohertz


def all_tables(results: Results, summaries: Sequence[DomainSummary] | None) -> list[Table]:
    """Returns Table 1, if there are summaries, and the design's tables for each protocol."""
    design = results.design
    builders = {2: table_2, 3: table_3, 4: table_4, 5: table_5}
    found = [table_1(summaries)] if summaries else []
    found += [
        builders[which](results, protocol)
        for protocol in design.protocols
        for which in sorted(builders.keys() & set(design.tables))
    ]
    if len(design.protocols) > 1:
        found.append(leakage(results))
    return found


def table_1(summaries: Sequence[DomainSummary]) -> Table:
    """Returns the summary of the corpora, each above the paper's row."""
    emotions = [*summaries[0].emotions]
    names = ["language", "elicitation", "rate", "speakers", "clips", *emotions]
    rows = []
    for each in summaries:
        people = [f"{each.speakers:,}"] * bool(each.speakers)
        people += ["unknown"] * bool(each.unknown_speakers)
        values = {
            "language": each.language,
            "elicitation": each.elicitation + (", synthetic" if each.synthetic else ""),
            "rate": ", ".join(kilohertz(rate_hz) for rate_hz in each.rates_hz),
            "speakers": " + ".join(people) or NOTHING,
            "clips": f"{each.clips:,}",
            **{name: f"{each.emotions[name]:,}" for name in emotions},
        }
        rows.append(_words_row(each.domain, "own", values))
        if each.paper:
            values = dict.fromkeys(names, NOTHING) | {
                "language": each.paper.language,
                "elicitation": each.paper.elicitation,
                "rate": kilohertz(each.paper.rate_hz),
                "clips": f"{each.paper.clips:,}",
            }
            rows.append(_words_row(each.domain, "paper", values))
    return Table(
        slug="table-1",
        title="Table 1. The corpora",
        caption="Clips after selection, in all and by emotion.",
        protocol="",
        facts=[f"{sum(each.clips for each in summaries):,} clips of {len(summaries)} domains"],
        head="corpus",
        columns=[Column(key=name, name=name, measure="words") for name in names],
        rows=rows,
        notes=[f"{display(each.domain)}: {note}." for each in summaries for note in each.notes],
    )


def _words_row(domain: str, kind: Literal["own", "paper"], values: Mapping[str, str]) -> Row:
    return Row(
        name=display(domain) if kind == "own" else "paper",
        kind=kind,
        target=domain,
        entries={name: Entry(words=words) for name, words in values.items()},
    )


def table_2(results: Results, protocol: str) -> Table:
    """Returns the UAR of SVM, CNN and CNN+LSTM, trained on all domains and tested on each."""
    design = results.design
    systems: dict[str, Callable[[Split, int], Cell]] = {
        "SVM-IS": lambda split, seed: design.svm(protocol, split, seed),
        "CNN": lambda split, seed: design.cnn(protocol, split, seed),
        "CNN+LSTM": lambda split, seed: design.pretraining(protocol, split, seed),
    }
    columns = [Column(key=name, name=name, measure="uar") for name in systems]
    rows, own = [], []
    for domain in design.domains:
        series = {
            name: results.series(protocol, domain, cell_of) for name, cell_of in systems.items()
        }
        reference = series["CNN+LSTM"]
        entries = {
            name: Entry(
                value=each.mean,
                series=each,
                reference=None if each is reference else reference,
                comparison=None if each is reference else compare(each, reference),
            )
            for name, each in series.items()
        }
        own.append(_own(domain, entries))
        rows.append(own[-1])
        if domain in paper.TABLE_2:
            rows.append(_paper(domain, paper.TABLE_2[domain]))
    rows += _averages(own, columns)
    return _table(
        results,
        number=2,
        title="Networks and SVM, trained and tested on all domains",
        caption="UAR; no adaptation. Marks: differs from CNN+LSTM.",
        protocol=protocol,
        head="tested on",
        columns=columns,
        rows=rows,
        domains=design.domains,
    )


def table_3(results: Results, protocol: str) -> Table:
    """Returns TT and what each approach gains over it, for each target, under S1 and S2."""
    design = results.design
    columns = [Column(key="TT", name="TT", measure="uar")]
    columns += [
        Column(
            key=f"{scenario}-{approach}",
            name=approach,
            measure="gain",
            panel=f"{scenario}: {_SCENARIO_WORDS[scenario]}",
        )
        for scenario in design.scenarios
        for approach in approach_order(design.approaches)
    ]
    rows, own = [], []
    chosen: dict[str, list[str]] = {}
    for target in design.targets:
        baseline = on_target(results, protocol, target)
        entries = {"TT": Entry(value=baseline.mean, series=baseline)}
        for scenario in design.scenarios:
            for approach in approach_order(design.approaches):
                series = adapted(results, protocol, target, scenario, approach)
                entries[f"{scenario}-{approach}"] = Entry(
                    value=relative_gain(series, baseline),
                    series=series,
                    reference=baseline,
                    comparison=compare(series, baseline),
                )
                if series.choices:
                    times = ", ".join(
                        f"{name} {count}×" for name, count in sorted(series.choices.items())
                    )
                    chosen.setdefault(scenario, []).append(f"{display(target)} {times}")
        own.append(_own(target, entries, rank=[column.key for column in columns[1:]]))
        rows.append(own[-1])
        if target in paper.TT:
            gains = {}
            for column in columns[1:]:
                scenario, approach = _split_key(column.key)
                gains[column.key] = paper.gain(scenario, target, approach)
            rows.append(_paper(target, {"TT": paper.TT[target], **gains}, rank=list(gains)))
    rows += _averages(own, columns)
    if len(own) > 1 and any(row.kind == "paper" for row in rows):
        rows += _paper_averages(columns)
    return _table(
        results,
        number=3,
        title="Training on the target (TT), and what adaptation gains over it",
        caption="TT: UAR. The others: relative gain over TT, (adapted − TT) / TT, of UAR averaged"
        " over folds. Bold: the best gain of the row, over all panels. Marks: differs from TT.",
        protocol=protocol,
        head="target",
        columns=columns,
        rows=rows,
        domains=design.targets,
        notes=[
            f"auto under {scenario} chose: {'; '.join(times)}."
            for scenario, times in chosen.items()
        ],
    )


_SCENARIO_WORDS = {
    "S1": "the target's training folds are part of pre-training",
    "S2": "the target is no part of pre-training",
}


def _split_key(key: str) -> tuple[str, str]:
    scenario, _, approach = key.partition("-")
    return scenario, approach


def table_4(results: Results, protocol: str) -> Table:
    """Returns the UAR on each target after one source was left out of pre-training."""
    design = results.design
    approaches = [name for name in approach_order(design.approaches) if name in PAPER_APPROACHES]
    columns = [Column(key=name, name=name, measure="uar") for name in approaches]
    # Cells of Table 3, which Table 4 alone does not plan.
    planned_in_full = 3 in design.tables and "S1" in design.scenarios
    rows = []
    for target in design.targets:
        full = {
            name: adapted(results, protocol, target, "S1", name)
            for name in approaches
            if planned_in_full
        }
        if full:
            entries = {name: Entry(value=s.mean, series=s) for name, s in full.items()}
            rows.append(_own(target, entries, name="none left out", group=display(target)))
        for source in design.domains:
            if source == target:
                continue
            entries = {}
            for name in approaches:
                series = without(results, protocol, target, source, name)
                reference = full.get(name)
                entries[name] = Entry(
                    value=series.mean,
                    series=series,
                    reference=reference,
                    comparison=compare(series, reference) if reference else None,
                )
            name = f"without {display(source)}"
            rows.append(_own(target, entries, name=name, group=display(target)))
    return _table(
        results,
        number=4,
        title="One source left out of pre-training",
        caption="UAR on the target. All other domains, the target's training folds included, are"
        " part of pre-training."
        + (" Marks: differs from the same approach with none left out." if planned_in_full else ""),
        protocol=protocol,
        head="target, source left out",
        columns=columns,
        rows=rows,
        domains=design.targets,
    )


def table_5(results: Results, protocol: str) -> Table:
    """Returns S1-A2 beside Adaptive SVM, with the relative gain."""
    columns = [
        Column(key="Adaptive SVM", name="Adaptive SVM", measure="uar"),
        Column(key="S1-A2", name="S1-A2 network", measure="uar"),
        Column(key="gain", name="relative gain", measure="gain"),
    ]
    own = []
    for target in results.design.targets:
        svm = adaptive_svm(results, protocol, target)
        network = adapted(results, protocol, target, "S1", "A2")
        entries = {
            "Adaptive SVM": Entry(value=svm.mean, series=svm),
            "S1-A2": Entry(value=network.mean, series=network),
            "gain": Entry(
                value=relative_gain(network, svm),
                series=network,
                reference=svm,
                comparison=compare(network, svm),
            ),
        }
        own.append(_own(target, entries, rank=["Adaptive SVM", "S1-A2"]))
    low, high = (f"{gain:.1%}" for gain in paper.TABLE_5_GAINS)
    return _table(
        results,
        number=5,
        title="The multi-domain network against Adaptive SVM",
        caption="UAR, and the network's relative gain over Adaptive SVM. The paper's gains run from"
        f" {low} to {high}.",
        protocol=protocol,
        head="target",
        columns=columns,
        rows=[*own, *_averages(own, columns)],
        domains=results.design.targets,
    )


def leakage(results: Results) -> Table:
    """Returns UAR under random minus under speaker-independent folds, by target and system."""
    design = results.design
    systems: dict[str, Callable[[str, str], Series]] = {}
    if 2 in design.tables:
        systems["SVM-IS, all domains"] = lambda protocol, target: results.series(
            protocol, target, lambda split, seed: design.svm(protocol, split, seed)
        )
        systems["CNN+LSTM, all domains"] = lambda protocol, target: results.series(
            protocol, target, lambda split, seed: design.pretraining(protocol, split, seed)
        )
    if 3 in design.tables:
        systems["TT"] = lambda protocol, target: on_target(results, protocol, target)
    if 5 in design.tables or (3 in design.tables and "S1" in design.scenarios):
        systems["S1-A2"] = lambda protocol, target: adapted(results, protocol, target, "S1", "A2")
    if 5 in design.tables:
        systems["Adaptive SVM"] = lambda protocol, target: adaptive_svm(results, protocol, target)
    columns = [Column(key=name, name=name, measure="difference") for name in systems]
    own = []
    pairs: dict[str, list[tuple[Series, Series]]] = {name: [] for name in systems}
    for target in design.targets:
        entries = {}
        for name, series_of in systems.items():
            leaky, honest = (
                series_of(protocol, target) for protocol in ("random", "speaker_independent")
            )
            entries[name] = Entry(value=leaky.mean - honest.mean, series=leaky, reference=honest)
            pairs[name].append((leaky, honest))
        own.append(_own(target, entries, rank=[]))
    table = _table(
        results,
        number=0,
        title="What leakage was worth",
        caption="UAR under random folds minus UAR under speaker-independent folds: what it is worth"
        " to know the speakers of the test fold from training.",
        protocol="",
        head="target",
        columns=columns,
        rows=[*own, *_averages(own, columns)],
        domains=design.targets,
        notes=[
            f"{name}, over all targets and folds: {number(found.estimate, 'difference')}, 95%"
            f" interval {number(found.lower, 'difference')} to"
            f" {number(found.upper, 'difference')}, speakers resampled."
            for name, of_targets in pairs.items()
            if math.isfinite((found := difference_interval(results.clips, of_targets)).lower)
        ],
    )
    return dataclasses.replace(table, slug="leakage")


# Rows.


def _own(
    target: str,
    entries: Mapping[str, Entry],
    *,
    rank: Sequence[str] | None = None,
    name: str = "",
    group: str = "",
) -> Row:
    """Returns a row with its best number marked and Holm's correction over its comparisons."""
    corrected = with_holm({key: entry.comparison for key, entry in entries.items()})
    entries = {
        key: dataclasses.replace(entry, comparison=corrected[key]) for key, entry in entries.items()
    }
    return Row(
        name=name or display(target),
        kind="own",
        target=target,
        group=group,
        entries=_with_best(entries, list(entries) if rank is None else rank),
    )


def _paper(
    target: str, values: Mapping[str, float | None], *, rank: Sequence[str] | None = None
) -> Row:
    entries = {
        key: Entry(value=math.nan if value is None else value) for key, value in values.items()
    }
    ranked = _with_best(entries, list(entries) if rank is None else rank)
    return Row(name="paper", kind="paper", target=target, entries=ranked)


def _with_best(entries: Mapping[str, Entry], rank: Sequence[str]) -> dict[str, Entry]:
    values = {key: entries[key].value for key in rank if math.isfinite(entries[key].value)}
    # As printed: equal figures are equally good.
    best = round(max(values.values()), 3) if len(values) > 1 else None
    return {
        key: dataclasses.replace(entry, best=key in values and round(values[key], 3) == best)
        for key, entry in entries.items()
    }


def _averages(own: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Returns mean and standard deviation (ddof 1) over rows; NaN where one of them is."""
    if len(own) < 2:
        return []
    values = {column.key: [row.entries[column.key].value for row in own] for column in columns}
    means = {key: Entry(value=float(np.mean(each))) for key, each in values.items()}
    spreads = {key: Entry(value=float(np.std(each, ddof=1))) for key, each in values.items()}
    gains = [column.key for column in columns if column.measure == "gain"]
    rank = gains if len(gains) > 1 else [c.key for c in columns if c.measure == "uar"]
    return [
        Row(name="average", kind="average", entries=_with_best(means, rank)),
        Row(name="standard deviation", kind="sd", entries=spreads, signed=False),
    ]


def _paper_averages(columns: Sequence[Column]) -> list[Row]:
    """Returns the paper's average over its own six domains, whichever ours are."""
    known = list(paper.TT.values())
    means = {"TT": Entry(value=float(np.mean(known)))}
    spreads = {"TT": Entry(value=float(np.std(known, ddof=1)))}
    for column in columns[1:]:
        average = paper.average_gain(*_split_key(column.key)) or (math.nan, math.nan)
        means[column.key], spreads[column.key] = (Entry(value=value) for value in average)
    rank = [column.key for column in columns[1:]]
    return [
        Row(name="paper, average of its six", kind="paper", entries=_with_best(means, rank)),
        Row(name="paper, standard deviation", kind="paper", entries=spreads, signed=False),
    ]


# What must be said of a table.


def _table(
    results: Results,
    *,
    number: int,
    title: str,
    caption: str,
    protocol: str,
    head: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    domains: Sequence[str],
    notes: Sequence[str] = (),
) -> Table:
    needed: set[Cell] = set()
    for row in rows:
        for entry in row.entries.values():
            for series in (entry.series, entry.reference):
                needed |= series.needed if series else set()
    # The same design, whether or not anything of it has run.
    missing = sum(cell not in results.store for cell in needed)
    notes = [*notes]
    if missing:
        notes.insert(
            0, f"{missing:,} of {len(needed):,} cells are missing: what rests on them shows –."
        )
    protocols = [protocol] if protocol else list(results.design.protocols)
    for each in protocols:
        notes += class_notes(results, each, domains, named=not protocol)
    notes = list(dict.fromkeys([*notes, *_untested(results, rows)]))
    return Table(
        slug=f"table-{number}-{protocol}",
        title=f"Table {number}. {title}" if number else title,
        caption=caption,
        protocol=protocol,
        facts=_facts(results, protocols, domains),
        head=head,
        columns=columns,
        rows=rows,
        missing=missing,
        planned=len(needed),
        notes=notes,
    )


def _facts(results: Results, protocols: Sequence[str], domains: Sequence[str]) -> list[str]:
    design = results.design
    clips = {
        domain: max(
            len(results.clips.rows(protocol, domains=(domain,), folds=design.folds))
            for protocol in protocols
        )
        for domain in domains
    }
    of_each = ", ".join(f"{display(domain)} {count:,}" for domain, count in clips.items())
    return [
        " and ".join(PROTOCOL_WORDS[protocol] for protocol in protocols),
        f"{_count(design.folds, 'test fold')} ({_listing(design.folds)})",
        f"{_count(design.seeds, 'seed')} ({_listing(design.seeds)})",
        f"{sum(clips.values()):,} test clips: {of_each}",
    ]


def _count(values: Sequence[int], noun: str) -> str:
    return f"{len(values)} {noun}{'' if len(values) == 1 else 's'}"


def _listing(values: Sequence[int]) -> str:
    return ", ".join(str(value) for value in values)


def class_notes(
    results: Results, protocol: str, domains: Sequence[str], *, named: bool = False
) -> list[str]:
    """Returns in words which emotions domains lack, and which are missing in single test folds.

    Args:
      results: with the clips.
      protocol: of the folds.
      domains: to look at.
      named: whether to name the protocol.
    """
    clips, found = results.clips, []
    for domain in domains:
        has = set(clips.classes(domain).tolist())
        if not has:
            found.append(f"{display(domain)} has no clip at all.")
            continue
        absent = [emotion for i, emotion in enumerate(EMOTIONS) if i not in has]
        if absent:
            found.append(
                f"{display(domain)} has no clip of {_words(absent)}: left out of its UAR, and never"
                " chosen."
            )
        for fold in results.design.folds:
            tested = clips.labels[clips.rows(protocol, domains=(domain,), folds=(fold,))]
            lacking = [EMOTIONS[i] for i in sorted(has - set(tested.tolist()))]
            if lacking:
                where = f" ({PROTOCOL_WORDS[protocol]})" if named else ""
                found.append(
                    f"{display(domain)}, fold {fold}{where}: no test clip of {_words(lacking)};"
                    f" UAR over the other {len(has) - len(lacking)}."
                )
    return list(dict.fromkeys(found))


def _untested(results: Results, rows: Sequence[Row]) -> list[str]:
    """Names systems that could not take all clips of their test folds."""
    found = {}
    for row in rows:
        for key, entry in row.entries.items():
            for (fold, _), measured in (entry.series.values if entry.series else {}).items():
                cell = next(iter(entry.series.needed))  # type: ignore[union-attr]
                every = results.clips.rows(cell.protocol, domains=(row.target,), folds=(fold,))
                if len(measured.rows) < len(every):
                    found[row.target, key, fold] = (
                        f"{key} was tested on {len(measured.rows)} of the {len(every)} clips of"
                        f" {display(row.target)}'s fold {fold}."
                    )
    return list(found.values())


def _words(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def design_words(design: Design) -> str:
    """Returns the networks' settings in a sentence each."""
    parts = []
    for name, settings in (
        ("pre-training", design.pretrain),
        ("TT", design.scratch),
        ("fine-tuning", design.fine_tune),
    ):
        shift = f", shifted by up to {settings.shift_s:g} s" if settings.shift_s else ""
        patience = f", early stopping after {settings.patience}" if settings.patience else ""
        parts.append(
            f"{name}: {settings.epochs} epochs, AdaDelta at {settings.learning_rate:g}"
            f" ({settings.schedule}), batches of {settings.batch_size}{shift}{patience}"
        )
    return f"Network preset {design.preset}; {'; '.join(parts)}."

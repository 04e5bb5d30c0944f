"""What leakage was worth: random folds against speaker-independent ones."""

import dataclasses
import functools
import math
from collections.abc import Callable

from modules.baselines.features import FEATURE_SETS
from pipeline.reports.study.inference import difference_interval
from pipeline.reports.study.layout import Column, Entry, Table
from pipeline.reports.study.results import Results, Series
from pipeline.reports.study.series import adapted, adaptive_svm, on_target
from pipeline.reports.study.tables.remarks import network_name, table
from pipeline.reports.study.tables.rows import averages, own_row
from schemas.splits import RANDOM, SPEAKER_INDEPENDENT
from schemas.words import bare


def leakage(results: Results) -> Table:
    """Returns UAR under random minus under speaker-independent folds, by target and system."""
    systems = _systems(results)
    columns = [Column(key=name, name=name, measure="difference") for name in systems]
    own = []
    pairs: dict[str, list[tuple[Series, Series]]] = {name: [] for name in systems}
    for target in results.design.targets:
        entries = {}
        for name, series_of in systems.items():
            leaky, honest = (
                series_of(protocol, target) for protocol in (RANDOM, SPEAKER_INDEPENDENT)
            )
            entries[name] = Entry(value=leaky.mean - honest.mean, series=leaky, reference=honest)
            pairs[name].append((leaky, honest))
        own.append(own_row(target, entries, rank=[]))
    built = table(
        results,
        number=0,
        title="What leakage was worth",
        caption="UAR under random folds minus UAR under speaker-independent folds: what it is worth"
        " to know the speakers of the test fold from training.",
        protocol="",
        head="target",
        columns=columns,
        rows=[*own, *averages(own, columns)],
        domains=results.design.targets,
        notes=[
            f"{name}, over all targets and folds: {bare(found.estimate, sign=True)}, 95%"
            f" interval {bare(found.lower, sign=True)} to"
            f" {bare(found.upper, sign=True)}, speakers resampled."
            for name, of_targets in pairs.items()
            if math.isfinite((found := difference_interval(results.clips, of_targets)).lower)
        ],
    )
    return dataclasses.replace(built, slug="leakage")


def _systems(results: Results) -> dict[str, Callable[[str, str], Series]]:
    """Returns the systems that the design has under any protocol, by name."""
    design = results.design
    systems: dict[str, Callable[[str, str], Series]] = {}
    if 2 in design.tables:
        for name in design.baselines:
            systems[f"{FEATURE_SETS[name].machine}, all domains"] = functools.partial(
                _svm, results, name
            )
        systems[f"{network_name(design)}, all domains"] = lambda protocol, target: results.series(
            protocol, target, lambda split, seed: design.pretraining(protocol, split, seed)
        )
    if 3 in design.tables:
        systems["TT"] = lambda protocol, target: on_target(results, protocol, target)
    if 5 in design.tables or (3 in design.tables and "S1" in design.scenarios):
        systems["S1-A2"] = lambda protocol, target: adapted(results, protocol, target, "S1", "A2")
    if 5 in design.tables:
        systems["Adaptive SVM"] = lambda protocol, target: adaptive_svm(results, protocol, target)
    return systems


def _svm(results: Results, features: str, protocol: str, target: str) -> Series:
    return results.series(
        protocol,
        target,
        functools.partial(results.design.svm, protocol, features=features),
    )

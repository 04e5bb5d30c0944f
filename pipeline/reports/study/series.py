"""The series of UARs that tables, figures and verdicts speak of, by name."""

import functools
import math

from modules.study.cells import Cell, Split
from pipeline.reports.study.approaches import AUTO
from pipeline.reports.study.results import Results, Series


def on_target(results: Results, protocol: str, target: str) -> Series:
    """Returns TT: the network trained on the target alone."""
    design = results.design
    return results.series(
        protocol,
        target,
        lambda split, seed: design.on_target(protocol, split, seed, target=target),
    )


def adapted(results: Results, protocol: str, target: str, scenario: str, approach: str) -> Series:
    """Returns an approach's series, `auto`'s included."""
    if approach == AUTO:
        return results.auto(protocol, target, scenario)
    design = results.design

    def cell_of(split: Split, seed: int) -> Cell:
        parent = design.source(protocol, split, seed, scenario=scenario, target=target)
        return design.adapted(parent, target=target, approach=approach)

    return results.series(protocol, target, cell_of)


def relative_gain(series: Series, baseline: Series) -> float:
    """Returns (series − baseline) / baseline of UAR averaged over folds (paper, section 3.2)."""
    return (series.mean - baseline.mean) / baseline.mean if baseline.mean else math.nan


def without(results: Results, protocol: str, target: str, source: str, approach: str) -> Series:
    """Returns an approach's series after `source` was left out of pre-training."""
    design = results.design

    def cell_of(split: Split, seed: int) -> Cell:
        parent = design.pretraining(protocol, split, seed, without=source)
        return design.adapted(parent, target=target, approach=approach)

    return results.series(protocol, target, cell_of)


def adaptive_svm(results: Results, protocol: str, target: str) -> Series:
    """Returns Adaptive SVM's series (Table 5)."""
    design = results.design
    return results.series(
        protocol,
        target,
        lambda split, seed: design.adaptive_svm(protocol, split, seed, target=target),
    )


def elsewhere(results: Results, protocol: str, target: str, source: str | None) -> Series:
    """Returns the network trained on another domain, or without one on all others, as it is."""
    design = results.design

    def cell_of(split: Split, seed: int) -> Cell:
        if source is None:
            return design.pretraining(protocol, split, seed, without=target)
        return design.on_target(protocol, split, seed, target=source)

    return results.series(protocol, target, cell_of)


def few_alone(results: Results, protocol: str, target: str, clips_per_class: int) -> Series:
    """Returns the network trained on a few clips of the target alone."""
    return results.series(
        protocol,
        target,
        functools.partial(
            results.design.few_alone, protocol, target=target, clips_per_class=clips_per_class
        ),
    )


def few_adapted(results: Results, protocol: str, target: str, clips_per_class: int) -> Series:
    """Returns the network that never heard the target, tuned on the same few clips."""
    return results.series(
        protocol,
        target,
        functools.partial(
            results.design.few_adapted, protocol, target=target, clips_per_class=clips_per_class
        ),
    )

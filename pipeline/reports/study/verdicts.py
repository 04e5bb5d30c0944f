"""The paper's three claims against what the study found, in plain words: yes, no, or not shown."""

import dataclasses
from typing import Literal

import numpy as np

from modules.metrics.statistics import Interval
from modules.study.design import Design
from pipeline.reports.study import paper
from pipeline.reports.study.approaches import AUTO, alike, fine_tuned, in_order
from pipeline.reports.study.inference import ALPHA, compare, gain_interval, with_holm
from pipeline.reports.study.layout import display
from pipeline.reports.study.results import Results, Series
from pipeline.reports.study.series import (
    adapted,
    adaptive_svm,
    on_target,
    relative_gain,
)
from schemas.words import signed_percent

Answer = Literal["yes", "no", "not shown", "open"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a claim.

    Attributes:
      claim: The paper's claim, in words.
      answer: `yes` if the numbers say so beyond chance, `not shown` if chance could have made
        them, `no` if they say the opposite, `open` where results are missing.
      words: The numbers it rests on.
    """

    claim: str
    answer: Answer
    words: str


def verdicts(results: Results, protocol: str) -> list[Verdict]:
    """Returns a verdict on each claim that the design's tables can speak to."""
    design = results.design
    found = []
    if 3 in design.tables and _has_s1_a2(design):
        found.append(_beats_training_on_target(results, protocol))
    if 5 in design.tables:
        found.append(_beats_adaptive_svm(results, protocol))
    if 3 in design.tables and len(_tuned(design)) > 1 and len(design.targets) > 1:
        found.append(_best_differs(results, protocol))
    return found


def _has_s1_a2(design: Design) -> bool:
    return "S1" in design.scenarios and "A2" in design.approaches


def _beats_training_on_target(results: Results, protocol: str) -> Verdict:
    pairs = [
        (adapted(results, protocol, target, "S1", "A2"), on_target(results, protocol, target))
        for target in results.design.targets
    ]
    mean, spread = paper.average_gain("S1", "A2") or (np.nan, np.nan)
    return _beats(
        results,
        pairs,
        claim="A multi-domain network, fine-tuned (S1-A2), beats training on the target alone, on"
        " average.",
        theirs=f"The paper: {mean:+.1%} on average (standard deviation {spread:.1%}).",
    )


def _beats_adaptive_svm(results: Results, protocol: str) -> Verdict:
    pairs = [
        (adapted(results, protocol, target, "S1", "A2"), adaptive_svm(results, protocol, target))
        for target in results.design.targets
    ]
    low, high = paper.TABLE_5_GAINS
    return _beats(
        results,
        pairs,
        claim="It beats Adaptive SVM.",
        theirs=f"The paper: {low:+.1%} to {high:+.1%}.",
    )


def _beats(
    results: Results, pairs: list[tuple[Series, Series]], *, claim: str, theirs: str
) -> Verdict:
    if missing := sum(not (first.complete and second.complete) for first, second in pairs):
        return Verdict(
            claim=claim,
            answer="open",
            words=f"Results are missing for {missing} of {len(pairs)} targets. {theirs}",
        )
    gains = [relative_gain(first, second) for first, second in pairs]
    interval = gain_interval(results.clips, pairs)
    average = float(np.mean(gains))
    up = sum(gain > 0 for gain in gains)
    each = ", ".join(
        f"{display(target)} {signed_percent(gain)}"
        for target, gain in zip(results.design.targets, gains, strict=True)
    )
    words = (
        f"Average gain {signed_percent(average)}, better on {up} of {len(gains)} targets"
        f" ({each}). Gain of the UAR averaged over targets, all folds together:"
        f" {interval_words(interval)}. {theirs}"
    )
    return Verdict(claim=claim, answer=_answer(average, interval), words=words)


def _answer(gain: float, interval: Interval) -> Answer:
    if gain > 0 and interval.lower > 0:
        return "yes"
    return "no" if gain <= 0 else "not shown"


def _tuned(design: Design) -> list[str]:
    """Names the approaches among which the best cut-off is sought; of those alike, the first."""
    names = [name for name in in_order(design.approaches) if name != AUTO and fine_tuned(name)]
    return [own[0] for own in alike(design.network, names)]


def _best_differs(results: Results, protocol: str) -> Verdict:
    """Compares each target's best approach with the one that is best on average."""
    design = results.design
    claim = "The best cut-off differs by target."
    names = [(scenario, name) for scenario in design.scenarios for name in _tuned(design)]
    series = {
        target: {pair: adapted(results, protocol, target, *pair) for pair in names}
        for target in design.targets
    }
    baselines = {target: on_target(results, protocol, target) for target in design.targets}
    incomplete = [
        target
        for target, own in series.items()
        if not baselines[target].complete or not all(each.complete for each in own.values())
    ]
    if incomplete:
        return Verdict(
            claim=claim,
            answer="open",
            words=f"Results are missing for {len(incomplete)} of {len(design.targets)} targets.",
        )
    gains = {
        target: {pair: relative_gain(each, baselines[target]) for pair, each in own.items()}
        for target, own in series.items()
    }
    average = {pair: float(np.mean([gains[target][pair] for target in gains])) for pair in names}
    common = max(names, key=lambda pair: average[pair])
    best = {target: max(names, key=lambda pair: own[pair]) for target, own in gains.items()}
    # Each target's best was picked among all after the fact, so the family is all of them.
    sure = []
    for target, own in series.items():
        family = with_holm(
            {"-".join(pair): compare(own[pair], own[common]) for pair in names if pair != common}
        )
        winner = family.get("-".join(best[target]))
        if winner is not None and winner.p_holm <= ALPHA:
            sure.append(target)
    each = ", ".join(
        f"{display(target)} {'-'.join(pair)} ({signed_percent(gains[target][pair])})"
        for target, pair in best.items()
    )
    words = (
        f"Highest: {each}; on average {'-'.join(common)} ({signed_percent(average[common])})."
        f" A target's best beats {'-'.join(common)} beyond chance (corrected test, Holm) on"
        f" {len(sure)} of {len(best)} targets"
        + (f": {', '.join(display(target) for target in sure)}." if sure else ".")
    )
    answer: Answer = "no" if len(set(best.values())) == 1 else "yes" if sure else "not shown"
    return Verdict(claim=claim, answer=answer, words=words)


def interval_words(interval: Interval) -> str:
    """Formats a gain with its interval.

    >>> interval_words(Interval(estimate=0.05, lower=-0.01, upper=0.1))
    '+5.0%, 95% interval −1.0% to +10.0%'
    """
    estimate = signed_percent(interval.estimate)
    if not np.isfinite(interval.lower):
        return f"{estimate}, without an interval (it takes two speakers in each domain)"
    return (
        f"{estimate}, 95% interval {signed_percent(interval.lower)} to"
        f" {signed_percent(interval.upper)}"
    )

"""What was pushed, what was not, and why."""

import dataclasses
from collections.abc import Iterable

from components.adaptation_gate.comparison import Comparison
from pipeline.reports.release.results import ModelResult, ModelStatus, RunResults
from pipeline.runners.results import NodeResult
from schemas.words import apart, brief, is_known, listed, plural, signed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one model, in words.

    Attributes:
      model: Its name.
      kind: What became of it, in a word.
      short: Why, for a table's cell.
      sentences: The whole story.
    """

    model: str
    kind: ModelStatus
    short: str
    sentences: str


def outcome(model: ModelResult, results: RunResults) -> Outcome:
    """Returns what became of a model."""
    text = model.outcome
    sentences = f"{text[:1].upper()}{text[1:]}."
    if model.status == "pushed":
        pusher = results.node("Pusher", model.name)
        if pusher and pusher.status == "cached":
            sentences = (
                "Nothing it depends on changed since an earlier run pushed it as"
                f" {model.reason}; that version stays."
            )
        sentences += f" Folder: {model.pushed_to}. {_thresholds(model, results)}"
        sentences += _in_place(model) + _parity(model) + _served(model)
    elif model.status == "kept back":
        before = " The last blessed version stays as it is." if model.baseline_uar else ""
        sentences += f"{before} {_thresholds(model, results)}"
    else:
        last = results.node("Pusher" if model.blessed else "Evaluator", model.name)
        causes = failures_behind(last, results.nodes) if last else []
        sentences += "".join(f" {node.node_id} failed: {brief(node.error)}" for node in causes)
    return Outcome(model=model.name, kind=model.status, short=model.reason, sentences=sentences)


def _parity(model: ModelResult) -> str:
    """Returns how far a server's answers were from the evaluation's."""
    found = model.parity
    if found is None:
        return ""
    return (
        f" A server of its own answered {plural(found.clips, 'clip')} by each signature, in batches"
        f" and at other rates: {plural(found.answers, 'answer')}, probabilities at most"
        f" {found.largest_difference:.2g} from the evaluation's."
    )


def _served(model: ModelResult) -> str:
    """Returns what a server answers with, where that is another version."""
    assert model.pushed_to
    if model.newest is None:
        return " That folder holds no model now: a server has nothing to serve."
    if str(model.newest) == model.pushed_to.name:
        return ""
    return f" A server answers with version {model.newest}, the newest in the folder, instead."


def _in_place(model: ModelResult) -> str:
    """Returns why the multi-domain network is served in the adapted one's place, if it is."""
    found = model.in_place
    if found is None:
        return ""
    adapted, common = apart(found.adapted.uar, found.multi_domain.uar)
    return (
        f" Adapting made it worse: on the same {plural(found.clips, 'clip')} the adapted network"
        f" has UAR {adapted}, the multi-domain network {common} ({difference(found)}). The domain"
        " serves the multi-domain network, which answers with the domain's own labels only."
    )


def difference(found: Comparison) -> str:
    """Returns the difference of two networks with its interval, in words."""
    text = f"difference {signed(found.difference)}"
    if is_known(found.low) and is_known(found.high):
        text += f", 95% interval {signed(found.low)} to {signed(found.high)}"
        text += f", resampling {found.resampled}"
    return text


def _thresholds(model: ModelResult, results: RunResults) -> str:
    """Returns the thresholds of a model, in words."""
    served = [each.name for each in results.adapted] if model.multi_domain else [model.name]
    gates: dict[tuple[float, float], list[str]] = {}
    for domain in served:
        gate = results.config.for_domain(domain).gate
        assert gate is not None
        gates.setdefault((gate.min_uar, gate.max_drop), []).append(domain)
    texts = []
    for (least, drop), names in gates.items():
        text = f"UAR of at least {least:.3f} on {listed(names)}"
        if drop < 1:
            text += f", and at most {drop:.3f} below the last blessed model"
            text += "" if model.baseline_uar else " (there was none)"
        texts.append(text)
    return f"Asked of it: {'; '.join(texts)}." if texts else ""


def failures_behind(node: NodeResult, nodes: Iterable[NodeResult]) -> list[NodeResult]:
    """Returns the failed nodes because of which `node` has no result."""
    by_id = {each.node_id: each for each in nodes}
    found, seen, waiting = [], set(), [node.node_id]
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if by_id[name].status == "failed":
            found.append(by_id[name])
        waiting += by_id[name].needs
    return found

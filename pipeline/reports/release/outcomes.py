"""What was pushed, what was not, and why."""

import dataclasses
from collections.abc import Iterable

from pipeline.reports.release.results import ModelResult, ModelStatus, RunResults
from pipeline.runners.local import NodeResult
from schemas.words import brief, listed


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
    elif model.status == "kept back":
        before = " The last blessed version stays as it is." if model.baseline_uar else ""
        sentences += f"{before} {_thresholds(model, results)}"
    else:
        last = results.node("Pusher" if model.blessed else "Evaluator", model.name)
        causes = failures_behind(last, results.nodes) if last else []
        sentences += "".join(f" {node.node_id} failed: {brief(node.error)}" for node in causes)
    return Outcome(model=model.name, kind=model.status, short=model.reason, sentences=sentences)


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

"""The report of a run: one self-contained HTML page, the most important things first."""

import base64
import dataclasses
import datetime
import importlib.metadata
import io
import math
import platform
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import yaml
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from corpora.manifest import account_path
from pipeline.reports import pages
from pipeline.runners.local import STATUSES
from schemas.features import DOMAIN, EMOTION, GENDER, LANGUAGE
from schemas.labels import EMOTIONS
from schemas.signatures import MULTI_DOMAIN
from schemas.words import duration, is_known, listed, percent, plural, signed, three

if TYPE_CHECKING:  # pipeline.results imports Keras, which a report has no use for.
    from pipeline.reports.release.results import ModelResult, RunResults, SliceKey, SliceResult
    from pipeline.runners.local import NodeResult

TEMPLATE = "report.html.jinja"

# Distinct in hue and in lightness, so that they stay apart in print and to colour-blind eyes.
_MULTI_COLOUR, _ADAPTED_COLOUR, _CHANCE_COLOUR = "#9aa7b4", "#0b5f8f", "#1d2733"
_CURVE_COLOURS = ("#7d8a97", _ADAPTED_COLOUR)
_HEAT_RGB = (11, 95, 143)
# Above it white text stands out by 4.5:1 or more, up to it black text does.
_DARK_SHARE = 0.82

_SCENARIOS = {
    "S1": "pre-trained with this domain's training folds",
    "S2": "pre-trained without this domain",
}
# Up to this many recordings that were not used are listed one by one.
_LISTED = 40
# Of each finding of the audit.
_EXAMPLES = 5
# Beam's errors carry whole tracebacks of their workers.
_ERROR_LENGTH = 300


def write(results: "RunResults", path: Path) -> Path:
    """Writes the report of a run.

    Args:
      results: from `pipeline.reports.release.results.collect`.
      path: the HTML file; its folder is made.

    Returns:
      `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(results, now=datetime.datetime.now()), encoding="utf-8")
    return path


def render(results: "RunResults", *, now: datetime.datetime) -> str:
    """Returns the page; `now` is the date it carries."""
    environment = pages.environment(Path(__file__).parent)
    environment.filters.update(
        three=three, signed=signed, percent=percent, duration=duration, listed=listed, brief=_brief
    )
    return environment.get_template(TEMPLATE).render(_view(results, now))


# What the page shows, as plain values.


def _view(results: "RunResults", now: datetime.datetime) -> dict[str, Any]:
    multi = _multi(results)
    rows = [
        _summary_row(model, multi, results)
        for model in results.models
        if model.name != MULTI_DOMAIN
    ]
    config = results.config
    return {
        "config": config,
        "written": f"{now:%Y-%m-%d %H:%M}",
        "versions": _versions(),
        "rows": rows,
        "average": _average(rows),
        "has_baseline": any(row["change"] is not None for row in rows),
        "multi": multi,
        "multi_outcome": _outcome(multi, results) if multi else None,
        "multi_overall": multi.slices.get(()) if multi else None,
        "uar_plot": _uar_plot(rows),
        "outcomes": [_outcome(model, results) for model in results.models],
        "pushed_count": sum(model.pushed_to is not None for model in results.models),
        "models": [_model_view(model, results) for model in results.models],
        "data": _data_rows(results),
        "account_known": bool(results.found),
        "not_used": _not_used(results.not_used),
        "index_account": account_path(config["manifest"]),
        "sources": results.sources,
        "audit": _audit(results),
        "anomalies": _anomalies(results),
        "comparison": _comparison(results),
        "nodes": results.nodes,
        "node_counts": {
            status: count
            for status in STATUSES
            if (count := sum(node.status == status for node in results.nodes))
        },
        "log": Path(str(config["output"])) / "logs" / "pipeline.log",
        "total_s": sum(node.duration_s for node in results.nodes),
        "yaml": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
        **_commands(results),
    }


def _multi(results: "RunResults") -> "ModelResult | None":
    return next((model for model in results.models if model.name == MULTI_DOMAIN), None)


def _versions() -> dict[str, str]:
    """Returns the versions of what made the numbers, by distribution."""
    versions = {"Python": platform.python_version()}
    for name in ("ser-tfx", "tfx", "tensorflow", "keras"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _own_key(domain: str) -> "SliceKey":
    return ((DOMAIN, domain),)


def _emotions(domain: str, results: "RunResults") -> list[str] | None:
    """Returns the emotions a domain has training clips of; None if nothing was trained."""
    for model in results.models:
        if model.training and domain in model.training.get("emotions", {}):
            return list(model.training["emotions"][domain])
    return None


def _absent(present: Iterable[str] | None) -> list[str]:
    return [] if present is None else [e for e in EMOTIONS if e not in set(present)]


def _tested(result: "SliceResult") -> list[str]:
    """Returns the emotions that a slice has clips of."""
    totals = np.asarray(result.confusion).sum(axis=1)
    return [emotion for emotion, total in zip(EMOTIONS, totals, strict=True) if total]


def _setting(results: "RunResults", domain: str, key: str) -> Any:
    """Returns a setting of one domain: its own, or the release's."""
    own = (results.config.get("domains") or {}).get(domain) or {}
    value = own.get(key)
    return results.config.get(key) if value is None else value


def _summary_row(
    model: "ModelResult", multi: "ModelResult | None", results: "RunResults"
) -> dict[str, Any]:
    key = _own_key(model.name)
    own, common = model.slices.get(key), multi.slices.get(key) if multi else None
    shown = own or common
    emotions = _emotions(model.name, results)
    classes = len(emotions or (_tested(shown) if shown else ()))
    baseline = model.baseline_uar.get(key)
    return {
        "domain": model.name,
        "clips": shown.clips if shown else None,
        "common": common,
        "own": own,
        "gain": own.uar - common.uar if own and common else None,
        "change": own.uar - baseline if own and baseline is not None else None,
        "chance": 1 / classes if classes else None,
        "approach": _approach_name(model, results),
        "approach_words": _approach_words(model, results),
        "lacks": _absent(emotions),
        "untested": sorted(set(emotions or ()) - set(_tested(shown))) if shown else [],
        "outcome": _outcome(model, results),
    }


def _average(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Averages over the domains for which both models were measured."""
    both = [row for row in rows if is_known(row["gain"])]
    if not both:
        return None
    common = float(np.mean([row["common"].uar for row in both]))
    own = float(np.mean([row["own"].uar for row in both]))
    return {"domains": len(both), "common": common, "own": own, "gain": own - common}


def _approach_name(model: "ModelResult", results: "RunResults") -> str:
    done = (model.training or {}).get("configuration", {})
    name = model.approach or _setting(results, model.name, "approach")
    scenario = done.get("scenario") or _setting(results, model.name, "scenario")
    return f"{name}, {scenario}"


def _approach_words(model: "ModelResult", results: "RunResults") -> str:
    """Says what an approach and a scenario are, from the record of what was done."""
    scenario = _approach_name(model, results).rsplit(" ", 1)[-1]
    fates = _fates(model.training)
    words = {
        fate: listed(g for g, other in fates.items() if other == fate)
        for fate in ("frozen", "tuned", "re-initialised")
    }
    if not fates:
        layers = ""
    elif not model.training["approach"]["fine_tuned"]:  # type: ignore[index]
        layers = "pre-trained network as it is"
    elif set(fates.values()) == {"tuned"}:
        layers = "all layers tuned"
    else:
        layers = "; ".join(f"{groups} {fate}" for fate, groups in words.items() if groups)
    choice = (model.training or {}).get("choice", {})
    uars = ", ".join(f"{name} {three(uar)}" for name, uar in choice.items())
    chosen = f"chosen by UAR on an inner split: {uars}" if uars else ""
    return "; ".join(part for part in (layers, _SCENARIOS.get(scenario, ""), chosen) if part)


def _fates(training: Mapping[str, Any] | None) -> dict[str, str]:
    """Returns what happened to each layer group; empty for a network that was not adapted."""
    approach = (training or {}).get("approach")
    if not approach:
        return {}
    return {
        group: "frozen"
        if group in approach["frozen"]
        else "re-initialised"
        if group in approach["reinitialised"]
        else "tuned"
        for group in training["weight_hashes"]  # type: ignore[index]
    }


# What was pushed, and why.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one model, in words.

    Attributes:
      model: its name.
      kind: `pushed`, `kept back` or `failed`.
      short: for a table's cell.
      sentences: the whole story.
    """

    model: str
    kind: str
    short: str
    sentences: str


def _outcome(model: "ModelResult", results: "RunResults") -> Outcome:
    text = model.outcome
    sentences = f"{text[:1].upper()}{text[1:]}."
    if model.pushed_to:
        kind = "pushed"
        if _status(results, f"Pusher.{model.name}") == "cached":
            sentences = (
                f"Nothing it depends on changed since an earlier run pushed it "
                f"as version {model.pushed_to.name}; that version stays."
            )
        sentences += f" Folder: {model.pushed_to}. {_gate_words(model, results)}"
    elif model.blessed is False:
        kind = "kept back"
        before = " The last blessed version stays as it is." if model.baseline_uar else ""
        sentences += f"{before} {_gate_words(model, results)}"
    else:
        kind = "failed"
        first = f"{'Pusher' if model.blessed else 'Evaluator'}.{model.name}"
        causes = _causes(first, results.nodes)
        sentences += "".join(f" {node.node_id} failed: {_brief(node.error)}" for node in causes)
    # The kind stands beside it.
    short = text.removeprefix("pushed as ").removeprefix(f"{kind}: ")
    return Outcome(model=model.name, kind=kind, short=short, sentences=sentences)


def _brief(error: str) -> str:
    """Returns the first line of an error, cut where it would fill a page.

    >>> _brief("ValueError: no clips\\nTraceback …")
    'ValueError: no clips'
    """
    first = error.strip().partition("\n")[0]
    return first if len(first) <= _ERROR_LENGTH else first[:_ERROR_LENGTH] + "…"


def _status(results: "RunResults", node_id: str) -> str | None:
    return next((node.status for node in results.nodes if node.node_id == node_id), None)


def _gate_words(model: "ModelResult", results: "RunResults") -> str:
    """States the thresholds of a model."""
    domains = [model.name]
    if model.name == MULTI_DOMAIN:
        domains = [other.name for other in results.models if other.name != MULTI_DOMAIN]
    gates: dict[tuple[float, float], list[str]] = {}
    for domain in domains:
        gate = _setting(results, domain, "gate") or {}
        if gate:
            gates.setdefault((gate["min_uar"], gate["max_drop"]), []).append(domain)
    texts = []
    for (least, drop), names in gates.items():
        text = f"UAR of at least {least:.3f} on {listed(names)}"
        if drop < 1:
            text += f", and at most {drop:.3f} below the last blessed model"
            text += "" if model.baseline_uar else " (there was none)"
        texts.append(text)
    return f"Asked of it: {'; '.join(texts)}." if texts else ""


def _causes(node_id: str, nodes: "Sequence[NodeResult]") -> "list[NodeResult]":
    """Returns the failed nodes because of which a node has no result."""
    by_id = {node.node_id: node for node in nodes}
    found: dict[str, NodeResult] = {}
    waiting, seen = [node_id], set()
    while waiting:
        node = by_id.get(waiting.pop(0))
        if node is None or node.node_id in seen:
            continue
        seen.add(node.node_id)
        if node.status == "failed":
            found[node.node_id] = node
        elif node.status == "not reached":
            waiting += node.error.removeprefix("needs ").split(", ")
    return list(found.values())


# One model.


def _model_view(model: "ModelResult", results: "RunResults") -> dict[str, Any]:
    common = model.name == MULTI_DOMAIN
    key: SliceKey = () if common else _own_key(model.name)
    groups = _groups(model)
    inside = [group for group in groups if _belongs(group, model.name) or common]
    crossed = [group for group in inside if common and len(group["columns"]) > 1]
    return {
        "name": model.name,
        "anchor": f"model-{[m.name for m in results.models].index(model.name)}",
        "common": common,
        "outcome": _outcome(model, results),
        "approach": None if common else _approach_name(model, results),
        "approach_words": None if common else _approach_words(model, results),
        "groups": [group for group in inside if group not in crossed],
        "more": crossed if common else [group for group in groups if group not in inside],
        "has_baseline": bool(model.baseline_uar),
        "slices_known": bool(model.slices),
        "matrix": _matrix(model.slices.get(key)),
        "facts": _training_facts(model.training),
        "curves": _curves_plot(model.training, model.name),
        "freezing": _freezing(model.training),
        "hashes": (model.training or {}).get("weight_hashes", {}),
        "origin": None if common else _origin(model, results),
        "pretraining": None if common else _own_pretraining(model, results),
    }


_GROUPS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), "all clips"),
    ((DOMAIN,), "by domain"),
    ((EMOTION,), "by emotion"),
    ((GENDER,), "by gender"),
    ((LANGUAGE,), "by language"),
    ((DOMAIN, EMOTION), "by domain and emotion"),
    ((DOMAIN, GENDER), "by domain and gender"),
)


def _groups(model: "ModelResult") -> list[dict[str, Any]]:
    """Returns the slices by the features that define them, the model's own domain apart.

    Each group holds `columns`, `domain` (the one its slices lie in, for an adapted model's own),
    `title`, `recall` (whether its slices hold one emotion, so that UAR is a recall) and `rows`.
    """
    found: dict[tuple[tuple[str, ...], bool], list[dict[str, Any]]] = {}
    for key, result in model.slices.items():
        parts = dict(key)
        columns = tuple(sorted(parts, key=_column_rank))
        own = parts.get(DOMAIN) == model.name
        label = " · ".join(
            parts[column] or "not given" for column in columns if not (own and column == DOMAIN)
        )
        baseline = model.baseline_uar.get(key)
        found.setdefault((columns, own), []).append(
            {
                "label": label or (model.name if own else "all clips"),
                "order": [_value_rank(parts[column]) for column in columns],
                "result": result,
                "change": None if baseline is None else result.uar - baseline,
            }
        )
    titles = dict(_GROUPS)
    ranks = {columns: rank for rank, (columns, _) in enumerate(_GROUPS)}
    groups = []
    for (columns, own), rows in sorted(
        found.items(), key=lambda item: (not item[0][1], ranks.get(item[0][0], 99), item[0][0])
    ):
        rest = tuple(column for column in columns if column != DOMAIN) if own else columns
        groups.append(
            {
                "columns": columns,
                "own": own,
                "title": titles.get(rest, "by " + listed(rest)),
                "recall": EMOTION in columns,
                "rows": sorted(rows, key=lambda row: row["order"]),
            }
        )
    return groups


def _belongs(group: Mapping[str, Any], name: str) -> bool:
    return name != MULTI_DOMAIN and group["own"]


def _column_rank(column: str) -> tuple[int, str]:
    known = (DOMAIN, EMOTION, GENDER, LANGUAGE)
    return (known.index(column) if column in known else len(known), column)


def _value_rank(value: str) -> tuple[int, str]:
    return (EMOTIONS.index(value) if value in EMOTIONS else len(EMOTIONS), value)


def _matrix(result: "SliceResult | None") -> dict[str, Any] | None:
    """Returns a confusion matrix with the colours of its cells, without unused emotions.

    Args:
      result: holds int64 `[6, 6]`, true emotions in rows.
    """
    if result is None:
        return None
    confusion = np.asarray(result.confusion)
    totals = confusion.sum(axis=1)
    shown = [i for i in range(len(EMOTIONS)) if totals[i] or confusion[:, i].sum()]
    rows = []
    for i in shown:
        shares = confusion[i] / totals[i] if totals[i] else np.zeros(len(EMOTIONS))
        rows.append(
            {
                "emotion": EMOTIONS[i],
                "clips": int(totals[i]),
                "cells": [
                    {
                        "count": int(confusion[i, j]),
                        "share": float(shares[j]) if totals[i] else None,
                        "background": _heat(float(shares[j])),
                        "dark": bool(shares[j] > _DARK_SHARE),
                        "hit": i == j,
                    }
                    for j in shown
                ],
            }
        )
    return {
        "emotions": [EMOTIONS[i] for i in shown],
        "rows": rows,
        "absent": [emotion for i, emotion in enumerate(EMOTIONS) if i not in shown],
    }


def _heat(share: float) -> str:
    """Returns the colour of a cell, from white (0) to full (1)."""
    return "#" + "".join(f"{round(255 + (full - 255) * share):02x}" for full in _HEAT_RGB)


def _training_facts(training: Mapping[str, Any] | None) -> list[str]:
    """Says on what and for how long a network was trained, a sentence each."""
    if not training:
        return []
    counts = training.get("clips", {})
    total, held_out = sum(counts.values()), sum(training.get("inner_split", {}).values())
    each = listed(f"{name} {count:,}" for name, count in counts.items())
    clips = f"{total:,} clips ({each})" if len(counts) > 1 else f"{total:,} clips"
    history = training.get("history", [])
    if not history:
        return [f"Not trained further: the domain's {clips} of the training folds are left aside."]
    settings = training.get("configuration", {}).get("training", {})
    facts = [
        f"{clips} of the training folds"
        + (f", {held_out:,} of which only decided when to stop." if held_out else ".")
    ]
    done, most = len(history), settings.get("epochs", len(history))
    epochs = f"{done} of at most {most} epochs" if done < most else f"All {most} epochs"
    best = _best_epoch(training)
    if best:
        facts.append(f"{epochs}; the weights of epoch {best}, with the lowest inner loss, stayed.")
    else:
        facts.append(f"{epochs}; the weights of the last stayed.")
    if settings:
        shift_s = settings.get("shift_s", 0)
        facts.append(
            f"Batches of {settings['batch_size']}, AdaDelta at {settings['learning_rate']:g} "
            f"({settings.get('schedule', 'constant')}), "
            + (f"clips shifted by up to {shift_s:g} s." if shift_s else "clips not shifted.")
        )
    if "parameters" in training:
        facts.append(f"{training['parameters']:,} parameters.")
    return facts


def _best_epoch(training: Mapping[str, Any]) -> int | None:
    """Returns the epoch, from 1, whose weights early stopping kept; None without it."""
    losses = [epoch.get("val_loss", math.nan) for epoch in training.get("history", [])]
    patience = training.get("configuration", {}).get("training", {}).get("patience")
    if not patience or not any(math.isfinite(loss) for loss in losses):
        return None
    return int(np.nanargmin(losses)) + 1


def _freezing(training: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Returns a row per layer group: its fate, and the hashes that prove it."""
    if not training or "weight_hashes_before" not in training:
        return []
    rows = []
    for group, fate in _fates(training).items():
        before, after = training["weight_hashes_before"][group], training["weight_hashes"][group]
        changed = before != after
        rows.append(
            {
                "group": group,
                "fate": "re-initialised, then trained" if fate == "re-initialised" else fate,
                "before": before[:12],
                "after": after[:12],
                "changed": changed,
                "as_meant": changed == (fate != "frozen"),
            }
        )
    return rows


def _pretrained_name(model: "ModelResult", results: "RunResults") -> str:
    left_out = _approach_name(model, results).endswith("S2")
    return f"pretrain-without-{model.name}" if left_out else "pretrain"


def _origin(model: "ModelResult", results: "RunResults") -> dict[str, Any] | None:
    """Returns the pre-training an adaptation began with, and whether its weights are that one's."""
    before = (model.training or {}).get("weight_hashes_before")
    name = _pretrained_name(model, results)
    record = results.pretraining.get(name)
    if not before or not record:
        return None
    return {"name": name, "same": before == record["weight_hashes"]}


def _own_pretraining(model: "ModelResult", results: "RunResults") -> dict[str, Any] | None:
    """Returns the pre-training without the model's domain (S2); the common one shows elsewhere."""
    name = _pretrained_name(model, results)
    record = results.pretraining.get(name)
    if name == "pretrain" or record is None:
        return None
    return {"name": name, "facts": _training_facts(record), "curves": _curves_plot(record, name)}


# Data.


def _data_rows(results: "RunResults") -> list[dict[str, Any]]:
    """Returns, per domain, where its recordings went, and whether the sums are right."""
    multi = _multi(results)
    rows = []
    for domain, counts in results.found.items():
        used, skipped, quarantined = (
            counts.get(status, 0) for status in ("used", "skipped", "quarantined")
        )
        found = sum(counts.values())
        own = next((model for model in results.models if model.name == domain), None)
        records = [m.training for m in (multi, own) if m and m.training]
        trained = next((r["clips"][domain] for r in records if domain in r.get("clips", {})), None)
        key = _own_key(domain)
        slices = [m.slices[key] for m in (own, multi) if m and key in m.slices]
        tested = slices[0].clips if slices else None
        rows.append(
            {
                "domain": domain,
                "found": found,
                "used": used,
                "skipped": skipped,
                "quarantined": quarantined,
                "trained": trained,
                "tested": tested,
                "adds_up": found == used + skipped + quarantined,
                "split_adds_up": None
                if trained is None or tested is None
                else used == trained + tested,
            }
        )
    return rows


def _not_used(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Returns what was not used: quarantined recordings one by one, skipped ones if they are few.

    `skipped` are rows; `groups` take their place where there are too many, by domain and reason.
    """
    quarantined = [_recording(row) for row in rows if row.get("status") != "skipped"]
    skipped = [_recording(row) for row in rows if row.get("status") == "skipped"]
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    if len(skipped) > _LISTED:
        for row in skipped:
            groups.setdefault((row["domain"], _without_numbers(row["reason"])), []).append(row)
    return {
        "quarantined": quarantined,
        "skipped": [] if groups else skipped,
        "groups": [
            {
                "domain": domain,
                "reason": members[0]["reason"] if _same_reason(members) else reason,
                "count": len(members),
                "example": members[0]["id"],
            }
            for (domain, reason), members in sorted(groups.items())
        ],
        "skipped_count": len(skipped),
    }


def _recording(row: Mapping[str, str]) -> dict[str, str]:
    name = row.get("utterance_id") or row.get("path") or "?"
    path = row.get("path") or ""
    return {
        "id": name,
        "path": "" if path == name else path,
        "domain": row.get("domain") or "",
        "reason": row.get("reason") or "no reason was recorded",
    }


def _without_numbers(text: str) -> str:
    """Makes reasons that differ in their figures only alike.

    >>> _without_numbers("lasts 4.21 s, more than 3.375 s")
    'lasts … s, more than … s'
    """
    return re.sub(r"\d+(\.\d+)?", "…", text)


def _same_reason(rows: Sequence[Mapping[str, str]]) -> bool:
    return len({row["reason"] for row in rows}) == 1


def _anomalies(results: "RunResults") -> list[str] | None:
    """Returns what ExampleValidator found; None if it has not looked."""
    if _status(results, "ExampleValidator") in ("failed", "not reached"):
        return None
    return list(results.anomalies)


def _audit(results: "RunResults") -> dict[str, Any] | None:
    """Returns the audit, its findings with a few examples each; None if there was none."""
    if results.audit is None:
        return None
    return {
        "verdict": results.audit["verdict"],
        "trusted": not results.audit["errors"],
        "stopped": _status(results, "AuditGate") == "failed",
        "not_run": results.audit["not_run"],
        "findings": [
            {
                **found,
                "domains": listed(found["domains"]),
                "shown": [example["text"] for example in found["examples"][:_EXAMPLES]],
                "more": max(len(found["examples"]) - _EXAMPLES, 0),
            }
            for found in results.audit["findings"]
        ],
    }


def _comparison(results: "RunResults") -> dict[str, Any] | None:
    """Returns what DataGate compared and found; None if it has not looked.

    `refusal` is why it stopped the run, empty if it did not; `drift` and `skew` hold what it let
    pass.
    """
    gate = next((node for node in results.nodes if node.node_id == "DataGate"), None)
    if gate is None or gate.status == "not reached":
        return None
    record = results.accepted or {"reference": "", "drift_accepted": False, "findings": []}
    return {
        "refusal": gate.error,
        "reference": record["reference"][:16],
        "drift_accepted": record["drift_accepted"],
        **{
            check: [found["text"] for found in record["findings"] if found["check"] == check]
            for check in ("drift", "skew")
        },
    }


def _commands(results: "RunResults") -> dict[str, str]:
    """Returns the command lines that repeat the run, serve its models, and ask one of them."""
    output = Path(str(results.config["output"]))
    root = shlex.quote(str(results.config.get("serving") or output / "serving"))
    pushed = [model.name for model in results.models if model.pushed_to]
    adapted = [name for name in pushed if name != MULTI_DOMAIN]
    model = next(iter(adapted or pushed), "MODEL")
    return {
        "run_command": f"ser run --config {shlex.quote(str(output / 'config.yaml'))}",
        "serve_command": f"ser serve --root {root}",
        "predict_command": f"ser predict recording.wav --root {root} --model {shlex.quote(model)}",
    }


# Plots.


def _uar_plot(rows: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Draws UAR per domain: both models with their intervals, and chance."""
    rows = [row for row in rows if row["own"] or row["common"]]
    if not rows:
        return None
    figure = Figure(figsize=(min(11.0, 2.6 + 1.5 * len(rows)), 3.5), layout="constrained")
    axes = figure.add_subplot()
    models = (
        ("common", "multi-domain model", -0.2, _MULTI_COLOUR),
        ("own", "adapted model", 0.2, _ADAPTED_COLOUR),
    )
    for field, label, offset, colour in models:
        drawn = [(i, row[field]) for i, row in enumerate(rows) if row[field]]
        places = [i + offset for i, _ in drawn]
        values = [result.uar for _, result in drawn]
        axes.bar(places, values, width=0.36, color=colour, label=label)
        whiskers = [
            [_distance(result.uar, result.uar_lower) for _, result in drawn],
            [_distance(result.uar_upper, result.uar) for _, result in drawn],
        ]
        axes.errorbar(
            places, values, yerr=whiskers, fmt="none", ecolor=_CHANCE_COLOUR, capsize=3, lw=1.1
        )
        for place, value in zip(places, values, strict=True):
            if is_known(value):
                axes.text(
                    place,
                    0.015,
                    f"{value:.2f}",
                    ha="center",
                    va="bottom",
                    fontsize=8.5,
                    color="white" if field == "own" else "black",
                )
    for i, row in enumerate(rows):
        if row["chance"]:
            axes.hlines(
                row["chance"],
                i - 0.46,
                i + 0.46,
                colors=_CHANCE_COLOUR,
                linestyles=(0, (3, 2)),
                lw=1.4,
                # Matplotlib's word for: not in the legend again.
                label="_" if i else "chance",
            )
    axes.set_xticks(range(len(rows)), [row["domain"] for row in rows])
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_ylim(0, 1)
    axes.set_ylabel("UAR")
    _calm(axes)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    alt = "; ".join(
        f"{row['domain']}: multi-domain {three(row['common'] and row['common'].uar)}, adapted "
        f"{three(row['own'] and row['own'].uar)}, chance {three(row['chance'])}"
        for row in rows
    )
    return {"uri": _data_uri(figure), "alt": f"UAR per domain. {alt}."}


def _distance(upper: float, lower: float) -> float:
    """Returns the length of a whisker; 0 where a limit is unknown."""
    return max(upper - lower, 0.0) if is_known(upper - lower) else 0.0


def _curves_plot(training: Mapping[str, Any] | None, name: str) -> dict[str, str] | None:
    """Draws loss and inner UAR over the epochs; None if there were none."""
    history = (training or {}).get("history", [])
    if not training or not history:
        return None
    epochs = np.arange(1, len(history) + 1)
    figure = Figure(figsize=(7.6, 2.5), layout="constrained")
    losses, rates = figure.subplots(1, 2)
    panels = (
        (losses, "cross-entropy", (("loss", "training"), ("val_loss", "inner split"))),
        (rates, "rate", (("accuracy", "training accuracy"), ("val_uar", "inner UAR"))),
    )
    for axes, label, columns in panels:
        for (column, words), colour in zip(columns, _CURVE_COLOURS, strict=True):
            values = [epoch.get(column, math.nan) for epoch in history]
            if any(is_known(value) for value in values):
                # A run of one epoch is a point, which a line alone would not show.
                axes.plot(epochs, values, color=colour, label=words, marker=".", ms=4, lw=1.5)
        best = _best_epoch(training)
        if best:
            axes.axvline(best, color=_CHANCE_COLOUR, lw=0.9, ls=":", label="weights kept")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
        _calm(axes)
    losses.set_ylim(bottom=0)
    rates.set_ylim(0, 1)
    last = ", ".join(f"{column} {three(value)}" for column, value in history[-1].items())
    span = plural(len(history), "epoch")
    return {
        "uri": _data_uri(figure),
        "alt": f"Training curves of {name} over {span}; at the end {last}.",
    }


def _calm(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#8a96a3")
    axes.tick_params(color="#8a96a3", labelsize=9)
    axes.grid(axis="y", color="#e3e8ed", lw=0.8)
    axes.set_axisbelow(True)


def _data_uri(figure: Figure) -> str:
    """Returns a figure as an SVG image in a data URI; the same figure gives the same text."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "ser"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()

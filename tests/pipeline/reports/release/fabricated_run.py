"""A release without a run: two domains, one adapted model pushed and one kept back."""

import contextlib
import dataclasses
import datetime
import hashlib
import math
from pathlib import Path
from typing import Any
from unittest import mock

import base_releases
import numpy as np
from html_page import Page

from modules.metrics.uar import recalls, uar_interval, uar_of
from modules.training.records import AdaptationRecord, TrainingRecord
from pipeline import config as configs
from pipeline import nodes
from pipeline.reports import plots
from pipeline.reports.release import report
from pipeline.reports.release.results import (
    Accepted,
    ModelResult,
    Recording,
    RunResults,
    SliceResult,
)
from pipeline.runners.results import NodeResult
from schemas.labels import PAPER, LabelSet
from schemas.signatures import MULTI_DOMAIN

GROUPS = ("conv1", "conv2", "lstm", "dense")


def slice_of(confusion, labels: LabelSet = PAPER) -> SliceResult:
    """Returns what a confusion matrix measures."""
    matrix = np.asarray(confusion, np.int64)
    lower, upper = uar_interval(matrix)
    found = dict(zip(labels, recalls(matrix), strict=True))
    total = matrix.sum()
    return SliceResult(
        clips=int(total),
        uar=uar_of(matrix),
        uar_lower=lower,
        uar_upper=upper,
        accuracy=float(np.trace(matrix) / total) if total else math.nan,
        recalls={label: value for label, value in found.items() if not math.isnan(value)},
        confusion=matrix,
    )


def confusion(
    seed: int, clips: dict[str, int], *, skill: float, labels: LabelSet = PAPER
) -> np.ndarray:
    """Draws int64 `[labels, labels]` with `clips` in its rows; only their labels are recognised."""
    random = np.random.default_rng(seed)
    present = np.array([label in clips for label in labels])
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for index in np.flatnonzero(present):
        shares = present * (1 - skill) / present.sum()
        shares[index] += skill
        matrix[index] = random.multinomial(clips[labels.labels[index]], shares)
    return matrix


def row(matrix: np.ndarray, index: int) -> np.ndarray:
    """Returns the matrix with one of its rows only."""
    kept = np.zeros_like(matrix)
    kept[index] = matrix[index]
    return kept


def slices(by_domain: dict[str, np.ndarray], labels: LabelSet = PAPER) -> dict:
    """Returns the slices a run measures, from one confusion matrix a domain."""
    total = sum(by_domain.values())
    half = total // 2
    found = {
        (): slice_of(total, labels),
        (("gender", "female"),): slice_of(half, labels),
        (("gender", "male"),): slice_of(total - half, labels),
    }
    for domain, matrix in by_domain.items():
        language = {"emodb": "deu", "emovo": "ita"}.get(domain, "eng")
        found[(("domain", domain),)] = slice_of(matrix, labels)
        found[(("domain", domain), ("gender", "female"))] = slice_of(matrix // 2, labels)
        found[(("domain", domain), ("gender", "male"))] = slice_of(matrix - matrix // 2, labels)
        found[(("language", language),)] = slice_of(matrix, labels)
        for index, label in enumerate(labels):
            if matrix[index].sum():
                key = (("domain", domain), ("emotion", label))
                found[key] = slice_of(row(matrix, index), labels)
    for index, label in enumerate(labels):
        found[(("emotion", label),)] = slice_of(row(total, index), labels)
    return found


def hashes(changed: tuple[str, ...] = (), salt: str = "") -> dict[str, str]:
    """Returns a hash for each layer group, another one for those that changed."""
    return {
        group: hashlib.sha256((group + salt * (group in changed)).encode()).hexdigest()
        for group in GROUPS
    }


def history(epochs: int, best: int) -> list[dict[str, float]]:
    """Returns a history whose inner loss is lowest in epoch `best`, from 1."""
    return [
        {
            "loss": 1.8 * 0.9**epoch,
            "accuracy": 1 - 0.8 * 0.93**epoch,
            "val_loss": 1.2 + 0.02 * (epoch + 1 - best) ** 2,
            "val_uar": 0.2 + 0.03 * min(epoch + 1, best),
        }
        for epoch in range(epochs)
    ]


EMODB_CLIPS = {"anger": 25, "disgust": 9, "fear": 14, "happiness": 14, "sadness": 12}
EMOVO_CLIPS = dict.fromkeys(PAPER, 17)
EMODB = confusion(1, EMODB_CLIPS, skill=0.5)
EMODB_ADAPTED = confusion(2, EMODB_CLIPS, skill=0.7)
EMOVO = confusion(3, EMOVO_CLIPS, skill=0.3)
EMOVO_ADAPTED = confusion(4, EMOVO_CLIPS, skill=0.15)
TRAINED = {"emodb": 300, "emovo": 400}
LABELS_OF = {"emodb": tuple(EMODB_CLIPS), "emovo": tuple(EMOVO_CLIPS)}


def training(name: str, **changes) -> TrainingRecord:
    """Returns the record of a pre-training on both domains, or of a training on one."""
    usual = base_releases.record()
    values = {
        "name": name,
        "labels": PAPER.labels,
        "domain_labels": LABELS_OF,
        "network": dataclasses.replace(
            usual.network, front_end="waveform", preset="fast", parameters=5_379_798
        ),
        "settings": dataclasses.replace(
            usual.settings,
            epochs=40,
            batch_size=32,
            optimizer="adadelta",
            patience=6,
            shift_s=0.1,
        ),
        "clips": {name: TRAINED[name]} if name in TRAINED else TRAINED,
        "held_out": {name: 45} if name in TRAINED else {"emodb": 45, "emovo": 60},
        "history": history(12, best=9),
        "kept_epoch": 9,
        "weight_hashes": hashes(),
    }
    return TrainingRecord(**(values | changes))


def adapted(
    name: str,
    approach: str,
    frozen: tuple[str, ...] = (),
    reinitialised: tuple[str, ...] = (),
    *,
    scenario: str = "S1",
    **changes,
) -> TrainingRecord:
    """Returns the record of a fine-tuning; `changes` are of its adaptation."""
    fates = dict.fromkeys(GROUPS, "tuned")
    fates |= dict.fromkeys(frozen, "frozen") | dict.fromkeys(reinitialised, "re-initialised")
    values = {
        "domain": name,
        "scenario": scenario,
        "base": f"pretrain-without-{name}" if scenario == "S2" else "pretrain",
        "asked": approach,
        "approach": approach,
        "fates": fates,
        "fine_tuned": True,
        "l2_sp": 0.0,
    }
    tuned = tuple(group for group in GROUPS if group not in frozen)
    return training(
        name,
        adaptation=AdaptationRecord(**(values | changes)),
        weight_hashes_before=hashes(),
        weight_hashes=hashes(tuned, salt="b"),
    )


PRETRAIN = training("pretrain")
WITHOUT_EMOVO = training(
    "pretrain-without-emovo",
    clips={"emodb": 300},
    held_out={"emodb": 45},
    weight_hashes=hashes(("conv1",), salt="c"),
)


def node(node_id: str, status: str, **more) -> NodeResult:
    """Returns what became of a node."""
    component, model = nodes.parts(node_id)
    return NodeResult(component=component, model=model, status=status, **more)


def config(**changes) -> configs.ReleaseConfig:
    """Returns the run's configuration."""
    values = {
        "name": "release",
        "manifest": "data/manifest.csv",
        "output": "out/my release",
        "domains": {"emovo": {"approach": "A8", "scenario": "S2"}},
        "gate": {"min_uar": 0.3, "max_drop": 0.05},
    }
    return configs.parse(values | changes, source="test")


def run(**changes) -> RunResults:
    """Returns what the run did."""
    names = [
        "AudioExampleGen",
        "ExampleValidator",
        "DataGate",
        "Trainer.pretrain",
        "Trainer.pretrain-without-emovo",
    ]
    for model in (MULTI_DOMAIN, "emodb", "emovo"):
        names += [f"Evaluator.{model}", f"Pusher.{model}"]
    values = {
        "config": config(),
        "labels": PAPER,
        "nodes": tuple(
            node(name, "executed", duration_s=10 * i + 0.25) for i, name in enumerate(names)
        ),
        "models": (
            ModelResult(
                name=MULTI_DOMAIN,
                training=PRETRAIN,
                pretraining=None,
                slices=slices({"emodb": EMODB, "emovo": EMOVO}),
                baseline_uar={},
                blessed=True,
                faults=(),
                pushed_to=Path("/serving/multi-domain/1700000001"),
                newest=1700000001,
            ),
            ModelResult(
                name="emodb",
                training=adapted("emodb", "A4", ("conv1", "conv2")),
                pretraining=PRETRAIN,
                slices=slices({"emodb": EMODB_ADAPTED, "emovo": EMOVO}),
                baseline_uar={(("domain", "emodb"),): 0.5},
                blessed=True,
                faults=(),
                pushed_to=Path("/serving/emodb/1700000002"),
                newest=1700000002,
            ),
            ModelResult(
                name="emovo",
                training=adapted(
                    "emovo", "A8", ("conv1", "conv2", "lstm"), ("dense",), scenario="S2"
                ),
                pretraining=WITHOUT_EMOVO,
                slices=slices({"emodb": EMODB, "emovo": EMOVO_ADAPTED}),
                baseline_uar={},
                blessed=False,
                faults=("uar 0.291 on domain emovo is below its threshold 0.300",),
                pushed_to=None,
            ),
        ),
        "found": {
            "emodb": {"used": 300 + int(EMODB.sum()), "skipped": 1},
            "emovo": {"used": 400 + int(EMOVO.sum()), "quarantined": 2},
        },
        "not_used": (
            Recording(
                utterance_id="emodb/03a01Wa",
                path="/data/03a01Wa.wav",
                domain="emodb",
                status="skipped",
                reason="lasts 4.21 s, more than 3.375 s",
            ),
            Recording(
                utterance_id="emovo/dis-f1-b1",
                path="/data/dis-f1-b1.wav",
                domain="emovo",
                status="quarantined",
                reason="the file is empty",
            ),
            Recording(
                utterance_id="emovo/<script>alert(1)</script>",
                path='/data/"><img src=http://x.test/a.png>.wav',
                domain="emovo",
                status="quarantined",
                reason="no audio & nothing else",
            ),
        ),
        "sources": (),
        "audit": None,
        "anomalies": (),
        "accepted": Accepted(),
    }
    return RunResults(**(values | changes))


def text(results: RunResults, *, drawn: bool = False) -> str:
    """Returns the page of a run; drawing takes most of the time, so it is left out if it can be."""
    stub: Any = contextlib.nullcontext()
    if not drawn:
        stub = mock.patch.object(plots, "svg", return_value=b"")
    with stub:
        return report.render(results, now=datetime.datetime(2026, 7, 1, 12, 30))


def page(results: RunResults, *, drawn: bool = False) -> Page:
    """Returns the parsed page of a run."""
    return Page(text(results, drawn=drawn))


def with_model(results: RunResults, index: int, **changes) -> RunResults:
    """Returns the run with one model changed."""
    models = list(results.models)
    models[index] = dataclasses.replace(models[index], **changes)
    return dataclasses.replace(results, models=tuple(models))

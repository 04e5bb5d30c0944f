"""The report shows what a run found: every figure, every refusal, nothing fetched from outside."""

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import math
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from corpora.manifest.sources import Source
from modules.metrics.uar import recalls, uar_interval, uar_of
from pipeline import config as configs
from pipeline.reports.release import report
from pipeline.reports.release.results import ModelResult, RunResults, SliceResult
from pipeline.runners.local import NodeResult
from schemas.labels import EMOTIONS
from schemas.signatures import MULTI_DOMAIN

VOID = {"meta", "img", "br", "link", "input", "hr"}
GROUPS = ("conv1", "conv2", "lstm", "dense")


class Page(HTMLParser):
    """A parsed page: its elements, text, and tables as lists of rows of cell texts."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(text)
        self.close()
        assert not self.open, f"unclosed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.pieces.append(data)
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def rows(self, *first: str) -> list[list[str]]:
        """Returns the rows of all tables that start with `first`, white space collapsed."""
        rows = [[" ".join(cell.split()) for cell in row] for table in self.tables for row in table]
        return [row for row in rows if row[: len(first)] == list(first)]

    def images(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "img"]


def _slice(confusion) -> SliceResult:
    matrix = np.asarray(confusion, np.int64)
    lower, upper = uar_interval(matrix)
    found = dict(zip(EMOTIONS, recalls(matrix), strict=True))
    total = matrix.sum()
    return SliceResult(
        clips=int(total),
        uar=uar_of(matrix),
        uar_lower=lower,
        uar_upper=upper,
        accuracy=float(np.trace(matrix) / total) if total else math.nan,
        recalls={emotion: value for emotion, value in found.items() if not math.isnan(value)},
        confusion=matrix,
    )


def _confusion(seed: int, clips: dict[str, int], *, skill: float) -> np.ndarray:
    """Draws int64 `[6, 6]` with `clips` in its rows; only their emotions are recognised."""
    random = np.random.default_rng(seed)
    present = np.array([emotion in clips for emotion in EMOTIONS])
    matrix = np.zeros((6, 6), np.int64)
    for index in np.flatnonzero(present):
        shares = present * (1 - skill) / present.sum()
        shares[index] += skill
        matrix[index] = random.multinomial(clips[EMOTIONS[index]], shares)
    return matrix


def _row(matrix: np.ndarray, index: int) -> np.ndarray:
    kept = np.zeros_like(matrix)
    kept[index] = matrix[index]
    return kept


def _slices(by_domain: dict[str, np.ndarray]) -> dict:
    """Builds the slices a run measures from one confusion matrix a domain."""
    total = sum(by_domain.values())
    half = total // 2
    slices = {
        (): _slice(total),
        (("gender", "female"),): _slice(half),
        (("gender", "male"),): _slice(total - half),
    }
    for domain, matrix in by_domain.items():
        slices[(("domain", domain),)] = _slice(matrix)
        slices[(("domain", domain), ("gender", "female"))] = _slice(matrix // 2)
        slices[(("domain", domain), ("gender", "male"))] = _slice(matrix - matrix // 2)
        slices[(("language", {"emodb": "deu", "emovo": "ita"}.get(domain, "eng")),)] = _slice(
            matrix
        )
        for index, emotion in enumerate(EMOTIONS):
            if matrix[index].sum():
                slices[(("domain", domain), ("emotion", emotion))] = _slice(_row(matrix, index))
    for index, emotion in enumerate(EMOTIONS):
        slices[(("emotion", emotion),)] = _slice(_row(total, index))
    return slices


def _hashes(changed: tuple[str, ...] = (), salt: str = "") -> dict[str, str]:
    return {
        group: hashlib.sha256((group + salt * (group in changed)).encode()).hexdigest()
        for group in GROUPS
    }


def _history(epochs: int, best: int) -> list[dict[str, float]]:
    return [
        {
            "loss": 1.8 * 0.9**epoch,
            "accuracy": 1 - 0.8 * 0.93**epoch,
            "val_loss": 1.2 + 0.02 * (epoch + 1 - best) ** 2,
            "val_uar": 0.2 + 0.03 * min(epoch + 1, best),
        }
        for epoch in range(epochs)
    ]


EMOTIONS_OF = {"emodb": [e for e in EMOTIONS if e != "surprise"], "emovo": list(EMOTIONS)}
TRAINED = {"emodb": 300, "emovo": 400}


def _training(name: str, **more) -> dict:
    settings = {"epochs": 40, "batch_size": 32, "learning_rate": 1.0, "patience": 6, "shift_s": 0.1}
    return {
        "configuration": {"name": name, "training": settings, **more},
        "emotions": EMOTIONS_OF,
        "parameters": 5_379_798,
        "clips": {name: TRAINED[name]} if name in TRAINED else TRAINED,
        "inner_split": {name: 45} if name in TRAINED else {"emodb": 45, "emovo": 60},
        "history": _history(12, best=9),
        "weight_hashes": _hashes(),
    }


def _adapted(name: str, approach: str, frozen, reinitialised=(), scenario="S1") -> dict:
    tuned = tuple(group for group in GROUPS if group not in frozen)
    return {
        **_training(name, approach=approach, scenario=scenario, domain=name),
        "approach": {
            "frozen": list(frozen),
            "reinitialised": list(reinitialised),
            "fine_tuned": True,
        },
        "weight_hashes_before": _hashes(),
        "weight_hashes": _hashes(tuned, salt="b"),
    }


EMODB_CLIPS = {"anger": 25, "disgust": 9, "fear": 14, "happiness": 14, "sadness": 12}
EMOVO_CLIPS = dict.fromkeys(EMOTIONS, 17)
EMODB = _confusion(1, EMODB_CLIPS, skill=0.5)
EMODB_ADAPTED = _confusion(2, EMODB_CLIPS, skill=0.7)
EMOVO = _confusion(3, EMOVO_CLIPS, skill=0.3)
EMOVO_ADAPTED = _confusion(4, EMOVO_CLIPS, skill=0.15)


def _run(**changes) -> RunResults:
    config = configs.parse(
        {
            "name": "release",
            "manifest": "data/manifest.csv",
            "output": "out/my release",
            "domains": {"emovo": {"approach": "A8", "scenario": "S2"}},
            "gate": {"min_uar": 0.3, "max_drop": 0.05},
        },
        source="test",
    )
    nodes = [
        "AudioExampleGen",
        "ExampleValidator",
        "DataGate",
        "Trainer.pretrain",
        "Trainer.pretrain-without-emovo",
    ]
    for model in (MULTI_DOMAIN, "emodb", "emovo"):
        nodes += [f"Evaluator.{model}", f"Pusher.{model}"]
    pretrain = _training("pretrain")
    values = {
        "config": config.model_dump(mode="json"),
        "nodes": tuple(
            NodeResult(node_id=name, status="executed", duration_s=10 * i + 0.25)
            for i, name in enumerate(nodes)
        ),
        "pretraining": {
            "pretrain": pretrain,
            "pretrain-without-emovo": {
                **_training("pretrain-without-emovo"),
                "clips": {"emodb": 300},
                "inner_split": {"emodb": 45},
                "weight_hashes": _hashes(("conv1",), salt="c"),
            },
        },
        "models": (
            ModelResult(
                name=MULTI_DOMAIN,
                training=pretrain,
                slices=_slices({"emodb": EMODB, "emovo": EMOVO}),
                baseline_uar={},
                blessed=True,
                faults=(),
                pushed_to=Path("/serving/multi-domain/1700000001"),
            ),
            ModelResult(
                name="emodb",
                training=_adapted("emodb", "A4", ("conv1", "conv2")),
                slices=_slices({"emodb": EMODB_ADAPTED, "emovo": EMOVO}),
                baseline_uar={(("domain", "emodb"),): 0.5},
                blessed=True,
                faults=(),
                pushed_to=Path("/serving/emodb/1700000002"),
            ),
            ModelResult(
                name="emovo",
                training=_adapted("emovo", "A8", ("conv1", "conv2", "lstm"), ("dense",), "S2"),
                slices=_slices({"emodb": EMODB, "emovo": EMOVO_ADAPTED}),
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
            {
                "utterance_id": "emodb/03a01Wa",
                "path": "/data/03a01Wa.wav",
                "domain": "emodb",
                "status": "skipped",
                "reason": "lasts 4.21 s, more than 3.375 s",
            },
            {
                "utterance_id": "emovo/dis-f1-b1",
                "path": "/data/dis-f1-b1.wav",
                "domain": "emovo",
                "status": "quarantined",
                "reason": "the file is empty",
            },
            {
                "utterance_id": "emovo/<script>alert(1)</script>",
                "path": '/data/"><img src=http://x.test/a.png>.wav',
                "domain": "emovo",
                "status": "quarantined",
                "reason": "no audio & nothing else",
            },
        ),
        "sources": (),
        "audit": None,
        "anomalies": (),
        "accepted": {"reference": "", "drift_accepted": False, "findings": []},
    }
    return RunResults(**{**values, **changes})


def _page(results: RunResults, *, plots: bool = False) -> Page:
    """Renders and parses a page; drawing takes most of the time, so it is left out if it can be."""
    stub = contextlib.nullcontext()
    if not plots:
        stub = mock.patch.object(report, "_data_uri", return_value="data:image/svg+xml;base64,")
    with stub:
        return Page(report.render(results, now=datetime.datetime(2026, 7, 1, 12, 30)))


@pytest.fixture(scope="module")
def page() -> Page:
    return _page(_run(), plots=True)


def _model(results: RunResults, index: int, **changes) -> RunResults:
    models = list(results.models)
    models[index] = dataclasses.replace(models[index], **changes)
    return dataclasses.replace(results, models=tuple(models))


def test_write_returns_the_file_it_made(tmp_path):
    path = tmp_path / "new" / "report.html"
    assert report.write(_run(), path) == path
    assert Page(path.read_text(encoding="utf-8")).text.count("release") > 2


def test_nothing_comes_from_outside(page):
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "srcset", "data"):
            assert (attributes.get(name) or "#").startswith(("data:image/", "#")), (tag, attributes)
    policy = [a["content"] for _, a in page.elements if a.get("http-equiv")]
    assert policy[0].startswith("default-src 'none'")


def test_every_link_has_its_target(page):
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert len(links) > 8
    assert {link[1:] for link in links} <= set(ids)


def test_summary_shows_the_figures_given(page):
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    common, own = _slice(EMODB), _slice(EMODB_ADAPTED)
    assert row[1:6] == [
        f"{own.clips}",
        f"{common.uar:.3f}",
        f"{own.uar:.3f}{own.uar_lower:.3f} to {own.uar_upper:.3f}",
        f"{own.uar - common.uar:+.3f}",
        f"{own.uar - 0.5:+.3f}",
    ]
    assert "A4, S1conv1 and conv2 frozen; lstm and dense tuned; pre-trained with" in row[6]
    assert row[7] == "surprise"
    assert row[8] == "pushed version 1700000002"
    [average] = page.rows("average")
    adapted = [own.uar, _slice(EMOVO_ADAPTED).uar]
    assert average[2:4] == [
        f"{(common.uar + _slice(EMOVO).uar) / 2:.3f}",
        f"{sum(adapted) / 2:.3f}",
    ]
    assert f"its UAR is {_slice(EMODB + EMOVO).uar:.3f}" in page.text


def test_head_names_the_run(page):
    for words in (
        "release",
        "2026-07-01 12:30",
        "protocol speaker-independent folds",
        "test fold 0",
        "network fast",
        "seed 0",
        "2 of 3 models pushed",
    ):
        assert words in page.text


def test_slices_show_the_figures_given(page):
    anger = _slice(_row(EMODB_ADAPTED, 0))
    expected = [
        f"{anger.clips}",
        f"{anger.uar:.3f}",
        f"{anger.uar_lower:.3f} to {anger.uar_upper:.3f}",
    ]
    assert expected in [row[1:4] for row in page.rows("anger")]
    male = _slice(EMODB_ADAPTED - EMODB_ADAPTED // 2)
    assert [f"{male.uar:.3f}", f"{male.accuracy:.3f}"] in [
        [row[2], row[5]] for row in page.rows("male") if len(row) > 5
    ]
    # Slices of one emotion have a recall, all others a UAR.
    headings = {row[0]: row[2] for row in page.rows() if len(row) > 3 and row[3] == "95% interval"}
    assert headings["by emotion"] == headings["by domain and emotion"] == "recall"
    assert headings["by gender"] == headings["all clips"] == headings["by language"] == "UAR"


def test_slices_of_other_domains_are_collapsed(page):
    with mock.patch.object(report, "_data_uri", return_value="data:image/svg+xml;base64,"):
        text = report.render(_run(), now=datetime.datetime(2026, 7, 1))
    part = text[text.index('id="model-1"') : text.index('id="model-2"')]
    details = part[part.index('<details class="more">') : part.index("</details>")]
    assert "Cross-domain" in details
    assert "emovo · anger" in details
    assert "emovo · anger" not in part.replace(details, "")


def test_confusion_matrix_shows_counts_and_shares(page):
    rows = [row for row in page.rows("anger") if row[-1] == str(EMODB_ADAPTED[0].sum())]
    total = EMODB_ADAPTED[0].sum()
    assert [f"{n}{n / total:.0%}" for n in EMODB_ADAPTED[0, :5]] + [str(total)] in [
        row[1:] for row in rows
    ]
    assert "No clip of surprise in the test fold" in page.text


def test_heat_runs_from_white_to_full():
    assert report._heat(0.0) == "#ffffff"
    assert report._heat(1.0) == "#0b5f8f"


def test_freezing_is_proved_per_layer_group(page):
    conv1 = _hashes()["conv1"][:12]
    [frozen, other] = page.rows("conv1", "frozen")
    assert frozen[2:] == other[2:] == [conv1, conv1, "no", "as intended"]
    [dense] = page.rows("dense", "re-initialised, then trained")
    before, after = _hashes()["dense"], _hashes(("dense",), salt="b")["dense"]
    assert dense[2:] == [before[:12], after[:12], "yes", "as intended"]
    assert "are those with which the pre-training pretrain ended" in page.text
    # emovo claims S2, but started from other weights than that pre-training's.
    assert "are not those with which the pre-training pretrain-without-emovo ended" in page.text


def test_a_frozen_group_that_changed_shows():
    record = _adapted("emodb", "A4", ("conv1", "conv2"))
    record["weight_hashes"]["conv1"] = "f" * 64
    page = _page(_model(_run(), 1, training=record))
    assert page.rows("conv1", "frozen")[0][3:] == ["ffffffffffff", "yes", "not as intended"]


def test_plots_are_there_with_words_for_those_who_cannot_see_them(page):
    images = page.images()
    # UAR per domain, three models' curves, and those of the pre-training without emovo.
    assert len(images) == 5
    for image in images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert b"<svg" in base64.b64decode(data)
    uar = images[0]["alt"]
    assert f"emodb: multi-domain {_slice(EMODB).uar:.3f}" in uar
    assert "chance 0.200; emovo" in uar
    assert uar.endswith("chance 0.167.")
    assert "12 epochs" in images[1]["alt"]


def test_the_same_run_gives_the_same_page():
    now = datetime.datetime(2026, 7, 1)
    results = dataclasses.replace(_run(), models=_run().models[:1])
    assert report.render(results, now=now) == report.render(results, now=now)


def test_training_in_words(page):
    assert (
        "12 of at most 40 epochs; the weights of epoch 9, with the lowest inner loss" in page.text
    )
    assert "300 clips of the training folds, 45 of which only decided" in page.text
    assert "700 clips (emodb 300 and emovo 400) of the training folds, 105 of which" in page.text
    assert "5,379,798 parameters" in page.text


def test_banner_only_for_synthetic_speech(page):
    sentence = "The recordings are synthetic speech from espeak-ng"
    assert sentence not in page.text
    synthetic = _page(_run(config={**_run().config, "synthetic": True})).text
    assert sentence in synthetic
    assert "They say nothing about recognition quality on people" in synthetic
    assert synthetic.index(sentence) < synthetic.index("Summary")


def test_a_model_kept_back_says_why(page):
    assert "Kept back: uar 0.291 on domain emovo is below its threshold 0.300." in page.text
    assert "Asked of it: UAR of at least 0.300 on emovo, and at most 0.050 below" in page.text
    assert "on emodb, and at most 0.050 below the last blessed model. " in page.text
    assert "on emovo, and at most 0.050 below the last blessed model (there was none)." in page.text
    assert "UAR of at least 0.300 on emodb and emovo" in page.text


def test_a_cached_push_is_not_called_new():
    nodes = tuple(dataclasses.replace(node, status="cached") for node in _run().nodes)
    text = _page(_run(nodes=nodes)).text
    assert "an earlier run pushed it as version 1700000002; that version stays" in text


def test_random_folds_come_with_a_warning(page):
    warning = "the speakers of the test fold were also trained on"
    assert warning not in page.text
    assert warning in _page(_run(config={**_run().config, "protocol": "random"})).text


def test_markup_in_ids_is_escaped(page):
    assert "emovo/<script>alert(1)</script>" in page.text
    assert '/data/"><img src=http://x.test/a.png>.wav' in page.text
    assert not any(tag == "script" for tag, _ in page.elements)


def test_account_of_the_recordings(page):
    emodb, emovo = int(EMODB.sum()), int(EMOVO.sum())
    [row] = page.rows("emodb", str(301 + emodb))
    assert row[1:5] == [str(301 + emodb), str(300 + emodb), "1", "0"]
    assert row[5] == f"{301 + emodb} = {300 + emodb} + 1 + 0 adds up"
    assert row[6] == f"{300 + emodb} = 300 + {emodb} adds up"
    [row] = page.rows("emovo", str(402 + emovo))
    assert row[5] == f"{402 + emovo} = {400 + emovo} + 0 + 2 adds up"
    assert page.rows("emovo")[-1][2] == "no audio & nothing else"
    assert page.rows("emodb", "emodb/03a01Wa/data/03a01Wa.wav")[0][2].startswith("lasts 4.21 s")
    assert "data/manifest.account.csv" in page.text


def test_a_clip_that_got_lost_shows():
    used = 301 + int(EMODB.sum())
    page = _page(_run(found={"emodb": {"used": used, "lost": 2}}))
    [row] = page.rows("emodb", str(used + 2))
    assert row[5] == f"{used + 2} = {used} + 0 + 0 does not add up"
    assert row[6] == f"{used} = 300 + {EMODB.sum()} does not add up"


def test_many_skipped_recordings_are_grouped_but_quarantined_ones_are_all_named():
    rows = [
        {"utterance_id": f"u{i}", "domain": "emodb", "status": status, "reason": reason}
        for i in range(50)
        for status, reason in (("skipped", f"lasts {4 + i / 100:.2f} s"), ("quarantined", "empty"))
    ]
    page = _page(_run(not_used=tuple(rows)))
    assert page.rows("emodb", "lasts … s") == [["emodb", "lasts … s", "50", "u0"]]
    assert len([row for row in page.rows("emodb") if row[-1] == "empty"]) == 50


def test_sources_and_their_licences():
    source = Source(
        corpus="iemocap",
        folder="/data/IEMOCAP",
        domains=["iemocap"],
        options={"excited": "happiness"},
        licence="release form",
        citation="Busso et al. 2008",
        elicitation="acted",
        language="en",
        synthetic=False,
        found=10_039,
        used=2_931,
        skipped=7_100,
        unreadable=8,
    )
    [row] = _page(_run(sources=(source,))).rows("iemocap")
    assert row == [
        "iemocap",
        "en, acted",
        "release formBusso et al. 2008",
        "excited: happiness",
        "10,039",
        "2,931",
        "7,100",
        "8",
    ]


def test_audit_shows_errors_and_whether_they_stopped():
    audit = {
        "verdict": "do not trust what is measured on these folds (1 error)",
        "errors": 1,
        "not_run": [{"check": "licences", "reason": "there is no column licence"}],
        "findings": [
            {
                "check": "same-audio",
                "severity": "error",
                "domains": ["ravdess"],
                "message": "7 groups of recordings are identical",
                "advice": "leave the copies out",
                "examples": [{"text": f"copy {i}", "utterance_ids": []} for i in range(7)],
            }
        ],
    }
    passed = _page(_run(audit=audit))
    assert "errors let pass do not trust" in passed.text
    [row] = [row for row in passed.rows("error") if len(row) == 4]
    assert row[1:3] == ["ravdess", "same-audio"]
    assert "7 groups of recordings are identical" in row[3]
    assert "copy 4and 2 more" in row[3]
    assert "Not checked: licences: there is no column licence" in passed.text
    failed = (*_run().nodes, NodeResult(node_id="AuditGate", status="failed", error="copies"))
    assert "stopped the run do not trust" in _page(_run(audit=audit, nodes=failed)).text
    sound = audit | {"errors": 0, "findings": [], "verdict": "an honest measurement"}
    assert "no error an honest measurement" in _page(_run(audit=sound)).text
    assert "Not made: CorporaAudit did not finish" in _page(_run(audit=None)).text


def test_comparison_with_the_data_accepted_last():
    text = _page(_run()).text
    assert "There was nothing to compare with" in text
    record = {
        "reference": "ab" * 32,
        "drift_accepted": True,
        "findings": [
            {"check": "drift", "text": "emotion of emodb: anger was 34%, now 12%", "severe": True},
            {"check": "skew", "text": "gender of emovo: female is 50%", "severe": True},
        ],
    }
    text = _page(_run(accepted=record)).text
    drift, skew = text.split("Training folds against the test fold")
    assert f"Compared with the manifest {'ab' * 8}; the drift was accepted deliberately" in drift
    assert "anger was 34%, now 12%" in drift
    assert "female is 50%" in skew


@pytest.mark.parametrize("status", ["failed", "not reached"])
def test_data_that_did_not_pass(status):
    words = "the data has drifted:\n  domain: rml is new" if status == "failed" else "needs Schema"
    nodes = tuple(
        dataclasses.replace(node, status=status, error=words)
        if node.node_id == "DataGate"
        else node
        for node in _run().nodes
    )
    section = _page(_run(nodes=nodes, accepted=None)).text.split("Against the data accepted last")[
        1
    ]
    expected = "stopped the runthe data has drifted: domain: rml is new"
    assert section.startswith(f" {expected if status == 'failed' else 'Not compared'}")


def test_anomalies_in_words():
    assert "Anomalies that ExampleValidator found None." in _page(_run()).text
    found = _page(_run(anomalies=("fold-1: gender: unexpected value",))).text
    assert "fold-1: gender: unexpected value" in found


def test_configuration_and_commands(page):
    assert "min_uar: 0.3" in page.text
    assert "ser run --config 'out/my release/config.yaml'" in page.text
    assert "ser serve --root 'out/my release/serving'" in page.text
    assert "ser predict recording.wav --root 'out/my release/serving' --model emodb" in page.text


def test_nan_is_a_dash():
    page = _page(_model(_run(), 1, slices={(("domain", "emodb"),): _slice(np.zeros((6, 6)))}))
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    assert row[3] == "––"
    assert "nan" not in page.text.lower()


def test_a_domain_that_failed_leaves_the_others():
    nodes = (
        *_run().nodes,
        NodeResult(node_id="Trainer.emovo", status="failed", error="ResourceError: <no> memory"),
        NodeResult(node_id="Evaluator.emovo", status="not reached", error="needs Trainer.emovo"),
    )
    nodes = tuple(
        node
        for i, node in enumerate(nodes)
        if node.node_id not in ("Evaluator.emovo", "Pusher.emovo") or i >= len(_run().nodes)
    )
    results = _model(
        _run(nodes=nodes), 2, training=None, slices={}, blessed=None, faults=(), pushed_to=None
    )
    page = _page(results)
    assert "Not evaluated: a step before it failed." in page.text
    assert "Trainer.emovo failed: ResourceError: <no> memory" in page.text
    assert "Not trained: there is no record of a training." in page.text
    assert page.rows("average of 1")
    assert f"{_slice(EMOVO).uar:.3f}" in page.rows("emovo")[0]
    assert len(page.images()) == 4


def test_a_run_that_failed_at_once():
    nodes = [NodeResult(node_id="AudioExampleGen", status="failed", error="OSError: disk full")]
    for name, needs in (
        ("ExampleValidator", "AudioExampleGen"),
        ("Evaluator.multi-domain", "ExampleValidator"),
        ("Evaluator.emodb", "AudioExampleGen, ExampleValidator"),
    ):
        nodes.append(NodeResult(node_id=name, status="not reached", error=f"needs {needs}"))
    lost = [
        ModelResult(
            name=name,
            training=None,
            slices={},
            baseline_uar={},
            blessed=None,
            faults=(),
            pushed_to=None,
        )
        for name in (MULTI_DOMAIN, "emodb")
    ]
    page = _page(
        _run(nodes=tuple(nodes), models=tuple(lost), found={}, not_used=(), pretraining={})
    )
    assert page.text.count("AudioExampleGen failed: OSError: disk full") == 4
    assert "There is no account of the recordings" in page.text
    assert "Not looked for: ExampleValidator did not finish" in page.text
    assert not page.images()
    _page(_run(nodes=(), models=(), found={}, not_used=(), pretraining={}))


def test_a_long_error_is_cut_but_kept():
    error = "RuntimeError: " + "x" * 400 + "\nTraceback: worker 3"
    page = _page(_run(nodes=(NodeResult(node_id="Transform", status="failed", error=error),)))
    [row] = page.rows("Transform", "failed")
    assert row[3].startswith("RuntimeError: " + "x" * 286 + "…the whole error")
    assert row[3].endswith("Traceback: worker 3")
    assert "out/my release/logs/pipeline.log" in page.text


def test_without_early_stopping_the_last_weights_stay():
    record = _training("pretrain")
    record["configuration"]["training"].update(patience=0, schedule="cosine", shift_s=0.0)
    record["inner_split"] = {}
    record["history"] = [{"loss": 1.5, "accuracy": 0.4}]
    page = _page(_model(_run(), 0, training=record), plots=True)
    assert "1 of at most 40 epochs; the weights of the last stayed." in page.text
    assert "AdaDelta at 1 (cosine), clips not shifted." in page.text
    assert "over 1 epoch; at the end loss 1.500, accuracy 0.400" in page.images()[1]["alt"]


def test_not_fine_tuned_has_no_curves():
    record = _adapted("emodb", "A1", GROUPS)
    record["approach"]["fine_tuned"] = False
    record["history"], record["inner_split"] = [], {}
    page = _page(_model(_run(), 1, training=record))
    assert "pre-trained network as it is" in page.text
    assert "Not trained further: the domain's 300 clips" in page.text
    assert len(page.images()) == 4


def test_a_chosen_approach_is_told_with_what_it_was_chosen_by():
    record = _adapted("emodb", "auto", ("conv1", "conv2"))
    record.update(approach_name="A4", choice={"A1": 0.25, "A4": 0.5})
    page = _page(_model(_run(), 1, training=record))
    assert "auto: A4, S1" in page.text
    assert "chosen by UAR on an inner split: A1 0.250, A4 0.500" in page.text


def test_importing_the_report_loads_no_tensorflow():
    code = "import sys, pipeline.reports.release.report; print([m for m in ('tensorflow', 'tfx') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == "[]"

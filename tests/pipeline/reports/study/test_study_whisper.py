"""The report of a study over a trained encoder speaks of that network, not of the paper's."""

import re

import numpy as np
import pytest
from fabricated_study import study
from html_page import Page
from study_oracle import DOMAINS, PROTOCOL, SMALL, row_of

from modules.metrics.statistics import holm
from modules.networks.encoders.spec import EncoderSpec
from modules.networks.registry import NetworkSpec
from modules.study import clips as study_clips
from modules.training.settings import BALANCED
from pipeline.reports.study import report, stored
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.adaptation import table_3
from pipeline.reports.study.verdicts import verdicts

NETWORK = NetworkSpec(
    front_end="whisper",
    preset="mean",
    outputs=6,
    encoder=EncoderSpec(
        name="whisper-tiny.en",
        sha256="0",
        bands=80,
        width=384,
        heads=6,
        positions=500,
        blocks=2,
        pooled=(1, 2),
    ),
)
SETTINGS = {
    "network": NETWORK,
    "pretrain": BALANCED.pretrain,
    "scratch": BALANCED.pretrain,
    "fine_tune": BALANCED.fine_tune,
    "protocols": (PROTOCOL,),
}


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held")
    store, own, plan = study(folder, *DOMAINS, **SETTINGS)
    study_clips.save(own, folder)
    chosen = own.rows(PROTOCOL, domains=DOMAINS, folds=(0,))
    np.savez(
        folder / "features.npz",
        utterance_ids=own.utterance_ids[chosen],
        features=np.random.default_rng(0).normal(size=(len(chosen), 1, 768)).astype("f4"),
    )
    return Results(store, own, plan)


@pytest.fixture(scope="module")
def page(held, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    report.write(
        held.store, held.clips, held.design, out, title="t", synthetic=False, command="ser study"
    )
    return out


def test_no_word_is_of_the_papers_network(page):
    texts = [
        Page((page / "study.html").read_text(encoding="utf-8")).text,
        *((page / name).read_text(encoding="utf-8") for name in ("study.md", "study.tex")),
        *(file.read_text(encoding="utf-8") for file in (page / "figures").glob("*.svg")),
    ]
    for text in texts:
        # The whole design stands at the end of the page.
        words = text.split("The whole design")[0]
        assert not re.findall(r"CNN|LSTM|AdaDelta|conv[12]", words)
    text = texts[0]
    assert "AdamW at 0.001 (one_cycle)" in text
    assert "by the 768 outputs of the group pooling" in text
    assert "The front end whisper is no part of the paper's method" in text
    assert "What whisper-tiny.en was trained on is not public" in text


def test_the_proof_names_what_comes_to_the_same(page):
    found = Page((page / "study.html").read_text(encoding="utf-8"))
    proofs = {row[0]: row[1:3] for row in found.rows() if row and re.match(r"A\d(, A\d)*$", row[0])}
    assert proofs == {
        "A2, A3, A4": ["block1, block2", "nothing"],
        "A5": ["block1, block2, pooling", "nothing"],
        "A6, A7": ["block1, block2", "pooling, dense"],
        "A8": ["block1, block2, pooling", "dense"],
    }


def test_what_comes_to_the_same_is_one_comparison(held):
    table = table_3(held, PROTOCOL)
    assert any(
        note.startswith("A2, A3 and A4 come to the same, A6 and A7 come to the same")
        for note in table.notes
    )
    # Their blocks are as they came with the encoder, whatever the pre-training.
    assert any(note.startswith("A6 and A7: all that the network") for note in table.notes)
    entries = row_of(table, "URDU").entries
    distinct = [
        f"{scenario}-{name}" for scenario in ("S1", "S2") for name in ("A1", "A2", "A5", "A6", "A8")
    ]
    corrected = holm(np.array([entries[name].comparison.p_corrected for name in distinct]))
    for name, p in zip(distinct, corrected, strict=True):
        assert entries[name].comparison.p_holm == pytest.approx(p)
    for same in ("A3", "A4"):
        assert entries[f"S1-{same}"].value == entries["S1-A2"].value
        assert entries[f"S1-{same}"].comparison == entries["S1-A2"].comparison


def test_the_best_is_named_by_the_first_of_those_alike(tmp_path):
    def skill(cell):
        return 5.0 if getattr(cell, "approach", "") == "A6" else 1.0

    store, own, plan = study(tmp_path, *SMALL, skill=skill, tables=(3,), **SETTINGS)
    *_, differs = verdicts(Results(store, own, plan), PROTOCOL)
    assert re.search(r"URDU S[12]-A6", differs.words)
    assert not re.search(r"A[347]", differs.words)


def test_the_store_gives_the_same_tables(held, page, tmp_path):
    stored.write(held.store.folder, tmp_path, synthetic=False, command="c")
    for name in ("values.csv", "study.tex", "cells.csv"):
        assert (tmp_path / name).read_bytes() == (page / name).read_bytes()

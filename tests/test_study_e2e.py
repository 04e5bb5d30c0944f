"""The whole study on synthetic speech: killed, resumed, and told in tables."""

import csv
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from cli.main import main
from corpora import synthetic
from corpora.indexing import index

pytestmark = pytest.mark.e2e

CORPORA = ("emodb", "emovo")
# S1, S2 and TT of Emo-DB, and Table 2's CNN; what is left when EMOVO is left out equals TT.
TRAININGS, FINE_TUNINGS = 4, 9
VOLATILE = ("train_s",)


def arguments(folder, store, **overrides):
    settings = {
        "pretrain.epochs": 1,
        "scratch.epochs": 1,
        "fine_tune.epochs": 1,
        "synthetic": "true",
        **overrides,
    }
    return [
        *("study", "--manifest", str(folder / "speech.csv"), "--output", str(folder / "out")),
        *("--store", str(store), "--targets", "emodb", "--folds", "0"),
        *("--protocols", "random", "--approaches", "A1,A2,A4,A8"),
        *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    synthetic.synthesize(folder / "corpora", seed=0, corpora=CORPORA, scale=0.1)
    indexed = index.index([(name, str(folder / "corpora" / name)) for name in CORPORA])
    indexed.write(folder / "speech.csv")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _without_opensmile():
    """No study needs openSMILE unless it asks for its features."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "opensmile", None)
        yield


@pytest.fixture(scope="module")
def uninterrupted(folder):
    assert main(arguments(folder, folder / "store")) == 0
    return folder / "store"


def results(store):
    found = {}
    for file in sorted((store / "cells").glob("*.json")):
        values = json.loads(file.read_text())
        found[values["key"]] = {k: v for k, v in values.items() if k not in VOLATILE}
    return found


def test_the_plan_is_what_is_computed(uninterrupted):
    kinds = [values["cell"]["kind"] for values in results(uninterrupted).values()]
    assert kinds.count("training") == TRAININGS
    assert kinds.count("fine_tuning") == FINE_TUNINGS
    assert (kinds.count("svm"), kinds.count("adaptive_svm")) == (1, 1)


def test_a_killed_study_goes_on_to_the_same_numbers(folder, uninterrupted):
    store = folder / "killed"
    words = [sys.executable, "-m", "cli.main", *arguments(folder, store)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = (line for line in process.stderr if " to emodb from " in line)
    assert next(told)
    assert next(told)
    process.send_signal(signal.SIGKILL)
    process.wait()
    early = results(store)
    assert len(early) < TRAININGS + FINE_TUNINGS
    assert main(arguments(folder, store)) == 0
    resumed, expected = results(store), results(uninterrupted)
    for values in (*resumed.values(), *expected.values()):
        values["scores"] = np.array(values["scores"])
    for key, values in expected.items():
        # One unit of the last decimal: the same weights, asked in another process, round otherwise.
        np.testing.assert_allclose(resumed[key].pop("scores"), values.pop("scores"), atol=1.1e-6)
    assert resumed == expected


def test_tables_trace_to_cells(folder, uninterrupted):
    tables = folder / "out" / "tables"
    with open(tables / "values.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = {key for row in rows for key in row["cells"].split()}
    # Of Table 2 to 5 together, every cell.
    assert keys == results(uninterrupted).keys()
    named = {row["table"] for row in rows}
    assert all(any(f"table-{number}" in name for name in named) for number in (2, 3, 4, 5))
    assert "synthetic speech" in (tables / "study.md").read_text()
    assert "data:image" in (tables / "study.html").read_text()


def test_a_store_of_other_settings_is_shared_and_of_other_data_refused(
    folder, uninterrupted, capsys
):
    # Another number of epochs makes other cells, which live in the same store.
    changed = arguments(folder, uninterrupted, **{"fine_tune.epochs": 2})
    assert main([*changed, "--plan"]) == 0
    shown = capsys.readouterr().out
    assert f"trainings from scratch: {TRAININGS}, of which {TRAININGS} are done" in shown
    assert f"fine-tunings: {FINE_TUNINGS}, of which 0 are done" in shown
    assert main([*arguments(folder, uninterrupted, **{"audio.trim_silence": "false"})]) == 2
    assert "another data; move the folder away" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tables", "7"], "tables.0"),
        (["--approaches", "A9"], "approaches.0"),
        (["--baselines", "mfcc"], "baselines.0"),
        (["--baselines", "functionals,is10"], "the features is10 need openSMILE"),
        (["--targets", "emodb,nowhere"], "the manifest has no domain nowhere"),
        (["--folds", "x"], "--folds x: must be numbers"),
    ],
)
def test_what_is_asked_must_exist(folder, capsys, words, message):
    assert main([*arguments(folder, folder / "none"), *words]) == 2
    assert message in capsys.readouterr().err

"""Releases and a study elsewhere: everything on S3, or Beam's work in other processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import beam_services
import pytest

from corpora import synthetic
from corpora.indexing import index
from pipeline.reports.release.collect import collect
from schemas.places import place
from schemas.signatures import MULTI_DOMAIN

pytestmark = [pytest.mark.e2e, pytest.mark.remote]

SER = Path(sys.executable).with_name("ser")
CORPUS, BUCKET = "emodb", "ser-release"
SETTINGS = {
    "pretrain.epochs": 1,
    "fine_tune.epochs": 1,
    "domains": "{}",
    "gate.min_uar": 0.0,
}
# Long enough for a machine with much else to do.
_MOST_S = 3600


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remote")
    synthetic.synthesize(folder / "corpora", seed=0, corpora=(CORPUS,), scale=0.1)
    index.index([(CORPUS, str(folder / "corpora" / CORPUS))]).write(folder / "manifest.csv")
    (folder / "elsewhere").mkdir()
    return folder


def _command(manifest, output, **more):
    words = [str(SER), "run", "--config", "demo-waveform", "--manifest", str(manifest)]
    settings = SETTINGS | more
    pairs = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return [*words, "--output", str(output), *pairs]


def _run(folder, *arguments, **more):
    done = subprocess.run(
        _command(*arguments, **more),
        cwd=folder / "elsewhere",
        timeout=_MOST_S,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "pure virtual" not in done.stderr
    return done


def _models(output):
    """Returns what makes two releases the same: weights and UARs, by model."""
    return {
        model.name: (
            model.training.weight_hashes,
            {key: round(each.uar, 9) for key, each in model.slices.items()},
        )
        for model in collect(output).models
    }


@pytest.fixture(scope="module")
def local(folder):
    _run(folder, folder / "manifest.csv", folder / "local")
    found = _models(folder / "local")
    assert set(found) == {CORPUS, MULTI_DOMAIN}
    return found


def test_everything_on_s3(folder, local, s3):
    s3.create_bucket(Bucket=BUCKET)
    for file in (folder / "corpora").rglob("*.wav"):
        s3.upload_file(str(file), BUCKET, str(file.relative_to(folder)))
    text = (folder / "manifest.csv").read_text(encoding="utf-8")
    text = text.replace(f"{folder}/corpora", f"s3://{BUCKET}/corpora")
    s3.put_object(Bucket=BUCKET, Key="manifest.csv", Body=text.encode())
    root = place(f"s3://{BUCKET}")
    arguments = (root / "manifest.csv", root / "out")
    more = {
        "serving": f"s3://{BUCKET}/serving",
        "metadata.file": folder / "metadata.sqlite",
    }
    killed = subprocess.Popen(
        _command(*arguments, **more),
        cwd=folder / "elsewhere",
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in killed.stderr:
        if "Trainer.pretrain" in line:
            os.killpg(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    _run(folder, *arguments, **more)
    found = collect(root / "out")
    assert {node.status for node in found.nodes} == {"executed", "cached", "resolved"}
    assert _models(root / "out") == local
    _run(folder, *arguments, **more)
    again = collect(root / "out").nodes
    assert [node for node in again if node.status not in ("cached", "resolved")] == []
    assert "</html>" in (root / "out" / "report.html").read_text(encoding="utf-8")
    # Nothing is left where it ran, nor of what was written beside its name.
    assert [*(folder / "elsewhere").iterdir()] == []
    names = [path.name for path in root.rglob("*")]
    assert not [name for name in names if name.endswith((".tmp", ".part"))]
    for name in (CORPUS, MULTI_DOMAIN):
        [version] = (root / "serving" / name).iterdir()
        assert (version / "saved_model.pb").is_file()
    clip = sorted((folder / "corpora" / CORPUS).rglob("*.wav"))[0]
    done = subprocess.run(
        [SER, "predict", str(clip), "--model", CORPUS, "--root", f"s3://{BUCKET}/serving", "--csv"],
        timeout=_MOST_S,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    header, row = (line.split(",") for line in done.stdout.splitlines())
    answer = dict(zip(header, row, strict=True))
    assert answer["model"] == CORPUS
    assert (root / "serving" / CORPUS / answer["version"]).is_dir()
    assert not answer["error"]


def _cells(store):
    """Returns the results in a study's store, by key, but for how long they took."""
    found = [json.loads(file.read_text("utf-8")) for file in (store / "cells").glob("*.json")]
    return {
        cell["key"]: {name: value for name, value in cell.items() if name != "train_s"}
        for cell in found
    }


def test_a_study_on_s3(folder, s3):
    bucket = "ser-study"
    s3.create_bucket(Bucket=bucket)
    synthetic.synthesize(folder / "two", seed=0, corpora=(CORPUS, "emovo"), scale=0.1)
    indexed = index.index([(name, str(folder / "two" / name)) for name in (CORPUS, "emovo")])
    indexed.write(folder / "two.csv")
    for file in (folder / "two").rglob("*.wav"):
        s3.upload_file(str(file), bucket, str(file.relative_to(folder)))
    text = (folder / "two.csv").read_text(encoding="utf-8")
    text = text.replace(f"{folder}/two/", f"s3://{bucket}/two/")
    s3.put_object(Bucket=bucket, Key="two.csv", Body=text.encode())
    epochs = {f"{stage}.epochs": 1 for stage in ("pretrain", "scratch", "fine_tune")}

    def study(root, **more):
        settings = {"synthetic": "true"} | epochs | more
        pairs = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        done = subprocess.run(
            [
                *(str(SER), "study", "--manifest", str(root / "two.csv"), *pairs),
                *("--output", str(root / "study"), "--store", str(root / "store")),
                *("--targets", CORPUS, "--folds", "0", "--protocols", "random"),
                *("--approaches", "A1,A2"),
            ],
            cwd=folder / "elsewhere",
            timeout=_MOST_S,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done

    study(folder)
    root = place(f"s3://{bucket}")
    metadata = {"metadata.file": folder / "study.sqlite"}
    study(root, **metadata)
    assert _cells(root / "store") == _cells(folder / "store") != {}
    assert "</html>" in (root / "study" / "tables" / "study.html").read_text(encoding="utf-8")
    # All of it is there already, whatever else changed.
    before = {path: path.stat().st_mtime_ns for path in (root / "store" / "cells").glob("*.json")}
    study(root, **metadata)
    assert {
        path: path.stat().st_mtime_ns for path in (root / "store" / "cells").glob("*.json")
    } == before


def test_beam_in_other_processes(folder, local):
    with beam_services.running(folder / "services") as engine:
        start_s = time.monotonic()
        _run(folder, folder / "manifest.csv", folder / "portable", **engine)
        print(f"\nser run, its Beam steps by a job server: {time.monotonic() - start_s:.0f} s")
    assert _models(folder / "portable") == local
    log = (folder / "services" / "pool" / "log").read_text(encoding="utf-8", errors="replace")
    assert log.count("Starting worker") >= 4

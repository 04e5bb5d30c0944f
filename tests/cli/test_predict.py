"""`ser predict`, from the command line's arguments to what is printed."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from certificates import authority_and_its
from tiny_models import encode, export_tiny, make_network, speech_like, wav

from cli import answers
from cli.main import main
from schemas.labels import PAPER_EMOTIONS, LabelSet
from serving.embedded.server import Server
from serving.tensorflow_serving import folder as configuration

POLITE = ["anger", "happiness", "neutral", "sadness"]

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    for model, favourite in (("emodb", "sadness"), ("multi-domain", "fear")):
        network = make_network(favourite=PAPER_EMOTIONS.index(favourite))
        export_tiny(network, root / model / "7", domain="emodb")
    # A label may be a team's own word, even one that names a column.
    labels = LabelSet((*POLITE, "error", "rude"))
    network = make_network(favourite=labels.index("rude"))
    heard = {"calls": [label for label in labels if label != "happiness"]}
    export_tiny(network, root / "calls" / "1", labels=labels, domain_labels=heard, domain="calls")
    return root


@pytest.fixture
def clips(tmp_path):
    """A folder of two good recordings and two bad ones, in a folder below it, and a text file."""
    folder = tmp_path / "clips"
    (folder / "more").mkdir(parents=True)
    (folder / "a.wav").write_bytes(wav(speech_like(0.5)))
    (folder / "more" / "b.flac").write_bytes(
        encode(speech_like(0.5), 16_000, container="FLAC", subtype="PCM_16")
    )
    (folder / "more" / "silent.wav").write_bytes(wav(np.zeros(1_000)))
    (folder / "more" / "words.wav").write_bytes(b"not a sound")
    (folder / "notes.txt").write_text("no recording")
    return folder


def test_json_on_good_and_bad_files(root, clips, capsys):
    missing = clips / "missing.wav"
    arguments = ["predict", str(clips), str(missing), "--model", "emodb", "--root", str(root)]
    assert main([*arguments, "--json"]) == 1
    out, err = capsys.readouterr()
    rows = {row["file"]: row for row in json.loads(out)}
    good = [str(clips / "a.wav"), str(clips / "more" / "b.flac")]
    bad = {
        str(clips / "more" / "silent.wav"): "silent",
        str(clips / "more" / "words.wav"): "not audio",
        str(missing): "no such file",
    }
    assert sorted(rows) == sorted([*good, *bad])
    for file in good:
        row = rows[file]
        assert (row["emotion"], row["model"], row["version"]) == ("sadness", "emodb", 7)
        assert list(row["probabilities"]) == list(PAPER_EMOTIONS)
        assert row["probabilities"]["sadness"] == pytest.approx(1.0)
        assert row["time_ms"] > 0
        assert "error" not in row
    for file, reason in bad.items():
        assert set(rows[file]) == {"file", "error"}
        assert reason in rows[file]["error"]
        assert f"error: {file}: " in err


def test_long_recordings_are_heard_to_their_end_in_windows(root, clips, capsys):
    (clips / "long.wav").write_bytes(wav(speech_like(7.5)))
    arguments = ["--model", "emodb", "--root", str(root), "--json"]
    assert main(["predict", str(clips / "a.wav"), str(clips / "long.wav"), *arguments]) == 0
    out, err = capsys.readouterr()
    keys = ("duration_s", "heard_s", "windows")
    # 3.375 s each, of which half is new: 0, 1.6875, 3.375 and, at the end, 4.125.
    assert [tuple(row[key] for key in keys) for row in json.loads(out)] == [
        (0.5, 0.5, 1),
        (7.5, 7.5, 4),
    ]
    assert "recordings are longer" not in err


def test_csv_has_one_line_per_file(root, clips, capsys):
    arguments = ["--model", "emodb", "--root", str(root), "--csv"]
    assert main(["predict", str(clips), *arguments]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["emotion"] for row in rows] == ["sadness", "sadness", "", ""]
    assert [bool(row["error"]) for row in rows] == [False, False, True, True]
    assert float(rows[0]["sadness"]) == pytest.approx(1.0)
    assert set(PAPER_EMOTIONS) < set(rows[0])


def test_the_table_names_files_emotions_and_time(root, clips, capsys):
    path = clips / "a.wav"
    assert main(["predict", str(path), "--root", str(root)]) == 0  # multi-domain by default
    out, err = capsys.readouterr()
    (line,) = [line for line in out.splitlines() if str(path) in line]
    assert "fear" in line
    assert "1.00" in line
    assert all(emotion in out for emotion in PAPER_EMOTIONS)
    assert "error" not in err


def test_the_labels_are_the_models(root, clips, capsys):
    with Server(root, poll_s=None, preload=False) as server:
        arguments = [str(clips / "a.wav"), "--model", "calls", "--address", server.address]
        outputs = []
        for form in (["--json"], ["--csv"], []):
            assert main(["predict", *arguments, *form]) == 0
            outputs.append(capsys.readouterr().out)
    (answer,) = json.loads(outputs[0])
    assert answer["emotion"] == "rude"
    assert list(answer["probabilities"]) == [*POLITE, "error", "rude"]
    assert answer["probabilities"]["happiness"] == 0.0
    (row,) = csv.DictReader(io.StringIO(outputs[1]))
    assert list(row)[2:8] == [*POLITE, "label error", "rude"]
    assert (row["emotion"], float(row["rude"]), row["error"]) == ("rude", pytest.approx(1.0), "")
    assert all(label in outputs[2] for label in ("neutral", "rude"))
    assert not any(label in outputs[2] for label in ("disgust", "fear", "surprise"))


def test_answers_of_different_labels_make_one_csv(capsys):
    def row(file, **probabilities):
        emotion = max(probabilities, key=lambda label: probabilities[label])
        return {"file": file, "emotion": emotion, "probabilities": probabilities, "version": 1}

    rows = [
        row("a.wav", anger=0.25, rude=0.75),
        {"file": "b.wav", "error": "silent"},
        row("c.wav", neutral=0.5, anger=0.125, calm=0.375),
    ]
    answers.show(rows, json=False, csv=True, title="calls")
    assert capsys.readouterr().out.splitlines() == [
        "file,emotion,anger,rude,neutral,calm,unsure,duration_s,heard_s,windows,window_s,time_ms,"
        "model,version,error",
        "a.wav,rude,0.25,0.75,,,,,,,,,,1,",
        "b.wav,,,,,,,,,,,,,,silent",
        "c.wav,neutral,0.125,,0.5,0.375,,,,,,,,1,",
    ]


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl", "answers.parquet"])
def test_answers_go_into_a_file(root, clips, tmp_path, capsys, name):
    out = tmp_path / name
    arguments = ["predict", str(clips), "--model", "emodb", "--root", str(root)]
    assert main([*arguments, "--out", str(out), "--parallel", "3"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "2 answers" in printed.err
    read = {
        "csv": pd.read_csv,
        "jsonl": lambda path: pd.read_json(path, lines=True),
        "parquet": pd.read_parquet,
    }[out.suffix[1:]]
    rows = read(out).set_index("file")
    # In the order of the files, however many are asked about at once.
    names = ["a.wav", "more/b.flac", "more/silent.wav", "more/words.wav"]
    assert list(rows.index) == [str(clips / each) for each in names]
    assert list(rows.emotion[:2]) == ["sadness", "sadness"]
    assert rows.error.notna().tolist() == [False, False, True, True]


@pytest.mark.parametrize(("name", "words"), [("a.xlsx", ".parquet"), ("none/a.csv", "no folder")])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_asked(
    clips, tmp_path, capsys, name, words
):
    arguments = ["predict", str(clips), "--root", str(tmp_path), "--out", str(tmp_path / name)]
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_recording_comes_from_standard_input(root, clips):
    answered = subprocess.run(
        [
            *(sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"),
            *("predict", "-", "--model", "emodb", "--root", str(root), "--json"),
        ],
        input=(clips / "more" / "b.flac").read_bytes(),
        capture_output=True,
        check=True,
    )
    [row] = json.loads(answered.stdout)
    assert (row["file"], row["emotion"]) == ("standard input", "sadness")


def test_a_server_is_asked_over_tls(root, clips, tmp_path, capsys):
    pki = authority_and_its(tmp_path, "server", "client")
    configuration.write_tls(tmp_path, pki / "server.key", pki / "server.pem", pki / "authority.pem")
    tls = tmp_path / configuration.TLS_FILE
    trusted = ["--tls-ca", str(pki / "authority.pem")]
    own = ["--tls-cert", str(pki / "client.pem"), "--tls-key", str(pki / "client.key")]
    with Server(root, poll_s=None, host="localhost", tls=tls) as server:
        asked = ["predict", str(clips / "a.wav"), "--model", "emodb", "--timeout", "10"]
        asked += ["--address", server.address, "--json"]
        assert main([*asked, *trusted, *own]) == 0
        assert json.loads(capsys.readouterr().out)[0]["emotion"] == "sadness"
        for lacking in (trusted, own, []):
            assert main([*asked, *lacking]) == 2
            assert server.address in capsys.readouterr().err
    assert main([*asked, *trusted, *own[:2]]) == 2
    assert "belong together" in capsys.readouterr().err
    assert main([*asked, "--tls-ca", str(clips / "a.wav")]) == 2
    assert "no PEM" in capsys.readouterr().err


def test_against_an_address(root, clips, capsys):
    with Server(root, poll_s=None) as server:
        address = ["--address", server.address]
        assert main(["predict", str(clips / "a.wav"), "--model", "emodb", *address, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["emotion"] == "sadness"
        assert main(["predict", str(clips / "a.wav"), "--model", "emovo", *address]) == 2
        assert "emovo" in capsys.readouterr().err
    assert main(["predict", str(clips / "a.wav"), *address]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert server.address in err
    assert "ser serve" in err


def test_an_unknown_model_is_answered_with_those_there_are(root, clips, capsys):
    arguments = ["--model", "emovo", "--root", str(root), "--json"]
    assert main(["predict", str(clips), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"emovo: no such model in {root}; there are: calls, emodb, multi-domain" in err


def test_a_model_that_cannot_be_loaded_says_why(clips, tmp_path, capsys):
    version = tmp_path / "serving" / "emodb" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"damaged")
    arguments = ["--model", "emodb", "--root", str(tmp_path / "serving")]
    assert main(["predict", str(clips), *arguments]) == 2
    assert "cannot be loaded: " in capsys.readouterr().err


def test_without_a_serving_folder_it_says_what_to_do(clips, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(clips)]) == 2
    assert "--root" in capsys.readouterr().err
    (tmp_path / "out" / "demo" / "serving").mkdir(parents=True)
    assert main(["predict", str(clips)]) == 2
    assert "did you mean --root out/demo/serving?" in capsys.readouterr().err


def test_a_folder_without_recordings_is_an_error(root, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty"), "--root", str(root), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert "no audio files" in row["error"]

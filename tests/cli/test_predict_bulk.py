"""`ser predict --bulk`: the same answers as without Beam, and where it goes on after a fault."""

import json

import pandas as pd
import pytest
from tiny_models import export_tiny, make_network, speech_like, wav

from cli.main import main
from schemas.errors import UserError
from serving.client import bulk
from serving.client.question import Question
from serving.embedded.server import Server

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    export_tiny(make_network(), root / "emodb" / "1", domain="emodb")
    return root


@pytest.fixture(scope="module")
def address(root):
    with Server(root, poll_s=None) as server:
        yield server.address


@pytest.fixture
def folder(tmp_path):
    """A folder of 60 recordings, of which one is bad: three shards."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(60):
        path = folder / f"{number:02d}.wav"
        path.write_bytes(wav(speech_like(0.3, seed=number)))
    (folder / "31.wav").write_bytes(b"no sound" * 100)
    return folder


def _rows(path):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row.pop("time_ms", None)
    return rows


def test_the_answers_are_those_without_beam(address, folder, tmp_path, capsys):
    server = ["--model", "emodb", "--address", address]
    plain, many = tmp_path / "plain.jsonl", tmp_path / "many.jsonl"
    assert main(["predict", str(folder), *server, "--out", str(plain)]) == 1
    assert main(["predict", "--bulk", str(folder), *server, "--out", str(many)]) == 1
    assert len(_rows(many)) == 60
    for found, expected in zip(_rows(many), _rows(plain), strict=True):
        # The server answers waiting requests together, which rounds otherwise.
        shares = expected.pop("probabilities", {})
        assert found.pop("probabilities", {}) == pytest.approx(shares, abs=1e-6)
        assert found == expected
    assert [row["file"] for row in _rows(many) if "error" in row] == [str(folder / "31.wav")]
    assert "59 answers, 1 failed" in capsys.readouterr().err
    assert not (tmp_path / "many.jsonl.parts").exists()

    manifest = tmp_path / "m.csv"
    pd.DataFrame({"path": [str(folder / "00.wav"), "none.wav"], "start_s": [0.1, None]}).to_csv(
        manifest, index=False
    )
    out = tmp_path / "m.parquet"
    assert main(["predict", "--bulk", str(manifest), *server, "--out", str(out)]) == 1
    rows = pd.read_parquet(out)
    assert rows.duration_s[0] == pytest.approx(0.2)
    assert "no such file" in rows.error[1]


def test_what_was_answered_is_not_asked_again(root, folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.csv"
    arguments = ["predict", "--bulk", str(folder), "--model", "emodb", "--out", str(out)]
    arguments += ["--timeout-s", "1"]
    ask = bulk.rows.of
    asked = []

    def dying(asking, question):
        asked.append(question.name)
        if question.name.endswith("40.wav"):
            server.stop()
        return ask(asking, question)

    monkeypatch.setattr(bulk.rows, "of", dying)
    with Server(root, poll_s=None) as server:
        assert main([*arguments, "--address", server.address, "--parallel", "1"]) == 2
    err = capsys.readouterr().err
    assert "no server answers there" in err
    assert "continues where it stopped" in err
    assert not out.exists()
    done = {json.loads(line)["file"] for path in (tmp_path / "out.csv.parts").glob("*/*.jsonl")
            for line in path.read_text().splitlines()}  # fmt: skip
    assert 25 <= len(done) < 60
    asked.clear()

    def counting(asking, question):
        asked.append(question.name)
        return ask(asking, question)

    monkeypatch.setattr(bulk.rows, "of", counting)
    with Server(root, poll_s=None) as server:
        assert main([*arguments, "--address", server.address]) == 1
    assert sorted(asked) == sorted({str(path) for path in folder.iterdir()} - done)
    assert len(pd.read_csv(out)) == 60


def test_a_changed_recording_is_asked_again(folder, tmp_path):
    server = bulk.Server(address="a:1", model="m", version=1, timeout_s=1)
    path = folder / "00.wav"
    asked = [Question(name=str(path), path=str(path))]
    before = bulk._digest(asked, server)
    assert bulk._digest(asked, server) == before
    path.write_bytes(wav(speech_like(0.4)))
    assert bulk._digest(asked, server) != before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bulk", "d"], "--out"),
        (["--bulk", "d", "--out", "a.csv", "b.wav"], "without other recordings"),
        (["--bulk", "d", "--out", "a.csv", "--timeline"], "--timeline"),
        (["a.wav", "--workers", "2"], "go with --bulk"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, words, capsys):
    assert main(["predict", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_sound_in_memory_is_refused():
    with pytest.raises(UserError, match="--bulk"):
        bulk.check([Question(name="standard input", contents=b"")])

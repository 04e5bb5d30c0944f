"""The folder of encoders: names, what is in it, and that a failure leaves it as it was."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import whisper_files
from tiny_encoders import random_encoder

from modules.networks.encoders import encoder as encoders
from modules.networks.encoders import store
from modules.networks.encoders.spec import EncoderSpec
from schemas.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "store"))
    return tmp_path / "store"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_folder_is_the_environments(monkeypatch, folder):
    assert store.folder() == folder
    monkeypatch.delenv(store.VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert store.folder() == Path("/data/ser-tfx/encoders")
    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert store.folder() == Path("/home/somebody/.local/share/ser-tfx/encoders")


def test_what_is_added_is_listed_and_loaded(tmp_path, folder):
    assert store.available() == []
    whisper_files.write(tmp_path, "ctranslate2")
    tiny = store.add("whisper-tiny", path=tmp_path, licence="MIT")
    store.add("base_2.en", path=tmp_path, blocks=3)
    (folder / ".whisper.safetensors.x1").write_bytes(b"of a write that was killed")
    (folder / "readme.txt").write_bytes(b"")
    assert store.available() == ["base_2.en", "whisper-tiny"]
    assert tiny.path == store.path_of("whisper-tiny") == folder / "whisper-tiny.safetensors"
    encoder, sha256 = store.load("whisper-tiny", tiny.sha256)
    assert sha256 == tiny.sha256
    assert (encoder.name, encoder.blocks, encoder.licence) == ("whisper-tiny", 2, "MIT")
    whisper_files.assert_ours(encoder.arrays, blocks=2)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/b", "/a", "a\0", ".hidden", "-a", "ü", "a b", "a\n", "a" * 101],
)
def test_names_are_no_paths(tmp_path, name):
    whisper_files.write(tmp_path, "ctranslate2")
    before = sorted(tmp_path.rglob("*"))
    for call in (store.path_of, store.load, lambda name: store.add(name, path=tmp_path)):
        with pytest.raises(UserError, match="a name has letters, digits"):
            call(name)
    assert sorted(tmp_path.rglob("*")) == before


def test_adding_again_replaces(tmp_path, folder):
    whisper_files.write(tmp_path, "ctranslate2")
    first = store.add("tiny", path=tmp_path, blocks=1)
    second = store.add("tiny", path=tmp_path, blocks=3)
    assert first.sha256 != second.sha256
    assert store.load("tiny")[0].blocks == 3
    assert list(contents(folder)) == ["tiny.safetensors"]
    with pytest.raises(UserError, match=rf"its SHA-256 is {second.sha256}, but {first.sha256} is"):
        store.load("tiny", first.sha256)


def test_a_failure_leaves_the_store_as_it_was(tmp_path, folder, monkeypatch):
    path = whisper_files.write(tmp_path, "ctranslate2")
    store.add("tiny", path=path)
    before = contents(folder)
    whole = path.read_bytes()
    for length in range(0, len(whole), 211):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError):
            store.add("tiny", path=path)
    path.write_bytes(whole)
    for blocks in (0, -1, 4):
        with pytest.raises(UserError, match=f"--blocks {blocks}"):
            store.add("tiny", path=path, blocks=blocks)
    # The disk is full in the middle of a write.
    wide = random_encoder(width=256)
    encoders.write(wide, tmp_path / "wide.safetensors")
    script = (
        "import resource, signal\n"
        "from pathlib import Path\n"
        "from modules.networks.encoders import store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"store.add('tiny', path=Path({str(tmp_path / 'wide.safetensors')!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "UserError" in done.stderr
    assert "cannot be written (File too large)" in done.stderr
    assert contents(folder) == before


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    path = whisper_files.write(tmp_path, "ctranslate2")
    monkeypatch.setenv(store.VARIABLE, str(path / "below"))
    with pytest.raises(UserError, match=r"cannot be written \(Not a directory\); .*SER_ENCODERS"):
        store.add("tiny", path=path)
    assert store.available() == []


def test_an_encoder_that_is_not_there_leaves_two_ways_out(folder):
    with pytest.raises(UserError) as error:
        store.load("whisper-tiny.en")
    assert str(folder) in str(error.value)
    assert "`ser encoder add whisper-tiny.en`, or do without: --set front_end=waveform" in str(
        error.value
    )
    with pytest.raises(UserError, match=r"`ser encoder add own --from FOLDER\|FILE`"):
        store.spec("own", blocks=2, pooled=(2,))
    with pytest.raises(UserError, match=r"only whisper-tiny\.en can be fetched; .*add own --from"):
        store.add("own")


def test_a_file_of_the_store_that_is_broken(folder):
    encoders.write(random_encoder(), store.path_of("a"))
    whole = (folder / "a.safetensors").read_bytes()
    (folder / "a.safetensors").write_bytes(whole[:-1])
    with pytest.raises(UserError, match=r"a\.safetensors: is no whole safetensors file"):
        store.load("a")
    (folder / "a.safetensors").write_bytes(
        whisper_files.safetensors({"stem/positions": ("F16", (1, 1), b"\0\0")})
    )
    with pytest.raises(UserError, match="is no encoder of the store"):
        store.load("a")


def test_the_spec_of_a_network(folder):
    encoder = dataclasses.replace(random_encoder(blocks=2), name="a")
    sha256 = encoders.write(encoder, store.path_of("a"))
    spec = store.spec("a", blocks=2, pooled=(1, 2))
    assert spec == EncoderSpec(
        name="a",
        sha256=sha256,
        bands=8,
        width=16,
        heads=2,
        positions=60,
        blocks=2,
        pooled=(1, 2),
    )
    assert store.spec("a", blocks=1, pooled=(1,)).blocks == 1
    with pytest.raises(UserError, match=r"holds 2 blocks; add it again with --blocks 3"):
        store.spec("a", blocks=3, pooled=(3,))

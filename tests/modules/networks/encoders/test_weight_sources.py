"""Whisper's weights as others keep them become ours, or an error in words."""

import json
import os
import re
import zipfile

import numpy as np
import pytest
import whisper_files
from whisper_files import BANDS, BLOCKS, CONFIG, HEADS, POSITIONS, WIDTH

from modules.networks.encoders import encoder as encoders
from modules.networks.encoders import sources
from schemas.errors import UserError

KINDS = tuple(whisper_files.CONTENTS)


def read(path, *, blocks=2, **arguments):
    return sources.read(path, name="tiny", blocks=blocks, **arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_same_encoder(tmp_path, kind):
    path = whisper_files.write(tmp_path / kind, kind)
    encoder = read(path, licence="MIT")
    whisper_files.assert_ours(encoder.arrays, blocks=2)
    assert (encoder.name, encoder.heads, encoder.licence) == ("tiny", HEADS, "MIT")
    assert (encoder.width, encoder.bands, encoder.positions) == (WIDTH, BANDS, POSITIONS)
    sha256 = sources.files.sha256(path)
    assert encoder.source == f"{path.name} (SHA-256 {sha256})"
    # In a folder it is found by its name.
    found = read(path.parent, blocks=BLOCKS)
    whisper_files.assert_ours(found.arrays, blocks=BLOCKS)
    assert (found.source, found.licence) == (encoder.source, "not told")


@pytest.mark.parametrize("kind", KINDS)
def test_content_decides_not_the_name(tmp_path, kind):
    path = whisper_files.write(tmp_path / kind, kind)
    other = path.rename(path.parent / "weights")
    whisper_files.assert_ours(read(other).arrays, blocks=2)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32(tmp_path, kind):
    path = whisper_files.write(tmp_path / kind, kind)
    path.write_bytes(whisper_files.CONTENTS[kind](dtype="<f4"))
    whisper_files.assert_ours(read(path).arrays, blocks=2, dtype="<f4")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_an_error_in_words(tmp_path, kind):
    path = whisper_files.write(tmp_path, kind)
    whole = path.read_bytes()
    read(path, blocks=BLOCKS)
    for length in {*range(0, len(whole), 83), *range(120), *range(len(whole) - 120, len(whole))}:
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=re.escape(str(path))):
            read(path, blocks=BLOCKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_changed_anywhere_never_raises_anything_else(tmp_path, kind):
    path = whisper_files.write(tmp_path, kind)
    whole = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    refused = 0
    for place in random.integers(0, len(whole), 150):
        before = whole[place]
        whole[place] ^= random.integers(1, 256)
        path.write_bytes(whole)
        whole[place] = before
        try:
            read(path)
        except UserError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("kind", KINDS)
def test_more_blocks_than_there_are(tmp_path, kind):
    path = whisper_files.write(tmp_path, kind)
    with pytest.raises(UserError, match=r"holds 3 blocks of an encoder, fewer than --blocks 4"):
        read(path, blocks=4)


def test_numbers_that_are_not_finite(tmp_path):
    named = whisper_files.hugging_face_names()
    named["model.encoder.conv1.bias"][0] = np.inf
    path = tmp_path / "model.safetensors"
    path.write_bytes(
        whisper_files.safetensors({k: ("F16", v.shape, v.tobytes()) for k, v in named.items()})
    )
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(UserError, match="stem/conv1_bias holds values that are not finite"):
        read(path)


def test_the_stores_own_files_keep_what_they_tell(tmp_path):
    whisper_files.write(tmp_path, "ctranslate2")
    own = tmp_path / "own.safetensors"
    encoder = read(tmp_path / "model.bin", blocks=3, licence="MIT")
    encoders.write(encoder, own)
    again = sources.read(own, name="other", blocks=2, licence="ignored")
    assert (again.name, again.source, again.licence) == ("other", encoder.source, "MIT")
    whisper_files.assert_ours(again.arrays, blocks=2)
    with pytest.raises(UserError, match="holds 3 blocks of an encoder, fewer than --blocks 4"):
        read(own, blocks=4)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "is none of the weights that can be read: Hugging Face's"),
        (b"lmgg" + bytes(100), "is none of the weights"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "is none of the weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (whisper_files.ctranslate2(layout=b"TransformerSpec"), "is none of the weights"),
        (whisper_files.ctranslate2(version=3), "is none of the weights"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02", "is a bare pickle"),
    ],
)
def test_foreign_files(tmp_path, contents, message):
    path = tmp_path / "file"
    path.write_bytes(contents)
    with pytest.raises(UserError, match=message):
        read(path)


def test_foreign_archives(tmp_path):
    path = tmp_path / "tiny.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no weights")
    with pytest.raises(UserError, match=r"is a zip archive, but not of PyTorch"):
        read(path)
    path.write_bytes(whisper_files.torch_zip({"a": 1}, {}))
    with pytest.raises(UserError, match=r"is PyTorch's, but no Whisper"):
        read(path)
    path.write_bytes(whisper_files.torch_zip("text", {}))
    with pytest.raises(UserError, match=r"is PyTorch's, but no Whisper"):
        read(path)


def test_folders(tmp_path):
    with pytest.raises(UserError, match="there is no such file or folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no weights; looked for model\.safetensors, model"):
        read(tmp_path)
    for name in ("tiny.pt", "base.pt"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=r"holds base\.pt and tiny\.pt; name the one to read"):
        read(tmp_path)
    (tmp_path / "model.bin").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path)


def test_a_name_that_is_no_utf_8(tmp_path):
    path = whisper_files.write(tmp_path, "ctranslate2")
    encoder = read(path.rename(tmp_path / os.fsdecode(b"caf\xe9")))
    encoders.write(encoder, tmp_path / "own.safetensors")
    assert encoders.read(tmp_path / "own.safetensors").source.startswith("caf\\xe9 (SHA-256 ")

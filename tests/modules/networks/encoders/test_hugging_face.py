"""Hugging Face's Whisper: names, prefixes, and the configuration beside the weights."""

import json

import pytest
import whisper_files
from whisper_files import CONFIG

from modules.networks.encoders import hugging_face, sources
from schemas.errors import UserError


def read(path):
    return sources.read(path, name="tiny", blocks=2)


@pytest.mark.parametrize("prefix", ["model.encoder.", "encoder.", ""])
def test_a_model_its_inner_one_or_an_encoder_by_itself(tmp_path, prefix):
    path = whisper_files.write(tmp_path, "hugging_face")
    path.write_bytes(whisper_files.hugging_face(prefix))
    whisper_files.assert_ours(read(path).arrays, blocks=2)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"d_model": 384}, r"width are 6, but its configuration tells 384"),
        ({"num_mel_bins": 80}, r"bands are 4, but its configuration tells 80"),
        ({"max_source_positions": 1500}, r"positions are 5, but .* 1500"),
        ({"encoder_layers": 4}, r"blocks are 3, but .* 4"),
        ({"encoder_attention_heads": 4}, r"width 6 cannot be shared by 4 heads"),
        ({"encoder_attention_heads": "2"}, r"encoder_attention_heads is '2', no number of heads"),
        ({"d_model": True}, r"d_model is True, no number of width"),
    ],
)
def test_a_configuration_of_another_size(tmp_path, config, message):
    path = whisper_files.write(tmp_path, "hugging_face")
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **config}))
    with pytest.raises(UserError, match=message):
        read(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "\udcff"])
def test_a_configuration_that_is_none(tmp_path, text):
    path = whisper_files.write(tmp_path, "hugging_face")
    (tmp_path / "config.json").write_text(text, errors="surrogateescape")
    with pytest.raises(UserError, match=r"config\.json: is no JSON"):
        read(path)


def test_without_a_configuration_heads_are_64_wide(tmp_path):
    tensors = {
        name: lambda array=array: array
        for name, array in whisper_files.hugging_face_names(width=128).items()
    }
    foreign = hugging_face.encoder(tensors, path=tmp_path / "model.safetensors")
    encoder = foreign.encoder(name="a", source="", licence="", blocks=1)
    assert (encoder.width, encoder.heads) == (128, 2)


def test_names_of_another_model(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(whisper_files.safetensors({"wav2vec2.bias": ("F16", (1,), b"\0\0")}))
    with pytest.raises(UserError, match="holds 0 blocks of an encoder"):
        read(path)
    named = whisper_files.hugging_face_names()
    del named["model.encoder.layers.1.fc2.bias"]
    path.write_bytes(
        whisper_files.safetensors({k: ("F16", v.shape, v.tobytes()) for k, v in named.items()})
    )
    with pytest.raises(UserError, match=r"is no Whisper encoder: it has no layers\.1\.fc2\.bias"):
        read(path)


def test_pytorchs_file_of_the_same_names(tmp_path):
    whisper_files.write(tmp_path, "hugging_face").unlink()
    value, storages = whisper_files.state(whisper_files.hugging_face_names())
    (tmp_path / "pytorch_model.bin").write_bytes(whisper_files.torch_zip(value, storages))
    whisper_files.assert_ours(read(tmp_path).arrays, blocks=2)

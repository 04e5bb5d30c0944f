"""Whisper as Hugging Face's transformers names its arrays, with the `config.json` beside them."""

import json
from pathlib import Path

from modules.networks.encoders.foreign import Foreign, Names
from modules.networks.encoders.tensors import Tensors
from schemas.errors import UserError

NAMES = Names(
    stem={
        "conv1_kernel": "conv1.weight",
        "conv1_bias": "conv1.bias",
        "conv2_kernel": "conv2.weight",
        "conv2_bias": "conv2.bias",
        "positions": "embed_positions.weight",
    },
    block={
        "attention_norm_scale": "layers.{}.self_attn_layer_norm.weight",
        "attention_norm_offset": "layers.{}.self_attn_layer_norm.bias",
        "query_kernel": "layers.{}.self_attn.q_proj.weight",
        "query_bias": "layers.{}.self_attn.q_proj.bias",
        "key_kernel": "layers.{}.self_attn.k_proj.weight",
        "value_kernel": "layers.{}.self_attn.v_proj.weight",
        "value_bias": "layers.{}.self_attn.v_proj.bias",
        "output_kernel": "layers.{}.self_attn.out_proj.weight",
        "output_bias": "layers.{}.self_attn.out_proj.bias",
        "dense_norm_scale": "layers.{}.final_layer_norm.weight",
        "dense_norm_offset": "layers.{}.final_layer_norm.bias",
        "expand_kernel": "layers.{}.fc1.weight",
        "expand_bias": "layers.{}.fc1.bias",
        "contract_kernel": "layers.{}.fc2.weight",
        "contract_bias": "layers.{}.fc2.bias",
    },
)
CONFIGURATION = "config.json"
# Of a model for transcription, of its inner model, and of an encoder by itself.
_PREFIXES = ("model.encoder.", "encoder.", "")
# By the names of `Encoder`'s sizes.
_KEYS = {
    "heads": "encoder_attention_heads",
    "bands": "num_mel_bins",
    "width": "d_model",
    "positions": "max_source_positions",
    "blocks": "encoder_layers",
}


def encoder(tensors: Tensors, *, path: Path) -> Foreign:
    """Returns the encoder among arrays that have Hugging Face's names.

    Args:
      tensors: What reads each array, by name.
      path: Their file; `config.json` beside it tells the sizes, if it is there.

    Raises:
      UserError: `config.json` is no JSON, or a size in it no whole number.
    """
    for prefix in _PREFIXES:
        if f"{prefix}{NAMES.stem['conv1_kernel']}" in tensors:
            break
    return Foreign(
        origin=str(path),
        tensors={
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        },
        names=NAMES,
        configured=_configured(path.parent / CONFIGURATION),
    )


def _configured(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is no JSON ({error}); fetch it again") from None
    sizes = {size: config[key] for size, key in _KEYS.items() if key in config}
    for size, number in sizes.items():
        if type(number) is not int or number < 1:
            raise UserError(f"{path}: {_KEYS[size]} is {number!r}, no number of {size}")
    return sizes

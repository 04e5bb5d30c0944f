"""Whisper as OpenAI's own checkpoints name its arrays, with the sizes in `dims`."""

from collections.abc import Mapping
from pathlib import Path

from modules.networks.encoders.foreign import Foreign, Names
from modules.networks.encoders.torch_checkpoint import Tensor
from schemas.errors import UserError

NAMES = Names(
    stem={
        "conv1_kernel": "conv1.weight",
        "conv1_bias": "conv1.bias",
        "conv2_kernel": "conv2.weight",
        "conv2_bias": "conv2.bias",
        "positions": "positional_embedding",
    },
    block={
        "attention_norm_scale": "blocks.{}.attn_ln.weight",
        "attention_norm_offset": "blocks.{}.attn_ln.bias",
        "query_kernel": "blocks.{}.attn.query.weight",
        "query_bias": "blocks.{}.attn.query.bias",
        "key_kernel": "blocks.{}.attn.key.weight",
        "value_kernel": "blocks.{}.attn.value.weight",
        "value_bias": "blocks.{}.attn.value.bias",
        "output_kernel": "blocks.{}.attn.out.weight",
        "output_bias": "blocks.{}.attn.out.bias",
        "dense_norm_scale": "blocks.{}.mlp_ln.weight",
        "dense_norm_offset": "blocks.{}.mlp_ln.bias",
        "expand_kernel": "blocks.{}.mlp.0.weight",
        "expand_bias": "blocks.{}.mlp.0.bias",
        "contract_kernel": "blocks.{}.mlp.2.weight",
        "contract_bias": "blocks.{}.mlp.2.bias",
    },
)
SIZES, STATE = "dims", "model_state_dict"
_PREFIX = "encoder."
# By the names of `Encoder`'s sizes.
_KEYS = {
    "heads": "n_audio_head",
    "bands": "n_mels",
    "width": "n_audio_state",
    "positions": "n_audio_ctx",
    "blocks": "n_audio_layer",
}


def encoder(checkpoint: Mapping, *, path: Path) -> Foreign:
    """Returns the encoder in a checkpoint.

    Args:
      checkpoint: What `torch_checkpoint.load` made of the file, with `dims` and
        `model_state_dict`.
      path: The file.

    Raises:
      UserError: These hold something else.
    """
    sizes, state = checkpoint[SIZES], checkpoint[STATE]
    if not isinstance(sizes, Mapping) or not isinstance(state, Mapping):
        raise UserError(f"{path}: is no checkpoint of OpenAI's Whisper: its {SIZES} hold no sizes")
    configured = {}
    for size, key in _KEYS.items():
        number = sizes.get(key)
        if type(number) is not int or number < 1:
            raise UserError(f"{path}: {SIZES}.{key} is {number!r}, no number of {size}")
        configured[size] = number
    return Foreign(
        origin=str(path),
        tensors={
            name.removeprefix(_PREFIX): tensor
            for name, tensor in state.items()
            if isinstance(name, str) and name.startswith(_PREFIX) and isinstance(tensor, Tensor)
        },
        names=NAMES,
        configured=configured,
    )

"""What one request may ask for, checked before anything of its claimed size is made."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2

from modules.audio import wav
from modules.audio.errors import DecodingError
from schemas import features
from schemas.signatures import (
    CLASSIFY_INPUTS,
    INPUT_AUDIO,
    INPUT_EXAMPLES,
    INPUT_NUM_SAMPLES,
    INPUT_RATE_HZ,
    INPUT_WAVEFORM,
)
from schemas.sound import SAMPLE_RATE_HZ
from serving.embedded.errors import ServingError

# Fields of a TensorProto that hold values one by one, by type.
VALUE_FIELDS = {
    tf.float32.as_datatype_enum: "float_val",
    tf.int32.as_datatype_enum: "int_val",
    tf.string.as_datatype_enum: "string_val",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Most that one request may ask for.

    Attributes:
      clips: Number of recordings.
      audio_s: Seconds of sound in all of them.
      waiting: Number of requests that are answered or wait; others are refused.
    """

    clips: int = 256
    audio_s: float = 30 * 60.0
    waiting: int = 256


def check_claim(name: str, proto: tensor_pb2.TensorProto) -> None:
    """Checks that a tensor of a request brings the values that its shape claims.

    TensorFlow would repeat the last value until the shape is filled, so that a few bytes could
    claim gigabytes.

    Raises:
      ServingError: It brings others (INVALID_ARGUMENT).
    """
    sizes = [dimension.size for dimension in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(sizes, default=0) < 0:
        raise ServingError("INVALID_ARGUMENT", f"tensor parsing error: {name}")
    # Python's integers do not overflow.
    claimed, brought = math.prod(sizes), _brought(proto)
    if claimed != brought:
        raise ServingError(
            "INVALID_ARGUMENT",
            f"input {name} claims {claimed} values and brings {brought}; send every value",
        )


def check_request(limits: Limits, inputs: Mapping[str, tf.Tensor]) -> None:
    """Checks how much sound a request brings.

    Args:
      limits: Most that it may.
      inputs: Its tensors by name.

    Raises:
      ServingError: It brings more (RESOURCE_EXHAUSTED), or an example is none (INVALID_ARGUMENT).
    """
    clips = max((len(tensor) for tensor in inputs.values() if tensor.shape.rank), default=0)
    if clips > limits.clips:
        raise ServingError(
            "RESOURCE_EXHAUSTED",
            f"{clips} recordings in one request, of at most {limits.clips}; send fewer at a time",
        )
    audio_s = _audio_s(inputs)
    if audio_s > limits.audio_s:
        raise ServingError(
            "RESOURCE_EXHAUSTED",
            f"{audio_s:,.0f} s of sound in one request, of at most {limits.audio_s:,.0f} s; cut it"
            " into parts",
        )


def _brought(proto: tensor_pb2.TensorProto) -> int:
    if proto.tensor_content:
        try:
            size = tf.as_dtype(proto.dtype).size
        except TypeError:
            return 0
        # Strings have no size of their own in `tensor_content`.
        return len(proto.tensor_content) // size if size else 0
    values = VALUE_FIELDS.get(proto.dtype)
    if values is not None:
        return len(getattr(proto, values))
    # No signature takes other types: they are refused for their type.
    return math.prod(dimension.size for dimension in proto.tensor_shape.dim)


def _audio_s(inputs: Mapping[str, tf.Tensor]) -> float:
    if INPUT_AUDIO in inputs:
        return sum(_wav_s(contents) for contents in inputs[INPUT_AUDIO].numpy())
    for name in (INPUT_EXAMPLES, CLASSIFY_INPUTS):
        if name in inputs:
            contents = inputs[name].numpy()
            return sum(_example_s(number, example) for number, example in enumerate(contents))
    if {INPUT_WAVEFORM, INPUT_NUM_SAMPLES, INPUT_RATE_HZ} <= set(inputs):
        rates_hz = np.maximum(inputs[INPUT_RATE_HZ].numpy(), 1).astype(np.float64)
        # Whatever lengths are claimed, all samples of all rows take their room.
        return float(np.sum(inputs[INPUT_WAVEFORM].shape[1] / rates_hz))
    return 0.0


def _wav_s(contents: bytes) -> float:
    try:
        header = wav.parse(contents)
    except DecodingError:
        # The graph says what is wrong with it.
        return 0.0
    return len(contents) / max(header.frame_bytes * header.rate_hz, 1)


def _example_s(number: int, contents: bytes) -> float:
    try:
        example = tf.train.Example.FromString(contents)
    except DecodeError:
        raise ServingError(
            "INVALID_ARGUMENT", f"examples[{number}] is no serialized tf.Example"
        ) from None
    values = example.features.feature[features.AUDIO].bytes_list.value
    return sum(len(value) for value in values) / (2 * SAMPLE_RATE_HZ)

"""Tensors of requests and answers, checked against a signature as TF Serving checks them."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from serving.embedded.errors import ServingError
from serving.embedded.limits import VALUE_FIELDS, check_claim


def input_tensors(
    definition: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, tf.Tensor]:
    """Returns the tensors of a request by input name.

    Raises:
      ServingError: Missing, superfluous or mistyped inputs (INVALID_ARGUMENT).
    """
    expected, sent = set(definition.inputs), set(inputs)
    if len(sent) != len(expected):
        raise ServingError(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({_names(sent)}) != len({_names(expected)}). "
            f"Sent extra: {_names(sent - expected)}. "
            f"Missing but required: {_names(expected - sent)}.",
        )
    tensors = {}
    for name in sorted(sent):
        if name not in expected:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"input tensor alias not found in signature: {name}. "
                f"Inputs expected to be in the set {_names(expected)}.",
            )
        proto, info = inputs[name], definition.inputs[name]
        if proto.dtype != info.dtype:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Expects input {name} to be {tf.as_dtype(info.dtype).name} "
                f"but {_dtype_name(proto.dtype)} is provided",
            )
        check_claim(name, proto)
        tensor = _parse_tensor(name, proto)
        shape = tf.TensorShape(info.tensor_shape)
        if not shape.is_compatible_with(tensor.shape):
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Expects input {name} to have shape {shape} but {tensor.shape} is provided",
            )
        tensors[name] = tensor
    return tensors


def requested_outputs(
    definition: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]
) -> list[str]:
    """Returns the outputs a request asks for: all if it names none.

    Raises:
      ServingError: An output that does not exist, or one named twice (INVALID_ARGUMENT).
    """
    available = set(definition.outputs)
    for alias in output_filter:
        if alias not in available:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_names(available)}.",
            )
        if list(output_filter).count(alias) > 1:
            raise ServingError("INVALID_ARGUMENT", f"duplicate output tensor alias: {alias}")
    return list(output_filter) or sorted(available)


def write_tensor(tensor: tf.Tensor, proto: tensor_pb2.TensorProto) -> None:
    """Writes a tensor into an empty message, values in typed fields: many clients read those.

    `tf.make_tensor_proto` would put floats into `tensor_content`; TF Serving does not.
    """
    values = VALUE_FIELDS.get(tensor.dtype.as_datatype_enum)
    array = tensor.numpy()
    if values is None:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    proto.dtype = tensor.dtype.as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, values).extend(array.ravel().tolist())


def _parse_tensor(name: str, proto: tensor_pb2.TensorProto) -> tf.Tensor:
    with contextlib.suppress(tf.errors.OpError, OverflowError, TypeError, ValueError):
        if proto.dtype == tf.string.as_datatype_enum:
            # All of them are there, as `check_claim` found; to parse them would copy them twice.
            shape = [dimension.size for dimension in proto.tensor_shape.dim]
            return tf.constant(list(proto.string_val), tf.string, shape)
        return tf.io.parse_tensor(proto.SerializeToString(), proto.dtype)
    raise ServingError("INVALID_ARGUMENT", f"tensor parsing error: {name}")


def _dtype_name(number: int) -> str:
    try:
        return tf.as_dtype(number).name
    except TypeError:
        return "invalid"


def _names(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"

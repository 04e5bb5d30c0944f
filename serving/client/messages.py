"""TF Serving's messages, as far as a client needs them, and tensors in them, without TensorFlow.

`tensorflow_serving.apis` has them too, and imports TensorFlow: seconds before the first question.
Numbers of fields and types are those of its .proto files, so that the bytes are the same.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# Field types, as `descriptor_pb2` numbers them.
_FLOAT, _INT64, _INT32, _BOOL, _STRING, _MESSAGE, _BYTES = 2, 3, 5, 8, 9, 11, 12
# Of each message its fields: name, number, type (a name is a message's), repeated or not. Of a map,
# the type is that of its values; its keys are strings.
_MAP = "map "
_FIELDS: dict[str, tuple[tuple[str, int, Any, bool], ...]] = {
    "Int64Value": (("value", 1, _INT64, False),),
    "Any": (("type_url", 1, _STRING, False), ("value", 2, _BYTES, False)),
    "Dim": (("size", 1, _INT64, False),),
    "Shape": (("dim", 2, "Dim", True), ("unknown_rank", 3, _BOOL, False)),
    "Tensor": (
        ("dtype", 1, _INT32, False),
        ("tensor_shape", 2, "Shape", False),
        ("tensor_content", 4, _BYTES, False),
        ("float_val", 5, _FLOAT, True),
        ("int_val", 7, _INT32, True),
        ("string_val", 8, _BYTES, True),
        ("int64_val", 10, _INT64, True),
    ),
    "ModelSpec": (
        ("name", 1, _STRING, False),
        ("version", 2, "Int64Value", False),
        ("signature_name", 3, _STRING, False),
    ),
    "PredictRequest": (
        ("model_spec", 1, "ModelSpec", False),
        ("inputs", 2, f"{_MAP}Tensor", True),
    ),
    "PredictResponse": (
        ("outputs", 1, f"{_MAP}Tensor", True),
        ("model_spec", 2, "ModelSpec", False),
    ),
    "GetModelMetadataRequest": (
        ("model_spec", 1, "ModelSpec", False),
        ("metadata_field", 2, _STRING, True),
    ),
    "GetModelMetadataResponse": (
        ("model_spec", 1, "ModelSpec", False),
        ("metadata", 2, f"{_MAP}Any", True),
    ),
    "SignatureDef": (),
    "SignatureDefMap": (("signature_def", 1, f"{_MAP}SignatureDef", True),),
}
_PACKAGE = "ser.client"
# TensorFlow's numbers of types, and the field that holds values of each one by one.
_DTYPES: dict[int, tuple[type[np.generic], str]] = {
    1: (np.float32, "float_val"),
    3: (np.int32, "int_val"),
    9: (np.int64, "int64_val"),
}
_STRINGS = 7


@functools.cache
def message(name: str) -> Any:
    """Returns the class of a message of `tensorflow.serving`, by its name there."""
    factory = message_factory.MessageFactory(_pool())
    return factory.GetPrototype(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def predict_request(model: str, signature: str, inputs: Mapping[str, Any]) -> Any:
    """Returns a PredictRequest.

    Args:
      model: Name of the model.
      signature: Name of its signature.
      inputs: By name, arrays of float32, int32 or int64, and lists of bytes or text.
    """
    request = message("PredictRequest")()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, values in inputs.items():
        _fill(request.inputs[name], values)
    return request


def array(tensor: Any) -> np.ndarray:
    """Returns the values of a tensor; text as bytes objects."""
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.dtype == _STRINGS:
        values = np.array([*tensor.string_val, None], object)[:-1]
        return values.reshape(shape)
    if tensor.dtype not in _DTYPES:
        raise ValueError(f"a tensor of type {tensor.dtype}, which no answer has")
    dtype, field = _DTYPES[tensor.dtype]
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype).reshape(shape)
    return np.array(getattr(tensor, field), dtype).reshape(shape)


def _fill(tensor: Any, values: np.ndarray | Sequence[bytes | str]) -> None:
    if isinstance(values, np.ndarray):
        tensor.dtype = next(key for key, (dtype, _) in _DTYPES.items() if dtype == values.dtype)
        tensor.tensor_content = np.ascontiguousarray(values).tobytes()
        shape: Sequence[int] = values.shape
    else:
        tensor.dtype = _STRINGS
        tensor.string_val.extend(
            each.encode() if isinstance(each, str) else each for each in values
        )
        shape = [len(values)]
    tensor.tensor_shape.SetInParent()
    for size in shape:
        tensor.tensor_shape.dim.add().size = size


@functools.cache
def _pool() -> Any:
    """Returns a pool of its own: TensorFlow's messages may be in the process's."""
    file = descriptor_pb2.FileDescriptorProto(
        name="ser/client.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        for field in fields:
            _add(described, *field)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add(described: Any, name: str, number: int, kind: Any, repeated: bool) -> None:
    field = described.field.add(name=name, number=number, label=3 if repeated else 1)
    if not isinstance(kind, str):
        field.type = kind
        return
    field.type = _MESSAGE
    field.type_name = f".{_PACKAGE}.{kind}"
    if kind.startswith(_MAP):
        # A map is a repeated message of keys and values, with a name that protobuf prescribes.
        entry = f"{name.title().replace('_', '')}Entry"
        field.type_name = f".{_PACKAGE}.{described.name}.{entry}"
        nested = described.nested_type.add(name=entry)
        nested.options.map_entry = True
        _add(nested, "key", 1, _STRING, False)
        _add(nested, "value", 2, kind.removeprefix(_MAP), False)

"""JSON of TF Serving's REST interface, from and to the messages of its gRPC interface."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, get_model_status_pb2, predict_pb2

from schemas.signatures import SIGNATURE_EXAMPLES
from serving.embedded.errors import ServingError
from serving.embedded.faults import CODES

# TF Serving's: an output whose name ends so is bytes, others are text.
_BYTES = "_bytes"


def body_of(content: bytes) -> dict[str, Any]:
    """Returns the object that a request's body is.

    Raises:
      ServingError: It is none (INVALID_ARGUMENT).
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"JSON Parse error: {error}") from None
    if not isinstance(body, dict):
        raise _invalid("JSON Value must be an object")
    return body


def predict_request(
    body: Mapping[str, Any], signatures: Mapping[str, meta_graph_pb2.SignatureDef]
) -> tuple[predict_pb2.PredictRequest, bool]:
    """Returns the request of a body, and whether it is given row by row.

    Args:
      body: `instances`, a list of rows, or `inputs`, columns by name; both can do without names
        where the signature has one input. `signature_name` may name the signature.
      signatures: The model's signatures by name.

    Raises:
      ServingError: The body is no such thing (INVALID_ARGUMENT), or the model has no such
        signature (FAILED_PRECONDITION).
    """
    key = body.get("signature_name") or SIGNATURE_EXAMPLES
    if key not in signatures:
        raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{key}" not found.')
    definition = signatures[key]
    by_row = "instances" in body
    if by_row == ("inputs" in body):
        raise _invalid("a request has either `instances`, a list of rows, or `inputs`")
    columns = (
        _columns(body["instances"], set(definition.inputs))
        if by_row
        else _named(body["inputs"], set(definition.inputs))
    )
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = key
    for name, values in columns.items():
        # What the signature lacks, the model's own checks name.
        dtype = definition.inputs[name].dtype if name in definition.inputs else types_pb2.DT_STRING
        request.inputs[name].CopyFrom(_tensor(name, values, tf.as_dtype(dtype)))
    return request, by_row


def outputs(response: predict_pb2.PredictResponse, *, by_row: bool) -> dict[str, Any]:
    """Returns an answer's outputs, row by row or as columns, as the request was."""
    columns = {
        name: [_plain(value, name) for value in tf.make_ndarray(tensor)]
        for name, tensor in sorted(response.outputs.items())
    }
    if not by_row:
        [*names] = columns
        return {"outputs": columns if len(names) != 1 else columns[names[0]]}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if len(columns) == 1:
        return {"predictions": [value for row in rows for value in row.values()]}
    return {"predictions": rows}


def classification_request(body: Mapping[str, Any]) -> classification_pb2.ClassificationRequest:
    """Returns the request of a body with `examples`, and perhaps `context` and `signature_name`.

    Raises:
      ServingError: The body is no such thing (INVALID_ARGUMENT).
    """
    examples = body.get("examples")
    if not isinstance(examples, list) or not examples:
        raise _invalid("a request has `examples`, a list of objects of features")
    request = classification_pb2.ClassificationRequest()
    request.model_spec.signature_name = str(body.get("signature_name") or "")
    if "context" in body:
        given = request.input.example_list_with_context
        _fill(given.context, body["context"])
    else:
        given = request.input.example_list
    for example in examples:
        _fill(given.examples.add(), example)
    return request


def status(entry: get_model_status_pb2.ModelVersionStatus) -> dict[str, Any]:
    """Returns what is told of one version."""
    return {
        "version": str(entry.version),
        "state": get_model_status_pb2.ModelVersionStatus.State.Name(entry.state),
        "status": {
            "error_code": CODES[entry.status.error_code],
            "error_message": entry.status.error_message,
        },
    }


def shortest(value: float) -> float:
    """Returns a float32 as the shortest decimal that reads back as the same.

    >>> shortest(float(np.float32(0.1)))
    0.1
    """
    return float(str(np.float32(value)))


def _columns(rows: Any, expected: set[str]) -> dict[str, list[Any]]:
    if not isinstance(rows, list) or not rows:
        raise _invalid("`instances` is a list of rows, at least one")
    named = [_named(row, expected, alone=True) for row in rows]
    names = set(named[0])
    if any(set(row) != names for row in named):
        raise _invalid("the rows of `instances` name different inputs")
    return {name: [row[name] for row in named] for name in named[0]}


def _named(values: Any, expected: set[str], *, alone: bool = False) -> dict[str, Any]:
    """Returns values by input, where they may stand without a name for the only one."""
    if isinstance(values, dict) and not (alone and set(values) == {"b64"}):
        return values
    if len(expected) != 1:
        raise _invalid(f"inputs have to be named: {', '.join(sorted(expected))}")
    return {next(iter(expected)): values}


def _tensor(name: str, values: Any, dtype: tf.DType) -> Any:
    try:
        if dtype == tf.string:
            values = _bytes(values)
        return tf.make_tensor_proto(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _invalid(f"input {name} is no tensor of {dtype.name}: {reason}") from None


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes(each) for each in value]
    if isinstance(value, dict) and set(value) == {"b64"}:
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, TypeError) as error:
            raise _invalid(f"b64 is no base64: {error}") from None
    if isinstance(value, str):
        return value.encode()
    raise TypeError('text or {"b64": …} is asked for')


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(each, name) for each in value]
    if isinstance(value, bytes):
        if name.endswith(_BYTES):
            return {"b64": base64.b64encode(value).decode()}
        return value.decode(errors="replace")
    return shortest(float(value)) if isinstance(value, np.floating) else value.item()


def _fill(example: Any, values: Any) -> None:
    """Puts the features of a JSON object into a tf.Example."""
    if not isinstance(values, dict):
        raise _invalid("an example is an object of features")
    for name, given in values.items():
        feature = example.features.feature[name]
        items = given if isinstance(given, list) else [given]
        if all(isinstance(item, str | dict) for item in items):
            feature.bytes_list.value.extend(_bytes(items))
        elif any(isinstance(item, bool) for item in items) or not all(
            isinstance(item, int | float) for item in items
        ):
            raise _invalid(f"feature {name} is neither text nor numbers")
        elif all(isinstance(item, int) for item in items):
            feature.int64_list.value.extend(items)
        else:
            feature.float_list.value.extend(items)


def _invalid(message: str) -> ServingError:
    return ServingError("INVALID_ARGUMENT", message)

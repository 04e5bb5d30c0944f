"""Several requests for one signature, answered by one call of the model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from serving.embedded.errors import ServingError
from serving.embedded.limits import Limits
from serving.embedded.servable import Call, Servable
from serving.embedded.workers import Interest

Answer: TypeAlias = predict_pb2.PredictResponse | Exception

# Larger requests are answered alone: what they have in common with others is little.
LARGEST_BYTES = 2 * 1024 * 1024


def answers(
    requests: Sequence[predict_pb2.PredictRequest],
    interest: Interest | None = None,
    *,
    servable: Servable,
    limits: Limits,
) -> list[Answer]:
    """Returns for each request its answer, or why there is none.

    A request that the model refuses spoils no other one's answer.

    Args:
      requests: Requests that name one signature.
      interest: Whether anybody still waits for them; always by default.
      servable: The model.
      limits: Most that one of them may ask for.
    """
    found: list[Answer | Call] = [_call(servable, request, limits) for request in requests]
    calls = [call for call in found if isinstance(call, Call)]
    if len(calls) > 1:
        try:
            answered = iter(list(_together(servable, calls, interest)))
        except Exception:
            # One of them is refused: which, the model tells of each alone.
            answered = iter([_alone(servable, call, interest) for call in calls])
    else:
        answered = iter([_alone(servable, call, interest) for call in calls])
    return [next(answered) if isinstance(each, Call) else each for each in found]


def _call(
    servable: Servable, request: predict_pb2.PredictRequest, limits: Limits
) -> Call | Exception:
    try:
        return servable.call_of(request, limits=limits)
    except Exception as error:
        return error


def _alone(servable: Servable, call: Call, interest: Interest | None) -> Answer:
    try:
        return servable.response(call, _outputs(servable, call, interest))
    except Exception as error:
        return error


def _outputs(servable: Servable, call: Call, interest: Interest | None) -> Mapping[str, tf.Tensor]:
    try:
        return servable.outputs_of(call.signature, call.inputs, interest=interest)
    except tf.errors.CancelledError:
        if interest is not None and interest.gone:
            raise
        # Where one of a loop's iterations is refused, TensorFlow cancels the others, and at times
        # tells that instead of what was refused.
        return servable.outputs_of(call.signature, call.inputs, interest=interest)


def _together(
    servable: Servable, calls: Sequence[Call], interest: Interest | None
) -> Iterator[Answer]:
    """Yields the answers to several calls, of which the model sees one batch.

    Raises:
      ServingError: A call is no batch.
      tf.errors.OpError: The model refuses one of them.
    """
    sizes = [_size(call) for call in calls]
    inputs = {
        name: tf.concat(_padded([call.inputs[name] for call in calls]), axis=0)
        for name in calls[0].inputs
    }
    outputs = servable.outputs_of(calls[0].signature, inputs, interest=interest)
    start = 0
    for call, size in zip(calls, sizes, strict=True):
        own = {name: tensor[start : start + size] for name, tensor in outputs.items()}
        start += size
        yield servable.response(call, own)


def _size(call: Call) -> int:
    """Returns the number of clips, in which all inputs of a call have to agree."""
    sizes = {len(tensor) if tensor.shape.rank else -1 for tensor in call.inputs.values()}
    if len(sizes) != 1 or -1 in sizes:
        raise ServingError("INVALID_ARGUMENT", "the inputs are not of one number of clips")
    return sizes.pop()


def _padded(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns tensors with zeros behind their rows, up to the longest row.

    Rows of waveforms name their own lengths; all others are of one length.
    """
    if tensors[0].shape.rank != 2:
        return list(tensors)
    width = max(tensor.shape[1] for tensor in tensors)
    return [tf.pad(tensor, [[0, 0], [0, width - tensor.shape[1]]]) for tensor in tensors]

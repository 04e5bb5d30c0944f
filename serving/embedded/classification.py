"""TF Serving's Classify: tf.Examples in, labels with their scores out."""

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2

from schemas.signatures import (
    CLASSIFY_CLASSES,
    CLASSIFY_INPUTS,
    CLASSIFY_SCORES,
    SIGNATURE_EXAMPLES,
)
from serving.embedded.errors import ServingError
from serving.embedded.servable import Servable


def predict_request(
    servable: Servable, request: classification_pb2.ClassificationRequest
) -> predict_pb2.PredictRequest:
    """Returns what a signature for classification is asked.

    Raises:
      ServingError: The signature is none for classification, or there are no examples
        (INVALID_ARGUMENT).
    """
    key = request.model_spec.signature_name or SIGNATURE_EXAMPLES
    definition = servable.signature_defs.get(key)
    if definition is None:
        raise ServingError("INVALID_ARGUMENT", f"No signature was found with the name: {key}")
    if set(definition.inputs) != {CLASSIFY_INPUTS} or not (
        {CLASSIFY_CLASSES, CLASSIFY_SCORES} <= set(definition.outputs)
    ):
        raise ServingError(
            "INVALID_ARGUMENT",
            f"Expected a classification signature, which {key} is none of: it needs the input"
            f" {CLASSIFY_INPUTS} and the outputs {CLASSIFY_CLASSES} and {CLASSIFY_SCORES}",
        )
    examples = _examples(request)
    if not examples:
        raise ServingError("INVALID_ARGUMENT", "Input is empty.")
    asked = predict_pb2.PredictRequest()
    asked.model_spec.CopyFrom(request.model_spec)
    asked.model_spec.signature_name = key
    asked.inputs[CLASSIFY_INPUTS].CopyFrom(tf.make_tensor_proto(examples))
    return asked


def response(
    answered: predict_pb2.PredictResponse,
) -> classification_pb2.ClassificationResponse:
    """Returns the answer of a signature for classification as TF Serving gives it."""
    found = classification_pb2.ClassificationResponse()
    found.model_spec.CopyFrom(answered.model_spec)
    classes = tf.make_ndarray(answered.outputs[CLASSIFY_CLASSES])
    scores = tf.make_ndarray(answered.outputs[CLASSIFY_SCORES])
    for labels, values in zip(classes, scores, strict=True):
        of_clip = found.result.classifications.add()
        for label, score in zip(labels, values, strict=True):
            of_clip.classes.add(label=label.decode(), score=float(score))
    return found


def _examples(request: classification_pb2.ClassificationRequest) -> list[bytes]:
    """Returns a request's examples, serialized; what it gives as context is part of each."""
    kind = request.input.WhichOneof("kind")
    if kind == "example_list":
        return [example.SerializeToString() for example in request.input.example_list.examples]
    if kind == "example_list_with_context":
        given = request.input.example_list_with_context
        context = given.context.SerializeToString()
        # Of messages one behind the other, protocol buffers read the union.
        return [context + example.SerializeToString() for example in given.examples]
    return []

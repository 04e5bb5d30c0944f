"""For tests of the embedded server: requests as clients send them, and what comes back."""

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tiny_models import speech_like, wav

TIMEOUT_S = 60


def request_of(model="emodb", signature="serve_audio", version=None, outputs=(), **inputs):
    """Returns a PredictRequest, by default for the emotion in a wav file."""
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if version is not None:
        request.model_spec.version.value = version
    for name, value in (inputs or {"audio": [wav(speech_like())]}).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def emotion_of(response):
    """Returns the label that an answer names."""
    return response.outputs["emotion"].string_val[0].decode()


def refusal(predict, request):
    """Returns code and details of the error that a request is answered with."""
    with pytest.raises(grpc.RpcError) as caught:
        predict(request)
    return caught.value.code().name, caught.value.details()

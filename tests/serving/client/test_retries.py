"""A client against a server that fails before it answers."""

import contextlib
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.client.client import Client
from serving.client.errors import PredictionError, ServerError

SAMPLES = np.sin(np.arange(1_600) / 10)


class _Failing(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, code, details, times):
        self.code, self.details, self.times, self.asked = code, details, times, 0

    def Predict(self, request, context):
        self.asked += 1
        if self.asked <= self.times:
            context.abort(self.code, self.details)
        answer = predict_pb2.PredictResponse()
        outputs = {
            "probabilities": np.array([[0.25, 0.75]], np.float32),
            "labels": [["anger", "sadness"]],
            "emotion": ["sadness"],
            "duration_s": np.array([0.1], np.float32),
            "heard_s": np.array([0.1], np.float32),
        }
        for name, values in outputs.items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return answer


@contextlib.contextmanager
def failing(code, details="", times=2):
    service = _Failing(code, details, times)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield service, f"127.0.0.1:{port}"
    finally:
        server.stop(None)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_a_server_that_fails_twice_is_asked_a_third_time(code):
    with failing(code, "try again later") as (service, address), Client(address) as client:
        found = client.predict_waveform(SAMPLES, rate_hz=16_000, model="m")
    assert service.asked == 3
    assert (found.emotion, found.windows, found.window_s, found.unsure) == ("sadness", 0, 0.0, "")


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "bad"),
        (grpc.StatusCode.INTERNAL, "bad"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (5 vs. 4)"),
    ],
)
def test_what_no_repetition_changes_is_not_repeated(code, details):
    with failing(code, details) as (service, address), Client(address) as client:
        with pytest.raises(PredictionError):
            client.predict_waveform(SAMPLES, rate_hz=16_000, model="m")
        assert service.asked == 1


def test_when_the_time_is_up_it_is_given_up():
    code = grpc.StatusCode.UNAVAILABLE
    with failing(code, times=1_000) as (service, address), Client(address, timeout_s=1) as client:
        with pytest.raises(ServerError, match=address):
            client.predict_waveform(SAMPLES, rate_hz=16_000, model="m")
        # After pauses of 0.1, 0.2 and 0.4 s; the next one would end too late.
        assert 2 <= service.asked <= 4

"""The client's messages against TensorFlow Serving's own."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import any_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2

from serving.client import messages


def test_a_request_is_what_tensorflow_would_send():
    inputs = {
        "waveform": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
        "num_samples": np.array([3, 2], np.int32),
        "audio": [b"RIFF\xff", b"words"],
    }
    expected = predict_pb2.PredictRequest()
    expected.model_spec.name, expected.model_spec.signature_name = "emodb", "serve_waveform"
    for name, values in inputs.items():
        expected.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    sent = messages.predict_request("emodb", "serve_waveform", inputs).SerializeToString()
    assert predict_pb2.PredictRequest.FromString(sent) == expected


@pytest.mark.parametrize("contents", [True, False])
def test_an_answer_is_read_as_tensorflow_would(contents):
    outputs = {
        "probabilities": np.array([[0.25, 0.75]], np.float32),
        "windows": np.array([3], np.int32),
        "duration_s": np.array([1.5], np.float32),
        "labels": np.array([[b"anger", b"sadness"]], object),
        "many": np.arange(4, dtype=np.int64).reshape(2, 2),
    }
    answer = predict_pb2.PredictResponse()
    answer.model_spec.name, answer.model_spec.version.value = "emodb", 7
    for name, values in outputs.items():
        tensor = tf.constant(values)
        # Servers send either form.
        proto = tf.make_tensor_proto(tensor)
        if contents or values.dtype == object:
            answer.outputs[name].CopyFrom(proto)
            continue
        one = answer.outputs[name]
        one.dtype = proto.dtype
        one.tensor_shape.CopyFrom(proto.tensor_shape)
        field = {"float32": one.float_val, "int32": one.int_val, "int64": one.int64_val}
        field[values.dtype.name].extend(values.ravel().tolist())
    read = messages.message("PredictResponse").FromString(answer.SerializeToString())
    assert (read.model_spec.name, read.model_spec.version.value) == ("emodb", 7)
    for name, values in outputs.items():
        assert messages.array(read.outputs[name]).tolist() == values.tolist()


def test_metadata_are_read_as_tensorflow_would():
    signatures = get_model_metadata_pb2.SignatureDefMap()
    signatures.signature_def["serve_audio"].method_name = "tensorflow/serving/predict"
    packed = any_pb2.Any()
    packed.Pack(signatures)
    answer = get_model_metadata_pb2.GetModelMetadataResponse()
    answer.metadata["signature_def"].CopyFrom(packed)
    read = messages.message("GetModelMetadataResponse").FromString(answer.SerializeToString())
    value = read.metadata["signature_def"].value
    assert list(messages.message("SignatureDefMap").FromString(value).signature_def) == [
        "serve_audio"
    ]


def test_a_client_needs_no_tensorflow():
    code = (
        "import sys; from serving.client.client import Client; Client('localhost:1').close();"
        "print([name for name in ('tensorflow', 'keras', 'av', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Client of a served model: files or waveforms in, emotions out, over TF Serving's gRPC interface.

It works alike with TF Serving and with the embedded server of `serving/embedded/server.py`.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from modules.audio import decoding, wav
from modules.audio.errors import NO_SAMPLES, SILENT, DecodingError
from schemas.errors import UserError
from schemas.labels import EMOTIONS
from schemas.signatures import (
    OUTPUT_EMOTION,
    OUTPUT_LABELS,
    OUTPUT_PROBABILITIES,
    SIGNATURE_AUDIO,
    SIGNATURE_WAVEFORM,
)

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
MAX_AUDIO_BYTES = MAX_MESSAGE_BYTES - 64 * 1024  # the rest of a request needs far less than that


class PredictionError(Exception):
    """One recording that could not be predicted; the others are unaffected.

    Attributes:
      path: the file as it was named, empty for waveforms.
      reason: what is wrong with it.
    """

    def __init__(self, path: str | Path, reason: str):
        self.path, self.reason = str(path), reason
        super().__init__(f"{self.path}: {reason}" if self.path else reason)


class ServerError(UserError):
    """No recording can be predicted: server unreachable, or model unknown to it."""


class UnknownModelError(ServerError):
    """The server has no model of that name."""


@dataclass(frozen=True)
class Prediction:
    """What a model says about one recording.

    Attributes:
      emotion: the most probable emotion among those the model's domain has.
      probabilities: by emotion, in the order of the network's outputs; they add up to 1.
      model: name of the model that answered.
      version: its version.
      elapsed_s: wall time from reading the file to having the answer, in seconds.
    """

    emotion: str
    probabilities: dict[str, float]
    model: str
    version: int
    elapsed_s: float


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PredictionError(path, "no such file") from None
    except IsADirectoryError:
        raise PredictionError(path, "is a folder; name the files in it") from None
    except OSError as error:
        raise PredictionError(path, f"cannot be read: {error.strerror}") from None


def _is_served(contents: bytes) -> bool:
    """Returns whether the serving graph decodes the file itself: a plain wav file below 4 GiB."""
    return contents[:4] == b"RIFF" and wav.is_wav(contents) and wav.parse(contents).is_plain


_NOISE = re.compile(
    r"\[\[\{\{.*?\}\}\]\]|\{\{function_node.*?\}\}|\[Op:.*?\]"
    r"|^(Graph execution error:|Detected at node .*|<stack traces unavailable>|\s*File .*)$",
    re.MULTILINE,
)


def readable(message: str) -> str:
    """Returns a graph's error message without the names of nodes and functions.

    >>> readable("assertion failed: [wav without samples; bytes:] [12] [[{{node a/Assert}}]]")
    'wav without samples; bytes: 12'
    >>> readable("{{function_node __wrapped__x}} Could not parse example [Op:ParseExampleV2]")
    'Could not parse example'
    """
    lines = [line.strip() for line in _NOISE.sub("", message).splitlines() if line.strip()]
    if not lines:
        return message.strip() or "the server gave no reason"
    _, assertion, facts = lines[0].partition("assertion failed: ")
    return " ".join(re.findall(r"\[(.*?)\]", facts)) if assertion else lines[0]


class Client:
    """Asks a TF Serving address for predictions over one gRPC channel; a context manager.

        with Client("localhost:8500") as client:
            prediction = client.predict_file("a.wav", model="emodb")

    Args:
      address: host:port of TF Serving's gRPC port.
      timeout_s: seconds after which a request counts as unanswered.
    """

    def __init__(self, address: str, *, timeout_s: float = 30.0):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self.address, self._timeout_s = address, timeout_s
        self._channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ],
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def check(self, model: str) -> int:
        """Returns the version of `model` that answers, without predicting anything.

        Raises:
          ServerError: the server does not answer, or has no such model, or one that is not ours.
        """
        import grpc
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = model
        try:
            response = self._stub.GetModelMetadata(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._explain("", model, error) from None
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        missing = {SIGNATURE_AUDIO, SIGNATURE_WAVEFORM} - set(signatures.signature_def)
        if missing:
            raise ServerError(
                f"{model}: the model at {self.address} was not exported by this project; it lacks "
                f"the signatures {', '.join(sorted(missing))}"
            )
        return response.model_spec.version.value

    def predict_file(self, path: str | Path, *, model: str) -> Prediction:
        """Predicts the emotion of one audio file.

        The file is decoded here by its content, as in training, and refused for the same reasons.
        Plain wav files are then sent as they are, of all others the first channel's samples.

        Raises:
          PredictionError: The file is missing, empty, silent or not audio, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        started_s = time.perf_counter()
        path = Path(path)
        contents = _read(path)
        try:
            waveform, rate_hz = decoding.decode_first_channel(contents)
        except DecodingError as error:
            raise PredictionError(path, str(error)) from None
        if not _is_served(contents):
            return self._predict_waveform(path, waveform, rate_hz, model, started_s)
        self._check_size(path, len(contents))
        return self._predict(path, model, SIGNATURE_AUDIO, {"audio": [contents]}, started_s)

    def predict_waveform(self, waveform, *, rate_hz: int, model: str) -> Prediction:
        """Predicts the emotion of samples.

        Args:
          waveform: float32 [samples], one channel, full scale ±1.
          rate_hz: samples per second.
          model: name of the served model.

        Raises:
          PredictionError: no samples, silent, or the model refuses them.
          ServerError: the server does not answer, or has no such model.
        """
        return self._predict_waveform("", waveform, rate_hz, model, time.perf_counter())

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _predict_waveform(self, path, waveform, rate_hz, model, started_s) -> Prediction:
        import numpy as np

        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise PredictionError(path, f"expected one channel [samples], got {waveform.shape}")
        if waveform.size == 0:
            raise PredictionError(path, NO_SAMPLES)
        if (waveform == waveform[0]).all():
            raise PredictionError(path, SILENT)
        self._check_size(path, waveform.nbytes)
        inputs = {
            "waveform": waveform[np.newaxis],
            "rate_hz": np.array([rate_hz], np.int32),
            "num_samples": np.array([waveform.size], np.int32),
        }
        return self._predict(path, model, SIGNATURE_WAVEFORM, inputs, started_s)

    def _check_size(self, path, size: int) -> None:
        if size > MAX_AUDIO_BYTES:
            raise PredictionError(
                path,
                f"{size / 2**20:.0f} MiB of audio, but a request carries at most "
                f"{MAX_AUDIO_BYTES // 2**20} MiB; cut the recording into utterances",
            )

    def _predict(self, path, model, signature, inputs, started_s) -> Prediction:
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = model, signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        try:
            response = self._stub.Predict(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._explain(path, model, error) from None
        return _parse(path, response, time.perf_counter() - started_s)

    def _explain(self, path, model: str, error) -> Exception:
        """Returns the exception that says what a failed call means for the caller."""
        import grpc

        code, details = error.code(), error.details() or ""
        if code == grpc.StatusCode.UNAVAILABLE:
            return ServerError(
                f"{self.address}: no server answers there ({details}); start one with "
                "`ser serve --root DIR`, or give the address of a TF Serving with --address"
            )
        if code == grpc.StatusCode.NOT_FOUND and "Servable not found" in details:
            return UnknownModelError(
                f"{model}: the server at {self.address} has no such model; the folders of its "
                "serving root are its models (`ser serve` prints them at start)"
            )
        if code == grpc.StatusCode.FAILED_PRECONDITION and "signature" in details:
            return ServerError(
                f"{model}: the model at {self.address} was not exported by this project: {details}"
            )
        if code == grpc.StatusCode.UNIMPLEMENTED:
            return ServerError(
                f"{self.address}: not the gRPC port of a TF Serving ({details}); usually it is 8500"
            )
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            reason = f"no answer from {self.address} within {self._timeout_s:g} s"
            return PredictionError(path, reason) if path else ServerError(reason)
        return PredictionError(path, readable(details))


def _parse(path, response, elapsed_s: float) -> Prediction:
    import tensorflow as tf

    outputs = {name: tf.make_ndarray(proto)[0] for name, proto in response.outputs.items()}
    missing = {OUTPUT_PROBABILITIES, OUTPUT_LABELS, OUTPUT_EMOTION} - set(outputs)
    if missing:
        raise PredictionError(path, f"the server's answer lacks {', '.join(sorted(missing))}")
    by_label = {
        label.decode(): float(probability)
        for label, probability in zip(
            outputs[OUTPUT_LABELS], outputs[OUTPUT_PROBABILITIES], strict=True
        )
    }
    order = {emotion: position for position, emotion in enumerate(EMOTIONS)}
    return Prediction(
        emotion=outputs[OUTPUT_EMOTION].decode(),
        probabilities=dict(sorted(by_label.items(), key=lambda item: order.get(item[0], 99))),
        model=response.model_spec.name,
        version=response.model_spec.version.value,
        elapsed_s=elapsed_s,
    )

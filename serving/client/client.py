"""Client of a served model: files or waveforms in, emotions out, over TF Serving's gRPC interface.

It works alike with TF Serving and with the embedded server of `serving/embedded`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.audio import decoding, wav
from modules.audio.contents import Contents, opened
from modules.audio.errors import NO_SAMPLES, SILENT, DecodingError
from schemas.signatures import (
    INPUT_AUDIO,
    INPUT_NUM_SAMPLES,
    INPUT_RATE_HZ,
    INPUT_SPEAKER_CLIPS,
    INPUT_SPEAKER_ENCODER,
    INPUT_SPEAKER_MEAN,
    INPUT_WAVEFORM,
    MAX_MESSAGE_BYTES,
    METADATA_FIELD,
    OUTPUT_DURATION,
    OUTPUT_EMBEDDING,
    OUTPUT_EMOTION,
    OUTPUT_ENCODER,
    OUTPUT_HEARD,
    OUTPUT_LABELS,
    OUTPUT_PROBABILITIES,
    OUTPUT_UNSURE,
    SIGNATURE_AUDIO,
    SIGNATURE_EMBEDDING,
    SIGNATURE_SPEAKER,
    SIGNATURE_WAVEFORM,
)
from serving import MESSAGE_LIMITS
from serving.client.errors import PredictionError, ServerError, explain
from serving.client.tls import Tls

if TYPE_CHECKING:
    import grpc
    import numpy as np
    import numpy.typing as npt
    from tensorflow_serving.apis import predict_pb2

    from serving.client.enrolment import Enrolment

MAX_AUDIO_BYTES = MAX_MESSAGE_BYTES - 64 * 1024  # the rest of a request needs far less than that


@dataclass(frozen=True)
class Prediction:
    """What a model says about one recording.

    Attributes:
      emotion: The most probable label among those the model's domain has.
      probabilities: Probability of each label of the model, in the order of the network's outputs;
        they add up to 1.
      model: Name of the model that answered.
      version: Its version.
      duration_s: Length of the recording, in seconds.
      heard_s: Length of its beginning that the answer is of, in seconds.
      elapsed_s: Wall time from reading the file to having the answer, in seconds.
      unsure: Why the answer is not to be relied on (`signatures.UNSURE_…`); empty where it is, or
        where the model does not tell.
    """

    emotion: str
    probabilities: dict[str, float]
    model: str
    version: int
    duration_s: float
    heard_s: float
    elapsed_s: float
    unsure: str = ""


def _is_served(contents: Contents) -> bool:
    """Returns whether the serving graph hears the same of the file: a common plain wav."""
    if contents[:4] != b"RIFF" or not wav.is_wav(contents):
        return False
    header = wav.parse(contents)
    # Floats may be beyond full scale, which the graph does not look for.
    return header.tag == wav.PCM and header.bits % 8 == 0 and not header.lacking_bytes


class Client:
    """Asks a TF Serving address for predictions over one gRPC channel; a context manager.

        with Client("localhost:8500") as client:
            prediction = client.predict_file("a.wav", model="emodb")

    Args:
      address: The host:port of TF Serving's gRPC port.
      timeout_s: Seconds after which a request counts as unanswered.
      tls: How the connection is encrypted; not at all by default.
    """

    def __init__(self, address: str, *, timeout_s: float = 30.0, tls: Tls | None = None):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self.address, self._timeout_s = address, timeout_s
        self._channel = (
            grpc.secure_channel(address, tls.credentials(), options=MESSAGE_LIMITS)
            if tls
            else grpc.insecure_channel(address, options=MESSAGE_LIMITS)
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def check(self, model: str, *, speakers: bool = False) -> int:
        """Returns the version of `model` that answers, without predicting anything.

        Args:
          model: Name of the model.
          speakers: Whether it has to be one for known speakers.

        Raises:
          ServerError: The server does not answer, has no such model, one that is not ours, or one
            that cannot be told who speaks.
        """
        import grpc
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[METADATA_FIELD])
        request.model_spec.name = model
        try:
            response = self._stub.GetModelMetadata(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._explain(error, model) from None
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[METADATA_FIELD].Unpack(signatures)
        missing = {SIGNATURE_AUDIO, SIGNATURE_WAVEFORM} - set(signatures.signature_def)
        if missing:
            raise ServerError(
                f"{model}: the model at {self.address} was not exported by this project; it lacks "
                f"the signatures {', '.join(sorted(missing))}"
            )
        if speakers and not {SIGNATURE_EMBEDDING, SIGNATURE_SPEAKER} <= set(
            signatures.signature_def
        ):
            raise ServerError(
                f"{model}: the model at {self.address} cannot be told who speaks; it has to come"
                " from a release with known_speakers: true"
            )
        return response.model_spec.version.value

    def predict_file(
        self, path: str | Path, *, model: str, speaker: "Enrolment | None" = None
    ) -> Prediction:
        """Predicts the emotion of one audio file.

        Args:
          path: The file.
          model: Name of the model.
          speaker: Who speaks, for a model for known speakers; nobody in particular by default.

        The file is decoded here by its content, as in training, and refused for the same reasons.
        Plain wav files are then sent as they are, of all others the first channel's samples.

        Raises:
          PredictionError: The file is missing, empty, silent or not audio, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        started_s = time.perf_counter()
        path = Path(path)
        return self._predict_decoded(path, _decoded_file(path), model, started_s, speaker)

    def predict_contents(
        self, contents: bytes, *, name: str, model: str, speaker: "Enrolment | None" = None
    ) -> Prediction:
        """Predicts the emotion of a recording in memory; see `predict_file`.

        Args:
          contents: What a file would hold.
          name: What errors call it.
          model: Name of the model.
          speaker: Who speaks, for a model for known speakers; nobody in particular by default.

        Raises:
          PredictionError, ServerError: As `predict_file`.
        """
        started_s = time.perf_counter()
        return self._predict_decoded(name, _decoded(name, contents), model, started_s, speaker)

    def _predict_decoded(
        self,
        path: str | Path,
        decoded: "tuple[np.ndarray, int, bytes]",
        model: str,
        started_s: float,
        speaker: "Enrolment | None",
    ) -> Prediction:
        waveform, rate_hz, served = decoded
        if speaker is not None or not served:
            return self._predict_waveform(path, waveform, rate_hz, model, started_s, speaker)
        self._check_size(path, len(served))
        return self._predict(path, model, SIGNATURE_AUDIO, {INPUT_AUDIO: [served]}, started_s)

    def embed_file(self, path: str | Path, *, model: str) -> "tuple[np.ndarray, str]":
        """Returns by what a model for known speakers knows the speaker of a file.

        Returns:
          The embedding, float32 `[channels]`, and the SHA-256 of the encoder that made it.

        Raises:
          PredictionError: The file is missing, empty, silent or not audio, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        path = Path(path)
        waveform, rate_hz, _ = _decoded_file(path)
        inputs = self._samples(path, waveform, rate_hz)
        outputs = _outputs(self._ask(path, model, SIGNATURE_EMBEDDING, inputs))
        return outputs[OUTPUT_EMBEDDING], outputs[OUTPUT_ENCODER].decode()

    def predict_waveform(
        self, waveform: "npt.ArrayLike", *, rate_hz: int, model: str
    ) -> Prediction:
        """Predicts the emotion of samples.

        Args:
          waveform: One channel, float32 [samples], full scale ±1.
          rate_hz: Samples per second.

        Raises:
          PredictionError: No samples, silent, or the model refuses them.
          ServerError: The server does not answer, or has no such model.
        """
        return self._predict_waveform("", waveform, rate_hz, model, time.perf_counter())

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _predict_waveform(
        self,
        path: str | Path,
        waveform: "npt.ArrayLike",
        rate_hz: int,
        model: str,
        started_s: float,
        speaker: "Enrolment | None" = None,
    ) -> Prediction:
        import numpy as np

        inputs = self._samples(path, waveform, rate_hz)
        if speaker is None:
            return self._predict(path, model, SIGNATURE_WAVEFORM, inputs, started_s)
        inputs |= {
            INPUT_SPEAKER_MEAN: np.array([speaker.mean], np.float32),
            INPUT_SPEAKER_CLIPS: np.array([speaker.clips], np.int32),
            INPUT_SPEAKER_ENCODER: [speaker.encoder],
        }
        return self._predict(path, model, SIGNATURE_SPEAKER, inputs, started_s)

    def _samples(self, path: str | Path, waveform: "npt.ArrayLike", rate_hz: int) -> dict[str, Any]:
        """Returns the inputs that samples make."""
        import numpy as np

        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise PredictionError(path, f"expected one channel [samples], got {waveform.shape}")
        if waveform.size == 0:
            raise PredictionError(path, NO_SAMPLES)
        if (waveform == waveform[0]).all():
            raise PredictionError(path, SILENT)
        self._check_size(path, waveform.nbytes)
        return {
            INPUT_WAVEFORM: waveform[np.newaxis],
            INPUT_RATE_HZ: np.array([rate_hz], np.int32),
            INPUT_NUM_SAMPLES: np.array([waveform.size], np.int32),
        }

    def _check_size(self, path: str | Path, size: int) -> None:
        if size > MAX_AUDIO_BYTES:
            raise PredictionError(
                path,
                f"{size / 2**20:.0f} MiB of audio, but a request carries at most "
                f"{MAX_AUDIO_BYTES // 2**20} MiB; cut the recording into utterances",
            )

    def _predict(
        self,
        path: str | Path,
        model: str,
        signature: str,
        inputs: Mapping[str, Any],
        started_s: float,
    ) -> Prediction:
        response = self._ask(path, model, signature, inputs)
        return _parse(path, response, time.perf_counter() - started_s)

    def _ask(
        self, path: str | Path, model: str, signature: str, inputs: Mapping[str, Any]
    ) -> "predict_pb2.PredictResponse":
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = model, signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        try:
            return self._stub.Predict(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._explain(error, model, path) from None

    def _explain(
        self, error: "grpc.RpcError", model: str, path: str | Path = ""
    ) -> PredictionError | ServerError:
        return explain(
            error, address=self.address, model=model, timeout_s=self._timeout_s, path=path
        )


def _decoded_file(path: Path) -> "tuple[np.ndarray, int, bytes]":
    """Returns what `_decoded` returns of a file."""
    try:
        with opened(str(path)) as contents:
            return _decoded(path, contents)
    except DecodingError as error:
        raise PredictionError(path, str(error)) from None


def _decoded(name: str | Path, contents: Contents) -> "tuple[np.ndarray, int, bytes]":
    """Returns the first channel of a recording, float32 `[samples]`, its rate, and what it was.

    The last is empty where the serving graph does not decode it.
    """
    try:
        waveform, rate_hz = decoding.decode_first_channel(contents)
        return waveform, rate_hz, contents[:] if _is_served(contents) else b""
    except DecodingError as error:
        raise PredictionError(name, str(error)) from None


def _outputs(response: "predict_pb2.PredictResponse") -> dict[str, Any]:
    """Returns the first row of each output."""
    import tensorflow as tf

    return {name: tf.make_ndarray(proto)[0] for name, proto in response.outputs.items()}


def _parse(
    path: str | Path, response: "predict_pb2.PredictResponse", elapsed_s: float
) -> Prediction:
    outputs = _outputs(response)
    needed = (
        OUTPUT_PROBABILITIES,
        OUTPUT_LABELS,
        OUTPUT_EMOTION,
        OUTPUT_DURATION,
        OUTPUT_HEARD,
    )
    missing = set(needed) - set(outputs)
    if missing:
        raise PredictionError(path, f"the server's answer lacks {', '.join(sorted(missing))}")
    return Prediction(
        emotion=outputs[OUTPUT_EMOTION].decode(),
        probabilities={
            label.decode(): float(probability)
            for label, probability in zip(
                outputs[OUTPUT_LABELS], outputs[OUTPUT_PROBABILITIES], strict=True
            )
        },
        model=response.model_spec.name,
        version=response.model_spec.version.value,
        duration_s=float(outputs[OUTPUT_DURATION]),
        heard_s=float(outputs[OUTPUT_HEARD]),
        elapsed_s=elapsed_s,
        # Models of older releases do not tell.
        unsure=outputs.get(OUTPUT_UNSURE, b"").decode(),
    )

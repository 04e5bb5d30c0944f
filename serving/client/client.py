"""Client of a served model: files or waveforms in, emotions out, over TF Serving's gRPC interface.

It works alike with TF Serving and with the embedded server of `serving/embedded`.
"""

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.audio import media
from schemas.signatures import (
    INPUT_AUDIO,
    INPUT_NUM_SAMPLES,
    INPUT_RATE_HZ,
    INPUT_WAVEFORM,
    MAX_MESSAGE_BYTES,
    METADATA_FIELD,
    OUTPUT_EMOTION,
    OUTPUT_LABELS,
    OUTPUT_PROBABILITIES,
    SIGNATURE_AUDIO,
    SIGNATURE_WAVEFORM,
)
from serving import MESSAGE_LIMITS
from serving.client.errors import PredictionError, ServerError, explain

if TYPE_CHECKING:
    import grpc
    import numpy.typing as npt
    from tensorflow_serving.apis import predict_pb2

MAX_AUDIO_BYTES = MAX_MESSAGE_BYTES - 64 * 1024  # the rest of a request needs far less than that

WAVE_PCM, WAVE_FLOAT, WAVE_EXTENSIBLE = 1, 3, 0xFFFE
# Format tag and bits a sample of the wav files that the serving graph decodes itself.
SERVED_CODINGS = {(WAVE_PCM, bits) for bits in (8, 16, 24, 32)} | {
    (WAVE_FLOAT, bits) for bits in (32, 64)
}


@dataclass(frozen=True)
class Prediction:
    """What a model says about one recording.

    Attributes:
      emotion: The most probable label among those the model's domain has.
      probabilities: Probability of each label of the model, in the order of the network's outputs;
        they add up to 1.
      model: Name of the model that answered.
      version: Its version.
      elapsed_s: Wall time from reading the file to having the answer, in seconds.
    """

    emotion: str
    probabilities: dict[str, float]
    model: str
    version: int
    elapsed_s: float


@dataclass(frozen=True)
class WavLayout:
    """The parts of a RIFF WAVE file that say whether the serving graph can decode it.

    Attributes:
      coding: Format tag (WAVE_PCM, WAVE_FLOAT, or µ-law, ADPCM, …) and bits per sample.
      block_bytes: Bytes per frame (a sample of every channel).
      data: The bytes of the data chunk, fewer than announced in a truncated file.
    """

    coding: tuple[int, int]
    block_bytes: int
    data: memoryview


def parse_wav(contents: bytes) -> WavLayout | None:
    """Returns the layout of a wav file's bytes, None if they are no complete wav header."""
    if contents[:4] != b"RIFF" or contents[8:12] != b"WAVE":
        return None
    block_bytes = 0
    coding: tuple[int, int] | None = None
    for name, _, body in media.wav_chunks(contents):
        if name == b"fmt " and len(body) >= 16:
            tag, _, _, _, block_bytes, bits = struct.unpack_from("<HHIIHH", body)
            if tag == WAVE_EXTENSIBLE and len(body) >= 26:
                (tag,) = struct.unpack_from("<H", body, 24)
            coding = (tag, bits)
        elif name == b"data" and coding is not None:
            return WavLayout(coding, block_bytes, body)
    return None


def _constant(frames: memoryview, block_bytes: int) -> bool:
    """Returns whether all frames are equal: digital silence, with or without an offset."""
    import numpy as np

    count = len(frames) // block_bytes
    blocks = np.frombuffer(frames[: count * block_bytes], np.uint8).reshape(count, block_bytes)
    return bool((blocks == blocks[:1]).all())


def _read(path: Path) -> bytes:
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        raise PredictionError(path, "no such file") from None
    except IsADirectoryError:
        raise PredictionError(path, "is a folder; name the files in it") from None
    except OSError as error:
        raise PredictionError(path, f"cannot be read: {error.strerror}") from None
    if not contents:
        raise PredictionError(path, "empty file")
    return contents


def _decode(path: Path, contents: bytes) -> tuple[Any, int]:
    """Decodes by content whatever libsndfile (flac, mp3, ogg, …) or FFmpeg (videos, AAC, …) knows.

    Returns:
      (waveform, rate_hz): the first channel, float32 [samples], and its rate. Never the mean of
      the channels: delayed against each other, they would cancel out.
    """
    try:
        samples, rate_hz = media.samples(contents)
    except media.DecodingError as error:
        raise PredictionError(path, str(error)) from None
    return samples[:, 0], rate_hz


class Client:
    """Asks a TF Serving address for predictions over one gRPC channel; a context manager.

        with Client("localhost:8500") as client:
            prediction = client.predict_file("a.wav", model="emodb")

    Args:
      address: The host:port of TF Serving's gRPC port.
      timeout_s: Seconds after which a request counts as unanswered.
    """

    def __init__(self, address: str, *, timeout_s: float = 30.0):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self.address, self._timeout_s = address, timeout_s
        self._channel = grpc.insecure_channel(
            address,
            options=MESSAGE_LIMITS,
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def check(self, model: str) -> int:
        """Returns the version of `model` that answers, without predicting anything.

        Raises:
          ServerError: The server does not answer, or has no such model, or one that is not ours.
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
        return response.model_spec.version.value

    def predict_file(self, path: str | Path, *, model: str) -> Prediction:
        """Predicts the emotion of one audio file.

        Wav files are sent as they are; anything else is decoded here, by content.

        Raises:
          PredictionError: The file is missing, empty, silent or not audio, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        started_s = time.perf_counter()
        path = Path(path)
        contents = _read(path)
        wav = parse_wav(contents)
        if wav is None or wav.coding not in SERVED_CODINGS:
            waveform, rate_hz = _decode(path, contents)
            return self._predict_waveform(path, waveform, rate_hz, model, started_s)
        if wav.block_bytes == 0 or len(wav.data) < wav.block_bytes:
            raise PredictionError(path, "no samples in it")
        if _constant(wav.data, wav.block_bytes):
            raise PredictionError(path, "silent: all samples are equal")
        self._check_size(path, len(contents))
        return self._predict(path, model, SIGNATURE_AUDIO, {INPUT_AUDIO: [contents]}, started_s)

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
    ) -> Prediction:
        import numpy as np

        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise PredictionError(path, f"expected one channel [samples], got {waveform.shape}")
        if waveform.size == 0:
            raise PredictionError(path, "no samples in it")
        if (waveform == waveform[0]).all():
            raise PredictionError(path, "silent: all samples are equal")
        self._check_size(path, waveform.nbytes)
        inputs = {
            INPUT_WAVEFORM: waveform[np.newaxis],
            INPUT_RATE_HZ: np.array([rate_hz], np.int32),
            INPUT_NUM_SAMPLES: np.array([waveform.size], np.int32),
        }
        return self._predict(path, model, SIGNATURE_WAVEFORM, inputs, started_s)

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
            raise self._explain(error, model, path) from None
        return _parse(path, response, time.perf_counter() - started_s)

    def _explain(
        self, error: "grpc.RpcError", model: str, path: str | Path = ""
    ) -> PredictionError | ServerError:
        return explain(
            error, address=self.address, model=model, timeout_s=self._timeout_s, path=path
        )


def _parse(
    path: str | Path, response: "predict_pb2.PredictResponse", elapsed_s: float
) -> Prediction:
    import tensorflow as tf

    outputs = {name: tf.make_ndarray(proto)[0] for name, proto in response.outputs.items()}
    missing = {OUTPUT_PROBABILITIES, OUTPUT_LABELS, OUTPUT_EMOTION} - set(outputs)
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
        elapsed_s=elapsed_s,
    )

"""Client of a served model: files or waveforms in, emotions out, over TF Serving's gRPC interface.

It works alike with TF Serving and with the embedded server of `serving/embedded`.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.audio.errors import NO_SAMPLES, SILENT, DecodingError
from schemas.channels import FIRST
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
    OUTPUT_EMBEDDING,
    OUTPUT_ENCODER,
    SIGNATURE_AUDIO,
    SIGNATURE_EMBEDDING,
    SIGNATURE_SPEAKER,
    SIGNATURE_WAVEFORM,
)
from serving.client import messages
from serving.client.asking import Asking
from serving.client.connection import Connection
from serving.client.errors import PredictionError, ServerError, explain
from serving.client.prediction import Prediction, outputs_of, predictions
from serving.client.question import EACH, Question, heard
from serving.client.timeline import Timeline
from serving.client.tls import Tls

if TYPE_CHECKING:
    import grpc
    import numpy as np
    import numpy.typing as npt

    from serving.client.enrolment import Enrolment

MAX_AUDIO_BYTES = MAX_MESSAGE_BYTES - 64 * 1024  # the rest of a request needs far less than that


class Client:
    """Asks a TF Serving address for predictions over one gRPC channel; a context manager.

        with Client("localhost:8500") as client:
            prediction = client.predict_file("a.wav", model="emodb")

    A server that is away or has too much to do is asked again until the time is up.

    Args:
      address: The host:port of TF Serving's gRPC port.
      timeout_s: Seconds after which a request counts as unanswered, repetitions included.
      tls: How the connection is encrypted; not at all by default.
    """

    def __init__(self, address: str, *, timeout_s: float = 30.0, tls: Tls | None = None):
        self.address, self._timeout_s = address, timeout_s
        self._connection = Connection(address, timeout_s=timeout_s, tls=tls)

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

        try:
            response = self._connection.metadata(model, METADATA_FIELD)
        except grpc.RpcError as error:
            raise self._explain(error, model) from None
        signatures = messages.message("SignatureDefMap").FromString(
            response.metadata[METADATA_FIELD].value
        )
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
        version: int = response.model_spec.version.value
        return version

    def predict_file(
        self,
        path: str | Path,
        *,
        model: str,
        channel: str = FIRST,
        speaker: "Enrolment | None" = None,
    ) -> Prediction:
        """Predicts the emotion of one audio file.

        Args:
          path: The file.
          model: Name of the model.
          channel: The channel that is heard (`schemas.channels`); the first by default.
          speaker: Who speaks, for a model for known speakers; nobody in particular by default.

        The file is decoded here by its content, as in training, and refused for the same reasons.
        Plain wav files are then sent as they are, of all others a channel's samples. What is longer
        than a request is answered window by window (`Timeline.prediction`).

        Raises:
          PredictionError: The file is missing, empty, silent or not audio, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        asked = Question(name=str(path), path=str(path), channel=channel)
        return self._one(asked, model=model, speaker=speaker)

    def predict_contents(
        self,
        contents: bytes,
        *,
        name: str,
        model: str,
        channel: str = FIRST,
        speaker: "Enrolment | None" = None,
    ) -> Prediction:
        """Predicts the emotion of a recording in memory; see `predict_file`.

        Args:
          contents: What a file would hold.
          name: What errors call it.
          model: Name of the model.
          channel: The channel that is heard.
          speaker: Who speaks, for a model for known speakers; nobody in particular by default.

        Raises:
          PredictionError, ServerError: As `predict_file`.
        """
        asked = Question(name=name, contents=contents, channel=channel)
        return self._one(asked, model=model, speaker=speaker)

    def predict_waveform(
        self, waveform: "npt.ArrayLike", *, rate_hz: int, model: str
    ) -> Prediction:
        """Predicts the emotion of samples.

        Args:
          waveform: One channel, float32 [samples], full scale ±1.
          rate_hz: Samples per second.
          model: Name of the model.

        Raises:
          PredictionError: No samples, silent, more than a request carries, or the model refuses
            them.
          ServerError: The server does not answer, or has no such model.
        """
        import numpy as np

        samples = np.asarray(waveform, np.float32)
        if samples.ndim != 1:
            raise PredictionError("", f"expected one channel [samples], got {samples.shape}")
        if samples.size == 0:
            raise PredictionError("", NO_SAMPLES)
        if (samples == samples[0]).all():
            raise PredictionError("", SILENT)
        [found] = self.predict_waveforms([samples], rate_hz=rate_hz, model=model)
        return found

    def predict_waveforms(
        self,
        waveforms: "Sequence[np.ndarray]",
        *,
        rate_hz: int,
        model: str,
        name: str = "",
        speaker: "Enrolment | None" = None,
        started_s: float | None = None,
    ) -> list[Prediction]:
        """Predicts the emotions of some waveforms in one request.

        Args:
          waveforms: float32 [samples] each, full scale ±1, not empty.
          rate_hz: Samples per second of all of them.
          model: Name of the model.
          name: What errors call them.
          speaker: Who speaks; nobody in particular by default.
          started_s: When the work on them began, by `time.perf_counter`; now by default.

        Raises:
          PredictionError, ServerError: As `predict_waveform`.
        """
        inputs = self._samples(name, waveforms, rate_hz)
        signature = SIGNATURE_WAVEFORM
        if speaker is not None:
            signature = SIGNATURE_SPEAKER
            inputs |= _spoken_by(speaker, len(waveforms))
        return self._predict(name, model, signature, inputs, started_s)

    def predict_wav(
        self, contents: bytes, *, model: str, name: str = "", started_s: float | None = None
    ) -> Prediction:
        """Predicts the emotion of a wav file that the model itself decodes.

        Args:
          contents: The file's bytes.
          model: Name of the model.
          name: What errors call it.
          started_s: When the work on it began, by `time.perf_counter`; now by default.

        Raises:
          PredictionError, ServerError: As `predict_file`.
        """
        self._check_size(name, len(contents))
        inputs = {INPUT_AUDIO: [contents]}
        [found] = self._predict(name, model, SIGNATURE_AUDIO, inputs, started_s)
        return found

    def embed_file(self, path: str | Path, *, model: str) -> "tuple[np.ndarray, str]":
        """Returns by what a model for known speakers knows the speaker of a file.

        Returns:
          The embedding, float32 `[channels]`, and the SHA-256 of the encoder that made it.

        Raises:
          PredictionError: The file is missing, empty, silent or not audio, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        asked = Question(name=str(path), path=str(path))
        try:
            sound = asked.sound()
            samples = heard(sound, FIRST)
        except DecodingError as error:
            raise PredictionError(path, str(error)) from None
        inputs = self._samples(asked.name, [samples], sound.rate_hz)
        outputs = outputs_of(self._ask(asked.name, model, SIGNATURE_EMBEDDING, inputs))
        return outputs[OUTPUT_EMBEDDING][0], outputs[OUTPUT_ENCODER][0].decode()

    @property
    def most_audio_bytes(self) -> int:
        """How much sound a request carries."""
        return MAX_AUDIO_BYTES

    def close(self) -> None:
        """Closes the channel."""
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _one(self, asked: Question, model: str, speaker: "Enrolment | None") -> Prediction:
        if asked.channel == EACH:
            raise ValueError("one channel is one answer; see `Asking.answers`")
        [found] = Asking(self, model, speaker).answers(asked).values()
        if isinstance(found, PredictionError):
            raise found
        return found.prediction() if isinstance(found, Timeline) else found

    def _samples(
        self, name: str, waveforms: "Sequence[np.ndarray]", rate_hz: int
    ) -> dict[str, Any]:
        """Returns the inputs that waveforms make."""
        import numpy as np

        longest = max(map(len, waveforms))
        self._check_size(name, 4 * longest * len(waveforms))
        rows = np.zeros([len(waveforms), longest], np.float32)
        for row, waveform in zip(rows, waveforms, strict=True):
            row[: len(waveform)] = waveform
        return {
            INPUT_WAVEFORM: rows,
            INPUT_RATE_HZ: np.full([len(waveforms)], rate_hz, np.int32),
            INPUT_NUM_SAMPLES: np.array([*map(len, waveforms)], np.int32),
        }

    def _check_size(self, name: str, size: int) -> None:
        if size > MAX_AUDIO_BYTES:
            raise PredictionError(
                name,
                f"{size / 2**20:.0f} MiB of audio, but a request carries at most "
                f"{MAX_AUDIO_BYTES // 2**20} MiB; cut the recording into utterances",
            )

    def _predict(
        self,
        name: str,
        model: str,
        signature: str,
        inputs: Mapping[str, Any],
        started_s: float | None,
    ) -> list[Prediction]:
        began_s = time.perf_counter() if started_s is None else started_s
        response = self._ask(name, model, signature, inputs)
        return predictions(name, response, time.perf_counter() - began_s)

    def _ask(self, name: str, model: str, signature: str, inputs: Mapping[str, Any]) -> Any:
        import grpc

        try:
            return self._connection.predict(messages.predict_request(model, signature, inputs))
        except grpc.RpcError as error:
            raise self._explain(error, model, name) from None

    def _explain(
        self, error: "grpc.RpcError", model: str, path: str = ""
    ) -> PredictionError | ServerError:
        return explain(
            error, address=self.address, model=model, timeout_s=self._timeout_s, path=path
        )


def _spoken_by(speaker: "Enrolment", rows: int) -> dict[str, Any]:
    """Returns the inputs that tell who speaks, the same in every row."""
    import numpy as np

    return {
        INPUT_SPEAKER_MEAN: np.tile(np.array([speaker.mean], np.float32), [rows, 1]),
        INPUT_SPEAKER_CLIPS: np.full([rows], speaker.clips, np.int32),
        INPUT_SPEAKER_ENCODER: [speaker.encoder] * rows,
    }

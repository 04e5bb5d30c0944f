"""Asking about a recording, a part or a channel of it, as one answer or as a timeline."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from modules.audio import streaming
from modules.audio.errors import MAX_DURATION_S, DecodingError, TooLongError
from modules.audio.samples import Sound
from serving.client.errors import PredictionError
from serving.client.prediction import Prediction
from serving.client.question import EACH, Question, heard, numbered
from serving.client.timeline import Timeline, timeline
from serving.client.windows import Windows

if TYPE_CHECKING:
    import numpy as np

    from serving.client.client import Client
    from serving.client.enrolment import Enrolment

T = TypeVar("T")
_DEFAULT = Windows()


def _no_progress(heard_s: float) -> None:
    del heard_s


class Asking:
    """A model, and who speaks, on a client's connection.

    Args:
      client: The connection.
      model: Name of the model.
      speaker: Who speaks, for a model for known speakers; nobody in particular by default.
    """

    def __init__(self, client: "Client", model: str, speaker: "Enrolment | None" = None):
        self._client, self._model, self._speaker = client, model, speaker

    def answers(self, asked: Question) -> "dict[str, Prediction | Timeline | PredictionError]":
        """Returns the answer of each channel that is asked about, by its name.

        That is a timeline where the recording is longer than a request, and an error where one of
        several channels cannot be used.

        Raises:
          PredictionError: The recording cannot be used, or the model refuses it.
          ServerError: The server does not answer, or has no such model.
        """
        started_s = time.perf_counter()
        try:
            sound = _read(asked, asked.sound)
            served = _read(asked, asked.served) if self._speaker is None else b""
        except TooLongError:
            return dict(self.timelines(asked))
        names = numbered(sound) if asked.channel == EACH else [asked.channel]
        return _each(names, lambda name: self._answer(asked, sound, name, served, started_s))

    def timelines(
        self,
        asked: Question,
        *,
        layout: Windows = _DEFAULT,
        progress: Callable[[float], None] = _no_progress,
    ) -> "dict[str, Timeline | PredictionError]":
        """Returns the timeline of each channel that is asked about, by its name.

        Recordings may be of any length: a few windows are in memory at a time.

        Args:
          asked: The recording.
          layout: Lengths of the windows.
          progress: Is told the seconds of which there are answers.

        Raises:
          PredictionError, ServerError: As `answers`.
        """

        def one(channel: str) -> Timeline:
            with asked.opened() as contents:
                return timeline(
                    streaming.pieces(contents, start_s=asked.start_s, end_s=asked.end_s),
                    self._predictor(asked.name),
                    channel=channel,
                    layout=layout,
                    offset_s=asked.start_s or 0.0,
                    progress=progress,
                )

        names = _read(asked, asked.channels)
        return _each(names, lambda name: _read(asked, lambda: one(name)))

    def _answer(
        self, asked: Question, sound: Sound, channel: str, served: bytes, started_s: float
    ) -> "Prediction | Timeline":
        samples = _read(asked, lambda: heard(sound, channel))
        most_bytes = self._client.most_audio_bytes
        if sound.duration_s <= MAX_DURATION_S and 0 < len(served) <= most_bytes:
            return self._client.predict_wav(
                served, name=asked.name, model=self._model, started_s=started_s
            )
        if sound.duration_s <= MAX_DURATION_S and samples.nbytes <= most_bytes:
            [found] = self._client.predict_waveforms(
                [samples],
                rate_hz=sound.rate_hz,
                name=asked.name,
                model=self._model,
                speaker=self._speaker,
                started_s=started_s,
            )
            return found
        ask = self._predictor(asked.name)
        return _read(
            asked,
            lambda: timeline(
                iter([sound]), ask, channel=channel, layout=_DEFAULT, offset_s=asked.start_s or 0.0
            ),
        )

    def _predictor(self, name: str) -> "Callable[[Sequence[np.ndarray], int], list[Prediction]]":
        def predict(waveforms: "Sequence[np.ndarray]", rate_hz: int) -> list[Prediction]:
            return self._client.predict_waveforms(
                waveforms, rate_hz=rate_hz, name=name, model=self._model, speaker=self._speaker
            )

        return predict


def _each(names: Sequence[str], one: Callable[[str], T]) -> "dict[str, T | PredictionError]":
    """Returns what `one` returns or raises of each channel; what it raises of the only one."""
    found: dict[str, T | PredictionError] = {}
    for name in names:
        try:
            found[name] = one(name)
        except PredictionError as error:
            if len(names) == 1:
                raise
            found[name] = error
    return found


def _read(asked: Question, function: Callable[[], T]) -> T:
    """Returns what a function returns; a recording's error is a PredictionError."""
    try:
        return function()
    except TooLongError:
        raise
    except DecodingError as error:
        raise PredictionError(asked.name, str(error)) from None

"""Long recordings as timelines: a model's answers of overlapping windows, and what they come to."""

import collections
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modules.audio import channels
from modules.audio.errors import SILENT, DecodingError
from modules.audio.samples import Sound
from schemas.channels import FIRST
from schemas.signatures import UNSURE_SILENCE
from serving.client import question, windows
from serving.client.prediction import Prediction
from serving.client.windows import Windows

if TYPE_CHECKING:
    import numpy as np

# Asks about some waveforms, float32 [samples], of one rate in Hz.
Predict = Callable[["list[np.ndarray]", int], list[Prediction]]

# Requests under way, and what one of them may hold: more takes memory, not less time.
_UNDER_WAY = 2
_MOST_WINDOWS, _MOST_BYTES = 4, 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class Window:
    """A model's answer of one window.

    Attributes:
      start_s, end_s: Where it lies in the recording, in seconds.
      from_s, until_s: The time that it stands for (`windows.shares`).
      emotion: The most probable label; empty where it was not asked about, being silent.
      probabilities: By label; empty where it was not asked about.
      unsure: Why the answer is not to be relied on; empty where it is.
    """

    start_s: float
    end_s: float
    from_s: float
    until_s: float
    emotion: str
    probabilities: dict[str, float]
    unsure: str = ""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A model's answers over a recording.

    Attributes:
      windows: In order; at least one of them was asked about.
      model, version: Who answered.
      start_s, end_s: What was heard, in seconds of the recording.
      heard_s: The least that a model heard of a window, in seconds.
      elapsed_s: Wall time from reading to the last answer, in seconds.
    """

    windows: tuple[Window, ...]
    model: str
    version: int
    start_s: float
    end_s: float
    heard_s: float
    elapsed_s: float

    @property
    def labels(self) -> list[str]:
        """Labels of the model, in the order of its outputs."""
        return list(next(each.probabilities for each in self.windows if each.probabilities))

    def prediction(self) -> Prediction:
        """Returns the timeline as one answer: the mean of its windows, as `summarise` takes it."""
        summary = summarise(self)
        return Prediction(
            emotion=summary.emotion,
            probabilities=summary.probabilities,
            model=self.model,
            version=self.version,
            duration_s=self.end_s - self.start_s,
            heard_s=self.end_s - self.start_s,
            elapsed_s=self.elapsed_s,
            windows=len(self.windows),
            window_s=self.windows[0].end_s - self.windows[0].start_s,
            unsure=summary.unsure,
        )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a timeline comes to.

    Attributes:
      emotion: The label with the greatest mean.
      probabilities: Mean over the windows that are not unsure; over all that were asked about where
        every one is.
      shares: Of the time that is not unsure, by emotion, the most frequent first.
      unsure_s: Seconds by reason.
      unsure: The most frequent reason where every window is unsure; otherwise empty.
    """

    emotion: str
    probabilities: dict[str, float]
    shares: dict[str, float]
    unsure_s: dict[str, float]
    unsure: str


def summarise(timeline: Timeline) -> Summary:
    """Returns what a timeline comes to."""
    sure = [each for each in timeline.windows if not each.unsure]
    told = sure or [each for each in timeline.windows if each.probabilities]
    mean = {
        label: sum(each.probabilities[label] for each in told) / len(told)
        for label in timeline.labels
    }
    spent_s: collections.Counter[str] = collections.Counter()
    unsure_s: collections.Counter[str] = collections.Counter()
    for each in timeline.windows:
        (unsure_s if each.unsure else spent_s)[each.unsure or each.emotion] += (
            each.until_s - each.from_s  # type: ignore[assignment]
        )
    total_s = sum(spent_s.values())
    return Summary(
        emotion=max(mean, key=lambda label: mean[label]),
        probabilities=mean,
        shares={label: each_s / total_s for label, each_s in spent_s.most_common()},
        unsure_s=dict(unsure_s.most_common()),
        unsure="" if sure else unsure_s.most_common(1)[0][0],
    )


def timeline(
    pieces: Iterable[Sound],
    predict: Predict,
    *,
    channel: str = FIRST,
    layout: Windows,
    offset_s: float = 0.0,
    progress: Callable[[float], None] = lambda heard_s: None,
) -> Timeline:
    """Returns the answers over a recording that comes in pieces.

    Args:
      pieces: As `modules.audio.streaming.pieces` yields them.
      predict: Asks the model; several threads call it.
      channel: The channel that is heard.
      layout: Lengths of the windows.
      offset_s: Where the pieces begin in the recording, in seconds.
      progress: Is told the seconds of which there are answers.

    Raises:
      DecodingError: The recording cannot be used, as in training; silent windows are no error,
        unless all are.
      PredictionError, ServerError: The model does not answer.
    """
    started_s = time.perf_counter()
    levels = channels.Levels()
    cut = _windows(_measured(pieces, levels), channel, layout)
    answered: list[tuple[_Cut, Prediction | None]] = []
    with futures.ThreadPoolExecutor(_UNDER_WAY) as pool:
        waiting: collections.deque[tuple[list[_Cut], futures.Future[list[Prediction]]]]
        waiting = collections.deque()

        def collect() -> None:
            batch, future = waiting.popleft()
            found = iter(future.result())
            answered.extend((each.named(), next(found) if each.sounds else None) for each in batch)
            progress(batch[-1].end_s)

        try:
            for batch in _batches(cut):
                if len(waiting) == _UNDER_WAY:
                    collect()
                waiting.append((batch, pool.submit(_ask, predict, batch)))
            while waiting:
                collect()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if channel == FIRST:
        levels.check_first()
    if not (told := [found for _, found in answered if found]):
        raise DecodingError(SILENT)
    shares = windows.shares(
        [each.start_s for each, _ in answered], [each.end_s for each, _ in answered]
    )
    return Timeline(
        windows=tuple(
            _window(each, found, share, offset_s)
            for (each, found), share in zip(answered, shares, strict=True)
        ),
        model=told[0].model,
        version=told[0].version,
        start_s=offset_s,
        end_s=offset_s + answered[-1][0].end_s,
        heard_s=min(found.heard_s for found in told),
        elapsed_s=time.perf_counter() - started_s,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cut:
    """A window's samples, float32; `None` where it is silent, or once they are not needed."""

    start_s: float
    end_s: float
    rate_hz: int
    sounds: bool
    samples: "np.ndarray | None"

    def named(self) -> "_Cut":
        return dataclasses.replace(self, samples=None)


def _measured(pieces: Iterable[Sound], levels: channels.Levels) -> Iterator[Sound]:
    for piece in pieces:
        levels.add(piece)
        yield piece


def _windows(pieces: Iterator[Sound], channel: str, layout: Windows) -> Iterator[_Cut]:
    first = next(pieces)
    question.check_channel(first, channel)
    rate_hz, own = first.rate_hz, question.of_window(channel)

    def samples() -> "Iterator[np.ndarray]":
        yield first.samples
        for piece in pieces:
            yield piece.samples

    sizes = {"size": round(layout.window_s * rate_hz), "hop": round(layout.hop_s * rate_hz)}
    for start, part in windows.cut(samples(), **sizes):
        try:
            heard = question.heard(dataclasses.replace(first, samples=part), own)
        except DecodingError as error:
            if str(error) != SILENT:
                raise
            heard = None
        yield _Cut(
            start_s=start / rate_hz,
            end_s=(start + len(part)) / rate_hz,
            rate_hz=rate_hz,
            sounds=heard is not None,
            samples=heard,
        )


def _batches(cut: Iterable[_Cut]) -> Iterator[list[_Cut]]:
    batch: list[_Cut] = []
    for each in cut:
        batch.append(each)
        # Rows of a request are equally long, so that the longest counts.
        longest = max(each.samples.nbytes if each.samples is not None else 0 for each in batch)
        if len(batch) == _MOST_WINDOWS or (len(batch) + 1) * longest > _MOST_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _ask(predict: Predict, batch: list[_Cut]) -> list[Prediction]:
    sounding = [each.samples for each in batch if each.samples is not None]
    return predict(sounding, batch[0].rate_hz) if sounding else []


def _window(
    cut: _Cut, found: Prediction | None, share: tuple[float, float], offset_s: float
) -> Window:
    return Window(
        start_s=offset_s + cut.start_s,
        end_s=offset_s + cut.end_s,
        from_s=offset_s + share[0],
        until_s=offset_s + share[1],
        emotion=found.emotion if found else "",
        probabilities=found.probabilities if found else {},
        unsure=found.unsure if found else UNSURE_SILENCE,
    )

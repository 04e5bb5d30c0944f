"""Answers as rows of a table: what they are of, and what a model says or why it says nothing."""

from typing import TYPE_CHECKING, Any

from serving.client.errors import PredictionError
from serving.client.prediction import Prediction
from serving.client.question import Question, Refused
from serving.client.timeline import Timeline

if TYPE_CHECKING:
    from serving.client.asking import Asking

Row = dict[str, Any]


def of(asking: "Asking", asked: "Question | Refused") -> list[tuple[Row, Timeline | None]]:
    """Returns a row for each channel that is asked about, with the timeline of long recordings.

    Raises:
      ServerError: No recording can be answered.
    """
    if isinstance(asked, Refused):
        return [({"file": asked.name, "error": asked.reason}, None)]
    try:
        found = asking.answers(asked)
    except PredictionError as error:
        return [(failed(asked, asked.channel, error), None)]
    rows: list[tuple[Row, Timeline | None]] = []
    for name, answer in found.items():
        if isinstance(answer, PredictionError):
            rows.append((failed(asked, name, answer), None))
        elif isinstance(answer, Timeline):
            rows.append(({**which(asked, name), **answered(answer.prediction())}, answer))
        else:
            rows.append(({**which(asked, name), **answered(answer)}, None))
    return rows


def failed(asked: Question, channel: str, error: PredictionError) -> Row:
    """Returns the row of a recording that could not be answered."""
    return {**which(asked, channel), "error": error.reason}


def which(asked: Question, channel: str) -> Row:
    """Returns the beginning of a row: which recording, or part of one, it is of.

    Args:
      asked: What was asked about.
      channel: Which of its channels.
    """
    row: Row = {"file": asked.name}
    if asked.utterance_id:
        row["utterance_id"] = asked.utterance_id
    if channel:
        row["channel"] = channel
    if asked.is_part:
        row |= {"start_s": asked.start_s, "end_s": asked.end_s}
    return row


def answered(prediction: Prediction) -> Row:
    """Returns an answer as the rest of a row."""
    return {
        "emotion": prediction.emotion,
        "probabilities": prediction.probabilities,
        "unsure": prediction.unsure,
        "duration_s": round(prediction.duration_s, 3),
        "heard_s": round(prediction.heard_s, 3),
        "windows": prediction.windows,
        "window_s": round(prediction.window_s, 3),
        "time_ms": round(1000 * prediction.elapsed_s, 1),
        "model": prediction.model,
        "version": prediction.version,
    }

"""What a model says of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.signatures import (
    OUTPUT_DURATION,
    OUTPUT_EMOTION,
    OUTPUT_HEARD,
    OUTPUT_LABELS,
    OUTPUT_PROBABILITIES,
    OUTPUT_UNSURE,
    OUTPUT_WINDOW,
    OUTPUT_WINDOWS,
)
from serving.client import messages
from serving.client.errors import PredictionError

_NEEDED = (OUTPUT_PROBABILITIES, OUTPUT_LABELS, OUTPUT_EMOTION, OUTPUT_DURATION, OUTPUT_HEARD)


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
      heard_s: Length of what the answer is of, in seconds.
      elapsed_s: Wall time from reading the file to having the answer, in seconds.
      windows: Number of windows in which it was heard; 0 where the model does not tell.
      window_s: What the network hears at once, in seconds; 0 where the model does not tell.
      unsure: Why the answer is not to be relied on (`schemas.signatures`); empty where it is.
    """

    emotion: str
    probabilities: dict[str, float]
    model: str
    version: int
    duration_s: float
    heard_s: float
    elapsed_s: float
    windows: int = 0
    window_s: float = 0.0
    unsure: str = ""


def outputs_of(response: Any) -> dict[str, Any]:
    """Returns the outputs of a PredictResponse by name, arrays with a row for each recording."""
    return {name: messages.array(tensor) for name, tensor in response.outputs.items()}


def predictions(path: str | Path, response: Any, elapsed_s: float) -> list[Prediction]:
    """Returns what a PredictResponse says, in the order of the request's rows.

    Args:
      path: File that was asked about, for errors.
      response: The response.
      elapsed_s: Wall time that it took.

    Raises:
      PredictionError: The answer lacks an output.
    """
    outputs = outputs_of(response)
    if missing := set(_NEEDED) - set(outputs):
        raise PredictionError(path, f"the server's answer lacks {', '.join(sorted(missing))}")
    spec = response.model_spec
    return [
        Prediction(
            emotion=outputs[OUTPUT_EMOTION][row].decode(),
            probabilities=_by_label(
                outputs[OUTPUT_LABELS][row], outputs[OUTPUT_PROBABILITIES][row]
            ),
            model=spec.name,
            version=spec.version.value,
            duration_s=float(outputs[OUTPUT_DURATION][row]),
            heard_s=float(outputs[OUTPUT_HEARD][row]),
            elapsed_s=elapsed_s,
            # Models of earlier versions tell neither.
            windows=int(_cell(outputs, OUTPUT_WINDOWS, row, 0)),
            window_s=float(_cell(outputs, OUTPUT_WINDOW, row, 0.0)),
            unsure=_cell(outputs, OUTPUT_UNSURE, row, b"").decode(),
        )
        for row in range(len(outputs[OUTPUT_EMOTION]))
    ]


def _by_label(labels: Sequence[bytes], probabilities: Sequence[float]) -> dict[str, float]:
    return {
        label.decode(): float(probability)
        for label, probability in zip(labels, probabilities, strict=True)
    }


def _cell(outputs: Mapping[str, Any], name: str, row: int, default: Any) -> Any:
    return outputs[name][row] if name in outputs else default

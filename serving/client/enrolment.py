"""A speaker whom models can be told of: the mean of some clips' embeddings, kept as a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas import files
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np

_FIELDS = ("encoder", "clips", "mean")


@dataclass(frozen=True)
class Enrolment:
    """A speaker, for every model for known speakers on the same encoder.

    Attributes:
      encoder: SHA-256 of the encoder.
      clips: Number of clips that enrolled the speaker.
      mean: Mean of their embeddings, `[channels]`.
    """

    encoder: str
    clips: int
    mean: tuple[float, ...]

    @classmethod
    def of(cls, embeddings: "Sequence[np.ndarray]", encoder: str) -> "Enrolment":
        """Returns the speaker of some clips.

        Args:
          embeddings: float32 `[channels]`, of one clip each; at least one.
          encoder: SHA-256 of the encoder that made them.
        """
        import numpy as np

        mean = np.mean(np.stack(embeddings), axis=0, dtype=np.float64)
        return cls(encoder=encoder, clips=len(embeddings), mean=tuple(mean.tolist()))

    def write(self, path: Path) -> None:
        """Writes the speaker into a JSON file."""
        with files.replacing(path) as file:
            json.dump(asdict(self), file)
            file.write("\n")

    @classmethod
    def read(cls, path: Path) -> "Enrolment":
        """Reads a file that `write` wrote.

        Raises:
          UserError: There is none, or it is something else.
        """
        hint = "give a file that `ser enrol --out` wrote"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; {hint}") from None
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}; {hint}") from None
        except ValueError:
            raise UserError(f"{path}: is no JSON; {hint}") from None
        if not isinstance(values, dict) or set(values) != set(_FIELDS):
            raise UserError(f"{path}: does not hold {', '.join(_FIELDS)} of a speaker; {hint}")
        encoder, clips, mean = (values[name] for name in _FIELDS)
        numbers = isinstance(mean, list) and all(isinstance(each, float) for each in mean)
        if not (isinstance(encoder, str) and type(clips) is int and clips > 0 and numbers):
            raise UserError(f"{path}: encoder, clips or mean is not what it should be; {hint}")
        return cls(encoder=encoder, clips=clips, mean=tuple(mean))

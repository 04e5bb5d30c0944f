"""Known speakers: what a speaker's clips have in common is taken out of their embeddings.

The mean of some clips of a speaker, whatever was felt in them, tells the voice, the microphone and
the room. How far it is from the mean of all training clips is subtracted, in training and in
serving alike, and the less the fewer the clips. Nothing needs a label.

Imports numpy only.
"""

from collections.abc import Mapping

import numpy as np

from modules.training.job import Weights
from modules.training.rows import Rows, RowWriter

# How many clips of a speaker count as much as knowing nothing of it.
PRIOR_CLIPS = 5
# The layer whose first weight is the mean of all training clips.
STANDARDISED = "standardised"


def offset(mean: np.ndarray, clips: int, origin: np.ndarray) -> np.ndarray:
    """Returns what is subtracted from a speaker's embeddings, float32 `[channels]`.

    Args:
      mean: float32 `[channels]`, mean of the embeddings of some clips of the speaker.
      clips: Number of those clips; 0 where nobody knows who speaks.
      origin: float32 `[channels]`, mean of the embeddings of all training clips.

    >>> offset(np.array([3.0]), 5, np.array([1.0])).tolist()
    [1.0]
    """
    return np.asarray(clips / (clips + PRIOR_CLIPS) * (mean - origin), np.float32)


def origin_of(weights: Weights) -> np.ndarray:
    """Returns the mean that a trained network has of its training clips, float32 `[channels]`."""
    return weights[STANDARDISED][0]


def mean_of(inputs: Rows, rows: np.ndarray) -> np.ndarray:
    """Returns the mean of some embeddings, float32 `[channels]`.

    Args:
      inputs: Embeddings, float32 `[channels]` each.
      rows: int64 `[m]`, which of them.
    """
    total = np.zeros(inputs.row_shape, np.float64)
    for part in inputs.chunks(rows):
        total += inputs.take(part).sum(axis=0, dtype=np.float64)
    return (total / len(rows)).astype(np.float32)


def names(domains: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Returns names that no two speakers have in common, str `[n]`.

    Args:
      domains, speakers: str `[n]`; speakers of two domains are two speakers.
    """
    return np.array(
        [f"{domain}\t{speaker}" for domain, speaker in zip(domains, speakers, strict=True)]
    )


def offsets(
    inputs: Rows, speakers: np.ndarray, rows: np.ndarray, origin: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the offset of each speaker who has clips among `rows`.

    Args:
      inputs: Embeddings, float32 `[channels]` each.
      speakers: str `[n]`, who speaks; see `names`.
      rows: int64 `[m]`, the clips by which speakers are known.
      origin: See `offset`.
    """
    found = {}
    for speaker in np.unique(speakers[rows]):
        own = rows[speakers[rows] == speaker]
        found[str(speaker)] = offset(mean_of(inputs, own), len(own), origin)
    return found


def without(
    inputs: Rows,
    speakers: np.ndarray,
    known: Mapping[str, np.ndarray],
    *,
    limit_bytes: int,
    folder: str | None = None,
) -> Rows:
    """Returns embeddings without what their speakers have in common.

    Args:
      inputs: Embeddings, float32 `[channels]` each.
      speakers: str `[n]`, who speaks; see `names`.
      known: Offset of each speaker; the clips of others stay as they are.
      limit_bytes, folder: Memory that the result may take; see `rows.RowWriter`.

    Raises:
      UserError: The disk is full.
    """
    nobody = np.zeros(inputs.row_shape, np.float32)
    writer = RowWriter(
        inputs.row_shape, limit_bytes=limit_bytes, folder=folder, expected=len(inputs)
    )
    for part in inputs.chunks(np.arange(len(inputs))):
        own = [known.get(str(speaker), nobody) for speaker in speakers[part]]
        writer.append(inputs.take(part) - np.stack(own))
    return writer.finish()

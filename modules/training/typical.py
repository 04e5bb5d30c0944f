"""Which clips are like those that a network was trained on.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

import dataclasses
import os

import keras
import numpy as np

from modules.networks import cutting
from modules.networks.registry import NetworkSpec
from modules.training import known_speakers
from modules.training.batches import PREDICT_BATCH
from modules.training.clips import Clips
from modules.training.learner import predict
from modules.training.rows import Rows
from modules.training.trained import Trained
from modules.trust import embedding, typicality
from modules.trust.record import Trust
from modules.trust.typicality import TYPICALITY_FILE, Typicality
from schemas.copies import local_copy
from schemas.places import place

# More clips would tell no more, and their embeddings take memory.
_MOST_CLIPS = 20_000
# Clips of one speaker are far together: a share of clips says little of the next speaker. Half-way,
# by ratio, to the nearest sound that is no speech: benchmarks/trust_thresholds.py.
_MARGIN = 1.5


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Usual:
    """What is usual among training clips.

    Attributes:
      typicality: Their Gaussian.
      distance: Distance above which a clip is unlike them.
    """

    typicality: Typicality
    distance: float


def of_network(
    network: Trained,
    clips: Clips,
    rows: np.ndarray,
    *,
    given: bool,
    false_alarms: float,
    unseen: tuple[Trained, np.ndarray, np.ndarray] | None = None,
) -> Usual | None:
    """Returns what is usual among the clips that a network was trained on; `None` for too few.

    Args:
      network: The network.
      clips: Clips of the training folds, as they are served.
      rows: int64 `[m]`, those that it was trained on.
      given: Whether the clips are what its held layers make of them.
      false_alarms: Share of each domain's clips that may be called unlike them.
      unseen: A network that was trained as it was on some of the clips, these, and others of them.
        Layers that were trained make something else of clips that they were trained on.
    """
    rows = _some(rows)
    if len(rows) < typicality.LEAST_CLIPS:
        return None
    built, spec = network.network(), network.spec
    found = embeddings(built, spec, clips.inputs, rows, given=given)
    groups = known_speakers.names(clips.domains[rows], clips.speakers[rows])
    distance = _MARGIN * typicality.threshold(
        typicality.held_out_distances(found, groups),
        clips.domains[rows],
        false_alarms=false_alarms,
    )
    if unseen is not None and not spec.held:
        other, seen, held_out = unseen
        alone = of_network(other, clips, seen, given=given, false_alarms=false_alarms)
        if alone is not None and len(held_out):
            distance = max(
                distance,
                _threshold(other, alone.typicality, clips, held_out, given, false_alarms),
            )
    layers = embedding.depth(built, spec)
    return Usual(typicality=typicality.fit(found, layers=layers), distance=distance)


def inherited(
    base: Trained,
    base_folder: str,
    adapted: Trained,
    clips: Clips,
    rows: np.ndarray,
    *,
    given: bool,
    false_alarms: float,
) -> Usual | None:
    """Returns what was usual to the base, widened by clips of the domain it was adapted to.

    `None` where that is not known, or the layers that make the embedding learnt since.

    Args:
      base, base_folder: The pre-trained network, and its folder.
      adapted: The network now.
      clips, given, false_alarms: As of `of_network`.
      rows: int64 `[m]`, the domain's clips.
    """
    trust, known = load(base, base_folder)
    if trust is None or trust.distance is None or known is None:
        return None
    before, after = base.record.weight_hashes, adapted.record.weight_hashes
    if any(before[group] != after[group] for group in embedding.groups_below(base.spec)):
        return None
    own = _threshold(adapted, known, clips, rows, given, false_alarms)
    return Usual(typicality=known, distance=max(trust.distance, own))


def embeddings(
    network: keras.Sequential, spec: NetworkSpec, inputs: Rows, rows: np.ndarray, *, given: bool
) -> np.ndarray:
    """Returns the embeddings of clips, float32 `[m, channels]`.

    Args:
      network, spec: The network.
      inputs: What it takes, or what its held layers make of that.
      rows: int64 `[m]`, which of them.
      given: Whether it is the latter.
    """
    parts = inputs.chunks(rows, multiple_of=PREDICT_BATCH)
    if given:
        outputs = (inputs.take(part) for part in parts)
    else:
        depth = embedding.depth(network, spec)
        front = cutting.part(network.input_shape, network.layers[:depth])
        outputs = (predict(front, inputs, part) for part in parts)
    return np.concatenate([np.asarray(embedding.of_output(each), np.float32) for each in outputs])


def save(usual: Usual | None, folder: str | os.PathLike[str]) -> None:
    """Leaves it in a network's folder, one of this machine."""
    if usual is not None:
        usual.typicality.save(folder)


def load(network: Trained, folder: str) -> tuple[Trust | None, Typicality | None]:
    """Returns what is kept of a network's trust, and of its training clips, in its folder."""
    trust = network.record.trust
    if trust is None or trust.distance is None:
        return trust, None
    with local_copy(place(folder) / TYPICALITY_FILE) as file:
        return trust, Typicality.load(file)


def _threshold(
    network: Trained,
    known: Typicality,
    clips: Clips,
    rows: np.ndarray,
    given: bool,
    false_alarms: float,
) -> float:
    rows = _some(rows)
    found = embeddings(network.network(), network.spec, clips.inputs, rows, given=given)
    return _MARGIN * typicality.threshold(
        known.distances(found), clips.domains[rows], false_alarms=false_alarms
    )


def _some(rows: np.ndarray) -> np.ndarray:
    """Returns at most so many rows, evenly spaced."""
    return rows[:: -(-len(rows) // _MOST_CLIPS)] if len(rows) else rows

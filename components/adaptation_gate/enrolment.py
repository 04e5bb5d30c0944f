"""What it is worth to a network to know who speaks, on clips that enrolled nobody."""

import numpy as np

from components.adaptation_gate.comparison import Enrolment
from modules.metrics.uar import unweighted_average_recall
from modules.training import known_speakers
from modules.training.asking import answers_of
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.rows import Rows
from modules.training.trained import Trained
from schemas.labels import LabelSet

CLIPS = 10
_DRAWS = 5


def enrolment(
    clips: Clips,
    *,
    network: Trained,
    labels: LabelSet,
    own_labels: tuple[str, ...],
    limit_bytes: int,
    seed: int,
) -> Enrolment | None:
    """Asks a network about clips of speakers that are known by other clips of theirs.

    Several times, ten clips of each speaker, but at most half of them, are drawn to know the
    speaker by; all others are asked about, once as clips of nobody in particular.

    Args:
      clips: Embeddings of the domain's clips of the test fold.
      network: The network, trained for known speakers.
      labels: Label set of the manifest.
      own_labels: Labels that the domain has training clips of: no other is an answer.
      limit_bytes: Most memory that embeddings may take.
      seed: Seed of the draws.

    Returns:
      The UARs, means over the draws; `None` where no speaker has two clips.
    """
    speakers = known_speakers.names(clips.domains, clips.speakers)
    origin = known_speakers.origin_of(network.weights)

    def uar(inputs: Rows, tested: np.ndarray) -> float:
        engine = Engine(inputs, clips.labels, given=network.spec.held, limit_bytes=limit_bytes)
        answers, *_ = answers_of(engine, network, tested, labels=labels, own_labels=own_labels)
        return unweighted_average_recall(clips.labels[tested], answers)

    uars, counts = [], []
    for draw in range(_DRAWS):
        enrolling = _drawn(speakers, np.random.default_rng([seed, draw]))
        if not len(enrolling):
            return None
        tested = np.setdiff1d(np.arange(len(speakers)), enrolling)
        known = known_speakers.offsets(clips.inputs, speakers, enrolling, origin)
        inputs = known_speakers.without(clips.inputs, speakers, known, limit_bytes=limit_bytes)
        uars.append((uar(clips.inputs, tested), uar(inputs, tested)))
        counts.append(len(tested))
    unknown, known_uar = np.mean(uars, axis=0)
    return Enrolment(
        enrolled=CLIPS,
        clips=float(np.mean(counts)),
        speakers=len(np.unique(speakers)),
        unknown=float(unknown),
        known=float(known_uar),
    )


def _drawn(speakers: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Returns the clips by which speakers are known in one draw, int64 `[m]`."""
    chosen = []
    for speaker in np.unique(speakers):
        own = random.permutation(np.flatnonzero(speakers == speaker))
        chosen.append(own[: min(CLIPS, len(own) // 2)])
    return np.concatenate(chosen)

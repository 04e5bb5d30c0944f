"""The temperature of a network: fitted on clips that it, or others trained as it was, did not see.

Each part of the training clips is left out in turn, by networks that are trained for this alone:
one part is a few speakers, and how hard these are moves its temperature by more than all else.
Imports keras and numpy only, so that it runs on any Keras backend.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from modules.training import known_speakers
from modules.training.asking import ask
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.fine_tuning import fine_tune, positions
from modules.training.job import TrainerJob
from modules.training.pretraining import split_parts
from modules.training.trained import Trained
from modules.trust.calibration import fit_temperature
from modules.trust.record import Calibration
from schemas.labels import LabelSet
from schemas.progress import MESSAGES

# Of the parts that an inner split is one of, where a training is cheap: of a small network on what
# held layers make of clips. Else the inner split alone.
_CHEAP_PARTS = 5


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Unseen:
    """What networks give for clips that they have not seen.

    Attributes:
      rows: int64 `[m]`, the clips.
      probabilities: float32 `[m, labels]` in the order of the manifest's label set.
    """

    rows: np.ndarray
    probabilities: np.ndarray


def parts(job: TrainerJob) -> Sequence[int]:
    """Returns the parts of the clips that are left out in turn."""
    cheap = job.embedded and not job.settings.patience
    return range(_CHEAP_PARTS if cheap else 1)


def of_pretraining(
    job: TrainerJob,
    clips: Clips,
    engine: Engine,
    networks: Callable[[int], Trained],
) -> Unseen:
    """Returns what pre-trained networks give for the parts that they have not seen.

    Args:
      job: The pre-training.
      clips: Clips of the training folds.
      engine: Has them as they are served, of speakers that nobody knows.
      networks: From a part to a network that has not seen it.
    """
    part_of = split_parts(job, clips, np.arange(len(clips.labels)))
    part_of[clips.domains == job.without_domain] = -1
    return _unseen(job, part_of, engine, networks)


def of_fine_tuning(
    job: TrainerJob,
    clips: Clips,
    engines: tuple[Engine, Engine],
    bases: Callable[[int], Trained],
    *,
    approach: str,
    network: Trained,
) -> Unseen:
    """Returns what fine-tuned networks give for the parts of the domain that they have not seen.

    Args:
      job: The fine-tuning.
      clips: Clips of the training folds.
      engines: What trains, and what has the clips as they are served.
      bases: From a part to a pre-trained network that has not seen it.
      approach: Name in `approaches.APPROACHES`.
      network: The fine-tuned network. With early stopping, it has not seen the inner split itself.
    """
    own = clips.domains == job.domain
    part_of = split_parts(job, clips, np.arange(len(clips.labels)))
    part_of[~own] = -1

    def adapted(part: int) -> Trained:
        if job.settings.patience and network.record.held_out:
            return network
        others = np.flatnonzero(own & (part_of != part))
        # What is left is to be trained on, all of it.
        settings = dataclasses.replace(job.settings, patience=0)
        alone = dataclasses.replace(job, name=f"{job.name}, part {part + 1}", settings=settings)
        return fine_tune(
            alone, clips, engines[0], bases(part), approach=approach, choice={}, rows=others
        )

    return _unseen(job, part_of, engines[1], adapted)


def calibration(
    unseen: Unseen, clips: Clips, labels: LabelSet, *, domain: str | None = None
) -> Calibration | None:
    """Returns the temperature of what networks give for clips; `None` if there are none.

    Args:
      unseen: What they give.
      clips: Clips of the training folds.
      labels: Label set of the manifest.
      domain: Domain of which clips count; all by default.
    """
    rows = unseen.rows
    chosen = np.ones(len(rows), bool) if domain is None else clips.domains[rows] == domain
    rows = rows[chosen]
    if not len(rows):
        return None
    own = np.zeros((len(rows), len(labels)), bool)
    for place, row in enumerate(rows):
        own[place, list(clips.domain_classes[clips.domains[row]])] = True
    speakers = known_speakers.names(clips.domains[rows], clips.speakers[rows])
    return Calibration(
        temperature=fit_temperature(unseen.probabilities[chosen], clips.labels[rows], own),
        clips=len(rows),
        speakers=len(np.unique(speakers)),
    )


def _unseen(
    job: TrainerJob, part_of: np.ndarray, engine: Engine, networks: Callable[[int], Trained]
) -> Unseen:
    rows, probabilities = [], []
    for part in parts(job):
        tested = np.flatnonzero(part_of == part)
        if not len(tested):
            continue
        MESSAGES.info("%s: calibrating, part %d of %d", job.name, part + 1, len(parts(job)))
        network = networks(part)
        places = positions(job.labels, network.labels)
        rows.append(tested)
        probabilities.append(ask(engine, network, tested).probabilities[:, places])
    if not rows:
        return Unseen(
            rows=np.empty(0, np.int64), probabilities=np.empty((0, len(job.labels)), np.float32)
        )
    return Unseen(rows=np.concatenate(rows), probabilities=np.concatenate(probabilities))

"""How far the answers of an adapted network are to be relied on.

Its temperature is that of the cross-validated answers: no further training is needed. Imports keras
and numpy only, so that it runs on any Keras backend.
"""

import dataclasses

import numpy as np

from modules.training import typical
from modules.training.calibrating import Unseen, calibration
from modules.training.clips import Clips
from modules.training.job import TrainerJob
from modules.training.trained import Trained
from modules.training.typical import Usual
from modules.trust.record import Trust


def with_trust(
    job: TrainerJob,
    served: Trained,
    clips: Clips,
    base: Trained,
    base_folder: str,
    probabilities: np.ndarray,
) -> tuple[Trained, Usual | None]:
    """Returns a network with the trust in it in its record, and what is usual to it.

    Args:
      job: The final fine-tuning.
      served: The network.
      clips: All clips of the domain.
      base, base_folder: The pre-trained network, and its folder.
      probabilities: float32 `[repeats, n, labels]` in the order of the manifest's label set, of
        networks that had not seen the clips.
    """
    everyone = np.arange(len(clips.labels))
    usual = None
    if job.false_alarms is not None:
        usual = typical.inherited(
            base,
            base_folder,
            served,
            clips,
            everyone,
            given=job.embedded,
            false_alarms=job.false_alarms,
        ) or typical.of_network(
            served, clips, everyone, given=job.embedded, false_alarms=job.false_alarms
        )
    fitted = None
    if job.calibrate:
        unseen = Unseen(
            rows=np.tile(everyone, len(probabilities)),
            probabilities=np.concatenate(list(probabilities)),
        )
        fitted = calibration(unseen, clips, job.labels)
        assert fitted is not None
        # Repeats ask about the same clips again.
        fitted = dataclasses.replace(fitted, clips=len(everyone))
    trust = Trust(calibration=fitted, distance=usual.distance if usual else None)
    if job.false_alarms is not None:
        trust = dataclasses.replace(trust, false_alarms=job.false_alarms)
    return dataclasses.replace(
        served, record=dataclasses.replace(served.record, trust=trust)
    ), usual

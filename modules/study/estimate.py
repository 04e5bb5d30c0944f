"""How long a study will take: the work of its cells, and this machine's speed."""

import time
from collections.abc import Callable, Iterable

import numpy as np

from modules.networks.waveform import build_network
from modules.study import cells
from modules.training import transfer
from modules.training.engine import Learner, Settings
from schemas.labels import EMOTIONS
from schemas.sound import INPUT_SAMPLES

# Of a full training's time for a clip and epoch, by how many of the lowest groups are frozen, as
# `benchmarks/transfer_study.py` printed it on two cores.
_SHARES = (1.0, 0.5, 0.07, 0.04)
_CLIPS = 64


def work(planned: Iterable[cells.Cell], clips: Callable[[str, str, int], int]) -> float:
    """Returns the work of networks: clips times epochs, less where frozen layers are cached.

    Args:
      planned: cells; SVMs, which take seconds, count nothing.
      clips: their number, given a protocol, a domain and a fold.
    """
    total = 0.0
    for cell in planned:
        if isinstance(cell, cells.Training):
            domains, share = cell.domains, 1.0
        elif isinstance(cell, cells.FineTuning):
            prefix = transfer.frozen_prefix(transfer.APPROACHES[cell.approach])
            domains, share = (cell.target,), _SHARES[len(prefix)]
        else:
            continue
        own = sum(clips(cell.protocol, name, fold) for name in domains for fold in cell.split.train)
        total += share * own * cell.settings.epochs
    return total


def clips_per_s(preset: str, precision: str) -> float:
    """Measures how fast this machine trains the network, in clips per second; takes seconds."""
    learner = Learner(build_network(preset=preset, seed=0, precision=precision))
    clips = np.zeros((_CLIPS, INPUT_SAMPLES, 1), np.float32)
    labels = np.arange(_CLIPS) % len(EMOTIONS)
    learner.fit(clips, labels, settings=Settings(epochs=1))  # traces and allocates
    started_s = time.monotonic()
    learner.fit(clips, labels, settings=Settings(epochs=2))
    return 2 * _CLIPS / (time.monotonic() - started_s)

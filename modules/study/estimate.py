"""How long a study will take: the work of its cells, and this machine's speed."""

import time
from collections.abc import Callable, Iterable

import numpy as np

from modules.networks import cutting
from modules.networks.registry import NetworkSpec
from modules.study import cells
from modules.training.answers import Answers
from modules.training.learner import Learner
from modules.training.rows import ArrayRows
from modules.training.settings import Settings

# Of a full training's time for a clip and epoch, by how many of the lowest groups are frozen, as
# `benchmarks/transfer_study.py` printed it on two cores.
_SHARES = (1.0, 0.5, 0.07, 0.04)
_CLIPS = 64


def work(planned: Iterable[cells.Cell], clips: Callable[[str, str, int], int]) -> float:
    """Returns the work of networks: clips times epochs, less where frozen layers are cached.

    Args:
      planned: The cells; SVMs, which take seconds, count nothing.
      clips: Function that gives their number for a protocol, a domain and a fold.
    """
    total = 0.0
    for cell in planned:
        if isinstance(cell, cells.Training):
            domains, share = cell.domains, 1.0
        elif isinstance(cell, cells.FineTuning):
            # What the network holds is computed before, and in no training.
            frozen = max(0, len(cells.adaptation(cell).prefix) - len(cell.parent.network.held))
            domains, share = (cell.target,), _SHARES[min(frozen, len(_SHARES) - 1)]
        else:
            continue
        own = sum(clips(cell.protocol, name, fold) for name in domains for fold in cell.split.train)
        if cell.clips_per_class is not None:
            own = min(own, cell.clips_per_class * _network(cell).outputs * len(domains))
        total += share * own * cell.settings.epochs
    return total


def _network(cell: cells.Training | cells.FineTuning) -> NetworkSpec:
    return cell.network if isinstance(cell, cells.Training) else cell.parent.network


def clips_per_s(spec: NetworkSpec) -> float:
    """Measures how fast this machine trains the network, in clips per second; takes seconds.

    What the network holds is computed once per clip, before the trainings, and not measured.
    """
    network = spec.build(seed=0)
    cut = cutting.cut_behind(network, spec.held, spec.groups)
    if cut:
        network = cutting.part(network.layers[cut - 1].output.shape, network.layers[cut:])
    settings = Settings(epochs=2)
    learner = Learner(network, settings)
    clips = ArrayRows(np.zeros((_CLIPS, *network.input_shape[1:]), np.float32))
    rows = np.arange(_CLIPS)
    answers = Answers(rows % spec.outputs, np.zeros_like(rows), outputs=spec.outputs)
    learner.fit(clips, rows, answers, settings=settings)  # traces and allocates
    started_s = time.monotonic()
    learner.fit(clips, rows, answers, settings=settings)
    return settings.epochs * _CLIPS / (time.monotonic() - started_s)

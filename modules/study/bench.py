"""Runs cells: networks are compiled once and shared by all cells of their shape."""

import dataclasses
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from modules.networks.waveform import build_network
from modules.study import cells
from modules.study.clips import Clips
from modules.study.store import Store
from modules.training import transfer
from modules.training.engine import Learner
from schemas import progress
from schemas.labels import EMOTIONS

_PREDICT_BATCH = 64


@dataclasses.dataclass(frozen=True)
class _Rig:
    """A network prepared for one set of frozen layers: `network` = `prefix`, then the learner's."""

    network: keras.Sequential
    prefix: keras.Sequential | None
    learner: Learner


class Bench:
    """Trains cells on clips; one per process.

    Args:
      clips: with waveforms.
      store: where results go.
    """

    def __init__(self, clips: Clips, store: Store):
        assert clips.waveforms is not None
        self._clips = clips
        self._waveforms = clips.waveforms
        self._store = store
        self._rigs: dict[tuple[Any, ...], _Rig] = {}
        # Outputs of frozen prefixes for the clips of the family at work, by frozen groups.
        self._cached: dict[tuple[Any, ...], np.ndarray] = {}

    def run(
        self, training: cells.Training, fine_tunings: Iterable[cells.FineTuning], *, keep: bool
    ) -> None:
        """Runs a training and what is fine-tuned from it; what the store has is not done again.

        Args:
          training: the parent.
          fine_tunings: from it.
          keep: whether later fine-tunings will want the parent's weights.

        Raises:
          RuntimeError: a repeated training gave other weights than the stored result tells.
        """
        missing = [cell for cell in fine_tunings if cell not in self._store]
        if training in self._store and not missing:
            return
        weights = self._store.get_weights(training) if training in self._store else None
        if weights is None:
            weights = self._train(training, keep=keep)
        self._cached.clear()
        # Neighbours share the outputs of their frozen prefix.
        for cell in sorted(missing, key=_by_prefix):
            self._fine_tune(cell, weights)

    def _train(self, cell: cells.Training, *, keep: bool) -> list[np.ndarray]:
        rig = self._rig(cell, transfer.Approach())
        rig.network.set_weights(network_of(cell).get_weights())
        started_s = time.monotonic()
        rows = self._rows(cell, cell.domains)
        history = rig.learner.fit(
            self._waveforms[rows], self._clips.labels[rows], settings=cell.settings
        )
        trained_s = time.monotonic() - started_s
        hashes = transfer.weight_hashes(rig.network)
        weights = rig.network.get_weights()
        if keep:
            self._store.put_weights(cell, weights)
        if cell in self._store:
            if self._store.get(cell)["weight_hashes"] != hashes:
                raise RuntimeError(
                    f"training {cells.key(cell)} gave other weights than its stored result: the"
                    " store comes from another machine or backend; start a new store"
                )
        else:
            tested = self._clips.rows(
                cell.protocol, domains=self._clips.domain_names(), folds=(cell.split.test,)
            )
            probabilities = rig.network.predict(
                self._waveforms[tested], batch_size=_PREDICT_BATCH, verbose=0
            )
            self._put(
                cell,
                rows=rows,
                tested=tested,
                probabilities=probabilities,
                history=history,
                seconds=trained_s,
                hashes=(None, hashes),
            )
        return weights

    def _fine_tune(self, cell: cells.FineTuning, weights: list[np.ndarray]) -> None:
        approach = transfer.APPROACHES[cell.approach]
        rig = self._rig(cell.parent, approach)
        rig.network.set_weights(weights)
        before = transfer.weight_hashes(rig.network)
        transfer.prepare_network(rig.network, approach, seed=cell.settings.seed)
        rows = self._rows(cell, (cell.target,))
        tested = self._clips.rows(cell.protocol, domains=(cell.target,), folds=(cell.split.test,))
        inputs = self._inputs(rig, approach, cell.target, np.concatenate([rows, tested]))
        started_s = time.monotonic()
        history = rig.learner.fit(
            inputs[: len(rows)], self._clips.labels[rows], settings=cell.settings
        )
        trained_s = time.monotonic() - started_s
        after = transfer.weight_hashes(rig.network)
        if idle := transfer.check_frozen(before, after, approach):
            progress.MESSAGES.warning("%s: %s learnt nothing", describe(cell), ", ".join(idle))
        probabilities = rig.learner.network.predict(
            inputs[len(rows) :], batch_size=_PREDICT_BATCH, verbose=0
        )
        self._put(
            cell,
            rows=rows,
            tested=tested,
            probabilities=probabilities,
            history=history,
            seconds=trained_s,
            hashes=(before, after),
        )

    def _rows(self, cell: cells.Training | cells.FineTuning, domains: tuple[str, ...]):
        return self._clips.rows(cell.protocol, domains=domains, folds=cell.split.train)

    def _rig(self, cell: cells.Training, approach: transfer.Approach) -> _Rig:
        """Returns the compiled network for what is frozen; its weights are left as they were."""
        shape = cell.architecture, cell.preset, cell.precision
        key = (*shape, approach.frozen, approach.l2_sp)
        if key not in self._rigs:
            network = network_of(cell)
            if approach.frozen:
                # Freezing only: re-initialised layers are drawn for each cell.
                freezing = dataclasses.replace(approach, reinitialised=())
                transfer.prepare_network(network, freezing, seed=0)
            prefix, rest = transfer.split_at_frozen_prefix(network, approach)
            self._rigs[key] = _Rig(
                network=network, prefix=prefix, learner=Learner(rest, l2_sp=approach.l2_sp)
            )
        return self._rigs[key]

    def _inputs(
        self, rig: _Rig, approach: transfer.Approach, target: str, rows: np.ndarray
    ) -> np.ndarray:
        """Returns what the learner takes for the clips in `rows`: waveforms, or cached outputs."""
        if rig.prefix is None:
            return self._waveforms[rows]
        key = (target, approach.frozen)
        if key not in self._cached:
            # One entry: neighbouring cells share it, and conv1's outputs are as large as the clips.
            self._cached = {
                key: rig.prefix.predict(self._waveforms[rows], batch_size=_PREDICT_BATCH, verbose=0)
            }
        return self._cached[key]

    def _put(self, cell, *, rows, tested, probabilities, history, seconds, hashes) -> None:
        before, after = hashes
        self._store.put(
            cell,
            {
                "backend": keras.backend.backend(),
                "train_clips": dict(sorted(Counter(self._clips.domains[rows].tolist()).items())),
                "train_s": round(seconds, 3),
                "history": history,
                **({"weight_hashes_before": before} if before else {}),
                "weight_hashes": after,
                "tested": self._clips.utterance_ids[tested].tolist(),
                "emotions": list(EMOTIONS),
                "scores": np.round(probabilities.astype(float), 6).tolist(),
            },
        )
        progress.MESSAGES.info("%s", describe(cell))


def network_of(cell: cells.Training) -> keras.Sequential:
    """Returns the network as it is before the training."""
    return build_network(
        preset=cell.preset,
        precision=cell.precision,
        architecture=cell.architecture,
        seed=cell.settings.seed,
    )


def _by_prefix(cell: cells.FineTuning) -> tuple[Any, ...]:
    return cell.target, transfer.APPROACHES[cell.approach].frozen, cell.approach


def describe(cell: cells.Cell) -> str:
    """Returns the cell in words."""
    where = f"{cell.protocol}, fold {cell.split.test}"
    if isinstance(cell, cells.FineTuning):
        return (
            f"{cell.approach} to {cell.target} from {'+'.join(cell.parent.domains)} ({where},"
            f" seed {cell.settings.seed})"
        )
    if isinstance(cell, cells.Training):
        return (
            f"{cell.architecture} on {'+'.join(cell.domains)} ({where}, seed {cell.settings.seed})"
        )
    if isinstance(cell, cells.AdaptiveSvm):
        return f"Adaptive SVM to {cell.target} from {'+'.join(cell.sources)} ({where})"
    return f"SVM on {'+'.join(cell.domains)} ({where})"

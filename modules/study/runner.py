"""Runs the study's trainings: from cells to the engine's jobs, and from outcomes to the store."""

from collections import Counter
from collections.abc import Iterable

import keras
import numpy as np

from modules.study import cells, draws
from modules.study.clips import Clips
from modules.study.store import Store
from modules.training.engine import Engine
from modules.training.job import Job, Outcome, Weights
from schemas import progress


class Runner:
    """Trains cells on clips; one per process.

    Args:
      clips: Clips with inputs.
      store: Where results go.
      given: Layer groups of all networks whose outputs the inputs are.
      limit_bytes: Most memory that clips and outputs of frozen layers may take.
    """

    def __init__(
        self, clips: Clips, store: Store, *, given: tuple[str, ...] = (), limit_bytes: int
    ):
        assert clips.inputs is not None
        self._clips = clips
        self._store = store
        self._engine = Engine(
            clips.inputs,
            clips.labels,
            domains=clips.domains,
            given=given,
            limit_bytes=limit_bytes,
        )

    def run(
        self, training: cells.Training, fine_tunings: Iterable[cells.FineTuning], *, keep: bool
    ) -> None:
        """Runs a training and what is fine-tuned from it; what the store has is not done again.

        Args:
          training: The parent.
          fine_tunings: Fine-tunings from it.
          keep: Whether later fine-tunings will want the parent's weights.

        Raises:
          RuntimeError: A repeated training gave other weights than the stored result tells.
        """
        missing = [cell for cell in fine_tunings if cell not in self._store]
        if training in self._store and not missing:
            return
        weights = self._store.get_weights(training) if training in self._store else None
        if weights is None:
            weights = self._train(training, keep=keep)
        # Neighbours share the outputs of their frozen prefix.
        for cell in sorted(missing, key=_by_prefix):
            self._fine_tune(cell, weights)

    def _train(self, cell: cells.Training, *, keep: bool) -> Weights:
        tested = self._rows(cell, self._clips.domain_names(), test=True)
        job = Job(
            name=cells.describe(cell),
            network=cell.network,
            settings=cell.settings,
            train=self._rows(cell, cell.domains),
            # A repeated training has its result already.
            tested=tested[:0] if cell in self._store else tested,
            report_epochs=False,
        )
        outcome = self._engine.run(job)
        if keep:
            self._store.put_weights(cell, outcome.weights)
        if cell not in self._store:
            self._put(cell, job, outcome)
        elif self._store.get(cell)["weight_hashes"] != outcome.hashes:
            raise RuntimeError(
                f"training {cells.key(cell)} gave other weights than its stored result: the"
                " store comes from another machine or backend; start a new store"
            )
        return outcome.weights

    def _fine_tune(self, cell: cells.FineTuning, weights: Weights) -> None:
        job = Job(
            name=cells.describe(cell),
            network=cell.parent.network,
            settings=cell.settings,
            train=self._rows(cell, (cell.target,)),
            tested=self._rows(cell, (cell.target,), test=True),
            start=weights,
            approach=cell.approach,
            report_epochs=False,
        )
        self._put(cell, job, self._engine.run(job))

    def _rows(
        self,
        cell: cells.Training | cells.FineTuning,
        domains: tuple[str, ...],
        *,
        test: bool = False,
    ) -> np.ndarray:
        if not test:
            return draws.training_rows(self._clips, cell, domains)
        return self._clips.rows(cell.protocol, domains=domains, folds=(cell.split.test,))

    def _put(self, cell: cells.Training | cells.FineTuning, job: Job, outcome: Outcome) -> None:
        counts = Counter(self._clips.domains[job.train].tolist())
        before = {} if job.start is None else {"weight_hashes_before": outcome.hashes_before}
        self._store.put(
            cell,
            {
                "backend": keras.backend.backend(),
                "train_clips": dict(sorted(counts.items())),
                "train_s": round(outcome.train_s, 3),
                "history": outcome.history,
                **before,
                "weight_hashes": outcome.hashes,
                "tested": self._clips.utterance_ids[job.tested].tolist(),
                "emotions": list(self._clips.label_set),
                "scores": np.round(outcome.probabilities.astype(float), 6).tolist(),
            },
        )
        progress.MESSAGES.info("%s", job.name)


def _by_prefix(cell: cells.FineTuning) -> tuple[str, tuple[str, ...], str]:
    return cell.target, cells.adaptation(cell).frozen, cell.approach

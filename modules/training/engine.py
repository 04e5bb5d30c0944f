"""The engine that carries out trainings, for releases and for the study.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

import dataclasses
import hashlib
import time
from typing import Any

import keras
import numpy as np

from modules.networks.approaches import Adaptation, resolve
from modules.networks.registry import NetworkSpec
from modules.training import freezing
from modules.training.batches import PREDICT_BATCH
from modules.training.job import Job, Outcome
from modules.training.learner import Learner, Learnt, predict
from modules.training.rows import Rows, RowWriter
from schemas import progress


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """A compiled network with some groups frozen; its other weights come and go.

    Attributes:
      network: The whole network.
      prefix: Its lowest layers, if their outputs can be computed once a clip, else `None`.
      learner: The rest of it, or all.
    """

    network: keras.Sequential
    prefix: keras.Sequential | None
    learner: Learner


class Engine:
    """Trains networks on clips, one after the other.

    Compiled networks are kept and shared by all jobs of one shape. The outputs of a frozen prefix
    are kept too, until a job of another prefix comes: neighbours of one prefix should be
    neighbours.

    Args:
      clips: What networks take.
      labels: int64 `[n]`, their labels.
      limit_bytes: Most memory that clips and outputs of frozen layers may take. More of these go
        into a file without a name in `folder`.
      folder: See `limit_bytes`; the system's folder for temporary files by default.
    """

    def __init__(
        self, clips: Rows, labels: np.ndarray, *, limit_bytes: int, folder: str | None = None
    ):
        self._clips = clips
        self._labels = labels
        self._cache_bytes = max(0, limit_bytes - clips.resident_bytes)
        self._folder = folder
        self._networks: dict[tuple[Any, ...], _Prepared] = {}
        # Outputs of one frozen prefix, by a digest of the rows they are of.
        self._cached: dict[str, Rows] = {}
        self._cached_prefix: tuple[Any, ...] = ()

    def run(self, job: Job) -> Outcome:
        """Carries out a training.

        Raises:
          UserError: The network has too few layer groups for the approach, or the disk is full.
          ValueError: There are no clips, or patience without an inner split.
          RuntimeError: A frozen layer group changed.
        """
        spec, groups, seed = job.network, job.network.groups, job.settings.seed
        # In a new network, as under A2, nothing is frozen and nothing starts anew.
        adaptation = resolve(job.approach or "A2", groups)
        start = job.start
        if start is None:
            start = freezing.weights_of(spec.build(seed=seed), groups)
        before = freezing.weight_hashes(start, groups)
        # A shifted clip has other outputs each time, so nothing can be computed once.
        prepared = self._prepare(spec, adaptation, whole=bool(job.settings.shift_s))
        kept = [name for name in adaptation.groups if name not in adaptation.reinitialised]
        freezing.set_weights(
            prepared.network, {layer: start[layer] for name in kept for layer in groups[name]}
        )
        freezing.reinitialise(prepared.network, adaptation, groups, seed=seed)
        prefix_key = (spec, *(before[name] for name in adaptation.prefix))

        labels = self._labels
        if job.output_of_label is not None:
            labels = job.output_of_label[labels]
        learnt, train_s = Learnt(history=[], kept_epoch=None), 0.0
        if adaptation.fine_tuned:
            source, rows = self._inputs(prepared, prefix_key, job.train)
            validation = None
            if len(job.held_out):
                inner_source, inner_rows = self._inputs(prepared, prefix_key, job.held_out)
                validation = (inner_source, inner_rows, labels[job.held_out])
            started_s = time.monotonic()
            learnt = prepared.learner.fit(
                source,
                rows,
                labels[job.train],
                settings=job.settings,
                validation=validation,
                callbacks=(
                    (_EpochReport(job.name, job.settings.epochs),) if job.report_epochs else ()
                ),
            )
            train_s = time.monotonic() - started_s
        weights = freezing.weights_of(prepared.network, groups)
        hashes = freezing.weight_hashes(weights, groups)
        idle = freezing.check_frozen(before, hashes, adaptation)
        if idle:
            progress.MESSAGES.warning("%s: %s learnt nothing", job.name, ", ".join(idle))
        source, rows = self._inputs(prepared, prefix_key, job.tested)
        return Outcome(
            weights=weights,
            history=learnt.history,
            kept_epoch=learnt.kept_epoch,
            fates=adaptation.fates,
            hashes_before=before,
            hashes=hashes,
            idle=idle,
            l2_sp=prepared.learner.l2_sp,
            probabilities=predict(prepared.learner.network, source, rows),
            train_s=train_s,
        )

    def _prepare(self, spec: NetworkSpec, adaptation: Adaptation, *, whole: bool) -> _Prepared:
        """Returns the compiled network for what is frozen; its weights are left as they were.

        Args:
          spec: The network.
          adaptation: What is frozen.
          whole: Whether the frozen prefix is computed again each time that a clip is seen.
        """
        if not adaptation.fine_tuned:
            # Nothing is trained: the network serves for its outputs only.
            adaptation = dataclasses.replace(adaptation, frozen=())
        whole = whole or not adaptation.prefix
        key = (spec, adaptation.frozen, adaptation.l2_sp, whole)
        if key not in self._networks:
            network = spec.build(seed=0)
            freezing.freeze(network, adaptation, spec.groups)
            prefix, rest = None, network
            if not whole:
                prefix, rest = freezing.split_at_frozen_prefix(network, adaptation, spec.groups)
            learner = Learner(rest, l2_sp=adaptation.l2_sp)
            self._networks[key] = _Prepared(network=network, prefix=prefix, learner=learner)
        return self._networks[key]

    def _inputs(
        self, prepared: _Prepared, prefix_key: tuple[Any, ...], rows: np.ndarray
    ) -> tuple[Rows, np.ndarray]:
        """Returns what the learner takes for clips: a source, and which rows of it."""
        if prepared.prefix is None:
            return self._clips, rows
        if prefix_key != self._cached_prefix:
            self._cached.clear()
            self._cached_prefix = prefix_key
        digest = hashlib.sha256(rows.tobytes()).hexdigest()
        if digest not in self._cached:
            taken = sum(cached.resident_bytes for cached in self._cached.values())
            writer = RowWriter(
                prepared.prefix.output_shape[1:],
                limit_bytes=max(0, self._cache_bytes - taken),
                folder=self._folder,
                expected=len(rows),
            )
            for part in self._clips.chunks(rows, multiple_of=PREDICT_BATCH):
                writer.append(predict(prepared.prefix, self._clips, part))
            self._cached[digest] = writer.finish()
        return self._cached[digest], np.arange(len(rows))


class _EpochReport(keras.callbacks.Callback):
    """Reports each epoch's figures."""

    def __init__(self, name: str, epochs: int):
        super().__init__()
        self._name, self._epochs = name, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        figures = " ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        progress.MESSAGES.info(
            "%s: epoch %d of %d %s", self._name, epoch + 1, self._epochs, figures
        )

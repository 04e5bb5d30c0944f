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
from modules.networks.encoders import store
from modules.networks.encoders.encoder import Encoder
from modules.networks.heads import Standardisation
from modules.networks.registry import NetworkSpec
from modules.training import freezing, members
from modules.training.answers import Answers
from modules.training.batches import PREDICT_BATCH
from modules.training.job import Job, Outcome
from modules.training.learner import Learner, Learnt, predict
from modules.training.rows import Rows, RowWriter
from modules.training.settings import Settings
from schemas import progress


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """A compiled network with some groups frozen; its other weights come and go.

    Attributes:
      network: The whole network.
      prefix: Its layers, behind those whose outputs are given, whose own outputs can be computed
        once a clip; `None` if there are none.
      learner: The rest of it.
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
      domains: str `[n]`, their domains; one by default.
      given: Layer groups, the lowest ones of all networks, whose outputs the clips are.
      limit_bytes: Most memory that clips and outputs of frozen layers may take. More of these go
        into a file without a name in `folder`.
      folder: See `limit_bytes`; the system's folder for temporary files by default.
    """

    def __init__(
        self,
        clips: Rows,
        labels: np.ndarray,
        *,
        domains: np.ndarray | None = None,
        given: tuple[str, ...] = (),
        limit_bytes: int,
        folder: str | None = None,
    ):
        self._clips = clips
        self._labels = labels
        self._domains = np.zeros(len(labels), np.int64)
        if domains is not None:
            self._domains = np.unique(domains, return_inverse=True)[1]
        self._given = given
        self._cache_bytes = max(0, limit_bytes - clips.resident_bytes)
        self._folder = folder
        self._networks: dict[tuple[Any, ...], _Prepared] = {}
        # Outputs of one frozen prefix, by a digest of the rows they are of.
        self._cached: dict[str, Rows] = {}
        self._cached_prefix: tuple[Any, ...] = ()

    def run(self, job: Job) -> Outcome:
        """Carries out a training; of a network of several members, one training for each.

        Raises:
          UserError: The network has too few layer groups for the approach, its encoder is not
            there, or the disk is full.
          ValueError: There are no clips, patience without an inner split, or groups are to learn
            whose outputs are given.
          RuntimeError: A frozen layer group changed.
        """
        spec, groups, seed = job.network, job.network.groups, job.settings.seed
        # In a new network, as under A2, nothing is frozen and nothing starts anew.
        adaptation = resolve(job.approach or "A2", groups, held=spec.held)
        if spec.members > 1:
            parts = [self.run(part) for part in members.jobs(job)]
            return members.merged(job, parts)
        start = job.start
        if start is None:
            start = freezing.weights_of(spec.build(seed=seed, encoder=_encoder(spec)), groups)
        before = freezing.weight_hashes(start, groups)
        # A shifted clip has other outputs each time, so nothing can be computed once.
        prepared = self._prepare(
            spec, adaptation, settings=job.settings, whole=bool(job.settings.shift_s)
        )
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
            new = tuple(groups) if job.start is None else adaptation.reinitialised
            _fit_statistics(
                prepared, {name for group in new for name in groups[group]}, source, rows
            )
            validation = None
            if len(job.held_out):
                inner_source, inner_rows = self._inputs(prepared, prefix_key, job.held_out)
                validation = (inner_source, inner_rows, labels[job.held_out])
            answers = Answers(
                labels[job.train],
                self._domains[job.train],
                outputs=spec.outputs,
                smoothing=job.settings.label_smoothing,
            )
            started_s = time.monotonic()
            learnt = prepared.learner.fit(
                source,
                rows,
                answers,
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
            member_probabilities=predict(prepared.learner.network, source, rows)[np.newaxis],
            train_s=train_s,
        )

    def _prepare(
        self, spec: NetworkSpec, adaptation: Adaptation, *, settings: Settings, whole: bool
    ) -> _Prepared:
        """Returns the compiled network for what is frozen; its weights are left as they were.

        Args:
          spec: The network.
          adaptation: What is frozen.
          settings: How it learns.
          whole: Whether the frozen prefix is computed again each time that a clip is seen.
        """
        if not adaptation.fine_tuned:
            # Nothing is trained: the network serves for its outputs only.
            adaptation = dataclasses.replace(adaptation, frozen=self._given)
        if learning := [group for group in self._given if group not in adaptation.frozen]:
            raise ValueError(
                f"approach {adaptation.approach} lets {', '.join(learning)} learn, of which only"
                " the outputs are given"
            )
        whole = whole or len(adaptation.prefix) <= len(self._given)
        key = (spec, adaptation.frozen, adaptation.l2_sp, whole, Learner.key(settings))
        if key not in self._networks:
            network = spec.build(seed=0)
            freezing.freeze(network, adaptation, spec.groups)
            if whole:
                adaptation = dataclasses.replace(adaptation, frozen=self._given)
            prefix, rest = freezing.split_at_frozen_prefix(
                network, adaptation, spec.groups, given=self._given
            )
            if prefix is not None and None in prefix.output_shape[1:]:
                # Frames of many lengths are not kept: they are computed each time.
                adaptation = dataclasses.replace(adaptation, frozen=self._given)
                prefix, rest = freezing.split_at_frozen_prefix(
                    network, adaptation, spec.groups, given=self._given
                )
            held = {layer for group in spec.held for layer in spec.groups[group]}
            learner = Learner(rest, settings, l2_sp=adaptation.l2_sp, held=held)
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


def _encoder(spec: NetworkSpec) -> Encoder | None:
    """Returns the weights of a network's encoder, if it has one."""
    if spec.encoder is None:
        return None
    encoder, _ = store.load(spec.encoder.name, spec.encoder.sha256)
    return encoder


def _fit_statistics(prepared: _Prepared, new: set[str], source: Rows, rows: np.ndarray) -> None:
    """Fits the standardisations among the new layers to what they are given of training clips."""
    network = prepared.learner.network
    for place, layer in enumerate(network.layers):
        if isinstance(layer, Standardisation) and layer.name in new:
            # One batch at a time: frames of others are of another number.
            parts = (rows[at : at + PREDICT_BATCH] for at in range(0, len(rows), PREDICT_BATCH))
            if place:
                below = keras.Sequential(
                    [keras.Input(network.input_shape[1:]), *network.layers[:place]]
                )
                layer.fit(predict(below, source, part) for part in parts)
            else:
                layer.fit(source.take(part) for part in parts)


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

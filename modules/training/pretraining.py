"""Pre-training: a new network on the clips of many domains."""

import dataclasses
from collections import Counter

import numpy as np

from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.inner_split import inner_parts
from modules.training.job import Job, TrainerJob
from modules.training.records import SettingsRecord, TrainingRecord
from modules.training.trained import Trained, network_record
from schemas import splits


def pretrain(
    job: TrainerJob, clips: Clips, engine: Engine, *, without_part: int | None = None
) -> Trained:
    """Trains a new network on all clips except those of `job.without_domain` (S2).

    Args:
      job: The pre-training.
      clips: Clips of the training folds; those that the engine has.
      engine: What trains.
      without_part: Part of the clips that is left out; see `split_parts`. On those of the first
        approaches are compared.
    """
    taken = clips.domains != job.without_domain
    if without_part is not None:
        taken &= split_parts(job, clips, np.arange(len(clips.labels))) != without_part
    train, held_out = early_stopping_split(job, clips, np.flatnonzero(taken))
    spec = job.network
    outcome = engine.run(
        Job(
            name=job.name,
            network=spec,
            settings=job.seeded_settings,
            train=train,
            held_out=held_out,
        )
    )
    return Trained(
        weights=outcome.weights,
        record=TrainingRecord(
            name=job.name,
            labels=job.labels.labels,
            domain_labels=clips.domain_labels(job.labels),
            network=network_record(spec, outcome.weights),
            settings=SettingsRecord(**dataclasses.asdict(job.seeded_settings)),
            clips=count(clips, np.concatenate([train, held_out])),
            held_out=count(clips, held_out),
            history=outcome.history,
            kept_epoch=outcome.kept_epoch,
            weight_hashes=outcome.hashes,
            idle=outcome.idle,
            known_speakers=job.known_speakers,
        ),
    )


def split(job: TrainerJob, clips: Clips, rows: np.ndarray) -> np.ndarray:
    """Returns which of `rows` make the inner split, bool `[n]`: the first of `split_parts`."""
    return split_parts(job, clips, rows) == 0


def split_parts(job: TrainerJob, clips: Clips, rows: np.ndarray) -> np.ndarray:
    """Returns the part of each of `rows`, int64 `[n]`, -1 for none; equal in every training.

    Under the protocol `partition` the only part is the official dev part, in domains that have one.
    """
    dev = None
    if job.dev_domains and clips.in_last_fold is not None:
        dev = (clips.in_last_fold & np.isin(clips.domains, job.dev_domains))[rows]
    return inner_parts(
        clips.labels[rows],
        clips.domains[rows],
        clips.speakers[rows],
        fraction=job.inner_fraction,
        by_speaker=job.protocol != splits.RANDOM,
        given=dev,
        seed=job.seed,
    )


def early_stopping_split(
    job: TrainerJob, clips: Clips, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns `rows` to train on, and those of the inner split; all and none without patience."""
    if not job.settings.patience:
        return rows, rows[:0]
    held_out = split(job, clips, rows)
    return rows[~held_out], rows[held_out]


def count(clips: Clips, rows: np.ndarray) -> dict[str, int]:
    """Returns the number of clips among `rows` by domain."""
    return dict(sorted(Counter(clips.domains[rows].tolist()).items()))

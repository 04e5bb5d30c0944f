"""The `run_fn` of TFX's Trainer: pre-training over all domains, and fine-tuning for one.

Both read the transformed examples of the training folds, train, and leave in the model's folder:
the SavedModel, `network.keras` (from which fine-tuning starts) and `training.json` (what was done,
with the proof of what was frozen).
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modules.networks import held
from modules.networks.approaches import AUTO
from modules.training import known_speakers, memory, trained
from modules.training.choice import choose_approach
from modules.training.clips import Clips, read_clips
from modules.training.engine import Engine
from modules.training.fine_tuning import fine_tune
from modules.training.job import TrainerJob
from modules.training.pretraining import pretrain
from modules.training.records import RECORD_FILE
from modules.training.trained import Trained
from schemas.copies import local_folder
from schemas.progress import MESSAGES
from schemas.splits import S1


def run_fn(fn_args: Any) -> None:
    """Entry point of TFX's Trainer.

    Args:
      fn_args: TFX's FnArgs. `train_files` are the transformed examples of the training folds,
        `base_model` the pre-trained model where this is a fine-tuning, and `custom_config` holds a
        `TrainerJob` as `to_json` wrote it.

    Raises:
      UserError: The limit of memory is less than a batch, the disk is full, or the pre-trained
        network does not know the manifest's labels.
    """
    # Keras and what proves the export need files of this machine, and so do clips beyond memory.
    with local_folder(os.path.dirname(fn_args.serving_model_dir)) as folder:
        _run(fn_args, str(folder))


def _run(fn_args: Any, folder: str) -> None:
    """As `run_fn`; writes the model's folder, one of this machine."""
    from modules.export.own_process import ExportArguments, export_alone

    job = TrainerJob.from_json(fn_args.custom_config)
    keras.backend.clear_session()
    network = job.network
    feature, row_shape = held.taken(network, embedded=job.embedded)
    memory.check(job.memory_gib, batch_size=job.settings.batch_size, row_shape=row_shape)
    limit_bytes = memory.limit_bytes(job.memory_gib)
    MESSAGES.info("%s: reading clips", job.name)
    clips = read_clips(
        fn_args.train_files,
        limit_bytes=limit_bytes,
        folder=folder,
        domain=job.domain,
        without_domain=job.without_domain,
        row_shape=row_shape,
        feature=feature,
    )
    base_folder = os.path.dirname(fn_args.base_model or "")
    base = trained.load(base_folder) if job.stage == "fine_tune" else None
    if job.known_speakers:
        clips = _without_speakers(clips, base, limit_bytes=limit_bytes, folder=folder)
    engine = Engine(
        clips.inputs,
        clips.labels,
        domains=clips.domains,
        given=network.held if job.embedded else (),
        limit_bytes=limit_bytes,
        folder=folder,
    )
    if base is None:
        result = _pretrain(job, clips, engine, folder)
    else:
        result = _fine_tune(job, clips, engine, base, base_folder)
    trained_network = result.network()
    trained_network.save(os.path.join(folder, trained.NETWORK_FILE))
    MESSAGES.info("%s: exporting", job.name)
    export_alone(
        trained_network,
        os.path.join(folder, os.path.basename(fn_args.serving_model_dir)),
        ExportArguments(
            labels=result.labels,
            trim_silence=job.trim_silence,
            statistics=clips.statistics,
            domain_labels=result.record.domain_labels,
            domain=job.domain,
            speakers_encoder=result.speakers_encoder,
        ),
    )
    Path(folder, RECORD_FILE).write_text(result.record.to_json(), encoding="utf-8")


def _without_speakers(
    clips: Clips, base: Trained | None, *, limit_bytes: int, folder: str
) -> Clips:
    """Returns the clips without what those of a speaker have in common."""
    inputs, everyone = clips.inputs, np.arange(len(clips.labels))
    speakers = known_speakers.names(clips.domains, clips.speakers)
    if base is None:
        origin = known_speakers.mean_of(inputs, everyone)
    else:
        origin = known_speakers.origin_of(base.weights)
    known = known_speakers.offsets(inputs, speakers, everyone, origin)
    inputs = known_speakers.without(inputs, speakers, known, limit_bytes=limit_bytes, folder=folder)
    return dataclasses.replace(clips, inputs=inputs)


def _pretrain(job: TrainerJob, clips: Clips, engine: Engine, folder: str) -> Trained:
    result = pretrain(job, clips, engine)
    if not job.for_choice:
        return result
    other = pretrain(job, clips, engine, for_choice=True)
    other.network().save(os.path.join(folder, trained.CHOICE_NETWORK_FILE))
    record = dataclasses.replace(result.record, for_choice=other.record)
    return dataclasses.replace(result, record=record)


def _fine_tune(
    job: TrainerJob, clips: Clips, engine: Engine, base: Trained, base_folder: str
) -> Trained:
    assert job.approach is not None
    approach = job.approach
    choice: dict[str, float] = {}
    if approach == AUTO:
        # Under S2 no pre-trained network has seen the target.
        unseen = trained.load(base_folder, for_choice=job.scenario == S1)
        approach, choice = choose_approach(job, clips, engine, unseen)
    return fine_tune(job, clips, engine, base, approach=approach, choice=choice)

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
from modules.training import calibrating, known_speakers, memory, trained, typical
from modules.training.choice import choose_approach
from modules.training.clips import Clips, read_clips
from modules.training.engine import Engine
from modules.training.fine_tuning import fine_tune
from modules.training.job import TrainerJob
from modules.training.pretraining import pretrain, split
from modules.training.records import RECORD_FILE
from modules.training.trained import Trained
from modules.training.typical import Usual
from modules.trust.record import Calibration, Trust
from schemas.copies import local_folder
from schemas.progress import MESSAGES
from schemas.splits import S1


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sounds:
    """Clips, and an engine that has them."""

    clips: Clips
    engine: Engine


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

    def engine_of(clips: Clips) -> Engine:
        return Engine(
            clips.inputs,
            clips.labels,
            domains=clips.domains,
            given=network.held if job.embedded else (),
            limit_bytes=limit_bytes,
            folder=folder,
        )

    served = Sounds(clips=clips, engine=engine_of(clips))
    learnt = served
    if job.known_speakers:
        clips = _without_speakers(clips, base, limit_bytes=limit_bytes, folder=folder)
        learnt = Sounds(clips=clips, engine=engine_of(clips))
    if base is None:
        result, usual = _pretrain(job, learnt, served, folder)
    else:
        result, usual = _fine_tune(job, learnt, served, base, base_folder)
    typical.save(usual, folder)
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
            trust=result.record.trust,
            typicality=usual.typicality if usual else None,
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


def _pretrain(
    job: TrainerJob, learnt: Sounds, served: Sounds, folder: str
) -> tuple[Trained, Usual | None]:
    clips, engine = learnt.clips, learnt.engine
    result = pretrain(job, clips, engine)
    record, others = result.record, {}
    early = bool(job.settings.patience)
    needed = calibrating.parts(job) if job.calibrate and not early else range(0)
    for part in needed or range(int(job.for_choice)):
        other = pretrain(job, clips, engine, without_part=part)
        other.network().save(os.path.join(folder, trained.part_network_file(part)))
        others[part] = other
    if others:
        record = dataclasses.replace(record, for_choice=others[0].record)
    rows = np.flatnonzero(clips.domains != job.without_domain)
    usual, trust = _usual(job, served.clips, result, rows, others.get(0)), None
    if job.calibrate:
        unseen = calibrating.of_pretraining(
            job, clips, served.engine, lambda part: result if early else others[part]
        )
        trust = _trust(job, usual, calibrating.calibration(unseen, clips, job.labels))
        domains = {
            str(domain): calibrating.calibration(unseen, clips, job.labels, domain=str(domain))
            for domain in np.unique(clips.domains[unseen.rows])
        }
        found = {domain: each for domain, each in domains.items() if each is not None}
        trust = dataclasses.replace(trust, domains=found)
    elif usual is not None:
        trust = _trust(job, usual, None)
    return dataclasses.replace(result, record=dataclasses.replace(record, trust=trust)), usual


def _fine_tune(
    job: TrainerJob, learnt: Sounds, served: Sounds, base: Trained, base_folder: str
) -> tuple[Trained, Usual | None]:
    assert job.approach is not None
    clips, engine = learnt.clips, learnt.engine
    # Under S2 no pre-trained network has seen the target.
    seen = job.scenario == S1

    def unseen_base(part: int) -> Trained:
        return trained.load(base_folder, for_choice=seen, part=part)

    approach = job.approach
    choice: dict[str, float] = {}
    if approach == AUTO:
        approach, choice = choose_approach(job, clips, engine, unseen_base(0))
    result = fine_tune(job, clips, engine, base, approach=approach, choice=choice)
    calibration = None
    if job.calibrate:
        unseen = calibrating.of_fine_tuning(
            job,
            clips,
            (engine, served.engine),
            unseen_base,
            approach=approach,
            network=result,
        )
        calibration = calibrating.calibration(unseen, clips, job.labels)
    rows = np.flatnonzero(clips.domains == job.domain)
    usual = None
    if job.false_alarms is not None:
        usual = typical.inherited(
            base,
            base_folder,
            result,
            served.clips,
            rows,
            given=job.embedded,
            false_alarms=job.false_alarms,
        ) or _usual(job, served.clips, result, rows, None)
    trust = _trust(job, usual, calibration) if usual or calibration else None
    record = dataclasses.replace(result.record, trust=trust)
    return dataclasses.replace(result, record=record), usual


def _usual(
    job: TrainerJob, clips: Clips, network: Trained, rows: np.ndarray, other: Trained | None
) -> Usual | None:
    """Returns what is usual among the clips that a network was trained on.

    Args:
      job: The training.
      clips: Clips of the training folds, as they are served.
      network: The network.
      rows: int64 `[m]`, those that it was trained on.
      other: A network that was trained on all of these but the inner split; `None` if there is
        none.
    """
    if job.false_alarms is None:
        return None
    unseen = None
    if other is not None:
        held_out = split(job, clips, rows)
        unseen = (other, rows[~held_out], rows[held_out])
    return typical.of_network(
        network,
        clips,
        rows,
        given=job.embedded,
        false_alarms=job.false_alarms,
        unseen=unseen,
    )


def _trust(job: TrainerJob, usual: Usual | None, calibration: Calibration | None) -> Trust:
    trust = Trust(calibration=calibration, distance=usual.distance if usual else None)
    if job.false_alarms is not None:
        trust = dataclasses.replace(trust, false_alarms=job.false_alarms)
    return trust

"""What the first and the last task of a run do: preparing it, and telling what it came to."""

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import config as configs
from pipeline import preparation, storage_checks
from pipeline.config import DataConfig, ReleaseConfig, StudyConfig
from pipeline.kubeflow import executions, parallel_writers, record, run_step, steps
from pipeline.kubeflow.record import RunRecord
from pipeline.kubeflow.steps import Step
from pipeline.observer import Observer
from pipeline.preparation import Prepared
from pipeline.run_folder import CONFIG_FILE, RUN_FILE
from pipeline.runners.results import NodeResult
from schemas import files
from schemas.errors import UserError
from schemas.words import listed, plural

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What a run is asked for.

    Attributes:
      run_id: Kubeflow's id of the run.
      kind: `release` or `study`.
      values: The configuration that was compiled, as nested dictionaries.
      overrides: Values by dotted key that replace it in this run.
      domains: Domains to adapt to and push; all if empty.
      compiled_for: Domains that the pipeline has tasks for.
      image: The image that the tasks run in.
    """

    run_id: str
    kind: str
    values: dict[str, Any]
    overrides: Mapping[str, Any]
    domains: tuple[str, ...]
    compiled_for: tuple[str, ...]
    image: str


def prepare(asked: Asked) -> RunRecord[Any]:
    """Makes everything ready for a run's other tasks: checks, hashes, snapshot, metadata tables.

    Raises:
      UserError: What is wrong, where, and what to do.
    """
    kind = record.KINDS[asked.kind]
    config: Any = configs.check(asked.values, asked.overrides, source="of the pipeline", kind=kind)
    config = config.model_copy(update={"output": config.output.absolute()})
    check_store(config)
    storage_checks.check(config)
    parallel_writers.check(config.metadata, config.output)
    prepared = preparation.prepare(config, track=Observer().track)
    _check_recordings(config, len(prepared.utterances), prepared.missing)
    if isinstance(config, StudyConfig):
        _check_study(config, prepared)
    domains = prepared.manifest.domains
    if set(domains) != set(asked.compiled_for):
        raise UserError(
            f"{config.manifest} has the domains {listed(domains)}, but the pipeline has tasks for"
            f" {listed(sorted(asked.compiled_for))}: compile it again with this manifest"
        )
    if strange := sorted(set(asked.domains) - set(domains)):
        raise UserError(f"domains: the manifest has no domain {strange[0]}, only {listed(domains)}")
    made = RunRecord(
        run_id=asked.run_id,
        kind=asked.kind,
        config=config,
        manifest=prepared.manifest,
        domains=asked.domains or domains,
        image=asked.image,
    )
    record.write(made)
    _LOG.info("%s, %d changed", plural(len(prepared.utterances), "clip"), len(prepared.changed))
    return made


def check_store(config: DataConfig) -> None:
    """Checks that the metadata store is one that tasks can share.

    Raises:
      UserError: It is a file.
    """
    if config.metadata.store == "sqlite":
        raise UserError(
            "metadata.store: sqlite loses executions where several tasks write at once; set"
            " metadata.store to mysql and metadata.host to a MySQL or MariaDB server"
        )


def steps_of(made: RunRecord[Any]) -> dict[str, Step]:
    """Returns the steps of a run, by name."""
    if made.kind == record.STUDY:
        found = steps.study_steps(made.config.kubeflow.study_tasks)
    else:
        found = steps.release_steps(made.config, made.manifest.domains)
    return {step.name: step for step in found}


def report(made: RunRecord[Any]) -> tuple[NodeResult, ...]:
    """Writes what a run came to beside its outputs, as `ser run` does: `run.json`, the report.

    Returns:
      What became of every node.
    """
    pipeline = run_step.compiled(made)
    results = tuple(executions.results(pipeline, run_step.wanted(pipeline, made)).values())
    output = made.config.output
    with files.replacing(output / CONFIG_FILE) as file:
        file.write(made.config.to_yaml())
    written = {
        "run_id": made.run_id,
        "manifest": made.manifest.path,
        "nodes": [dataclasses.asdict(result) for result in results],
    }
    with files.replacing(output / RUN_FILE) as file:
        json.dump(written, file, indent=2)
    page = _release_page(output) if isinstance(made.config, ReleaseConfig) else _study_page(made)
    _LOG.info("report: %s", page)
    return results


def _release_page(output: Path) -> Path:
    from rich.console import Console

    from pipeline.reports.release import report as page
    from pipeline.reports.release import terminal
    from pipeline.reports.release.collect import collect
    from pipeline.run_release import REPORT_FILE

    found = collect(output)
    Console(width=120).print(terminal.table(found))
    return page.write(found, output / REPORT_FILE)


def _study_page(made: RunRecord[StudyConfig]) -> Path | None:
    from pipeline import run_study
    from pipeline.networks import network_spec

    store, design = run_study.opened(
        made.config, made.manifest, network_spec(made.config, made.manifest.labels)
    )
    return run_study.write_tables(
        made.config,
        store,
        design,
        command=f"ser kubeflow submit (run {made.run_id})",
        track=Observer().track,
    )


def _check_study(config: StudyConfig, prepared: Prepared[Any]) -> None:
    """Raises UserError where the store is another study's, or features cannot be had."""
    from pipeline import run_study

    store, design = run_study.opened(config, prepared.manifest, prepared.network)
    run_study.require_features([cell for cell in design.plan() if cell not in store])


def _check_recordings(config: DataConfig, clips: int, missing: Sequence[str]) -> None:
    """Raises UserError where no recording is to be had."""
    if clips and len(missing) == clips:
        raise UserError(
            f"{config.manifest}: none of its {plural(clips, 'recording')} is to be had here, for"
            f" example {missing[0]}: tasks see only what is in kubeflow.volumes, or on s3:// and"
            " gs://; put the recordings there, and index them where it is mounted"
        )

"""From a checked configuration to a finished run: everything around the pipeline itself."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpora import manifest as manifests
from corpora.manifest import sources
from pipeline import config as configs
from pipeline.runners import local
from pipeline.runners.local import NodeResult
from schemas import files, progress
from schemas.errors import UserError
from schemas.labels import EMOTIONS
from schemas.utterance import Utterance

CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"
LOG_FILE = "logs/pipeline.log"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """A configuration with the manifest it was checked against.

    Attributes:
      config: as given.
      manifest_path: the snapshot of the manifest that the pipeline reads, named by its content.
      manifest_digest: of its content.
      domains: the manifest's domains, sorted.
      changed, missing: utterance ids of recordings that are no longer what was indexed.
    """

    config: configs.DataConfig
    manifest_path: Path
    manifest_digest: str
    domains: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]


def prepare(config: configs.DataConfig, *, track: Callable[..., Any]) -> Prepared:
    """Checks all that can be checked before work begins, and takes a snapshot of the manifest.

    Every recording is hashed again, so that one that changed since it was indexed makes the
    pipeline run from AudioExampleGen on.

    Args:
      config: the configuration.
      track: shows progress over an iterable, like `cli.progress.track`.

    Raises:
      UserError: what is wrong, where, and what to do.
    """
    manifest = manifests.read(config.manifest)
    utterances, domains = manifest.utterances, manifest.domains
    if isinstance(config, configs.StudyConfig):
        _check_study(config, utterances, domains)
    elif isinstance(config, configs.ReleaseConfig):
        configs.check_domains(config, list(domains))
        manifests.check_folds(utterances, config.protocol, test_fold=config.test_fold)
    manifest, changed, missing = manifests.refresh(manifest, track=track)
    digest = manifests.digest(manifest)
    snapshot = config.output.absolute() / "manifests" / f"{digest[:16]}.csv"
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    manifests.write(manifest, snapshot)
    origin = sources.sources_path(config.manifest)
    if origin.exists():
        sources.read(origin)  # Better told now than by the report.
        shutil.copyfile(origin, sources.sources_path(snapshot))
    return Prepared(
        config=config,
        manifest_path=snapshot,
        manifest_digest=digest,
        domains=domains,
        changed=tuple(changed),
        missing=tuple(missing),
    )


def _check_study(
    config: configs.StudyConfig, utterances: list[Utterance], domains: tuple[str, ...]
) -> None:
    """Raises UserError where the manifest does not fit the study."""
    configs.check_targets(config, domains)
    # As if all were of one class: what is wrong with the folds whatever their classes.
    alike = [dataclasses.replace(utterance, emotion=EMOTIONS[0]) for utterance in utterances]
    for protocol in config.protocols:
        for domain in domains:
            own = {each.fold(protocol) for each in utterances if each.domain == domain}
            if empty := set(config.folds) - own:
                raise UserError(
                    f"domain {domain}: has no clip in fold {min(empty)} under the protocol"
                    f" {protocol}; leave the fold, the domain or the protocol out"
                )
        for fold in config.folds:
            manifests.check_folds(alike, protocol, test_fold=fold)
            if config.missing_class == "present":
                continue
            try:
                manifests.check_folds(utterances, protocol, test_fold=fold)
            except UserError as error:
                raise UserError(
                    f"{error}\nor take the UAR of such a fold over the classes that it has:"
                    " --set missing_class=present"
                ) from None


def execute(
    prepared: Prepared, *, on_node: local.NodeCallback, on_message: Callable[[str], None]
) -> list[NodeResult]:
    """Runs a release or a study; stores its configuration and its nodes' results beside it.

    Args:
      prepared: from `prepare`.
      on_node: told before each node.
      on_message: told what a running node reports, for example a trainer's epochs.

    Returns:
      One result a node.

    Raises:
      UserError: another run uses the output folder.
    """
    from pipeline import data, release, study

    config, output = prepared.config, prepared.config.output.absolute()
    busy = f"{output} is in use by another run; wait for it or choose another output folder"
    with files.locked(output / ".lock", busy=busy):
        (output / CONFIG_FILE).write_text(config.to_yaml(), encoding="utf-8")
        with local.logs_to(output / LOG_FILE), _messages(on_message):
            manifest = data.Manifest(
                path=str(prepared.manifest_path),
                digest=prepared.manifest_digest,
                domains=prepared.domains,
            )
            if isinstance(config, configs.StudyConfig):
                pipeline = study.build(config, manifest)
            else:
                assert isinstance(config, configs.ReleaseConfig)
                pipeline = release.build(config, manifest)
            run_id, results = local.run(pipeline, on_node=on_node)
        nodes = [dataclasses.asdict(result) for result in results]
        (output / RUN_FILE).write_text(
            json.dumps(
                {"run_id": run_id, "manifest": str(prepared.manifest_path), "nodes": nodes},
                indent=2,
            ),
            encoding="utf-8",
        )
    return results


def failures(results: Iterable[NodeResult]) -> list[NodeResult]:
    """Returns the nodes that failed, without those that were not reached because of them."""
    return [result for result in results if result.status == "failed"]


@contextmanager
def _messages(on_message: Callable[[str], None]) -> Iterator[None]:
    """Passes what nodes say on `progress.MESSAGES` to `on_message`."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            on_message(record.getMessage())

    logger, handler = progress.MESSAGES, Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def check_output(folder: Path) -> None:
    """Raises UserError where `folder` holds no finished run."""
    if not (folder / RUN_FILE).exists():
        raise UserError(f"{folder} holds no run: start one with `ser run --output {folder} …`")

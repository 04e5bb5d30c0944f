"""From a configuration to all that a pipeline is built from: checked, hashed, and kept."""

import dataclasses
from typing import Generic, TypeVar

from corpora import manifest as manifests
from corpora.indexing import probe_cache
from corpora.manifest import sources
from modules.networks.registry import NetworkSpec
from pipeline import checks, metadata_store, storage_checks
from pipeline.config import AdaptationConfig, DataConfig, ReleaseConfig, StudyConfig
from pipeline.manifest import Manifest, snapshot
from pipeline.networks import network_spec
from pipeline.own_recordings import own_recordings
from pipeline.run_folder import MANIFESTS
from schemas.progress import Track
from schemas.utterance import Utterance

Config = TypeVar("Config", bound=DataConfig)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared(Generic[Config]):
    """A configuration with the manifest it was checked against.

    Attributes:
      config: The configuration as given.
      manifest: The snapshot of the manifest.
      network: What fixes its networks but their weights.
      utterances: The manifest's, with up-to-date hashes, rates and durations.
      warnings: What is allowed, but does harm.
      changed, missing: Ids of utterances whose recordings are no longer what was indexed.
    """

    config: Config
    manifest: Manifest
    network: NetworkSpec
    utterances: tuple[Utterance, ...]
    warnings: tuple[str, ...] = ()
    changed: tuple[str, ...]
    missing: tuple[str, ...]


def prepare(config: Config, *, track: Track) -> Prepared[Config]:
    """Checks all that can be checked before work begins, and takes a snapshot of the manifest.

    A recording whose size or times have changed since it was indexed is hashed again, and makes the
    pipeline run from AudioExampleGen on if its content is another one.

    Args:
      config: The configuration.
      track: Shows progress over the recordings.

    Raises:
      UserError: What is wrong, where, and what to do.
    """
    checks.check_output(config.output)
    storage_checks.check(config)
    if config.metadata.store == "sqlite":
        metadata_store.sqlite_file(config.metadata, config.output)
    indexed = manifests.read(config.manifest)
    if isinstance(config, AdaptationConfig):
        indexed = own_recordings(config, indexed)
    network = network_spec(config, indexed.labels)
    warnings: tuple[str, ...] = ()
    if isinstance(config, StudyConfig):
        checks.check_study(config, indexed, network)
    elif isinstance(config, ReleaseConfig):
        checks.check_release(config, indexed, network)
        if config.known_speakers:
            warnings = checks.speakers_of_one_label(indexed)
    hashed = {utterance.utterance_id for utterance in indexed.utterances if utterance.sha256}
    with probe_cache.remembered(config.manifest) as probe_one:
        indexed, changed, missing = manifests.refresh(indexed, probe_one=probe_one, track=track)
    manifest = snapshot(indexed, config.output / MANIFESTS)
    origin = sources.sources_path(config.manifest)
    if origin.exists():
        sources.read(origin)  # Better told now than by the report.
        sources.sources_path(manifest.path).write_bytes(origin.read_bytes())
    return Prepared(
        config=config,
        manifest=manifest,
        network=network,
        utterances=tuple(indexed.utterances),
        warnings=warnings,
        # A manifest written by hand tells no hashes that could have changed.
        changed=tuple(each for each in changed if each in hashed),
        missing=tuple(missing),
    )

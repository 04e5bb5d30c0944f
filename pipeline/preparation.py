"""From a configuration to all that a pipeline is built from: checked, hashed, and kept."""

import dataclasses
import shutil
from collections.abc import Sequence
from typing import Generic, TypeVar

from corpora import manifest as manifests
from corpora import sources
from pipeline import checks
from pipeline.config import DataConfig, ReleaseConfig, StudyConfig
from pipeline.manifest import Manifest, snapshot
from pipeline.run_folder import MANIFESTS
from schemas import labels
from schemas.errors import UserError
from schemas.labels import LabelSet
from schemas.progress import Track
from schemas.utterance import Utterance

Config = TypeVar("Config", bound=DataConfig)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared(Generic[Config]):
    """A configuration with the manifest it was checked against.

    Attributes:
      config: The configuration as given.
      manifest: The snapshot of the manifest.
      utterances: The manifest's, with up-to-date hashes, rates and durations.
      changed, missing: Ids of utterances whose recordings are no longer what was indexed.
    """

    config: Config
    manifest: Manifest
    utterances: tuple[Utterance, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]


def prepare(config: Config, *, track: Track) -> Prepared[Config]:
    """Checks all that can be checked before work begins, and takes a snapshot of the manifest.

    Every recording is hashed again, so that one that changed since it was indexed makes the
    pipeline run from AudioExampleGen on.

    Args:
      config: The configuration.
      track: Shows progress over the recordings.

    Raises:
      UserError: What is wrong, where, and what to do.
    """
    utterances = manifests.read(config.manifest)
    label_set = _label_set(config, utterances)
    if isinstance(config, StudyConfig):
        checks.check_study(config, utterances, label_set)
    elif isinstance(config, ReleaseConfig):
        checks.check_release(config, utterances, label_set)
    utterances, changed, missing = manifests.refresh(utterances, track=track)
    manifest = snapshot(utterances, label_set, config.output / MANIFESTS)
    origin = sources.sources_path(config.manifest)
    if origin.exists():
        sources.read(origin)  # Better told now than by the report.
        shutil.copyfile(origin, sources.sources_path(manifest.path))
    return Prepared(
        config=config,
        manifest=manifest,
        utterances=tuple(utterances),
        changed=tuple(changed),
        missing=tuple(missing),
    )


def _label_set(config: DataConfig, utterances: Sequence[Utterance]) -> LabelSet:
    try:
        return labels.inferred(utterance.emotion for utterance in utterances)
    except UserError as error:
        raise UserError(f"{config.manifest}: {error}") from None

"""What the first task of a run leaves for the others, in the run's output folder."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline import config as configs
from pipeline.config import DataConfig, ReleaseConfig, StudyConfig
from pipeline.manifest import Manifest
from schemas import files
from schemas.errors import UserError
from schemas.labels import LabelSet

RELEASE, STUDY = "release", "study"
KINDS: dict[str, type[ReleaseConfig] | type[StudyConfig]] = {
    RELEASE: ReleaseConfig,
    STUDY: StudyConfig,
}

_FOLDER, _RECORD_FILE, _CONFIG_FILE = "kubeflow", "prepared.json", "config.yaml"

Config = TypeVar("Config", bound=DataConfig)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRecord(Generic[Config]):
    """A run that was prepared.

    Attributes:
      run_id: Kubeflow's id of the run, which all its tasks share.
      kind: `release` or `study`.
      config: The resolved configuration.
      manifest: The snapshot of the manifest.
      domains: Domains that networks are adapted to and pushed for.
      image: The container image that the tasks run in.
    """

    run_id: str
    kind: str
    config: Config
    manifest: Manifest
    domains: tuple[str, ...]
    image: str


def write(record: RunRecord[Any]) -> None:
    """Writes a run's record into its output folder."""
    folder = _folder(record.config.output, record.run_id)
    values = {
        "kind": record.kind,
        "manifest": {**dataclasses.asdict(record.manifest), "labels": [*record.manifest.labels]},
        "domains": record.domains,
        "image": record.image,
    }
    with files.replacing(folder / _CONFIG_FILE) as file:
        file.write(record.config.to_yaml())
    # The last, so that there is a record only if all of it is there.
    with files.replacing(folder / _RECORD_FILE) as file:
        json.dump(values, file, indent=2)


def read(root: Path, run_id: str) -> RunRecord[Any]:
    """Reads the record of a run.

    Raises:
      UserError: There is none.
    """
    folder = _folder(root, run_id)
    try:
        values = json.loads((folder / _RECORD_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{folder / _RECORD_FILE} does not exist: the task prepare of run {run_id} has to be"
            " over, and all tasks have to see the same root (kubeflow.volumes)"
        ) from None
    manifest = values["manifest"]
    return RunRecord(
        run_id=run_id,
        kind=values["kind"],
        config=configs.read(folder / _CONFIG_FILE, kind=KINDS[values["kind"]]),
        manifest=Manifest(
            path=manifest["path"],
            schema_path=manifest["schema_path"],
            digest=manifest["digest"],
            domains=tuple(manifest["domains"]),
            labels=LabelSet(tuple(manifest["labels"])),
            details_digest=manifest["details_digest"],
        ),
        domains=tuple(values["domains"]),
        image=values["image"],
    )


def builder(kind: str) -> Callable[..., Any]:
    """Returns what builds the TFX pipeline of a kind of run."""
    if kind == STUDY:
        from pipeline import study

        return study.build_divided
    from pipeline import release

    return release.build


def _folder(root: Path, run_id: str) -> Path:
    return root.absolute() / _FOLDER / run_id

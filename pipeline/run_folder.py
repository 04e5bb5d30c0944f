"""What lies in a run's output folder, by name."""

from pathlib import Path

from schemas.errors import UserError

# The resolved configuration; the run's id, manifest and nodes; all logs.
CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"
LOG_FILE = "logs/pipeline.log"

# Snapshots of manifests and their schemas, named by content.
MANIFESTS = "manifests"

# What TFX writes: artifacts, and the metadata store.
PIPELINE_ROOT = "pipeline_root"
METADATA_FILE = "metadata.sqlite"

# Held while a run is going on.
LOCK_FILE = ".lock"


def check_output(folder: Path) -> None:
    """Raises UserError where `folder` holds no finished run."""
    if not (folder / RUN_FILE).exists():
        raise UserError(f"{folder} holds no run: start one with `ser run --output {folder} …`")

"""The runs that an output folder holds: what each takes on disk, and the removal of old ones."""

import contextlib
import dataclasses
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from components.pusher.artifact import destination
from pipeline import config as configs
from pipeline import metadata_store
from pipeline.run_folder import CONFIG_FILE, LOCK_FILE, METADATA_FILE, PIPELINE_ROOT
from schemas import files
from schemas.errors import UserError

# Types of artifacts that later runs look up, whatever run made them.
_MODEL, _BLESSING, _PUSHED, _ACCEPTED = "Model", "ModelBlessing", "PushedModel", "AcceptedData"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A run in an output folder.

    Attributes:
      run_id: When it began; its name in the metadata.
      states: Number of its nodes by their state in the metadata, such as `COMPLETE`.
      artifacts: Ids of the artifacts that it made or used.
      num_bytes: Size of those on disk; runs share what is cached.
      own_bytes: Size of those that no other run shares.
    """

    run_id: str
    states: dict[str, int]
    artifacts: frozenset[int]
    num_bytes: int = 0
    own_bytes: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cleaning:
    """What a cleaning removes, or would.

    Attributes:
      kept: The runs that stay as they are, newest first.
      cleaned: The runs that lose artifacts, or have lost them before.
      by_node: Size in bytes of what is removed, by node.
      num_artifacts: Number of artifacts that are removed.
      num_protected: Number of older artifacts that stay: blessed, pushed, or accepted data.
    """

    kept: tuple[Run, ...]
    cleaned: tuple[Run, ...]
    by_node: dict[str, int]
    num_artifacts: int
    num_protected: int

    @property
    def num_bytes(self) -> int:
        """Size of all that is removed."""
        return sum(self.by_node.values())


def list_runs(output: Path) -> tuple[Run, ...]:
    """Returns the runs of an output folder, newest first.

    Raises:
      UserError: The folder holds no run, or keeps its metadata on a server.
    """
    return _Folder(output).runs


def clean(output: Path, *, keep: int, dry_run: bool = False) -> Cleaning:
    """Removes artifacts that only runs before the newest `keep` made or used.

    What was blessed or pushed stays, and the accepted data that later data is compared with. TFX
    takes what is removed for what was never made.

    Raises:
      UserError: As `list_runs`; `keep` is less than 1, or a run is going on there.
    """
    if keep < 1:
        raise UserError(f"--keep {keep}: at least the newest run is kept; give 1 or more")
    folder = _Folder(output)
    if dry_run:
        return folder.clean(keep, remove=False)
    busy = f"{output} is in use by a run; wait for its end"
    with files.locked(folder.output / LOCK_FILE, busy=busy):
        return folder.clean(keep, remove=True)


class _Folder:
    """An output folder with its metadata."""

    def __init__(self, output: Path):
        self.output = output.absolute()
        if not (self.output / CONFIG_FILE).exists():
            raise UserError(
                f"{output} holds no run: name the folder of one, as `ser run --output` did"
            )
        config = configs.load(self.output / CONFIG_FILE)
        if config.metadata.store != "sqlite" or not (self.output / METADATA_FILE).exists():
            raise UserError(
                f"{output} has no {METADATA_FILE}: runs on this machine only are listed"
            )
        self._store = metadata_store.open_store(config.metadata, self.output)
        self._artifacts = {artifact.id: artifact for artifact in self._store.get_artifacts()}
        self._sizes = {each.id: self._size(each) for each in self._artifacts.values()}
        self.runs = self._runs()

    def clean(self, keep: int, *, remove: bool) -> Cleaning:
        kept, older = self.runs[:keep], self.runs[keep:]
        of_kept = frozenset[int]().union(*(run.artifacts for run in kept))
        old = {number for number, size in self._sizes.items() if size} - of_kept
        protected = old & self._protected()
        removed = [self._artifacts[number] for number in sorted(old - protected)]
        by_node: Counter[str] = Counter()
        for artifact in removed:
            by_node[self._place(artifact).parts[0]] += self._sizes[artifact.id]
        if remove:
            self._remove(removed)
        return Cleaning(
            kept=kept,
            cleaned=older,
            by_node=dict(by_node),
            num_artifacts=len(removed),
            num_protected=len(protected),
        )

    def _remove(self, artifacts: list[Any]) -> None:
        from ml_metadata.proto import metadata_store_pb2

        for artifact in artifacts:
            artifact.state = metadata_store_pb2.Artifact.DELETED
        # Before the folders: nothing that is half there may be used.
        self._store.put_artifacts(artifacts)
        for artifact in artifacts:
            shutil.rmtree(artifact.uri)

    def _runs(self) -> tuple[Run, ...]:
        from ml_metadata.proto import metadata_store_pb2

        found = []
        for context in self._store.get_contexts_by_type("pipeline_run"):
            executions = self._store.get_executions_by_context(context.id)
            states = (
                metadata_store_pb2.Execution.State.Name(each.last_known_state)
                for each in executions
            )
            run = Run(
                run_id=context.name,
                states=dict(Counter(states)),
                artifacts=frozenset(self._events(executions)),
            )
            found.append((context.id, run))
        runs = [run for _, run in sorted(found, key=lambda each: each[0], reverse=True)]
        holders = Counter(number for run in runs for number in run.artifacts)
        return tuple(
            dataclasses.replace(
                run,
                num_bytes=sum(self._sizes.get(each, 0) for each in run.artifacts),
                own_bytes=sum(
                    self._sizes.get(each, 0) for each in run.artifacts if holders[each] == 1
                ),
            )
            for run in runs
        )

    def _events(self, executions: Iterable[Any]) -> list[int]:
        """Returns the ids of the artifacts that executions took or made."""
        numbers = [execution.id for execution in executions]
        events = self._store.get_events_by_execution_ids(numbers) if numbers else []
        return [event.artifact_id for event in events]

    def _protected(self) -> set[int]:
        """Returns the ids of what later runs and servers rely on, and of the models behind it."""
        result = set()
        for artifact in self._artifacts.values():
            properties = artifact.custom_properties
            blessed = artifact.type == _BLESSING and properties["blessed"].int_value
            if blessed or (artifact.type == _PUSHED and destination(artifact)):
                result.add(artifact.id)
                events = self._store.get_events_by_artifact_ids([artifact.id])
                made = {each.execution_id for each in events if each.type == each.OUTPUT}
                around = self._events(self._store.get_executions_by_id(sorted(made)))
                result |= {each for each in around if self._artifacts[each].type == _MODEL}
            elif artifact.type == _ACCEPTED:
                result.add(artifact.id)
        return result

    def _place(self, artifact: Any) -> Path:
        """Returns where an artifact lies below the pipeline's root; `.` if elsewhere."""
        with contextlib.suppress(ValueError):
            return Path(artifact.uri).relative_to(self.output / PIPELINE_ROOT)
        return Path()

    def _size(self, artifact: Any) -> int:
        """Returns an artifact's size in bytes; 0 where it is not a folder of the pipeline's."""
        if len(self._place(artifact).parts) < 2:
            return 0
        return sum(
            os.lstat(os.path.join(folder, name)).st_size
            for folder, _, names in os.walk(artifact.uri)
            for name in names
        )

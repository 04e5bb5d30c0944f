"""Whether a metadata store keeps what several tasks write at once: tried, once per store."""

import concurrent.futures
import multiprocessing
from pathlib import Path
from typing import Any

from pipeline import metadata_store
from pipeline.config import Metadata
from schemas.errors import UserError

_TYPE, _VERIFIED = "ser.ParallelWriters", "verified"
_WRITERS, _EACH = 3, 10


def check(settings: Metadata, output: Path) -> None:
    """Checks a store, and makes its tables where there are none.

    Three processes write executions as TFX does, with a context that they share. A store that kept
    all of them says so itself and is not tried again.

    Raises:
      UserError: It cannot be connected to, or it lost some of them.
    """
    from ml_metadata.proto import metadata_store_pb2 as proto

    store = metadata_store.open_store(settings, output)
    if store.get_context_by_type_and_name(_TYPE, _VERIFIED):
        return
    kept = tried(settings, output)
    if kept != _WRITERS * _EACH:
        raise UserError(
            f"metadata store {metadata_store.name(settings)}: of {_WRITERS * _EACH} executions that"
            f" {_WRITERS} processes wrote at once it kept {kept}: tasks cannot share it. Use MySQL"
            " or MariaDB with the engine InnoDB (metadata.store, metadata.host)"
        )
    type_id = store.put_context_type(proto.ContextType(name=_TYPE), can_add_fields=True)
    store.put_contexts([proto.Context(type_id=type_id, name=_VERIFIED)])


def tried(settings: Metadata, output: Path) -> int:
    """Returns how many of the executions, that processes wrote at once, a store kept."""
    store = metadata_store.open_store(settings, output)
    before = len(_written(store))
    with concurrent.futures.ProcessPoolExecutor(
        _WRITERS, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        for done in [pool.submit(_write, settings, output, n) for n in range(_WRITERS)]:
            done.exception()  # What was lost is counted in the store.
    return len(_written(store)) - before


def _written(store: Any) -> list[Any]:
    return store.get_executions_by_type(_TYPE)


def _write(settings: Metadata, output: Path, writer: int) -> None:
    from ml_metadata.proto import metadata_store_pb2 as proto

    store = metadata_store.open_store(settings, output)
    execution = store.put_execution_type(proto.ExecutionType(name=_TYPE), can_add_fields=True)
    artifact = store.put_artifact_type(proto.ArtifactType(name=_TYPE), can_add_fields=True)
    context = store.put_context_type(proto.ContextType(name=_TYPE), can_add_fields=True)
    for number in range(_EACH):
        try:
            store.put_execution(
                proto.Execution(type_id=execution, last_known_state=proto.Execution.COMPLETE),
                [
                    (
                        proto.Artifact(type_id=artifact, uri=f"{writer}/{number}"),
                        proto.Event(type=proto.Event.OUTPUT),
                    )
                ],
                [proto.Context(type_id=context, name="shared")],
                reuse_context_if_already_exist=True,
            )
        except Exception:
            # Counted by the caller.
            continue

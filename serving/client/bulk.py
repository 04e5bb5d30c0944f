"""Many recordings at once through Beam: workers ask a server, shard by shard.

Every shard becomes a file of rows, which another run of the same takes as it is.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from schemas import files
from schemas.errors import UserError
from serving.client import rows
from serving.client.asking import Asking
from serving.client.client import Client
from serving.client.enrolment import Enrolment
from serving.client.errors import ServerError
from serving.client.question import Question, Refused
from serving.client.tls import Tls

_LEAST_SHARD, _LARGEST_SHARD, _SHARDS = 25, 200, 40  # recordings; about as many shards
_DIGITS = 16
_FAULT = "server-error.txt"


@dataclass(frozen=True, kw_only=True)
class Server:
    """Who is asked, as workers are told.

    Attributes:
      address: The host:port of TF Serving's gRPC port, as workers reach it.
      model: Name of the model.
      version: Its version when the run began.
      timeout_s: Seconds after which a request counts as unanswered.
      tls: How the connection is encrypted.
      speaker: Who speaks.
      parallel: How many recordings a worker asks about at once.
    """

    address: str
    model: str
    version: int
    timeout_s: float
    tls: Tls | None = None
    speaker: Enrolment | None = None
    parallel: int = 4


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Recordings whose rows become one file.

    Attributes:
      asked: The recordings.
      path: File of their rows, JSON lines.
    """

    asked: tuple[Question | Refused, ...]
    path: str


def shards(asked: Sequence[Question | Refused], folder: Path) -> list[Shard]:
    """Divides recordings into shards; depends on their number only."""
    size = min(max(math.ceil(len(asked) / _SHARDS), _LEAST_SHARD), _LARGEST_SHARD)
    starts = range(0, len(asked), size)
    return [
        Shard(
            asked=tuple(asked[start : start + size]),
            path=str(folder / f"{index:05d}-of-{len(starts):05d}.jsonl"),
        )
        for index, start in enumerate(starts)
    ]


def answer(
    asked: Sequence[Question | Refused],
    server: Server,
    *,
    folder: Path,
    flags: Sequence[str] = (),
    watch: Callable[[int, Callable[[], int]], contextlib.AbstractContextManager[None]],
) -> list[rows.Row]:
    """Returns the rows of all recordings, in order.

    Args:
      asked: The recordings, by path.
      server: Who is asked.
      folder: Where shards are kept until `forget`; what lies there of the same recordings and the
        same model is not asked again.
      flags: Beam's.
      watch: Shows progress: is told how many shards there are, and how to count those done.

    Raises:
      ServerError: The server did not answer; what it has answered is kept.
      UserError: Some shards were not answered.
    """
    folder = folder / _digest(asked, server)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (folder / _FAULT).unlink()
    planned = shards(asked, folder)
    missing = [shard for shard in planned if not os.path.exists(shard.path)]

    def done() -> int:
        return sum(os.path.exists(shard.path) for shard in planned)

    if missing:
        options = PipelineOptions(flags=list(flags))  # by keyword, or it reads our command line
        with watch(len(planned), done), beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(missing, reshuffle=True)
                | "Ask" >> beam.ParDo(AnswerShard(server))
            )
    if (fault := folder / _FAULT).exists():
        raise ServerError(
            f"{fault.read_text(encoding='utf-8')}; the same command continues where it stopped"
        )
    return [row for shard in planned for row in _read(shard.path)]


def forget(folder: Path) -> None:
    """Removes the shards, once what they hold lies elsewhere."""
    shutil.rmtree(folder, ignore_errors=True)


class AnswerShard(beam.DoFn):
    """Writes the file of a shard."""

    def __init__(self, server: Server):
        self._server = server
        self._client: Client | None = None

    def setup(self) -> None:
        """Connects to the server."""
        server = self._server
        self._client = Client(server.address, timeout_s=server.timeout_s, tls=server.tls)

    def teardown(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()

    def process(self, shard: Shard) -> None:
        """Asks about the recordings of a shard; after a server's fault about none any more."""
        assert self._client is not None
        fault = Path(shard.path).parent / _FAULT
        if fault.exists():
            return
        asking = Asking(self._client, self._server.model, self._server.speaker)
        with futures.ThreadPoolExecutor(self._server.parallel) as pool:
            try:
                found = list(pool.map(functools.partial(rows.of, asking), shard.asked))
            except ServerError as error:
                pool.shutdown(wait=False, cancel_futures=True)
                # Beam would wrap it into many others, and ask again.
                with files.replacing(fault) as file:
                    file.write(str(error))
                return
        with files.replacing(shard.path) as file:
            for answers in found:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row, _ in answers)


def check(asked: Sequence[Question | Refused]) -> None:
    """Raises UserError for what workers cannot be handed."""
    if any(isinstance(each, Question) and each.contents is not None for each in asked):
        raise UserError("--bulk takes files, folders and manifests: write the sound into a file")


def _digest(asked: Sequence[Question | Refused], server: Server) -> str:
    """Returns what changes with the recordings, by size and time, and with the model."""
    digest = hashlib.sha256(repr((server.model, server.version, server.speaker)).encode())
    for each in asked:
        digest.update(repr(dataclasses.astuple(each)).encode(errors="surrogateescape"))
        with contextlib.suppress(OSError, ValueError):
            status = os.stat(getattr(each, "path", ""))
            digest.update(repr((status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()[:_DIGITS]


def _read(path: str) -> list[rows.Row]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]

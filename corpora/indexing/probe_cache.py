"""Remembers what was seen of recordings, so that indexing again reads only what changed."""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from corpora.indexing import probe
from schemas.files import replacing
from schemas.places import place

# Raise it whenever a probe of the same bytes may turn out differently.
VERSION = 3
# A file may be written to again within the resolution of its time stamp (2 s on FAT): one that was
# that young when it was read is read again.
YOUNG_NS = 2_000_000_000


@dataclasses.dataclass(frozen=True)
class _State:
    """What tells that a file is as it was; `ctime_ns` also tells where `mtime_ns` was set back."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int


class ProbeCache:
    """What earlier runs saw of recordings, by path, size and times; several threads may ask it.

    Attributes:
      read: Paths of the recordings that were read.
      unchanged: Paths of those that were not, because they are as they were.
    """

    def __init__(self) -> None:
        self.read: list[str] = []
        self.unchanged: list[str] = []
        self._known: dict[str, tuple[_State, probe.Probe]] = {}
        self._seen: dict[str, tuple[_State, probe.Probe]] = {}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ProbeCache":
        """Returns the cache stored at `path`; an empty one if there is none that can be read."""
        cache = cls()
        try:
            content = json.loads(place(path).read_text(encoding="utf-8"))
            if content["version"] == VERSION:
                cache._known = {
                    name: (_State(*values[:3]), probe.Probe(**dict(zip(_FIELDS, values[3:]))))  # noqa: B905
                    for name, values in content["recordings"].items()
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return cache

    def probe(self, path: str) -> probe.Probe:
        """Returns what `path` is, from memory if it is as it was; as `probe.probe`."""
        state = _state(path)
        known = self._known.get(path)
        if state and known and known[0] == state:
            self._seen[path] = known
            self.unchanged.append(path)
            return known[1]
        now_ns = time.time_ns()
        seen = probe.probe(path)
        self.read.append(path)
        if state and seen.sha256 and max(state.mtime_ns, state.ctime_ns) < now_ns - YOUNG_NS:
            self._seen[path] = (state, seen)
        return seen

    def save(self, path: str | os.PathLike[str], *, keep_others: bool = False) -> None:
        """Writes what was seen since `load`, replacing `path` at once.

        Args:
          path: The file to write.
          keep_others: Whether what was loaded stays for recordings that were not asked for.
        """
        remembered = (self._known if keep_others else {}) | self._seen
        recordings = {
            name: [*dataclasses.astuple(state), *dataclasses.astuple(seen)]
            for name, (state, seen) in sorted(remembered.items())
        }
        with replacing(path) as file:
            json.dump({"version": VERSION, "recordings": recordings}, file, indent=0)
            file.write("\n")


_FIELDS = tuple(field.name for field in dataclasses.fields(probe.Probe))


def cache_path(path: str | os.PathLike[str]) -> Path:
    """Returns where the cache of the manifest at `path` lies: beside it, `.probes.json`."""
    return place(path).with_suffix(".probes.json")


@contextlib.contextmanager
def remembered(manifest_path: str | os.PathLike[str]) -> Iterator[Callable[[str], probe.Probe]]:
    """Gives a `probe` that reads only what has changed since the manifest was indexed.

    What it reads is remembered beside the manifest, if that folder can be written to.
    """
    path, cache = cache_path(manifest_path), ProbeCache.load(cache_path(manifest_path))
    yield cache.probe
    if cache.read:
        with contextlib.suppress(OSError):
            cache.save(path, keep_others=True)


def _state(path: str) -> _State | None:
    try:
        status = place(path).stat()
    except (OSError, ValueError):
        return None
    return _State(status.st_size, status.st_mtime_ns, status.st_ctime_ns)

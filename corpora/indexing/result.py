"""What an index gives: the manifest, the account of every file, and where all of it comes from."""

import collections
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from corpora import manifest
from corpora.manifest import Entry, Manifest
from corpora.manifest import sources as provenance
from corpora.manifest.sources import Source
from schemas.errors import UserError
from schemas.labels import LabelSet
from schemas.utterance import Utterance


class NothingUsableError(UserError):
    """A corpus holds nothing to use.

    Attributes:
      account: What became of every file.
    """

    def __init__(self, message: str, *, account: list[Entry]):
        super().__init__(message)
        self.account = account


@dataclasses.dataclass(frozen=True, kw_only=True)
class Index:
    """What `corpora.indexing.index.index` found.

    Attributes:
      utterances: Those to use, by domain and id.
      labels: The set that their emotions are of.
      account: What became of every file, in the order in which they were met.
      sources: One for each corpus given, in that order.
      kept_folds: (domain, protocol) where a CSV brought folds, which were kept.
      notes: What to know of the sources, in words.
      unmet_labels: (corpus, word) that was mapped, but that no clip is labelled with.
    """

    utterances: list[Utterance]
    labels: LabelSet
    account: list[Entry]
    sources: list[Source]
    kept_folds: list[tuple[str, str]]
    unmet_labels: list[tuple[str, str]]
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        """The utterances with their label set."""
        return Manifest(utterances=self.utterances, labels=self.labels)

    def domains(self) -> list[str]:
        """Returns the domains that have an entry, in the order in which they were met."""
        return list(dict.fromkeys(entry.domain for entry in self.account))

    def count(self, domain: str, status: str | None = None) -> int:
        """Returns the number of the domain's files, or of those with `status`."""
        return sum(
            entry.domain == domain and status in (None, entry.status) for entry in self.account
        )

    def write(self, path: str | os.PathLike[str]) -> dict[str, Path]:
        """Writes the manifest to `path`, and beside it the account and the sources.

        Returns:
          What was written (`manifest`, `account`, `sources`) to where.
        """
        written = {
            "manifest": Path(path),
            "account": manifest.account_path(path),
            "sources": provenance.sources_path(path),
        }
        manifest.write(self.manifest, written["manifest"])
        manifest.write_account(self.account, written["account"])
        provenance.write(self.sources, written["sources"])
        return written

    def reasons(self, domain: str, status: str) -> dict[str, int]:
        """Returns how many of the domain's files have `status` for each reason, largest first."""
        return reasons(
            entry for entry in self.account if (entry.domain, entry.status) == (domain, status)
        )


def reasons(account: Iterable[Entry]) -> dict[str, int]:
    """Returns how often each reason occurs, largest first."""
    counts = collections.Counter(_kind(entry.reason) for entry in account)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def same_bytes(utterances: Iterable[Utterance]) -> list[tuple[Utterance, Utterance]]:
    """Returns utterances whose different recordings have the same bytes, each with the first."""
    first: dict[str, Utterance] = {}
    pairs = ((first.setdefault(clip.sha256, clip), clip) for clip in utterances)
    return [(one, other) for one, other in pairs if one.path != other.path]


def _kind(reason: str) -> str:
    """Returns the reason without what is particular to one file, for counting."""
    kinds = (
        "no such file",
        "too short",
        "its header promises",
        "its samples reach",
        "corrupt: its wav header",
        "the segment",
        "has nothing from",
        "second copy",
        "excluded",
        "truncated",
        "broken line in labels",
        "label without recording",
        "recording without label",
        "labelled both",
    )
    return next((kind for kind in kinds if reason.startswith(kind)), reason)

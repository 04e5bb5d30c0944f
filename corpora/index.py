"""From corpora on disk to utterances with hashes, durations and folds; accounts for all files."""

import collections
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from corpora import folds, probe
from corpora.manifest import Entry
from corpora.readers import READERS, Found
from corpora.utterance import Utterance
from modules.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Index:
    """What `index` found.

    Attributes:
      utterances: those to use, by domain and id.
      account: what became of every file, in the order in which they were met.
      kept_folds: (domain, protocol) where a CSV brought folds, which were kept.
    """

    utterances: list[Utterance]
    account: list[Entry]
    kept_folds: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def domains(self) -> list[str]:
        """Returns the domains that have an entry, in the order in which they were met."""
        return list(dict.fromkeys(entry.domain for entry in self.account))

    def count(self, domain: str, status: str | None = None) -> int:
        """Returns the number of the domain's files, or of those with `status`."""
        return sum(
            entry.domain == domain and status in (None, entry.status) for entry in self.account
        )

    def reasons(self, domain: str, status: str) -> dict[str, int]:
        """Returns how many of the domain's files have `status` for each reason, largest first."""
        return reasons(
            entry for entry in self.account if (entry.domain, entry.status) == (domain, status)
        )


def reasons(account: Iterable[Entry]) -> dict[str, int]:
    """Returns how often each reason occurs, largest first."""
    counts = collections.Counter(_kind(entry.reason) for entry in account)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def index(
    sources: Iterable[tuple[str, str | os.PathLike[str]]],
    *,
    seed: int = 0,
    track: probe.Track = probe.no_track,
) -> Index:
    """Reads corpora.

    Headers are read by content; recordings are not decoded (AudioExampleGen does, and quarantines
    what it cannot decode).

    Args:
      sources: pairs of a corpus' name (a key of `corpora.readers.READERS`) and its folder, or for
        `csv` its file.
      seed: of the folds.
      track: shows progress.

    Raises:
      UserError: a corpus is unknown or given twice, its folder is missing or holds nothing to
        use, or two sources share a domain.
    """
    resolved = [(name, Path(os.path.abspath(Path(path).expanduser()))) for name, path in sources]
    _check_sources(resolved)
    utterances: list[Utterance] = []
    account: list[Entry] = []
    source_of: dict[str, str] = {}
    for name, path in resolved:
        used, entries = _index_source(name, path, track)
        for domain in dict.fromkeys(entry.domain for entry in entries):
            if domain in source_of:
                raise UserError(
                    f"domain {domain} comes from both {source_of[domain]} and {name}={path};"
                    " give it once, or rename it in the CSV"
                )
            source_of[domain] = f"{name}={path}"
        utterances += used
        account += entries
    utterances.sort(key=lambda utterance: (utterance.domain, utterance.utterance_id))
    by_domain: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_domain.setdefault(utterance.domain, []).append(utterance)
    kept = [
        (domain, protocol)
        for domain, clips in by_domain.items()
        for protocol in ("speaker_independent", "random")
        if folds.has_folds(clips, protocol)
    ]
    return Index(utterances=folds.assign(utterances, seed=seed), account=account, kept_folds=kept)


def _check_sources(sources: list[tuple[str, Path]]) -> None:
    if not sources:
        raise UserError("no corpus given; use --corpus NAME=PATH")
    seen: dict[str, Path] = {}
    for name, path in sources:
        if name not in READERS:
            raise UserError(f"corpus {name} is unknown; known: {', '.join(READERS)}")
        if name in seen and (name != "csv" or path in seen.values()):
            raise UserError(f"corpus {name} is given twice ({seen[name]} and {path}); give it once")
        seen[name] = path
        if not path.exists():
            raise UserError(
                f"corpus {name}: {path} does not exist; give where {READERS[name].LAYOUT} lies:"
                f" --corpus {name}=PATH"
            )
        if name != "csv" and not path.is_dir():
            raise UserError(f"corpus {name}: {path} is a file; unpack it and give the folder")


def _index_source(name: str, path: Path, track: probe.Track) -> tuple[list[Utterance], list[Entry]]:
    """Returns the usable utterances of one corpus, and an entry for everything in it."""
    found = list(READERS[name].read(path))
    recordings = [item.utterance.path for item in found if item.utterance]
    probes = probe.probe_all(recordings, track=track, description=f"Indexing {name}")
    used, account = [], []
    for item in found:
        entry = _entry(item, probes)
        account.append(entry)
        if item.utterance and entry.status == "used":
            used.append(probe.apply(item.utterance, probes[item.utterance.path]))
    counts = collections.Counter(entry.status for entry in account)
    assert len(found) == counts["used"] + counts["skipped"] + counts["unreadable"], counts
    assert len(used) == counts["used"], counts
    _check_ids(used, path)
    if not used:
        raise UserError(_nothing_usable(name, path, account))
    return used, account


def _entry(item: Found, probes: dict[str, probe.Probe]) -> Entry:
    path = str(item.path)
    if item.utterance is None:
        return Entry(path=path, domain=item.domain, status="skipped", reason=item.reason)
    if reason := probe.problem(item.utterance, probes[item.utterance.path]):
        return Entry(path=path, domain=item.domain, status="unreadable", reason=reason)
    return Entry(path=path, domain=item.domain, status="used")


def _check_ids(utterances: list[Utterance], path: Path) -> None:
    counts = collections.Counter(utterance.utterance_id for utterance in utterances)
    if twice := [utterance_id for utterance_id, count in counts.items() if count > 1]:
        raise UserError(
            f"{path}: has the utterance {twice[0]} {counts[twice[0]]} times"
            f"{f', and {len(twice) - 1} others' if len(twice) > 1 else ''}; list each once"
        )


def _nothing_usable(name: str, path: Path, account: list[Entry]) -> str:
    kinds = "; ".join(f"{count}: {reason}" for reason, count in reasons(account).items())
    return (
        f"corpus {name}: none of the {len(account)} files in {path} can be used"
        f"{f' ({kinds})' if kinds else ''}; its recordings are named like"
        f" {READERS[name].LAYOUT}"
    )


def _kind(reason: str) -> str:
    """Returns the reason without what is particular to one file, for counting."""
    return "second copy" if reason.startswith("second copy of ") else reason

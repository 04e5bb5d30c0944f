"""From corpora on disk to utterances with hashes, durations and folds; accounts for all files."""

import collections
import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from corpora import folds, manifest
from corpora.indexing import probe
from corpora.indexing.exclusions import Exclusions
from corpora.indexing.probe_cache import ProbeCache
from corpora.manifest import Entry, Manifest
from corpora.manifest import sources as provenance
from corpora.manifest.sources import Source
from corpora.readers import READERS, Found
from corpora.readers.base import resolve_options
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet
from schemas.progress import Track, no_track
from schemas.splits import PROTOCOLS
from schemas.utterance import Utterance, by_domain

# Those that are a format rather than one corpus: they may be given several times.
FORMATS = ("audformat", "csv")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Index:
    """What `index` found.

    Attributes:
      utterances: those to use, by domain and id.
      account: what became of every file, in the order in which they were met.
      sources: one for each corpus given, in that order.
      labels: The set that the utterances' emotions are of.
      kept_folds: (domain, protocol) where a CSV brought folds, which were kept.
    """

    utterances: list[Utterance]
    account: list[Entry]
    labels: LabelSet = PAPER
    sources: list[Source] = dataclasses.field(default_factory=list)
    kept_folds: list[tuple[str, str]] = dataclasses.field(default_factory=list)

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
        manifest.write(
            Manifest(utterances=self.utterances, labels=self.labels), written["manifest"]
        )
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


def index(
    sources: Iterable[tuple[str, str | os.PathLike[str]]],
    *,
    options: Mapping[str, Mapping[str, str]] | None = None,
    exclusions: Exclusions | None = None,
    cache: ProbeCache | None = None,
    seed: int = 0,
    track: Track = no_track,
) -> Index:
    """Reads corpora.

    Headers are read by content; recordings are not decoded (AudioExampleGen does, and quarantines
    what it cannot decode).

    Args:
      sources: pairs of a corpus' name (a key of `corpora.readers.READERS`) and its folder, or for
        `csv` its file.
      options: corpus to its reader's options, name to value; those left out have their default.
      exclusions: utterances to leave out.
      cache: what an earlier run saw, so that recordings that have not changed are not read again.
      seed: of the folds.
      track: shows progress.

    Raises:
      UserError: a corpus is unknown or given twice, its folder is missing or holds nothing to
        use, an option does not exist, or two sources share a domain or an utterance's id.
    """
    resolved = [(name, Path(os.path.abspath(Path(path).expanduser()))) for name, path in sources]
    _check_sources(resolved)
    chosen = _resolve_options(resolved, options or {})
    corpora: list[_Corpus] = []
    with probe.Prober(cache.probe if cache else probe.probe) as prober:
        for (name, path), own in zip(resolved, chosen, strict=True):
            found = [_excluded(item, exclusions) for item in READERS[name].read(path, **own)]
            corpora.append(_Corpus(name=name, path=path, options=own, found=found))
            prober.start(corpora[-1].recordings())
        _check_usable((corpus, corpus.account({})) for corpus in corpora if not corpus.utterances())
        _check_distinct(corpora)
        # While recordings are being read: most often, all of them can be.
        candidates = [utterance for corpus in corpora for utterance in corpus.utterances()]
        utterances = folds.assign(candidates, seed=seed)
        probes: dict[str, probe.Probe] = {}
        for corpus in corpora:
            description = f"Indexing {corpus.name}"
            probes |= prober.results(corpus.recordings(), track=track, description=description)
    accounts = [corpus.account(probes) for corpus in corpora]
    _check_usable(zip(corpora, accounts, strict=True))
    usable = [clip for clip in candidates if not probe.problem(clip, probes[clip.path])]
    if len(usable) < len(candidates):
        utterances = folds.assign(usable, seed=seed)
    utterances = [probe.apply(utterance, probes[utterance.path]) for utterance in utterances]
    utterances = _with_synthetic_licence(utterances)
    assert len(utterances) == sum(e.status == "used" for account in accounts for e in account)
    utterances.sort(key=lambda utterance: (utterance.domain, utterance.utterance_id))
    used, original = by_domain(utterances), by_domain(usable)
    return Index(
        utterances=utterances,
        account=[entry for account in accounts for entry in account],
        sources=[
            _source(corpus, account, used)
            for corpus, account in zip(corpora, accounts, strict=True)
        ],
        kept_folds=[
            (domain, protocol)
            for domain in sorted(original)
            for protocol in PROTOCOLS
            if folds.has_folds(original[domain], protocol)
        ],
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Corpus:
    """One source, with what its reader met."""

    name: str
    path: Path
    options: dict[str, str]
    found: list[Found]

    def utterances(self) -> list[Utterance]:
        return [item.utterance for item in self.found if item.utterance]

    def recordings(self) -> list[str]:
        return [utterance.path for utterance in self.utterances()]

    def account(self, probes: Mapping[str, probe.Probe]) -> list[Entry]:
        """Returns an entry for everything that was met."""
        account = [_entry(item, probes) for item in self.found]
        counts = collections.Counter(entry.status for entry in account)
        assert len(account) == counts["used"] + counts["skipped"] + counts["unreadable"], counts
        return account


def same_bytes(utterances: Iterable[Utterance]) -> list[tuple[Utterance, Utterance]]:
    """Returns utterances whose different recordings have the same bytes, each with the first."""
    first: dict[str, Utterance] = {}
    pairs = ((first.setdefault(clip.sha256, clip), clip) for clip in utterances)
    return [(one, other) for one, other in pairs if one.path != other.path]


def _check_sources(sources: list[tuple[str, Path]]) -> None:
    if not sources:
        raise UserError("no corpus given; use --corpus NAME=PATH")
    problems = []
    seen: dict[str, Path] = {}
    for name, path in sources:
        if name not in READERS:
            problems.append(f"corpus {name} is unknown; known: {', '.join(READERS)}")
            continue
        if name in seen and (name not in FORMATS or path in seen.values()):
            problems.append(f"corpus {name} is given twice ({seen[name]} and {path}); give it once")
        seen[name] = path
        if not path.exists():
            problems.append(
                f"corpus {name}: {path} does not exist; give where {READERS[name].LAYOUT} lies:"
                f" --corpus {name}=PATH"
            )
        elif name != "csv" and not path.is_dir():
            problems.append(f"corpus {name}: {path} is a file; unpack it and give the folder")
    if problems:
        raise UserError("\n".join(problems))


def _resolve_options(
    sources: list[tuple[str, Path]], given: Mapping[str, Mapping[str, str]]
) -> list[dict[str, str]]:
    """Returns the options of each source, with defaults."""
    names = [name for name, _ in sources]
    for name in given:
        if name not in names:
            raise UserError(
                f"option {name}.{next(iter(given[name]), '')}: corpus {name} is not among those"
                f" given ({', '.join(names)})"
            )
    return [resolve_options(name, READERS[name].OPTIONS, given.get(name, {})) for name in names]


def _excluded(item: Found, exclusions: Exclusions | None) -> Found:
    if item.utterance and exclusions and (reason := exclusions.reason(item.utterance)):
        return dataclasses.replace(item, utterance=None, reason=reason)
    return item


def _entry(item: Found, probes: Mapping[str, probe.Probe]) -> Entry:
    status, reason = "skipped", item.reason
    if item.utterance:
        reason = probe.problem(item.utterance, probes[item.utterance.path])
        status = "unreadable" if reason else "used"
    return Entry(path=str(item.path), domain=item.domain, status=status, reason=reason)


def _with_synthetic_licence(utterances: list[Utterance]) -> list[Utterance]:
    """Returns the utterances with, for synthetic ones, not the licence of the real corpus."""
    is_synthetic = provenance.synthetic_test()
    return [
        dataclasses.replace(utterance, licence=provenance.SYNTHETIC_LICENCE)
        if is_synthetic(utterance.path)
        else utterance
        for utterance in utterances
    ]


def _source(
    corpus: _Corpus, account: list[Entry], used_clips: Mapping[str, list[Utterance]]
) -> Source:
    """Describes one corpus as it was indexed; of what its reader tells and of its utterances."""
    reader = READERS[corpus.name]
    counts = collections.Counter(entry.status for entry in account)
    domains = list(dict.fromkeys(entry.domain for entry in account))
    used = [utterance for domain in domains for utterance in used_clips.get(domain, [])]

    def values(attribute: str, default: str) -> str:
        own = sorted({getattr(utterance, attribute) for utterance in used} - {""})
        return "; ".join(own) or default

    return Source(
        corpus=corpus.name,
        folder=str(corpus.path),
        domains=domains,
        options=corpus.options,
        licence=values("licence", reader.LICENCE),
        citation=reader.CITATION,
        elicitation=values("elicitation", reader.ELICITATION),
        language=values("language", reader.LANGUAGE),
        synthetic=any(utterance.licence == provenance.SYNTHETIC_LICENCE for utterance in used),
        found=len(account),
        used=counts["used"],
        skipped=counts["skipped"],
        unreadable=counts["unreadable"],
    )


def _check_distinct(corpora: list[_Corpus]) -> None:
    """Checks that no domain comes from two sources, and no utterance twice."""
    source_of: dict[str, str] = {}
    source_of_id: dict[str, str] = {}
    for corpus in corpora:
        place = f"{corpus.name}={corpus.path}"
        for domain in dict.fromkeys(item.domain for item in corpus.found):
            if domain in source_of:
                raise UserError(
                    f"domain {domain} comes from both {source_of[domain]} and {place};"
                    " give it once, or rename it in the CSV"
                )
            source_of[domain] = place
        counts = collections.Counter(clip.utterance_id for clip in corpus.utterances())
        if twice := [utterance_id for utterance_id, count in counts.items() if count > 1]:
            raise UserError(
                f"{corpus.path}: has the utterance {twice[0]} {counts[twice[0]]} times"
                f"{f', and {len(twice) - 1} others' if len(twice) > 1 else ''}; list each once"
            )
        if shared := [utterance_id for utterance_id in counts if utterance_id in source_of_id]:
            raise UserError(
                f"{len(shared)} utterances, like {shared[0]}, are in both"
                f" {source_of_id[shared[0]]} and {place}; drop the column utterance_id, or let it"
                " begin with the domain"
            )
        source_of_id |= dict.fromkeys(counts, place)


def _check_usable(accounts: Iterable[tuple[_Corpus, list[Entry]]]) -> None:
    """Raises an error that names all corpora with nothing to use, if there are any."""
    problems = [
        _nothing_usable(corpus.name, corpus.path, account)
        for corpus, account in accounts
        if not any(entry.status == "used" for entry in account)
    ]
    if problems:
        raise UserError("\n".join(problems))


def _nothing_usable(name: str, path: Path, account: list[Entry]) -> str:
    kinds = "; ".join(f"{count}: {reason}" for reason, count in reasons(account).items())
    return (
        f"corpus {name}: none of the {len(account)} files in {path} can be used"
        f"{f' ({kinds})' if kinds else ''}; its recordings are named like"
        f" {READERS[name].LAYOUT}"
    )


def _kind(reason: str) -> str:
    """Returns the reason without what is particular to one file, for counting."""
    kinds = (
        "second copy",
        "excluded",
        "truncated",
        "broken line in labels",
        "label without recording",
        "recording without label",
        "labelled both",
    )
    return next((kind for kind in kinds if reason.startswith(kind)), reason)

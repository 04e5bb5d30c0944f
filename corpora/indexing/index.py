"""From corpora on disk to utterances with hashes, durations and folds; accounts for all files."""

import collections
import dataclasses
import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from corpora import folds
from corpora.indexing import probe
from corpora.indexing.exclusions import Exclusions
from corpora.indexing.indexed_corpus import IndexedCorpus, with_spares
from corpora.indexing.labelling import Labelling
from corpora.indexing.probe_cache import ProbeCache
from corpora.indexing.result import Index
from corpora.indexing.source_checks import check_distinct, check_sources, check_usable
from corpora.manifest import Entry
from corpora.manifest import sources as provenance
from corpora.manifest.sources import Source
from corpora.readers import READERS, Found, csv_file
from corpora.readers.base import resolve_options
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet
from schemas.progress import Track, no_track
from schemas.splits import PROTOCOLS
from schemas.utterance import Utterance, by_domain


def index(
    sources: Iterable[tuple[str, str | os.PathLike[str]]],
    *,
    label_set: LabelSet = PAPER,
    words: Mapping[str, Mapping[str, str]] | None = None,
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
      sources: Pairs of a corpus' name (a key of `corpora.readers.READERS`) and its folder, or for
        `csv` its file.
      label_set: The labels to use; clips with others are skipped.
      words: Corpus to its own words to what they stand for, a label of the set or `skip`; see
        `corpora.indexing.labelling`.
      options: Corpus to its reader's options, name to value; those left out have their default.
      exclusions: Utterances to leave out.
      cache: What an earlier run saw, so that recordings that have not changed are not read again.
      seed: Seed of the folds.
      track: A function that shows progress.

    Raises:
      UserError: A corpus is unknown or given twice, its folder is missing or holds nothing to
        use, an option does not exist, a label is unknown or has no clip, or two sources share a
        domain or an utterance's id.
    """
    resolved = [(name, Path(os.path.abspath(Path(path).expanduser()))) for name, path in sources]
    check_sources(resolved)
    _check_names([name for name, _ in resolved], options or {}, kind="option")
    _check_names([name for name, _ in resolved], words or {}, kind="label")
    labelling = Labelling(label_set, words or {})
    chosen = [
        resolve_options(name, READERS[name].CORPUS.options, (options or {}).get(name, {}))
        for name, _ in resolved
    ]
    corpora: list[IndexedCorpus] = []
    with probe.Prober(cache.probe if cache else probe.probe) as prober:
        for (name, path), own in zip(resolved, chosen, strict=True):
            met = map(_composed, READERS[name].read(path, **own))
            labelled = (labelling.apply(name, item) for item in met)
            found = [_excluded(item, exclusions) for item in labelled]
            corpora.append(IndexedCorpus(name=name, path=path, options=own, found=found))
            prober.start(corpora[-1].recordings())
        labelling.check_words()
        check_usable((corpus, corpus.account({})) for corpus in corpora if not corpus.utterances())
        check_distinct(corpora)
        # While recordings are being read: most often, all of them can be.
        candidates = [utterance for corpus in corpora for utterance in corpus.utterances()]
        labelling.check_labels([item for corpus in corpora for item in corpus.found], candidates)
        utterances = folds.assign(candidates, seed=seed)
        probes: dict[str, probe.Probe] = {}
        for corpus in corpora:
            description = f"Indexing {corpus.name}"
            probes |= prober.results(corpus.recordings(), track=track, description=description)
        corpora = [with_spares(corpus, probes, prober) for corpus in corpora]
        candidates = [utterance for corpus in corpora for utterance in corpus.utterances()]
    accounts = [corpus.account(probes) for corpus in corpora]
    check_usable(zip(corpora, accounts, strict=True))
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
        labels=label_set,
        account=[entry for account in accounts for entry in account],
        sources=[
            _source(corpus, account, used, labelling)
            for corpus, account in zip(corpora, accounts, strict=True)
        ],
        kept_folds=[
            (domain, protocol)
            for domain in sorted(original)
            for protocol in PROTOCOLS
            if folds.has_folds(original[domain], protocol)
        ],
        unmet_labels=labelling.unmet(),
        notes=[
            note
            for name, path in resolved
            if name == csv_file.CORPUS.name
            for note in csv_file.notes(path)
        ],
    )


def _check_names(names: list[str], given: Mapping[str, Mapping[str, str]], *, kind: str) -> None:
    """Checks that options or labels are for corpora that are given."""
    for name, values in given.items():
        if name not in names:
            raise UserError(
                f"{kind} {name}.{next(iter(values), '')}: corpus {name} is not among those given"
                f" ({', '.join(names)})"
            )


def _composed(item: Found) -> Found:
    """Returns the item with its names in the composed Unicode form, however a disk spells them."""
    if item.utterance is None:
        return item

    def composed(text: str) -> str:
        return unicodedata.normalize("NFC", text)

    utterance = dataclasses.replace(
        item.utterance,
        utterance_id=composed(item.utterance.utterance_id),
        domain=composed(item.utterance.domain),
        speaker=composed(item.utterance.speaker),
        sentence=composed(item.utterance.sentence),
    )
    return dataclasses.replace(item, utterance=utterance)


def _excluded(item: Found, exclusions: Exclusions | None) -> Found:
    if item.utterance and exclusions and (reason := exclusions.reason(item.utterance)):
        return dataclasses.replace(item, utterance=None, reason=reason)
    return item


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
    corpus: IndexedCorpus,
    account: list[Entry],
    clips: Mapping[str, list[Utterance]],
    labelling: Labelling,
) -> Source:
    """Describes one corpus as it was indexed; of what its reader tells and of its utterances."""
    known = READERS[corpus.name].CORPUS
    counts = collections.Counter(entry.status for entry in account)
    domains = list(dict.fromkeys(entry.domain for entry in account))
    used = [utterance for domain in domains for utterance in clips.get(domain, [])]

    def values(attribute: str, default: str) -> str:
        own = sorted({getattr(utterance, attribute) for utterance in used} - {""})
        return "; ".join(own) or default

    return Source(
        corpus=corpus.name,
        folder=str(corpus.path),
        domains=domains,
        options=corpus.options,
        label_set=list(labelling.label_set),
        words=labelling.mapping(corpus.name),
        licence=values("licence", known.licence),
        citation=known.citation,
        elicitation=values("elicitation", known.elicitation),
        language=values("language", known.language),
        synthetic=any(utterance.licence == provenance.SYNTHETIC_LICENCE for utterance in used),
        found=len(account),
        used=counts["used"],
        skipped=counts["skipped"],
        unreadable=counts["unreadable"],
    )

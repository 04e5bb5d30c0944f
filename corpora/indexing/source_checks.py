"""What is wrong with the sources of an index, each by itself and beside the others."""

import collections
import os
from collections.abc import Iterable
from pathlib import Path

from corpora.indexing.indexed_corpus import IndexedCorpus
from corpora.indexing.result import NothingUsableError, reasons
from corpora.manifest import Entry
from corpora.readers import READERS, Corpus, csv_file
from schemas.errors import UserError


def check_sources(sources: list[tuple[str, Path]]) -> None:
    """Raises UserError for unknown corpora, one given twice, and paths that are not there."""
    if not sources:
        raise UserError("no corpus given; use --corpus NAME=PATH")
    problems = []
    seen: dict[str, Path] = {}
    for name, path in sources:
        if name not in READERS:
            problems.append(f"corpus {name} is unknown; known: {', '.join(READERS)}")
            continue
        corpus = READERS[name].CORPUS
        if name in seen and (not corpus.is_format or path in seen.values()):
            problems.append(f"corpus {name} is given twice ({seen[name]} and {path}); give it once")
        seen[name] = path
        if not path.exists():
            problems.append(
                f"corpus {name}: {path} does not exist; give {_wanted(corpus)}:"
                f" --corpus {name}=PATH"
            )
        elif not corpus.is_file and not path.is_dir():
            problems.append(f"corpus {name}: {path} is a file; unpack it and give the folder")
    if problems:
        raise UserError("\n".join(problems))


def check_distinct(corpora: list[IndexedCorpus]) -> None:
    """Checks that no domain comes from two sources that are no lists, and no utterance twice."""
    source_of: dict[str, str] = {}
    source_corpus: dict[str, str] = {}
    source_of_id: dict[str, str] = {}
    for corpus in corpora:
        place = f"{corpus.name}={corpus.path}"
        for domain in dict.fromkeys(item.domain for item in corpus.found):
            joins = corpus.name == source_corpus.get(domain) == csv_file.CORPUS.name
            if domain in source_of and not joins:
                raise UserError(
                    f"domain {domain} comes from both {source_of[domain]} and {place};"
                    " give it once, or rename it in the CSV"
                )
            source_of[domain], source_corpus[domain] = place, corpus.name
        counts = collections.Counter(clip.utterance_id for clip in corpus.utterances())
        if twice := [utterance_id for utterance_id, count in counts.items() if count > 1]:
            raise UserError(
                f"{corpus.path}: has the utterance {twice[0]} {counts[twice[0]]} times"
                f"{f', and {len(twice) - 1} others' if len(twice) > 1 else ''}"
                f"{_as_two_formats(corpus, twice[0])}; list each once"
            )
        if shared := [utterance_id for utterance_id in counts if utterance_id in source_of_id]:
            raise UserError(
                f"{len(shared)} utterances, like {shared[0]}, are in both"
                f" {source_of_id[shared[0]]} and {place}; drop the column utterance_id, or let it"
                " begin with the domain"
            )
        source_of_id |= dict.fromkeys(counts, place)


def _as_two_formats(corpus: IndexedCorpus, utterance_id: str) -> str:
    """Returns in words that an id stands for files that differ in their suffix only, if it does."""
    paths = {clip.path for clip in corpus.utterances() if clip.utterance_id == utterance_id}
    names = sorted(os.path.basename(path) for path in paths)
    return f" (as {' and '.join(names)}: one clip in several formats)" if len(names) > 1 else ""


def check_usable(accounts: Iterable[tuple[IndexedCorpus, list[Entry]]]) -> None:
    """Raises an error that names all corpora with nothing to use, if there are any."""
    accounts = list(accounts)
    problems = [
        _nothing_usable(corpus.name, corpus.path, account)
        for corpus, account in accounts
        if not any(entry.status == "used" for entry in account)
    ]
    if problems:
        raise NothingUsableError(
            "\n".join(problems), account=[e for _, own in accounts for e in own]
        )


def _nothing_usable(name: str, path: Path, account: list[Entry]) -> str:
    kinds = "; ".join(f"{count}: {reason}" for reason, count in reasons(account).items())
    example = next((entry for entry in account if entry.status == "unreadable"), None)
    like = f" (like {example.path}: {example.reason})" if example else ""
    return (
        f"corpus {name}: none of the {len(account)} files in {path} can be used{like}"
        f"{f'; {kinds}' if kinds else ''}; needed is {_wanted(READERS[name].CORPUS)}"
    )


def _wanted(corpus: Corpus) -> str:
    """Returns in words what to give for a corpus."""
    return corpus.layout if corpus.is_format else f"a folder with recordings like {corpus.layout}"

"""One source of an index, with what its reader met and what became of it."""

import collections
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from corpora.indexing import missing, probe
from corpora.manifest import Entry
from corpora.readers import Found
from modules.audio.contents import NO_SUCH_FILE
from schemas.utterance import Utterance


@dataclasses.dataclass(frozen=True, kw_only=True)
class IndexedCorpus:
    """One source, with what its reader met.

    Attributes:
      name: The reader's name.
      path: The folder or file that was given, absolute.
      options: The reader's options.
      found: What the reader met, labelled.
    """

    name: str
    path: Path
    options: dict[str, str]
    found: list[Found]

    def utterances(self) -> list[Utterance]:
        """Returns the utterances to use."""
        return [item.utterance for item in self.found if item.utterance]

    def recordings(self) -> list[str]:
        """Returns the paths of their recordings."""
        return [utterance.path for utterance in self.utterances()]

    def account(self, probes: Mapping[str, probe.Probe]) -> list[Entry]:
        """Returns an entry for everything that was met."""
        account = [_entry(item, probes, self.path) for item in self.found]
        counts = collections.Counter(entry.status for entry in account)
        assert len(account) == counts["used"] + counts["skipped"] + counts["unreadable"], counts
        return account


def with_spares(
    corpus: IndexedCorpus, probes: dict[str, probe.Probe], prober: probe.Prober
) -> IndexedCorpus:
    """Returns the corpus with second copies in place of first ones that cannot be read.

    What is seen of them is added to `probes`.
    """
    broken = {
        clip.utterance_id: clip
        for clip in corpus.utterances()
        if probe.problem(clip, probes[clip.path])
    }
    spares = [item.spare for item in corpus.found if item.spare]
    spares = [spare for spare in spares if spare.utterance_id in broken]
    if not spares:
        return corpus
    paths = [spare.path for spare in spares]
    prober.start(paths)
    probes |= {path: prober.result(path) for path in paths}
    replaced: dict[str, str] = {}
    for spare in spares:
        if not probe.problem(spare, probes[spare.path]):
            replaced.setdefault(spare.utterance_id, spare.path)
    found = []
    for item in corpus.found:
        clip = item.utterance or item.spare
        if clip is None or clip.utterance_id not in replaced:
            found.append(item)
        elif clip.path == replaced[clip.utterance_id]:
            # With the label that was found for the first copy.
            clip = dataclasses.replace(clip, emotion=broken[clip.utterance_id].emotion)
            found.append(dataclasses.replace(item, utterance=clip, reason="", spare=None))
        elif item.utterance:
            reason = f"second copy of {os.path.relpath(replaced[clip.utterance_id], corpus.path)}"
            problem = probe.problem(clip, probes[clip.path])
            reason = f"{reason}; this one cannot be read: {problem}"
            found.append(dataclasses.replace(item, utterance=None, reason=reason))
        else:
            found.append(item)
    return dataclasses.replace(corpus, found=found)


def _entry(item: Found, probes: Mapping[str, probe.Probe], given: Path) -> Entry:
    path = item.utterance.path if item.utterance else str(item.path)
    status, reason = "skipped", item.reason
    if item.utterance:
        seen = probes[path]
        reason = probe.problem(item.utterance, seen)
        status = "unreadable" if reason else "used"
        if reason == NO_SUCH_FILE:
            reason = f"{reason} ({missing.explain(path, given)})"
        reason = reason or seen.notes
    return Entry(path=path, domain=item.domain, status=status, reason=reason)

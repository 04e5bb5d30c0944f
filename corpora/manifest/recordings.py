"""Whether the recordings are still what a manifest says of them."""

import dataclasses
from collections.abc import Callable

from corpora.indexing import probe
from corpora.manifest.manifest import Manifest
from schemas.progress import Track, no_track

# Instead of the hash of a recording that is no longer there: AudioExampleGen quarantines it.
MISSING = "missing"


def refresh(
    manifest: Manifest,
    *,
    probe_one: Callable[[str], probe.Probe] = probe.probe,
    track: Track = no_track,
) -> tuple[Manifest, list[str], list[str]]:
    """Brings hashes, rates and durations up to date with the recordings.

    A recording that is gone keeps its row, with the hash `missing`; one whose content has become
    unreadable keeps it with rate and duration 0. AudioExampleGen quarantines both.

    Args:
      manifest: What was indexed.
      probe_one: A function that probes a recording; `ProbeCache.probe` reads only those that have
        changed.
      track: A function that shows progress, as `cli.progress.track`.

    Returns:
      The manifest with its utterances in the same order; the ids of those whose content is not
      what the manifest had; the ids of those whose recording is missing.
    """
    utterances = manifest.utterances
    paths = sorted({utterance.path for utterance in utterances})
    probes = probe.probe_all(
        paths, probe_one=probe_one, track=track, description="Checking the recordings"
    )
    refreshed, changed, missing = [], [], []
    for utterance in utterances:
        seen = probes[utterance.path]
        if not seen.sha256:
            missing.append(utterance.utterance_id)
            refreshed.append(dataclasses.replace(utterance, sha256=MISSING))
        elif seen.sha256 == utterance.sha256 and utterance.duration_s:
            refreshed.append(utterance)
        else:
            changed.append(utterance.utterance_id)
            refreshed.append(probe.apply(utterance, seen))
    return dataclasses.replace(manifest, utterances=refreshed), changed, missing

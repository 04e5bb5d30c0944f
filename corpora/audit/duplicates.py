"""Groups of clips that hold the same sound."""

import dataclasses
from collections.abc import Sequence

from corpora.audit import fingerprint
from corpora.audit.clips import Clip
from corpora.audit.listening import Heard
from schemas.progress import Track

IDENTICAL = "identical-audio"  # every decoded sample
NEAR_IDENTICAL = "near-identical-audio"  # the same sound, at another rate, level or coding
OVERLAPPING = "overlapping-audio"  # they share a part
KINDS = (IDENTICAL, NEAR_IDENTICAL, OVERLAPPING)

# Of the longer clip's sound; below, two clips share a part.
NEARLY_ALL = 0.8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two clips of a group (positions), and how much they share.

    Attributes:
      kind: One of `KINDS`.
      shared_s: Seconds of common sound; all of it if the samples are identical.
      bit_error_rate: Share of the fingerprints' bits that differ, 0 if the samples are identical.
    """

    first: int
    second: int
    kind: str
    shared_s: float
    bit_error_rate: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """Clips that are connected by pairs.

    Attributes:
      clips: Sorted.
      pairs: That connect them; not all that could be made.
    """

    clips: tuple[Clip, ...]
    pairs: tuple[Pair, ...]

    @property
    def kind(self) -> str:
        """The weakest that connects two of the clips."""
        return max((pair.kind for pair in self.pairs), key=KINDS.index)

    def folds(self) -> set[str]:
        """Returns the folds its clips are in."""
        return {clip.fold for clip in self.clips}

    def crosses(self, test_fold: str | None) -> bool:
        """Returns whether a part of it is tested on, and another may have been trained on."""
        return crosses(self.folds(), test_fold)

    def text(self) -> str:
        """Returns the group in words."""
        sign = " = " if self.kind == IDENTICAL else " ≈ "
        names = sign.join(map(str, self.clips[:4]))
        more = f" and {len(self.clips) - 4} more" if len(self.clips) > 4 else ""
        if self.kind == IDENTICAL:
            return f"{names}{more}"
        pair = max(self.pairs, key=lambda pair: (KINDS.index(pair.kind), pair.bit_error_rate))
        return (
            f"{names}{more}: {pair.shared_s:.1f} s of sound in common,"
            f" {100 * pair.bit_error_rate:.0f}% of the fingerprint's bits differ"
        )


def crosses(folds: set[str], test_fold: str | None) -> bool:
    """Returns whether something that is in these folds is both tested on and trained on."""
    folds = folds - {""}
    return len(folds) > 1 and (test_fold is None or test_fold in folds)


def find(clips: Sequence[Clip], heard: Sequence[Heard], *, track: Track) -> list[Group]:
    """Returns the groups of clips with the same sound, or with a part of it in common.

    Args:
      clips: Sorted by id.
      heard: What was heard of each clip; those that are unreadable or constant are in no group.
      track: A function that shows progress.
    """
    pairs: list[Pair] = []
    first_of: dict[str, int] = {}
    for i, sound in enumerate(heard):
        if sound.problem or sound.constant:
            continue
        first = first_of.setdefault(sound.samples_sha256, i)
        if first != i:
            pairs.append(Pair(first=first, second=i, kind=IDENTICAL, shared_s=sound.duration_s))
    pairs += _near_pairs(heard, list(first_of.values()), track)
    groups = []
    for members in fingerprint.groups((pair.first, pair.second) for pair in pairs):
        inside = set(members)
        groups.append(
            Group(
                clips=tuple(clips[i] for i in members),
                pairs=tuple(pair for pair in pairs if pair.first in inside),
            )
        )
    return groups


def _near_pairs(heard: Sequence[Heard], distinct: list[int], track: Track) -> list[Pair]:
    """Returns the pairs among the `distinct` sounds of which any channels match."""
    channels = [
        (i, channel)
        for i in distinct
        for channel in (heard[i].fingerprint, heard[i].other_fingerprint)
        if channel is not None
    ]
    best: dict[tuple[int, int], fingerprint.Match] = {}
    for match in fingerprint.search([channel for _, channel in channels], track=track):
        pair = channels[match.first][0], channels[match.second][0]
        if pair[0] != pair[1] and (
            pair not in best or match.bit_error_rate < best[pair].bit_error_rate
        ):
            best[pair] = match
    pairs = []
    for (a, b), match in best.items():
        nearly_all = match.overlap_s >= NEARLY_ALL * max(heard[a].sound_s, heard[b].sound_s)
        pairs.append(
            Pair(
                first=a,
                second=b,
                kind=NEAR_IDENTICAL if nearly_all else OVERLAPPING,
                shared_s=match.overlap_s,
                bit_error_rate=match.bit_error_rate,
            )
        )
    return pairs

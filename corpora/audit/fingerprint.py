"""Finds recordings of the same sound, whatever happened to the files.

A fingerprint is a sequence of 32-bit numbers, one each 16 ms, after

> Haitsma, Kalker: *A Highly Robust Audio Fingerprinting System*, ISMIR 2002.

Bit `m` of frame `n` tells whether the difference of the log energies of the bands `m` and `m + 1`
has grown since frame `n - LAG`. Gain changes no difference; resampling, coding and a telephone
line change few of their signs, because the bands end at 3.4 kHz. Two recordings are near-identical
if, shifted against each other, at most `MAX_BIT_ERROR_RATE` of their bits differ. The threshold is
measured, see docs/audit.md.

Not every pair is compared: only those that have a whole number in common, which unrelated speech
seldom has.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import scipy.fft
import soxr

from schemas.progress import Track, no_track

RATE_HZ = 8_000
WINDOW_SAMPLES = 2_048  # 256 ms: shifts of a hop change little
HOP_SAMPLES = 128
HOP_S = HOP_SAMPLES / RATE_HZ
LAG = 8  # frames

NUM_BITS = 32
LOWEST_HZ, HIGHEST_HZ = 300.0, 3_400.0

# Frames weaker than this, relative to the strongest, are background: their bits are chance.
ACTIVE_DB = -40.0
# What a band is taken to hold at least, relative to the strongest frame: the noise of 16 bits in a
# recording of low level.
_FLOOR = 1e-6

MAX_BIT_ERROR_RATE = 0.20
MIN_OVERLAP_S = 0.4  # of active frames

# How many of the clips that share a number are compared with each, the nearest in order. Copies
# share many numbers, and rare ones among them.
_NEIGHBOURS = 16
# Around the shift that most shared numbers tell, in frames.
_SHIFTS = tuple(sorted(range(-4, 5), key=abs))

_BLOCK_FRAMES = 1_024

_POPCOUNT = np.array([bin(value).count("1") for value in range(2**16)], np.uint8)


@dataclasses.dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is remembered of a recording.

    Attributes:
      bits: Uint32 [frames].
      active: Bool [frames], the frames that hold more than background.
    """

    bits: np.ndarray
    active: np.ndarray

    @property
    def active_s(self) -> float:
        """For how long there is more than background."""
        return float(self.active.sum()) * HOP_S


@dataclasses.dataclass(frozen=True, kw_only=True)
class Match:
    """Two recordings of the same sound, by their position among the fingerprints.

    Attributes:
      first, second: Positions, `first < second`.
      bit_error_rate: Share of bits that differ where both are active.
      shift_s: Seconds by which the sound is later in `first` than in `second`.
      overlap_s: Seconds of it that both have.
    """

    first: int
    second: int
    bit_error_rate: float
    shift_s: float
    overlap_s: float


# --- Fingerprints ---------------------------------------------------------------------------------


def fingerprint(waveform: np.ndarray, rate_hz: int) -> Fingerprint:
    """Returns the fingerprint of a recording.

    Args:
      waveform: Float [samples], of any level; finite.
      rate_hz: Its rate.
    """
    waveform = np.asarray(waveform, np.float32)
    if rate_hz != RATE_HZ:
        waveform = soxr.resample(waveform, rate_hz, RATE_HZ, quality="LQ")
    lacking = WINDOW_SAMPLES + LAG * HOP_SAMPLES - len(waveform)
    if lacking > 0:
        waveform = np.pad(waveform, (0, lacking))
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW_SAMPLES)[::HOP_SAMPLES]
    # In blocks: all windows of half an hour at once would be a gigabyte.
    energy = np.concatenate(
        [_band_energy(frames[i : i + _BLOCK_FRAMES]) for i in range(0, len(frames), _BLOCK_FRAMES)]
    )
    total = energy.sum(axis=1)
    strongest = total.max()
    if not strongest > 0:
        return Fingerprint(np.zeros(0, np.uint32), np.zeros(0, bool))
    level = np.log(energy + _FLOOR * strongest / (NUM_BITS + 1))
    slope = level[:, :-1] - level[:, 1:]
    rising = slope[LAG:] > slope[:-LAG]
    bits = np.packbits(rising, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)
    return Fingerprint(bits, total[LAG:] > strongest * 10 ** (ACTIVE_DB / 10))


def _band_energy(frames: np.ndarray) -> np.ndarray:
    """Returns the energy of each band, float32 [frames, bands], of float32 [frames, samples]."""
    spectrum = scipy.fft.rfft(frames * _WINDOW, axis=1)[:, _BINS]
    return np.add.reduceat(spectrum.real**2 + spectrum.imag**2, _BAND_STARTS, axis=1)


def _bands() -> tuple[slice, np.ndarray]:
    """Returns the spectrum's part that is used, and where each band begins in it.

    The bands' widths are in proportion to their frequencies, as in the paper.
    """
    edges_hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, NUM_BITS + 2)
    edges = np.round(edges_hz * WINDOW_SAMPLES / RATE_HZ).astype(int)
    return slice(edges[0], edges[-1]), edges[:-1] - edges[0]


_WINDOW = np.hanning(WINDOW_SAMPLES).astype(np.float32)
_BINS, _BAND_STARTS = _bands()


# --- Search ---------------------------------------------------------------------------------------


def search(fingerprints: Sequence[Fingerprint], *, track: Track = no_track) -> list[Match]:
    """Returns the pairs of recordings that are near-identical, or of which a part is.

    Of a group of many copies not every pair need be found, but each copy is in a pair.

    Args:
      fingerprints: One a recording.
      track: A function that shows progress.
    """
    first, second, shift = candidates(fingerprints)
    rows = zip(first.tolist(), second.tolist(), shift.tolist(), strict=True)
    matches = []
    for a, b, frames in track(rows, description="Comparing", total=len(first)):
        match = _compare(fingerprints, a, b, (frames + more for more in _SHIFTS))
        if match is not None:
            matches.append(match)
    return matches


def candidates(fingerprints: Sequence[Fingerprint]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns pairs worth comparing: first, second, and the shift in frames most numbers tell.

    Returns:
      int64 [pairs] each, sorted by the pair.
    """
    keys = np.concatenate([f.bits[f.active] for f in fingerprints] or [np.zeros(0, np.uint32)])
    counts = [int(f.active.sum()) for f in fingerprints]
    clips = np.repeat(np.arange(len(fingerprints)), counts)
    frames = np.concatenate(
        [np.flatnonzero(f.active) for f in fingerprints] or [np.zeros(0, np.int64)]
    )
    # The first frame of each number in each clip stands for all: steady sounds repeat theirs.
    order = np.lexsort((frames, clips, keys))
    keys, clips, frames = keys[order], clips[order], frames[order]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (clips[1:] != clips[:-1])
    keys, clips, frames = keys[fresh], clips[fresh], frames[fresh]
    pairs, shifts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in range(1, min(_NEIGHBOURS + 1, len(keys))):
        (at,) = np.nonzero(keys[step:] == keys[:-step])
        pairs.append(clips[at] * len(fingerprints) + clips[at + step])
        shifts.append(frames[at] - frames[at + step])
    return _most_voted(np.concatenate(pairs), np.concatenate(shifts), len(fingerprints))


def _most_voted(
    pairs: np.ndarray, shifts: np.ndarray, num_clips: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns for each pair that occurs its most frequent shift."""
    if not len(pairs):
        return pairs, pairs, shifts
    low, span = shifts.min(), shifts.max() - shifts.min() + 1
    votes, counts = np.unique(pairs * span + (shifts - low), return_counts=True)
    pair = votes // span
    order = np.lexsort((-counts, pair))
    pair, votes = pair[order], votes[order]
    leads = np.ones(len(pair), bool)
    leads[1:] = pair[1:] != pair[:-1]
    pair, votes = pair[leads], votes[leads]
    return pair // num_clips, pair % num_clips, votes % span + low


def _compare(
    fingerprints: Sequence[Fingerprint], a: int, b: int, shifts: Iterable[int]
) -> Match | None:
    """Returns how two recordings match at the best of the shifts, `None` if they do not."""
    best = None
    for shift in shifts:
        rate, frames = bit_error_rate(fingerprints[a], fingerprints[b], shift)
        if frames * HOP_S >= MIN_OVERLAP_S and (best is None or rate < best[0]):
            best = rate, frames, shift
        if best is None or best[0] > 2 * MAX_BIT_ERROR_RATE:
            break  # neighbouring shifts are no better by so much
    if best is None or best[0] > MAX_BIT_ERROR_RATE:
        return None
    return Match(
        first=a,
        second=b,
        bit_error_rate=best[0],
        shift_s=best[2] * HOP_S,
        overlap_s=best[1] * HOP_S,
    )


def bit_error_rate(first: Fingerprint, second: Fingerprint, shift: int) -> tuple[float, int]:
    """Returns the share of differing bits, and the number of frames in which both are active.

    Args:
      first, second: The fingerprints.
      shift: Frame `n` of `second` is compared with frame `n + shift` of `first`.
    """
    start, end = max(shift, 0), min(len(first.bits), len(second.bits) + shift)
    if end <= start:
        return 1.0, 0
    both = first.active[start:end] & second.active[start - shift : end - shift]
    num_frames = int(both.sum())
    if not num_frames:
        return 1.0, 0
    different = (first.bits[start:end] ^ second.bits[start - shift : end - shift])[both]
    errors = int(_POPCOUNT[different.view(np.uint16)].sum(dtype=np.int64))
    return errors / (NUM_BITS * num_frames), num_frames


def groups(pairs: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Yields what is connected through pairs, each group and the groups sorted."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    members: dict[int, list[int]] = {}
    for node in sorted(parent):
        members.setdefault(root(node), []).append(node)
    yield from members.values()

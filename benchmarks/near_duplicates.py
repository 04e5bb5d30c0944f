"""How well, and how fast, `ser corpora audit` finds recordings of the same sound.

`python -m benchmarks.near_duplicates MANIFEST` (of real corpora) prints

1. the bit error rates of clips and altered copies of them, against those of distinct clips of the
   same speaker and sentence, the hardest there are: where `fingerprint.MAX_BIT_ERROR_RATE` lies;
2. how many of the altered copies the search finds among all clips;
3. each pair found in the manifest itself, with the correlation of the two waveforms where they
   overlap, which knows nothing of fingerprints: about 1 for the same recording;
4. the time to listen to and search `--clips` recordings, relative to decoding them alone. They
   are the manifest's at several speeds, so that they are distinct, and copies of some.

Without a manifest, 4. is run on modulated noise.
"""

import argparse
import collections
import io
import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import soxr

from corpora import manifest
from corpora.audit import duplicates, fingerprint, listening
from corpora.audit.clips import Clip
from schemas.progress import no_track
from schemas.utterance import Utterance

Sound = tuple[np.ndarray, int]  # float32 [samples], Hz

PAIRS_PER_SENTENCE = 40
SPEEDS = (1.0, 0.87, 1.13, 1.27, 0.76)
# Correlation of the waveforms is taken over pieces of this length, each at its own best shift.
PIECE_S, SLACK_S = 0.2, 0.02


# --- What happens to copies -----------------------------------------------------------------------


def pcm16(samples: np.ndarray) -> np.ndarray:
    return np.round(np.clip(samples, -1, 1) * 32_767).astype(np.float32) / 32_768


def at_rate(rate_hz: int) -> Callable[[Sound], Sound]:
    return lambda sound: (pcm16(soxr.resample(*sound, rate_hz)), rate_hz)


def coded(format: str, compression: float) -> Callable[[Sound], Sound]:
    def alter(sound: Sound) -> Sound:
        file = io.BytesIO()
        soundfile.write(file, *sound, format=format, compression_level=compression)
        file.seek(0)
        return soundfile.read(file, dtype="float32")

    return alter


def louder(factor: float) -> Callable[[Sound], Sound]:
    return lambda sound: (pcm16(sound[0] * factor / np.abs(sound[0]).max()), sound[1])


def padded(sound: Sound) -> Sound:
    samples, rate_hz = sound
    return np.pad(samples, (round(0.1373 * rate_hz), round(0.3 * rate_hz))), rate_hz


def cut(sound: Sound) -> Sound:
    samples, rate_hz = sound
    return samples[len(samples) * 15 // 100 : len(samples) * 85 // 100], rate_hz


def with_noise(signal_to_noise_db: float) -> Callable[[Sound], Sound]:
    def alter(sound: Sound) -> Sound:
        samples, rate_hz = sound
        noise = np.random.default_rng(0).normal(size=len(samples))
        scale = np.sqrt(np.mean(samples**2)) * 10 ** (-signal_to_noise_db / 20)
        return pcm16(samples + scale * noise), rate_hz

    return alter


def telephone(sound: Sound) -> Sound:
    samples, rate_hz = sound
    line = scipy.signal.butter(4, [300, 3_400], "bandpass", fs=rate_hz, output="sos")
    samples = scipy.signal.sosfilt(line, samples)
    return pcm16(soxr.resample(samples, rate_hz, 8_000)).astype(np.float32), 8_000


ALTERATIONS: dict[str, Callable[[Sound], Sound]] = {
    "8 kHz": at_rate(8_000),
    "48 kHz": at_rate(48_000),
    "peak at -34 dBFS": louder(0.02),
    "clipped by 6 dB": louder(2.0),
    "Ogg Vorbis, poor": coded("OGG", 0.9),
    "MP3, middling": coded("MP3", 0.5),
    "MP3, worst": coded("MP3", 0.9),
    "padded": padded,
    "15% cut off each end": cut,
    "telephone band, 8 kHz": telephone,
    "noise, 20 dB": with_noise(20),
    "noise, 10 dB": with_noise(10),
}


# --- Quality --------------------------------------------------------------------------------------


def load(utterance: Utterance) -> Sound:
    samples, rate_hz = soundfile.read(utterance.path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples[:, 0]), rate_hz


def best_rate(first: fingerprint.Fingerprint, second: fingerprint.Fingerprint) -> float:
    """Returns the least bit error rate over all shifts with enough overlap."""
    rates = [
        rate
        for shift in range(-len(second.bits) + 1, len(first.bits))
        for rate, frames in [fingerprint.bit_error_rate(first, second, shift)]
        if frames * fingerprint.HOP_S >= fingerprint.MIN_OVERLAP_S
    ]
    return min(rates, default=1.0)


def same_sentence_pairs(utterances: list[Utterance]) -> list[tuple[int, int]]:
    """Returns pairs of clips of one speaker and sentence, those of one emotion first."""
    chance = random.Random(0)
    spoken: dict[tuple[str, str, str], list[int]] = collections.defaultdict(list)
    for i, utterance in enumerate(utterances):
        if utterance.sentence:
            spoken[utterance.domain, utterance.speaker, utterance.sentence].append(i)
    pairs = []
    for members in spoken.values():
        of_sentence = list(itertools.combinations(members, 2))
        chance.shuffle(of_sentence)
        of_sentence.sort(key=lambda pair: len({utterances[i].emotion for i in pair}))
        pairs += of_sentence[:PAIRS_PER_SENTENCE]
    return pairs


def waveform_correlation(first: Sound, second: Sound, match: fingerprint.Match) -> float:
    """Returns the median correlation of the pieces of the two waveforms, each at its best shift."""
    rate_hz = fingerprint.RATE_HZ
    a, b = (soxr.resample(*sound, rate_hz) for sound in (first, second))
    shift, piece, slack = (round(s * rate_hz) for s in (match.shift_s, PIECE_S, SLACK_S))
    found = []
    for start in range(max(0, shift + slack), min(len(a), len(b) + shift - slack) - piece, piece):
        one = a[start : start + piece].astype(float)
        other = b[start - shift - slack : start - shift + piece + slack].astype(float)
        windows = np.lib.stride_tricks.sliding_window_view(other, piece)
        energy = (windows**2).sum(axis=1) * (one**2).sum()
        if (one**2).mean() > 1e-4 * (a**2).max() and energy.min() > 0:
            found.append(float((windows @ one / np.sqrt(energy)).max()))
    return float(np.median(found)) if found else float("nan")


def measure_quality(utterances: list[Utterance], copies: int) -> list[tuple[int, int]]:
    """Prints parts 1 to 3; returns the pairs found in the manifest."""
    sounds = [load(utterance) for utterance in utterances]
    prints = [fingerprint.fingerprint(*sound) for sound in sounds]
    matches = fingerprint.search(prints)
    known = {(match.first, match.second) for match in matches}
    # What the waveforms say is one recording is not distinct.
    distinct = [pair for pair in same_sentence_pairs(utterances) if pair not in known]
    with ThreadPoolExecutor(2) as pool:
        rates = list(pool.map(lambda pair: best_rate(prints[pair[0]], prints[pair[1]]), distinct))
    print(f"threshold: {fingerprint.MAX_BIT_ERROR_RATE}")
    if rates:
        low, percent, half = np.percentile(rates, [0, 1, 50])
        print(
            f"bit error rate of {len(rates):,} distinct pairs of one speaker and sentence:"
            f" least {low:.3f}, 1% below {percent:.3f}, half below {half:.3f}"
        )
        for k in np.argsort(rates)[:3]:
            a, b = (utterances[i].utterance_id for i in distinct[k])
            print(f"  {rates[k]:.3f} {a} {b}")
    chosen = sorted(random.Random(0).sample(range(len(sounds)), min(copies, len(sounds))))
    print(f"\nbit error rate of {len(chosen)} clips and their altered copies, and copies found")
    for name, alter in ALTERATIONS.items():
        altered = [fingerprint.fingerprint(*alter(sounds[i])) for i in chosen]
        rates = [best_rate(prints[i], copy) for i, copy in zip(chosen, altered, strict=True)]
        among = fingerprint.search([*prints, *altered])
        found = {(match.first, match.second) for match in among}
        hits = sum((i, len(prints) + k) in found for k, i in enumerate(chosen))
        half, most, worst = np.percentile(rates, [50, 95, 100])
        print(
            f"  {name:22} half below {half:.3f}, 95% below {most:.3f}, worst {worst:.3f};"
            f" found {100 * hits / len(chosen):.1f}%",
            flush=True,
        )
    print(f"\npairs found among the {len(utterances):,} clips of the manifest: {len(matches)}")
    for match in matches:
        correlation = waveform_correlation(sounds[match.first], sounds[match.second], match)
        print(
            f"  {utterances[match.first].utterance_id} {utterances[match.second].utterance_id}:"
            f" {match.overlap_s:.1f} s at {match.shift_s:+.3f} s,"
            f" bit error rate {match.bit_error_rate:.3f}, waveforms correlate {correlation:.3f}"
        )
    return sorted(known)


# --- Speed ----------------------------------------------------------------------------------------


def modulated_noise(seed: int) -> Sound:
    """Returns 2.5 s of noise whose level and colour change a few times a second, as speech's do."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 0.1, 40_000)
    envelope = scipy.signal.resample(generator.uniform(0, 1, 25), 40_000).clip(0)
    poles = scipy.signal.butter(2, sorted(generator.uniform(0.05, 0.9, 2)), "bandpass")
    return (noise + 2 * scipy.signal.lfilter(*poles, noise)) * envelope, 16_000


def make_clips(folder: Path, utterances: list[Utterance], number: int) -> list[tuple[Clip, int]]:
    """Writes `number` wav files; returns their clips with the original that each is a copy of."""
    num_distinct = number * 19 // 20
    chance = random.Random(0)
    clips = []
    for i in range(number):
        original = i if i < num_distinct else chance.randrange(num_distinct)
        if utterances:
            speed = SPEEDS[original // len(utterances) % len(SPEEDS)]
            samples, rate_hz = load(utterances[original % len(utterances)])
            if speed != 1:
                samples = soxr.resample(samples, rate_hz * speed, rate_hz)
        else:
            samples, rate_hz = modulated_noise(original)
        if original != i:
            samples, rate_hz = with_noise(30)(louder(0.2)((samples, rate_hz)))
        path = folder / f"{i:06}.wav"
        soundfile.write(path, samples, rate_hz)
        clips.append((Clip(utterance_id=path.name, path=str(path), fold="0", domain="d"), original))
    return clips


def measure_speed(
    utterances: list[Utterance], known: list[tuple[int, int]], number: int, workers: int
) -> None:
    """Prints part 4, given the pairs that the manifest itself has."""
    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as name:
        print(f"\nwriting {number:,} clips to {name}", flush=True)
        made = make_clips(Path(name), utterances, number)
        clips = [clip for clip, _ in made]
        start = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(lambda clip: soundfile.read(clip.path, dtype="float32"), clips):
                pass
        decoded = time.perf_counter()
        heard = listening.listen_all(clips, workers=workers, track=no_track)
        listened = time.perf_counter()
        groups = duplicates.find(clips, heard, track=no_track)
        searched = time.perf_counter()
    decoding_s, listening_s, search_s = decoded - start, listened - decoded, searched - listened
    print(
        f"listening took {listening_s / decoding_s:.1f} times, and the search"
        f" {search_s / decoding_s:.1f} times as long as decoding alone"
        f" ({1000 * decoding_s / number:.2f} ms a clip, {workers} threads, {os.cpu_count()} cores);"
        f" in all {listening_s + search_s:.0f} s"
    )
    original = {clip.utterance_id: original for clip, original in made}
    group_of = {clip.utterance_id: i for i, group in enumerate(groups) for clip in group.clips}
    copies = [
        (clips[first].utterance_id, clip.utterance_id)
        for clip, first in made
        if clip is not clips[first]
    ]
    found = sum(group_of.get(a, -1) == group_of.get(b, -2) for a, b in copies)
    # What is one recording in the manifest is so at each speed.
    num_sources = len(utterances) or number
    same = {member: group[0] for group in fingerprint.groups(known) for member in group}
    false = 0
    for group in groups:
        sources = (original[clip.utterance_id] for clip in group.clips)
        kinds = {(i // num_sources, same.get(i % num_sources, i % num_sources)) for i in sources}
        false += len(kinds) > 1
    print(
        f"found {found} of {len(copies)} copies; {false} of {len(groups)} groups are false alarms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("manifest", nargs="?", help="of real corpora (ser corpora index)")
    parser.add_argument("--copies", type=int, default=300, help="clips altered in each way")
    parser.add_argument("--clips", type=int, default=10_000, help="of the measurement of speed")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    utterances: list[Utterance] = []
    known: list[tuple[int, int]] = []
    if arguments.manifest:
        utterances = manifest.read(arguments.manifest).utterances
        known = measure_quality(utterances, arguments.copies)
    measure_speed(utterances, known, arguments.clips, arguments.workers)


if __name__ == "__main__":
    main()

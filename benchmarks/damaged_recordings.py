"""Damaged recordings: whether any ends or hangs index, audit or ingestion, and what is misheard.

`python -m benchmarks.damaged_recordings --files 20000` encodes synthetic speech in the usual forms,
damages it (cut anywhere, bits flipped in header and body, wrong sizes, encoded again in another
form), and gives each file to what indexing, audit and AudioExampleGen do with it. It prints, by
kind of damage, how many are used, skipped and quarantined, what share of the used ones has other
samples than the whole file, the slowest file, and where they disagree. Exit status 1 if anything
raised, took over `LIMIT_S`, was used by one and refused by another, or is not accounted for.
"""

import argparse
import collections
import io
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import av
import numpy as np
import soundfile

from components.audio_example_gen import ingest
from components.audio_example_gen.account import STATUSES, USED, Outcome
from corpora.audit import listening
from corpora.audit.clips import Clip
from corpora.indexing import probe
from modules.audio import decoding
from modules.audio.errors import DecodingError
from modules.audio.samples import to_float
from schemas.utterance import Utterance

LIMIT_S = 5.0
RATE_HZ = 16_000
_HEADER_BYTES = 64


def speech(seed: int) -> np.ndarray:
    """Returns a second or so of a voice with harmonics and noise, float [samples]."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(int(RATE_HZ * generator.uniform(0.6, 1.6))) / RATE_HZ
    pitch_hz = 100 + 80 * generator.random() + 20 * np.sin(2 * np.pi * 3 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    voice = sum(np.sin(number * phase) / number for number in range(1, 9))
    loudness = 0.5 + 0.5 * np.sin(2 * np.pi * 2.5 * time_s)
    return np.asarray(0.2 * voice * loudness + generator.normal(0, 0.005, len(time_s)))


def by_soundfile(samples: np.ndarray, form: str, subtype: str) -> bytes:
    """Returns samples as libsndfile encodes them."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format=form, subtype=subtype)
    return file.getvalue()


def by_av(samples: np.ndarray, form: str, codec: str, rate_hz: int = RATE_HZ) -> bytes:
    """Returns samples as FFmpeg encodes them."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        pcm = np.round(32_767 * np.clip(samples, -1, 1)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        resampler = av.AudioResampler(stream.format.name, "mono", rate_hz)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


FORMS: dict[str, Callable[[np.ndarray], bytes]] = {
    "wav": lambda samples: by_soundfile(samples, "WAV", "PCM_16"),
    "wav float": lambda samples: by_soundfile(samples, "WAV", "FLOAT"),
    "flac": lambda samples: by_soundfile(samples, "FLAC", "PCM_16"),
    "ogg": lambda samples: by_soundfile(samples, "OGG", "VORBIS"),
    "aiff": lambda samples: by_soundfile(samples, "AIFF", "PCM_24"),
    "caf": lambda samples: by_soundfile(samples, "CAF", "ALAC_16"),
    "w64": lambda samples: by_soundfile(samples, "W64", "PCM_16"),
    "mp3": lambda samples: by_av(samples, "mp3", "libmp3lame"),
    "m4a": lambda samples: by_av(samples, "ipod", "aac"),
    "avi": lambda samples: by_av(samples, "avi", "pcm_s16le"),
    "mkv": lambda samples: by_av(samples, "matroska", "flac"),
    "webm": lambda samples: by_av(samples, "webm", "libopus", 48_000),
    "ts": lambda samples: by_av(samples, "mpegts", "aac"),
}


def cut(contents: bytes, generator: np.random.Generator) -> bytes:
    """Cuts a file anywhere."""
    return contents[: generator.integers(len(contents))]


def flip(contents: bytes, generator: np.random.Generator, start: int, end: int) -> bytes:
    """Flips one bit between two positions."""
    damaged = bytearray(contents)
    damaged[generator.integers(start, min(end, len(contents)))] ^= 1 << generator.integers(8)
    return bytes(damaged)


def wrong_number(contents: bytes, generator: np.random.Generator) -> bytes:
    """Overwrites four bytes of the header by what writers leave there, or by chance."""
    position = int(generator.integers(4, _HEADER_BYTES - 4))
    (there,) = struct.unpack_from("<I", contents, position)
    values = (0, 0xFFFFFFFF, 0x7FFFFFFF, (there + 44) % 2**32, int(generator.integers(2**32)))
    value = values[generator.integers(len(values))]
    return contents[:position] + struct.pack("<I", value) + contents[position + 4 :]


def encoded_again(contents: bytes, generator: np.random.Generator) -> bytes:
    """Decodes a file, and encodes it in any of the forms."""
    form = list(FORMS)[generator.integers(len(FORMS))]
    return FORMS[form](to_float(decoding.sound(contents).samples[:, 0]))


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "cut": cut,
    "bit in header": lambda data, chance: flip(data, chance, 0, _HEADER_BYTES),
    "bit in body": lambda data, chance: flip(data, chance, _HEADER_BYTES, len(data)),
    "wrong number": wrong_number,
    "bytes behind": lambda data, chance: data + chance.bytes(int(chance.integers(1, 999))),
    "encoded again": encoded_again,
}


def hear_all(path: Path) -> tuple[str, str, Outcome]:
    """Returns why indexing and audit refuse a file, empty where they do not; what ingestion did."""
    utterance = Utterance(
        utterance_id="a", path=str(path), domain="d", speaker="s", emotion="anger"
    )
    indexed = probe.problem(utterance, probe.probe(str(path)))
    heard = listening.listen(Clip(utterance_id="a", path=str(path), fold="", domain="d"))
    settings = ingest.Settings(over_length="truncate", trim_silence=True)
    audited = heard.problem or ("silent" if heard.constant else "")
    return indexed, audited, ingest.ingest(utterance, settings)[1]


def differs(whole: bytes, damaged: bytes) -> bool:
    """Returns whether a damaged file that is used is heard otherwise than the whole one."""
    try:
        expected, heard = decoding.sound(whole), decoding.sound(damaged)
    except DecodingError:
        return True
    same_rate = expected.rate_hz == heard.rate_hz
    return not (same_rate and np.array_equal(expected.samples, heard.samples))


def main() -> int:
    """Runs the benchmark; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    faults: list[str] = []
    slowest: tuple[float, str] = (0.0, "")
    kinds = [(form, damage) for form in FORMS for damage in DAMAGES]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip")
        for number in range(arguments.files):
            if number and number % 1_000 == 0:
                print(f"{number:,} of {arguments.files:,}", file=sys.stderr, flush=True)
            form, damage = kinds[number % len(kinds)]
            whole = FORMS[form](speech(number))
            damaged = DAMAGES[damage](whole, generator)
            path.write_bytes(damaged)
            name = f"{number}: {form}, {damage}"
            started_s = time.perf_counter()
            try:
                indexed, audited, outcome = hear_all(path)
            except Exception as error:  # what must not happen is what is looked for
                faults.append(f"{name}: {type(error).__name__}: {error}")
                continue
            slowest = max(slowest, (time.perf_counter() - started_s, name))
            used = int(outcome.status == USED)
            counts[damage, "found"] += 1
            counts[damage, outcome.status] += 1
            counts[damage, "misheard"] += int(used and differs(whole, damaged))
            if bool(used) == bool(indexed):
                faults.append(f"{name}: index `{indexed}`, audit `{audited}`, ingest {outcome}")
            if used and audited and audited != "silent":
                faults.append(f"{name}: audit `{audited}`, used by ingestion")
    columns = ("found", *STATUSES)
    print(f"{'damage':15}", *(f"{column:>11}" for column in columns), "used with other samples")
    for damage in DAMAGES:
        numbers = [counts[damage, column] for column in columns]
        share = counts[damage, "misheard"] / numbers[1] if numbers[1] else 0.0
        print(f"{damage:15}", *(f"{number:11,}" for number in numbers), f"{share:23.1%}")
    found, *accounted = (sum(counts[damage, column] for damage in DAMAGES) for column in columns)
    if not arguments.files == found == sum(accounted):
        faults.append(f"{arguments.files} made, {found} found, {sum(accounted)} accounted for")
    print(f"slowest: {slowest[0]:.2f} s ({slowest[1]})")
    print(f"faults: {len(faults)}", *faults[:20], sep="\n  ")
    return int(bool(faults) or slowest[0] > LIMIT_S)


if __name__ == "__main__":
    raise SystemExit(main())

"""Indexing against the limit of disk and hash: a loop that only reads and hashes the same files.

`python -m benchmarks.indexing` makes recordings in the layouts of Emo-DB (mono wav at 16 kHz),
RAVDESS (FLAC at 16 kHz), EMOVO (stereo wav at 48 kHz) and eNTERFACE (video with sound), and prints
how fast `corpora.indexing.index` (names, hashes, durations, folds) is, relative to reading and
hashing them with the same number of threads. 1.0 would mean that all the rest costs nothing. Rounds
alternate. "in memory": the files are in the page cache; "from disk": they were dropped from it
before each run. Processor time is what a busy machine does not distort. "again" is a second index
with its cache, where no file has changed, in memory.
"""

import argparse
import hashlib
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import soundfile

from corpora.indexing import probe, probe_cache
from corpora.indexing.index import index
from corpora.indexing.probe_cache import ProbeCache

TARGET = 0.8


def names_emodb() -> Iterator[str]:
    speakers = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    letters = "abcdefghijklmnopqrstuvwxyz"
    for version, text in itertools.product(letters, range(1, 100)):
        for emotion, speaker in itertools.product("WEAFT", speakers):
            yield f"wav/{speaker}a{text:02}{emotion}{version}.wav"


def names_ravdess() -> Iterator[str]:
    for repetition, text in itertools.product((1, 2), (1, 2)):
        for emotion, level, actor in itertools.product(range(3, 9), (1, 2), range(1, 25)):
            name = f"03-01-{emotion:02}-{level:02}-{text:02}-{repetition:02}-{actor:02}.flac"
            yield f"Actor_{actor:02}/{name}"


def names_emovo() -> Iterator[str]:
    texts = [f"{kind}{number}" for kind in "bln" for number in range(1, 6)]
    emotions = ("rab", "dis", "pau", "gio", "tri", "sor")
    for text, emotion, speaker in itertools.product(
        texts, emotions, ["f1", "f2", "f3", "m1", "m2", "m3"]
    ):
        yield f"EMOVO/{speaker}/{emotion}-{speaker}-{text}.wav"


def names_enterface() -> Iterator[str]:
    emotions = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    for sentence, emotion, subject in itertools.product(range(1, 6), emotions, range(1, 45)):
        if subject != 6:
            folder = f"subject {subject}/{emotion}/sentence {sentence}"
            yield f"{folder}/s{subject}_{emotion[:2]}_{sentence}.avi"


def samples(rate_hz: int, channels: int, duration_s: float) -> np.ndarray:
    """Returns noise under an envelope, [frames, channels]."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    noise = np.random.default_rng(0).normal(0.0, 0.05, (len(time_s), channels))
    return noise * (1 + np.sin(8 * time_s))[:, np.newaxis]


def write_video(path: Path) -> None:
    """Writes 3 s of 320x240 noise with PCM sound at 48 kHz, about 1 MB."""
    generator = np.random.default_rng(0)
    sound = (samples(48_000, 1, 3.0)[:, 0] * 30_000).astype(np.int16)
    with av.open(str(path), "w", format="avi") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 320, 240, "yuv420p"
        picture.bit_rate = 2_000_000
        track = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for number in range(75):
            pixels = generator.integers(0, 255, (240, 320, 3), dtype=np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            part = sound[np.newaxis, number * 1_920 : (number + 1) * 1_920]
            frame = av.AudioFrame.from_ndarray(part, "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, number * 1_920
            container.mux(track.encode(frame))
        container.mux(picture.encode(None))
        container.mux(track.encode(None))


KINDS: dict[str, tuple[Callable[[], Iterator[str]], Callable[[Path], None]]] = {
    "emodb": (
        names_emodb,
        lambda path: soundfile.write(path, samples(16_000, 1, 2.8), 16_000, format="WAV"),
    ),
    "ravdess": (
        names_ravdess,
        lambda path: soundfile.write(path, samples(16_000, 1, 3.7), 16_000, format="FLAC"),
    ),
    "emovo": (
        names_emovo,
        lambda path: soundfile.write(path, samples(48_000, 2, 3.1), 48_000, format="WAV"),
    ),
    "enterface": (names_enterface, write_video),
}


def make(folder: Path, name: str, most: int) -> list[Path]:
    """Writes the recordings of one corpus and returns their paths."""
    names, write = KINDS[name]
    model = folder / f"{name}.model"
    write(model)
    content = model.read_bytes()
    paths = [folder / name / each for each in itertools.islice(names(), most)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return paths


def read_and_hash(paths: list[Path]) -> None:
    """The limit."""

    def one(path: Path) -> str:
        with open(path, "rb", buffering=0) as file:
            return hashlib.sha256(file.readall()).hexdigest()

    with ThreadPoolExecutor(probe.THREADS) as pool:
        for _ in pool.map(one, paths):
            pass


def drop(paths: list[Path]) -> None:
    """Asks the system to forget the files' contents."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Returns how long `function` takes, and how much processor time."""
    start, start_cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - start_cpu


def ratio(own: list[tuple[float, float]], limits: list[tuple[float, float]], which: int) -> float:
    """Returns the median of each round's ratio: the machine's load differs from round to round."""
    return statistics.median(
        limit[which] / each[which] for limit, each in zip(limits, own, strict=True)
    )


def compare(name: str, folder: Path, paths: list[Path], rounds: int) -> None:
    """Prints one corpus' ratios."""
    source = [(name, folder / name)]
    cache = ProbeCache()
    if len(index(source, cache=cache).utterances) != len(paths):
        raise RuntimeError(f"{name}: not all recordings were used")
    cache.save(folder / "cache.json")

    def again() -> None:
        known = ProbeCache.load(folder / "cache.json")
        index(source, cache=known)
        if known.read:
            raise RuntimeError(f"{name}: recordings were read again")

    runs: dict[str, Callable[[], object]] = {
        "limit": lambda: read_and_hash(paths),
        "index": lambda: index(source),
    }
    times: dict[str, list[tuple[float, float]]] = {}
    os.sync()  # only what is on disk can be dropped
    for _ in range(rounds):
        for kind, run in runs.items():
            drop(paths)
            times.setdefault(f"{kind} from disk", []).append(seconds(run))
        for kind, run in {**runs, "again": again}.items():
            times.setdefault(kind, []).append(seconds(run))
    size_mb = sum(path.stat().st_size for path in paths) / 1e6
    print(
        f"{name:10} {len(paths):6,} files of {size_mb / len(paths):4.2f} MB:"
        f" from disk {ratio(times['index from disk'], times['limit from disk'], 0):.2f},"
        f" in memory {ratio(times['index'], times['limit'], 0):.2f}"
        f" (processor time {ratio(times['index'], times['limit'], 1):.2f}),"
        f" again {ratio(times['again'], times['limit'], 0):.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--files", type=int, default=3_000, help="most recordings of a corpus")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    probe_cache.YOUNG_NS = 0  # the recordings were written just now
    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as name:
        folder = Path(name)
        print(f"of the limit of reading and hashing (target {TARGET}):")
        for kind in KINDS:
            paths = make(folder, kind, arguments.files)
            compare(kind, folder, paths, arguments.rounds)
    print(
        f"{probe.THREADS} threads, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()

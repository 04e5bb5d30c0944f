"""The throughput of AudioExampleGen against a plain loop that does the same work.

`python -m benchmarks.example_gen` makes synthetic recordings (half 16 kHz FLAC, half 48 kHz stereo
wav) and prints how many times as many recordings a second AudioExampleGen writes as a
single-process loop of soundfile, soxr and GZIP TFRecords at the same compression level. The loop
neither checks hashes nor keeps an account; AudioExampleGen does. Runs alternate, so that a busy
machine is busy for all of them.

Start-up counts, and a Beam worker process spends about 7 s of processor time on importing Beam and
TensorFlow before its first recording, which is what the loop needs for 2,000 recordings. So
`--repeat 10` lists each recording ten times: that is where two processes pay. Two worker threads
(`--direct_running_mode=multi_threading`) import nothing, and most of the work is done outside
Python's lock. Memory over many recordings: `benchmarks/memory.py`.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import soundfile
import soxr
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

from components.audio_example_gen import ingest
from components.audio_example_gen.artifact import IngestAccount
from components.audio_example_gen.executor import Executor
from corpora import manifest
from schemas import features, labels, sound, splits
from schemas.utterance import Utterance

WORKERS: dict[str, tuple[str, ...]] = {
    "one worker": (),
    "two worker processes": (
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
    ),
    "two worker threads": ("--direct_running_mode=multi_threading", "--direct_num_workers=2"),
}
TARGETS = {"one worker": 0.6, "two worker processes": 1.0}


def make_recordings(folder: Path, num_files: int) -> list[Utterance]:
    """Writes tones with noise of 1.5 to 3.5 s; every second file a wav of 48 kHz in stereo."""
    generator = np.random.default_rng(0)
    noise = generator.normal(0.0, 0.01, 48_000 * 5)
    folder.mkdir(parents=True)
    utterances = []
    for index in range(num_files):
        rate_hz, suffix = ((16_000, "flac"), (48_000, "wav"))[index % 2]
        time_s = np.arange(round(generator.uniform(1.5, 3.5) * rate_hz)) / rate_hz
        envelope = 0.15 * (1.0 + np.sin(2 * np.pi * generator.uniform(2, 5) * time_s))
        tone = envelope * np.sin(2 * np.pi * generator.uniform(100, 300) * time_s)
        start = generator.integers(48_000)
        samples = tone + noise[start : start + len(tone)]
        if rate_hz == 48_000:
            samples = np.stack([samples, np.roll(samples, 100)], axis=1)
        path = folder / f"{index:05d}.{suffix}"
        soundfile.write(path, samples, rate_hz, subtype="PCM_16")
        utterances.append(
            Utterance(
                utterance_id=f"synthetic/{index:05d}",
                path=str(path),
                domain="synthetic",
                speaker=f"s{index % 10}",
                emotion=labels.PAPER_EMOTIONS[index % 6],
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                fold_random=index % 5,
                fold_speaker_independent=index % 5,
            )
        )
    return utterances


def reference(utterances: list[Utterance], folder: Path) -> None:
    """The plain loop."""
    folder.mkdir()
    writers = [
        tf.io.TFRecordWriter(str(folder / f"{split}.gz"), ingest.COMPRESSION)
        for split in splits.FOLD_SPLITS
    ]
    for utterance in utterances:
        samples, rate_hz = soundfile.read(utterance.path, dtype="float32", always_2d=True)
        waveform = np.ascontiguousarray(samples[:, 0])
        if rate_hz != sound.SAMPLE_RATE_HZ:
            waveform = soxr.resample(waveform, rate_hz, sound.SAMPLE_RATE_HZ)
        pcm = np.clip(np.rint(waveform * 32768.0), -32768, 32767).astype("<i2").tobytes()
        example = tf.train.Example()
        feature = example.features.feature
        feature[features.AUDIO].bytes_list.value.append(pcm)
        for key, text in (
            (features.EMOTION, utterance.emotion),
            (features.DOMAIN, utterance.domain),
            (features.SPEAKER, utterance.speaker),
            (features.LANGUAGE, "unknown"),
            (features.GENDER, "unknown"),
            (features.UTTERANCE_ID, utterance.utterance_id),
        ):
            feature[key].bytes_list.value.append(text.encode())
        for key, number in (
            (features.NUM_SAMPLES, len(waveform)),
            (features.LABEL, labels.PAPER.index(utterance.emotion)),
            (features.SOURCE_RATE_HZ, rate_hz),
        ):
            feature[key].int64_list.value.append(number)
        writers[utterance.fold_random].write(example.SerializeToString())
    for writer in writers:
        writer.close()


def example_gen(utterances: list[Utterance], folder: Path, beam_args: tuple[str, ...]) -> None:
    """AudioExampleGen's executor, as TFX calls it."""
    folder.mkdir()
    manifest.write(manifest.Manifest.of(utterances), folder / "manifest.csv")
    examples, account = standard_artifacts.Examples(), IngestAccount()
    examples.uri, account.uri = str(folder / "examples"), str(folder / "account")
    context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=list(beam_args))
    Executor(context).Do(
        {},
        {"examples": [examples], "account": [account]},
        {
            "manifest_path": str(folder / "manifest.csv"),
            "manifest_digest": "",
            "protocol": "random",
            "over_length": "truncate",
            "trim_silence": False,
            "input_samples": sound.INPUT_SAMPLES,
            "code_digest": "",
        },
    )
    summary = json.loads((folder / "account" / "account.json").read_text())
    if summary["used"] != len(utterances):
        raise RuntimeError(f"not all recordings were used: {summary}")


def seconds(function: Callable[..., None], folder: Path, *args) -> float:
    """Returns how long `function` takes; what it wrote to `folder` is removed."""
    os.sync()  # what was written before must not be flushed at the expense of this
    start = time.perf_counter()
    function(*args)
    duration_s = time.perf_counter() - start
    shutil.rmtree(folder)
    return duration_s


def compare(utterances: list[Utterance], folder: Path, rounds: int) -> None:
    """Prints the throughputs and their ratios."""
    output = folder / "output"
    times: dict[str, list[float]] = {"reference": [], **{name: [] for name in WORKERS}}
    for round_ in range(rounds):
        times["reference"].append(seconds(reference, output, utterances, output))
        for name, beam_args in WORKERS.items():
            times[name].append(seconds(example_gen, output, utterances, output, beam_args))
        print(
            f"round {round_ + 1}: "
            + ", ".join(f"{name} {values[-1]:.1f} s" for name, values in times.items()),
            flush=True,
        )
    print(f"\n{len(utterances)} synthetic recordings, median of {rounds} rounds")
    for name, values in times.items():
        rate = len(utterances) / statistics.median(values)
        # A ratio of each round's own times: the machine's load differs from round to round.
        ratios = [own / value for own, value in zip(times["reference"], values, strict=True)]
        target = f"  (target {TARGETS[name]})" if name in TARGETS else ""
        print(
            f"{name:22} {rate:6.0f} recordings/s, {statistics.median(ratios):5.2f} of the reference"
            + target
        )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {_peak()}")


def _peak() -> str:
    own, worker = (
        resource.getrusage(who).ru_maxrss / 2**20
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return f"peak memory {own:.2f} GiB, of the largest worker process {worker:.2f} GiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--files", type=int, default=2_000, help="how many recordings")
    parser.add_argument("--repeat", type=int, default=1, help="how often each is listed")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as name:
        folder = Path(name)
        print(f"making {arguments.files} synthetic recordings in {folder}", flush=True)
        utterances = make_recordings(folder / "recordings", arguments.files)
        repeated = [
            dataclasses.replace(utterance, utterance_id=f"{utterance.utterance_id}/{number}")
            for number in range(arguments.repeat)
            for utterance in utterances
        ]
        compare(repeated, folder, arguments.rounds)


if __name__ == "__main__":
    main()

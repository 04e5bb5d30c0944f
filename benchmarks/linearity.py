"""Whether index, audit and AudioExampleGen grow linearly with the recordings, with flat memory.

`python -m benchmarks.linearity [--clips 20000]` makes that many different clips of half a second,
and gives few of them, a quarter and all to each step, in a process of its own each time. It prints
what all take of processor time relative to the quarter (4.0 is linear), the time of the few, which
is that of imports, left out; and the peak memory of both. Exit status 1 if a ratio is above
`MOST_RATIO`, or memory grows by more than `MOST_GROWTH_KIB` a clip.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

STEPS = ("index", "audit", "AudioExampleGen")
PARTS = 4
FEW = 100
MOST_RATIO = 1.3 * PARTS
# Rows of manifests, hashes and fingerprints; half a second of sound is 16 KiB as it is stored, 32
# as floats.
MOST_GROWTH_KIB = 12.0
RATE_HZ = 16_000
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def make(folder: Path, count: int) -> None:
    """Writes clips, and the lists of a quarter of them and of all."""
    generator = np.random.default_rng(0)
    carrier = generator.normal(0.0, 0.1, RATE_HZ * 60)
    rows = []
    (folder / "clips").mkdir()
    for number in range(count):
        start = generator.integers(len(carrier) - RATE_HZ)
        levels = np.repeat(generator.uniform(0.2, 1.0, 10), RATE_HZ // 20)
        path = folder / "clips" / f"{number:05d}.wav"
        soundfile.write(path, carrier[start : start + len(levels)] * levels, RATE_HZ)
        rows.append((path, "studio", f"s{number % 40}", EMOTIONS[number // 40 % len(EMOTIONS)]))
    for size in (FEW, count // PARTS, count):
        with open(folder / f"{size}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "domain", "speaker", "emotion"))
            writer.writerows(rows[:size])


def run(step: str, folder: Path, size: int) -> None:
    """Runs a step over a list or its manifest; prints what it took as JSON on the last line."""
    from cli.main import main as ser

    manifest = folder / f"{size}.manifest.csv"
    if step == "index":
        status = ser(
            [
                "corpora",
                "index",
                "--corpus",
                f"csv={folder / f'{size}.csv'}",
                "--out",
                f"{manifest}",
            ]
        )
    elif step == "audit":
        status = ser(["corpora", "audit", str(manifest)])
    else:
        from benchmarks.example_gen import example_gen
        from corpora import manifest as manifests

        example_gen(manifests.read(manifest).utterances, folder / f"examples-{size}", ())
        status = 0
    if status == 2:
        raise SystemExit(f"{step} of {size} failed")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]))


def main() -> int:
    """Runs the benchmark; 1 if something is not linear."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        step, folder, size = arguments.child
        run(step, Path(folder), int(size))
        return 0
    bad = False
    sizes = (FEW, arguments.clips // PARTS, arguments.clips)
    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as name:
        make(Path(name), arguments.clips)
        for step in STEPS:
            took = [_in_child(step, name, size) for size in sizes]
            (few_s, _), (part_s, part_kib), (all_s, all_kib) = took
            ratio = (all_s - few_s) / (part_s - few_s)
            growth = (all_kib - part_kib) / (sizes[2] - sizes[1])
            bad |= ratio > MOST_RATIO or growth > MOST_GROWTH_KIB
            linear = (sizes[2] - sizes[0]) / (sizes[1] - sizes[0])
            print(
                f"{step}: {sizes[2]:,} clips take {ratio:.2f} times the processor time of"
                f" {sizes[1]:,} ({linear:.2f} is linear); peak memory {part_kib / 1_024:,.0f} and"
                f" {all_kib / 1_024:,.0f} MiB, {growth:.1f} KiB a clip more",
                flush=True,
            )
    return int(bad)


def _in_child(step: str, folder: str, size: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.linearity", "--child", step, folder, str(size)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cpu_s, peak_kib = json.loads(done.stdout.splitlines()[-1])
    return cpu_s, peak_kib


if __name__ == "__main__":
    raise SystemExit(main())

"""What training costs when clips do not fit into memory: its peak, and its speed.

`python -m benchmarks.streaming [--clips 100000] [--steps 12] [--memory-gib 1] [--folder DIR]`
writes a few files of noise and reads them again and again, as if they were many, each time in a
process of its own: once with `--memory-gib` for the clips, so that they go through a file of 216 kB
a clip in DIR, and once with room for a tenth as many clips in memory. It prints the peak memory of
the first, beside the 4 GiB that it may take, and its steps a second as a fraction of the second's.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_GIB = 4.0
FILES, CLIPS_A_FILE = 5, 200
BATCH_SIZE = 32


def write_examples(folder: Path) -> None:
    """Writes files of noise as Transform writes clips."""
    import numpy as np
    import tensorflow as tf

    from schemas import features, sound

    random = np.random.default_rng(0)
    for number in range(FILES):
        path = str(folder / f"part-{number}.gz")
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for index in range(CLIPS_A_FILE):
                example = tf.train.Example()
                values = example.features.feature
                waveform = random.standard_normal(sound.INPUT_SAMPLES, np.float32)
                values[features.WAVEFORM].float_list.value.extend(waveform)
                values[features.LABEL].int64_list.value.append(index % 6)
                values[features.DOMAIN].bytes_list.value.append(b"noise")
                values[features.SPEAKER].bytes_list.value.append(b"s%d" % (index % 10))
                key = f"noise/{number}-{index}".encode()
                values[features.UTTERANCE_ID].bytes_list.value.append(key)
                writer.write(example.SerializeToString())


def train(folder: Path, clips: int, steps: int, memory_gib: float, spool: str | None) -> None:
    """Trains for some steps on copies of the clips in `folder` and prints figures as JSON."""
    import numpy as np

    from modules.networks.registry import NetworkSpec
    from modules.training.clips import read_clips
    from modules.training.engine import Engine
    from modules.training.job import Job
    from modules.training.memory import limit_bytes
    from modules.training.settings import Settings

    spec = NetworkSpec(front_end="waveform", preset="fast", outputs=6)
    limit, shape = limit_bytes(memory_gib), (spec.input_samples, 1)
    started_s = time.monotonic()
    copies = -(-clips // (FILES * CLIPS_A_FILE))
    found = read_clips(
        [str(folder / "part-*")] * copies, limit_bytes=limit, folder=spool, row_shape=shape
    )
    read_s = time.monotonic() - started_s
    engine = Engine(found.inputs, found.labels, limit_bytes=limit, folder=spool)
    # Clips of all parts of the file.
    rows = np.random.default_rng(0).permutation(len(found.labels))
    settings = Settings(epochs=1, batch_size=BATCH_SIZE)
    engine.run(Job(name="warm-up", network=spec, settings=settings, train=rows[:BATCH_SIZE]))
    outcome = engine.run(
        Job(name="streaming", network=spec, settings=settings, train=rows[: steps * BATCH_SIZE])
    )
    figures = {
        "clips": len(found.labels),
        "in_memory": bool(found.inputs.resident_bytes),
        "read_s": read_s,
        "steps_per_s": steps / outcome.train_s,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "loss": outcome.history[-1]["loss"],
    }
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--memory-gib", type=float, default=1.0)
    parser.add_argument("--folder", help="for the file of clips (default: the system's)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        folder, clips, memory_gib = arguments.child
        train(Path(folder), int(clips), arguments.steps, float(memory_gib), arguments.folder)
        return

    with tempfile.TemporaryDirectory(prefix="ser-benchmark-", dir=arguments.folder) as name:
        write_examples(Path(name))
        fewer = max(FILES * CLIPS_A_FILE, arguments.clips // 10)

        def child(clips: int, memory_gib: float) -> dict:
            command = [sys.executable, "-m", "benchmarks.streaming", "--folder", name]
            command += ["--steps", str(arguments.steps)]
            command += ["--child", name, str(clips), str(memory_gib)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            return json.loads(done.stdout.splitlines()[-1])

        streamed = child(arguments.clips, arguments.memory_gib)
        held = child(fewer, fewer * 54_000 * 4 / 2**30 + 0.1)
    assert held["in_memory"]
    assert not streamed["in_memory"]
    for figures in (streamed, held):
        where = "in memory" if figures["in_memory"] else "from a file"
        print(
            f"{figures['clips']:,} clips {where}: read at"
            f" {figures['clips'] / figures['read_s']:,.0f} a second, {figures['steps_per_s']:.2f}"
            f" steps of {BATCH_SIZE} a second, peak {figures['peak_gib']:.2f} GiB"
        )
    print(
        f"peak {streamed['peak_gib']:.2f} GiB (target {TARGET_GIB:.0f});"
        f" {streamed['steps_per_s'] / held['steps_per_s']:.2f} of the speed in memory"
    )


if __name__ == "__main__":
    main()

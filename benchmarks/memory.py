"""The peak memory of AudioExampleGen and Transform over many clips.

`python -m benchmarks.memory [--clips 10000]` makes synthetic recordings, runs the components from
AudioExampleGen to Transform in a process of their own, with one worker, and prints its peak memory
beside the 4 GiB that it may take.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET_GIB = 4.0


def measure(folder: Path) -> None:
    """Runs AudioExampleGen and Transform over the manifest in `folder` and prints the peak."""
    from corpora import manifest
    from pipeline import config as configs
    from pipeline import data
    from pipeline.manifest import snapshot
    from pipeline.networks import network_spec
    from pipeline.runners import local

    file = folder / "manifest.csv"
    indexed = manifest.read(file)
    config = configs.parse(
        {
            "manifest": str(file),
            "output": str(folder / "out"),
            "protocol": "random",
            # Its memory is not the question here.
            "validation": {"audit": "off"},
        },
        source="benchmark",
    )
    nodes = data.build(config, snapshot(indexed, folder), network_spec(config, indexed.labels))
    with local.logs_to(folder / "log"):
        _, results = local.run(data.pipeline_of(config, nodes.nodes))
    for result in results:
        print(f"{result.node_id}: {result.status}, {result.duration_s:.0f} s {result.error}")
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(indexed.utterances)} clips: peak memory {peak_gib:.2f} GiB (target {TARGET_GIB:.0f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure(arguments.child)
        return
    from benchmarks.example_gen import make_recordings
    from corpora import manifest

    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as name:
        folder = Path(name)
        print(f"making {arguments.clips} synthetic recordings in {folder}", flush=True)
        utterances = make_recordings(folder / "recordings", arguments.clips)
        manifest.write(manifest.Manifest.of(utterances), folder / "manifest.csv")
        command = [sys.executable, "-m", "benchmarks.memory", "--child", str(folder)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

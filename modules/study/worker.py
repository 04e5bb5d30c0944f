"""Runs the networks of an exported study anywhere that has keras and numpy, a GPU for example.

`python -m modules.study.worker FOLDER --processes 4`; FOLDER is what `ser study --export` wrote.
Results go to FOLDER/store, which `ser study --store FOLDER/store` then reads.
"""

import argparse
import functools
import json
import multiprocessing
import os
import time
from pathlib import Path

from modules.study import cells, design

PLAN = "plan.json"


@functools.cache
def _bench(folder: Path):
    """Returns the process's own bench: networks are compiled once in each process."""
    from modules.study import clips
    from modules.study.bench import Bench
    from modules.study.store import Store

    identity = json.loads((folder / PLAN).read_text(encoding="utf-8"))["identity"]
    return Bench(clips.load(folder), Store(folder / "store", identity=identity))


def _run(task: tuple[Path, design.Task]) -> None:
    folder, (training, fine_tunings, keep) = task
    _bench(folder).run(training, fine_tunings, keep=keep)


def run(folder: Path, *, processes: int, limit_s: float = float("inf")) -> bool:
    """Runs what the store does not have yet; returns whether all is done.

    Args:
      folder: an exported study.
      processes: how many run at once.
      limit_s: after which no new task is begun.
    """
    plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    planned = [cells.from_json(values) for values in plan["cells"]]
    started_s = time.monotonic()
    context = multiprocessing.get_context("spawn")
    for stage, tasks in enumerate(design.stages(planned), start=1):
        # A process that ends early takes no other task down with it.
        with context.Pool(processes) as pool:
            results = pool.imap_unordered(_run, [(folder, task) for task in tasks])
            for done, _ in enumerate(results, start=1):
                elapsed_s = time.monotonic() - started_s
                print(f"stage {stage}: {done} of {len(tasks)} tasks, {elapsed_s:.0f} s", flush=True)
                if elapsed_s > limit_s:
                    return False
    return True


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument(
        "--limit", type=float, default=float("inf"), metavar="SECONDS", help="begin nothing later"
    )
    args = parser.parse_args()
    finished = run(args.folder, processes=args.processes, limit_s=args.limit)
    raise SystemExit(0 if finished else 1)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()

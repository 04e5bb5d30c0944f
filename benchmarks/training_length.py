"""What the length of training does to the gain of transfer, without touching the test folds.

`python -m benchmarks.training_length OUTPUT --pretrain 24,72 --scratch 28,72` reads the clips that
`ser study` left in OUTPUT and prints the UAR, averaged over targets and splits, of training on the
target alone (TT) and of networks pre-trained on all domains (S1) and fine-tuned, for each number of
epochs. Of each split the outer test fold is set aside and the next fold is tested on.
"""

import argparse
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("output", type=Path, help="of a study")
    parser.add_argument("--protocol", default="random", help="or speaker_independent")
    parser.add_argument("--folds", default="0,2", help="the outer test folds to set aside")
    parser.add_argument("--pretrain", default="24,72", help="epochs")
    parser.add_argument("--scratch", default="28,72", help="epochs of TT")
    parser.add_argument("--shift", type=float, default=0.1, help="of both, in seconds")
    parser.add_argument("--fine-tune", type=int, default=12, help="epochs")
    parser.add_argument("--fine-tune-rate", type=float, default=1.0)
    parser.add_argument("--approaches", default="A2,A4,A7")
    parser.add_argument("--precision", default="float32", help="or bfloat16")
    arguments = parser.parse_args()
    root = arguments.output
    patterns = [f"{f}/*" for f in sorted(root.glob("**/Transform/transformed_examples/*/Split-*"))]
    manifests = sorted((root / "manifests").glob("*.csv"))
    if not patterns or len(manifests) != 1:
        parser.error(f"{root} is no output of `ser study` over one manifest")

    import numpy as np

    from components.transfer_study.executor import read_clips
    from modules.study.bench import Bench
    from modules.study.cells import FineTuning, Split
    from modules.study.design import Design
    from modules.study.store import Store
    from modules.training import Settings
    from modules.uar import best_of, unweighted_average_recall

    found = read_clips(patterns, str(manifests[0]), "inner splits")
    targets = found.domain_names()
    row_of = {key: row for row, key in enumerate(found.utterance_ids)}
    approaches = arguments.approaches.split(",")
    splits = [Split.inner(int(fold)) for fold in arguments.folds.split(",")]

    def design(epochs: int) -> Design:
        trained = Settings(epochs=epochs, schedule="cosine", shift_s=arguments.shift)
        return Design(
            domains=targets,
            targets=targets,
            precision=arguments.precision,
            pretrain=trained,
            scratch=trained,
            fine_tune=Settings(
                epochs=arguments.fine_tune,
                learning_rate=arguments.fine_tune_rate,
                schedule="cosine",
            ),
        )

    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as folder:
        store = Store(folder, identity={"data": "inner splits", "code": "benchmark"})
        bench = Bench(found, store)

        def uar(cell, target: str) -> float:
            result = store.get(cell)
            rows = np.array([row_of[key] for key in result["tested"]])
            own = found.domains[rows] == target
            answers = best_of(np.array(result["scores"])[own], found.classes(target))
            return unweighted_average_recall(found.labels[rows[own]], answers)

        def show(name: str, uars: list[float]) -> None:
            each = " ".join(f"{value:.3f}" for value in uars)
            print(f"{arguments.protocol}, {name}: {np.mean(uars):.3f} ({each})", flush=True)

        for epochs in map(int, arguments.scratch.split(",")):
            uars = []
            for split in splits:
                for target in targets:
                    cell = design(epochs).on_target(arguments.protocol, split, 0, target=target)
                    bench.run(cell, [], keep=False)
                    uars.append(uar(cell, target))
            show(f"TT, {epochs} epochs", uars)
        for epochs in map(int, arguments.pretrain.split(",")):
            by_approach: dict[str, list[float]] = {name: [] for name in ("A1", *approaches)}
            for split in splits:
                parent = design(epochs).pretraining(arguments.protocol, split, 0)
                adapted = {
                    (target, name): design(epochs).adapted(parent, target=target, approach=name)
                    for target in targets
                    for name in approaches
                }
                fine_tunings = [cell for cell in adapted.values() if isinstance(cell, FineTuning)]
                bench.run(parent, fine_tunings, keep=True)
                for target in targets:
                    by_approach["A1"].append(uar(parent, target))
                    for name in approaches:
                        by_approach[name].append(uar(adapted[target, name], target))
            for name, uars in by_approach.items():
                show(f"pre-trained for {epochs} epochs, S1-{name}", uars)


if __name__ == "__main__":
    main()

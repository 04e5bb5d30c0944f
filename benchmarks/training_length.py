"""What the length of training does to the gain of transfer, without touching the test folds.

`python -m benchmarks.training_length OUTPUT --pretrain 24,72 --scratch 28,72` reads the clips that
`ser study` left in OUTPUT and prints the UAR, averaged over targets and splits, of training on the
target alone (TT) and of networks pre-trained on all domains (S1) and fine-tuned, for each number of
epochs. Of each split the outer test fold is set aside and the next fold is tested on.
"""

import argparse
import logging
import tempfile
from pathlib import Path

from schemas import progress


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("output", type=Path, help="of a study")
    parser.add_argument("--protocol", default="random", help="or speaker_independent")
    parser.add_argument("--folds", default="0,2", help="the outer test folds to set aside")
    parser.add_argument("--pretrain", default="24,72", help="epochs")
    parser.add_argument("--scratch", default="28,72", help="epochs of TT")
    parser.add_argument("--shift-s", type=float, default=0.1, help="of both")
    parser.add_argument("--fine-tune", type=int, default=12, help="epochs")
    parser.add_argument("--fine-tune-rate", type=float, default=1.0)
    parser.add_argument("--approaches", default="A2,A4,A7")
    parser.add_argument("--precision", default="float32", help="or bfloat16")
    arguments = parser.parse_args()
    root = arguments.output
    transformed = sorted(root.glob("pipeline_root/Transform/transformed_examples/*"))
    manifests = sorted(root.glob("manifests/*.csv"))
    if len(transformed) != 1 or len(manifests) != 1:
        parser.error(
            f"{root} holds {len(transformed)} sets of transformed examples and {len(manifests)}"
            " manifests, where one of each is needed: run `ser study` into a new folder"
        )

    import numpy as np

    from components.transfer_study.examples import read_clips
    from modules.networks.registry import NetworkSpec
    from modules.study.cells import FineTuning, Split
    from modules.study.design import Design
    from modules.study.runner import Runner
    from modules.study.store import Store
    from modules.training import memory
    from modules.training.settings import Settings
    from pipeline.reports.study.results import Results
    from schemas.labels import PAPER

    # Every cell is reported when it is done.
    logging.basicConfig(format="  %(message)s")
    progress.MESSAGES.setLevel(logging.INFO)

    network = NetworkSpec(
        front_end="waveform", preset="fast", precision=arguments.precision, outputs=len(PAPER)
    )
    limit_bytes = memory.limit_bytes(None)
    clips = read_clips(
        [f"{transformed[0]}/Split-*/*"],
        str(manifests[0]),
        "inner splits",
        network=network,
        limit_bytes=limit_bytes,
    )
    targets = clips.domain_names()
    protocol = arguments.protocol
    splits = [Split.inner(int(fold)) for fold in arguments.folds.split(",")]

    def design(epochs: int) -> Design:
        trained = Settings(epochs=epochs, schedule="cosine", shift_s=arguments.shift_s)
        return Design(
            domains=targets,
            targets=targets,
            approaches=("A1", *arguments.approaches.split(",")),
            network=network,
            pretrain=trained,
            scratch=trained,
            fine_tune=Settings(
                epochs=arguments.fine_tune,
                learning_rate=arguments.fine_tune_rate,
                schedule="cosine",
            ),
        )

    def show(name: str, uars: list[float]) -> None:
        each = " ".join(f"{value:.3f}" for value in uars)
        print(f"{protocol}, {name}: {np.mean(uars):.3f} ({each})", flush=True)

    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as folder:
        store = Store(folder, identity={"data": "inner splits", "code": "benchmark"})
        runner = Runner(clips, store, limit_bytes=limit_bytes)
        results = Results(store, clips, design(0))

        def uar(cell, target: str) -> float:
            measured = results.measure(cell, target)
            assert measured is not None
            return measured.uar

        for epochs in map(int, arguments.scratch.split(",")):
            uars = []
            for split in splits:
                for target in targets:
                    alone = design(epochs).on_target(protocol, split, 0, target=target)
                    runner.run(alone, [], keep=False)
                    uars.append(uar(alone, target))
            show(f"TT, {epochs} epochs", uars)
        for epochs in map(int, arguments.pretrain.split(",")):
            planned = design(epochs)
            by_approach: dict[str, list[float]] = {name: [] for name in planned.approaches}
            for split in splits:
                adapted = [
                    (target, name, cell)
                    for target in targets
                    for name, cell in planned.candidates(
                        protocol, split, 0, scenario="S1", target=target
                    ).items()
                ]
                runner.run(
                    planned.pretraining(protocol, split, 0),
                    [cell for _, _, cell in adapted if isinstance(cell, FineTuning)],
                    keep=True,
                )
                for target, name, cell in adapted:
                    by_approach[name].append(uar(cell, target))
            for name, uars in by_approach.items():
                show(f"pre-trained for {epochs} epochs, S1-{name}", uars)


if __name__ == "__main__":
    main()

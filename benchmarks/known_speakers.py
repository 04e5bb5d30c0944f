"""What it is worth to know who speaks: UAR with and without enrolment clips, which are not tested.

`python -m benchmarks.known_speakers OUTPUT` reads the embeddings that `ser study --set
front_end=whisper` left in OUTPUT. For each test fold, networks are pre-trained on all domains and
fine-tuned (S1, A2), once as usual and once for known speakers. Of each speaker of the test fold, as
many clips enrol as the column tells, at most half of them; UARs are over the clips that enrol in no
column, the same for all, and means over folds and draws.
"""

import argparse
import dataclasses
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("output", type=Path, help="of a study")
    parser.add_argument("--protocol", default="speaker_independent", help="or random")
    parser.add_argument("--folds", default="0,1,2,3,4")
    parser.add_argument("--clips", default="1,3,5,10", help="enrolment clips a speaker")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    embeddings = sorted(arguments.output.glob("pipeline_root/Embeddings/embeddings/*"))
    manifests = sorted(arguments.output.glob("manifests/*.csv"))
    if len(embeddings) != 1 or len(manifests) != 1:
        parser.error(f"{arguments.output}: needs one set of embeddings and one manifest")

    import numpy as np

    from components.transfer_study.examples import read_clips
    from modules.metrics.uar import best_of, unweighted_average_recall
    from modules.training import known_speakers
    from modules.training.engine import Engine
    from modules.training.job import Job
    from modules.training.rows import ArrayRows
    from modules.training.settings import BALANCED
    from pipeline.config import StudyConfig
    from pipeline.config.reading import read
    from pipeline.networks import network_spec
    from schemas.labels import PAPER

    spec = network_spec(read(arguments.output / "config.yaml", kind=StudyConfig), PAPER)
    limit_bytes = 2**30
    clips = read_clips(
        [f"{embeddings[0]}/Split-*/*"],
        str(manifests[0]),
        "embeddings",
        network=spec,
        limit_bytes=limit_bytes,
    )
    assert clips.inputs is not None
    inputs, speakers = clips.inputs, known_speakers.names(clips.domains, clips.speakers)
    counts = [int(count) for count in arguments.clips.split(",")]
    columns = ["as usual", "nobody known", *(f"{count} clips" for count in counts)]
    found: dict[tuple[str, str], list[float]] = {}

    def settings(kind: str):
        return dataclasses.replace(getattr(BALANCED, kind), seed=arguments.seed)

    def engine_of(rows):
        return Engine(
            rows,
            clips.labels,
            domains=clips.domains,
            given=spec.held,
            limit_bytes=limit_bytes,
        )

    def answers(rows, weights, tested, domain):
        classes = clips.classes(domain)
        job = Job(
            name="asked",
            network=spec,
            settings=settings("fine_tune"),
            train=tested[:0],
            tested=tested,
            start=weights,
            approach="A1",
        )
        probabilities = engine_of(rows).run(job).probabilities
        return classes[best_of(probabilities[:, classes], np.arange(len(classes)))]

    def adapted(rows, train):
        engine = engine_of(rows)
        base = engine.run(
            Job(
                name="pretrain",
                network=spec,
                settings=settings("pretrain"),
                train=train,
                report_epochs=False,
            )
        ).weights
        return {
            domain: engine.run(
                Job(
                    name=domain,
                    network=spec,
                    settings=settings("fine_tune"),
                    train=train[clips.domains[train] == domain],
                    start=base,
                    approach="A2",
                    report_epochs=False,
                )
            ).weights
            for domain in clips.domain_names()
        }

    for fold in map(int, arguments.folds.split(",")):
        folds = clips.folds[arguments.protocol]
        train = np.flatnonzero(folds != fold)
        usual = adapted(inputs, train)
        origin = known_speakers.mean_of(inputs, train)
        known = known_speakers.offsets(inputs, speakers, train, origin)
        centred = known_speakers.without(inputs, speakers, known, limit_bytes=limit_bytes)
        knowing = adapted(centred, train)
        for domain in clips.domain_names():
            own = np.flatnonzero((folds == fold) & (clips.domains == domain))
            for draw in range(arguments.draws):
                random = np.random.default_rng([arguments.seed, fold, draw])
                enrolled: dict[str, np.ndarray] = {}
                for speaker in np.unique(speakers[own]):
                    order = random.permutation(own[speakers[own] == speaker])
                    enrolled[speaker] = order[: min(max(counts), len(order) // 2)]
                tested = np.setdiff1d(own, np.concatenate(list(enrolled.values())))
                labels = clips.labels[tested]

                def score(column, rows, weights, tested=tested, labels=labels, domain=domain):
                    uar = unweighted_average_recall(labels, answers(rows, weights, tested, domain))
                    found.setdefault((domain, column), []).append(uar)

                score("as usual", inputs, usual[domain])
                score("nobody known", inputs, knowing[domain])
                for count in counts:
                    enrolling = np.concatenate([each[:count] for each in enrolled.values()])
                    by_speaker = known_speakers.offsets(
                        inputs, speakers, enrolling, known_speakers.origin_of(knowing[domain])
                    )
                    rows = ArrayRows(
                        known_speakers.without(
                            inputs, speakers, by_speaker, limit_bytes=limit_bytes
                        ).take(np.arange(len(inputs)))
                    )
                    score(f"{count} clips", rows, knowing[domain])
        print(f"fold {fold} is done", flush=True)

    width = max(map(len, columns))
    print(" " * 10, *(column.rjust(width) for column in columns))
    for domain in clips.domain_names():
        means = [f"{np.mean(found[domain, column]):.3f}".rjust(width) for column in columns]
        print(domain.ljust(10), *means)


if __name__ == "__main__":
    main()

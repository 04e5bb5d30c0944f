"""What fine-tuning on cached outputs of frozen layers saves, and what the study adds to training.

`python -m benchmarks.transfer_study [--clips 320] [--rounds 6] [--precision bfloat16]
[--preset paper]` trains the network on noise, which takes as long as speech does, and prints:

1. an epoch of each approach, as a fraction of one of A2, and of one of A2 on the paper's layers as
   Keras has them (convolution, pooling, dropout, LSTM, each by itself) with Keras' AdaDelta;
2. a whole Table 3 (one fold, both scenarios, TT included), against the sum of its distinct
   pre-trainings and its A2, A3 and A6 cells;
3. the trainer's speed, against Keras' own `fit` on arrays in memory with Keras' own AdaDelta, of
   the same network.

Of each, the fastest of all rounds counts: other work on the machine only slows.
"""

import argparse
import tempfile
import time

EPOCHS = {"pretrain": 28, "fine_tune": 16}


def epochs(clips: int, rounds: int, **network) -> None:
    """Prints an epoch of each approach, as a fraction of one of A2."""
    import keras
    import numpy as np

    from modules.networks.approaches import resolve
    from modules.training import freezing
    from modules.training.answers import Answers
    from modules.training.learner import Learner
    from modules.training.rows import ArrayRows
    from modules.training.settings import Settings

    waveforms, labels = _noise(clips)
    rows = np.arange(clips)
    spec = _spec(**network)
    answers = Answers(labels, np.zeros_like(labels), outputs=spec.outputs)
    prepared = {}
    for name in ("A2", "A3", "A4", "A5", "A6", "A7", "A8"):
        tuned = spec.build(seed=0)
        adaptation = resolve(name, spec.groups)
        freezing.freeze(tuned, adaptation, spec.groups)
        prefix, rest = freezing.split_at_frozen_prefix(tuned, adaptation, spec.groups)
        inputs = waveforms if prefix is None else prefix.predict(waveforms, verbose=0)
        prepared[name] = (Learner(rest, Settings(epochs=1)), ArrayRows(inputs))
        prepared[name][0].fit(
            prepared[name][1], rows, answers, settings=Settings(epochs=1)
        )  # traces
    plain = _plain_network(network["preset"])
    plain.compile(keras.optimizers.Adadelta(1.0), loss="sparse_categorical_crossentropy")
    plain.fit(waveforms, labels, epochs=1, verbose=0)  # traces
    seconds: dict[str, list[float]] = {name: [] for name in ("plain", *prepared)}
    for _ in range(rounds):
        started_s = time.monotonic()
        plain.fit(waveforms, labels, epochs=2, verbose=0)
        seconds["plain"].append((time.monotonic() - started_s) / 2)
        for name, (learner, inputs) in prepared.items():
            count = 2 if name in ("A2", "A3", "A6") else EPOCHS["fine_tune"]
            started_s = time.monotonic()
            learner.fit(inputs, rows, answers, settings=Settings(epochs=count))
            seconds[name].append((time.monotonic() - started_s) / count)
    best = {name: min(values) for name, values in seconds.items()}
    for name, epoch_s in best.items():
        share, plain_share = epoch_s / best["A2"], epoch_s / best["plain"]
        print(
            f"{name}: {1000 * epoch_s:.0f} ms an epoch of {clips} clips, {share:.3f} of A2's "
            f"(1/{1 / share:.1f}), {plain_share:.3f} of plain layers' (1/{1 / plain_share:.1f})"
        )


def _plain_network(preset: str):
    """The paper's layers, with the strides of the preset, as Keras has them."""
    import keras

    from modules.networks.heads import PAPER_UNITS
    from modules.networks.waveform import DROPOUT, FILTERS, KERNEL_SAMPLES, LSTM_UNITS, SIZES
    from schemas.labels import PAPER
    from schemas.sound import INPUT_SAMPLES

    layers, sizes = keras.layers, SIZES[preset]
    stack = [keras.Input((INPUT_SAMPLES, 1))]
    for stride, pool in ((sizes.conv1_stride, sizes.pool1), (sizes.conv2_stride, sizes.pool2)):
        stack += [
            layers.Conv1D(FILTERS, KERNEL_SAMPLES, strides=stride, activation="relu"),
            layers.MaxPooling1D(pool),
            layers.Dropout(DROPOUT),
        ]
    stack += [layers.LSTM(LSTM_UNITS, return_sequences=True), layers.Flatten()]
    for _ in range(2):
        stack += [layers.Dense(PAPER_UNITS, activation="tanh"), layers.Dropout(DROPOUT)]
    return keras.Sequential([*stack, layers.Dense(len(PAPER), activation="softmax")])


def table(clips: int, **network) -> None:
    """Prints what Table 3 over three domains costs, against its expensive cells alone."""
    import numpy as np

    from modules.study import cells
    from modules.study.clips import Clips
    from modules.study.design import Design, stages
    from modules.study.runner import Runner
    from modules.study.store import Store
    from modules.training import memory
    from modules.training.rows import ArrayRows
    from modules.training.settings import Settings

    domains = ("a", "b", "c")
    total = clips * len(domains)
    waveforms, labels = _noise(total)
    index = np.arange(total)
    found = Clips(
        inputs=ArrayRows(waveforms),
        labels=labels,
        domains=np.array(domains)[index % 3],
        speakers=np.array([f"s{i % 30}" for i in index]),
        utterance_ids=np.array([f"u{i}" for i in index]),
        folds={"random": index // 3 % 5},
        digest="noise",
    )
    trained = Settings(epochs=EPOCHS["pretrain"], schedule="cosine", shift_s=0.1)
    design = Design(
        domains=domains,
        targets=domains,
        protocols=("random",),
        folds=(0,),
        tables=(3,),
        network=_spec(**network),
        pretrain=trained,
        scratch=trained,
        fine_tune=Settings(epochs=EPOCHS["fine_tune"], schedule="cosine"),
    )
    planned = design.plan()
    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as folder:
        store = Store(folder, identity={"data": "noise", "code": "benchmark"})
        runner = Runner(found, store, limit_bytes=memory.limit_bytes(None))
        started_s = time.monotonic()
        for tasks in stages(planned):
            for training, own, keep in tasks:
                runner.run(training, own, keep=keep)
        whole_s = time.monotonic() - started_s
        reference_s = other_s = 0.0
        for cell in planned:
            seconds = store.get(cell)["train_s"]
            if (isinstance(cell, cells.Training) and len(cell.domains) > 1) or (
                isinstance(cell, cells.FineTuning) and cell.approach in ("A2", "A3", "A6")
            ):
                reference_s += seconds
            elif isinstance(cell, cells.Training):
                other_s += seconds
    print(
        f"Table 3, {len(planned)} cells: {whole_s:.0f} s, {whole_s / reference_s:.3f} of its "
        f"pre-trainings and A2, A3 and A6 cells ({reference_s:.0f} s); TT took {other_s:.0f} s"
    )


def training(clips: int, rounds: int, **network) -> None:
    """Prints the trainer's speed as a fraction of a bare `fit`'s on arrays in memory."""
    import keras
    import numpy as np

    from modules.training.answers import Answers
    from modules.training.learner import Learner
    from modules.training.rows import ArrayRows
    from modules.training.settings import Settings

    waveforms, labels = _noise(clips)
    source, rows = ArrayRows(waveforms), np.arange(clips)
    bare = _spec(**network).build(seed=0)
    bare.compile(
        optimizer=keras.optimizers.Adadelta(1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    settings = Settings(epochs=2, schedule="cosine", shift_s=0.1)
    learner = Learner(_spec(**network).build(seed=0), settings)
    answers = Answers(labels, np.zeros_like(labels), outputs=bare.output_shape[1])
    seconds: dict[str, list[float]] = {"bare": [], "trainer": []}
    for _ in range(rounds):
        started_s = time.monotonic()
        bare.fit(waveforms, labels, batch_size=settings.batch_size, epochs=2, verbose=0)
        bare_s = time.monotonic()
        learner.fit(source, rows, answers, settings=settings)
        seconds["bare"].append(bare_s - started_s)
        seconds["trainer"].append(time.monotonic() - bare_s)
    print(
        f"training, clips shifted: {min(seconds['bare']) / min(seconds['trainer']):.2f} of the "
        "speed of a bare Keras fit"
    )


def _spec(*, preset: str, precision: str):
    from modules.networks.registry import NetworkSpec
    from schemas.labels import PAPER

    return NetworkSpec(front_end="waveform", preset=preset, precision=precision, outputs=len(PAPER))


def _noise(clips: int):
    import numpy as np

    from schemas.labels import PAPER
    from schemas.sound import INPUT_SAMPLES

    random = np.random.default_rng(0)
    waveforms = random.standard_normal((clips, INPUT_SAMPLES, 1), np.float32)
    return waveforms, random.integers(0, len(PAPER), clips)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clips", type=int, default=320, help="of a domain")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--parts", default="123", help="which of the three, such as 13")
    parser.add_argument("--precision", default="float32", help="or bfloat16")
    parser.add_argument("--preset", default="fast", help="or paper")
    arguments = parser.parse_args()
    network = {"preset": arguments.preset, "precision": arguments.precision}
    if "1" in arguments.parts:
        epochs(arguments.clips, arguments.rounds, **network)
    if "2" in arguments.parts:
        table(arguments.clips, **network)
    if "3" in arguments.parts:
        training(arguments.clips, arguments.rounds, **network)


if __name__ == "__main__":
    main()

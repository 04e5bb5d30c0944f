"""Fitting: it learns, it stops early, it repeats itself."""

import keras
import numpy as np
import pytest

from modules.networks.registry import NetworkSpec
from modules.training.answers import Answers
from modules.training.batches import Batches
from modules.training.learner import Learner, predict
from modules.training.rows import ArrayRows
from modules.training.settings import Settings


def _network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="tanh"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(6, activation="softmax"),
        ]
    )


def _clips(count, seed):
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 6
    clips = random.normal(size=(count, 8, 1)).astype(np.float32)
    clips[np.arange(count), labels, 0] += 4.0
    return clips, labels


def answers_to(labels, settings=None):
    """Returns the answers to clips of one domain."""
    smoothing = settings.label_smoothing if settings else 0.0
    return Answers(labels, np.zeros_like(labels), outputs=6, smoothing=smoothing)


def fit(network, clips, labels, *, settings, validation=None, callbacks=()):
    """Trains on arrays; returns the history."""
    inner = None
    if validation is not None:
        inner = (ArrayRows(validation[0]), np.arange(len(validation[0])), validation[1])
    return (
        Learner(network, settings)
        .fit(
            ArrayRows(clips),
            np.arange(len(clips)),
            answers_to(labels, settings),
            settings=settings,
            validation=inner,
            callbacks=callbacks,
        )
        .history
    )


def test_learns_what_can_be_learnt():
    history = fit(
        _network(), *_clips(240, 0), settings=Settings(epochs=60), validation=_clips(120, 1)
    )
    assert len(history) == 60
    assert history[-1]["val_uar"] > 0.8 > history[0]["val_uar"]


def test_same_seed_same_history_and_weights():
    runs = []
    for seed in (5, 5, 6):
        network = _network()
        history = fit(
            network, *_clips(60, 0), settings=Settings(epochs=3, seed=seed, shift_s=2 / 16_000)
        )
        runs.append((history, network.get_weights()))
    assert runs[0][0] == runs[1][0]
    for first, again in zip(runs[0][1], runs[1][1], strict=True):
        np.testing.assert_array_equal(first, again)
    assert runs[0][0] != runs[2][0]


def test_early_stopping_restores_the_best_weights():
    # Labels of the inner split contradict the training's, so that its loss can only rise.
    clips, labels = _clips(120, 0)
    validation = (clips, (labels + 1) % 6)
    network = _network()
    settings = Settings(epochs=50, patience=4)
    learnt = Learner(network, settings).fit(
        ArrayRows(clips),
        np.arange(120),
        answers_to(labels),
        settings=settings,
        validation=(ArrayRows(clips), np.arange(120), validation[1]),
    )
    history = learnt.history
    losses = [epoch["val_loss"] for epoch in history]
    assert learnt.kept_epoch == int(np.argmin(losses)) + 1
    assert len(history) == int(np.argmin(losses)) + 1 + 4 < 50
    probabilities = network.predict(clips, verbose=0)
    loss = -np.log(probabilities[np.arange(120), validation[1]]).mean()
    assert loss == pytest.approx(min(losses), rel=1e-4)


def test_patience_needs_an_inner_split():
    with pytest.raises(ValueError, match="inner split"):
        fit(_network(), *_clips(12, 0), settings=Settings(epochs=1, patience=1))


def test_no_clips():
    with pytest.raises(ValueError, match="no clips"):
        fit(_network(), *_clips(0, 0), settings=Settings(epochs=1))


def test_cosine_schedule_ends_at_rest():
    clips, labels = _clips(60, 0)
    network = _network()
    moves = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.before = [w.copy() for w in network.get_weights()[:2]]

        def on_epoch_end(self, epoch, logs=None):
            after = network.get_weights()[:2]
            moves.append(sum(np.abs(a - b).sum() for a, b in zip(after, self.before, strict=True)))

    fit(
        network,
        clips,
        labels,
        settings=Settings(epochs=20, schedule="cosine"),
        callbacks=(Watch(),),
    )
    assert moves[-1] < 0.1 * max(moves)


def test_a_learner_starts_over_each_time():
    clips, labels = _clips(120, 0)
    settings = Settings(epochs=3, schedule="cosine")
    learner = Learner(_network(), settings)
    start = learner.network.get_weights()
    source, rows, answers = ArrayRows(clips), np.arange(120), answers_to(labels)
    first = learner.fit(source, rows, answers, settings=settings)
    weights = learner.network.get_weights()
    learner.network.set_weights(start)
    learner.fit(source, rows, answers, settings=Settings(epochs=1))  # another schedule in between
    learner.network.set_weights(start)
    assert learner.fit(source, rows, answers, settings=settings) == first
    for mine, other in zip(learner.network.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_optimizer_is_keras_adadelta(schedule):
    clips, labels = _clips(96, 0)
    settings = Settings(epochs=4, schedule=schedule, learning_rate=0.7)
    mine = _network()
    fit(mine, clips, labels, settings=settings)
    reference = _network()
    for index, layer in enumerate(reference.layers):
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([settings.seed, index])
    steps = 4 * 3
    rate = keras.optimizers.schedules.CosineDecay(0.7, steps) if schedule == "cosine" else 0.7
    reference.compile(keras.optimizers.Adadelta(rate), "sparse_categorical_crossentropy")
    batches = Batches(ArrayRows(clips), np.arange(96), answers_to(labels), settings)
    reference.fit(batches, epochs=4, steps_per_epoch=steps // 4, shuffle=False, verbose=0)
    for weights, expected in zip(mine.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-5)


def test_predictions_do_not_depend_on_what_was_asked_before():
    clips = np.random.default_rng(0).normal(size=(150, 54_000, 1)).astype(np.float32)
    spec = NetworkSpec(front_end="waveform", preset="fast", outputs=6)
    source, rows = ArrayRows(clips), np.random.default_rng(0).permutation(150)
    first, second = spec.build(seed=0), spec.build(seed=0)
    expected = predict(first, source, rows)
    predict(second, source, rows[:64])
    predict(second, source, rows[:9])
    np.testing.assert_array_equal(predict(second, source, rows), expected)
    plain = first.predict(clips[rows], verbose=0)
    np.testing.assert_allclose(expected, plain, atol=1e-6)
    assert predict(first, source, rows[:0]).shape == (0, 6)

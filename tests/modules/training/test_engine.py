"""Fitting: it learns, it stops early, it repeats itself, and the inner split is honest."""

import keras
import numpy as np
import pytest

from modules.training.engine import Batches, Learner, Settings, fit, inner_split
from modules.training.optimizers import Adadelta


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
    history = fit(
        network, clips, labels, settings=Settings(epochs=50, patience=4), validation=validation
    )
    losses = [epoch["val_loss"] for epoch in history]
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


def test_batches_hold_every_clip_once_an_epoch():
    clips = np.arange(10, dtype=np.float32).reshape(10, 1, 1)
    batches = Batches(clips, np.arange(10), Settings(epochs=2, batch_size=4))
    assert (len(batches), batches.per_epoch) == (6, 3)
    pairs = [batches[index] for index in range(6)]
    assert [len(labels) for _, labels in pairs] == [4, 4, 2, 4, 4, 2]
    orders = []
    for epoch in (pairs[:3], pairs[3:]):
        orders.append(np.concatenate([labels for _, labels in epoch]).tolist())
        np.testing.assert_array_equal(
            np.concatenate([batch.ravel() for batch, _ in epoch]), orders[-1]
        )
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]


def test_batches_do_not_depend_on_what_was_read_before():
    # Keras reads the first ones twice, to learn their shapes, and others ahead of time.
    clips, labels = _clips(10, 0)
    settings = Settings(epochs=3, batch_size=4, shift_s=2 / 16_000)
    in_order = [Batches(clips, labels, settings)[index] for index in range(9)]
    backwards = Batches(clips, labels, settings)
    for index in reversed(range(9)):
        for one, other in zip(backwards[index], in_order[index], strict=True):
            np.testing.assert_array_equal(one, other)


def test_shift_moves_clips_without_changing_the_source():
    clips = np.zeros((4, 100, 1), np.float32)
    clips[:, 50] = 1.0
    batches = Batches(clips, np.zeros(4, int), Settings(epochs=1, shift_s=10 / 16_000))
    shifted, _ = batches[0]
    positions = shifted[:, :, 0].argmax(axis=1)
    assert np.all(np.abs(positions - 50) <= 10)
    assert len(set(positions)) > 1
    assert np.all(clips[:, 50] == 1.0)


@pytest.mark.parametrize("by_speaker", [True, False])
def test_inner_split(by_speaker):
    random = np.random.default_rng(0)
    domains = np.repeat(["a", "b"], 120)
    speakers = np.array([f"s{i % 8}" for i in range(240)])
    labels = random.integers(0, 4, 240)
    chosen = inner_split(labels, domains, speakers, fraction=0.125, by_speaker=by_speaker, seed=0)
    for domain in "ab":
        rows = domains == domain
        assert chosen[rows].sum() == pytest.approx(15, abs=3)
        assert set(labels[rows & ~chosen]) == {0, 1, 2, 3}
        shared = set(speakers[rows & chosen]) & set(speakers[rows & ~chosen])
        assert (not shared) == by_speaker


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
    learner = Learner(_network())
    start = learner.network.get_weights()
    settings = Settings(epochs=3, schedule="cosine")
    first = learner.fit(clips, labels, settings=settings)
    weights = learner.network.get_weights()
    learner.network.set_weights(start)
    learner.fit(clips, labels, settings=Settings(epochs=1))  # another schedule in between
    learner.network.set_weights(start)
    assert learner.fit(clips, labels, settings=settings) == first
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
    batches = Batches(clips, labels, settings)
    reference.fit(batches, epochs=4, steps_per_epoch=steps // 4, shuffle=False, verbose=0)
    for weights, expected in zip(mine.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-5)


def test_l2_sp_adds_the_distance_to_the_gradient():
    """Against a loss with the penalty written out (Li, Grandvalet & Davoine 2018, equation 2)."""
    strength = 0.5
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    penalised = keras.Variable(np.array([1.0, -2.0], np.float32))
    start = np.array(variable)
    mine, plain = Adadelta(l2_sp=strength), keras.optimizers.Adadelta(1.0)
    mine.build([variable])
    mine.start_over(learning_rate=1.0, total_steps=0)
    target = np.array([3.0, 3.0], np.float32)
    for _ in range(20):
        mine.apply([variable.value - target], [variable])
        pull = strength * (np.array(penalised) - start)
        plain.apply([penalised.value - target + pull], [penalised])
    np.testing.assert_allclose(np.array(variable), np.array(penalised), rtol=1e-5)
    assert not np.allclose(np.array(variable), start)

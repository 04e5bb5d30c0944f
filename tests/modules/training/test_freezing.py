"""Freezing: what is frozen, what starts anew, and the proof of it."""

import numpy as np
import pytest

from modules.networks.approaches import resolve
from modules.networks.registry import NetworkSpec
from modules.training import freezing
from modules.training.answers import Answers
from modules.training.learner import Learner
from modules.training.rows import ArrayRows
from modules.training.settings import Settings

SPEC = NetworkSpec(front_end="waveform", preset="fast", outputs=6)
GROUPS = SPEC.groups


@pytest.fixture(scope="module")
def clips():
    random = np.random.default_rng(0)
    return random.normal(size=(6, 54_000, 1)).astype(np.float32), np.arange(6) % 6


def _prepared(approach):
    """Returns a network frozen and re-initialised, and the weights that it had before."""
    network = SPEC.build(seed=0)
    before = freezing.weights_of(network, GROUPS)
    adaptation = resolve(approach, GROUPS)
    freezing.freeze(network, adaptation, GROUPS)
    freezing.reinitialise(network, adaptation, GROUPS, seed=1)
    return network, before, adaptation


def _equal_groups(first, second):
    return [
        group
        for group, layers in GROUPS.items()
        if all(
            np.array_equal(a, b)
            for layer in layers
            for a, b in zip(first[layer], second[layer], strict=True)
        )
    ]


@pytest.mark.parametrize("name", ["A2", "A3", "A4", "A5", "A6", "A7", "A8"])
def test_approach_freezes_reinitialises_and_tunes(name, clips):
    network, before, adaptation = _prepared(name)
    fates = adaptation.fates
    kept = _equal_groups(before, freezing.weights_of(network, GROUPS))
    assert kept == [group for group in GROUPS if fates[group] != "re-initialised"]
    prefix, trained = freezing.split_at_frozen_prefix(network, adaptation, GROUPS)
    inputs = clips[0] if prefix is None else prefix.predict(clips[0], verbose=0)
    settings = Settings(epochs=1, batch_size=6)
    answers = Answers(clips[1], np.zeros(6, int), outputs=6)
    Learner(trained, settings).fit(ArrayRows(inputs), np.arange(6), answers, settings=settings)
    after = freezing.weights_of(network, GROUPS)
    assert _equal_groups(before, after) == [g for g in GROUPS if fates[g] == "frozen"]
    hashes_before = freezing.weight_hashes(before, GROUPS)
    hashes = freezing.weight_hashes(after, GROUPS)
    assert freezing.check_frozen(hashes_before, hashes, adaptation) == ()


@pytest.mark.parametrize(
    ("name", "shape"),
    [("A3", (376, 128)), ("A4", (2, 128)), ("A5", (1_000,)), ("A7", (2, 128)), ("A8", (1_000,))],
)
def test_frozen_prefix_and_rest_make_the_whole_network(name, shape, clips):
    network, _, adaptation = _prepared(name)
    prefix, rest = freezing.split_at_frozen_prefix(network, adaptation, GROUPS)
    cached = prefix.predict(clips[0], verbose=0)
    assert cached.shape[1:] == shape
    np.testing.assert_allclose(
        rest.predict(cached, verbose=0), network.predict(clips[0], verbose=0), atol=1e-6
    )


def test_nothing_frozen_has_no_prefix():
    network = SPEC.build(seed=0)
    for name in ("A2", "conv1-only"):
        split = freezing.split_at_frozen_prefix(network, resolve(name, GROUPS), GROUPS)
        assert split == (None, network)


def test_check_frozen_catches_a_change():
    weights = freezing.weights_of(SPEC.build(seed=0), GROUPS)
    before = freezing.weight_hashes(weights, GROUPS)
    kernel, bias = weights["conv1"]
    changed = {**weights, "conv1": [kernel + 1e-3, bias]}
    with pytest.raises(RuntimeError, match="conv1"):
        freezing.check_frozen(
            before, freezing.weight_hashes(changed, GROUPS), resolve("A5", GROUPS)
        )


def test_what_did_not_learn_is_told_and_stops_nothing():
    # A network whose lower units have all died gets no gradient; that is a result too.
    hashes = dict.fromkeys(GROUPS, "same")
    moved = hashes | {"lstm": "other", "dense": "other"}
    assert freezing.check_frozen(hashes, moved, resolve("A3", GROUPS)) == ("conv2",)
    assert freezing.check_frozen(hashes, moved, resolve("A4", GROUPS)) == ()


def test_weights_go_into_the_layers_they_are_named_after():
    network, other = SPEC.build(seed=0), SPEC.build(seed=1)
    weights = freezing.weights_of(other, GROUPS)
    freezing.set_weights(network, {"conv2": weights["conv2"], "lstm": weights["lstm"]})
    assert _equal_groups(freezing.weights_of(network, GROUPS), weights) == ["conv2", "lstm"]

"""The transfer approaches: what is frozen, what starts anew, and the proof of it."""

import numpy as np
import pytest

from modules.networks.waveform import LAYER_GROUPS, build_network
from modules.training import transfer
from modules.training.engine import Settings, fit

# Written out from the paper's section 3.3: frozen (f), re-initialised (r), tuned (t).
EXPECTED = {
    "A2": "tttt",
    "A3": "fttt",
    "A4": "fftt",
    "A5": "ffft",
    "A6": "frrr",
    "A7": "ffrr",
    "A8": "fffr",
}


@pytest.fixture(scope="module")
def clips():
    random = np.random.default_rng(0)
    return random.normal(size=(6, 54_000, 1)).astype(np.float32), np.arange(6) % 6


@pytest.mark.parametrize(("name", "fates"), EXPECTED.items())
def test_approach_freezes_reinitialises_and_tunes(name, fates, clips):
    network = build_network(preset="fast", seed=0)
    approach = transfer.APPROACHES[name]
    pretrained = {group: _weights(network, group) for group in LAYER_GROUPS}
    before = transfer.weight_hashes(network)
    transfer.prepare_network(network, approach, seed=1)
    for group, fate in zip(LAYER_GROUPS, fates, strict=True):
        same = all(
            np.array_equal(a, b)
            for a, b in zip(pretrained[group], _weights(network, group), strict=True)
        )
        assert same == (fate != "r"), group
    _, trained = transfer.split_at_frozen_prefix(network, approach)
    prefix, _ = transfer.split_at_frozen_prefix(network, approach)
    inputs = clips[0] if prefix is None else prefix.predict(clips[0], verbose=0)
    fit(trained, inputs, clips[1], settings=Settings(epochs=1, batch_size=6))
    changed = [
        group
        for group in LAYER_GROUPS
        if any(
            not np.array_equal(a, b)
            for a, b in zip(pretrained[group], _weights(network, group), strict=True)
        )
    ]
    assert changed == [g for g, f in zip(LAYER_GROUPS, fates, strict=True) if f != "f"]
    assert transfer.check_frozen(before, transfer.weight_hashes(network), approach) == ()


@pytest.mark.parametrize(
    ("name", "shape"),
    [("A3", (376, 128)), ("A4", (2, 128)), ("A5", (1_000,)), ("A7", (2, 128)), ("A8", (1_000,))],
)
def test_frozen_prefix_and_rest_make_the_whole_network(name, shape, clips):
    network = build_network(preset="fast", seed=0)
    approach = transfer.APPROACHES[name]
    transfer.prepare_network(network, approach, seed=1)
    prefix, rest = transfer.split_at_frozen_prefix(network, approach)
    cached = prefix.predict(clips[0], verbose=0)
    assert cached.shape[1:] == shape
    np.testing.assert_allclose(
        rest.predict(cached, verbose=0), network.predict(clips[0], verbose=0), atol=1e-6
    )


def test_nothing_frozen_has_no_prefix():
    network = build_network(preset="fast", seed=0)
    assert transfer.split_at_frozen_prefix(network, transfer.APPROACHES["A2"]) == (None, network)


def test_check_frozen_catches_a_change():
    network = build_network(preset="fast", seed=0)
    before = transfer.weight_hashes(network)
    layer = network.get_layer("conv1")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel + 1e-3, bias])
    with pytest.raises(RuntimeError, match="conv1"):
        transfer.check_frozen(before, transfer.weight_hashes(network), transfer.APPROACHES["A5"])


def test_what_did_not_learn_is_told_and_stops_nothing():
    # A network whose lower units have all died gets no gradient; that is a result too.
    hashes = transfer.weight_hashes(build_network(preset="fast", seed=0))
    moved = hashes | {"lstm": "other", "dense": "other"}
    assert transfer.check_frozen(hashes, moved, transfer.APPROACHES["A3"]) == ("conv2",)
    assert transfer.check_frozen(hashes, moved, transfer.APPROACHES["A4"]) == ()


def _weights(network, group):
    return [w for name in LAYER_GROUPS[group] for w in network.get_layer(name).get_weights()]

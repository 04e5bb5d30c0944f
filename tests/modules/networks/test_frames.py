"""Layers over frames against numpy on clips without padding, and what padding does to them."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from modules.networks.frames import OwnConv1D, OwnLSTM, OwnMean, SegmentMeans

CHANNELS = 3
LENGTHS = (11, 4, 7)


def clips():
    random = np.random.default_rng(0)
    return [random.normal(size=(length, CHANNELS)).astype(np.float32) for length in LENGTHS]


def padded(own, length=16):
    batch = np.zeros((len(own), length, CHANNELS), np.float32)
    for row, clip in zip(batch, own, strict=True):
        row[: len(clip)] = clip
    return batch


def mean(clip):
    return clip.mean(axis=0)


def segment_means(clip):
    """Of three frames each, four of them."""
    found = np.zeros((4, CHANNELS))
    for number in range(4):
        part = clip[3 * number : 3 * number + 3]
        if len(part):
            found[number] = part.mean(axis=0)
    return found


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def lstm(clip, kernel, recurrent, bias):
    """Hochreiter & Schmidhuber's cell with a forget gate, gates in Keras' order."""
    state = cell = np.zeros(len(recurrent))
    for frame in clip:
        gates = np.split(frame @ kernel + state @ recurrent + bias, 4)
        cell = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * np.tanh(gates[2])
        state = sigmoid(gates[3]) * np.tanh(cell)
    return state


def convolved(clip, kernel, bias):
    """Same-padded convolution, ReLU, and the largest of every two frames."""
    around = np.pad(clip, ((len(kernel) // 2,) * 2, (0, 0)))
    frames = np.array(
        [
            np.maximum(
                np.einsum("kc,kcf->f", around[place : place + len(kernel)], kernel) + bias, 0
            )
            for place in range(len(clip))
        ]
    )
    return np.array([frames[place : place + 2].max(axis=0) for place in range(0, len(clip), 2)])


LAYERS: dict[str, tuple[Callable, Callable]] = {
    "mean": (OwnMean, mean),
    "segments": (lambda: SegmentMeans(3, segments=4), segment_means),
    "lstm": (lambda: OwnLSTM(5), lstm),
    "conv": (lambda: OwnConv1D(4, 5), convolved),
}


def randomised(layer):
    """Returns a layer with random weights, biases too."""
    layer.build((None, None, CHANNELS))
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape) * 0.5 for weight in layer.weights])
    return layer


@pytest.mark.parametrize("name", LAYERS)
def test_a_clip_alone_is_what_numpy_makes_of_it(name):
    make, oracle = LAYERS[name]
    layer = randomised(make())
    for clip in clips():
        (found,) = np.array(layer(clip[np.newaxis]))
        expected = oracle(clip, *map(np.array, layer.weights))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_padding_changes_nothing(name):
    layer = randomised(LAYERS[name][0]())
    network = keras.Sequential([keras.Input((None, CHANNELS)), layer])
    own = clips()
    for length in (11, 16):
        for together in (
            layer(padded(own, length)),
            network.predict(padded(own, length), verbose=0),
        ):
            for row, clip in zip(np.array(together), own, strict=True):
                (alone,) = np.array(layer(clip[np.newaxis]))
                if name == "conv":
                    # Frames behind the end stay 0.
                    assert not row[len(alone) :].any()
                    row = row[: len(alone)]
                np.testing.assert_allclose(row, alone, atol=1e-6)


def test_shapes_are_told_before_there_are_clips():
    for make, _ in LAYERS.values():
        layer = make()
        told = layer.compute_output_shape((2, 16, CHANNELS))
        assert tuple(randomised(layer)(padded(clips()[:2], 16)).shape) == told


def test_segments_that_do_not_fit_are_left_out():
    (clip,) = padded(clips()[:1], 11)
    layer = SegmentMeans(2, segments=3)
    (found,) = np.array(layer(clip[np.newaxis]))
    np.testing.assert_allclose(found, clip[:6].reshape(3, 2, CHANNELS).mean(axis=1), atol=1e-6)


def test_a_frame_on_which_all_filters_are_silent_stays_a_clips_own():
    layer = randomised(OwnConv1D(2, 3))
    kernel, _ = layer.get_weights()
    layer.set_weights([kernel * 0, np.array([-1.0, -1.0])])
    found = np.array(layer(padded(clips())))
    assert [int((row != 0).any(axis=1).sum()) for row in found] == [6, 2, 4]
    np.testing.assert_allclose(found, 0, atol=1e-10)
    # So that the mean over them is one over all of them.
    np.testing.assert_allclose(np.array(OwnMean()(found)), 0, atol=1e-10)

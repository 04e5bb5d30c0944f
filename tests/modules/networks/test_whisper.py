"""Whisper's encoder against its equations in numpy, and the network that holds its first blocks."""

import keras
import numpy as np
import pytest
from scipy.special import erf, softmax
from tiny_encoders import random_encoder
from tiny_networks import short_clips, whisper_spec

from modules.networks.registry import load_network
from modules.networks.whisper.layers import Block, Stem

ENCODER = random_encoder(width=16, heads=2, bands=8, blocks=3, positions=60)
WIDTH, HEADS = ENCODER.width, ENCODER.heads


def weights(layer):
    """Returns an encoder's arrays of a layer by their names, float64."""
    return {
        name.partition("/")[2]: array.astype(np.float64)
        for name, array in ENCODER.arrays.items()
        if name.startswith(f"{layer}/")
    }


def gelu(values):
    return 0.5 * values * (1 + erf(values / np.sqrt(2)))


def conv(frames, kernel, bias, stride):
    around = np.pad(frames, ((1, 1), (0, 0)))
    return np.array(
        [
            np.einsum("kc,kcf->f", around[place : place + 3], kernel) + bias
            for place in range(0, len(frames), stride)
        ]
    )


def stem(frames):
    own = weights("stem")
    frames = gelu(conv(frames, own["conv1_kernel"], own["conv1_bias"], 1))
    frames = gelu(conv(frames, own["conv2_kernel"], own["conv2_bias"], 2))
    return frames + own["positions"][: len(frames)]


def normalised(frames, scale, offset):
    deviation = np.sqrt(frames.var(axis=1, keepdims=True) + 1e-5)
    return (frames - frames.mean(axis=1, keepdims=True)) / deviation * scale + offset


def block(frames, number):
    own = weights(f"block{number}")
    below = normalised(frames, own["attention_norm_scale"], own["attention_norm_offset"])
    query = below @ own["query_kernel"] + own["query_bias"]
    key = below @ own["key_kernel"]
    value = below @ own["value_kernel"] + own["value_bias"]
    size, heads = WIDTH // HEADS, []
    for start in range(0, WIDTH, size):
        of_head = slice(start, start + size)
        scores = softmax(query[:, of_head] @ key[:, of_head].T / np.sqrt(size), axis=1)
        heads.append(scores @ value[:, of_head])
    attended = np.concatenate(heads, axis=1) @ own["output_kernel"] + own["output_bias"]
    frames = frames + attended
    hidden = normalised(frames, own["dense_norm_scale"], own["dense_norm_offset"])
    hidden = gelu(hidden @ own["expand_kernel"] + own["expand_bias"])
    return frames + hidden @ own["contract_kernel"] + own["contract_bias"]


def layer_of(kind, name, inputs, **arguments):
    layer = kind(WIDTH, name=name, **arguments)
    layer(np.zeros((1, 4, inputs), np.float32))
    layer.set_weights(ENCODER.layer(name))
    return layer


def spectrograms(lengths, channels=8, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(length, channels)).astype(np.float32) for length in lengths]


def padded(clips, length):
    batch = np.zeros((len(clips), length, clips[0].shape[1]), np.float32)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return batch


def test_the_stem_is_whispers():
    layer = layer_of(Stem, "stem", 8, positions=60)
    for clip in spectrograms((20, 13, 1)):
        (found,) = np.array(layer(clip[np.newaxis]))
        np.testing.assert_allclose(found, stem(clip.astype(np.float64)), atol=1e-5)


@pytest.mark.parametrize("number", [1, 3])
def test_a_block_is_whispers(number):
    layer = layer_of(Block, f"block{number}", WIDTH, heads=HEADS, passes_input=False)
    for clip in spectrograms((9, 1), WIDTH):
        (found,) = np.array(layer(clip[np.newaxis]))
        np.testing.assert_allclose(found, block(clip.astype(np.float64), number), atol=2e-5)


def test_a_block_passes_on_what_the_pooling_takes():
    clip = spectrograms((7,), 2 * WIDTH)[0]
    own = block(clip[:, WIDTH:].astype(np.float64), 2)
    for passes in (False, True):
        layer = layer_of(Block, "block2", 2 * WIDTH, heads=HEADS, passes_input=passes)
        (found,) = np.array(layer(clip[np.newaxis]))
        assert found.shape == layer.compute_output_shape((1, 7, 2 * WIDTH))[1:]
        # The channels of the block below stay; its own input goes along, or makes room.
        passed = clip if passes else clip[:, :WIDTH]
        np.testing.assert_array_equal(found[:, :-WIDTH], passed)
        np.testing.assert_allclose(found[:, -WIDTH:], own, atol=2e-5)


def test_padding_and_company_change_nothing():
    clips = spectrograms((21, 6, 13))
    layers = keras.Sequential(
        [
            keras.Input((None, 8)),
            layer_of(Stem, "stem", 8, positions=60),
            layer_of(Block, "block1", WIDTH, heads=HEADS, passes_input=True),
            layer_of(Block, "block2", 2 * WIDTH, heads=HEADS, passes_input=False),
        ]
    )
    for length in (21, 30):
        for row, clip in zip(layers.predict(padded(clips, length), verbose=0), clips, strict=True):
            (alone,) = layers.predict(clip[np.newaxis], verbose=0)
            assert len(alone) == -(-len(clip) // 2)
            np.testing.assert_allclose(row[: len(alone)], alone, atol=1e-5)
            assert not row[len(alone) :].any()


# Of the last block used, and channels of every pooled block.
@pytest.mark.parametrize(
    ("blocks", "pooled"), [(1, (1,)), (2, (2,)), (3, (1, 3)), (3, (1, 2, 3)), (3, (2, 3))]
)
def test_the_network_takes_means_of_the_pooled_blocks(blocks, pooled):
    spec = whisper_spec(ENCODER, blocks=blocks, pooled=pooled)
    network = spec.build(seed=0, encoder=ENCODER)
    clips = short_clips((5_000, 9_600), samples=160_000)
    until = [layer.name for layer in network.layers].index("mean") + 1
    (log_mel, *_), below = network.layers, keras.Sequential(network.layers[:until])
    for row, clip in zip(below.predict(clips, verbose=0), clips, strict=True):
        length = int(np.flatnonzero(clip[:, 0])[-1]) + 1
        frames = stem(np.array(log_mel(clip[np.newaxis, :length])[0], np.float64))
        means = {}
        for number in range(1, blocks + 1):
            frames = block(frames, number)
            means[number] = frames.mean(axis=0)
        expected = np.concatenate([means[number] for number in pooled])
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_layer_groups_and_what_is_held():
    spec = whisper_spec(ENCODER, blocks=2)
    assert spec.held == ("block1", "block2")
    assert spec.groups == {
        "block1": ("stem", "block1"),
        "block2": ("block2",),
        "pooling": ("standardised", "scale"),
        "dense": ("dense", "emotion"),
    }
    lstm = whisper_spec(ENCODER, blocks=1, pooled=(1,), preset="lstm")
    assert lstm.held == ("block1",)
    assert lstm.groups == {
        "block1": ("stem", "block1"),
        "lstm": ("standardised", "lstm"),
        "dense": ("dense1", "dense2", "emotion"),
    }
    for own in (spec, lstm):
        network = own.build(seed=0)
        grouped = {name for names in own.groups.values() for name in names}
        assert grouped == {layer.name for layer in network.layers if layer.count_params()}


def test_parameters_by_hand():
    stem_size = 3 * 8 * 16 + 16 + 3 * 16 * 16 + 16 + 60 * 16
    # Four square kernels, three with a bias; two norms; 16 x 64 and back.
    block_size = 4 * 16 * 16 + 3 * 16 + 4 * 16 + 16 * 64 + 64 + 64 * 16 + 16
    head = 2 * 32 + 3 * (32 + 32 * 256 + 256 + 256 * 6 + 6)
    network = whisper_spec(ENCODER, members=3).build(seed=0)
    assert network.count_params() == stem_size + 2 * block_size + head
    # Two blocks of 16 channels, of which the LSTM makes 500.
    lstm = 2 * 32 + 4 * 500 * (32 + 500 + 1)
    dense = 500 * 1_000 + 1_000 + 1_000 * 1_000 + 1_000 + 1_000 * 6 + 6
    network = whisper_spec(ENCODER, preset="lstm").build(seed=0)
    assert network.count_params() == stem_size + 2 * block_size + lstm + dense


def test_without_an_encoder_weights_are_random_by_the_seed():
    spec = whisper_spec(ENCODER)
    first, again, other = (spec.build(seed=seed).get_weights() for seed in (3, 3, 4))
    for own, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(own, same)
    assert not np.array_equal(first[0], other[0])
    given = spec.build(seed=3, encoder=ENCODER)
    for layer in ("stem", "block1", "block2"):
        for own, kept in zip(
            given.get_layer(layer).get_weights(), ENCODER.layer(layer), strict=True
        ):
            np.testing.assert_array_equal(own, kept)


@pytest.mark.parametrize("preset", ["mean", "lstm"])
def test_a_network_comes_back_from_its_file(tmp_path, preset):
    spec = whisper_spec(ENCODER, preset=preset, members=2 if preset == "mean" else 1)
    network = spec.build(seed=0, encoder=ENCODER)
    network.save(tmp_path / "network.keras")
    loaded = load_network(str(tmp_path / "network.keras"))
    clips = short_clips((4_000, 16_000))
    answers = loaded.predict(clips, verbose=0)
    np.testing.assert_array_equal(answers, network.predict(clips, verbose=0))
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)

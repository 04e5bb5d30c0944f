"""Models for known speakers, against the network's own layers and numpy."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_encoders import random_encoder
from tiny_networks import whisper_spec

from modules.export.model import export_model
from modules.networks import cutting
from schemas.labels import PAPER

RATE_HZ = 16_000
ENCODER = "ab12"

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def network():
    encoder = random_encoder(positions=500)
    network = whisper_spec(encoder).build(seed=1, encoder=encoder)
    random = np.random.default_rng(0)
    layer = network.get_layer("standardised")
    layer.set_weights([random.normal(size=weight.shape) ** 2 for weight in layer.get_weights()])
    return network


@pytest.fixture(scope="module")
def model(network, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("export") / "1")
    export_model(
        network,
        folder,
        labels=PAPER,
        trim_silence=False,
        statistics=None,
        domain_labels={"a": ("anger", "fear", "sadness")},
        domain="a",
        speakers_encoder=ENCODER,
    )
    return tf.saved_model.load(folder)


@pytest.fixture(scope="module")
def samples():
    random = np.random.default_rng(1)
    waveform = np.zeros((3, 2 * RATE_HZ), np.float32)
    lengths = [RATE_HZ, 2 * RATE_HZ, 20_000]
    for row, length in enumerate(lengths):
        waveform[row, :length] = random.normal(size=length)
    return {
        "waveform": waveform,
        "num_samples": np.array(lengths, np.int32),
        "rate_hz": np.full(3, RATE_HZ, np.int32),
    }


@pytest.fixture(scope="module")
def width(network):
    return network.get_layer("standardised").get_weights()[0].size


def _ask(model, signature, inputs):
    answer = model.signatures[signature](**{name: tf.constant(v) for name, v in inputs.items()})
    return {name: value.numpy() for name, value in answer.items()}


def _of_speaker(model, samples, mean, clips, encoder=ENCODER):
    inputs = {
        **samples,
        "speaker_mean": np.asarray(mean, np.float32),
        "speaker_clips": np.array(clips, np.int32),
        "speaker_encoder": np.full(3, encoder),
    }
    return _ask(model, "serve_waveform_of_speaker", inputs)["probabilities"]


def test_embeddings_are_what_the_standardisation_is_given(model, network, samples):
    answer = _ask(model, "embed_waveform", samples)
    assert set(answer["encoder"]) == {ENCODER.encode()}
    cut = [layer.name for layer in network.layers].index("standardised")
    below = cutting.part(network.input_shape, network.layers[:cut])
    for row, length in enumerate(samples["num_samples"]):
        clip = samples["waveform"][row, :length].astype(np.float64)
        prepared = np.zeros((1, network.input_shape[1], 1), np.float32)
        prepared[0, :length, 0] = (clip - clip.mean()) / clip.std()
        expected = below.predict(prepared, verbose=0)[0]
        np.testing.assert_allclose(answer["embedding"][row], expected, atol=1e-4)


def test_what_a_speakers_clips_have_in_common_is_subtracted(model, network, samples):
    embedding = _ask(model, "embed_waveform", samples)["embedding"]
    mean = np.random.default_rng(2).normal(size=embedding.shape)
    clips = np.array([1, 5, 45])
    found = _of_speaker(model, samples, mean, clips)
    cut = [layer.name for layer in network.layers].index("standardised")
    above = cutting.part((None, embedding.shape[1]), network.layers[cut:])
    origin = network.get_layer("standardised").get_weights()[0]
    shares = (clips / (clips + 5))[:, np.newaxis]
    expected = above.predict(np.float32(embedding - shares * (mean - origin)), verbose=0)
    lacking = [PAPER.index(label) for label in PAPER if label not in ("anger", "fear", "sadness")]
    expected[:, lacking] = 0
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    unknown = _ask(model, "serve_waveform", samples)["probabilities"]
    assert np.abs(found - unknown).max() > 1e-2


def test_nobody_in_particular_gets_the_usual_answer(model, samples, width):
    found = _of_speaker(model, samples, np.ones((3, width)), [0, 0, 0])
    usual = _ask(model, "serve_waveform", samples)["probabilities"]
    np.testing.assert_allclose(found, usual, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "other"}, "another encoder"),
        ({"value": np.nan}, "finite"),
        ({"clips": [1, -1, 1]}, "not negative"),
    ],
)
def test_what_is_no_enrolment_of_this_model(model, samples, width, changes, message):
    arguments = {"value": 0.0, "clips": [1, 1, 1], **changes}
    mean = np.full((3, width), arguments.pop("value"))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _of_speaker(model, samples, mean, **arguments)

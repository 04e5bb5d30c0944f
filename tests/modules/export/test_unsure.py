"""The rules on the sound against scipy, numpy and sounds that are no speech."""

import itertools

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from speechlike import RATE_HZ, sound

from modules.export import unsure
from modules.trust import typicality
from modules.trust.record import SoundThresholds
from schemas import signatures
from schemas.sound import SAMPLE_RATE_HZ

TIME_S = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


def _tone(hz, level=0.3):
    return level * np.sin(2 * np.pi * hz * TIME_S)


def _noise(slope, level_db):
    """Returns noise whose power falls with the frequency to some power."""
    random = np.random.default_rng(0)
    spectrum = np.fft.rfft(random.normal(size=TIME_S.size))
    hz = np.maximum(np.fft.rfftfreq(TIME_S.size, 1 / SAMPLE_RATE_HZ), 1.0)
    shaped = np.fft.irfft(spectrum * hz ** (-slope / 2), TIME_S.size)
    return shaped / np.abs(shaped).max() * 10 ** (level_db / 20)


def _reason(samples, thresholds=None):
    code = unsure.of_sound(tf.constant(samples, tf.float32), thresholds or SoundThresholds())
    return unsure.REASONS[int(code)]


NO_SPEECH = {
    "white": _noise(0, -3),
    "quiet white": _noise(0, -40),
    "pink": _noise(1, -30),
    "brown": _noise(2, -30),
    "tone": _tone(440),
    "chord": sum(_tone(hz, 0.15) for hz in (261.6, 329.6, 392.0)),
    "beating": _tone(440) + _tone(445),
    "hum": sum(_tone(50 * k, 0.1 / k) for k in range(1, 10)),
    "sweep": 0.3 * scipy.signal.chirp(TIME_S, 60, 3, 6_000, "logarithmic"),
    "siren": 0.3 * np.sin(2 * np.pi * 800 * TIME_S + 100 * np.sin(np.pi * TIME_S)),
}


@pytest.mark.parametrize("name", NO_SPEECH)
def test_what_does_not_move_as_speech_does(name):
    assert _reason(NO_SPEECH[name]) == signatures.UNSURE_NO_SPEECH


def test_silence_is_known_by_its_loudest_frame():
    dither = np.random.default_rng(0).integers(-1, 2, TIME_S.size) / 32_768
    assert _reason(dither) == signatures.UNSURE_SILENCE
    assert _reason(np.full(TIME_S.size, 0.2)) == signatures.UNSURE_SILENCE
    assert _reason(np.zeros(0)) == signatures.UNSURE_SILENCE
    # A tone of full scale has half the power of a square wave.
    level = unsure.loudest_dbfs(tf.constant(_tone(400, 0.01), tf.float32))
    assert float(level) == pytest.approx(20 * np.log10(0.01) - 3.01, abs=0.01)


def test_clipping_and_length():
    speech = _speech()
    assert _reason(speech) == ""
    assert _reason(0.03 * speech) == ""
    assert _reason(np.clip(30 * speech / np.abs(speech).max(), -1, 1)) == (
        signatures.UNSURE_CLIPPING
    )
    assert _reason(speech[8_000 : 8_000 + 4_000]) == signatures.UNSURE_TOO_SHORT
    padded = np.concatenate([np.zeros(20_000), speech[8_000:12_000], np.zeros(20_000)])
    assert _reason(padded) == signatures.UNSURE_TOO_SHORT
    # By hand: five samples at the top, of which four follow another one.
    samples = tf.constant([0.1, 1, 1, -1, 0.5, 1, 1, 0, 0, 0], tf.float32)
    assert float(unsure.clipped_share(samples)) == pytest.approx(0.3)


def _speech():
    return scipy.signal.resample_poly(sound(0, duration_s=3.0), SAMPLE_RATE_HZ, RATE_HZ)


def test_changes_against_scipy():
    speech = _speech()
    level, spectrum = unsure.changes_db(tf.constant(speech, tf.float32))
    emphasised = scipy.signal.lfilter([1, -0.97], [1], speech)[1:]
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, 400)[::160]
    levels = 10 * np.log10(np.square(frames).mean(axis=1))
    levels = np.maximum(levels, levels.max() - 50)
    assert float(level) == pytest.approx(np.abs(levels[2:] - levels[:-2]).mean(), rel=1e-3)
    hz, _, found = scipy.signal.stft(
        emphasised, SAMPLE_RATE_HZ, "hann", 400, 240, 512, boundary=None, padded=False
    )
    edges = np.geomspace(100, 7_600, 13)
    power = [np.square(np.abs(found[(hz >= a) & (hz < b)])).sum(axis=0)
             for a, b in itertools.pairwise(edges)]  # fmt: skip
    bands = 10 * np.log10(np.stack(power))
    bands = np.maximum(bands, bands.max() - 60)
    wanted = (bands - bands.mean(axis=0)).std(axis=1).mean()
    assert float(spectrum) == pytest.approx(wanted, rel=1e-2)


def test_distances_in_the_graph_are_those_of_numpy():
    embeddings = np.random.default_rng(0).normal(size=(60, 7)).astype(np.float32)
    model = typicality.fit(embeddings, layers=1)
    found = unsure.Distance(model).of(tf.constant(embeddings))
    np.testing.assert_allclose(found, model.distances(embeddings), rtol=1e-4)


def test_a_recording_is_unsure_where_half_of_its_windows_are():
    codes = [0, 0, 1, 0, 4, 4, 1, 4, 0, 0, 5, 4, 5, 4]
    recordings = [0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 5, 5, 6, 6]
    found = unsure.of_recordings(tf.constant(codes), tf.constant(recordings), tf.constant(7))
    no_speech = signatures.UNSURE_NO_SPEECH
    assert [each.decode() for each in found.numpy()] == [
        "", no_speech, no_speech, "", "", no_speech, no_speech
    ]  # fmt: skip

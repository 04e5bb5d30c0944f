"""INTERSPEECH 2010 features: what is checked without openSMILE, and with it where it is there."""

import sys

import numpy as np
import pytest

from modules.baselines import is10
from schemas.errors import UserError

RATE_HZ = 16_000


def _voice(pitch_hz, *, duration_s=1.0, level=0.3, seed=0):
    """A synthetic buzz: harmonics of a pitch, with a little noise."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * k * pitch_hz * time_s) / k for k in range(1, 20))
    noise = np.random.default_rng(seed).normal(size=len(time_s))
    return (level * (buzz / 2 + 0.01 * noise)).astype(np.float32)


def test_the_message_where_opensmile_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(UserError, match=r"pip install 'ser-tfx\[opensmile\]'.*no commercial use"):
        is10.extract([])


@pytest.fixture(scope="module")
def opensmile():
    return pytest.importorskip(
        "opensmile", reason="opensmile is not installed: pip install 'ser-tfx[opensmile]'"
    )


@pytest.fixture(scope="module")
def column(opensmile):
    """Returns the index of a feature by its name."""
    smile = opensmile.Smile(opensmile.FeatureSet.IS10, opensmile.FeatureLevel.Functionals)
    return smile.feature_names.index


def test_features_are_opensmiles(opensmile):
    recordings = [_voice(120), _voice(220, duration_s=0.5)]
    features = is10.extract(recordings)
    assert features.shape == (2, 1582)
    assert features.dtype == np.float32
    smile = opensmile.Smile(opensmile.FeatureSet.IS10, opensmile.FeatureLevel.Functionals)
    for row, recording in zip(features, recordings, strict=True):
        np.testing.assert_array_equal(row, smile.process_signal(recording, RATE_HZ).to_numpy()[0])


def test_features_mean_what_their_names_say(column):
    low, high, quiet, long = is10.extract(
        [_voice(120), _voice(220), _voice(120, level=0.1), _voice(120, duration_s=2.0)]
    )
    pitch, loudness = column("F0final_sma_amean"), column("pcm_loudness_sma_amean")
    duration_s = column("F0final__Turn_duration")
    assert low[pitch] == pytest.approx(120, rel=0.03)
    assert high[pitch] == pytest.approx(220, rel=0.03)
    # Loudness is the 0.3rd power of intensity, which is the square of level.
    assert low[loudness] / quiet[loudness] == pytest.approx(3**0.6, rel=0.02)
    assert long[duration_s] - low[duration_s] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("samples", [0, 1, 400, 1_000, 1_599])
def test_short_recordings_have_features(opensmile, samples):
    recording = _voice(200)[:samples]
    features = is10.extract([recording])
    assert np.isfinite(features).all()
    padded = np.concatenate([recording, np.zeros(1_600 - samples, np.float32)])
    np.testing.assert_array_equal(features, is10.extract([padded]))


def test_full_scale_does_not_wrap_around(opensmile):
    loud = _voice(120)
    loud /= np.abs(loud).max()
    below = loud.clip(-1, 32_767 / 32_768)
    assert loud.max() == 1.0 or loud.min() == -1.0
    np.testing.assert_array_equal(is10.extract([abs(loud)]), is10.extract([abs(below)]))
    np.testing.assert_array_equal(is10.extract([2 * loud]), is10.extract([(2 * loud).clip(-1, 1)]))


def test_no_recordings(opensmile):
    assert is10.extract([]).shape == (0, is10.NUM_FEATURES)


@pytest.mark.parametrize("recording", [np.array([0.0, np.nan]), np.zeros((100, 2))])
def test_recordings_that_are_none(opensmile, recording):
    with pytest.raises(ValueError, match="recording 1 must be"):
        is10.extract([_voice(120), recording])

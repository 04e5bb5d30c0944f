"""What training hears: scipy is the oracle of resampling, soundfile of the rest."""

import io

import numpy as np
import pytest
import soundfile
from scipy import signal

from modules.audio import loading
from schemas.sound import SAMPLE_RATE_HZ


def encode(samples: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def noise(num_frames: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, [num_frames, 2])


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_load_takes_the_first_channel_and_resamples_it(rate_hz):
    contents = encode(noise(rate_hz), rate_hz)
    samples, _ = soundfile.read(io.BytesIO(contents), dtype="float64")
    divisor = np.gcd(rate_hz, SAMPLE_RATE_HZ)
    up, down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
    expected = signal.resample_poly(samples[:, 0], up, down)
    waveform, own_rate_hz = loading.load_with_rate(contents)
    assert own_rate_hz == rate_hz
    assert waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, expected, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(loading.load(contents), waveform)


def test_a_segment_is_cut_before_it_is_resampled():
    contents = encode(noise(48_000), 48_000)
    samples, _ = soundfile.read(io.BytesIO(contents), dtype="float64")
    waveform = loading.load(contents, start_s=0.25, end_s=0.5)
    expected = signal.resample_poly(samples[12_000:24_000, 0], 1, 3)
    np.testing.assert_allclose(waveform, expected, atol=1e-6, rtol=0)

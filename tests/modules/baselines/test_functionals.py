"""Acoustic functionals against sounds whose pitch, spectrum and rhythm are known, and scipy."""

import re

import numpy as np
import pytest
import scipy.signal
import scipy.stats

from modules.baselines import functionals
from modules.baselines.functionals import statistics

RATE_HZ = 16_000


def _time_s(duration_s=1.0):
    return np.arange(round(duration_s * RATE_HZ)) / RATE_HZ


def _noise(duration_s=1.0, seed=0):
    return np.random.default_rng(seed).normal(size=round(duration_s * RATE_HZ))


def _voice(pitch_hz, *, duration_s=1.0, harmonics=range(1, 12)):
    """A buzz: harmonics of a pitch, in Hz, which may change from sample to sample."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(pitch_hz, len(_time_s(duration_s)))) / RATE_HZ
    return 0.3 * sum(np.sin(k * phase + k) / k for k in harmonics)


def _described(sound):
    """Returns the functionals of a sound by name."""
    (row,) = functionals.extract([np.asarray(sound, np.float32)])
    return dict(zip(functionals.NAMES, row.tolist(), strict=True))


def _hz(semitones):
    return 55 * 2 ** (semitones / 12)


def test_every_column_has_a_name_of_its_own():
    assert len(set(functionals.NAMES)) == len(functionals.NAMES)
    assert functionals.extract([_voice(120)] * 2).shape == (2, len(functionals.NAMES))
    assert {"mfcc3_delta_p90", "f0_p50", "voiced_mfcc0_p5"} <= set(functionals.NAMES)
    # The counts that the documentation tells.
    told = re.findall(r"\| ([\d,]+) \|\n", functionals.__doc__)
    assert sum(int(number.replace(",", "")) for number in told) == len(functionals.NAMES)


@pytest.mark.parametrize("pitch_hz", [75, 110, 160.5, 233, 340, 480])
def test_pitch_of_a_steady_voice(pitch_hz):
    found = _described(_voice(pitch_hz) + 0.003 * _noise())
    assert _hz(found["f0_p50"]) == pytest.approx(pitch_hz, rel=0.005)
    assert _hz(found["f0_mean"]) == pytest.approx(pitch_hz, rel=0.01)
    assert found["voiced_share"] > 0.95
    assert found["jitter_mean"] < 0.5


def test_pitch_without_its_fundamental():
    found = _described(_voice(150, harmonics=range(3, 12)))
    assert _hz(found["f0_p50"]) == pytest.approx(150, rel=0.01)


@pytest.mark.parametrize("octaves", [1.0, -0.5])
def test_a_glide_has_its_slope_in_semitones_per_second(octaves):
    found = _described(_voice(180 * 2 ** (octaves * _time_s())))
    assert found["f0_slope"] == pytest.approx(12 * octaves, rel=0.02)
    assert found["melody_slope_mean"] == pytest.approx(12 * octaves, rel=0.03)
    assert _hz(found["f0_p50"]) == pytest.approx(180 * 2 ** (octaves / 2), rel=0.01)
    assert found["f0_range"] == pytest.approx(12 * abs(octaves), rel=0.06)


def test_noise_is_not_voiced():
    assert _described(0.1 * _noise())["voiced_share"] < 0.03


@pytest.mark.parametrize("ratio_db", [5, 10, 20])
def test_hnr_is_the_ratio_of_harmonics_to_noise(ratio_db):
    voice, noise = _voice(140), _noise(seed=1)
    noise *= np.sqrt(np.mean(voice**2) / np.mean(noise**2)) * 10 ** (-ratio_db / 20)
    assert _described(voice + noise)["hnr_mean"] == pytest.approx(ratio_db, abs=2)


def _mel_bands_by_hand(sound):
    """Returns the power in 26 mel bands, float64 [26, frames], by scipy's spectrogram and loops."""
    hz, _, power = scipy.signal.spectrogram(
        sound, RATE_HZ, "hann", nperseg=400, noverlap=240, nfft=512, detrend=False, mode="psd"
    )
    edges = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 8000 / 700), 28)
    mel = 2595 * np.log10(1 + hz / 700)
    bands = np.zeros((26, power.shape[1]))
    for band in range(26):
        left, centre, right = edges[band : band + 3]
        for place, value in enumerate(mel):
            weight = min((value - left) / (centre - left), (right - value) / (right - centre))
            bands[band] += max(weight, 0) * power[place]
    return bands


def test_mel_bands_and_mfcc_against_scipys_spectrogram():
    sound = _noise(seed=2) * 0.1 + _voice(200)
    sound -= sound.mean()
    bands = _mel_bands_by_hand(sound)
    levels, balance = 10 * np.log10(bands), 10 * np.log10(bands / bands.sum(axis=0))
    found = _described(sound)
    for band, contour in enumerate(balance):
        assert found[f"mel{band}_mean"] == pytest.approx(contour.mean(), abs=0.01)
        assert found[f"mel{band}_std"] == pytest.approx(contour.std(), abs=0.01)
        assert found[f"mel{band}_p10"] == pytest.approx(np.percentile(contour, 10), abs=0.02)
    for number in (1, 5, 12):
        cosine = np.cos(np.pi * number * (np.arange(26) + 0.5) / 26) * np.sqrt(2 / 26)
        cepstrum = cosine @ levels
        assert found[f"mfcc{number}_mean"] == pytest.approx(cepstrum.mean(), abs=0.02)
        assert found[f"mfcc{number}_p90"] == pytest.approx(np.percentile(cepstrum, 90), abs=0.02)


def test_the_spectrum_of_a_tone_and_of_noise():
    def shape(sound):
        # Over voiced frames, or where none is, over all that sound.
        found = _described(sound).items()
        return {name.removeprefix("voiced_"): value for name, value in found}

    tone = shape(0.5 * np.sin(2 * np.pi * 2000 * _time_s()))
    assert tone["spectral_centroid_mean"] == pytest.approx(2.0, abs=0.01)
    assert tone["spectral_rolloff50_p50"] == pytest.approx(2.0, abs=0.04)
    # Two zero crossings a period.
    assert tone["spectral_zero_crossings_mean"] == pytest.approx(2 * 2000 / RATE_HZ, abs=0.003)
    noise = shape(0.1 * _noise())
    assert noise["spectral_centroid_mean"] == pytest.approx(4.0, abs=0.1)
    # A uniform distribution from 0 to 8 kHz.
    assert noise["spectral_spread_mean"] == pytest.approx(8 / np.sqrt(12), abs=0.1)
    assert abs(noise["spectral_slope_mean"]) < 0.2
    assert tone["spectral_entropy_mean"] < 0.4 < 0.9 < noise["spectral_entropy_mean"]
    assert tone["spectral_flatness_mean"] < noise["spectral_flatness_mean"] - 20
    # A first-order low-pass, whose power is known: 50 Hz to 1 kHz over 1 to 5 kHz.
    hz, response = scipy.signal.freqz([1], [1, -0.9], 8_000, fs=RATE_HZ)
    power = np.abs(response) ** 2
    low, high = (power[(hz >= a) & (hz < b)].sum() for a, b in ((50, 1_000), (1_000, 5_000)))
    dark = shape(0.02 * scipy.signal.lfilter([1], [1, -0.9], _noise(3.0)))
    assert dark["spectral_alpha_ratio_mean"] == pytest.approx(10 * np.log10(low / high), abs=0.5)


def test_syllables_and_their_modulation():
    envelope = 0.55 - 0.45 * np.cos(2 * np.pi * 5 * _time_s(3.0))
    found = _described(envelope * _voice(130, duration_s=3.0))
    assert found["peaks_rate"] == pytest.approx(5, abs=0.4)
    assert found["peaks_interval_mean_s"] == pytest.approx(0.2, abs=0.005)
    assert found["peaks_interval_std_s"] < 0.01
    bands = {name: value for name, value in found.items() if name.startswith("modulation_all")}
    assert max(bands, key=bands.get) == "modulation_all_4_6hz"
    assert found["duration_s"] == pytest.approx(3.0, abs=0.03)


def test_segments_by_hand():
    pause, voice, hiss = np.zeros(3200), _voice(150, duration_s=0.3), 0.05 * _noise(0.2)
    found = _described(np.concatenate([voice, pause, voice, pause, hiss, pause]))
    assert found["voiced_rate"] == pytest.approx(2 / 1.4, abs=0.05)
    assert found["voiced_mean_s"] == pytest.approx(0.3, abs=0.03)
    assert found["voiced_longest_s"] == pytest.approx(0.3, abs=0.03)
    assert found["pause_share"] == pytest.approx(0.6 / 1.4, abs=0.06)
    assert found["pause_longest_s"] == pytest.approx(0.2, abs=0.03)
    assert found["unvoiced_longest_s"] == pytest.approx(0.2, abs=0.05)


def test_functionals_against_scipy():
    random = np.random.default_rng(3)
    values = random.gamma(2.0, size=(80, 4)) + np.linspace(0, [1, -1, 0, 5], 80)
    where = np.ones(80, bool)
    where[[0, 13, 14, 40]] = False
    found = statistics.functionals(values, where)
    times_s = np.flatnonzero(where) * 0.01
    for contour, row in zip(values.T, found, strict=True):
        chosen = contour[where]
        steps = [abs(contour[i + 1] - contour[i]) for i in range(79) if where[i] and where[i + 1]]
        expected = {
            "mean": chosen.mean(),
            "std": chosen.std(),
            "skewness": scipy.stats.skew(chosen),
            **{
                f"p{percent}": scipy.stats.scoreatpercentile(chosen, percent)
                for percent in (5, 10, 25, 50, 75, 90, 95)
            },
            "range": chosen.max() - chosen.min(),
            "slope": scipy.stats.linregress(times_s, chosen).slope,
            "mad": np.mean(steps),
        }
        assert list(expected) == list(statistics.FUNCTIONALS)
        np.testing.assert_allclose(row, list(expected.values()), rtol=1e-9)


def test_deltas_are_slopes_over_five_frames():
    values = np.random.default_rng(4).normal(size=(20, 2))
    found = statistics.delta(values)
    assert found.shape == values.shape
    for place in range(2, 18):
        line = scipy.stats.linregress(range(5), values[place - 2 : place + 3, 1])
        assert found[place, 1] == pytest.approx(line.slope)


def test_level_is_in_levels_only():
    sound = _voice(170 * 2 ** (0.3 * _time_s())) * np.hanning(RATE_HZ) + 0.001 * _noise()
    loud, quiet = _described(sound), _described(0.1 * sound)
    place = r"_(mean|p\d+)"
    shifted = re.compile(rf"(voiced_)?level{place}")
    for name, value in loud.items():
        if shifted.fullmatch(name):
            assert quiet[name] == pytest.approx(value - 20, abs=2e-3), name
        elif re.fullmatch(rf"(voiced_)?mfcc0{place}", name):
            # The sum of 26 bands over the root of their number.
            assert quiet[name] == pytest.approx(value - 20 * np.sqrt(26), abs=1e-2), name
        else:
            assert quiet[name] == pytest.approx(value, rel=1e-3, abs=1e-3), name


def test_a_constant_added_is_not_heard():
    sound = 0.3 * _voice(120)
    found, shifted = functionals.extract([sound, sound + 0.25])
    np.testing.assert_allclose(found, shifted, rtol=2e-3, atol=2e-3)


ODD = {
    "nothing": np.zeros(0),
    "one sample": np.array([0.5]),
    "silence": np.zeros(30_000),
    "constant": np.full(16_000, 0.1),
    "50 ms": _voice(200, duration_s=0.05),
    "26 ms": _voice(200, duration_s=0.026),
    "click": np.eye(1, 16_000, 8_000)[0],
    "one step of 16 bits": np.eye(1, 16_000, 100)[0] / 32768,
    "full scale": np.sign(_voice(100)),
    "beyond full scale": 1e4 * _voice(100),
    "hardly anything": 1e-30 * _voice(100),
    "one step's noise": np.round(_noise() * 0.5) / 32768,
    "a tone without noise": 0.5 * np.sin(2 * np.pi * 1000 * _time_s(3.375)),
    "sound after silence": np.concatenate([np.zeros(20_000), _voice(300)]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_clips_have_finite_features(name):
    (found,) = functionals.extract([ODD[name].astype(np.float32)])
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    # Nothing that would drown all else in z-scores.
    assert np.abs(found).max() < 5e3


def test_a_clip_does_not_depend_on_its_neighbours():
    sounds = [sound.astype(np.float32) for sound in ODD.values()]
    together = functionals.extract(sounds)
    np.testing.assert_array_equal(together[::-1], functionals.extract(reversed(sounds)))
    assert functionals.extract([]).shape == (0, len(functionals.NAMES))


@pytest.mark.parametrize("clip", [np.array([0.0, np.nan]), np.zeros((100, 2))])
def test_what_is_no_clip(clip):
    with pytest.raises(ValueError, match="clip 1 must be"):
        functionals.extract([np.zeros(100), clip])

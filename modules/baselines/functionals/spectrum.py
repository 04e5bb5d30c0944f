"""Mel bands, MFCC and the shape of the spectrum, by frame."""

import functools

import numpy as np
import scipy.fft

from modules.baselines.functionals.frames import FFT_SAMPLES, Frames, decibels
from schemas.sound import SAMPLE_RATE_HZ

MEL_BANDS = 26
CEPSTRA = 13
SHAPE = (
    "centroid",
    "spread",
    "skewness",
    "kurtosis",
    "rolloff25",
    "rolloff50",
    "rolloff75",
    "rolloff90",
    "flux",
    "flatness",
    "entropy",
    "slope",
    "slope_0_500",
    "slope_500_1500",
    "alpha_ratio",
    "hammarberg",
    "zero_crossings",
)

_LOWEST_HZ = 20.0
_HZ = np.arange(FFT_SAMPLES // 2 + 1) * SAMPLE_RATE_HZ / FFT_SAMPLES
_TINY = np.finfo(np.float32).tiny


def mel_db(frames: Frames) -> np.ndarray:
    """Returns the power in mel bands in dB, float32 `[frames, 26]`, relative as `frames` are."""
    return decibels(frames.power @ mel_filters().T)


def balance_db(bands_db: np.ndarray) -> np.ndarray:
    """Returns mel bands relative to the power of all of them in the frame, in dB."""
    return bands_db - 10 * np.log10(np.sum(10 ** (bands_db / 10), axis=1, keepdims=True))


@functools.cache
def mel_filters() -> np.ndarray:
    """Returns triangles with a peak of 1, equally wide on the mel scale: float32 `[26, 257]`.

    From 20 Hz to 8 kHz; mel = 2595 log10(1 + Hz / 700).
    """
    mel = 2595 * np.log10(1 + _HZ / 700)
    low, high = 2595 * np.log10(1 + np.array([_LOWEST_HZ, SAMPLE_RATE_HZ / 2]) / 700)
    width = (high - low) / (MEL_BANDS + 1)
    centres = low + width * np.arange(1, MEL_BANDS + 1)
    return np.maximum(0, 1 - np.abs(mel - centres[:, None]) / width).astype(np.float32)


def mfcc(bands_db: np.ndarray) -> np.ndarray:
    """Returns the first 13 coefficients of an orthonormal DCT of mel bands: `[frames, 13]`."""
    return scipy.fft.dct(bands_db, axis=1, norm="ortho")[:, :CEPSTRA]


def shape(frames: Frames) -> np.ndarray:
    """Returns the contours `SHAPE`, float64 `[frames, 17]`.

    Frequencies are in kHz, levels in dB, slopes in dB per kHz; flux is the distance of the
    normalised spectrum from the frame before (0 for the first), zero crossings are a share of the
    samples.
    """
    power = frames.power.astype(np.float64)
    total = power.sum(axis=1, keepdims=True)
    # Frames without any sound count as white.
    share = np.where(total > _TINY, power / np.maximum(total, _TINY), 1 / power.shape[1])
    level = decibels(power)
    khz = _HZ / 1000
    return np.column_stack(
        [
            _moments(share, khz),
            _rolloffs(share, khz),
            _flux(share),
            level.mean(axis=1) - decibels(power.mean(axis=1), float(power.max())),
            -np.sum(share * np.log(np.maximum(share, _TINY)), axis=1) / np.log(share.shape[1]),
            _slope(level, khz, 0.0, 8.0),
            _slope(level, khz, 0.0, 0.5),
            _slope(level, khz, 0.5, 1.5),
            _level(power, 0.05, 1.0) - _level(power, 1.0, 5.0),
            level[:, khz < 2].max(axis=1) - level[:, (khz >= 2) & (khz < 5)].max(axis=1),
            np.mean(np.signbit(frames.short[:, 1:]) != np.signbit(frames.short[:, :-1]), axis=1),
        ]
    )


def _moments(share: np.ndarray, khz: np.ndarray) -> np.ndarray:
    """Returns mean, standard deviation, skewness and excess kurtosis over frequency."""
    first, second, third, fourth = (share @ khz**power for power in (1, 2, 3, 4))
    variance = np.maximum(second - first**2, 1e-6)
    spread = np.sqrt(variance)
    skewness = (third - 3 * first * second + 2 * first**3) / spread**3
    kurtosis = (fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4) / variance**2 - 3
    # Of nearly pure tones they are large without bound.
    return np.column_stack([first, spread, np.arcsinh(skewness), np.arcsinh(kurtosis)])


def _rolloffs(share: np.ndarray, khz: np.ndarray) -> np.ndarray:
    """Returns the frequencies below which 25, 50, 75 and 90% of the power lie."""
    summed = np.cumsum(share, axis=1)
    places = np.column_stack([np.sum(summed < part, axis=1) for part in (0.25, 0.5, 0.75, 0.9)])
    return khz[np.minimum(places, len(khz) - 1)]


def _flux(share: np.ndarray) -> np.ndarray:
    change = np.diff(np.sqrt(share), axis=0, prepend=np.sqrt(share[:1]))
    return np.sqrt(np.sum(change**2, axis=1))


def _slope(level: np.ndarray, khz: np.ndarray, low: float, high: float) -> np.ndarray:
    band = (khz >= low) & (khz <= high)
    centred = khz[band] - khz[band].mean()
    return level[:, band] @ centred / np.sum(centred**2)


def _level(power: np.ndarray, low_khz: float, high_khz: float) -> np.ndarray:
    band = (low_khz * 1000 <= _HZ) & (high_khz * 1000 > _HZ)
    return decibels(power[:, band].sum(axis=1), float(power.max()))

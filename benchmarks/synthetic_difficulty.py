"""Whether the synthetic corpora's emotions are told by more than how long and how loud clips are.

`python -m benchmarks.synthetic_difficulty` makes the synthetic corpora and prints, for each and for
all together, the UAR of a linear classifier over the five speaker-independent folds: on duration
and level alone, and on spectrum and pitch (without duration and level). The ratio of what each is
above chance says how trivial the corpus is; well below 1 is wanted. Over-length clips are left out.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.signal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from schemas.sound import INPUT_DURATION_S, SAMPLE_RATE_HZ
from schemas.splits import NUM_FOLDS
from schemas.utterance import Utterance

TARGET = 0.6
FRAME, HOP, MELS, COEFFICIENTS = 512, 160, 40, 20


def duration_and_level(waveform: np.ndarray) -> np.ndarray:
    """Returns the duration in s and the level in dBFS of float [samples] at 16 kHz."""
    level_db = 20 * np.log10(np.sqrt(np.mean(waveform.astype(float) ** 2)))
    return np.array([len(waveform) / SAMPLE_RATE_HZ, level_db])


def spectrum_and_pitch(waveform: np.ndarray) -> np.ndarray:
    """Returns means and standard deviations of MFCCs (without the level) and of the pitch."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(float), FRAME)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    cepstrum = scipy.fft.dct(np.log(power @ _mel_filters().T + 1e-10), norm="ortho")
    energy = frames.std(axis=1)
    loud = energy > np.quantile(energy, 0.3)
    cepstrum = cepstrum[loud, 1:COEFFICIENTS]
    pitch = np.log2(_pitch_hz(waveform))
    pitch = pitch if len(pitch) else np.zeros(1)
    return np.concatenate(
        [
            cepstrum.mean(axis=0),
            cepstrum.std(axis=0),
            np.abs(np.diff(cepstrum, axis=0)).mean(axis=0),
            [pitch.mean(), pitch.std(), *np.quantile(pitch, (0.1, 0.5, 0.9))],
        ]
    )


def uar(features: np.ndarray, clips: Sequence[Utterance]) -> float:
    """Returns the UAR over the speaker-independent folds for features [clips, dimensions]."""
    emotions = np.array([clip.emotion for clip in clips])
    folds = np.array([clip.fold_speaker_independent for clip in clips])
    predicted = np.empty_like(emotions)
    for test in range(NUM_FOLDS):
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.3, class_weight="balanced", max_iter=500)
        )
        model.fit(features[folds != test], emotions[folds != test])
        predicted[folds == test] = model.predict(features[folds == test])
    return float(balanced_accuracy_score(emotions, predicted))


def compare(folder: Path, *, seed: int, scale: float) -> dict[str, tuple[float, float, float]]:
    """Synthesizes into `folder`.

    Returns:
      Corpus, or `all`, to the UAR of chance, of `duration_and_level`, of `spectrum_and_pitch`.
    """
    from corpora import synthetic
    from corpora.indexing import index
    from modules.audio import loading

    sources = synthetic.synthesize(folder, seed=seed, scale=scale)
    utterances = [
        clip
        for clip in index.index([(name, str(path)) for name, path in sources]).utterances
        if clip.duration_s <= INPUT_DURATION_S
    ]
    waveforms = [loading.load(Path(clip.path).read_bytes()) for clip in utterances]
    simple, real = (
        np.array([function(waveform) for waveform in waveforms])
        for function in (duration_and_level, spectrum_and_pitch)
    )
    result = {}
    for name in (*(name for name, _ in sources), "all"):
        rows = [i for i, clip in enumerate(utterances) if name in (clip.domain, "all")]
        clips = [utterances[i] for i in rows]
        chance = 1 / len({clip.emotion for clip in clips})
        result[name] = chance, uar(simple[rows], clips), uar(real[rows], clips)
    return result


def _mel_filters() -> np.ndarray:
    """Returns triangles [MELS, FRAME // 2 + 1] between 80 Hz and 7.6 kHz."""
    hz = np.linspace(0, SAMPLE_RATE_HZ / 2, FRAME // 2 + 1)
    lowest, highest = 1127 * np.log1p(np.array([80.0, 7_600.0]) / 700)
    edges = np.linspace(lowest, highest, MELS + 2)
    edges = 700 * np.expm1(edges / 1127)
    rise = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    return np.clip(np.minimum(rise, fall), 0, None)


def _pitch_hz(waveform: np.ndarray) -> np.ndarray:
    """Returns the pitch of the voiced ones of windows of 40 ms, by autocorrelation."""
    size, shortest, longest = 640, SAMPLE_RATE_HZ // 450, SAMPLE_RATE_HZ // 70
    windows = np.lib.stride_tricks.sliding_window_view(waveform.astype(float), 2 * size)[::size]
    windows = (windows - windows.mean(axis=1, keepdims=True)) * np.hanning(2 * size)
    power = np.abs(np.fft.rfft(windows, 4 * size)) ** 2
    correlation = np.fft.irfft(power)[:, : longest + 1]
    correlation = correlation / np.maximum(correlation[:, :1], 1e-9)
    lags = shortest + correlation[:, shortest:].argmax(axis=1)
    voiced = correlation[np.arange(len(lags)), lags] > 0.4
    return SAMPLE_RATE_HZ / lags[voiced]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--scale", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="keep the corpora here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ser-benchmark-") as name:
        folder = arguments.out or Path(name)
        results = compare(folder, seed=arguments.seed, scale=arguments.scale)
    print(f"{'UAR':>10}  chance  duration, level  spectrum, pitch  ratio above chance")
    for name, (chance, simple, real) in results.items():
        ratio = (simple - chance) / (real - chance)
        print(f"{name:>10}  {chance:6.3f}  {simple:15.3f}  {real:15.3f}  {ratio:18.2f}")


if __name__ == "__main__":
    main()

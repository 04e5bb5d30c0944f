"""How often real speech is called unsure, and sounds that are no speech are not.

Asks a release's served models about the recordings of its test fold, decoded as the release decoded
them, and about sounds made here.

    python -m benchmarks.unsure OUTPUT
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import scipy.signal
import tensorflow as tf

from pipeline import config as configs
from pipeline.run_folder import CONFIG_FILE
from schemas import features, signatures, sound
from schemas.splits import FOLD_SPLITS

_BATCH = 16


def sounds(duration_s: float = 3.0, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Returns sounds that are no speech, float32 `[samples]` at 16 kHz, by name."""
    random = np.random.default_rng(seed)
    count = round(duration_s * sound.SAMPLE_RATE_HZ)
    time_s = np.arange(count) / sound.SAMPLE_RATE_HZ
    white = random.normal(size=count)

    def coloured(slope: float) -> np.ndarray:
        hz = np.maximum(np.fft.rfftfreq(count, 1 / sound.SAMPLE_RATE_HZ), 1.0)
        shaped = np.fft.irfft(np.fft.rfft(white) * hz ** (-slope / 2), count)
        return np.asarray(shaped / np.abs(shaped).max())

    def tones(*hz: float) -> np.ndarray:
        return np.asarray(sum(np.sin(2 * np.pi * each * time_s) for each in hz))

    clicks = np.zeros(count)
    clicks[random.integers(0, count, 12)] = 1.0
    claps = np.zeros(count)
    for start in random.integers(0, count - 1_000, 400):
        burst = random.normal(size=1_000) * np.exp(-np.arange(1_000) / 120)
        claps[start : start + 1_000] += random.uniform(0.2, 1) * burst
    found = {
        "white noise": coloured(0),
        "room noise, pink": 0.03 * coloured(1),
        "room noise, brown": 0.03 * coloured(2),
        "dither": random.integers(-1, 2, count) / 32_768,
        "tone": 0.3 * tones(440),
        "chord": 0.2 * tones(261.6, 329.6, 392.0),
        "beating": 0.3 * tones(440, 445),
        "hum": 0.1 * tones(50, 100, 150, 200),
        "clicks": clicks,
        "applause": claps / np.abs(claps).max(),
        "sweep": 0.3 * scipy.signal.chirp(time_s, 60, duration_s, 6_000, "logarithmic"),
        "noise, 4 Hz": 0.5 * coloured(0) * (1 + tones(4)),
    }
    return {name: np.asarray(samples, np.float32) for name, samples in found.items()}


def newest(folder: Path) -> Path:
    """Returns the folder of the last execution, or of a model's last version."""
    return max(folder.iterdir(), key=lambda each: int(each.name))


def examples_of(output: Path, split: str) -> list[bytes]:
    """Returns the serialized examples of a fold of a release."""
    folder = newest(output / "pipeline_root/AudioExampleGen/examples")
    files = sorted(str(file) for file in (folder / f"Split-{split}").iterdir())
    return list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


def main() -> None:
    """Prints a table for each served model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="output folder of a release")
    output = parser.parse_args().output
    config = configs.load(output / CONFIG_FILE)
    examples = examples_of(output, FOLD_SPLITS[config.test_fold])
    domains = [
        tf.train.Example.FromString(each).features.feature[features.DOMAIN].bytes_list.value[0]
        for each in examples
    ]
    for folder in sorted(Path(config.serving_root).iterdir()):
        model = tf.saved_model.load(str(newest(folder)))
        own = [
            example
            for example, domain in zip(examples, domains, strict=True)
            if folder.name in (signatures.MULTI_DOMAIN, domain.decode())
        ]
        reasons: Counter[str] = Counter()
        for start in range(0, len(own), _BATCH):
            answered = model.signatures[signatures.SIGNATURE_EXAMPLES](
                **{signatures.INPUT_EXAMPLES: tf.constant(own[start : start + _BATCH])}
            )
            reasons.update(each.decode() for each in answered[signatures.OUTPUT_UNSURE].numpy())
        shares = {name: f"{count / len(own):.2%}" for name, count in reasons.items() if name}
        print(f"{folder.name}: {len(own)} clips of the test fold, unsure {shares or 'none'}")
        heard = {}
        for name, samples in sounds().items():
            answered = model.signatures[signatures.SIGNATURE_WAVEFORM](
                **{
                    signatures.INPUT_WAVEFORM: tf.constant(samples[np.newaxis]),
                    signatures.INPUT_NUM_SAMPLES: tf.constant([len(samples)]),
                    signatures.INPUT_RATE_HZ: tf.constant([sound.SAMPLE_RATE_HZ]),
                }
            )
            heard[name] = answered[signatures.OUTPUT_UNSURE].numpy()[0].decode() or "SURE"
        print("  " + ", ".join(f"{name}: {reason}" for name, reason in heard.items()))


if __name__ == "__main__":
    main()

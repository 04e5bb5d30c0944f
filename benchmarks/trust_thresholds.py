"""What the thresholds of docs/trust.md are set between: speech, and sounds that are none.

    python -m benchmarks.trust_thresholds OUTPUT

Takes the training folds of a release (`front_end: whisper`); its test fold takes no part, so that
thresholds can be chosen by this. Prints

- of each rule on the sound, the speech that is nearest to the threshold, and what sounds have;
- how often clips of speakers who were left out lie beyond the distance that is set on all others;
- how far sounds are.
"""

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.model_selection import GroupKFold

from benchmarks.unsure import examples_of, newest, sounds
from modules.audio import network_input
from modules.audio.network_input import decode_pcm16
from modules.export import unsure
from modules.networks import cutting, held
from modules.training import trained
from modules.training.clips import Clips, read_clips
from modules.training.known_speakers import names
from modules.training.trained import Trained
from modules.trust import embedding, typicality
from pipeline import config as configs
from pipeline.run_folder import CONFIG_FILE
from schemas.features import AUDIO
from schemas.sound import SAMPLE_RATE_HZ
from schemas.splits import FOLD_SPLITS

FALSE_ALARMS = (0.002, 0.005, 0.01, 0.02)
MARGINS = (1.0, 1.1, 1.25, 1.5)
PARTS = 10
MEASURES = ("loudest frame, dBFS", "length, s", "clipped share", "level, dB", "spectrum, dB")
EXTREMES = (np.amin, np.amin, np.amax, np.amin, np.amin)


def training_splits(config: configs.ReleaseConfig) -> list[str]:
    """Returns the names of the training folds."""
    return [split for fold, split in enumerate(FOLD_SPLITS) if fold != config.test_fold]


def pretrained(output: Path) -> Trained:
    """Returns a release's multi-domain network."""
    return trained.load(str(newest(output / "pipeline_root/Trainer.pretrain/model")))


def training_clips(output: Path, network: Trained) -> Clips:
    """Returns the embeddings of a release's training folds."""
    config = configs.load(output / CONFIG_FILE)
    feature, row_shape = held.taken(network.spec, embedded=True)
    folder = output / "pipeline_root/Embeddings/embeddings"
    if not folder.is_dir():
        raise SystemExit(f"{output}: has no embeddings; only front ends that hold layers have them")
    examples = newest(folder)
    return read_clips(
        [str(examples / f"Split-{split}" / "*") for split in training_splits(config)],
        limit_bytes=8 * 2**30,
        row_shape=row_shape,
        feature=feature,
    )


def main() -> None:
    """Prints shares of clips by rule, and distances of sounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="output folder of a release")
    output = parser.parse_args().output
    network = pretrained(output)
    clips = training_clips(output, network)
    rows = np.arange(len(clips.labels))
    embeddings = np.concatenate(
        [
            np.asarray(embedding.of_output(clips.inputs.take(part)), np.float32)
            for part in np.array_split(rows, 100)
        ]
    )
    print_rules(output)
    print_speakers(clips, embeddings)
    print_sounds(clips, embeddings, network)


def print_rules(output: Path) -> None:
    """Prints what the rules on the sound measure: of speech the extremes, and of each sound."""
    config = configs.load(output / CONFIG_FILE)
    measured = []
    for split in training_splits(config):
        for example in examples_of(output, split):
            features = tf.train.Example.FromString(example).features.feature
            measured.append(measures(decode_pcm16(features[AUDIO].bytes_list.value[0])))
    speech = np.array(measured)
    print(f"{len(speech):,} clips of the training folds:")
    for name, column, extreme in zip(MEASURES, speech.T, EXTREMES, strict=True):
        print(f"  {name}: {extreme.__name__[1:]} {extreme(column):.3g}")
    for sound, samples in sounds().items():
        own = measures(tf.constant(samples))
        print(f"  {sound}: " + ", ".join(f"{value:.3g}" for value in own))


def measures(samples: tf.Tensor) -> list[float]:
    """Returns what the rules on the sound measure, in the order of `MEASURES`."""
    trimmed = network_input.trim_silence(samples)
    changes = unsure.changes_db(trimmed)
    length_s = len(trimmed) / SAMPLE_RATE_HZ
    found = (unsure.loudest_dbfs(samples), length_s, unsure.clipped_share(samples), *changes)
    return [float(value) for value in found]


def print_speakers(clips: Clips, embeddings: np.ndarray) -> None:
    """Prints shares by rule: of all clips, of the worst domain, and of the worst speaker."""
    speakers = names(clips.domains, clips.speakers)
    rows = np.arange(len(speakers))
    beyond = {
        (share, margin): np.zeros(len(rows), bool) for share in FALSE_ALARMS for margin in MARGINS
    }
    parts = GroupKFold(min(PARTS, len(np.unique(speakers))))
    for others, own in parts.split(embeddings, groups=speakers):
        distances = typicality.fit(embeddings[others], layers=0).distances(embeddings[own])
        usual = typicality.held_out_distances(embeddings[others], speakers[others])
        for share in FALSE_ALARMS:
            limit = typicality.threshold(usual, clips.domains[others], false_alarms=share)
            for margin in MARGINS:
                beyond[share, margin][own] = distances > margin * limit
    for (share, margin), found in beyond.items():
        by_domain = {d: found[clips.domains == d].mean() for d in np.unique(clips.domains)}
        by_speaker = {s: found[speakers == s].mean() for s in np.unique(speakers)}
        domain = max(by_domain, key=lambda name: by_domain[name])
        speaker = max(by_speaker, key=lambda name: by_speaker[name])
        print(
            f"false alarms {share:.3f}, margin {margin:.2f}: {found.mean():.2%} of all,"
            f" {by_domain[domain]:.2%} of {domain}, {by_speaker[speaker]:.2%} of {speaker}"
        )


def print_sounds(clips: Clips, embeddings: np.ndarray, network: Trained) -> None:
    """Prints the distances of sounds that are no speech, as multiples of the limit."""
    usual = typicality.held_out_distances(embeddings, names(clips.domains, clips.speakers))
    limit = typicality.threshold(usual, clips.domains, false_alarms=FALSE_ALARMS[1])
    known = typicality.fit(embeddings, layers=0)
    print(
        f"as multiples of the limit at {FALSE_ALARMS[1]}: farthest clip {usual.max() / limit:.2f}"
    )
    built = network.network()
    layers = built.layers[: embedding.depth(built, network.spec)]
    front = cutting.part(built.input_shape, layers)
    for name, samples in sounds().items():
        heard = network_input.prepare(
            tf.constant(samples), num_samples=built.input_shape[1], trim=True
        )
        output = front(tf.reshape(heard, [1, *built.input_shape[1:]]), training=False)
        [distance] = known.distances(np.asarray(embedding.of_output(output), np.float32))
        print(f"  {name} {distance / limit:.2f}")


if __name__ == "__main__":
    main()

"""How often clips of new speakers lie beyond the distance that calls them unlike the training.

    python -m benchmarks.unlike_training OUTPUT

Takes the embeddings of a release's training folds (`front_end: whisper`); the test fold takes no
part, so that rules can be compared here. A part of the speakers is left out in turn: the distance
is set on all others, as a release does it, and the speakers left out are compared with it.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from modules.networks import held
from modules.training import trained
from modules.training.clips import Clips, read_clips
from modules.training.known_speakers import names
from modules.trust import embedding, typicality
from pipeline import config as configs
from pipeline.run_folder import CONFIG_FILE
from schemas.splits import FOLD_SPLITS

FALSE_ALARMS = (0.002, 0.005, 0.01, 0.02)
MARGINS = (1.0, 1.1, 1.25, 1.5)
PARTS = 10


def newest(folder: Path) -> Path:
    """Returns the folder of the last execution."""
    return max(folder.iterdir(), key=lambda each: int(each.name))


def training_clips(output: Path) -> Clips:
    """Returns the embeddings of a release's training folds."""
    config = configs.load(output / CONFIG_FILE)
    root = output / "pipeline_root"
    network = trained.load(str(newest(root / "Trainer.pretrain/model")))
    feature, row_shape = held.taken(network.spec, embedded=True)
    examples = newest(root / "Embeddings/embeddings")
    folds = [split for fold, split in enumerate(FOLD_SPLITS) if fold != config.test_fold]
    return read_clips(
        [str(examples / f"Split-{split}" / "*") for split in folds],
        limit_bytes=8 * 2**30,
        row_shape=row_shape,
        feature=feature,
    )


def main() -> None:
    """Prints the shares by rule: of all clips, of the worst domain, and of the worst speaker."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="output folder of a release")
    clips = training_clips(parser.parse_args().output)
    rows = np.arange(len(clips.labels))
    embeddings = np.concatenate(
        [
            np.asarray(embedding.of_output(clips.inputs.take(part)), np.float32)
            for part in np.array_split(rows, 100)
        ]
    )
    speakers = names(clips.domains, clips.speakers)
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


if __name__ == "__main__":
    main()

"""Folds, the splits of examples that hold them, and the protocols that assign them."""

NUM_FOLDS = 5
FOLD_SPLITS: tuple[str, ...] = tuple(f"fold-{fold}" for fold in range(NUM_FOLDS))

SPEAKER_INDEPENDENT, RANDOM = "speaker_independent", "random"
# The first is the default; `random` is the paper's.
PROTOCOLS: tuple[str, ...] = (SPEAKER_INDEPENDENT, RANDOM)

# Official parts, as a corpus' makers published them, as a protocol of releases: the test part is
# fold 0, the others are trained on.
PARTITION = "partition"
RELEASE_PROTOCOLS: tuple[str, ...] = (*PROTOCOLS, PARTITION)
PARTS: tuple[str, ...] = ("train", "dev", "test")
PARTITION_TEST_FOLD, PARTITION_DEV_FOLD = 0, NUM_FOLDS - 1
# Other names of the parts.
PART_NAMES: dict[str, tuple[str, ...]] = {
    "train": ("training", "trn"),
    "dev": ("devel", "development", "val", "valid", "validation"),
    "test": ("testing", "eval", "evaluation"),
}

# Whether the target's training folds are part of the pre-training (paper, section 3.3).
S1, S2 = "S1", "S2"
SCENARIOS: tuple[str, ...] = (S1, S2)

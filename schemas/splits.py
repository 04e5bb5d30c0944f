"""Folds, the splits of examples that hold them, and the protocols that assign them."""

NUM_FOLDS = 5
FOLD_SPLITS: tuple[str, ...] = tuple(f"fold-{fold}" for fold in range(NUM_FOLDS))

SPEAKER_INDEPENDENT, RANDOM = "speaker_independent", "random"
# The first is the default; `random` is the paper's.
PROTOCOLS: tuple[str, ...] = (SPEAKER_INDEPENDENT, RANDOM)

"""Folds, the splits of examples that hold them, and the protocols that assign them."""

NUM_FOLDS = 5
FOLD_SPLITS: tuple[str, ...] = tuple(f"fold-{fold}" for fold in range(NUM_FOLDS))

SPEAKER_INDEPENDENT, RANDOM = "speaker_independent", "random"
# The first is the default; `random` is the paper's.
PROTOCOLS: tuple[str, ...] = (SPEAKER_INDEPENDENT, RANDOM)

# Whether the target's training folds are part of the pre-training (paper, section 3.3).
S1, S2 = "S1", "S2"
SCENARIOS: tuple[str, ...] = (S1, S2)

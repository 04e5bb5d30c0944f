"""The inner split: the clips of the training folds on which choices are made."""

import numpy as np


def inner_split(
    labels: np.ndarray,
    domains: np.ndarray,
    speakers: np.ndarray,
    *,
    fraction: float,
    by_speaker: bool,
    seed: int,
    given: np.ndarray | None = None,
) -> np.ndarray:
    """Chooses the clips of the training folds on which early stopping is decided.

    What is chosen of a domain does not depend on which other domains there are.

    Args:
      labels: int64 `[n]`.
      domains, speakers: str `[n]`.
      fraction: Share of each domain's clips to set aside, at least one class-stratified part.
      by_speaker: Whether whole speakers are set aside, so that the inner split asks what the outer
        folds ask.
      seed: Seed of the choice.
      given: bool `[n]`, clips that are set aside in their domains in place of a choice.

    Returns:
      bool `[n]`, true for the clips set aside. A domain whose speakers cannot be divided (fewer
      than two) is divided by clips.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    chosen = np.zeros(len(labels), bool)
    parts = max(2, round(1 / fraction))
    for domain in np.unique(domains):
        rows = np.flatnonzero(domains == domain)
        if given is not None and 0 < given[rows].sum() < len(rows):
            chosen[rows] = given[rows]
            continue
        speaker_count = len(np.unique(speakers[rows]))
        if by_speaker and speaker_count > 1:
            splitter = StratifiedGroupKFold(
                min(parts, speaker_count), shuffle=True, random_state=seed
            )
            split = splitter.split(rows, labels[rows], speakers[rows])
        else:
            most_frequent = int(np.bincount(labels[rows]).max())
            splitter = StratifiedKFold(
                max(2, min(parts, most_frequent)), shuffle=True, random_state=seed
            )
            split = splitter.split(rows, labels[rows])
        _, held_out = next(split)
        chosen[rows[held_out]] = True
    return chosen

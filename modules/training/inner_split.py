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

    Args:
      labels, domains, speakers, fraction, by_speaker, seed, given: As of `inner_parts`.

    Returns:
      bool `[n]`, true for the clips of the first part.
    """
    parts = inner_parts(
        labels,
        domains,
        speakers,
        fraction=fraction,
        by_speaker=by_speaker,
        seed=seed,
        given=given,
    )
    return parts == 0


def inner_parts(
    labels: np.ndarray,
    domains: np.ndarray,
    speakers: np.ndarray,
    *,
    fraction: float,
    by_speaker: bool,
    seed: int,
    given: np.ndarray | None = None,
) -> np.ndarray:
    """Parts the clips of the training folds, so that each part can be set aside in turn.

    The parts of a domain do not depend on which other domains there are.

    Args:
      labels: int64 `[n]`.
      domains, speakers: str `[n]`.
      fraction: Share of each domain's clips in a part, at least one class-stratified part.
      by_speaker: Whether whole speakers are set aside, so that a part asks what the outer folds
        ask.
      seed: Seed of the choice.
      given: bool `[n]`, clips that are set aside in their domains in place of a choice.

    Returns:
      int64 `[n]`, number of each clip's part, from 0; -1 for clips that are in none. A domain whose
      speakers cannot be divided (fewer than two) is divided by clips.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    part_of = np.full(len(labels), -1, np.int64)
    parts = max(2, round(1 / fraction))
    for domain in np.unique(domains):
        rows = np.flatnonzero(domains == domain)
        if given is not None and 0 < given[rows].sum() < len(rows):
            part_of[rows[given[rows]]] = 0
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
        for number, (_, held_out) in enumerate(split):
            part_of[rows[held_out]] = number
    return part_of

"""Runs the study's SVM cells on features of the same sound that the networks hear."""

import time
from collections import Counter

import numpy as np

from modules.baselines import adaptive_svm, svm
from modules.study import cells
from modules.study.clips import Clips
from modules.study.store import Store
from schemas import progress, splits

# Stands for "never": JSON has no infinity.
_NEVER = -1e9


def run(
    cell: cells.Svm | cells.AdaptiveSvm, features: np.ndarray, clips: Clips, store: Store
) -> None:
    """Fits the cell and adds its scores to the store; does nothing if they are there.

    Args:
      cell: The machine.
      features: float32 `[n, features]`, those that the cell names, of the clips, in their order.
      clips: The clips; inputs are not looked at.
      store: Where results go.
    """
    if cell in store:
        return
    started_s = time.monotonic()
    speakers = np.char.add(np.char.add(clips.domains, "/"), clips.speakers)
    groups = speakers if cell.protocol == splits.SPEAKER_INDEPENDENT else None
    domains = cell.sources if isinstance(cell, cells.AdaptiveSvm) else cell.domains
    rows = clips.rows(cell.protocol, domains=domains, folds=cell.split.train)
    model: svm.Svm | adaptive_svm.AdaptiveSvm
    model = source = svm.fit(
        features,
        clips.labels,
        label_count=len(clips.label_set),
        train=rows,
        groups=groups,
        seed=cell.seed,
    )
    chosen = {"c": source.c, "gamma": source.gamma, "inner_uar": source.inner_uar}
    tested_domains = clips.domain_names()
    if isinstance(cell, cells.AdaptiveSvm):
        tested_domains = (cell.target,)
        rows = clips.rows(cell.protocol, domains=tested_domains, folds=cell.split.train)
        model = adaptive_svm.adapt(
            source, features, clips.labels, train=rows, groups=groups, seed=cell.seed
        )
        chosen |= {"adapted_c": model.c, "adapted_inner_uar": model.inner_uar}
    tested = clips.rows(cell.protocol, domains=tested_domains, folds=(cell.split.test,))
    scores = np.maximum(model.scores(features[tested]), _NEVER)
    store.put(
        cell,
        {
            "backend": "scikit-learn",
            "chosen": chosen,
            "train_clips": dict(sorted(Counter(clips.domains[rows].tolist()).items())),
            "train_s": round(time.monotonic() - started_s, 3),
            "tested": clips.utterance_ids[tested].tolist(),
            "emotions": list(clips.label_set),
            "scores": np.round(scores, 6).tolist(),
        },
    )
    progress.MESSAGES.info("%s", cells.describe(cell))

"""A study without trainings: clips and a store whose scores are drawn by chance, from a seed."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from modules.networks.registry import NetworkSpec
from modules.study import cells
from modules.study.clips import Clips
from modules.study.design import Design
from modules.study.store import Store
from modules.training.settings import Settings
from pipeline.reports.study import approaches
from schemas.labels import PAPER, LabelSet
from schemas.splits import PROTOCOLS

SPEAKERS = 10


def clips(
    *domains: str, seed: int = 0, clips_per_class: int = 20, label_set: LabelSet = PAPER
) -> Clips:
    """Returns clips of ten speakers a domain; Emo-DB has none of the last label, surprise."""
    random = np.random.default_rng(seed)
    labels = [
        np.repeat(np.arange(len(label_set) - (name == "emodb")), clips_per_class)
        for name in domains
    ]
    owners = np.repeat(domains, [len(own) for own in labels])
    speakers = random.integers(0, SPEAKERS, len(owners))
    return Clips(
        inputs=None,
        labels=np.concatenate(labels),
        domains=owners,
        speakers=np.array([f"{name}-{who}" for name, who in zip(owners, speakers, strict=True)]),
        utterance_ids=np.array([f"{name}/{i:05d}" for i, name in enumerate(owners)]),
        folds={
            # Every class in every fold.
            "random": np.arange(len(owners)) % 5,
            "speaker_independent": speakers % 5,
        },
        digest="fabricated",
        label_set=label_set,
    )


def design(*domains: str, **changes) -> Design:
    """Returns a design over the domains, all of them targets."""
    settings = Settings(epochs=4)
    defaults = {
        "domains": tuple(sorted(domains)),
        "targets": tuple(sorted(domains)),
        "protocols": PROTOCOLS,
        "network": NetworkSpec(front_end="waveform", preset="fast", outputs=len(PAPER)),
        "pretrain": settings,
        "scratch": settings,
        "fine_tune": settings,
    }
    return Design(**(defaults | changes))


def fill(store: Store, study: Clips, planned, *, skill=lambda cell: 1.0) -> None:
    """Adds a result for each cell: normal scores, the true class `skill(cell)` higher."""
    for cell in planned:
        key = cells.key(cell)
        random = np.random.default_rng(int(key[:12], 16))
        tunes = isinstance(cell, cells.FineTuning)
        own = (cell.target,) if hasattr(cell, "target") else study.domain_names()
        tested = study.rows(cell.protocol, domains=own, folds=(cell.split.test,))
        scores = random.normal(size=(len(tested), len(study.label_set)))
        scores[np.arange(len(tested)), study.labels[tested]] += skill(cell)
        network = cell.parent.network if tunes else getattr(cell, "network", None)
        after = {group: _hash(key, group) for group in (network.groups if network else ())}
        record = {
            "train_clips": dict.fromkeys(own, 10),
            "train_s": 1.5,
            "history": [{"loss": 1.8 / (i + 1), "accuracy": 0.2 * (i + 1)} for i in range(4)],
            "weight_hashes": after,
            "tested": study.utterance_ids[tested].tolist(),
            "emotions": list(study.label_set),
            "scores": scores.tolist(),
        }
        if tunes:
            before = {group: _hash(cells.key(cell.parent), group) for group in after}
            frozen = approaches.frozen(cell)
            record["weight_hashes_before"] = before
            record["weight_hashes"] = after | {group: before[group] for group in frozen}
        store.put(cell, record)


def _hash(key: str, group: str) -> str:
    return hashlib.sha256(f"{key}{group}".encode()).hexdigest()


def study(
    folder: Path,
    *domains: str,
    skill=lambda cell: 1.0,
    without=(),
    label_set: LabelSet = PAPER,
    **changes,
):
    """Returns a store, clips and a design; `without` are cells that have no result."""
    store = Store(folder, identity={"clips": "fabricated", "code": "none"})
    own, plan = clips(*domains, label_set=label_set), design(*domains, **changes)
    left_out = set(without)
    fill(store, own, [cell for cell in plan.plan() if cell not in left_out], skill=skill)
    return store, own, plan


def thinned(own: Clips, keep: np.ndarray) -> Clips:
    """Returns the clips for which `keep`, bool `[n]`, is true."""
    return dataclasses.replace(
        own,
        labels=own.labels[keep],
        domains=own.domains[keep],
        speakers=own.speakers[keep],
        utterance_ids=own.utterance_ids[keep],
        folds={name: folds[keep] for name, folds in own.folds.items()},
    )

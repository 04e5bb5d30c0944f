"""For tests: hand-made embeddings of a base's domain and of one's own, and a base trained on it."""

from pathlib import Path

import numpy as np
from tiny_encoders import random_encoder
from tiny_networks import keep, whisper_spec

from modules.adaptation.plan import Plan
from modules.adaptation.trainings import Trainings
from modules.networks.registry import NetworkSpec
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.job import TrainerJob
from modules.training.pretraining import pretrain
from modules.training.rows import ArrayRows
from modules.training.settings import Settings
from modules.training.trained import Trained
from schemas.labels import LabelSet

LABELS = LabelSet(("anger", "fear", "sadness"))
OTHER_LABELS = LabelSet(("anger", "fear", "boredom"))
WIDTH = 32
PLENTY = 2**28
SETTINGS = Settings(
    epochs=6,
    batch_size=8,
    optimizer="adamw",
    learning_rate=0.005,
    sampling="balanced",
    label_smoothing=0.1,
)


def spec(folder: Path, *, members: int = 1) -> NetworkSpec:
    """Returns a network over a random encoder, which is put into the store at `folder`."""
    encoder = random_encoder()
    return whisper_spec(encoder, sha256=keep(encoder, folder), members=members, outputs=len(LABELS))


def clips(
    *,
    domain: str = "own",
    speakers: int = 5,
    each: int = 2,
    turned: int = 0,
    labels: LabelSet = LABELS,
    noise: float = 0.3,
    seed: int = 0,
) -> Clips:
    """Returns clips whose embeddings tell their labels.

    Args:
      domain: Their domain.
      speakers: Number of speakers.
      each: Clips of each label and speaker.
      turned: How many labels further on the embedding of a label points, as of another language.
      labels: Label set.
      noise: Standard deviation of what says nothing.
      seed: Seed of the noise.
    """
    random = np.random.default_rng(seed)
    label = np.tile(np.arange(len(labels)), speakers * each)
    speaker = np.repeat(np.arange(speakers), len(labels) * each)
    inputs = random.normal(0.0, noise, (len(label), WIDTH)).astype(np.float32)
    # Eight of the values belong to each label.
    inputs += 2.0 * (np.arange(WIDTH) // 8 == (label + turned)[:, np.newaxis] % len(labels))
    return Clips(
        inputs=ArrayRows(inputs),
        labels=label.astype(np.int64),
        domains=np.full(len(label), domain),
        speakers=np.array([f"s{number}" for number in speaker]),
        utterance_ids=np.array([f"{domain}/{number:03d}" for number in range(len(label))]),
        domain_classes={domain: tuple(range(len(labels)))},
        statistics=None,
    )


def engine(own: Clips, network: NetworkSpec) -> Engine:
    """Returns an engine of clips that are embeddings."""
    return Engine(
        own.inputs, own.labels, domains=own.domains, given=network.held, limit_bytes=PLENTY
    )


def base(network: NetworkSpec) -> Trained:
    """Returns a network pre-trained on clips of the domain `old`."""
    old = clips(domain="old", speakers=6, each=4, seed=1)
    job = TrainerJob(
        name="pretrain",
        stage="pretrain",
        network=network,
        labels=LABELS,
        settings=SETTINGS,
        inner_fraction=0.2,
        protocol="random",
        trim_silence=False,
        seed=0,
        embedded=True,
    )
    return pretrain(job, old, engine(old, network))


def plan(network: NetworkSpec, *, labels: LabelSet = LABELS, **changes) -> Plan:
    """Returns a plan whose job's fields, too, can be given."""
    job = {
        "name": "own",
        "stage": "fine_tune",
        "network": network,
        "labels": labels,
        "settings": SETTINGS,
        "inner_fraction": 0.2,
        "protocol": "speaker_independent",
        "trim_silence": False,
        "seed": 0,
        "embedded": True,
        "candidates": ("A1", "A2", "A5", "A8"),
        "domain": "own",
        "scenario": "S2",
        "base": "release/pretrain",
        "approach": "A2",
    }
    job |= {name: changes.pop(name) for name in list(changes) if name in job}
    own = {"scratch": SETTINGS, "by_speaker": True, "least_steps": 20, **changes}
    return Plan(job=TrainerJob(**job), **own)


def trainings(own: Clips, network: NetworkSpec, trained: Trained, **changes) -> Trainings:
    """Returns what trains on clips; `changes` are the plan's."""
    return Trainings(plan(network, **changes), own, engine(own, network), trained)


def folds(own: Clips) -> np.ndarray:
    """Returns a fold for each speaker, int64 `[n]`."""
    return np.array([int(name[1:]) % 5 for name in own.speakers], np.int64)

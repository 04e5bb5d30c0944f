"""Typed jobs: they survive JSON, and a fine-tuning is complete or refused."""

import json

import pytest

from modules.networks.registry import NetworkSpec
from modules.training.job import TrainerJob
from modules.training.settings import Settings
from schemas.labels import LabelSet

ARGUMENTS = {
    "name": "emodb",
    "stage": "fine_tune",
    "network": NetworkSpec(front_end="waveform", preset="fast", precision="bfloat16", outputs=3),
    "labels": LabelSet(("anger", "neutral", "rude")),
    "settings": Settings(epochs=3, patience=2, shift_s=0.1),
    "inner_fraction": 0.2,
    "protocol": "random",
    "trim_silence": True,
    "seed": 7,
    "memory_gib": 1.5,
    "domain": "emodb",
    "scenario": "S2",
    "base": "pretrain-without-emodb",
    "approach": "auto",
}


def test_jobs_survive_json():
    job = TrainerJob(**ARGUMENTS)
    again = TrainerJob.from_json(json.loads(json.dumps(job.to_json())))
    assert again == job
    assert again.seeded_settings == Settings(epochs=3, patience=2, shift_s=0.1, seed=7)


@pytest.mark.parametrize("field", ["domain", "scenario", "base", "approach"])
def test_a_fine_tuning_that_lacks_something(field):
    with pytest.raises(ValueError, match=f"the fine-tuning emodb has no {field}"):
        TrainerJob(**{**ARGUMENTS, field: None})

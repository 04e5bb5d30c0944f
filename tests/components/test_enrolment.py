"""What knowing the speakers is worth, on embeddings in which speakers differ more than labels."""

import dataclasses

import numpy as np
import pytest
from base_releases import record
from tiny_encoders import random_encoder
from tiny_networks import keep, whisper_spec

from components.adaptation_gate.enrolment import enrolment
from modules.networks import held
from modules.training import known_speakers
from modules.training.clips import Clips
from modules.training.engine import Engine
from modules.training.job import Job
from modules.training.rows import ArrayRows
from modules.training.settings import BALANCED
from modules.training.trained import Trained, network_record
from schemas.labels import PAPER

ENCODER = random_encoder()

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_ENCODERS", str(folder))
        yield whisper_spec(ENCODER, sha256=keep(ENCODER, folder))


def _clips(spec, *, speakers, clips_each, seed):
    """Labels are told by the first six channels, to which each speaker adds something."""
    random = np.random.default_rng(seed)
    names = np.repeat([f"s{number}" for number in range(speakers)], clips_each)
    labels = np.tile(np.arange(6), -(-len(names) // 6))[: len(names)]
    values = random.normal(0, 0.3, (len(names), *held.shape(spec)))
    values[:, :6] += 2 * np.eye(6)[labels]
    values += np.repeat(random.normal(0, 1.5, (speakers, values.shape[1])), clips_each, axis=0)
    return Clips(
        inputs=ArrayRows(values.astype(np.float32)),
        labels=labels,
        domains=np.full(len(names), "a"),
        speakers=names,
        utterance_ids=np.array([f"a/{number}" for number in range(len(names))]),
        domain_classes={"a": tuple(range(6))},
        statistics=None,
    )


@pytest.fixture(scope="module")
def network(spec):
    clips = _clips(spec, speakers=24, clips_each=24, seed=0)
    everyone = np.arange(len(clips.labels))
    speakers = known_speakers.names(clips.domains, clips.speakers)
    known = known_speakers.offsets(
        clips.inputs, speakers, everyone, known_speakers.mean_of(clips.inputs, everyone)
    )
    inputs = known_speakers.without(clips.inputs, speakers, known, limit_bytes=2**20)
    engine = Engine(inputs, clips.labels, given=spec.held, limit_bytes=2**20)
    job = Job(
        name="a", network=spec, settings=BALANCED.pretrain, train=everyone, report_epochs=False
    )
    weights = engine.run(job).weights
    trained = record(network=network_record(spec, weights), known_speakers=True)
    return Trained(weights=weights, record=trained)


def _enrolment(clips, network, seed=0):
    return enrolment(
        clips,
        network=network,
        labels=PAPER,
        own_labels=PAPER.labels,
        limit_bytes=2**20,
        seed=seed,
    )


def test_known_speakers_are_understood_better(spec, network):
    clips = _clips(spec, speakers=4, clips_each=36, seed=1)
    found = _enrolment(clips, network)
    assert (found.enrolled, found.clips, found.speakers) == (10, 4 * 26, 4)
    assert found.known > found.unknown + 0.2
    assert _enrolment(clips, network) == found
    assert _enrolment(clips, network, seed=1) != found


def test_at_most_half_of_a_speakers_clips_enrol(spec, network):
    found = _enrolment(_clips(spec, speakers=6, clips_each=7, seed=1), network)
    assert found.clips == 6 * 4


def test_speakers_of_one_clip_each(spec, network):
    clips = _clips(spec, speakers=6, clips_each=1, seed=1)
    assert _enrolment(clips, network) is None
    assert _enrolment(dataclasses.replace(clips, speakers=np.full(6, "s")), network).clips == 3

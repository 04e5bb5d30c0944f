"""The study of a network that holds an encoder: its cells' names, and clips that are embeddings."""

import json

import numpy as np
import pytest
from tiny_encoders import random_encoder
from tiny_networks import keep, short_clips, whisper_spec

from modules.networks import held
from modules.study import cells, clips, design
from modules.study.runner import Runner
from modules.study.store import Store
from modules.training.rows import ArrayRows
from modules.training.settings import Settings

CLIPS = 60
ONE = Settings(epochs=2, batch_size=16, optimizer="adamw", learning_rate=1e-3)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    encoder = random_encoder(positions=500)
    sha256 = keep(encoder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_ENCODERS", str(folder))
        yield whisper_spec(encoder, sha256=sha256)


def _design(network):
    return design.Design(
        domains=("a", "b"),
        targets=("a",),
        protocols=("random",),
        folds=(1,),
        tables=(3,),
        network=network,
        pretrain=ONE,
        scratch=ONE,
        fine_tune=ONE,
    )


def _clips(inputs):
    numbers = np.arange(CLIPS)
    return clips.Clips(
        inputs=inputs,
        labels=numbers % 6,
        domains=np.array(["a", "b"])[numbers // 6 % 2],
        speakers=np.array([f"s{i % 5}" for i in numbers]),
        utterance_ids=np.array([f"u{i:02d}" for i in numbers]),
        folds={"random": numbers % 5, "speaker_independent": numbers % 5},
        digest="x",
    )


def test_cells_name_the_encoder_and_survive_json(network):
    planned = _design(network).plan()
    assert [cells.from_json(json.loads(json.dumps(cells.to_json(c)))) for c in planned] == planned
    other = whisper_spec(random_encoder(positions=500), sha256="another")
    assert not {cells.key(c) for c in planned} & {cells.key(c) for c in _design(other).plan()}


def test_approaches_that_come_to_the_same_are_one_cell(network):
    # S1 and S2 of A2 = A3 = A4, A5, A6 = A7, A8; TT; pre-trainings on both and without the target.
    planned = _design(network).plan()
    tunings = [cell for cell in planned if isinstance(cell, cells.FineTuning)]
    assert sorted({cell.approach for cell in tunings}) == ["A2", "A5", "A6", "A8"]
    assert len(tunings) == 2 * 4
    assert len(planned) - len(tunings) == 3


@pytest.mark.component
def test_embeddings_give_what_clips_give(network, tmp_path):
    waveforms = short_clips(3_000 + 200 * np.arange(CLIPS))
    embedder = held.Held(network)
    embeddings = np.stack([embedder.of(waveform[:, 0]) for waveform in waveforms])
    planned = _design(network).plan()
    parent = next(cell for cell in planned if isinstance(cell, cells.Training))
    tuned = [c for c in planned if isinstance(c, cells.FineTuning) and c.parent == parent]
    scores = []
    for name, inputs, given in (
        ("waveforms", waveforms, ()),
        ("embeddings", embeddings, network.held),
    ):
        store = Store(tmp_path / name, identity={})
        runner = Runner(_clips(ArrayRows(inputs)), store, given=given, limit_bytes=2**30)
        runner.run(parent, tuned, keep=False)
        scores.append([store.get(cell)["scores"] for cell in (parent, *tuned)])
    for first, second in zip(*scores, strict=True):
        np.testing.assert_allclose(first, second, atol=2e-3)

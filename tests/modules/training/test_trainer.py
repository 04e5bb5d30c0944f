"""The Trainer's run_fn on real transformed examples: pre-training, then fine-tuning."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import transformed_examples
from tiny_encoders import random_encoder
from tiny_networks import whisper_spec
from transformed_examples import patterns

from modules.export import model as exports
from modules.networks.registry import NetworkSpec, load_network
from modules.training import choice, freezing, pretraining, trained
from modules.training.clips import read_clips
from modules.training.engine import Engine
from modules.training.fine_tuning import fine_tune
from modules.training.job import TrainerJob
from modules.training.pretraining import pretrain
from modules.training.records import TrainingRecord
from modules.training.settings import Settings
from modules.training.trainer import run_fn
from modules.trust.record import TRUST_FILE, Trust
from modules.trust.typicality import Typicality
from schemas import signatures
from schemas.errors import UserError
from schemas.labels import PAPER, PAPER_EMOTIONS, LabelSet

PLENTY = 2**30


def _job(stage, **changes):
    arguments = {
        "name": stage,
        "stage": stage,
        "network": NetworkSpec(front_end="waveform", preset="fast", outputs=6),
        "labels": PAPER,
        "settings": Settings(epochs=2, batch_size=16, patience=2),
        "inner_fraction": 0.2,
        "protocol": "speaker_independent",
        "trim_silence": False,
        "seed": 0,
    }
    if stage == "fine_tune":
        arguments |= {"domain": "b", "scenario": "S1", "base": "pretrain", "approach": "A4"}
    return TrainerJob(**{**arguments, **changes})


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transformed")
    return folder, transformed_examples.write_splits(folder)


def _read(folder, **chosen):
    return read_clips(
        patterns(folder, [0, 1, 2, 3]), limit_bytes=PLENTY, row_shape=(54_000, 1), **chosen
    )


@pytest.fixture(scope="module")
def clips(splits):
    return _read(splits[0])


@pytest.fixture(scope="module")
def engine(clips):
    return Engine(clips.inputs, clips.labels, limit_bytes=PLENTY)


ONE = Settings(epochs=1)


@pytest.fixture(scope="module")
def base(clips, engine):
    return pretrain(_job("pretrain", settings=ONE), clips, engine)


def test_second_scenario_leaves_the_target_out(clips, engine):
    job = _job("pretrain", without_domain="a", settings=ONE)
    assert pretrain(job, clips, engine).record.clips == {"b": 32}


def test_without_fine_tuning_the_network_stays(clips, engine, base):
    # The shift is of trainings; there is none.
    job = _job("fine_tune", domain="a", approach="A1", settings=Settings(epochs=1, shift_s=0.1))
    adapted = fine_tune(job, clips, engine, base, approach="A1", choice={})
    for layer, arrays in base.weights.items():
        for first, after in zip(arrays, adapted.weights[layer], strict=True):
            np.testing.assert_array_equal(first, after)
    record = adapted.record
    assert record.weight_hashes == record.weight_hashes_before == base.record.weight_hashes
    assert record.history == []
    assert set(record.adaptation.fates.values()) == {"frozen"}
    assert not record.adaptation.fine_tuned


@pytest.mark.component
def test_l2_sp_of_a_release_is_the_optimizers(clips, engine, base):
    # In the first step a network is where it started, and L2-SP does nothing yet.
    settings = Settings(epochs=2, batch_size=16)
    job = _job("fine_tune", approach="A2-L2SP", settings=settings)
    record = fine_tune(job, clips, engine, base, approach="A2-L2SP", choice={}).record
    assert record.adaptation.l2_sp == 0.01
    plain = fine_tune(job, clips, engine, base, approach="A2", choice={}).record
    assert plain.adaptation.l2_sp == 0.0
    assert plain.weight_hashes != record.weight_hashes


FOUR = LabelSet(("anger", "happiness", "sadness", "surprise"))


@pytest.mark.component
def test_a_network_learns_labels_among_those_it_knows(splits, tmp_path, clips, engine, base):
    # The same clips of the domain b, in a manifest of its four labels: 0, 3, 4, 5 of the paper's.
    transformed_examples.write_splits(tmp_path, labels={"b": [0, 1, 2, 3]})
    same = _read(splits[0], domain="b")
    fewer = _read(tmp_path)
    own = Engine(same.inputs, fewer.labels, limit_bytes=PLENTY)
    job = _job("fine_tune", approach="A5", labels=FOUR, settings=ONE)
    adapted = fine_tune(job, fewer, own, base, approach="A5", choice={})
    assert adapted.labels == PAPER
    assert adapted.record.domain_labels == {"b": FOUR.labels}
    job = _job("fine_tune", approach="A5", settings=ONE)
    expected = fine_tune(job, clips, engine, base, approach="A5", choice={})
    assert adapted.record.weight_hashes == expected.record.weight_hashes


@pytest.mark.component
@pytest.mark.parametrize("approach", ["A6", "A7", "A8"])
def test_a_new_head_learns_any_labels(clips, engine, base, approach):
    other = LabelSet((*PAPER_EMOTIONS, "neutral", "rude"))
    job = _job("fine_tune", approach=approach, labels=other, settings=ONE)
    adapted = fine_tune(job, clips, engine, base, approach=approach, choice={})
    assert adapted.labels == other
    assert adapted.network().output_shape == (None, 8)
    assert adapted.record.network.parameters == 5_379_798 + 2 * 1_001
    assert adapted.record.weight_hashes_before == base.record.weight_hashes
    assert adapted.record.weight_hashes["conv1"] == base.record.weight_hashes["conv1"]


@pytest.mark.parametrize("approach", ["A1", "A2", "A5", "lstm-only"])
def test_a_network_that_does_not_know_a_label(clips, engine, base, approach):
    other = LabelSet((*PAPER_EMOTIONS, "neutral", "rude"))
    job = _job("fine_tune", approach=approach, labels=other, settings=ONE)
    with pytest.raises(
        UserError,
        match=f"approach {approach} keeps .* of the labels anger, .* does not know neutral, rude:"
        " pre-train a network .* or take an approach with new outputs \\(A6, A7, A8\\)",
    ):
        fine_tune(job, clips, engine, base, approach=approach, choice={})


@pytest.mark.component
def test_a_choice_among_the_approaches_that_labels_allow(clips, engine, base):
    other = LabelSet((*PAPER_EMOTIONS, "neutral"))
    job = _job("fine_tune", approach="auto", labels=other, settings=ONE)
    chosen, uars = choice.choose_approach(job, clips, engine, base)
    assert list(uars) == ["A6", "A7", "A8"]
    assert uars[chosen] == max(uars.values())


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (("A1", "A4", "A2", "A3", "A7", "A6"), ["A1", "A4", "A7"]),
        # What the network refuses stays, for its error.
        (("A2", "convs-only", "A3"), ["A2", "convs-only"]),
    ],
)
def test_candidates_that_come_to_the_same_are_compared_once(candidates, expected):
    spec = whisper_spec(random_encoder())
    assert choice.distinct(candidates, SimpleNamespace(spec=spec)) == expected


@pytest.mark.component
def test_pretrain_then_fine_tune(splits, tmp_path):
    folder, _ = splits
    base = _run(tmp_path / "pretrain", folder, _job("pretrain"), clean_process=True)
    record = _record(tmp_path / "pretrain")
    # Four folds of two speakers; of every domain, whole speakers are set aside.
    assert record.clips == {"a": 24, "b": 32}
    assert 0 < record.held_out["a"] < 12
    assert record.network.parameters == 5_379_798
    assert record.labels == PAPER_EMOTIONS
    assert {"loss", "accuracy", "val_loss", "val_uar"} <= record.history[0].keys()
    assert record.adaptation is None
    losses = [epoch["val_loss"] for epoch in record.history]
    assert record.kept_epoch == int(np.argmin(losses)) + 1

    job = _job("fine_tune")
    _run(tmp_path / "b", folder, job, base_model=base)
    adapted = _record(tmp_path / "b")
    assert adapted.clips == {"b": 32}
    assert adapted.domain_labels == record.domain_labels
    before, after = adapted.weight_hashes_before, adapted.weight_hashes
    assert before == record.weight_hashes
    assert {group for group in before if before[group] == after[group]} == {"conv1", "conv2"}
    assert adapted.adaptation.fates == {
        "conv1": "frozen",
        "conv2": "frozen",
        "lstm": "tuned",
        "dense": "tuned",
    }
    stored = trained.load(str(tmp_path / "b"))
    groups = stored.spec.groups
    assert freezing.weight_hashes(stored.weights, groups) == after
    network = load_network(str(tmp_path / "b" / "network.keras"))
    assert freezing.weight_hashes(freezing.weights_of(network, groups), groups) == after

    served = tf.saved_model.load(str(tmp_path / "b" / "Format-Serving"))
    answer = served.signatures[signatures.SIGNATURE_WAVEFORM](
        waveform=tf.random.normal([1, 16_000], seed=0),
        rate_hz=tf.constant([16_000]),
        num_samples=tf.constant([16_000]),
    )
    probabilities = dict(zip(PAPER, answer["probabilities"][0].numpy(), strict=True))
    # What the domain's training folds lack gets no probability.
    assert probabilities["disgust"] == probabilities["fear"] == 0.0
    assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-5)

    # Again, with memory for 20 of 32 clips.
    limited = _job("fine_tune", memory_gib=20 * 54_000 * 4 / 2**30)
    _run(tmp_path / "again", folder, limited, base_model=base)
    assert _record(tmp_path / "again") == adapted
    left = {path.name for path in (tmp_path / "again").iterdir()}
    assert left == {"Format-Serving", "network.keras", "training.json"}


@pytest.mark.component
@pytest.mark.parametrize("scenario", ["S1", "S2"])
def test_an_approach_is_chosen_on_clips_that_no_network_of_the_choice_saw(
    splits, tmp_path, monkeypatch, scenario
):
    folder, _ = splits
    s2 = scenario == "S2"
    job = _job("pretrain", for_choice=not s2, without_domain="b" if s2 else None)
    base = _run(tmp_path / "pretrain", folder, job)
    record = _record(tmp_path / "pretrain")
    chosen_of: list[np.ndarray] = []

    def spy(labels, domains, speakers, **arguments):
        parts = real(labels, domains, speakers, **arguments)
        chosen_of.append(parts == 0)
        names = np.char.add(domains, speakers)
        assert not set(names[chosen_of[-1]]) & set(names[~chosen_of[-1]])
        return parts

    real = pretraining.inner_parts
    monkeypatch.setattr(pretraining, "inner_parts", spy)
    candidates = ("A1", "A4", "A8")
    job = _job("fine_tune", approach="auto", scenario=scenario, candidates=candidates)
    _run(tmp_path / "b", folder, job, base_model=base)
    adapted = _record(tmp_path / "b")
    uars = adapted.adaptation.choice
    assert list(uars) == ["A1", "A4", "A8"]
    assert all(0 <= uar <= 1 for uar in uars.values())
    assert uars[adapted.adaptation.approach] == max(uars.values())
    assert adapted.adaptation.asked == "auto"
    # The chosen one then learns from all training clips, starting at the full pre-training.
    assert adapted.clips == {"b": 32}
    assert adapted.weight_hashes_before == record.weight_hashes
    if s2:
        assert record.for_choice is None
        with pytest.raises(ValueError, match="no network for the choice"):
            trained.load(str(tmp_path / "pretrain"), for_choice=True)
        return
    # The network of the choice was trained without what it was compared on.
    held_out = int(chosen_of[0].sum())
    assert held_out > 0
    assert record.for_choice.clips["b"] == record.clips["b"] - held_out
    unseen = trained.load(str(tmp_path / "pretrain"), for_choice=True)
    hashes = freezing.weight_hashes(unseen.weights, unseen.spec.groups)
    assert hashes == record.for_choice.weight_hashes != record.weight_hashes


@pytest.mark.component
def test_trust_is_of_clips_that_were_left_out(splits, tmp_path):
    folder, _ = splits
    settings = Settings(epochs=1, batch_size=16)
    asked = {"calibrate": True, "false_alarms": 0.05, "settings": settings}
    base = _run(tmp_path / "pretrain", folder, _job("pretrain", **asked))
    record = _record(tmp_path / "pretrain")
    # The network that calibrates has not seen what the temperature is fitted on.
    left_out = sum(record.clips.values()) - sum(record.for_choice.clips.values())
    assert record.trust.calibration.clips == left_out > 0
    assert sum(each.clips for each in record.trust.domains.values()) == left_out
    known = Typicality.load(tmp_path / "pretrain" / "typicality.npz")
    # The embedding is what the dense layers are given: two steps of 500 numbers.
    assert known.mean.shape == (1_000,)
    served = Trust.from_json((Path(base) / TRUST_FILE).read_text(encoding="utf-8"))
    assert served == record.trust

    # Where the layers below stay as they were, what is usual is the base's, and of this domain.
    for approach, same in (("A5", True), ("A2", False)):
        _run(tmp_path / approach, folder, _job("fine_tune", **asked, approach=approach),
             base_model=base)  # fmt: skip
        trust = _record(tmp_path / approach).trust
        assert trust.calibration.clips == record.trust.domains["b"].clips
        own = Typicality.load(tmp_path / approach / "typicality.npz")
        assert np.array_equal(own.mean, known.mean) == same
        assert not same or trust.distance >= record.trust.distance


def test_a_limit_of_memory_below_one_batch(splits, tmp_path):
    with pytest.raises(UserError, match=r"training\.memory_gib: 0\.001 GiB"):
        _run(tmp_path / "x", splits[0], _job("pretrain", memory_gib=0.001))


def _run(model_dir, folder, job, base_model=None, clean_process=False):
    """Runs the trainer; only on demand what it exports is asked in a process of its own."""
    serving = model_dir / "Format-Serving"
    with pytest.MonkeyPatch.context() as patch:
        if not clean_process:
            patch.setattr(exports, "answer_in_clean_process", lambda directory: {})
        run_fn(
            SimpleNamespace(
                # As TFX passes it on.
                custom_config=json.loads(json.dumps(job.to_json())),
                train_files=patterns(folder, [0, 1, 2, 3]),
                base_model=base_model,
                serving_model_dir=str(serving),
            )
        )
    return str(serving)


def _record(folder):
    return TrainingRecord.from_json((folder / "training.json").read_text(encoding="utf-8"))

"""The Trainer's run_fn on real transformed examples: pre-training, then fine-tuning."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from modules.networks.waveform import load_network
from modules.training import trainer, transfer
from modules.training.clips import read_clips
from modules.training.trainer import fine_tune, pretrain, run_fn
from schemas import features, signatures
from schemas.labels import EMOTIONS

LABELS = {"a": [0, 1, 2], "b": [0, 3, 4, 5]}


def _example(name, domain, speaker, label, waveform, statistics):
    def values(kind, value):
        return tf.train.Feature(**{kind: getattr(tf.train, _LISTS[kind])(value=value)})

    feature = {
        features.WAVEFORM: values("float_list", waveform),
        features.LABEL: values("int64_list", [label]),
        features.DOMAIN: values("bytes_list", [domain.encode()]),
        features.SPEAKER: values("bytes_list", [speaker.encode()]),
        features.UTTERANCE_ID: values("bytes_list", [name.encode()]),
    }
    if statistics:
        feature[features.MEAN] = values("float_list", [statistics[0]])
        feature[features.STD] = values("float_list", [statistics[1]])
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


_LISTS = {"float_list": "FloatList", "int64_list": "Int64List", "bytes_list": "BytesList"}


def _write_splits(folder, *, statistics=None):
    """Writes five folds of two domains; returns the clips by name."""
    random = np.random.default_rng(0)
    time_s = np.arange(54_000) / 16_000
    written = {}
    for fold in range(5):
        split = folder / f"Split-fold-{fold}"
        split.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(split / "part-0.gz"), options="GZIP") as writer:
            for domain, labels in LABELS.items():
                for repeat in range(2):
                    for label in labels:
                        name = f"{domain}/{fold}-{repeat}-{label}"
                        waveform = np.sin(2 * np.pi * 80 * (label + 2) * time_s)
                        waveform = (waveform + random.normal(0, 0.5, 54_000)).astype(np.float32)
                        written[name] = (label, waveform)
                        writer.write(
                            _example(
                                name,
                                domain,
                                f"s{fold}{repeat}",
                                label,
                                waveform,
                                statistics and statistics[domain],
                            )
                        )
    return written


def _patterns(folder, folds):
    return [str(folder / f"Split-fold-{fold}" / "*") for fold in folds]


def _config(stage, **settings):
    return {
        "name": stage,
        "stage": stage,
        "preset": "fast",
        "precision": "float32",
        "training": {"epochs": 2, "batch_size": 16, "patience": 2, "shift_s": 0.0},
        "inner_fraction": 0.2,
        "protocol": "speaker_independent",
        "trim_silence": False,
        "seed": 0,
        **settings,
    }


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transformed")
    return folder, _write_splits(folder)


def test_reads_the_named_folds_in_the_order_of_their_ids(splits):
    folder, written = splits
    clips = read_clips(_patterns(folder, [3, 1]))
    expected = sorted(name for name in written if name.split("/")[1][0] in "13")
    assert clips.utterance_ids.tolist() == expected
    assert clips.waveforms.shape == (28, 54_000, 1)
    for row in (0, 13, 27):
        label, waveform = written[expected[row]]
        assert clips.labels[row] == label
        np.testing.assert_array_equal(clips.waveforms[row, :, 0], waveform)
    assert clips.domain_classes() == {
        "a": ["anger", "disgust", "fear"],
        "b": ["anger", "happiness", "sadness", "surprise"],
    }
    assert clips.statistics is None


def test_reads_statistics(tmp_path):
    _write_splits(tmp_path, statistics={"a": (0.5, 2.0), "b": (-0.25, 1.0)})
    statistics = read_clips(_patterns(tmp_path, [0])).statistics
    assert statistics["a"] == (0.5, 2.0)
    assert statistics["b"] == (-0.25, 1.0)
    # All clips together: 6 of a, 8 of b; the variance of a mixture in closed form.
    mean = (6 * 0.5 + 8 * -0.25) / 14
    square = (6 * (4 + 0.25) + 8 * (1 + 0.0625)) / 14
    assert statistics[""] == pytest.approx((mean, np.sqrt(square - mean**2)))


def test_no_examples(tmp_path):
    with pytest.raises(ValueError, match="no transformed examples"):
        read_clips([str(tmp_path / "*")])


def test_second_scenario_leaves_the_target_out(splits):
    clips = read_clips(_patterns(splits[0], [0, 1, 2, 3]))
    config = _config("pretrain", without_domain="a", training={"epochs": 1})
    _, record = pretrain(clips, config)
    assert record["clips"] == {"b": 32}


def test_without_fine_tuning_the_network_stays(splits):
    clips = read_clips(_patterns(splits[0], [0, 1, 2, 3]))
    network, record = pretrain(clips, _config("pretrain", training={"epochs": 1}))
    before = network.get_weights()
    config = _config("fine_tune", domain="a", approach="A1", scenario="S1")
    network, adapted = fine_tune(network, clips, config, approach="A1")
    for first, after in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(first, after)
    assert adapted["weight_hashes"] == record["weight_hashes"]
    assert adapted["history"] == []


@pytest.mark.component
def test_pretrain_then_fine_tune(splits, tmp_path):
    folder, _ = splits
    base = _run(tmp_path / "pretrain", folder, _config("pretrain"))
    record = json.loads((tmp_path / "pretrain" / "training.json").read_text())
    # Four folds of two speakers; of every domain, whole speakers are set aside.
    assert record["clips"] == {"a": 24, "b": 32}
    assert 0 < record["inner_split"]["a"] < 12
    assert record["parameters"] == 5_379_798
    assert {"loss", "accuracy", "val_loss", "val_uar"} <= record["history"][0].keys()

    config = _config("fine_tune", domain="b", approach="A4", scenario="S1")
    _run(tmp_path / "b", folder, config, base_model=base)
    adapted = json.loads((tmp_path / "b" / "training.json").read_text())
    assert adapted["clips"] == {"b": 32}
    before, after = adapted["weight_hashes_before"], adapted["weight_hashes"]
    assert before == record["weight_hashes"]
    assert {group for group in before if before[group] == after[group]} == {"conv1", "conv2"}
    network = load_network(str(tmp_path / "b" / "network.keras"))
    assert transfer.weight_hashes(network) == after

    served = tf.saved_model.load(str(tmp_path / "b" / "Format-Serving"))
    answer = served.signatures[signatures.SIGNATURE_WAVEFORM](
        waveform=tf.random.normal([1, 16_000], seed=0),
        rate_hz=tf.constant([16_000]),
        num_samples=tf.constant([16_000]),
    )
    probabilities = dict(zip(EMOTIONS, answer["probabilities"][0].numpy(), strict=True))
    # What the domain's training folds lack gets no probability.
    assert probabilities["disgust"] == probabilities["fear"] == 0.0
    assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-5)

    again = tmp_path / "again"
    _run(again, folder, config, base_model=base)
    assert json.loads((again / "training.json").read_text()) == adapted


@pytest.mark.component
@pytest.mark.parametrize("scenario", ["S1", "S2"])
def test_an_approach_is_chosen_on_clips_that_no_network_of_the_choice_saw(
    splits, tmp_path, monkeypatch, scenario
):
    folder, _ = splits
    s2 = scenario == "S2"
    config = _config("pretrain", for_choice=not s2, without_domain="b" if s2 else None)
    base = _run(tmp_path / "pretrain", folder, config)
    record = json.loads((tmp_path / "pretrain" / "training.json").read_text())
    monkeypatch.setattr(transfer, "PAPER_APPROACHES", ("A1", "A4", "A8"))
    chosen_of = []

    def spy(labels, domains, speakers, **arguments):
        chosen_of.append(real(labels, domains, speakers, **arguments))
        names = np.char.add(domains, speakers)
        assert not set(names[chosen_of[-1]]) & set(names[~chosen_of[-1]])
        return chosen_of[-1]

    real = trainer.inner_split
    monkeypatch.setattr(trainer, "inner_split", spy)
    config = _config("fine_tune", domain="b", approach="auto", scenario=scenario)
    _run(tmp_path / "b", folder, config, base_model=base)
    adapted = json.loads((tmp_path / "b" / "training.json").read_text())
    assert adapted["choice"].keys() == {"A1", "A4", "A8"}
    assert all(0 <= uar <= 1 for uar in adapted["choice"].values())
    best = max(adapted["choice"].values())
    assert adapted["choice"][adapted["approach_name"]] == best
    # The chosen one then learns from all training clips, starting at the full pre-training.
    assert adapted["clips"] == {"b": 32}
    assert adapted["weight_hashes_before"] == record["weight_hashes"]
    if s2:
        assert "for_choice" not in record
        return
    # Clips are in the order of their names: 24 of `a`, then 32 of `b`.
    held_out = {"a": chosen_of[0][:24].sum(), "b": chosen_of[0][24:].sum()}
    assert min(held_out.values()) > 0
    assert record["for_choice"]["clips"] == {
        name: record["clips"][name] - count for name, count in held_out.items()
    }


def _run(model_dir, folder, config, base_model=None):
    serving = model_dir / "Format-Serving"
    run_fn(
        SimpleNamespace(
            custom_config=config,
            train_files=_patterns(folder, [0, 1, 2, 3]),
            base_model=base_model,
            serving_model_dir=str(serving),
        )
    )
    return str(serving)

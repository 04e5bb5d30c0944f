"""How a model was adapted is told from its record, and proved by the hashes of its weights."""

import dataclasses

import fabricated_run
from fabricated_run import GROUPS, adapted, hashes, run, with_model

from modules.training.records import TrainingRecord


def test_freezing_is_proved_per_layer_group(page):
    conv1 = hashes()["conv1"][:12]
    [frozen, other] = page.rows("conv1", "frozen")
    assert frozen[2:] == other[2:] == [conv1, conv1, "no", "as intended"]
    [dense] = page.rows("dense", "re-initialised, then trained")
    before, after = hashes()["dense"], hashes(("dense",), salt="b")["dense"]
    assert dense[2:] == [before[:12], after[:12], "yes", "as intended"]
    assert "are those with which the pre-training pretrain ended" in page.text
    # emovo claims S2, but started from other weights than that pre-training's.
    assert "are not those with which the pre-training pretrain-without-emovo ended" in page.text


def test_a_frozen_group_that_changed_shows():
    record = adapted("emodb", "A4", ("conv1", "conv2"))
    record.weight_hashes["conv1"] = "f" * 64
    page = fabricated_run.page(with_model(run(), 1, training=record))
    assert page.rows("conv1", "frozen")[0][3:] == ["ffffffffffff", "yes", "not as intended"]


def test_a_group_that_learnt_nothing_shows():
    record = adapted("emodb", "A2")
    record.weight_hashes["dense"] = record.weight_hashes_before["dense"]
    record = dataclasses.replace(record, idle=("dense",))
    page = fabricated_run.page(with_model(run(), 1, training=record))
    assert page.rows("dense", "tuned")[0][4:] == ["no", "not as intended"]
    assert "Was to learn and did not: dense." in page.text


def test_without_a_record_of_the_pretraining_nothing_is_claimed():
    page = fabricated_run.page(with_model(run(), 1, pretraining=None))
    assert "pre-training pretrain ended" not in page.text
    assert page.rows("conv1", "frozen")


def test_not_fine_tuned_has_no_curves():
    record = adapted("emodb", "A1", GROUPS, fine_tuned=False)
    record = dataclasses.replace(record, history=[], held_out={}, kept_epoch=None)
    page = fabricated_run.page(with_model(run(), 1, training=record))
    assert "pre-trained network as it is" in page.text
    assert "Not trained further: the domain's 300 clips" in page.text
    assert len(page.images()) == 4


def test_a_chosen_approach_is_told_with_what_it_was_chosen_by():
    record = adapted(
        "emodb", "A4", ("conv1", "conv2"), asked="auto", choice={"A1": 0.25, "A4": 0.5}
    )
    page = fabricated_run.page(with_model(run(), 1, training=record))
    assert "auto: A4, S1" in page.text
    assert "chosen by UAR on an inner split: A1 0.250, A4 0.500" in page.text


def test_the_strength_of_l2_sp_shows_where_it_was_trained_with():
    record = adapted("emodb", "A2-L2SP", l2_sp=0.01)
    page = fabricated_run.page(with_model(run(), 1, training=record))
    [row] = [row for row in page.rows("emodb") if len(row) > 8]
    assert row[7].startswith("A2-L2SP, S1all layers tuned, with L2-SP 0.01; pre-trained")
    assert "Adapted to emodb: A2-L2SP, S1 (all layers tuned, with L2-SP 0.01;" in page.text
    assert "pulled towards the pre-trained ones (L2-SP, strength 0.01)." in page.text
    assert "L2-SP" not in fabricated_run.page(run()).text


def test_a_network_of_other_layer_groups_shows_them():
    groups = ("encoder.0", "encoder.1", "head")
    record = adapted(
        "emodb", "top-only", fates=dict.fromkeys(groups[:2], "frozen") | {"head": "tuned"}
    )
    record = dataclasses.replace(
        record,
        weight_hashes_before=dict.fromkeys(groups, "a" * 64),
        weight_hashes={**dict.fromkeys(groups[:2], "a" * 64), "head": "b" * 64},
    )
    page = fabricated_run.page(with_model(run(), 1, training=record))
    assert "encoder.0 and encoder.1 frozen; head tuned" in page.text
    assert page.rows("head", "tuned")[0][2:] == ["a" * 12, "b" * 12, "yes", "as intended"]


def test_a_record_read_back_gives_the_same_page():
    models = tuple(
        dataclasses.replace(
            model,
            training=TrainingRecord.from_json(model.training.to_json()),
            pretraining=model.pretraining and TrainingRecord.from_json(model.pretraining.to_json()),
        )
        for model in run().models
    )
    assert fabricated_run.text(run(models=models)) == fabricated_run.text(run())

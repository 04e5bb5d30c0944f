"""Trainings in words and curves."""

import dataclasses

import fabricated_run
from fabricated_run import run, with_model


def test_training_in_words(page):
    assert (
        "12 of at most 40 epochs; the weights of epoch 9, with the lowest inner loss" in page.text
    )
    assert "300 clips of the training folds, 45 of which only decided" in page.text
    assert "700 clips (emodb 300 and emovo 400) of the training folds, 105 of which" in page.text
    assert "5,379,798 parameters" in page.text


def test_without_early_stopping_the_last_weights_stay():
    record = fabricated_run.training("pretrain")
    settings = dataclasses.replace(record.settings, patience=0, schedule="cosine", shift_s=0.0)
    record = dataclasses.replace(
        record,
        settings=settings,
        held_out={},
        history=[{"loss": 1.5, "accuracy": 0.4}],
        kept_epoch=None,
    )
    page = fabricated_run.page(with_model(run(), 0, training=record), drawn=True)
    assert "1 of at most 40 epochs; the weights of the last stayed." in page.text
    assert "rate 1 (cosine), AdaDelta, clips not shifted." in page.text
    assert "over 1 epoch; at the end loss 1.500, accuracy 0.400" in str(page.images()[1]["alt"])


def test_all_epochs_are_called_all():
    record = fabricated_run.training("pretrain", history=fabricated_run.history(40, best=40))
    page = fabricated_run.page(with_model(run(), 0, training=record))
    assert "All 40 epochs; the weights of epoch 9" in page.text

"""The `run_fn` of TFX's Trainer: pre-training over all domains, and fine-tuning for one.

Both read the transformed examples of the training folds, set an inner split aside for early
stopping, train, and leave in the model's folder: the SavedModel, `network.keras` (from which
fine-tuning starts) and `training.json` (what was done, with the proof of what was frozen).
"""

import dataclasses
import json
import os
from collections import Counter
from typing import Any

import keras
import numpy as np

from modules.metrics.uar import best_of, unweighted_average_recall
from modules.networks.waveform import build_network, load_network
from modules.training import transfer
from modules.training.clips import Clips, read_clips
from modules.training.engine import Settings, fit, inner_split
from schemas.labels import PAPER
from schemas.progress import MESSAGES

NETWORK_FILE = "network.keras"
# Pre-trained without the clips on which approaches are compared.
CHOICE_NETWORK_FILE = "network_for_choice.keras"
RECORD_FILE = "training.json"


class _EpochLog(keras.callbacks.Callback):
    """Tells each epoch's figures to the logger that progress displays listen to."""

    def __init__(self, name: str, epochs: int):
        super().__init__()
        self._name, self._epochs = name, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        figures = " ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        MESSAGES.info("%s: epoch %d of %d %s", self._name, epoch + 1, self._epochs, figures)


def pretrain(
    clips: Clips, config: dict[str, Any], *, for_choice: bool = False
) -> tuple[keras.Sequential, dict[str, Any]]:
    """Trains a new network on all clips except those of `config["without_domain"]` (S2).

    Args:
      clips: of the training folds.
      config: of the pre-training.
      for_choice: whether the clips on which `choose_approach` compares approaches are left out.

    Returns:
      The network, and the record of its training.
    """
    taken = clips.domains != config.get("without_domain")
    if for_choice:
        taken &= ~_inner_split(clips, config)
    rows = np.flatnonzero(taken)
    network = build_network(
        preset=config["preset"], precision=config["precision"], seed=config["seed"]
    )
    history, held_out = _fit(network, clips, rows, config)
    return network, {
        "clips": _count(clips, rows),
        "inner_split": held_out,
        "history": history,
        "weight_hashes": transfer.weight_hashes(network),
    }


def choose_approach(
    path: str, clips: Clips, config: dict[str, Any]
) -> tuple[str, dict[str, float]]:
    """Finds the approach that does best on an inner split of `config["domain"]`'s clips.

    Args:
      path: of a pre-trained network that has not seen that inner split: of
        `pretrain` with `for_choice`, or any of scenario S2.
      clips: of the training folds.
      config: of the fine-tuning.

    Returns:
      The approach's name, the first of equal ones, and the UAR of each on the inner split.
    """
    own = clips.domains == config["domain"]
    held_out = _inner_split(clips, config)
    tested = np.flatnonzero(own & held_out)
    classes = np.unique(clips.labels[own])
    uars = {}
    for name in transfer.PAPER_APPROACHES:
        network = load_network(path)
        _adapt(network, clips, np.flatnonzero(own & ~held_out), config, name)
        probabilities = network.predict(clips.waveforms[tested], batch_size=64, verbose=0)
        answers = best_of(probabilities, classes)
        uars[name] = unweighted_average_recall(clips.labels[tested], answers)
        MESSAGES.info("%s: %s UAR %.3f on the inner split", config["name"], name, uars[name])
    return max(uars, key=lambda name: uars[name]), uars


def fine_tune(
    network: keras.Sequential, clips: Clips, config: dict[str, Any], *, approach: str
) -> tuple[keras.Sequential, dict[str, Any]]:
    """Adapts a pre-trained network to `config["domain"]`, in place.

    Args:
      network: the pre-trained one.
      clips: of the training folds.
      config: of the fine-tuning.
      approach: a key of `transfer.APPROACHES`.

    Returns:
      The network, and the record of its training with the weight hashes that prove what was frozen.
    """
    rows = np.flatnonzero(clips.domains == config["domain"])
    before = transfer.weight_hashes(network)
    history, held_out = _adapt(network, clips, rows, config, approach)
    after = transfer.weight_hashes(network)
    idle = transfer.check_frozen(before, after, transfer.APPROACHES[approach])
    if idle:
        MESSAGES.warning("%s: %s learnt nothing", config["name"], ", ".join(idle))
    return network, {
        "approach": dataclasses.asdict(transfer.APPROACHES[approach]),
        "approach_name": approach,
        "clips": _count(clips, rows),
        "inner_split": held_out,
        "history": history,
        "weight_hashes_before": before,
        "weight_hashes": after,
    }


def _adapt(network, clips: Clips, rows: np.ndarray, config: dict[str, Any], name: str):
    approach = transfer.APPROACHES[name]
    transfer.prepare_network(network, approach, seed=config["seed"])
    if not approach.fine_tuned:
        return [], {}
    return _fit(network, clips, rows, config, approach)


def _inner_split(clips: Clips, config: dict[str, Any]) -> np.ndarray:
    """Returns which clips approaches are compared on, bool `[n]`, equal in every training."""
    return _split(clips, np.arange(len(clips.labels)), config)


def _split(clips: Clips, rows: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    return inner_split(
        clips.labels[rows],
        clips.domains[rows],
        clips.speakers[rows],
        fraction=config["inner_fraction"],
        by_speaker=config["protocol"] == "speaker_independent",
        seed=config["seed"],
    )


def _count(clips: Clips, rows: np.ndarray) -> dict[str, int]:
    return dict(sorted(Counter(clips.domains[rows].tolist()).items()))


def _fit(network, clips: Clips, rows: np.ndarray, config, approach=None):
    """Trains on `rows` less an inner split; the frozen prefix is computed once per clip."""
    settings = Settings(**config["training"], seed=config["seed"])
    rest = rows
    held_out = rows[:0]
    if settings.patience:
        chosen = _split(clips, rows, config)
        rest, held_out = rows[~chosen], rows[chosen]
    prefix, trained = None, network
    if approach is not None and not settings.shift_s:
        # A shifted clip has other outputs each time, so nothing can be computed once.
        prefix, trained = transfer.split_at_frozen_prefix(network, approach)

    def inputs(chosen_rows):
        waveforms = clips.waveforms[chosen_rows]
        return waveforms if prefix is None else prefix.predict(waveforms, batch_size=64, verbose=0)

    history = fit(
        trained,
        inputs(rest),
        clips.labels[rest],
        settings=settings,
        validation=(inputs(held_out), clips.labels[held_out]) if settings.patience else None,
        callbacks=(_EpochLog(config["name"], settings.epochs),),
    )
    return history, _count(clips, held_out)


def run_fn(fn_args: Any) -> None:
    """Entry point of TFX's Trainer.

    Args:
      fn_args: TFX's FnArgs. `train_files` are the transformed examples of the training folds,
        `base_model` the pre-trained model where this is a fine-tuning. `custom_config` holds
        `name`, `stage` (`pretrain` or `fine_tune`), `preset`, `precision`, `training` (the fields
        of `training.Settings` but the seed), `inner_fraction`, `protocol`, `trim_silence`, `seed`;
        `without_domain` and, where an approach will be chosen, `for_choice` for pre-training;
        `domain`, `approach` (or `auto`) and `scenario` for fine-tuning.
    """
    from modules.export.model import export_model

    config = fn_args.custom_config
    keras.backend.clear_session()
    MESSAGES.info("%s: reading clips", config["name"])
    clips = read_clips(fn_args.train_files)
    model_dir = os.path.dirname(fn_args.serving_model_dir)
    os.makedirs(model_dir, exist_ok=True)
    domain = None
    if config["stage"] == "pretrain":
        network, record = pretrain(clips, config)
        if config.get("for_choice"):
            other, record["for_choice"] = pretrain(clips, config, for_choice=True)
            other.save(os.path.join(model_dir, CHOICE_NETWORK_FILE))
    else:
        base = os.path.dirname(fn_args.base_model)
        domain, approach, choice = config["domain"], config["approach"], None
        if approach == transfer.AUTO:
            s2 = config["scenario"] == "S2"
            unbiased = os.path.join(base, NETWORK_FILE if s2 else CHOICE_NETWORK_FILE)
            approach, choice = choose_approach(unbiased, clips, config)
        network, record = fine_tune(
            load_network(os.path.join(base, NETWORK_FILE)), clips, config, approach=approach
        )
        if choice:
            record["choice"] = choice
    network.save(os.path.join(model_dir, NETWORK_FILE))
    domain_classes = clips.domain_classes()
    MESSAGES.info("%s: exporting", config["name"])
    export_model(
        network,
        fn_args.serving_model_dir,
        labels=PAPER,
        trim_silence=config["trim_silence"],
        statistics=clips.statistics,
        domain_labels=domain_classes,
        domain=domain,
    )
    record = {
        "configuration": config,
        "emotions": domain_classes,
        "parameters": network.count_params(),
        **record,
    }
    with open(os.path.join(model_dir, RECORD_FILE), "w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)

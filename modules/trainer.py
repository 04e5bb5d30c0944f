"""The `run_fn` of TFX's Trainer: pre-training over all domains, and fine-tuning for one.

Both read the transformed examples of the training folds, set an inner split aside for early
stopping, train, and leave in the model's folder: the SavedModel, `network.keras` (from which
fine-tuning starts) and `training.json` (what was done, with the proof of what was frozen).
"""

import dataclasses
import json
import logging
import os
from collections import Counter
from typing import Any

import keras
import numpy as np

from modules import transfer
from modules.examples import Clips, read_clips
from modules.network import build_network, load_network
from modules.training import Settings, fit, inner_split

NETWORK_FILE = "network.keras"
RECORD_FILE = "training.json"

_progress = logging.getLogger("ser.progress")


class _EpochLog(keras.callbacks.Callback):
    """Tells each epoch's figures to the logger that progress displays listen to."""

    def __init__(self, name: str, epochs: int):
        super().__init__()
        self._name, self._epochs = name, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        figures = " ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        _progress.info("%s: epoch %d of %d %s", self._name, epoch + 1, self._epochs, figures)


def pretrain(clips: Clips, config: dict[str, Any]) -> tuple[keras.Sequential, dict[str, Any]]:
    """Trains a new network on all clips except those of `config["without_domain"]` (S2).

    Returns:
      The network, and the record of its training.
    """
    taken = np.flatnonzero(clips.domains != config.get("without_domain"))
    network = build_network(preset=config["preset"], seed=config["seed"])
    history, held_out = _fit(network, clips, taken, config)
    return network, {
        "clips": _count(clips, taken),
        "inner_split": held_out,
        "history": history,
        "weight_hashes": transfer.weight_hashes(network),
    }


def fine_tune(
    network: keras.Sequential, clips: Clips, config: dict[str, Any]
) -> tuple[keras.Sequential, dict[str, Any]]:
    """Adapts a pre-trained network to `config["domain"]` by `config["approach"]`, in place.

    Returns:
      The network, and the record of its training with the weight hashes that prove what was frozen.
    """
    approach = transfer.APPROACHES[config["approach"]]
    rows = np.flatnonzero(clips.domains == config["domain"])
    before = transfer.weight_hashes(network)
    transfer.prepare_network(network, approach, seed=config["seed"])
    history, held_out = (
        _fit(network, clips, rows, config, approach) if approach.fine_tuned else ([], {})
    )
    after = transfer.weight_hashes(network)
    transfer.check_frozen(before, after, approach)
    return network, {
        "approach": dataclasses.asdict(approach),
        "clips": _count(clips, rows),
        "inner_split": held_out,
        "history": history,
        "weight_hashes_before": before,
        "weight_hashes": after,
    }


def _count(clips: Clips, rows: np.ndarray) -> dict[str, int]:
    return dict(sorted(Counter(clips.domains[rows].tolist()).items()))


def _fit(network, clips: Clips, rows: np.ndarray, config, approach=None):
    """Trains on `rows` less an inner split; the frozen prefix is computed once per clip."""
    settings = Settings(**config["training"], seed=config["seed"])
    rest = rows
    held_out = rows[:0]
    if settings.patience:
        chosen = inner_split(
            clips.labels[rows],
            clips.domains[rows],
            clips.speakers[rows],
            fraction=config["inner_fraction"],
            by_speaker=config["protocol"] == "speaker_independent",
            seed=config["seed"],
        )
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
        `name`, `stage` (`pretrain` or `fine_tune`), `preset`, `training` (the fields of
        `training.Settings` but the seed), `inner_fraction`, `protocol`, `trim_silence`, `seed`;
        `without_domain` for pre-training; `domain`, `approach` and `scenario` for fine-tuning.
    """
    from modules.export import export_model

    config = fn_args.custom_config
    keras.backend.clear_session()
    _progress.info("%s: reading clips", config["name"])
    clips = read_clips(fn_args.train_files)
    if config["stage"] == "pretrain":
        network, record = pretrain(clips, config)
        domain = None
    else:
        base = os.path.join(os.path.dirname(fn_args.base_model), NETWORK_FILE)
        domain = config["domain"]
        network, record = fine_tune(load_network(base), clips, config)
    model_dir = os.path.dirname(fn_args.serving_model_dir)
    os.makedirs(model_dir, exist_ok=True)
    network.save(os.path.join(model_dir, NETWORK_FILE))
    domain_classes = clips.domain_classes()
    _progress.info("%s: exporting", config["name"])
    export_model(
        network,
        fn_args.serving_model_dir,
        trim_silence=config["trim_silence"],
        statistics=clips.statistics,
        domain_classes=domain_classes,
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

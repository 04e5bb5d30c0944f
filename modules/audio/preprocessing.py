"""The `preprocessing_fn` of TF Transform: from recordings at 16 kHz to the network's input."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from modules.audio import network_input
from schemas import features, sound


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Trims, cuts, standardises and pads every recording (paper, section 3.2).

    The statistics of the `global` and `per_domain` standardisations are full-pass analyzers, which
    see the splits that Transform's `splits_config` names: the training folds.

    Args:
      inputs: The features AudioExampleGen writes, string and int64 `[batch, 1]`, dense or sparse.
      custom_config: `standardisation` (one of `sound.STANDARDISATIONS`), `trim_silence` (bool),
        `input_samples` (length of the network's input) and `domains` (their names).

    Returns:
      `waveform` float32 `[batch, input_samples]`, `label` int64 `[batch]`; `domain`, `speaker` and
      `utterance_id` string `[batch]`; with global statistics also `standardisation_mean` and
      `standardisation_std` float32 `[batch]`.

    Raises:
      ValueError: The standardisation is unknown.
    """
    mode = custom_config["standardisation"]
    if mode not in sound.STANDARDISATIONS:
        raise ValueError(f"unknown standardisation {mode!r}; there are {sound.STANDARDISATIONS}")
    num_samples = custom_config["input_samples"]
    prepare = functools.partial(
        network_input.prepare, num_samples=num_samples, trim=custom_config["trim_silence"]
    )
    recordings = _column(inputs[features.AUDIO])
    domain = _column(inputs[features.DOMAIN])
    outputs = {
        features.LABEL: _column(inputs[features.LABEL]),
        features.DOMAIN: domain,
        features.SPEAKER: _column(inputs[features.SPEAKER]),
        features.UTTERANCE_ID: _column(inputs[features.UTTERANCE_ID]),
    }
    if mode == "per_utterance":
        outputs[features.WAVEFORM] = _map(
            lambda recording: prepare(network_input.decode_pcm16(recording)), recordings
        )
        return _with_static_length(outputs, num_samples)

    mean, std = _statistics(recordings, domain, custom_config)
    outputs[features.WAVEFORM] = _map(
        lambda row: prepare(network_input.decode_pcm16(row[0]), mean=row[1], std=row[2]),
        (recordings, mean, std),
    )
    return _with_static_length({**outputs, features.MEAN: mean, features.STD: std}, num_samples)


def _column(values: Any) -> tf.Tensor:
    """Returns a feature with one value an example as a dense tensor `[batch]`."""
    if isinstance(values, tf.SparseTensor):
        return values.values
    return tf.reshape(values, [-1])


def _map(function: Callable[..., tf.Tensor], rows: Any) -> tf.Tensor:
    return tf.map_fn(function, rows, fn_output_signature=tf.float32)


def _with_static_length(outputs: dict[str, tf.Tensor], num_samples: int) -> dict[str, tf.Tensor]:
    waveform = outputs[features.WAVEFORM]
    return {**outputs, features.WAVEFORM: tf.reshape(waveform, [-1, num_samples])}


def _statistics(
    recordings: tf.Tensor, domain: tf.Tensor, custom_config: dict[str, Any]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and standard deviation for each example, float32 `[batch]`.

    Over all samples of the training folds that reach the network, padding excluded; of the
    example's domain, or of all where the standardisation is global.
    """

    def moments(recording: tf.Tensor) -> tf.Tensor:
        waveform = network_input.decode_pcm16(recording)
        if custom_config["trim_silence"]:
            waveform = network_input.trim_silence(waveform)
        kept = tf.cast(waveform[: custom_config["input_samples"]], tf.float64)
        return tf.stack(
            [
                tf.cast(tf.size(kept), tf.float64),
                tf.reduce_sum(kept),
                tf.reduce_sum(tf.square(kept)),
            ]
        )

    sums = tf.map_fn(moments, recordings, fn_output_signature=tf.float64)
    sums = tf.ensure_shape(sums, [None, 3])
    names = custom_config["domains"] if custom_config["standardisation"] == "per_domain" else [""]
    group = domain if custom_config["standardisation"] == "per_domain" else tf.zeros_like(domain)
    membership = tf.cast(tf.equal(group[:, tf.newaxis], tf.constant(names)), tf.float64)
    # [groups, 3]: number of samples, their sum, the sum of their squares.
    totals = tft.sum(
        membership[:, :, tf.newaxis] * sums[:, tf.newaxis, :], reduce_instance_dims=False
    )
    own = tf.linalg.matmul(membership, totals)
    mean = tf.math.divide_no_nan(own[:, 1], own[:, 0])
    variance = tf.math.divide_no_nan(own[:, 2], own[:, 0]) - tf.square(mean)
    return tf.cast(mean, tf.float32), tf.cast(tf.sqrt(tf.maximum(variance, 0.0)), tf.float32)

"""From a trained network to a SavedModel with everything that serving needs around it."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from modules.export.clean_process import answer_in_clean_process
from modules.export.core_ops import check_core_ops
from modules.export.serving_graph import ServingModule
from modules.export.warm_up import synthetic_waveform, write_warm_up
from modules.trust.record import TRUST_FILE, Trust
from modules.trust.typicality import Typicality
from schemas.labels import LabelSet


def export_model(
    network: keras.Model,
    directory: str,
    *,
    labels: LabelSet,
    trim_silence: bool,
    statistics: Mapping[str, tuple[float, float]] | None,
    domain_labels: Mapping[str, Sequence[str]],
    domain: str | None,
    speakers_encoder: str | None = None,
    trust: Trust | None = None,
    typicality: Typicality | None = None,
    warmup_waveform: np.ndarray | None = None,
    clean_process: bool = True,
) -> None:
    """Writes `network` as a SavedModel with everything that serving needs around it.

    Signatures, each of which returns `probabilities`, float32 [batch, labels]; `labels`, string
    [batch, labels]; `emotion`, string [batch]; `duration_s` and `heard_s`, float32 [batch], the
    length of the recording and of what the answer is of; `windows`, int32 [batch], and `window_s`,
    float32 [batch]: a recording longer than the network hears at once, `window_s`, is answered by
    the mean over that many windows, which overlap by a half. The signatures:
      `serving_default`: `examples`, string [batch]; serialized tf.Examples as AudioExampleGen
        writes them (`audio`, and optionally `domain`).
      `serve_audio`: `audio`, string [batch]; the bytes of whole wav files. One bad file fails the
        request.
      `serve_waveform`: `waveform`, float32 [batch, samples], rows padded to a common length;
        `num_samples`, int32 [batch], their lengths; `rate_hz`, int32 [batch].

    Each also returns `decision`, string [batch]: the emotion, or `unsure` where the answer is not
    to be relied on; `unsure`, string [batch]: why, one of `unsure.REASONS`, empty where it is; and
    `temperature`, float32 [batch]: what the probabilities were calibrated with.

    A model for known speakers has two more:
      `embed_waveform`: as `serve_waveform`; returns `embedding`, float32 [batch, channels], and
        `encoder`, string [batch].
      `serve_waveform_of_speaker`: as `serve_waveform`, and of each row's speaker `speaker_mean`,
        float32 [batch, channels], the mean of the embeddings of some of the speaker's clips;
        `speaker_clips`, int32 [batch], their number, 0 for nobody in particular; and
        `speaker_encoder`, string [batch], what `embed_waveform` called the encoder.

    A model of one domain applies that domain's statistics and labels to whatever it is sent. The
    multi-domain model applies those of the example's `domain`, and to an unknown domain, or in the
    signatures that name none, the fallback statistics and all labels.

    Args:
      network: Network from float32 [batch, samples] or [batch, samples, 1] to probabilities,
        float32 [batch, labels]. Built with Keras's TensorFlow backend.
      directory: Folder to write; made if need be.
      labels: Label set of the network, in the order of its outputs.
      trim_silence: Whether leading and trailing silence is removed, as it was in training.
      statistics: Mean and standard deviation by domain, `""` the fallback; None: each utterance is
        standardised by its own.
      domain_labels: Labels of which each domain has training clips. Others get probability 0.
      domain: Domain the network was adapted to; None for the multi-domain network.
      speakers_encoder: SHA-256 of the network's encoder, for a network that was trained for known
        speakers; None for others.
      trust: How far answers are to be relied on; by default probabilities stay as they are, and
        only rules on the sound tell.
      typicality: What the trust's distance is measured by.
      warmup_waveform: Samples at 16 kHz for the warm-up requests, float32 [samples]; synthetic if
        None.
      clean_process: Whether to prove in a process that imports only tensorflow that it answers.

    Raises:
      ValueError: `domain` or a fallback is missing from `domain_labels` or `statistics`, a label is
        not in the set, or the network's shapes are others.
      NotCoreOpsError: The graph needs an op that is not TensorFlow's own, or a GPU.
      RuntimeError: The model does not answer in a clean process.
    """
    module = ServingModule(
        network,
        labels=labels,
        trim_silence=trim_silence,
        statistics=statistics,
        domain_labels=domain_labels,
        domain=domain,
        speakers_encoder=speakers_encoder,
        trust=trust,
        typicality=typicality,
    )
    with _portable_recurrence(network):
        signatures = module.signatures()
        tf.saved_model.save(module, directory, signatures=signatures)
    check_core_ops(directory)
    _write_trust(directory, trust or Trust())
    if warmup_waveform is None:
        warmup_waveform = synthetic_waveform()
    write_warm_up(
        directory,
        warmup_waveform,
        domain=domain or "",
        speakers_encoder=speakers_encoder,
        channels=module.channels,
    )
    if clean_process:
        answer_in_clean_process(directory)


def _write_trust(directory: str, trust: Trust) -> None:
    path = os.path.join(directory, *TRUST_FILE.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(trust.to_json())


@contextlib.contextmanager
def _portable_recurrence(network: keras.Model) -> Iterator[None]:
    """Keeps cuDNN's op, which only a GPU has, out of graphs traced on a machine with one."""
    layers = [layer for layer in network._flatten_layers() if hasattr(layer, "use_cudnn")]
    before = [layer.use_cudnn for layer in layers]
    for layer in layers:
        layer.use_cudnn = False
    try:
        yield
    finally:
        for layer, value in zip(layers, before, strict=True):
            layer.use_cudnn = value

"""Requests that TF Serving sends to a model when it loads it."""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from modules.audio.samples import encode_pcm16, pcm16_wav
from schemas import features, signatures, sound


def synthetic_waveform(duration_s: float = 1.0) -> np.ndarray:
    """Returns a tone in noise at 16 kHz, float32 [samples], always the same."""
    time_s = np.arange(int(duration_s * sound.SAMPLE_RATE_HZ)) / sound.SAMPLE_RATE_HZ
    noise = np.random.default_rng(0).normal(scale=0.05, size=time_s.size)
    return (0.5 * np.sin(2 * np.pi * 220.0 * time_s) + noise).astype(np.float32)


def write_warm_up(
    directory: str,
    waveform: np.ndarray,
    *,
    domain: str = "",
    speakers_encoder: str | None = None,
    channels: int = 0,
) -> None:
    """Writes a request for each signature where TF Serving looks for them when it loads a model.

    Args:
      directory: Folder of a SavedModel.
      waveform: Samples at 16 kHz, float32 [samples]. They stay in the export: nothing that anybody
        recorded.
      domain: Domain in the example.
      speakers_encoder: Encoder of a model for known speakers; None for others.
      channels: Length of the embeddings of such a model.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    pcm = encode_pcm16(waveform)
    example = tf.train.Example()
    example.features.feature[features.AUDIO].bytes_list.value.append(pcm)
    example.features.feature[features.DOMAIN].bytes_list.value.append(domain.encode())
    samples = {
        signatures.INPUT_WAVEFORM: np.asarray(waveform, np.float32)[np.newaxis],
        signatures.INPUT_NUM_SAMPLES: np.array([len(waveform)], np.int32),
        signatures.INPUT_RATE_HZ: np.array([sound.SAMPLE_RATE_HZ], np.int32),
    }
    serialized = [example.SerializeToString(deterministic=True)]
    requests: dict[str, dict[str, Any]] = {
        signatures.SIGNATURE_EXAMPLES: {signatures.INPUT_EXAMPLES: serialized},
        signatures.SIGNATURE_CLASSIFY: {signatures.CLASSIFY_INPUTS: serialized},
        signatures.SIGNATURE_AUDIO: {
            signatures.INPUT_AUDIO: [pcm16_wav(pcm, sound.SAMPLE_RATE_HZ)]
        },
        signatures.SIGNATURE_WAVEFORM: samples,
    }
    if speakers_encoder is not None:
        requests[signatures.SIGNATURE_EMBEDDING] = samples
        requests[signatures.SIGNATURE_SPEAKER] = {
            **samples,
            signatures.INPUT_SPEAKER_MEAN: np.zeros((1, channels), np.float32),
            signatures.INPUT_SPEAKER_CLIPS: np.array([0], np.int32),
            signatures.INPUT_SPEAKER_ENCODER: [speakers_encoder],
        }
    path = os.path.join(directory, *signatures.WARM_UP_FILE.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for signature, inputs in requests.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            for name, values in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(
                prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString(
                    deterministic=True
                )
            )

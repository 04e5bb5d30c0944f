"""Whether what servers are asked sounds like what their models were trained on.

Reads the request log of a server, TF Serving's or the embedded one's, and compares the embeddings
of the recordings in it with those that EmbeddingsGate accepted for the release, by its own measure.
"""

import collections
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.embeddings_gate.artifact import read_moments
from components.embeddings_gate.shift import Moments, moments, shift, together
from modules.audio import loading, network_input
from modules.audio.errors import DecodingError
from modules.networks.held import Held
from modules.networks.registry import NetworkSpec
from pipeline import config as configs
from pipeline.networks import network_spec
from pipeline.reports.release.collect import outputs_of
from pipeline.run_folder import CONFIG_FILE, check_output
from schemas import features, signatures, sound
from schemas.errors import UserError
from schemas.labels import PAPER

ACCEPTED = "accepted"
# A mean of fewer says little: docs/data-validation.md.
FEW_CLIPS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class RequestDrift:
    """What the requests for one model are like.

    Attributes:
      model: Name of the model.
      clips: Recordings that were compared.
      unreadable: Recordings that were not, because they cannot be decoded.
      shift: Standard deviations by which their mean embedding is away, see `shift.shift`; not a
        number where there was none.
      unsure: Share of the answers that are unsure.
      emotions: Number of answers by emotion.
    """

    model: str
    clips: int
    unreadable: int
    shift: float
    unsure: float
    emotions: dict[str, int]


def request_drift(log: Path, release: Path, *, most_clips: int) -> list[RequestDrift]:
    """Compares the requests in a log with the clips of a release.

    Args:
      log: Folder with TFRecords of PredictionLog.
      release: Output folder of `ser run`.
      most_clips: Recordings of each model that are looked at, the newest.

    Raises:
      UserError: There is no release, its front end has no embeddings, or the log holds nothing.
    """
    check_output(release)
    config = configs.load(release / CONFIG_FILE)
    spec = network_spec(config, PAPER)
    if not spec.held:
        raise UserError(
            f"{release}: its networks (front end {config.front_end}) hold no trained layers, by"
            " whose embeddings requests could be compared; a release with front_end: whisper does"
        )
    accepted = outputs_of(config, release).get(("EmbeddingsGate", ""), {}).get(ACCEPTED)
    if accepted is None:
        raise UserError(f"{release}: its last run accepted no embeddings; run it again")
    reference, _ = read_moments(accepted.uri)
    embedder = _Embedder(spec, trim=config.audio.trim_silence)
    return compared(log, reference, embedder, most_clips=most_clips)


def compared(
    log: Path,
    reference: Mapping[str, Moments],
    embed: Callable[[np.ndarray], np.ndarray],
    *,
    most_clips: int,
) -> list[RequestDrift]:
    """Compares the requests in a log with the embeddings of other clips.

    Args:
      log: As for `request_drift`.
      reference: Moments of the clips' embeddings by domain.
      embed: From float32 [samples] at 16 kHz to an embedding, float32 [channels].
      most_clips: As for `request_drift`.

    Raises:
      UserError: The log holds nothing.
    """
    requests = _newest(log, most_clips)
    if not requests:
        raise UserError(
            f"{log}: no requests in it; a server writes some with --request-log (ser serve)"
        )
    return [_drift(name, requests[name], reference, embed) for name in sorted(requests)]


class _Embedder:
    """From waveforms at 16 kHz to embeddings."""

    def __init__(self, spec: NetworkSpec, *, trim: bool):
        self._held, self._num_samples, self._trim = Held(spec), spec.input_samples, trim

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        prepared = network_input.prepare(
            tf.constant(waveform), num_samples=self._num_samples, trim=self._trim
        )
        embedding = self._held.of(prepared.numpy())
        # Over time, an embedding is the mean of its frames.
        mean: np.ndarray = embedding.reshape(-1, embedding.shape[-1]).mean(axis=0)
        return mean


def _drift(
    name: str,
    logs: list[Any],
    reference: Mapping[str, Moments],
    embed: Callable[[np.ndarray], np.ndarray],
) -> RequestDrift:
    embeddings, unreadable = [], 0
    emotions: collections.Counter[str] = collections.Counter()
    unsure: list[bytes] = []
    for log in logs:
        outputs = log.response.outputs
        answered = outputs[signatures.OUTPUT_EMOTION].string_val
        emotions.update(emotion.decode() for emotion in answered)
        if signatures.OUTPUT_UNSURE in outputs:
            unsure += outputs[signatures.OUTPUT_UNSURE].string_val
        for contents in _recordings(log.request):
            try:
                embeddings.append(embed(_waveform(contents)))
            except DecodingError:
                unreadable += 1
    # A model of all domains is asked about any of them.
    own = [reference[name]] if name in reference else list(reference.values())
    before = own[0]
    for each in own[1:]:
        before = together(before, each)
    return RequestDrift(
        model=name,
        clips=len(embeddings),
        unreadable=unreadable,
        shift=shift(before, moments(np.array(embeddings))) if embeddings else float("nan"),
        unsure=sum(map(bool, unsure)) / max(len(unsure), 1),
        emotions=dict(sorted(emotions.items())),
    )


def _newest(log: Path, most: int) -> dict[str, list[Any]]:
    """Returns the newest requests by the model that answered."""
    from tensorflow_serving.apis import prediction_log_pb2

    found: dict[str, collections.deque[Any]] = {}
    files = sorted(str(file) for file in log.glob("*.tfrecord.gz"))
    # What a server is still at has no end yet.
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").ignore_errors()
    for record in records.as_numpy_iterator():
        entry = prediction_log_pb2.PredictionLog.FromString(record)
        if entry.HasField("predict_log"):
            name = entry.log_metadata.model_spec.name
            found.setdefault(name, collections.deque(maxlen=most)).append(entry.predict_log)
    return {name: list(entries) for name, entries in found.items()}


def _recordings(request: Any) -> Iterator[bytes | tuple[np.ndarray, int]]:
    """Yields what a request brought: wav files, or samples at 16 kHz or another rate."""
    inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
    yield from inputs.get(signatures.INPUT_AUDIO, ())
    for example in inputs.get(signatures.INPUT_EXAMPLES, ()):
        values = tf.train.Example.FromString(example).features.feature
        for pcm in values[features.AUDIO].bytes_list.value:
            yield network_input.decode_pcm16(pcm).numpy(), sound.SAMPLE_RATE_HZ
    if signatures.INPUT_WAVEFORM in inputs:
        lengths, rates_hz = inputs[signatures.INPUT_NUM_SAMPLES], inputs[signatures.INPUT_RATE_HZ]
        for row, length, rate_hz in zip(
            inputs[signatures.INPUT_WAVEFORM], lengths, rates_hz, strict=True
        ):
            yield row[:length], int(rate_hz)


def _waveform(recording: bytes | tuple[np.ndarray, int]) -> np.ndarray:
    """Returns a recording at 16 kHz, float32 [samples]."""
    if isinstance(recording, bytes):
        return loading.load(recording)
    return loading.resampled(*recording)

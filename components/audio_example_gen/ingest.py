"""What Beam's workers run: one shard of utterances to a file of examples and an account.

Deliberately without TFX, whose import would dominate the start of a worker process.
"""

import contextlib
import dataclasses
import functools
import math
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping

import apache_beam as beam
import numpy as np
import tensorflow as tf

from components.audio_example_gen import account
from components.audio_example_gen.account import (
    AGAIN,
    QUARANTINED,
    SKIPPED,
    STATUSES,
    USED,
    Outcome,
)
from corpora.manifest.recordings import MISSING
from modules.audio import loading, network_input
from modules.audio.contents import NO_SUCH_FILE
from modules.audio.errors import DecodingError, PassingError
from modules.audio.recordings import CHANGED
from modules.audio.samples import encode_pcm16
from schemas import features, places, sound, splits
from schemas.labels import PAPER, LabelSet
from schemas.utterance import Utterance

# Transform may trim silence before it cuts, so that more than the network's input is kept; not
# without limit, because a minute of sound is most likely no single utterance.
MAX_STORED_S = 30.0

# Level 1 takes half the time of zlib's default, 6, for 2% more bytes of speech.
COMPRESSION = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)

_LEAST_SHARD, _LARGEST_SHARD = 25, 200  # utterances
_SHARDS = 40  # about as many, where the limits of their sizes allow it
_METRICS = "ser.AudioExampleGen"
_ADVICE = {
    NO_SUCH_FILE: "there is no such file: was it moved? run `ser corpora index` again",
    CHANGED: f"{CHANGED}: run `ser corpora index` again",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides which recordings are used, and the numbers of their labels.

    Attributes:
      over_length: `truncate` uses all recordings, `drop` skips those longer than the network's
        input.
      trim_silence: Whether `drop` measures without leading and trailing silence.
      labels: The manifest's label set.
      input_samples: Length of the network's input at 16 kHz.
    """

    over_length: str
    trim_silence: bool
    labels: LabelSet = PAPER
    input_samples: int = sound.INPUT_SAMPLES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """Utterances of one fold that become one file.

    A shard is a task of its own: whichever worker runs it, and however often, it writes the same
    bytes to the same two files.

    Attributes:
      utterances: Utterances of one fold, by id.
      examples_path: Where their examples go; not written if none of them can be used.
      account_path: Where their outcomes go, as CSV without a header.
    """

    utterances: tuple[Utterance, ...]
    examples_path: str
    account_path: str


def shards(
    utterances: Iterable[Utterance],
    *,
    protocol: str,
    split_uris: Mapping[str, str],
    account_uri: str,
) -> list[Shard]:
    """Divides utterances into shards; depends on neither their order nor the workers' number.

    Args:
      utterances: Recordings, each with its fold assigned.
      protocol: Which of its folds counts.
      split_uris: A folder for each of `schemas.splits.FOLD_SPLITS`.
      account_uri: The folder for the shards' accounts.
    """
    ordered = sorted(utterances, key=lambda utterance: utterance.utterance_id)
    size = min(max(math.ceil(len(ordered) / _SHARDS), _LEAST_SHARD), _LARGEST_SHARD)
    result = []
    for fold, split in enumerate(splits.FOLD_SPLITS):
        members = [utterance for utterance in ordered if utterance.fold(protocol) == fold]
        parts = [members[start : start + size] for start in range(0, len(members), size)]
        for index, part in enumerate(parts):
            name = f"{index:05d}-of-{len(parts):05d}"
            result.append(
                Shard(
                    utterances=tuple(part),
                    examples_path=f"{split_uris[split]}/data_tfrecord-{name}.gz",
                    account_path=f"{account_uri}/{split}-{name}.csv",
                )
            )
    return result


class WriteShard(beam.DoFn):
    """Writes a shard's two files.

    Each worker holds one recording at a time. Beam's own way, a sink after a shuffle, would pass
    the sound of the whole corpus through the runner's memory.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._counters = {
            status: beam.metrics.Metrics.counter(_METRICS, status) for status in STATUSES
        }

    def process(self, shard: Shard) -> None:
        """Writes the examples and the account of one shard."""
        outcomes = []
        for outcome in write_shard(shard, self._settings):
            self._counters[outcome.status].inc()
            outcomes.append(outcome)
        with _replacing(shard.account_path) as temporary, tf.io.gfile.GFile(temporary, "w") as file:
            file.write(account.csv_lines(outcomes))


def write_shard(shard: Shard, settings: Settings) -> Iterator[Outcome]:
    """Writes a shard's examples; yields what became of each utterance."""
    with _replacing(shard.examples_path) as temporary:
        num_used = 0
        with tf.io.TFRecordWriter(temporary, COMPRESSION) as writer:
            for utterance in shard.utterances:
                example, outcome = ingest(utterance, settings)
                if example is not None:
                    writer.write(example)
                    num_used += 1
                yield outcome
        if not num_used:
            tf.io.gfile.remove(temporary)


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """Gives a temporary name beside `path`; what is there at the end is renamed, unless it failed.

    Whoever reads `path` never sees half of a file, and a task that is run again repairs all.
    """
    if places.is_remote(path):
        places.file_systems()
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
    except BaseException:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.remove(temporary)
        raise
    if tf.io.gfile.exists(temporary):
        tf.io.gfile.rename(temporary, path, overwrite=True)


def ingest(utterance: Utterance, settings: Settings) -> tuple[bytes | None, Outcome]:
    """Turns one recording into an example.

    Returns:
      A serialized tf.Example, `None` if the recording is skipped or quarantined; and the outcome.
    """

    def outcome(status: str, reason: str = "") -> Outcome:
        return Outcome(
            utterance_id=utterance.utterance_id,
            path=utterance.path,
            domain=utterance.domain,
            status=status,
            reason=reason,
        )

    try:
        loaded = loading.load_utterance(utterance, check_hash=True)
    except DecodingError as error:
        reason = _ADVICE.get(str(error), str(error))
        # What was missing before the run began is so for the manifest's digest, too.
        if isinstance(error, PassingError) and utterance.sha256 != MISSING:
            reason += AGAIN
        return None, outcome(QUARANTINED, reason)
    waveform = loaded.waveform
    if settings.over_length == sound.DROP:
        num_samples = _trimmed_length(waveform) if settings.trim_silence else len(waveform)
        if num_samples > settings.input_samples:
            duration_s = num_samples / sound.SAMPLE_RATE_HZ
            input_s = settings.input_samples / sound.SAMPLE_RATE_HZ
            reason = f"longer than {input_s:g} s: {duration_s:.3f} s"
            return None, outcome(SKIPPED, f"{reason} (over_length: {sound.DROP})")
    stored = waveform[: round(MAX_STORED_S * sound.SAMPLE_RATE_HZ)]
    pcm = encode_pcm16(stored)
    if not any(pcm):
        return None, outcome(QUARANTINED, "silent: below the resolution of 16 bit")
    duration_s = len(waveform) / sound.SAMPLE_RATE_HZ
    remarks = [*loaded.notes]
    if len(stored) < len(waveform):
        remarks.append(f"first {MAX_STORED_S:g} s of {duration_s:.1f} s")
    example = _example(utterance, pcm, loaded.rate_hz, settings.labels)
    return example, outcome(USED, "; ".join(remarks))


@functools.cache
def _trim() -> Callable[[np.ndarray], tf.Tensor]:
    return tf.function(
        network_input.trim_silence,
        input_signature=[tf.TensorSpec([None], tf.float32)],
        autograph=False,
    )


def _trimmed_length(waveform: np.ndarray) -> int:
    return len(_trim()(waveform))


def _example(utterance: Utterance, pcm: bytes, rate_hz: int, labels: LabelSet) -> bytes:
    """Returns a serialized tf.Example of the data contract."""
    texts = {
        features.EMOTION: utterance.emotion,
        features.DOMAIN: utterance.domain,
        features.SPEAKER: utterance.speaker,
        features.LANGUAGE: utterance.language or features.UNKNOWN,
        features.GENDER: utterance.gender or features.UNKNOWN,
        features.UTTERANCE_ID: utterance.utterance_id,
    }
    numbers = {
        features.NUM_SAMPLES: len(pcm) // 2,
        features.LABEL: labels.index(utterance.emotion),
        features.SOURCE_RATE_HZ: rate_hz,
    }
    example = tf.train.Example()
    feature = example.features.feature
    feature[features.AUDIO].bytes_list.value.append(pcm)
    for key, text in texts.items():
        feature[key].bytes_list.value.append(text.encode())
    for key, number in numbers.items():
        feature[key].int64_list.value.append(number)
    return example.SerializeToString(deterministic=True)

"""The recordings that a server is asked about."""

import dataclasses
import os
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import tensorflow as tf

from modules.audio.network_input import decode_pcm16
from schemas import features

# Of each domain: the shortest, the longest, and one between them.
_OF_DOMAIN = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
    """A recording as it was ingested.

    Attributes:
      utterance_id: What names it.
      domain: Its domain.
      pcm: 16-bit PCM at 16 kHz.
    """

    utterance_id: str
    domain: str
    pcm: bytes

    @property
    def samples(self) -> np.ndarray:
        """Its samples, float32 [samples]."""
        samples: np.ndarray = decode_pcm16(self.pcm).numpy()
        return samples


def read(folders: Sequence[str], *, domains: Collection[str]) -> list[Clip]:
    """Reads some clips of each domain, the shortest first.

    Args:
      folders: Of splits of AudioExampleGen's examples.
      domains: The domains.
    """
    sizes: dict[str, list[tuple[int, str]]] = {domain: [] for domain in sorted(domains)}
    for clip in _all(folders):
        if clip.domain in sizes:
            sizes[clip.domain].append((len(clip.pcm), clip.utterance_id))
    picked = {identity for own in sizes.values() for _, identity in _spread(sorted(own))}
    found = [clip for clip in _all(folders) if clip.utterance_id in picked]
    return sorted(found, key=lambda clip: (len(clip.pcm), clip.utterance_id))


def _spread(own: list[tuple[int, str]]) -> list[tuple[int, str]]:
    places = np.linspace(0, len(own) - 1, min(_OF_DOMAIN, len(own))).round().astype(int)
    return [own[position] for position in places]


def _all(folders: Sequence[str]) -> Iterable[Clip]:
    files = [
        file for folder in folders for file in sorted(tf.io.gfile.glob(os.path.join(folder, "*")))
    ]
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        values = tf.train.Example.FromString(record).features.feature
        yield Clip(
            utterance_id=values[features.UTTERANCE_ID].bytes_list.value[0].decode(),
            domain=values[features.DOMAIN].bytes_list.value[0].decode(),
            pcm=values[features.AUDIO].bytes_list.value[0],
        )

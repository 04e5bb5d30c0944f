"""For tests: a small network over a random encoder, and short clips for it."""

from pathlib import Path

import numpy as np

from modules.networks.encoders import encoder as encoders
from modules.networks.encoders.encoder import Encoder
from modules.networks.encoders.spec import EncoderSpec
from modules.networks.registry import NetworkSpec


def whisper_spec(
    encoder: Encoder,
    *,
    sha256: str = "0",
    blocks: int = 2,
    pooled: tuple[int, ...] = (1, 2),
    preset: str = "mean",
    members: int = 1,
    outputs: int = 6,
) -> NetworkSpec:
    """Returns the network over an encoder's first blocks."""
    return NetworkSpec(
        front_end="whisper",
        preset=preset,
        members=members,
        outputs=outputs,
        encoder=EncoderSpec(
            name=encoder.name,
            sha256=sha256,
            bands=encoder.bands,
            width=encoder.width,
            heads=encoder.heads,
            positions=encoder.positions,
            blocks=blocks,
            pooled=pooled,
        ),
    )


def keep(encoder: Encoder, folder: Path) -> str:
    """Puts an encoder into a store's folder, and returns the SHA-256 of its file."""
    folder.mkdir(parents=True, exist_ok=True)
    return encoders.write(encoder, folder / f"{encoder.name}{encoders.SUFFIX}")


def short_clips(lengths, *, samples: int = 160_000, seed: int = 0) -> np.ndarray:
    """Returns clips of noise, float32 `[n, samples, 1]`, zero behind their own lengths."""
    random = np.random.default_rng(seed)
    clips = np.zeros((len(lengths), samples, 1), np.float32)
    for clip, length in zip(clips, lengths, strict=True):
        clip[:length, 0] = random.normal(size=length)
    return clips

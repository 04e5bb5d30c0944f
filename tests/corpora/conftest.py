"""Recordings to index."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

WriteTone = Callable[..., Path]


@pytest.fixture
def write_tone() -> WriteTone:
    """Writes a tone of its own pitch; its format is named, so that the suffix may lie."""
    count = 0

    def write(
        path: Path,
        *,
        duration_s: float = 0.1,
        rate_hz: int = 16_000,
        channels: int = 1,
        format: str = "WAV",
        subtype: str = "PCM_16",
    ) -> Path:
        nonlocal count
        count += 1
        time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
        tone = 0.3 * np.sin(2 * np.pi * (200 + count) * time_s)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(
            path, np.tile(tone[:, None], channels), rate_hz, format=format, subtype=subtype
        )
        return path

    return write

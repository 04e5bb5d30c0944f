"""From a recording's bytes to its sound, by content, never by a file's name.

The one order of decoders: indexing, audits, training and clients all go through here, so that they
hear the same samples of a file or get the same error. Plain wav files are read with numpy,
everything else by PyAV. Imports no TensorFlow: clients and audits start quickly.
"""

import numpy as np

from modules.audio import headers, media, wav
from modules.audio.errors import (
    EMPTY,
    NO_SAMPLES,
    NOT_FINITE,
    SILENT,
    DecodingError,
    check_duration,
    check_rate,
)
from modules.audio.samples import first_channel, to_float


def header(contents: bytes) -> tuple[int, float]:
    """Returns rate in Hz and duration in s of a recording, as its headers tell; does not decode.

    The duration of compressed sound may differ from that of its samples by what the coding pads,
    up to a tenth of a second.

    Raises:
      DecodingError: As for `decode`, as far as it can be seen without decoding; nothing is too
        long.
    """
    _check_container(contents)
    rate_hz, duration_s = _plain_header(contents) or media.header(contents)
    check_rate(rate_hz)
    if duration_s <= 0:
        raise DecodingError(NO_SAMPLES)
    return rate_hz, duration_s


def decode(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes a recording.

    Args:
      contents: The bytes of a wav file, of any other kind of sound file, or of a video.

    Returns:
      samples: float32 [frames, channels] in [-1, 1] (float files may exceed it); not empty.
      rate_hz: The recording's own rate.

    Raises:
      DecodingError: Empty, not audio, truncated, corrupt, without a sound track or samples, longer
        than `MAX_DURATION_S`, or of a rate that no speech has.
    """
    samples, rate_hz = _decode_stored(contents)
    return to_float(samples), rate_hz


def decode_first_channel(
    contents: bytes, *, start_s: float | None = None, end_s: float | None = None
) -> tuple[np.ndarray, int]:
    """Decodes what there is to hear of a recording, which is its first channel.

    Args:
      contents: As for `decode`.
      start_s: Where the part to return begins; `None` for the recording's own start.
      end_s: Where it ends; `None` for the recording's own end.

    Returns:
      waveform: float32 [samples], finite, and not all equal.
      rate_hz: The recording's own rate.

    Raises:
      DecodingError: As for `decode`; and if there is nothing in that part, if all samples are
        equal, or if one of them is not finite.
    """
    samples, rate_hz = _decode_stored(contents)
    part = cut(samples, rate_hz, start_s=start_s, end_s=end_s)
    # The same before the conversion to float and after it, but of one channel only.
    waveform = to_float(first_channel(part))
    if not np.isfinite(waveform).all():
        raise DecodingError(NOT_FINITE)
    if waveform.max() == waveform.min():
        raise DecodingError(SILENT)
    return waveform, rate_hz


def cut(
    samples: np.ndarray, rate_hz: int, *, start_s: float | None, end_s: float | None
) -> np.ndarray:
    """Returns the frames from `start_s` to `end_s` of samples, [frames, channels].

    Raises:
      DecodingError: There are none.
    """
    start = 0 if start_s is None else round(start_s * rate_hz)
    end = len(samples) if end_s is None else round(end_s * rate_hz)
    part = samples[start:end]
    if len(part) == 0:
        until = "its end" if end_s is None else f"{end_s:g} s"
        duration_s = len(samples) / rate_hz
        raise DecodingError(
            f"has nothing from {start_s or 0:g} s to {until}: it is {duration_s:.3f} s long"
        )
    return part


def _decode_stored(contents: bytes) -> tuple[np.ndarray, int]:
    """As `decode`, but samples keep the type they are stored in."""
    _check_container(contents)
    wav_header = wav.parse(contents) if wav.is_wav(contents) else None
    if wav_header is None or not wav_header.is_plain:
        samples, rate_hz = media.decode(contents)
    else:
        assert wav_header.num_frames is not None
        check_rate(wav_header.rate_hz)
        check_duration(wav_header.num_frames / wav_header.rate_hz)
        samples, rate_hz = wav.samples(wav_header), wav_header.rate_hz
    if len(samples) == 0:
        raise DecodingError(NO_SAMPLES)
    return samples, rate_hz


def _plain_header(contents: bytes) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s of a wav, FLAC or avi file; `None` of anything else."""
    if wav.is_wav(contents):
        wav_header = wav.parse(contents)
        if wav_header.num_frames is None:
            return None
        return wav_header.rate_hz, wav_header.num_frames / wav_header.rate_hz
    if headers.is_avi(contents):
        return headers.avi(contents)
    rate_hz, frames = headers.flac(contents)
    return (rate_hz, frames / rate_hz) if rate_hz and frames else None


def _check_container(contents: bytes) -> None:
    """Raises DecodingError for what can be seen to be incomplete before anything is decoded."""
    if not contents:
        raise DecodingError(EMPTY)
    if headers.is_avi(contents):
        headers.check_avi_size(contents)
    if contents[:4] == b"\x1aE\xdf\xa3":
        headers.check_matroska_size(contents)
    if contents[:4] == b"OggS" and headers.ogg_is_cut(contents):
        raise DecodingError("truncated: its last page is incomplete")

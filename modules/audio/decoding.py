"""From a recording's bytes to its sound, by content, never by a file's name.

The one order of decoders: indexing, audits, training and clients all go through here, so that they
hear the same samples of a file or get the same error. Plain wav files are read with numpy,
everything else by PyAV. Imports no TensorFlow: clients and audits start quickly.
"""

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np

from modules.audio import channels, completeness, headers, media, wav
from modules.audio.contents import Contents
from modules.audio.errors import (
    NO_SAMPLES,
    DecodingError,
    check_duration,
    check_rate,
    check_values,
    fault,
)
from modules.audio.samples import Sound, to_float

# More frames than that for a byte of a file are a header's error, not a coding.
_MAX_FRAMES_A_BYTE = 64
# A header may tell another duration than is heard by that share, or by what codings pad.
_DIFFERENCE_SHARE, _DIFFERENCE_S = 0.01, 0.1


def header(contents: Contents) -> tuple[int, float]:
    """Returns rate in Hz and duration in s of a recording, as its headers tell; does not decode.

    The duration of compressed sound may differ from that of its samples by what the coding pads,
    up to a tenth of a second.

    Raises:
      DecodingError: As for `decode`, as far as it can be seen without decoding; nothing is too
        long.
    """
    with one_recordings_fault():
        completeness.check(contents)
        rate_hz, duration_s = _plain_header(contents) or media.header(contents)
        check_rate(rate_hz)
        if duration_s <= 0:
            raise DecodingError(NO_SAMPLES)
        return rate_hz, duration_s


def sound(contents: Contents) -> Sound:
    """Decodes a whole recording.

    Args:
      contents: The bytes of a wav file, of any other kind of sound file, or of a video.

    Returns:
      Its sound, with at least one sample.

    Raises:
      DecodingError: Empty, not audio, truncated, corrupt, without a sound track or samples, longer
        than `MAX_DURATION_S`, or of a rate that no speech has.
    """
    with one_recordings_fault():
        completeness.check(contents)
        if (wav_header := plain_wav(contents)) is None:
            heard = media.decode(contents)
        else:
            heard = wav_sound(wav_header)
        if not len(heard.samples):
            raise DecodingError(NO_SAMPLES)
        notes = [*heard.notes, *_length_notes(heard)]
        if isinstance(contents, bytes) and completeness.mp3_ends_early(contents):
            notes.append("its last frame is cut")
        return dataclasses.replace(heard, notes=tuple(notes))


def decode(contents: Contents) -> tuple[np.ndarray, int]:
    """Decodes a recording.

    Args:
      contents: As for `sound`.

    Returns:
      samples: float32 [frames, channels] in [-1, 1] (float files may exceed it); not empty.
      rate_hz: The recording's own rate.

    Raises:
      DecodingError: As for `sound`.
    """
    heard = sound(contents)
    return to_float(heard.samples), heard.rate_hz


def decode_first_channel(
    contents: Contents, *, start_s: float | None = None, end_s: float | None = None
) -> tuple[np.ndarray, int]:
    """Decodes what there is to hear of a recording, which is its first channel.

    Args:
      contents: As for `sound`.
      start_s: Where the part to return begins; `None` for the recording's own start.
      end_s: Where it ends; `None` for the recording's own end.

    Returns:
      waveform: float32 [samples], finite, and not all equal.
      rate_hz: The recording's own rate.

    Raises:
      DecodingError: As for `sound`; and if there is nothing in that part, or it cannot be used
        (`channels.waveform`).
    """
    part = cut(sound(contents), start_s=start_s, end_s=end_s)
    with one_recordings_fault():
        return channels.waveform(part).samples, part.rate_hz


def cut(whole: Sound, *, start_s: float | None, end_s: float | None) -> Sound:
    """Returns the part of a sound from `start_s` to `end_s`.

    Raises:
      DecodingError: There are no samples in it.
    """
    start, end = frames(whole.rate_hz, start_s=start_s, end_s=end_s)
    part = whole.samples[start:end]
    if len(part) == 0:
        raise nothing_there(whole.duration_s, start_s=start_s, end_s=end_s)
    return dataclasses.replace(whole, samples=part)


def frames(rate_hz: int, *, start_s: float | None, end_s: float | None) -> tuple[int, int | None]:
    """Returns the first frame of a part and the one after its last, `None` for the end."""
    start = 0 if start_s is None else round(start_s * rate_hz)
    return start, None if end_s is None else round(end_s * rate_hz)


def nothing_there(
    duration_s: float, *, start_s: float | None, end_s: float | None
) -> DecodingError:
    """Returns the error of a part that is not in its recording."""
    until = "its end" if end_s is None else f"{end_s:g} s"
    return DecodingError(
        f"has nothing from {start_s or 0:g} s to {until}: it is {duration_s:.3f} s long"
    )


def plain_wav(contents: Contents) -> wav.WavHeader | None:
    """Returns the header of a wav file whose samples numpy can read; `None` of anything else."""
    wav_header = wav.parse(contents) if wav.is_wav(contents) else None
    if wav_header is None or not wav_header.is_plain:
        return None
    check_rate(wav_header.rate_hz)
    return wav_header


def wav_sound(wav_header: wav.WavHeader, start: int = 0, end: int | None = None) -> Sound:
    """Returns the sound of a plain wav file from frame `start` to `end`."""
    assert wav_header.num_frames is not None
    end = wav_header.num_frames if end is None else min(end, wav_header.num_frames)
    check_duration((end - start) / wav_header.rate_hz)
    check_values(end - start, wav_header.channels)
    lacking = wav_header.lacking_bytes
    return Sound(
        samples=wav.samples(wav_header, start, end),
        rate_hz=wav_header.rate_hz,
        centre=wav_header.centre,
        header_s=wav_header.num_frames / wav_header.rate_hz,
        notes=(f"its header promises {lacking:,} bytes more than are there",) if lacking else (),
    )


@contextlib.contextmanager
def one_recordings_fault() -> Iterator[None]:
    """Turns any exception of a decoder into the recording's own: it must not end a command."""
    try:
        yield
    except DecodingError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0][:100]
        raise fault(error, f"cannot be decoded: {type(error).__name__}: {reason}") from error


def _plain_header(contents: Contents) -> tuple[int, float] | None:
    """Returns rate in Hz and duration in s of a wav, FLAC or avi file; `None` of anything else."""
    if wav.is_wav(contents):
        wav_header = wav.parse(contents)
        if wav_header.num_frames is None:
            return None
        return wav_header.rate_hz, wav_header.num_frames / wav_header.rate_hz
    if headers.is_avi(contents):
        return headers.avi(contents)
    rate_hz, num_frames = headers.flac(contents)
    if not rate_hz or not 0 < num_frames <= _MAX_FRAMES_A_BYTE * len(contents):
        return None
    return rate_hz, num_frames / rate_hz


def _length_notes(heard: Sound) -> list[str]:
    difference_s = abs(heard.duration_s - heard.header_s)
    if not heard.header_s or difference_s <= max(_DIFFERENCE_S, _DIFFERENCE_SHARE * heard.header_s):
        return []
    return [f"{heard.duration_s:.3f} s are heard, its header tells {heard.header_s:.3f} s"]

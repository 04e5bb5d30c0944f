"""Sound from a microphone, where there is one, by the extra package sounddevice."""

import importlib
import io
import wave
from typing import Any

from modules.audio.samples import encode_pcm16
from schemas.errors import UserError

LONGEST_S = 3_600.0
_OPTION = "--microphone"


def record(duration_s: float) -> bytes:
    """Returns what the default microphone hears, as a wav file with one channel of 16 bits.

    Args:
      duration_s: For how long it listens, in seconds.

    Raises:
      UserError: There is no microphone, no library for it, or nobody can mean the duration.
    """
    if not 0 < duration_s <= LONGEST_S:
        raise UserError(
            f"{_OPTION} {duration_s:g}: must be more than 0 and at most {LONGEST_S:g} seconds"
        )
    library = _library()
    try:
        rate_hz = round(library.query_devices(kind="input")["default_samplerate"])
        frames = round(duration_s * rate_hz)
        heard = library.rec(frames, samplerate=rate_hz, channels=1, dtype="float32", blocking=True)
    except (ValueError, library.PortAudioError) as error:
        raise UserError(
            f"{_OPTION}: no microphone can be heard here ({error}); connect one, or give a file"
        ) from None
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate_hz)
        written.writeframes(encode_pcm16(heard[:, 0]))
    return file.getvalue()


def _library() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ModuleNotFoundError:
        raise UserError(
            f"{_OPTION} needs the package sounddevice: install it with the extra `microphone`"
            " (pip install 'ser-tfx[microphone]')"
        ) from None
    except OSError as error:
        raise UserError(
            f"{_OPTION}: {error}; install PortAudio (libportaudio2 on Debian)"
        ) from None

"""A binding of espeak-ng, as the PyPI package `espeakng-loader` carries it."""

import ctypes
import importlib.util
from typing import Any

import numpy as np

from schemas.errors import UserError

RATE_HZ = 22_050

_RETRIEVAL, _UTF8 = 2, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_POSITION_CHARACTER = 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def speak(
    text: str, *, voice: str, words_per_minute: float, pitch: float, pitch_range: float
) -> np.ndarray:
    """Returns speech; same arguments, same samples, whatever was spoken before.

    Not for use in several threads at once: the library has one state per process.

    Args:
      text: What to say.
      voice: Language and variant, for example `de+f1`. Variants with `breath` (f2, f3, f5, Alicia,
        Demonic, sandro, victor, whisper, whisperf) read memory that was never written, and differ
        between runs.
      words_per_minute: 80 to 450.
      pitch: 1.0 is the voice's own; 0.5 to 2.
      pitch_range: 1.0 is the voice's own; 0 to 2.

    Returns:
      float64 [samples] in -1…1 at `RATE_HZ`, mono.

    Raises:
      ValueError: The library does not know the voice.
      RuntimeError: It fails otherwise.
    """
    import _ctypes

    import espeakng_loader

    # The library keeps the phase of its flutter and more across utterances, and re-initialising
    # does not reset them: loading it afresh does, and takes some 5 ms.
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        return _speak(
            library,
            espeakng_loader.get_data_path(),
            text=text,
            voice=voice,
            parameters={
                _RATE: round(min(max(words_per_minute, 80), 450)),
                _VOLUME: 100,
                _PITCH: round(min(max(50 + 50 * np.log2(pitch), 0), 99)),
                _RANGE: round(min(max(50 * pitch_range, 0), 99)),
            },
        )
    finally:
        _ctypes.dlclose(library._handle)


def check_installed() -> None:
    """Raises UserError where the extra is missing that speaks."""
    if not importlib.util.find_spec("espeakng_loader"):
        raise UserError(
            "synthetic speech needs espeak-ng, which is not installed: pip install"
            " 'ser-tfx[synthetic]', or `make extras`; its licence is the GPL, version 3"
            " (docs/licences.md)"
        )


def _speak(
    library: ctypes.CDLL, data: str, *, text: str, voice: str, parameters: dict[int, int]
) -> np.ndarray:
    pieces: list[bytes] = []

    @_CALLBACK
    def collect(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    if library.espeak_Initialize(_RETRIEVAL, 0, data.encode(), 0) != RATE_HZ:
        raise RuntimeError(f"espeak-ng cannot be initialised with {data}")
    try:
        library.espeak_SetSynthCallback(collect)
        ctypes.CDLL(None).srand(1)  # its noise comes from libc's rand()
        if library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        for parameter, value in parameters.items():
            library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        if library.espeak_Synth(
            encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _UTF8, None, None
        ):
            raise RuntimeError(f"espeak-ng cannot say {text!r} as {voice}")
        library.espeak_Synchronize()
    finally:
        library.espeak_Terminate()
    return np.frombuffer(b"".join(pieces), "<i2") / 32768.0

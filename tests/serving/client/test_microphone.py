"""A microphone that is not there, and one that plays a tone."""

import io
import sys
import types

import numpy as np
import pytest
import soundfile

from schemas.errors import UserError
from serving.client import microphone


class _PortAudioError(Exception):
    pass


def _library(**functions):
    return types.SimpleNamespace(PortAudioError=_PortAudioError, **functions)


def test_what_it_hears_is_a_wav_file(monkeypatch):
    def rec(frames, *, samplerate, channels, dtype, blocking):
        assert (samplerate, channels, dtype, blocking) == (44_100, 1, "float32", True)
        return np.linspace(-0.5, 0.5, frames, dtype=np.float32)[:, np.newaxis]

    library = _library(query_devices=lambda kind: {"default_samplerate": 44_100.0}, rec=rec)
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    samples, rate_hz = soundfile.read(io.BytesIO(microphone.record(0.5)))
    assert (rate_hz, samples.shape) == (44_100, (22_050,))
    np.testing.assert_allclose(samples, np.linspace(-0.5, 0.5, 22_050), atol=1 / 32_768)


@pytest.mark.parametrize("error", [ValueError("No input device"), _PortAudioError("busy")])
def test_without_a_microphone_it_says_so(monkeypatch, error):
    def query_devices(kind):
        raise error

    monkeypatch.setitem(sys.modules, "sounddevice", _library(query_devices=query_devices))
    with pytest.raises(UserError, match=f"no microphone can be heard here .{error}"):
        microphone.record(1)


def test_without_the_library_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UserError, match="extra `microphone`"):
        microphone.record(1)


@pytest.mark.parametrize("duration_s", [0, -1, float("nan"), 1e9])
def test_impossible_durations_are_refused(duration_s):
    with pytest.raises(UserError, match="--microphone"):
        microphone.record(duration_s)

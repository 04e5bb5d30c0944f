"""Parts of long recordings: the oracle is the whole one, decoded at once and cut."""

import os

import numpy as np
import pytest
import soundfile
from recordings import by_av, by_soundfile

from modules.audio import decoding, media, recordings, wav
from modules.audio.errors import DecodingError
from modules.audio.recordings import Recordings

FORMS = {
    "wav": lambda: by_soundfile("WAV", "PCM_24", channels=2),
    "flac": lambda: by_soundfile("FLAC", "PCM_16", channels=2),
    "ulaw": lambda: by_soundfile("WAV", "ULAW"),
    "mp3": lambda: by_av("mp3", "libmp3lame", layout="stereo"),
    "ogg": lambda: by_soundfile("OGG", "VORBIS"),
}
PARTS = ((None, 0.1), (0.3, 0.5), (0.2, 0.25), (0.4, None), (0.0, 99.0), (0.1, 0.2))


@pytest.mark.parametrize("form", FORMS)
def test_a_part_is_what_the_whole_has_there(form, tmp_path):
    contents = FORMS[form]()
    path = tmp_path / "a"
    path.write_bytes(contents)
    whole = decoding.sound(contents)
    several = Recordings()
    for start_s, end_s in PARTS:
        part = several.sound(str(path), start_s=start_s, end_s=end_s)
        expected = decoding.cut(whole, start_s=start_s, end_s=end_s)
        np.testing.assert_array_equal(part.samples, expected.samples)
        assert part.rate_hz == expected.rate_hz
    with pytest.raises(DecodingError, match="has nothing from 7 s to 8 s: it is 0"):
        several.sound(str(path), start_s=7, end_s=8)


def test_one_decoding_serves_all_parts(tmp_path, monkeypatch):
    path = tmp_path / "a.mp3"
    path.write_bytes(FORMS["mp3"]())
    opened = []

    class Counted(media.Track):
        def __init__(self, data):
            opened.append(data)
            super().__init__(data)

    monkeypatch.setattr(media, "Track", Counted)
    several = Recordings()
    for i in range(20):
        several.sound(str(path), start_s=i / 100, end_s=i / 100 + 0.01)
    assert len(opened) == 1


def test_of_a_wav_file_only_the_part_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8_000 * 60), 8_000)
    read = []
    real = os.pread

    def pread(descriptor, size, position):
        read.append(size)
        return real(descriptor, size, position)

    monkeypatch.setattr(os, "pread", pread)
    Recordings().sound(str(path), start_s=50, end_s=51)
    assert sum(read) < 2 * 8_000 + 1_000


def test_the_limit_is_that_of_the_part(tmp_path):
    path = tmp_path / "long.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000 * 60)
    soundfile.write(path, np.tile(noise, 31), 8_000)
    several = Recordings()
    assert several.sound(str(path), start_s=1_800, end_s=1_803).duration_s == 3
    for start_s, end_s in ((None, None), (0, None), (10, 1_811)):
        with pytest.raises(DecodingError, match="longer than 30 minutes"):
            several.sound(str(path), start_s=start_s, end_s=end_s)


def test_a_changed_recording_is_read_anew(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(8_000, 0.25), 8_000)
    several = Recordings()
    digest = recordings.sha256(path.read_bytes())
    first = several.sound(str(path), start_s=0, end_s=0.5, expected_sha256=digest)
    soundfile.write(path, np.full(9_000, 0.5), 8_000)
    second = several.sound(str(path), start_s=0, end_s=0.5)
    assert first.samples.max() < second.samples.min()
    with pytest.raises(DecodingError, match="changed since it was indexed"):
        several.sound(str(path), start_s=0, end_s=0.5, expected_sha256=digest)


def test_any_exception_of_a_decoder_is_the_recordings(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(8_000, 0.25), 8_000)

    def fail(*_):
        raise MemoryError("68 GB")

    monkeypatch.setattr(wav, "samples", fail)
    for start_s in (None, 0.1):
        with pytest.raises(DecodingError, match="cannot be decoded: MemoryError: 68 GB"):
            Recordings().sound(str(path), start_s=start_s)


def test_a_small_file_does_not_unpack_without_bound(tmp_path, monkeypatch):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(100_000), 8_000, format="FLAC")
    monkeypatch.setattr(recordings, "MOST_KEPT_BYTES", 100_000)
    with pytest.raises(DecodingError, match="of sound when decoded"):
        Recordings().sound(str(path), start_s=10, end_s=11)

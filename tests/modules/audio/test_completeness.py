"""What containers tell of their end: files of FFmpeg and libsndfile, whole, cut and flipped."""

import pytest
from recordings import by_av, by_soundfile

from modules.audio import completeness, decoding
from modules.audio.errors import DecodingError

WHOLE = {
    "avi": by_av("avi", "pcm_s16le"),
    "caf": by_soundfile("CAF", "ALAC_16"),
    "mkv": by_av("matroska", "flac"),
    "webm": by_av("webm", "libopus", rate_hz=48_000),
    "mp4": by_av("ipod", "aac"),
    "ogg": by_soundfile("OGG", "VORBIS"),
    "ts": by_av("mpegts", "aac"),
    "voc": by_av("voc", "pcm_s16le"),
    "w64": by_soundfile("W64", "PCM_16"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_ends_early_is_told(name):
    whole = WHOLE[name]
    completeness.check(whole)
    for share in (0.4, 0.6, 0.9):
        with pytest.raises(DecodingError, match=r"truncated|not audio"):
            decoding.sound(whole[: round(share * len(whole))])


def test_a_flipped_bit_in_an_ogg_page_is_found_by_its_checksum():
    whole = WHOLE["ogg"]
    for position in range(200, len(whole), 401):
        flipped = bytearray(whole)
        flipped[position] ^= 0x20
        with pytest.raises(DecodingError, match=r"corrupt|truncated"):
            completeness.check(bytes(flipped))


def test_the_last_frame_of_an_mp3():
    whole = by_av("mp3", "libmp3lame")
    assert not completeness.mp3_ends_early(whole)
    assert not completeness.mp3_ends_early(whole + b"TAG" + bytes(125))
    assert completeness.mp3_ends_early(whole[:-20])
    assert not completeness.mp3_ends_early(b"RIFF" + bytes(100))


def test_pointers_of_git_lfs():
    with pytest.raises(DecodingError, match="git lfs pull"):
        completeness.check(b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 9\n")

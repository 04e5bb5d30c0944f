"""Recordings in pieces against the same ones decoded as a whole."""

import io

import numpy as np
import pytest
import soundfile
from tiny_models import encode, speech_like, wav

from modules.audio import decoding, streaming
from modules.audio.errors import DecodingError

RATE_HZ = 16_000


def _stereo(duration_s):
    return np.stack([speech_like(duration_s), 0.5 * speech_like(duration_s, seed=1)], axis=1)


@pytest.mark.parametrize(
    ("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")]
)
@pytest.mark.parametrize(("start_s", "end_s"), [(None, None), (6.5, None), (1.25, 12.5)])
def test_pieces_make_the_whole(container, subtype, start_s, end_s):
    contents = encode(_stereo(14), RATE_HZ, container=container, subtype=subtype)
    pieces = list(streaming.pieces(contents, start_s=start_s, end_s=end_s))
    whole = decoding.cut(decoding.sound(contents), start_s=start_s, end_s=end_s)
    joined = np.concatenate([piece.samples for piece in pieces])
    np.testing.assert_array_equal(joined, whole.samples)
    assert {piece.rate_hz for piece in pieces} == {RATE_HZ}
    assert len(pieces) > 1
    assert max(len(piece.samples) for piece in pieces) < 2 * streaming.PIECE_S * RATE_HZ


def test_longer_than_what_is_decoded_at_once_is_no_error():
    file = io.BytesIO()
    soundfile.write(file, np.resize(speech_like(10, 8_000), 8_000 * 1_900), 8_000, format="FLAC")
    with pytest.raises(DecodingError, match="longer than 30 minutes"):
        decoding.sound(file.getvalue())
    heard = sum(len(piece.samples) for piece in streaming.pieces(file.getvalue()))
    assert heard == 8_000 * 1_900


@pytest.mark.parametrize(
    ("contents", "start_s", "reason"),
    [
        (b"", None, "empty file"),
        (b"words" * 100, None, "not audio"),
        (wav(np.zeros(0)), None, "no samples"),
        (wav(speech_like(1)), 2.0, "has nothing from 2 s"),
        (wav(speech_like(1))[:-3_000], None, "truncated"),
        (encode(speech_like(1), RATE_HZ, container="FLAC", subtype="PCM_16"), 2.0, "has nothing"),
        (
            encode(speech_like(9), RATE_HZ, container="FLAC", subtype="PCM_16")[:-3_000],
            None,
            "truncated",
        ),
    ],
)
def test_bad_recordings_are_refused_as_elsewhere(contents, start_s, reason):
    with pytest.raises(DecodingError, match=reason):
        list(streaming.pieces(contents, start_s=start_s))

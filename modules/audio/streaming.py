"""Recordings of any length, in pieces: only one of them is in memory."""

from collections.abc import Iterator

import numpy as np

from modules.audio import completeness, decoding, media
from modules.audio.contents import Contents
from modules.audio.errors import NO_SAMPLES, DecodingError
from modules.audio.samples import Sound

PIECE_S = 5.0


def pieces(
    contents: Contents, *, start_s: float | None = None, end_s: float | None = None
) -> Iterator[Sound]:
    """Yields the sound of a recording, or of a part of it, in order.

    Args:
      contents: As for `decoding.sound`.
      start_s: Where the part begins; `None` for the recording's own start.
      end_s: Where it ends; `None` for the recording's own end.

    Yields:
      Pieces of about `PIECE_S`, all of one rate and number of channels; at least one.

    Raises:
      DecodingError: As for `decoding.sound`, but nothing is too long; or there is nothing in the
        part.
    """
    with decoding.one_recordings_fault():
        completeness.check(contents)
        header = decoding.plain_wav(contents)
        if header is None:
            yield from _of_track(contents, start_s, end_s)
            return
        assert header.num_frames is not None
        start, end = decoding.frames(header.rate_hz, start_s=start_s, end_s=end_s)
        end = header.num_frames if end is None else min(end, header.num_frames)
        _check_there(start, end, header.num_frames, header.rate_hz, start_s, end_s)
        step = round(PIECE_S * header.rate_hz)
        for first in range(start, end, step):
            yield decoding.wav_sound(header, first, min(first + step, end))


def _of_track(contents: Contents, start_s: float | None, end_s: float | None) -> Iterator[Sound]:
    with media.Track(contents) as track:
        heard = 0  # frames that have been decoded
        waiting: list[np.ndarray] = []
        start, end = 0, None

        def joined() -> Sound:
            samples = np.concatenate(waiting)
            waiting.clear()
            return Sound(
                samples=samples,
                rate_hz=track.rate_hz,
                centre=track.centre,
                header_s=track.header_s,
            )

        for piece in track.pieces():
            start, end = decoding.frames(track.rate_hz, start_s=start_s, end_s=end_s)
            first, heard = heard, heard + len(piece)
            part = piece[max(start - first, 0) : None if end is None else max(end - first, 0)]
            if len(part):
                waiting.append(part)
            if sum(map(len, waiting)) >= PIECE_S * track.rate_hz:
                yield joined()
            if end is not None and heard >= end:
                break
        else:
            track.check_complete(heard)
        _check_there(start, heard if end is None else min(end, heard), heard, track.rate_hz,
                     start_s, end_s)  # fmt: skip
        if waiting:
            yield joined()


def _check_there(
    start: int,
    end: int,
    num_frames: int,
    rate_hz: int,
    start_s: float | None,
    end_s: float | None,
) -> None:
    if not num_frames:
        raise DecodingError(NO_SAMPLES)
    if start >= end:
        raise decoding.nothing_there(num_frames / rate_hz, start_s=start_s, end_s=end_s)

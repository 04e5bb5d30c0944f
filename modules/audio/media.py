"""Recordings through PyAV (FFmpeg): any container, videos too.

FFmpeg is loaded by the first recording that needs it.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from modules.audio import headers
from modules.audio.contents import Contents, reader
from modules.audio.errors import (
    NO_DECODER,
    NO_SOUND_TRACK,
    NOT_AUDIO,
    DecodingError,
    check_complete,
    check_duration,
    check_rate,
    check_values,
)
from modules.audio.samples import Sound

# Some of FFmpeg's formats open other files, or addresses, that their content names (playlists);
# only those that hold the sound themselves are allowed.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dv,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,"
    "nistsphere,ogg,tta,voc,w64,wav,wv"
)
# Containers whose header tells the number of samples exactly, where they are not compressed.
_EXACT = frozenset({"aiff", "au", "caf"})
_LEAST_FRACTION = 0.9  # of the duration that other containers tell
# More frames than that for a byte of a file are a header's error, not a coding.
_MAX_FRAMES_A_BYTE = 64
_ID3V1_BYTES = 128
# Codings whose frames in a packet FFmpeg knows better than most containers' headers.
_BLOCK_CODINGS = ("adpcm", "g72", "gsm")


def header(contents: Contents) -> tuple[int, float]:
    """Returns rate in Hz and duration in s of the first sound track; does not decode.

    Raises:
      DecodingError: Not audio, without a sound track, or in an unknown coding.
    """
    with _opened(contents) as (container, stream):
        ticks = _ticks(container, stream, contents)
        if ticks is None:
            ticks = sum(packet.duration or 0 for packet in container.demux(stream))
            if not ticks and container.duration:
                return stream.rate, container.duration / 1_000_000
        if stream.codec_context.name == "opus":
            # What a decoder leaves out of the first packets.
            ticks -= round(stream.codec_context.delay / stream.rate / stream.time_base)
        # A damaged header may tell more than a file of its size can hold.
        most_s = _MAX_FRAMES_A_BYTE * len(contents) / stream.rate
        return stream.rate, min(float(ticks * stream.time_base), most_s)


def decode(contents: Contents) -> Sound:
    """Decodes the first sound track of whatever PyAV recognises.

    Args:
      contents: The bytes of a sound file or of a video.

    Returns:
      The sound; it may have no samples.

    Raises:
      DecodingError: Not audio, truncated, corrupt, without a sound track, or longer than
        `MAX_DURATION_S`.
    """
    with Track(contents) as track:
        pieces, num_frames = [], 0
        for piece in track.pieces():
            num_frames += len(piece)
            check_duration(num_frames / track.rate_hz)
            check_values(num_frames, piece.shape[1])
            pieces.append(piece)
        track.check_complete(num_frames)
        samples = np.concatenate(pieces) if pieces else np.zeros([0, 1], np.float32)
        return Sound(
            samples=samples, rate_hz=track.rate_hz, centre=track.centre, header_s=track.header_s
        )


class Track:
    """The first sound track of a recording, decoded from its beginning onwards; a context manager.

    Attributes:
      rate_hz: Frames a second, as the header tells until the first piece was decoded.
      centre: Position of the centre channel; -1 where there is none.
      header_s: Duration that the header tells; 0 where it does not.

    Raises:
      DecodingError: Not audio, without a sound track, or in an unknown coding.
    """

    def __init__(self, contents: Contents):
        self._stack = ExitStack()
        self._container, self._stream = self._stack.enter_context(_opened(contents))
        flac_rate_hz, self._flac_frames = headers.flac(contents)
        if flac_rate_hz:
            check_rate(flac_rate_hz)
        if self._stream.codec_context.name == "flac":
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._ticks = _ticks(self._container, self._stream, contents)
        self._most_frames: int | None = None
        if (self._container.format.name, self._stream.codec_context.name) == ("caf", "alac"):
            # FFmpeg cuts the padding off the last packet even where the packet tells its length.
            self._stream.codec_context.options = {"flags2": "+skip_manual"}
            self._most_frames = self._ticks
        self.rate_hz: int = self._stream.rate
        names = [channel.name for channel in self._stream.layout.channels]
        self.centre = names.index("FC") if "FC" in names and len(names) > 1 else -1
        self.header_s = float((self._ticks or 0) * self._stream.time_base)

    def __enter__(self) -> "Track":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the recording."""
        self._stack.close()

    def pieces(self) -> Iterator[np.ndarray]:
        """Yields the samples in order, each piece [frames, channels] as stored.

        Raises:
          DecodingError: Truncated or corrupt.
        """
        import av

        shape, left = None, self._most_frames
        try:
            for frame in _frames(self._container, self._stream):
                # The frames' rate: a stream's header may tell that of the core only (HE-AAC).
                own = (frame.sample_rate, frame.layout.nb_channels, frame.format.name)
                shape = shape or own
                if own != shape:
                    raise DecodingError(
                        "corrupt: its rate or its number of channels changes midway"
                    )
                self.rate_hz = frame.sample_rate
                check_rate(self.rate_hz)
                array = frame.to_ndarray()
                piece = array.T if frame.format.is_planar else array.reshape(-1, own[1])
                if left is not None:
                    piece = piece[:left]
                    left -= len(piece)
                if len(piece):
                    yield piece
        except (av.FFmpegError, ValueError, OSError) as error:
            raise DecodingError(_failure(error, self._flac_frames)) from None

    def check_complete(self, num_frames: int) -> None:
        """Raises DecodingError if the whole track has fewer frames than its header promises."""
        promised = self._flac_frames or _promised_frames(self._container, self._stream, self._ticks)
        check_complete(promised, num_frames, unit="samples")


@contextmanager
def _opened(contents: Contents) -> Iterator[tuple[Any, Any]]:
    """Opens a recording: the container and its first sound track.

    Raises:
      DecodingError: There is none that can be decoded, or FFmpeg finds the header damaged.
    """
    import av

    # Asking all formats whether a file is theirs takes a third of the time of opening it.
    known = "flac" if contents[:4] == b"fLaC" else None
    options = {"format_whitelist": CONTAINERS}
    if known and isinstance(contents, bytes) and contents[-_ID3V1_BYTES:].startswith(b"TAG"):
        contents = contents[:-_ID3V1_BYTES]  # FFmpeg takes it for a part of the last frame.
    contents = headers.full_last_packet(contents)
    try:
        container = av.open(reader(contents), format=known, options=options)
    except (av.FFmpegError, ValueError, OSError):
        raise DecodingError(NOT_AUDIO) from None
    with container:
        if not container.streams.audio:
            raise DecodingError(NO_SOUND_TRACK if container.streams else NOT_AUDIO)
        stream = container.streams.audio[0]
        # PyAV crashes on decoding a stream whose codec it does not know.
        if stream.codec_context is None:
            raise DecodingError(NO_DECODER)
        if not stream.rate or not stream.time_base:
            raise DecodingError(NOT_AUDIO)
        check_rate(stream.rate)
        try:
            yield container, stream
        except (av.FFmpegError, ValueError, OSError):
            raise DecodingError(NOT_AUDIO) from None


def _ticks(container: Any, stream: Any, contents: Contents) -> int | None:
    """Returns the duration that the header tells in the stream's unit; `None` if in no sane way."""
    name, codec = container.format.name, stream.codec_context.name
    ticks = stream.duration
    if name == "avi" or (name == "caf" and codec.startswith("pcm_")):
        ticks = stream.frames  # The other one is an estimate.
    elif codec.startswith(_BLOCK_CODINGS) or name in ("aac", "asf"):
        return None  # It is that of the whole file, or extrapolated from the first frames.
    elif name == "mp3" and not headers.mp3_tells_length(contents):
        return None
    if not ticks or ticks * stream.time_base * stream.rate > _MAX_FRAMES_A_BYTE * len(contents):
        return None
    return ticks


def _promised_frames(container: Any, stream: Any, ticks: int | None) -> int:
    """Returns the least number of frames that the container's header lets one expect.

    Args:
      container: The recording.
      stream: Its first sound track.
      ticks: Its duration as the header tells, in the stream's unit.
    """
    name = container.format.name
    # Whether wav and Ogg files are complete was checked before, byte by byte.
    if ticks is None or name in ("wav", "w64", "ogg"):
        return 0
    frames = Fraction(ticks) * stream.time_base * stream.rate
    return int(frames if _is_exact(container, stream) else frames * Fraction(_LEAST_FRACTION))


def _is_exact(container: Any, stream: Any) -> bool:
    return container.format.name in _EXACT and stream.codec_context.name.startswith("pcm_")


def _failure(error: Exception, promised: int) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return (
        "truncated or corrupt"
        + (f" (its header promises {promised:,} samples)" if promised else "")
        + f": {(reason or type(error).__name__)[:100]}"
    )


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Yields the decoded frames of a stream."""
    sample_bits = re.fullmatch(r"pcm_[a-z](\d+)be", stream.codec_context.name)
    if container.format.name != "aiff" or not sample_bits:
        yield from container.decode(stream)
        return
    import av

    # FFmpeg takes the byte that pads samples of an odd length (24 bits mono) for part of them, and
    # fails.
    frame_bytes = stream.codec_context.channels * int(sample_bits[1]) // 8
    for packet in container.demux(stream):
        whole = packet.size // frame_bytes * frame_bytes
        if whole:
            yield from stream.codec_context.decode(av.Packet(bytes(packet)[:whole]))
    yield from stream.codec_context.decode(None)

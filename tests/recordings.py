"""For tests: a recording in every container and coding that we say we read, made on the fly."""

import dataclasses
import io
from collections.abc import Callable

import av
import numpy as np
import soundfile

NUM_FRAMES = 12_345  # odd, so that chunks of single bytes are padded


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One container with one coding in it.

    Attributes:
      name: Of the test.
      suffix: One of `schemas.recordings.AUDIO_SUFFIXES`, without the dot.
      make: Returns the file's bytes.
      rate_hz: Frames a second that a decoder gives.
      channels: Number of channels.
      lossless: Whether the samples are those of `speechlike`, bit by bit.
      by_soundfile: Whether libsndfile decodes it to the same samples.
    """

    name: str
    suffix: str
    make: Callable[[], bytes]
    rate_hz: int = 16_000
    channels: int = 1
    lossless: bool = False
    by_soundfile: bool = False

    def __str__(self) -> str:
        return self.name


def speechlike(num_channels: int = 1, num_frames: int = NUM_FRAMES) -> np.ndarray:
    """Returns a tone in noise, int16 [frames, channels]; each channel has noise of its own."""
    generator = np.random.default_rng(0)
    tone = 0.3 * np.sin(np.arange(num_frames) / 8)[:, np.newaxis]
    noise = generator.normal(0.0, 0.1, [num_frames, num_channels])
    return np.round(32_767 * np.clip(tone + noise, -0.9, 0.9)).astype(np.int16)


def by_soundfile(
    form: str, subtype: str, *, channels: int = 1, rate_hz: int = 16_000, num_frames=NUM_FRAMES
) -> bytes:
    file = io.BytesIO()
    # libsndfile scales floats by their type's largest value, integers by shifts.
    samples = speechlike(channels, num_frames)
    if subtype in ("FLOAT", "DOUBLE"):
        samples = samples / 32_768
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()


def by_av(
    form: str,
    codec: str | None,
    *,
    rate_hz: int = 16_000,
    layout: str = "mono",
    picture: str = "",
    bit_rate: int = 0,
) -> bytes:
    """Returns a file as FFmpeg makes it; with `picture`, its codec, a video of a second."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        if picture:
            video = container.add_stream(picture, rate=25)
            video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        if codec:
            sound = container.add_stream(codec, rate=rate_hz, layout=layout)
            if bit_rate:
                sound.bit_rate = bit_rate
        if picture:
            generator = np.random.default_rng(0)
            for _ in range(25):
                pixels = generator.integers(0, 255, (96, 128, 3), dtype=np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            container.mux(video.encode(None))
        if codec:
            # Of any rate: a tone of another pitch does as well.
            frame = av.AudioFrame.from_ndarray(speechlike().T, "s16", "mono")
            frame.sample_rate, frame.pts = rate_hz, 0
            resampler = av.AudioResampler(format=sound.format.name, layout=layout, rate=rate_hz)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    return file.getvalue()


def remuxed(contents: bytes, form: str) -> bytes:
    """Returns the sound of a file in another container, its packets as they are."""
    file = io.BytesIO()
    with av.open(io.BytesIO(contents)) as source, av.open(file, "w", format=form) as container:
        stream = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return file.getvalue()


def decoded_by_av(contents: bytes) -> tuple[np.ndarray, int]:
    """Returns what PyAV's resampler makes of the first sound track: float32 [frames, channels]."""
    with av.open(io.BytesIO(contents)) as container:
        stream = container.streams.audio[0]
        resampler, pieces, rate_hz = None, [], 0
        for frame in container.decode(stream):
            rate_hz = frame.sample_rate
            resampler = resampler or av.AudioResampler(format="fltp", rate=rate_hz)
            pieces += [part.to_ndarray() for part in resampler.resample(frame)]
        pieces += [part.to_ndarray() for part in resampler.resample(None) if resampler]
    return np.concatenate(pieces, axis=1).T, rate_hz


def _soundfile_kind(
    suffix: str, form: str, subtype: str, *, channels: int = 1, lossless: bool | None = None
) -> Kind:
    whole = subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_16", "ALAC_24")
    return Kind(
        name=f"{form} {subtype} {channels}".lower(),
        suffix=suffix,
        make=lambda: by_soundfile(form, subtype, channels=channels),
        channels=channels,
        lossless=whole if lossless is None else lossless,
        by_soundfile=True,
    )


def _av_kind(suffix: str, form: str, codec: str, *, lossless: bool = False, **arguments) -> Kind:
    picture = arguments.get("picture", "")
    return Kind(
        name=" ".join(filter(None, (suffix, form, codec, picture))),
        suffix=suffix,
        make=lambda: by_av(form, codec, **arguments),
        rate_hz=arguments.get("rate_hz", 16_000),
        channels=2 if arguments.get("layout") == "stereo" else 1,
        lossless=lossless,
    )


_PCM = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
_COMPANDED = ("ULAW", "ALAW")

KINDS: tuple[Kind, ...] = (
    *(
        _soundfile_kind(suffix, form, subtype, channels=channels)
        for suffix, form in (
            ("wav", "WAV"),
            ("wav", "WAVEX"),
            ("rf64", "RF64"),
            ("w64", "W64"),
        )
        for subtype in ("PCM_U8", *_PCM, *_COMPANDED)
        for channels in (1, 2)
    ),
    *(
        _soundfile_kind(suffix, form, subtype, channels=channels)
        for suffix, form in (("aiff", "AIFF"), ("au", "AU"), ("caf", "CAF"))
        for subtype in ("PCM_S8", *_PCM, *_COMPANDED)
        for channels in (1, 2)
    ),
    *(_soundfile_kind("flac", "FLAC", f"PCM_{width}", channels=2) for width in ("S8", "16", "24")),
    *(_soundfile_kind("caf", "CAF", f"ALAC_{width}") for width in (16, 24)),
    *(_soundfile_kind("wav", "WAV", "IMA_ADPCM", channels=channels) for channels in (1, 2)),
    *(_soundfile_kind("w64", "W64", "IMA_ADPCM", channels=channels) for channels in (1, 2)),
    _av_kind("wav", "wav", "adpcm_ms"),
    _av_kind("wav", "wav", "libmp3lame"),
    _av_kind("aif", "aiff", "pcm_s16be", lossless=True),
    _av_kind("aifc", "aiff", "pcm_mulaw"),
    _av_kind("aifc", "aiff", "adpcm_ima_qt"),
    _av_kind("snd", "au", "pcm_s16be", lossless=True),
    _av_kind("mp3", "mp3", "libmp3lame"),
    _av_kind("mp3", "mp3", "libmp3lame", layout="stereo", rate_hz=44_100),
    Kind(
        name="ogg vorbis",
        suffix="ogg",
        make=lambda: by_soundfile("OGG", "VORBIS", channels=2),
        channels=2,
    ),
    Kind(name="oga vorbis mono", suffix="oga", make=lambda: by_soundfile("OGG", "VORBIS")),
    _av_kind("ogg", "ogg", "flac", lossless=True),
    _av_kind("opus", "ogg", "libopus", rate_hz=48_000),
    Kind(
        name="opus of 16 kHz",  # libsndfile gives its samples at 16 kHz, FFmpeg at the codec's own
        suffix="opus",
        make=lambda: by_soundfile("OGG", "OPUS"),
        rate_hz=48_000,
    ),
    _av_kind("m4a", "ipod", "aac"),
    _av_kind("m4a", "ipod", "aac", layout="stereo", rate_hz=44_100),
    _av_kind("m4a", "ipod", "alac", lossless=True),
    _av_kind("m4b", "ipod", "aac"),
    _av_kind("aac", "adts", "aac"),
    _av_kind("ac3", "ac3", "ac3", rate_hz=48_000),
    _av_kind("amr", "amr", "libopencore_amrnb", rate_hz=8_000),
    _av_kind("wv", "wv", "wavpack"),
    _av_kind("tta", "tta", "tta"),
    _av_kind("voc", "voc", "pcm_s16le", lossless=True),
    _av_kind("mka", "matroska", "flac", lossless=True),
    _av_kind("wma", "asf", "wmav2", rate_hz=44_100, bit_rate=128_000),
    _av_kind("wma", "asf", "wmav1", rate_hz=22_050, bit_rate=64_000),
    _av_kind("avi", "avi", "pcm_s16le", picture="mpeg4", lossless=True),
    _av_kind("avi", "avi", "libmp3lame", picture="mpeg4"),
    _av_kind("avi", "avi", "ac3", picture="mpeg4", rate_hz=48_000),
    _av_kind("avi", "avi", "adpcm_ima_wav", picture="mpeg4"),
    _av_kind("mp4", "mp4", "aac", picture="mpeg4"),
    _av_kind("mp4", "mp4", "libmp3lame", picture="mpeg4", rate_hz=44_100),
    _av_kind("m4v", "mp4", "aac", picture="mpeg4"),
    _av_kind("ts", "mpegts", "aac", picture="mpeg2video"),
    _av_kind("mts", "mpegts", "ac3", picture="mpeg2video", rate_hz=48_000),
    _av_kind("m2ts", "mpegts", "mp2", picture="mpeg2video", rate_hz=48_000),
    _av_kind("3g2", "3g2", "aac", picture="mpeg4"),
    _av_kind("mov", "mov", "pcm_s16le", picture="mpeg4", lossless=True),
    _av_kind("mov", "mov", "aac", picture="mpeg4"),
    _av_kind("mkv", "matroska", "pcm_s16le", picture="mpeg4", lossless=True),
    _av_kind("mkv", "matroska", "flac", picture="mpeg4", lossless=True),
    _av_kind("mkv", "matroska", "aac", picture="mpeg4"),
    _av_kind("mkv", "matroska", "ac3", picture="mpeg4", rate_hz=48_000),
    _av_kind("webm", "webm", "libopus", picture="vp8", rate_hz=48_000),
    _av_kind("webm", "webm", "libopus", rate_hz=48_000),
    Kind(
        name="webm vorbis",
        suffix="webm",
        make=lambda: remuxed(by_soundfile("OGG", "VORBIS", channels=2), "webm"),
        channels=2,
    ),
    _av_kind("mpg", "mpeg", "mp2", picture="mpeg1video", rate_hz=44_100),
    _av_kind("mpeg", "vob", "mp2", picture="mpeg2video", rate_hz=48_000),
    _av_kind("mpeg", "mpegts", "aac", picture="mpeg2video"),
    _av_kind("flv", "flv", "libmp3lame", picture="flv", rate_hz=44_100),
    _av_kind("flv", "flv", "aac", picture="flv", rate_hz=44_100),
    _av_kind("wmv", "asf", "wmav2", picture="wmv2", rate_hz=44_100, bit_rate=128_000),
    _av_kind("3gp", "3gp", "libopencore_amrnb", picture="h263", rate_hz=8_000),
    _av_kind("3gp", "3gp", "aac", picture="mpeg4"),
)

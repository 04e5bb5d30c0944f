"""From speech to a recording: the room, the film, the microphones, and the file."""

import io
import math
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from corpora.synthetic import espeak
from corpora.synthetic.base import Corpus, Scene
from corpora.synthetic.prosody import amplitude

LEVEL_DBFS = -24.0
# Films differ in how loud they are.
FILM_LEVEL_DB = 5.0
PICTURE_HZ = 5
WIDTH, HEIGHT = 64, 48
CORRUPT_BYTES = 4_096


def record(
    speech: np.ndarray,
    *,
    level_db: float,
    scene: Scene,
    rate_hz: int,
    speaker: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Returns the recording of speech in a scene.

    Args:
      speech: Float [samples] at `espeak.RATE_HZ`.
      level_db: Relative to the usual level.
      scene: The place.
      rate_hz: The recording's rate.
      speaker: The speaker's name, on which the place of the second microphone depends.
      rng: Chance of this recording.

    Returns:
      int16 [samples, channels].
    """
    divisor = math.gcd(rate_hz, espeak.RATE_HZ)
    speech = scipy.signal.resample_poly(speech, rate_hz // divisor, espeak.RATE_HZ // divisor)
    if scene.echo_db is not None:
        speech = speech + amplitude(scene.echo_db) * _echo(speech, rate_hz, rng)
    speech *= amplitude(LEVEL_DBFS + level_db) / max(np.sqrt(np.mean(speech**2)), 1e-6)
    if scene.film:
        below_db = rng.uniform(8, 20)
        speech = speech + amplitude(LEVEL_DBFS - below_db) * _film(len(speech), rate_hz, rng)
        speech *= amplitude(rng.normal(0, FILM_LEVEL_DB))
    channels = [speech]
    if scene.second_channel == "late":
        delay = 12 + zlib.crc32(speaker.encode()) % 30
        channels.append(0.85 * np.pad(speech, (delay, 0))[: len(speech)])
    noise = amplitude(scene.noise_dbfs)
    recording = np.stack([channel + noise * rng.normal(size=len(channel)) for channel in channels])
    if scene.second_channel == "same":
        recording = np.repeat(recording, 2, axis=0)
    recording *= min(1.0, 0.97 / np.abs(recording).max())
    return np.round(recording.T * 32767).astype(np.int16)


def _echo(speech: np.ndarray, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the reverberation of a small room that falls by 60 dB in 0.3 s."""
    time_s = np.arange(int(0.2 * rate_hz)) / rate_hz
    response = rng.normal(size=len(time_s)) * np.exp(-6.9 * time_s / 0.3) * (time_s > 0.005)
    response /= np.sqrt(np.sum(response**2))
    return scipy.signal.fftconvolve(speech, response)[: len(speech)]


def _film(length: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a scene's noise, and in two of three scenes music, at an RMS of 1."""
    sound = scipy.signal.lfilter([1], [1, -rng.uniform(0.9, 0.99)], rng.normal(size=length))
    sound /= np.sqrt(np.mean(sound**2))
    if rng.random() < 2 / 3:
        sound = rng.uniform(0.2, 1.0) * sound + _music(length, rate_hz, rng)
    return sound / np.sqrt(np.mean(sound**2))


def _music(length: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Returns chords of plucked tones, at an RMS of 1."""
    music = np.zeros(length)
    beat = int(rate_hz * rng.uniform(0.25, 0.6))
    root_hz = 110 * 2 ** (rng.integers(12) / 12)
    scale = np.array([0, 2, 3, 5, 7, 8, 10] if rng.random() < 0.5 else [0, 2, 4, 5, 7, 9, 11])
    for start in range(0, length, beat):
        time_s = np.arange(min(2 * beat, length - start)) / rate_hz
        for tone in rng.choice(scale, 3, replace=False):
            pitch_hz = root_hz * 2 ** ((tone + 12 * rng.integers(2)) / 12)
            for harmonic in range(1, 4):
                wave = np.sin(2 * np.pi * harmonic * pitch_hz * time_s)
                music[start : start + len(time_s)] += wave * np.exp(-4 * time_s) / harmonic
    return music / np.sqrt(np.mean(music**2))


def write(path: Path, samples: np.ndarray, *, corpus: Corpus, defect: str, seed: int) -> None:
    """Writes a recording; the same arguments give the same bytes.

    Args:
      path: The file to write; its folder exists.
      samples: Int16 [samples, channels] at the corpus' rate.
      corpus: Whose container it is.
      defect: A defect as of `Clip`.
      seed: Seed of the picture.
    """
    if corpus.sound == "wav":
        soundfile.write(path, samples, corpus.rate_hz, "PCM_16")
        return
    rng = np.random.default_rng([seed, zlib.crc32(path.name.encode())])
    video = _video(samples, corpus.rate_hz, "" if defect == "no sound" else corpus.sound, rng)
    path.write_bytes(video[:12] + rng.bytes(CORRUPT_BYTES) if defect == "corrupt" else video)


def _video(samples: np.ndarray, rate_hz: int, sound: str, rng: np.random.Generator) -> bytes:
    """Returns an AVI with a bar that moves, and the samples coded as `sound`, if any."""
    import av
    from av.codec.context import Flags

    content = io.BytesIO()
    chunk = rate_hz // PICTURE_HZ
    colour = rng.integers(40, 216, size=3)
    # Without these flags, versions of libraries would be in the file.
    with av.open(content, "w", format="avi", options={"fflags": "+bitexact"}) as container:
        picture = container.add_stream("mpeg4", rate=PICTURE_HZ)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        streams = [picture]
        if sound:
            streams.append(container.add_stream(sound, rate=rate_hz))
            streams[1].layout = "mono" if samples.shape[1] == 1 else "stereo"
        for stream in streams:
            stream.codec_context.flags |= Flags.bitexact
            stream.codec_context.thread_count = 1
        for index in range(math.ceil(len(samples) / chunk)):
            image = np.full((HEIGHT, WIDTH, 3), 48, np.uint8)
            image[:, 4 * index % WIDTH :][:, :8] = colour
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, PICTURE_HZ)
            container.mux(picture.encode(frame))
            if sound:
                part = samples[index * chunk : (index + 1) * chunk]
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(part).reshape(1, -1), "s16", streams[1].layout.name
                )
                frame.sample_rate, frame.pts = rate_hz, index * chunk
                frame.time_base = Fraction(1, rate_hz)
                container.mux(streams[1].encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return content.getvalue()

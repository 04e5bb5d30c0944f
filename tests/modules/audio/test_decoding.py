"""The oracles: soundfile, and tensorflow-io for the wav files it reads."""

import io
import struct

import numpy as np
import pytest
import soundfile
from tiny_models import video

from modules.audio import decoding
from modules.audio.errors import DecodingError
from schemas.sound import SAMPLE_RATE_HZ


def noise(num_frames: int, num_channels: int = 2, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, [num_frames, num_channels])


def encode(samples: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ, **kwargs) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **{"format": "WAV"} | kwargs)
    return file.getvalue()


LOSSLESS = [
    *[
        (form, subtype)
        for form in ("WAV", "WAVEX")
        for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
    ],
    ("WAV", "ULAW"),
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("AIFF", "PCM_16"),
    ("AIFF", "PCM_24"),
    ("AIFF", "FLOAT"),
    ("AU", "PCM_16"),
    ("W64", "PCM_16"),
    ("CAF", "PCM_24"),
]


@pytest.mark.parametrize(("form", "subtype"), LOSSLESS)
@pytest.mark.parametrize("num_channels", [1, 2])
def test_lossless_files_equal_soundfile(form, subtype, num_channels):
    contents = encode(noise(5_000, num_channels), 48_000, format=form, subtype=subtype)
    expected, _ = soundfile.read(io.BytesIO(contents), dtype="float32", always_2d=True)
    samples, rate_hz = decoding.decode(contents)
    assert rate_hz == 48_000
    assert samples.dtype == np.float32
    assert samples.shape == expected.shape
    np.testing.assert_allclose(samples, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("MP3", None)])
def test_lossy_files_equal_soundfile(form, subtype):
    contents = encode(noise(48_000), 48_000, format=form, subtype=subtype)
    expected, _ = soundfile.read(io.BytesIO(contents), dtype="float32", always_2d=True)
    samples, rate_hz = decoding.decode(contents)
    assert rate_hz == 48_000
    assert samples.shape == expected.shape
    np.testing.assert_allclose(samples, expected, atol=1e-5, rtol=0)


def test_the_sound_of_a_video():
    pcm = (noise(22_050, 1)[:, 0] * 32767).astype(np.int16)
    samples, rate_hz = decoding.decode(video(pcm[np.newaxis]))
    assert rate_hz == 22_050
    np.testing.assert_allclose(samples[:, 0], pcm / 32768, atol=1e-7)


def test_chunks_before_the_data_and_streaming_headers():
    plain = encode(noise(100), subtype="PCM_16")
    expected, _ = decoding.decode(plain)
    odd = b"LIST" + struct.pack("<I", 5) + b"abcde\0"
    streamed = [plain[:40] + struct.pack("<I", n) + plain[44:] for n in (0, 2**31 - 1, 2**32 - 1)]
    for contents in (plain[:12] + odd + plain[12:], plain[:36] + odd + plain[36:], *streamed):
        np.testing.assert_array_equal(decoding.decode(contents)[0], expected)


def _bad() -> dict[str, tuple[bytes, str]]:
    plain = encode(noise(2_000), subtype="PCM_16")
    flac = encode(noise(20_000), format="FLAC", subtype="PCM_16")
    ogg = encode(noise(20_000), 48_000, format="OGG", subtype="VORBIS")
    mp3 = encode(noise(48_000), 48_000, format="MP3")
    aiff = encode(noise(20_000), format="AIFF", subtype="PCM_16")
    flipped = bytearray(flac)
    flipped[len(flac) // 2] ^= 0x10
    return {
        "empty": (b"", "empty file"),
        "text": (b"Not audio at all.\n" * 50, "not audio"),
        "random": (np.random.default_rng(0).bytes(5_000), "not audio"),
        "playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n", "not audio"),
        "wav, header only": (plain[:44], "truncated: its header promises 8,000 bytes"),
        "wav, cut": (plain[:-801], "truncated: its header promises 8,000 bytes"),
        "wav, no data": (plain[:40], "truncated: wav file without a data chunk"),
        "wav, no format": (plain[:20], "without a format chunk"),
        "wav, no channels": (plain[:22] + bytes(2) + plain[24:], "contradicts itself"),
        "wav, 40 bits": (plain[:34] + b"\x28\0" + plain[36:], "width"),
        "wav, unknown coding": (plain[:20] + b"\x2c\0" + plain[22:], "no decoder"),
        "µ-law, cut": (encode(noise(900), subtype="ULAW")[:-200], "truncated: its header promises"),
        "flac, cut": (flac[: len(flac) // 2], "truncated or corrupt.*promises 20,000 samples"),
        "flac, cut between frames": (flac[:100], "truncated"),
        "flac, one bit": (bytes(flipped), "truncated or corrupt"),
        "ogg, cut": (ogg[:-100], "truncated"),
        "mp3, cut": (mp3[: len(mp3) // 2], "truncated: its header promises"),
        "aiff, cut": (aiff[: len(aiff) // 2], "truncated"),
        "video without sound": (video(None), "no sound track"),
    }


BAD = _bad()


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_words(name):
    contents, message = BAD[name]
    with pytest.raises(decoding.DecodingError, match=message):
        decoding.decode(contents)


def first_channel(contents: bytes, **segment: float) -> np.ndarray:
    return decoding.decode_first_channel(contents, **segment)[0]


def test_a_segment():
    contents = encode(noise(SAMPLE_RATE_HZ))
    whole = first_channel(contents)
    np.testing.assert_array_equal(
        first_channel(contents, start_s=0.25, end_s=0.5), whole[4_000:8_000]
    )
    np.testing.assert_array_equal(first_channel(contents, start_s=0.75), whole[12_000:])
    np.testing.assert_array_equal(first_channel(contents, end_s=9.0), whole)
    with pytest.raises(decoding.DecodingError, match=r"nothing from 2 s to 3 s: it is 1.000 s"):
        first_channel(contents, start_s=2.0, end_s=3.0)


def _with(value: float) -> np.ndarray:
    samples = noise(100)
    samples[50] = value
    return samples


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (encode(np.zeros([1_000, 1])), "silent"),
        (encode(np.full([1_000, 1], 0.25)), "silent"),
        (encode(np.zeros([1_000, 2]), format="FLAC"), "silent"),
        (encode(np.zeros([0, 1])), "no samples"),
        (encode(_with(np.nan), subtype="FLOAT"), "not finite"),
        (encode(_with(np.inf), subtype="DOUBLE"), "not finite"),
        (encode(noise(100), 999), "sample rate, 999 Hz"),
        (encode(noise(100), 999_999), "sample rate, 999,999 Hz"),
    ],
)
def test_refuses_what_cannot_be_speech(contents, message):
    with pytest.raises(decoding.DecodingError, match=message):
        first_channel(contents)


@pytest.mark.parametrize(
    ("form", "subtype"),
    [("WAV", "PCM_16"), ("WAVEX", "PCM_24"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", None)],
)
def test_damage_never_does_more_than_raise(form, subtype):
    contents = encode(noise(3_000), 48_000, format=form, subtype=subtype)
    generator = np.random.default_rng(0)
    for round_ in range(90):
        damaged = bytearray(contents)
        if round_ % 3 == 0:
            damaged = damaged[: generator.integers(len(damaged))]
        else:
            end = 80 if round_ % 3 == 1 else len(damaged)
            for position in generator.integers(0, end, generator.integers(1, 4)):
                damaged[position] = generator.integers(256)
        try:
            waveform = first_channel(bytes(damaged))
        except decoding.DecodingError:
            continue
        assert np.isfinite(waveform).all()
        assert len(waveform)


@pytest.mark.parametrize("num_frames", [4_096, 9_000, 10_729, 12_288, 12_289])
def test_the_last_packet_of_alac_in_caf_is_heard_to_its_end(num_frames):
    contents = encode(noise(num_frames, 1), format="CAF", subtype="ALAC_16")
    expected, _ = soundfile.read(io.BytesIO(contents), dtype="int32", always_2d=True)
    heard = decoding.sound(contents).samples
    assert len(heard) == len(expected) == num_frames
    scale = 2.0 ** (8 * heard.dtype.itemsize - 1) if heard.dtype.kind == "i" else 1.0
    np.testing.assert_allclose(heard / scale, expected / 2**31, atol=1e-4)


def test_an_impossible_rate_in_a_flac_header_is_refused_though_its_frames_tell_another():
    contents = bytearray(encode(noise(8_000, 1), format="FLAC"))
    # The 20 bits of the rate in STREAMINFO: 1,048,560 Hz.
    contents[18:20] = b"\xff\xff"
    with pytest.raises(DecodingError, match="is not that of speech"):
        decoding.header(bytes(contents))
    with pytest.raises(DecodingError, match="is not that of speech"):
        decoding.sound(bytes(contents))

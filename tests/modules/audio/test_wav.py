"""The one wav parser: soundfile, scipy and tensorflow-io are the oracles."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile
import tensorflow as tf

from modules.audio import decoding, wav
from modules.audio.errors import DecodingError


def encode(samples: np.ndarray, subtype: str, *, form: str = "WAV", rate_hz: int = 44_100) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()


def noise(num_frames: int, num_channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, [num_frames, num_channels])


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64", "W64"])
@pytest.mark.parametrize(
    ("subtype", "coding"),
    [
        ("PCM_U8", (wav.PCM, 8)),
        ("PCM_16", (wav.PCM, 16)),
        ("PCM_24", (wav.PCM, 24)),
        ("PCM_32", (wav.PCM, 32)),
        ("FLOAT", (wav.FLOAT, 32)),
        ("DOUBLE", (wav.FLOAT, 64)),
        ("ULAW", (wav.MULAW, 8)),
        ("ALAW", (wav.ALAW, 8)),
    ],
)
def test_headers_are_what_soundfile_wrote(form, subtype, coding):
    contents = encode(noise(11, 3), subtype, form=form)
    assert wav.is_wav(contents)
    header = wav.parse(contents)
    assert (header.tag, header.bits) == coding
    assert (header.channels, header.rate_hz, header.num_frames) == (3, 44_100, 11)
    assert header.frame_bytes == 3 * header.bits // 8
    assert header.data_bytes == 11 * header.frame_bytes
    assert header.is_plain == (subtype not in ("ULAW", "ALAW"))


@pytest.mark.filterwarnings("ignore::scipy.io.wavfile.WavFileWarning")
@pytest.mark.parametrize("num_channels", [1, 2, 5])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_samples_equal_scipy(subtype, num_channels):
    contents = encode(noise(1_001, num_channels), subtype)
    samples = wav.samples(wav.parse(contents))
    rate_hz, expected = scipy.io.wavfile.read(io.BytesIO(contents))
    assert rate_hz == 44_100
    np.testing.assert_array_equal(samples, expected.reshape(-1, num_channels), strict=True)


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize(
    ("subtype", "dtype"),
    [
        ("PCM_U8", tf.uint8),
        ("PCM_16", tf.int16),
        ("PCM_24", tf.int32),
        ("FLOAT", tf.float32),
    ],
)
def test_samples_equal_tensorflow_io(subtype, dtype, num_channels):
    import tensorflow_io

    contents = encode(noise(1_000, num_channels), subtype)  # it fails on padded chunks
    samples = wav.samples(wav.parse(contents))
    expected = tensorflow_io.audio.decode_wav(contents, dtype=dtype).numpy()
    np.testing.assert_array_equal(samples, expected, strict=True)


def test_other_chunks_are_walked_over_and_the_last_format_counts():
    plain = encode(noise(100), "PCM_16")
    expected = wav.parse(plain)
    odd = b"LIST" + struct.pack("<I", 5) + b"abcde\0"  # padded to an even length
    wrong = b"fmt " + struct.pack("<IHHIIHH", 16, wav.PCM, 1, 8_000, 8_000, 1, 8)
    for contents in (
        plain[:12] + odd + plain[12:],
        plain[:36] + odd + plain[36:],
        plain[:12] + wrong + plain[12:],
        plain + odd,
    ):
        assert wav.parse(contents) == expected


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_samples_of_unknown_length_go_on_to_the_end(size):
    plain = encode(noise(100), "PCM_16")
    streamed = plain[:40] + struct.pack("<I", size) + plain[44:] + b"\1"  # a part of a frame
    header = wav.parse(streamed)
    assert header.num_frames == 100
    np.testing.assert_array_equal(wav.samples(header), wav.samples(wav.parse(plain)))


@pytest.mark.parametrize("form", ["RF64", "W64"])
def test_formats_of_large_files_tell_their_length_elsewhere(form):
    contents = encode(noise(100), "PCM_16", form=form)
    assert contents[:4].upper() in (b"RF64", b"RIFF")
    assert wav.parse(contents).num_frames == 100
    with pytest.raises(DecodingError, match="promises 400 bytes of samples, 300 are there"):
        wav.parse(contents[:-100])


_PLAIN = encode(noise(100), "PCM_16")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (_PLAIN[:12], "without a format chunk"),
        (_PLAIN[:30], "without a format chunk"),
        (_PLAIN[:40], "truncated: wav file without a data chunk"),
        (_PLAIN[:44], "truncated: its header promises 400 bytes of samples, 0 are there"),
        (_PLAIN[:-41], "truncated: its header promises 400 bytes of samples, 359 are there"),
        (_PLAIN[:22] + bytes(2) + _PLAIN[24:], "contradicts itself"),
        (_PLAIN[:24] + bytes(4) + _PLAIN[28:], "contradicts itself"),
        (_PLAIN[:32] + bytes(2) + _PLAIN[34:], "contradicts itself"),
        (_PLAIN[:34] + b"\x28\0" + _PLAIN[36:], "width there is no decoder for: 40 bits"),
        (_PLAIN[:28] + b"\x44\xad\0\0" + _PLAIN[32:], "tells 44,100 Hz, but .* 11,089 Hz"),
        (_PLAIN[:12] + b"junk\0\0\0\0" * wav.MAX_CHUNKS + _PLAIN[12:], "without a format chunk"),
    ],
)
def test_damaged_headers_are_refused_in_words(contents, message):
    with pytest.raises(DecodingError, match=message):
        wav.parse(contents)


@pytest.mark.parametrize("contents", [b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"fLaC" + bytes(40)])
def test_other_files_are_no_wav(contents):
    assert not wav.is_wav(contents)


def test_decoding_imports_no_tensorflow():
    code = (
        "import io, sys, numpy, soundfile; from modules.audio import decoding;"
        "from corpora.audit import listening; from corpora.indexing import probe;"
        "file = io.BytesIO(); sound = numpy.random.default_rng(0).normal(0, .1, 1_000);"
        "soundfile.write(file, sound, 8_000, format='FLAC'); contents = file.getvalue();"
        "decoding.header(contents); decoding.decode(contents);"
        "print([name for name in ('tensorflow', 'tensorflow_io') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SAMPLES = np.random.default_rng(1).integers(-20_000, 20_000, 101).astype("<i2")


def chunk(name: bytes, body: bytes, *, size: int | None = None, order: str = "<") -> bytes:
    size = len(body) if size is None else size
    return name + struct.pack(f"{order}I", size) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes, order: str = "<") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", len(body)) + body


def form(bits: int, *, order: str = "<") -> bytes:
    frame_bytes = -(-bits // 8)
    values = (wav.PCM, 1, 8_000, 8_000 * frame_bytes, frame_bytes, bits)
    return chunk(b"fmt ", struct.pack(f"{order}HHIIHH", *values), order=order)


def heard(contents: bytes) -> np.ndarray:
    return decoding.decode(contents)[0][:, 0]


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_numbers_with_their_large_end_first(bits):
    wide = SAMPLES.astype(np.int64) << (bits - 16)
    body = b"".join(int(value).to_bytes(bits // 8, "big", signed=True) for value in wide)
    contents = riff(form(bits, order=">"), chunk(b"data", body, order=">"), order=">")
    np.testing.assert_array_equal(heard(contents), SAMPLES / np.float32(2**15))


@pytest.mark.parametrize(("bits", "unused"), [(12, 4), (20, 4)])
def test_samples_that_do_not_fill_their_bytes_lie_in_the_upper_bits(bits, unused):
    stored_bytes = -(-bits // 8)
    values = (SAMPLES.astype(np.int64) << (8 * stored_bytes - 16)) >> unused << unused
    body = b"".join(int(value).to_bytes(stored_bytes, "little", signed=True) for value in values)
    expected = values / 2.0 ** (8 * stored_bytes - 1)
    np.testing.assert_allclose(heard(riff(form(bits), chunk(b"data", body))), expected, atol=1e-7)


def test_a_tag_before_the_file():
    plain = riff(form(16), chunk(b"data", SAMPLES.tobytes()))
    tagged = b"ID3\4\0\0\0\0\1\x08" + bytes(136) + plain
    np.testing.assert_array_equal(heard(tagged), heard(plain))


@pytest.mark.parametrize("more", [8, 36, 44])
def test_a_header_that_promises_a_little_too_much_is_told(more):
    body = SAMPLES.tobytes() * 10
    sound = decoding.sound(riff(form(16), chunk(b"data", body, size=len(body) + more)))
    assert len(sound.samples) == 1_010
    assert sound.notes == (f"its header promises {more} bytes more than are there",)


def test_an_empty_recording_is_not_what_follows_it():
    comment = chunk(b"LIST", b"INFOISFT\x04\0\0\0test")
    for contents in (
        riff(form(16), chunk(b"data", b"")),
        riff(form(16), chunk(b"data", b""), comment),
    ):
        with pytest.raises(DecodingError, match="has no samples"):
            decoding.sound(contents)


def test_a_rate_with_a_flipped_bit_contradicts_its_bytes():
    contents = bytearray(riff(form(16), chunk(b"data", SAMPLES.tobytes())))
    contents[25] ^= 0x20
    with pytest.raises(DecodingError, match=r"tells 16,192 Hz, but .* is 8,000 Hz|corrupt"):
        decoding.sound(bytes(contents))

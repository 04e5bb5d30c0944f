import numpy as np
import pytest

from modules.audio import channels
from modules.audio.errors import DecodingError
from modules.audio.samples import Sound

GENERATOR = np.random.default_rng(0)
LOUD = GENERATOR.normal(0, 3_000, 1_000).astype(np.int16)
OTHER = GENERATOR.normal(0, 3_000, 1_000).astype(np.int16)
SILENT = np.zeros(1_000, np.int16)
DITHER = GENERATOR.integers(-1, 2, 1_000).astype(np.int16)


def sound(*columns, centre=-1):
    return Sound(samples=np.stack(columns, axis=1), rate_hz=16_000, centre=centre)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("", LOUD), ("left", LOUD), ("right", OTHER), ("1", LOUD), ("2", OTHER), ("centre", LOUD)],
)
def test_a_channel_is_taken_as_it_is(channel, expected):
    heard = channels.waveform(sound(LOUD, OTHER), channel)
    np.testing.assert_array_equal(heard.samples, expected / np.float32(32_768))
    assert heard.notes == ()


def test_the_mean_of_channels():
    heard = channels.waveform(sound(LOUD, OTHER), "mix").samples
    np.testing.assert_allclose(heard, (LOUD / 32_768 + OTHER / 32_768) / 2, atol=1e-7)


def test_the_centre_is_where_the_header_says():
    film = sound(SILENT, SILENT, LOUD, SILENT, centre=2)
    np.testing.assert_array_equal(
        channels.waveform(film, "centre").samples, LOUD / np.float32(2**15)
    )


@pytest.mark.parametrize("first", [SILENT, SILENT + 7, DITHER])
def test_a_silent_first_channel_beside_another_is_told(first):
    with pytest.raises(DecodingError, match=r"first channel is silent, channel 3 of 3 is not"):
        channels.waveform(sound(first, SILENT, LOUD))
    channels.waveform(sound(first, SILENT, LOUD), "3")


def test_what_cannot_be_heard():
    with pytest.raises(DecodingError, match="silent: all samples are equal"):
        channels.waveform(sound(SILENT, LOUD), "left")
    with pytest.raises(DecodingError, match="silent: all samples are equal"):
        channels.waveform(sound(SILENT, SILENT))
    with pytest.raises(DecodingError, match="has no channel 3, it has 2"):
        channels.waveform(sound(LOUD, OTHER), "3")


def test_floats_beyond_full_scale_are_scaled_and_told():
    loud = np.array([[0.0], [3.0], [-6.0]], np.float32)
    heard = channels.waveform(Sound(samples=loud, rate_hz=8_000))
    np.testing.assert_allclose(heard.samples, [0, 0.5, -1])
    assert heard.notes == ("its samples reach 6 times full scale: scaled, not clipped",)

"""Timelines over a model that answers by the loudness of what it is asked about."""

import numpy as np
import pytest

from modules.audio.errors import DecodingError
from modules.audio.samples import Sound
from serving.client import timeline as module
from serving.client.prediction import Prediction
from serving.client.timeline import summarise, timeline
from serving.client.windows import Windows

RATE_HZ = 1_000
LAYOUT = Windows(4.0, 2.0)


def answer(waveform, rate_hz):
    """Loud is anger, quiet is sadness, and between them nobody knows."""
    peak = float(np.abs(waveform).max())
    return Prediction(
        emotion="anger" if peak > 0.5 else "sadness",
        probabilities={"anger": peak, "sadness": 1 - peak},
        model="m",
        version=3,
        duration_s=len(waveform) / rate_hz,
        heard_s=len(waveform) / rate_hz,
        elapsed_s=0.0,
        unsure="no_speech" if 0.4 < peak < 0.6 else "",
    )


def predict(waveforms, rate_hz):
    return [answer(each, rate_hz) for each in waveforms]


def sound(*channels):
    """Returns a sound whose channels have one level a second each."""
    levels = np.array(channels, np.float64).T.repeat(RATE_HZ, axis=0)
    levels[1::2] *= -1
    return Sound(samples=levels.astype(np.float32), rate_hz=RATE_HZ)


def in_pieces(whole, frames=1_700):
    for start in range(0, len(whole.samples), frames):
        yield Sound(samples=whole.samples[start : start + frames], rate_hz=RATE_HZ)


def test_answers_and_their_summary_by_hand():
    whole = sound([0.75] * 4 + [0.25] * 4 + [0.0] * 8 + [0.5] * 5)
    found = timeline(in_pieces(whole), predict, layout=LAYOUT)
    assert [(each.start_s, each.end_s, each.emotion, each.unsure) for each in found.windows] == [
        (0, 4, "anger", ""),
        (2, 6, "anger", ""),
        (4, 8, "sadness", ""),
        (6, 10, "sadness", ""),
        (8, 12, "", "silence"),
        (10, 14, "", "silence"),
        (12, 16, "", "silence"),
        (14, 18, "sadness", "no_speech"),
        (16, 20, "sadness", "no_speech"),
        (17, 21, "sadness", "no_speech"),
    ]
    assert (found.model, found.version, found.start_s, found.end_s) == ("m", 3, 0, 21)
    summary = summarise(found)
    # Of 0.75, 0.75, 0.25 and 0.25.
    assert summary.probabilities == pytest.approx({"anger": 0.5, "sadness": 0.5})
    # Anger stands for 0 to 5 s, sadness for 5 to 9 s, silence to 15 s, no speech to the end.
    assert summary.shares == pytest.approx({"anger": 5 / 9, "sadness": 4 / 9})
    assert summary.unsure_s == pytest.approx({"silence": 6, "no_speech": 6})
    assert summary.unsure == ""
    prediction = found.prediction()
    assert (prediction.windows, prediction.window_s, prediction.duration_s) == (10, 4, 21)


def test_where_every_window_is_unsure_the_whole_is():
    found = timeline(in_pieces(sound([0.5] * 5)), predict, layout=LAYOUT)
    summary = summarise(found)
    assert (summary.unsure, summary.shares) == ("no_speech", {})
    assert summary.probabilities == {"anger": 0.5, "sadness": 0.5}


def test_a_short_recording_is_one_window_and_parts_keep_their_time():
    found = timeline(in_pieces(sound([0.75])), predict, layout=LAYOUT, offset_s=10.0)
    [only] = found.windows
    assert (only.start_s, only.end_s, only.from_s, only.until_s) == (10, 11, 10, 11)


def test_only_some_windows_are_held_and_asked_about_at_a_time(monkeypatch):
    asked: list[int] = []
    sizes: list[int] = []
    told: list[float] = []
    monkeypatch.setattr(module, "_MOST_BYTES", 3 * 4_000 * 4)  # three windows

    def counting(waveforms, rate_hz):
        sizes.append(len(waveforms))
        return predict(waveforms, rate_hz)

    def endless():
        for number in range(1_000):
            asked.append(number)
            assert number - sum(sizes) * 2 < 40  # seconds ahead of what is answered
            yield sound([0.75])

    found = timeline(endless(), counting, layout=LAYOUT, progress=told.append)
    assert len(found.windows) == 499
    assert max(sizes) == 3
    assert told == sorted(told)
    assert told[-1] == 1_000


def test_a_silent_first_channel_is_an_error_but_a_pause_of_it_is_not():
    silent, speaking = [0.0] * 8, [0.75] * 8
    with pytest.raises(DecodingError, match="channel 2 of 2 is not"):
        timeline(in_pieces(sound(silent, speaking)), predict, layout=LAYOUT)
    found = timeline(in_pieces(sound(silent, speaking)), predict, channel="right", layout=LAYOUT)
    assert {each.emotion for each in found.windows} == {"anger"}
    in_turns = sound([0.0] * 6 + [0.75] * 6, [0.75] * 6 + [0.0] * 6)
    found = timeline(in_pieces(in_turns), predict, layout=LAYOUT)
    assert [each.unsure for each in found.windows] == ["silence", "silence", "", "", ""]


@pytest.mark.parametrize("channel", ["", "2", "mix"])
def test_silence_all_along_is_an_error(channel):
    with pytest.raises(DecodingError, match="silent"):
        timeline(in_pieces(sound([0.0] * 5, [0.0] * 5)), predict, channel=channel, layout=LAYOUT)


def test_a_channel_that_is_not_there_is_an_error():
    with pytest.raises(DecodingError, match="has no channel 3, it has 2"):
        timeline(in_pieces(sound([0.75] * 5, [0.1] * 5)), predict, channel="3", layout=LAYOUT)

from typing import Any

import numpy as np
import pytest

from corpora.synthetic import espeak

NEUTRAL: dict[str, Any] = {
    "voice": "de+f1",
    "words_per_minute": 160,
    "pitch": 1.0,
    "pitch_range": 1.0,
}


def test_state_does_not_leak_from_one_utterance_to_the_next():
    first = espeak.speak("Guten Tag", **NEUTRAL)
    espeak.speak("Buona sera a tutti", **{**NEUTRAL, "voice": "it+m7", "pitch": 2.0})
    np.testing.assert_array_equal(espeak.speak("Guten Tag", **NEUTRAL), first)
    assert 0.3 < len(first) / espeak.RATE_HZ < 1.5
    assert 0.1 < np.abs(first).max() <= 1


def test_faster_is_shorter_and_higher_is_higher():
    text = "Das will sie am Mittwoch abgeben."
    slow = espeak.speak(text, **{**NEUTRAL, "words_per_minute": 110})
    fast = espeak.speak(text, **{**NEUTRAL, "words_per_minute": 220})
    assert 1.5 < len(slow) / len(fast) < 2.5

    def median_hz(samples):
        """The strongest periodicity between 70 and 420 Hz, over windows of 50 ms."""
        size, shortest, longest = 1102, espeak.RATE_HZ // 420, espeak.RATE_HZ // 70
        windows = [samples[i : i + size] for i in range(0, len(samples) - size, size)]
        loud = [window for window in windows if np.std(window) > 0.05]
        lags = [
            shortest + np.argmax(np.correlate(w, w, "full")[size - 1 :][shortest:longest])
            for w in loud
        ]
        return espeak.RATE_HZ / np.median(lags)

    low, high = (espeak.speak(text, **{**NEUTRAL, "pitch": pitch}) for pitch in (0.75, 1.5))
    assert median_hz(high) > 1.5 * median_hz(low)


def test_an_unknown_voice_is_named():
    with pytest.raises(ValueError, match="no voice xx-nowhere"):
        espeak.speak("Hallo", **{**NEUTRAL, "voice": "xx-nowhere"})

"""Emotion by rule: what espeak says, with prosody and voice quality that each speaker varies.

The rules are from studies in which listeners recognised the emotion of synthetic speech:

- Burkhardt, Sendlmeier: Verification of acoustical correlates of emotional speech using
  formant-synthesis. ISCA Workshop on Speech and Emotion 2000. (joy, fear, sadness)
- Murray, Arnott: Toward the simulation of emotion in synthetic speech. JASA 93(2), 1993. (anger,
  disgust)
- Cahn: The generation of affect in synthesized speech. J. AVIOS 8, 1990. (surprise, sadness)
- Schröder: Emotional speech synthesis: a review. Eurospeech 2001. (collects the above)

Their directions are kept; their sizes are toned down (Burkhardt and Sendlmeier raise the pitch of
fear by 150%), because listeners chose the clearest versions, and actors vary.
"""

import dataclasses

import numpy as np
import scipy.ndimage
import scipy.signal

from corpora.synthetic import espeak
from corpora.synthetic.base import Speaker


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """How an emotion changes speech, relative to neutral; the defaults change nothing.

    Attributes:
      rate, pitch, pitch_range: Factors of tempo, of the mean and of the range of the pitch.
      level_db: Gain of the whole.
      tilt_db: Gain of what is above 1.5 kHz (bright or dull voice).
      breath: Noise, relative to the speech.
      jitter: Relative scatter of the periods.
      tremor: Depth of the amplitude's modulation at 5 to 7 Hz.
      tension: Strength of the soft clipping that a tense voice sounds like.
      ending: The sentence's last character, which decides on espeak's intonation.
    """

    rate: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    level_db: float = 0.0
    tilt_db: float = 0.0
    breath: float = 0.005
    jitter: float = 0.002
    tremor: float = 0.0
    tension: float = 0.0
    ending: str = "."


NEUTRAL = "neutral"
BOREDOM = "boredom"
EXCITEMENT = "excitement"
FRUSTRATION = "frustration"
UNDECIDED = "undecided"
RULES: dict[str, Rule] = {
    # Murray & Arnott: faster, higher, much wider, louder, tense, abrupt.
    "anger": Rule(
        rate=1.12, pitch=1.2, pitch_range=1.6, level_db=4, tilt_db=6, tension=0.7, ending="!"
    ),
    # Murray & Arnott: very much slower, lower, slightly wider, softer, grumbled.
    "disgust": Rule(
        rate=0.87, pitch=0.85, pitch_range=1.15, level_db=-2, tilt_db=-2, jitter=0.02, tension=0.3
    ),
    # Burkhardt & Sendlmeier: much higher, wider, faster, falsetto; Murray & Arnott: irregular.
    "fear": Rule(rate=1.15, pitch=1.6, pitch_range=0.9, breath=0.03, jitter=0.012, tremor=0.25),
    # Burkhardt & Sendlmeier: higher, twice the range, faster; Murray & Arnott: louder, blaring.
    "happiness": Rule(rate=1.08, pitch=1.4, pitch_range=1.9, level_db=3, tilt_db=3, ending="!"),
    # Burkhardt & Sendlmeier, Cahn: slower, flatter, softer, breathy, dull; crying jitters.
    "sadness": Rule(
        rate=0.87, pitch=0.95, pitch_range=0.45, level_db=-4, tilt_db=-5, breath=0.05, tremor=0.1
    ),
    # Cahn: wider range, rising contour, somewhat faster, louder, bright.
    "surprise": Rule(
        rate=1.04, pitch=1.35, pitch_range=1.7, level_db=3, tilt_db=1, breath=0.015, ending="?"
    ),
    # Between happiness and surprise; between anger and sadness; hardly anything.
    EXCITEMENT: Rule(rate=1.14, pitch=1.4, pitch_range=1.7, level_db=4, tilt_db=3, ending="!"),
    FRUSTRATION: Rule(rate=0.95, pitch=1.05, pitch_range=1.2, level_db=1, tilt_db=2, tension=0.3),
    UNDECIDED: Rule(rate=0.95, pitch_range=1.1, level_db=-1),
    BOREDOM: Rule(rate=0.8, pitch=0.9, pitch_range=0.5, level_db=-2, tilt_db=-2),
    NEUTRAL: Rule(),
}

# How far utterances scatter about the rules: the natural logarithm of a factor, or decibels.
SCATTER = {"rate": 0.14, "pitch": 0.07, "pitch_range": 0.2, "level_db": 5.0, "tilt_db": 1.5}


PAUSE_S = 0.3  # between texts, at least
SEVERAL_S = 3.6  # several texts take at least this long, more than the network's 3.375 s


def express(
    texts: tuple[str, ...],
    *,
    emotion: str,
    speaker: Speaker,
    words_per_minute: float,
    longest_s: float,
    own: np.random.Generator,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Says `texts` with an emotion, in the speaker's way.

    Args:
      texts: One after the other, each without a full stop; several take at least `SEVERAL_S`.
      emotion: Key of `RULES`.
      speaker: The voice.
      words_per_minute: The tempo of this corpus' neutral speech.
      longest_s: A single text that would take longer is said faster.
      own: Chance that is the same for all that the speaker says.
      rng: Chance of this recording.

    Returns:
      speech: float64 [samples] at `espeak.RATE_HZ`, without silence around it.
      level_db: how loud it is to be, relative to the usual.
    """
    habits = {name: own.normal(0, 0.6 * scatter) for name, scatter in SCATTER.items()}
    rule = _vary(_weaken(RULES[emotion], own.uniform(0.6, 1.15)), habits, rng)
    ending = rule.ending if rng.random() < 0.6 else "."
    tract = speaker.tract * np.exp(rng.normal(0, 0.01))
    rate = words_per_minute * rule.rate / tract
    spoken = [_say(text + ending, speaker, rule, rate) for text in texts]
    longest = longest_s * espeak.RATE_HZ * tract
    if len(texts) == 1 and (excess := len(spoken[0]) / longest) > 1:
        # Phonemes have a least duration, so that speech does not shrink as much as asked.
        for margin in (1.05, 1.25, 1.6):
            spoken = [_say(texts[0] + ending, speaker, rule, rate * excess * margin)]
            if len(spoken[0]) <= longest:
                break
        spoken[0] = spoken[0][: int(longest)]
    lacking = SEVERAL_S * espeak.RATE_HZ * tract - sum(map(len, spoken))
    gaps = max(len(texts) - 1, 1)
    pause = np.zeros(int(max(PAUSE_S * espeak.RATE_HZ * tract, lacking / gaps)))
    speech = np.concatenate([part for text in spoken for part in (pause, text)][1:])
    speech = _warp(speech, tract=tract, jitter=rule.jitter, rng=rng)
    return _colour(speech, rule, rng), rule.level_db


def amplitude(level_db: float) -> float:
    """Returns the factor that `level_db` decibels are."""
    return 10 ** (level_db / 20)


def _say(text: str, speaker: Speaker, rule: Rule, words_per_minute: float) -> np.ndarray:
    return _trim(
        espeak.speak(
            text,
            voice=f"{speaker.language}+{speaker.variant}",
            words_per_minute=words_per_minute,
            pitch=rule.pitch,
            pitch_range=rule.pitch_range,
        )
    )


def _weaken(rule: Rule, strength: float) -> Rule:
    """Returns the rule as a speaker with more or less expression follows it."""
    numbers = {
        field.name: getattr(rule, field.name)
        for field in dataclasses.fields(rule)
        if field.name != "ending"
    }
    factors = ("rate", "pitch", "pitch_range")
    return dataclasses.replace(
        rule,
        **{
            name: value**strength if name in factors else value * strength
            for name, value in numbers.items()
        },
    )


def _vary(rule: Rule, habits: dict[str, float], rng: np.random.Generator) -> Rule:
    """Returns the rule with the speaker's habits and the chance of one utterance."""
    changed = {}
    for name, scatter in SCATTER.items():
        shift = habits[name] + rng.normal(0, scatter)
        value = getattr(rule, name)
        changed[name] = value + shift if name.endswith("_db") else value * np.exp(shift)
    for name in ("breath", "jitter", "tremor", "tension"):
        changed[name] = getattr(rule, name) * rng.uniform(0.4, 1.5)
    return dataclasses.replace(rule, **changed)


def _trim(speech: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(speech) > 0.003)
    return speech[loud[0] : loud[-1] + 1]


def _warp(
    speech: np.ndarray, *, tract: float, jitter: float, rng: np.random.Generator
) -> np.ndarray:
    """Plays `tract` times faster, with a speed that wavers by `jitter` within periods."""
    length = int(len(speech) / tract)
    block = espeak.RATE_HZ // 150
    waver = rng.normal(0, jitter, size=length // block + 2)
    speed = tract * (1 + np.interp(np.arange(length) / block, np.arange(len(waver)), waver))
    return scipy.ndimage.map_coordinates(speech, [np.cumsum(speed) - speed[0]], order=3)


def _colour(speech: np.ndarray, rule: Rule, rng: np.random.Generator) -> np.ndarray:
    """Applies voice quality: tension, tilt, breath and tremor."""
    speech = speech / max(np.sqrt(np.mean(speech**2)), 1e-6)
    if rule.tension > 0:
        speech = np.tanh(rule.tension * speech) / rule.tension
    nyquist_hz = espeak.RATE_HZ / 2
    low = scipy.signal.lfilter(*scipy.signal.butter(1, 1500 / nyquist_hz), speech)
    speech = low + amplitude(rule.tilt_db) * (speech - low)
    smoother = scipy.signal.butter(1, 20 / nyquist_hz)
    envelope = np.maximum(scipy.signal.lfilter(*smoother, np.abs(speech)), 0)
    hiss = scipy.signal.lfilter(
        *scipy.signal.butter(1, 1000 / nyquist_hz, "high"), rng.normal(size=len(speech))
    )
    speech = speech + 3 * rule.breath * envelope * hiss
    time_s = np.arange(len(speech)) / espeak.RATE_HZ
    wave = np.sin(2 * np.pi * (rng.uniform(5, 7) * time_s + rng.random()))
    return speech * (1 + rule.tremor * wave)

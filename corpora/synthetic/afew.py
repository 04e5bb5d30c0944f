"""AFEW: scenes of English films, with noise and music, in videos; `Train/Angry/000123456.avi`.

Its names tell no speaker. Two videos are damaged, as some of every large collection are.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from corpora.synthetic import base
from corpora.synthetic.prosody import NEUTRAL

CODES = {
    "anger": "Angry",
    "disgust": "Disgust",
    "fear": "Fear",
    "happiness": "Happy",
    "sadness": "Sad",
    "surprise": "Surprise",
    NEUTRAL: "Neutral",
}
# As in the full corpus, Train and Val together.
SHARES = {
    "anger": 197,
    "disgust": 114,
    "fear": 127,
    "happiness": 213,
    "sadness": 178,
    "surprise": 120,
}
OTHERS = {NEUTRAL: 207}
CLIPS = 568  # in the paper's Table 1
SKIPPED = 30
TRAIN_SHARE = 0.66
TEXTS = (
    "Where have you been all night",
    "You should have seen the look on his face",
    "They are coming up the stairs",
    "I cannot believe that you did this",
    "Put it down and turn around slowly",
    "Nobody told me that she was here",
    "We are never going back to that town",
    "Tell me what happened to my brother",
    "He left the letter on the kitchen table",
    "You said that it was going to be easy",
    "Look at what they have done to the car",
    "I have waited for this my whole life",
    "Do not open that door again",
    "The doctor wants to see you now",
    "She is not the girl I used to know",
    "Somebody has been in my room",
    "There is nothing left for us to say",
    "Is that what you came here for",
)
_VOICES = (
    "Alex Andrea Andy Annie Lee Mike adam aunty belinda benjamin boris david f1 f4 grandma"
    " grandpa iven4 john linda m1 m2 m3 m4 m6 m7 m8 max paul quincy rob robert shelby steph zac"
)
ACTORS = tuple(
    base.Speaker(
        name=f"actor {i}",
        variant=voice,
        language=("en-us", "en", "en-gb-scotland")[i % 3],
        # Every sixth is a child.
        tract=1.22 if i % 6 == 5 else 1.0 + 0.03 * (i * 3 % 5 - 2),
    )
    for i, voice in enumerate(_VOICES.split())
)


def plan(scale: float, extra: Sequence[str], rng: np.random.Generator) -> list[base.Clip]:
    """Returns all recordings; see `base.Corpus`."""
    total, shares = base.mix(scale * CLIPS, shares=SHARES, others=OTHERS, extra=extra)
    sizes = base.least_of(
        base.apportion(total, list(shares.values())), least=base.LEAST_CLIPS, total=total
    )
    emotions = [emotion for emotion, size in zip(shares, sizes, strict=True) for _ in range(size)]
    candidates = [str(emotion) for emotion in rng.permutation(emotions)]
    longs = base.choose_over_length(candidates, sizes=dict(zip(shares, sizes, strict=True)))
    repeats = [1] * len(emotions) + [base.OVER_LENGTH_REPEATS] * len(longs)
    emotions += [candidates[i] for i in longs]
    skipped = [label for label in OTHERS if label not in extra]
    skipped *= max(2, round(scale * SKIPPED))
    emotions += skipped
    repeats += [1] * len(skipped)
    numbers = rng.choice(10**6, len(emotions), replace=False)
    clips = []
    for emotion, number, times in zip(emotions, numbers, repeats, strict=True):
        part = "Train" if rng.random() < TRAIN_SHARE else "Val"
        text, actor = TEXTS[rng.integers(len(TEXTS))], ACTORS[rng.integers(len(ACTORS))]
        clips.append(
            base.Clip(
                corpus="afew",
                path=f"{part}/{CODES[emotion]}/{number:09d}.avi",
                speaker=actor,
                emotion=emotion,
                code=CODES[emotion],
                texts=(text,) * times,
            )
        )
    return _recur(clips) + [
        dataclasses.replace(clips[0], path=f"Train/{clips[0].code}/{name}.avi", defect=defect)
        for name, defect in (("001000000", "no sound"), ("001000001", "corrupt"))
    ]


def _recur(clips: list[base.Clip]) -> list[base.Clip]:
    """Names a clip of Val after another one, by the same actor, in Train."""
    one = next(i for i, clip in enumerate(clips) if clip.path.startswith("Train"))
    other = next(
        i
        for i, clip in enumerate(clips)
        if clip.path.startswith("Val") and clip.emotion == clips[one].emotion
    )
    path = clips[one].path.replace("Train", "Val")
    clips[other] = dataclasses.replace(clips[other], path=path, speaker=clips[one].speaker)
    return clips


CORPUS = base.Corpus(
    name="afew",
    rate_hz=48_000,
    sound="libmp3lame",
    words_per_minute=175,
    scene=base.Scene(noise_dbfs=-60, echo_db=-12, second_channel="same", film=True),
    quirks="videos with noise and music; no names of speakers; a name recurs in Train and Val (two"
    " recordings); one video has no sound track and one is corrupt; neutral, which is skipped.",
    plan=plan,
    others=OTHERS,
)

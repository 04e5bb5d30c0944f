"""eNTERFACE'05: English with accents, in videos; `subject 1/anger/sentence 1/s1_an_1.avi`.

As in the real corpus each emotion has five sentences of its own (these are others), most speakers
are men, and names and folders are irregular.
"""

from collections.abc import Sequence

import numpy as np

from corpora.synthetic import base

CODES = {
    "anger": "an",
    "disgust": "di",
    "fear": "fe",
    "happiness": "ha",
    "sadness": "sa",
    "surprise": "su",
}
CLIPS = 1_047  # in the paper's Table 1
LEAST_SPEAKERS = 10
TEXTS = {
    "anger": (
        "You told me that it would be ready today",
        "Stop it now and give me back my money",
        "I have been waiting here for an hour",
        "You never listen to a word I say",
        "Get out of my office at once",
    ),
    "disgust": (
        "There is a hair swimming in my soup",
        "This milk has been sour for a week",
        "Take that dirty thing off my table",
        "It smells as if something died in here",
        "I am not going to touch that again",
    ),
    "fear": (
        "There is somebody behind the door",
        "Please do not leave me here alone",
        "I can hear steps on the stairs",
        "He has a knife, we must run away",
        "The lift is falling, help us please",
    ),
    "happiness": (
        "We have won the first prize today",
        "She said yes, we are getting married",
        "I passed the exam with the best mark",
        "My brother is coming home tomorrow",
        "This is the best day of the year",
    ),
    "sadness": (
        "My best friend does not know me any more",
        "They had to sell the house of my parents",
        "Everything I worked for is lost",
        "Our dog did not come back last night",
        "I wish I had talked to her again",
    ),
    "surprise": (
        "You have never told me about that before",
        "I did not know that you could sing",
        "They gave the prize to my neighbour",
        "How did all these people get in here",
        "You cut your hair, I nearly missed you",
    ),
}
JOINED_SUBJECT = "6"  # its sentences were never cut
# Those with irregular names come first, because small scales take the first.
_ORDER = ["11", "16", "3"] + [str(i) for i in range(1, 45) if i not in (3, 6, 11, 16)]
_ACCENTS = "fr-be tr fr es el it de es-419 sk pt-br en-us hr ru nl"
_MEN = "m1 m2 m3 m4 m6 m7 m8 Alex Andy Denis Lee adam david iven4 john max paul quincy rob"
_WOMEN = "f1 f4 belinda linda steph shelby Annie Andrea"


def _speaker(subject: str) -> base.Speaker:
    number = int(subject)
    voices, index = (_WOMEN.split(), number // 5) if number % 5 == 2 else (_MEN.split(), number)
    accents = _ACCENTS.split()
    return base.Speaker(
        name=subject,
        variant=voices[index % len(voices)],
        language=accents[number * 5 % len(accents)],
        tract=1.0 + 0.04 * (number * 7 % 5 - 2),
    )


SPEAKERS = tuple(map(_speaker, _ORDER))


def plan(scale: float, extra: Sequence[str], rng: np.random.Generator) -> list[base.Clip]:
    """Returns all recordings; see `base.Corpus`."""
    total = round(scale * CLIPS)
    num_speakers = min(max(total // len(CODES), LEAST_SPEAKERS), len(SPEAKERS))
    speakers, shares = SPEAKERS[:num_speakers], dict.fromkeys(CODES, 1)
    cells = base.deal(total, shares=shares, speakers=speakers, rng=rng)
    base.check_names(cells, corpus="enterface", most=5, scale=scale)
    clips = []
    for cell in cells:
        order = [int(sentence) for sentence in rng.permutation(5) + 1]
        if (cell.speaker.name, cell.emotion) == ("16", "surprise"):
            order.sort(key=lambda sentence: sentence != 3)  # the one whose name is irregular
        for i, sentence in enumerate(order[: cell.count]):
            clips.append(
                base.Clip(
                    corpus="enterface",
                    path=_path(cell.speaker.name, cell.emotion, sentence),
                    speaker=cell.speaker,
                    emotion=cell.emotion,
                    code=CODES[cell.emotion],
                    texts=base.said(cell, i, TEXTS[cell.emotion][sentence - 1]),
                )
            )
    return clips + [
        base.Clip(
            corpus="enterface",
            path=f"subject {JOINED_SUBJECT}/{emotion}/s{JOINED_SUBJECT}_{code}.avi",
            speaker=_speaker(JOINED_SUBJECT),
            emotion=emotion,
            code=code,
            texts=TEXTS[emotion],
        )
        for emotion, code in CODES.items()
    ]


def _path(subject: str, emotion: str, sentence: int) -> str:
    """Returns the native path, with the irregularities that real copies have."""
    written = "s12" if subject == "11" else f"s{subject}"
    if subject == "3" and emotion == "surprise":
        written = "s_3"
    name = f"{written}_{CODES[emotion]}_{sentence}"
    if name == "s16_su_3":
        name += "avi"
    return f"subject {subject}/{emotion}/sentence {sentence}/{name}.avi"


CORPUS = base.Corpus(
    name="enterface",
    rate_hz=48_000,
    sound="pcm_s16le",
    words_per_minute=150,
    scene=base.Scene(noise_dbfs=-52, echo_db=-14, second_channel="same"),
    quirks="videos; English with the sounds of other languages; four men to a woman; each emotion"
    " has its own sentences; subject 11's files are named s12, some of subject 3 s_3, one ends in"
    " 3avi.avi; subject 6 has one long file for each emotion.",
    plan=plan,
)

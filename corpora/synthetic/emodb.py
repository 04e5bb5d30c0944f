"""Emo-DB: ten Germans, ten sentences, 16 kHz; `wav/03a01Wa.wav`."""

from collections.abc import Sequence

import numpy as np

from corpora.synthetic import base
from corpora.synthetic.prosody import BOREDOM, NEUTRAL

CODES = {
    "anger": "W",
    "disgust": "E",
    "fear": "A",
    "happiness": "F",
    "sadness": "T",
    NEUTRAL: "N",
    BOREDOM: "L",
}
# As in the full corpus.
SHARES = {"anger": 127, "disgust": 46, "fear": 69, "happiness": 71, "sadness": 62}
OTHERS = {NEUTRAL: 79, BOREDOM: 81}
CLIPS = 287  # in the paper's Table 1
SKIPPED = 20
TAKES = "abcdefghijklmnopqrstuvwxyz"
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank",
    "a02": "Das will sie am Mittwoch abgeben",
    "a04": "Heute Abend könnte ich es ihm sagen",
    "a05": "Das schwarze Blatt Papier liegt da oben neben dem Holz",
    "a07": "In sieben Stunden wird es so weit sein",
    "b01": "Was sind das für Tüten, die da unter dem Tisch stehen",
    "b02": "Sie haben es hochgetragen und gehen jetzt wieder hinunter",
    "b03": "Am Wochenende bin ich jetzt immer nach Hause gefahren",
    "b09": "Ich bringe das eben weg und gehe dann etwas trinken",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen",
}
SPEAKERS = tuple(
    base.Speaker(name=name, variant=variant, tract=tract, language="de")
    for name, variant, tract in (
        ("03", "m1", 1.04),
        ("08", "f1", 1.0),
        ("09", "belinda", 0.93),
        ("10", "m2", 1.1),
        ("11", "m3", 1.15),
        ("12", "m6", 1.0),
        ("13", "Annie", 0.95),
        ("14", "linda", 1.02),
        ("15", "m7", 1.06),
        ("16", "f4", 1.08),
    )
)


def plan(scale: float, extra: Sequence[str], rng: np.random.Generator) -> list[base.Clip]:
    """Returns all recordings; see `base.Corpus`."""
    total, shares = base.mix(scale * CLIPS, shares=SHARES, others=OTHERS, extra=extra)
    cells = base.deal(total, shares=shares, speakers=SPEAKERS, rng=rng)
    cells += base.deal_skipped(
        round(scale * SKIPPED),
        emotions=[label for label in OTHERS if label not in extra],
        speakers=SPEAKERS,
        rng=rng,
    )
    base.check_names(cells, corpus="emodb", most=len(SENTENCES) * len(TAKES), scale=scale)
    clips = []
    for cell in cells:
        order, code = rng.permutation(list(SENTENCES)), CODES[cell.emotion]
        for i in range(cell.count):
            sentence, take = str(order[i % len(order)]), TAKES[i // len(order)]
            clips.append(
                base.Clip(
                    corpus="emodb",
                    path=f"wav/{cell.speaker.name}{sentence}{code}{take}.wav",
                    speaker=cell.speaker,
                    emotion=cell.emotion,
                    code=code,
                    texts=base.said(cell, i, SENTENCES[sentence]),
                )
            )
    return clips


CORPUS = base.Corpus(
    name="emodb",
    rate_hz=16_000,
    sound="wav",
    words_per_minute=172,
    scene=base.Scene(noise_dbfs=-72),
    quirks="no surprise; neutral and boredom, which are skipped; unequal numbers of each emotion.",
    plan=plan,
    others=OTHERS,
)

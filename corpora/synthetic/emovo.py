"""EMOVO: six Italians, fourteen sentences, 48 kHz stereo; `EMOVO/f1/dis-f1-b1.wav`."""

from collections.abc import Sequence

import numpy as np

from corpora.synthetic import base
from corpora.synthetic.prosody import NEUTRAL

CODES = {
    "anger": "rab",
    "disgust": "dis",
    "fear": "pau",
    "happiness": "gio",
    "sadness": "tri",
    "surprise": "sor",
    NEUTRAL: "neu",
}
SHARES = dict.fromkeys([emotion for emotion in CODES if emotion != NEUTRAL], 1)
OTHERS = {NEUTRAL: 1}
CLIPS = 336  # in the paper's Table 1
SKIPPED = 20
SENTENCES = {
    "b1": "Gli operai si alzano presto",
    "b2": "I vigili sono muniti di pistola",
    "b3": "La cascata fa molto rumore",
    "l1": "L'autunno prossimo Tony partirà per la Spagna",
    "l2": "Ora prendo la felpa di là ed esco a passeggio",
    "l3": "Un attimo dopo si è incamminato ed è inciampato",
    "l4": "Vorrei il numero di telefono del signor Piatti",
    "n1": "La casa forte vuole col pane",
    "n2": "La forza trova il passo e l'aglio rosso",
    "n3": "Il gatto sta scorrendo nella pera",
    "n4": "Insalata, pasta, coscia d'agnello, limoncello",
    "n5": "Uno, quarantatré, dieci, mille, venti",
    "d1": "Sabato sera cosa farà",
    "d2": "Porti con te quella cosa",
}
SPEAKERS = tuple(
    base.Speaker(name=name, variant=variant, tract=tract, language="it")
    for name, variant, tract in (
        ("f1", "steph", 1.05),
        ("f2", "Andrea", 0.92),
        ("f3", "f1", 1.12),
        ("m1", "m4", 1.1),
        ("m2", "m8", 1.2),
        ("m3", "m2", 1.02),
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
    base.check_names(cells, corpus="emovo", most=len(SENTENCES), scale=scale)
    clips = []
    for cell in cells:
        speaker, code = cell.speaker, CODES[cell.emotion]
        for i, sentence in enumerate(rng.permutation(list(SENTENCES))[: cell.count]):
            clips.append(
                base.Clip(
                    corpus="emovo",
                    path=f"EMOVO/{speaker.name}/{code}-{speaker.name}-{sentence}.wav",
                    speaker=speaker,
                    emotion=cell.emotion,
                    code=code,
                    texts=base.said(cell, i, SENTENCES[sentence]),
                )
            )
    return clips


CORPUS = base.Corpus(
    name="emovo",
    rate_hz=48_000,
    sound="wav",
    words_per_minute=155,
    scene=base.Scene(noise_dbfs=-62, second_channel="late"),
    quirks="the right channel is later than the left; neutral, which is skipped; six speakers for"
    " five folds.",
    plan=plan,
    others=OTHERS,
)

"""IEMOCAP: dialogues of ten Americans; `Session1/sentences/wav/Ses01F_impro01/…_F000.wav`.

The labels are in `Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`. Classes are as unequal as
in the real corpus, whose 40 clips of fear and 2 of disgust no five folds of speakers can share out
evenly: an emotion that would have fewer than five clips is left out, as disgust always is.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from corpora.synthetic import base
from corpora.synthetic.prosody import EXCITEMENT, FRUSTRATION, NEUTRAL, UNDECIDED

CODES = {
    "anger": "ang",
    "happiness": "hap",
    "sadness": "sad",
    "surprise": "sur",
    "fear": "fea",
    NEUTRAL: "neu",
    EXCITEMENT: "exc",
    FRUSTRATION: "fru",
    UNDECIDED: "xxx",
}
# As in the full corpus.
SHARES = {"anger": 1_103, "happiness": 595, "sadness": 1_084, "surprise": 107, "fear": 40}
OTHERS = {NEUTRAL: 1_708, EXCITEMENT: 1_041, FRUSTRATION: 1_849}
CLIPS = 1_770  # in the paper's Table 1
LEAST_CLIPS = 5
SKIPPED = 60
TURNS = 12  # of a dialogue, about
# Valence, activation and dominance, 1 to 5, around which the evaluation's numbers lie.
DIMENSIONS = {
    "ang": (1.8, 3.7, 4.0),
    "hap": (4.0, 3.2, 3.1),
    "sad": (2.1, 2.3, 2.6),
    "sur": (3.0, 3.3, 2.9),
    "fea": (2.1, 3.3, 2.6),
    "neu": (2.9, 2.6, 2.9),
    "exc": (3.9, 3.6, 3.4),
    "fru": (2.0, 2.9, 3.3),
    "xxx": (2.6, 3.0, 3.1),
}
NAMES = {
    "ang": "Anger",
    "hap": "Happiness",
    "sad": "Sadness",
    "sur": "Surprise",
    "fea": "Fear",
    "neu": "Neutral state",
    "exc": "Excited",
    "fru": "Frustration",
    "xxx": "Other",
}
HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"
TEXTS = (
    "Well what did they tell you at the office",
    "I do not think that you understand me",
    "So you are leaving on Saturday then",
    "It has been three years since the summer",
    "That is what she said on the phone",
    "I filled in that form two weeks ago",
    "You know that I cannot do that",
    "They have lost my bag with everything in it",
    "I got the letter this morning",
    "We could go down to the beach tonight",
    "Do you remember the house by the lake",
    "He wants me to come to New York with him",
    "There is no one else at that desk",
    "I was going to call you about it",
    "How long have you known about this",
    "It is not the same without your father",
    "Let me see what you have in your hand",
    "You always say that you will change",
    "I have been out of work since March",
    "And then she asked me to marry her",
)
SPEAKERS = tuple(
    base.Speaker(name=f"Ses{i // 2 + 1:02d}{'FM'[i % 2]}", variant=voice, language="en-us", tract=t)
    for i, (voice, t) in enumerate(
        (
            ("linda", 1.0),
            ("m3", 1.08),
            ("f1", 1.1),
            ("m1", 0.97),
            ("belinda", 0.93),
            ("Alex", 1.02),
            ("steph", 0.98),
            ("m7", 1.07),
            ("f4", 1.05),
            ("max", 0.95),
        )
    )
)
DIALOGUES = tuple(
    f"{wearer}_{scene}"
    for scene in (
        *(f"impro{i:02d}" for i in range(1, 9)),
        *(f"script{i:02d}_{j}" for i in range(1, 4) for j in range(1, 4)),
    )
    for wearer in "FM"
)


def plan(scale: float, extra: Sequence[str], rng: np.random.Generator) -> list[base.Clip]:
    """Returns all recordings; see `base.Corpus`."""
    total, shares = base.mix(scale * CLIPS, shares=SHARES, others=OTHERS, extra=extra)
    sizes = dict(zip(shares, base.apportion(total, list(shares.values())), strict=True))
    shares = {emotion: share for emotion, share in shares.items() if sizes[emotion] >= LEAST_CLIPS}
    shares = shares or {"anger": 1, "happiness": 1, "sadness": 1}
    cells = base.deal(total, shares=shares, speakers=SPEAKERS, rng=rng)
    cells += base.deal_skipped(
        round(scale * SKIPPED),
        emotions=[label for label in (*OTHERS, UNDECIDED) if label not in extra],
        speakers=SPEAKERS,
        rng=rng,
    )
    turns = [(cell, i) for cell in cells for i in range(cell.count)]
    clips = []
    for session in range(1, 6):
        own = [turn for turn in turns if turn[0].speaker.name.startswith(f"Ses{session:02d}")]
        num_dialogues = min(max(len(own) // TURNS, 1), len(DIALOGUES))
        numbers: dict[str, int] = {}
        for position, index in enumerate(rng.permutation(len(own))):
            cell, i = own[index]
            dialogue = f"Ses{session:02d}{DIALOGUES[position % num_dialogues]}"
            stem = f"{dialogue}_{cell.speaker.name[-1]}"
            number = numbers[stem] = numbers.get(stem, -1) + 1
            clips.append(
                base.Clip(
                    corpus="iemocap",
                    path=f"Session{session}/sentences/wav/{dialogue}/{stem}{number:03d}.wav",
                    speaker=cell.speaker,
                    emotion=cell.emotion,
                    code=CODES[cell.emotion],
                    texts=base.said(cell, i, TEXTS[rng.integers(len(TEXTS))]),
                )
            )
    return clips


def finish(root: Path, clips: Sequence[base.Clip]) -> None:
    """Writes the labels, with the turns one after the other."""
    dialogues: dict[Path, list[base.Clip]] = {}
    for clip in clips:
        dialogues.setdefault(Path(clip.path).parent, []).append(clip)
    for folder, turns in dialogues.items():
        rng = np.random.default_rng([len(turns), *folder.name.encode()])
        lines, start_s = [HEADER], 0.0
        for clip in turns:
            start_s += rng.uniform(0.2, 1.5)
            end_s = start_s + soundfile.info(root / clip.path).duration
            lines.append(_evaluation(clip, start_s, end_s, rng))
            start_s = end_s
        labels = root / folder.parts[0] / "dialog/EmoEvaluation"
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{folder.name}.txt").write_text("\n".join(lines), encoding="ascii")


def _evaluation(clip: base.Clip, start_s: float, end_s: float, rng: np.random.Generator) -> str:
    """Returns what EmoEvaluation holds of a turn: the majority, three votes, two ratings."""
    around = np.array(DIMENSIONS[clip.code])
    ratings = np.clip(np.round(around + rng.normal(0, 0.5, (2, 3))), 1, 5).astype(int)
    mean = ", ".join(f"{value:.4f}" for value in ratings.mean(axis=0))
    turn = Path(clip.path).stem
    votes = [NAMES[clip.code]] * 3
    if clip.code == "xxx":
        votes = ["Neutral state", "Frustration", "Sadness"]
    return "\n".join(
        [
            f"[{start_s:.4f} - {end_s:.4f}]\t{turn}\t{clip.code}\t[{mean}]",
            *(f"C-E{i + 2}:\t{vote};\t()" for i, vote in enumerate(votes)),
            *(
                f"A-E{i + 3}:\tval {v}; act {a}; dom  {d};\t()"
                for i, (v, a, d) in enumerate(ratings)
            ),
            "",
        ]
    )


CORPUS = base.Corpus(
    name="iemocap",
    rate_hz=16_000,
    sound="wav",
    words_per_minute=185,
    scene=base.Scene(noise_dbfs=-55, echo_db=-18),
    quirks="labels in EmoEvaluation/*.txt; neutral, excited, frustrated and undecided (xxx) turns,"
    " which are skipped; no disgust, little surprise, and fear only at scales from 0.2 up.",
    plan=plan,
    others=OTHERS,
    finish=finish,
)

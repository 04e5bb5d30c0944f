"""RAVDESS, its speech: 24 North American actors, two sentences, in a studio.

`Audio_Speech_Actors_01-24/Actor_01/03-01-05-01-01-01-01.wav`: modality, channel, emotion,
intensity, statement, repetition, actor (odd = male). Songs and videos without sound, which some
copies hold too, are skipped; videos with sound are used where the clip is not there as sound.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, read_files
from schemas.utterance import Utterance

LABEL_MAP = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
CORPUS = Corpus(
    name="ravdess",
    display="RAVDESS",
    layout="Actor_01/03-01-05-01-01-01-01.wav",
    languages={"en": "English"},
    elicitation="acted",
    citation=(
        "S. R. Livingstone, F. A. Russo: The Ryerson Audio-Visual Database of Emotional Speech and"
        " Song (RAVDESS). PLoS ONE 13(5), 2018."
    ),
    licence="CC BY-NC-SA 4.0",
)

_NAME = re.compile(
    r"(?P<modality>0[123])-(?P<channel>0[12])-(?P<emotion>0[1-8])-0[12]-(?P<statement>0[12])-0[12]"
    r"-(?P<actor>[01]\d|2[0-4])"
)


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    if not match or match["actor"] == "00":
        return "name does not match RAVDESS' pattern, like 03-01-05-01-01-01-01"
    if match["channel"] == "02":
        return "song"
    if match["modality"] == "02":
        return "video without sound"
    emotion, actor = LABEL_MAP[match["emotion"]], match["actor"]
    return Utterance(
        # One clip, as sound or as a video with sound: the first where both are there.
        utterance_id=f"ravdess/03{path.stem[2:]}",
        path=str(path),
        domain=CORPUS.name,
        speaker=actor,
        emotion=emotion,
        language=CORPUS.language,
        gender="male" if int(actor) % 2 else "female",
        elicitation=CORPUS.elicitation,
        sentence=match["statement"],
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

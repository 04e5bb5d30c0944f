"""Emo-DB: ten German actors, ten sentences, in an anechoic chamber; `wav/03a01Wa.wav`."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Found, Option, read_files
from schemas.labels import EMOTIONS
from schemas.utterance import Utterance

LABEL_MAP = {
    "W": "anger",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "L": "boredom",
    "N": "neutral",
}
LAYOUT = "wav/03a01Wa.wav"
CITATION = (
    "F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss: A Database of German"
    " Emotional Speech. Interspeech 2005."
)
LICENCE = "open (published as CC0-1.0 / CC BY 4.0)"
LANGUAGE = "de"
ELICITATION = "acted"
OPTIONS: dict[str, Option] = {}

MALE = frozenset({"03", "10", "11", "12", "15"})
FEMALE = frozenset({"08", "09", "13", "14", "16"})

# speaker (2), text (3), emotion (1), version (1)
_NAME = re.compile(r"(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)(?P<emotion>[A-Z])[a-z]")


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    if not match or match["emotion"] not in LABEL_MAP:
        return "name does not match Emo-DB's pattern, like 03a01Wa"
    emotion, speaker = LABEL_MAP[match["emotion"]], match["speaker"]
    if speaker not in MALE | FEMALE:
        return f"name has speaker {speaker}, whom Emo-DB does not have"
    if emotion not in EMOTIONS:
        return emotion
    return Utterance(
        utterance_id=f"emodb/{path.stem}",
        path=str(path),
        domain="emodb",
        speaker=speaker,
        emotion=emotion,
        language=LANGUAGE,
        gender="male" if speaker in MALE else "female",
        elicitation=ELICITATION,
        sentence=match["sentence"],
        licence=LICENCE,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain="emodb", parse=_parse)

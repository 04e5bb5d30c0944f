"""Emo-DB: ten German actors, ten sentences, in an anechoic chamber; `wav/03a01Wa.wav`."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, FullCopy, PaperRow, read_files
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
CORPUS = Corpus(
    name="emodb",
    display="Emo-DB",
    layout="wav/03a01Wa.wav",
    languages={"de": "German"},
    elicitation="acted",
    citation=(
        "F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss: A Database of German"
        " Emotional Speech. Interspeech 2005."
    ),
    licence="open (published as CC0-1.0 / CC BY 4.0)",
    paper=PaperRow(language="German", elicitation="acted", rate_hz=16_000, clips=287),
    full_copy=FullCopy(rate_hz=16_000, clips=(375,)),
)

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
    return Utterance(
        utterance_id=f"emodb/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=speaker,
        emotion=emotion,
        language=CORPUS.language,
        gender="male" if speaker in MALE else "female",
        elicitation=CORPUS.elicitation,
        sentence=match["sentence"],
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

"""TESS: two Toronto actresses, 26 and 64, "Say the word …" 200 times; `OAF_back_angry.wav`."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, read_files
from schemas.utterance import Utterance

LABEL_MAP = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "ps": "surprise",  # "pleasant surprise"
    "neutral": "neutral",
}
CORPUS = Corpus(
    name="tess",
    display="TESS",
    layout="OAF_angry/OAF_back_angry.wav",
    languages={"en": "English"},
    elicitation="acted",
    citation=(
        "M. K. Pichora-Fuller, K. Dupuis: Toronto emotional speech set (TESS). Scholars Portal"
        " Dataverse, 2020. doi:10.5683/SP2/E8H2MF"
    ),
    licence="CC BY-NC-ND 4.0",
)

# older or younger actress, word, emotion; one file begins with OA_
_NAME = re.compile(
    rf"(?P<speaker>[OY])AF?_(?P<word>[a-z]+)_(?P<emotion>{'|'.join(LABEL_MAP)})", re.IGNORECASE
)


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    if not match:
        return "name does not match TESS' pattern, like OAF_back_angry"
    emotion = LABEL_MAP[match["emotion"].lower()]
    return Utterance(
        utterance_id=f"tess/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=f"{match['speaker'].upper()}AF",
        emotion=emotion,
        language=CORPUS.language,
        gender="female",
        elicitation=CORPUS.elicitation,
        sentence=match["word"].lower(),
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

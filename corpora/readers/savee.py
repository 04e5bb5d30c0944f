"""SAVEE: four British men, 15 sentences an emotion; `AudioData/DC/a01.wav`, or `DC_a01.wav`."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, folder_match, read_files
from schemas.utterance import Utterance

LABEL_MAP = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "sa": "sadness",
    "su": "surprise",
    "n": "neutral",
}
CORPUS = Corpus(
    name="savee",
    display="SAVEE",
    layout="AudioData/DC/a01.wav",
    languages={"en": "English"},
    elicitation="acted",
    citation=(
        "S. Haq, P. J. B. Jackson: Speaker-dependent audio-visual emotion recognition. AVSP 2009."
    ),
    licence="research only, on registration",
)

SPEAKERS = ("DC", "JE", "JK", "KL")

_NAME = re.compile(
    rf"(?:(?P<speaker>{'|'.join(SPEAKERS)})_)?(?P<emotion>a|d|f|h|n|sa|su)(?P<number>\d\d?)"
)


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    if not match:
        return "name does not match SAVEE's pattern, like DC_a01 or DC/a01"
    folder = folder_match(path, "|".join(SPEAKERS), levels=1)
    speaker = match["speaker"] or (folder[0].upper() if folder else "")
    if not speaker:
        return f"neither name nor folder has the speaker ({', '.join(SPEAKERS)})"
    emotion = LABEL_MAP[match["emotion"]]
    sentence = f"{match['emotion']}{int(match['number']):02}"
    return Utterance(
        utterance_id=f"savee/{speaker}/{sentence}",
        path=str(path),
        domain=CORPUS.name,
        speaker=speaker,
        emotion=emotion,
        language=CORPUS.language,
        gender="male",
        elicitation=CORPUS.elicitation,
        sentence=sentence,
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

"""URDU-Dataset: spontaneous speech from Urdu talk shows; `Angry/SM1_F10_A010.wav`."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, read_files
from schemas.utterance import Utterance

# By folder. The file's last field begins with the same letter.
LABEL_MAP = {"Angry": "anger", "Happy": "happiness", "Sad": "sadness", "Neutral": "neutral"}
CORPUS = Corpus(
    name="urdu",
    display="URDU",
    layout="Angry/SM1_F10_A010.wav",
    languages={"ur": "Urdu"},
    elicitation="natural",
    citation=(
        "S. Latif, A. Qayyum, M. Usman, J. Qadir: Cross Lingual Speech Emotion Recognition:"
        " Urdu vs. Western Languages. FIT 2018."
    ),
    licence="research only",
)

# speaker, file of the speaker, letter of the emotion and running number
_NAME = re.compile(r"(?P<speaker>S(?P<gender>[MF])\d+)_F\d+_(?P<letter>[AHNS])\d+")


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    folder = path.parent.name.capitalize()
    if not match:
        return "name does not match URDU's pattern, like SM1_F10_A010"
    if folder not in LABEL_MAP:
        return f"folder {path.parent.name} is none of {', '.join(LABEL_MAP)}"
    if match["letter"] != folder[0]:
        return f"folder {path.parent.name} and the letter {match['letter']} in the name disagree"
    return Utterance(
        utterance_id=f"urdu/{folder}/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=match["speaker"],
        emotion=LABEL_MAP[folder],
        language=CORPUS.language,
        gender="male" if match["gender"] == "M" else "female",
        elicitation=CORPUS.elicitation,
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

"""AFEW: clips of films, in the wild, as in the EmotiW challenges; `Train/Angry/000046280.avi`.

The challenge's test part has no labels and is skipped. The copy names no speakers.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Found, Option, folder_match, read_files
from schemas.labels import EMOTIONS
from schemas.utterance import UNKNOWN_SPEAKER_PREFIX, Utterance

# By folder.
LABEL_MAP = {
    "Angry": "anger",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happy": "happiness",
    "Sad": "sadness",
    "Surprise": "surprise",
    "Neutral": "neutral",
}
LAYOUT = "Train/Angry/000046280.avi"
CITATION = (
    "A. Dhall, R. Goecke, S. Lucey, T. Gedeon: Collecting Large, Richly Annotated Facial-Expression"
    " Databases from Movies. IEEE MultiMedia 19(3), 2012."
)
LICENCE = "academic research only, by signed agreement"
LANGUAGE = "en"
ELICITATION = "natural"
OPTIONS = {
    "parts": Option(
        allowed=("train+val", "train", "val"),
        help="the challenge's parts to use; only these two have labels",
    )
}

# Also Train_AFEW, Validation, …
_PART = r"(train|val|test)(?:idation)?(?:[ _-]?afew)?"


def _parse(path: Path, *, parts: str) -> Utterance | str:
    part_folder = folder_match(path, _PART)
    part = part_folder[1].lower() if part_folder else ""
    if part == "test":
        return "test part, which has no labels"
    folder = folder_match(path, "|".join(LABEL_MAP), levels=2)
    if not folder:
        return f"lies in none of the folders {', '.join(LABEL_MAP)}"
    if parts != "train+val" and part != parts:
        return f"{part or 'unknown'} part, not {parts}"
    emotion = LABEL_MAP[folder[0].capitalize()]
    if emotion not in EMOTIONS:
        return emotion
    return Utterance(
        # The same name may recur in the other part, as another clip.
        utterance_id="/".join(filter(None, ("afew", part, folder[0].capitalize(), path.stem))),
        path=str(path),
        domain="afew",
        speaker=f"{UNKNOWN_SPEAKER_PREFIX}{path.stem}",
        emotion=emotion,
        language=LANGUAGE,
        elicitation=ELICITATION,
        licence=LICENCE,
    )


def read(root: Path, *, parts: str = "train+val") -> Iterator[Found]:
    """Yields every file below `root`; `parts` is one of `OPTIONS`."""
    return read_files(root, domain="afew", parse=functools.partial(_parse, parts=parts))

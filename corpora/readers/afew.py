"""AFEW: clips of films, in the wild, as in the EmotiW challenges; `Train/Angry/000046280.avi`.

The challenge's test part has no labels and is skipped. The copy names no speakers.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, FullCopy, Option, PaperRow, folder_match, read_files
from schemas.channels import CENTRE
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
CORPUS = Corpus(
    name="afew",
    display="AFEW",
    layout="Train/Angry/000046280.avi",
    languages={"en": "English"},
    elicitation="natural",
    citation=(
        "A. Dhall, R. Goecke, S. Lucey, T. Gedeon: Collecting Large, Richly Annotated"
        " Facial-Expression Databases from Movies. IEEE MultiMedia 19(3), 2012."
    ),
    licence="academic research only, by signed agreement",
    options={
        "parts": Option(
            allowed=("train+val", "train", "val"),
            help="the challenge's parts to use; only these two have labels",
        )
    },
    paper=PaperRow(language="English", elicitation="natural", rate_hz=48_000, clips=568),
    # Train and Val; Train; Val.
    full_copy=FullCopy(rate_hz=48_000, clips=(949, 629, 320)),
)

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
    return Utterance(
        # The same name may recur in the other part, as another clip.
        utterance_id="/".join(filter(None, ("afew", part, folder[0].capitalize(), path.stem))),
        path=str(path),
        domain=CORPUS.name,
        speaker=f"{UNKNOWN_SPEAKER_PREFIX}{path.stem}",
        emotion=emotion,
        language=CORPUS.language,
        elicitation=CORPUS.elicitation,
        licence=CORPUS.licence,
        # Films have their speech there; where there is no centre, it is the first channel.
        channel=CENTRE,
    )


def read(root: Path, *, parts: str = "train+val") -> Iterator[Found]:
    """Yields every file below `root`; `parts` is an option."""
    return read_files(root, domain=CORPUS.name, parse=functools.partial(_parse, parts=parts))

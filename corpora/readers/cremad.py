"""CREMA-D: 91 American actors, twelve sentences; `AudioWAV/1001_DFA_ANG_XX.wav`."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, read_files
from schemas.utterance import Utterance

LABEL_MAP = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "SAD": "sadness",
    "NEU": "neutral",
}
CORPUS = Corpus(
    name="cremad",
    display="CREMA-D",
    layout="AudioWAV/1001_DFA_ANG_XX.wav",
    languages={"en": "English"},
    elicitation="acted",
    citation=(
        "H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma: CREMA-D:"
        " Crowd-sourced Emotional Multimodal Actors Dataset. IEEE Transactions on Affective"
        " Computing 5(4), 2014."
    ),
    licence="ODbL 1.0",
)

# From the corpus' VideoDemographics.csv.
# fmt: off
FEMALE = frozenset(map(str, (
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025,
    1028, 1029, 1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060,
    1061, 1063, 1072, 1073, 1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089, 1091,
)))
# fmt: on

# actor, sentence, emotion, level; one file has the level X
_NAME = re.compile(
    r"(?P<actor>10(?!00)[0-8]\d|109[01])_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?:LO|MD|HI|XX?)"
)


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    if not match or match["emotion"] not in LABEL_MAP:
        return "name does not match CREMA-D's pattern, like 1001_DFA_ANG_XX"
    emotion, actor = LABEL_MAP[match["emotion"]], match["actor"]
    return Utterance(
        utterance_id=f"cremad/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=actor,
        emotion=emotion,
        language=CORPUS.language,
        gender="female" if actor in FEMALE else "male",
        elicitation=CORPUS.elicitation,
        sentence=match["sentence"],
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

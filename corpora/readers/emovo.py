"""EMOVO: six Italian actors, 14 sentences, in a studio; `EMOVO/f1/dis-f1-b1.wav`, 48 kHz stereo.

The channels are delayed against each other, so whoever decodes must take one of them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, FullCopy, PaperRow, read_files
from schemas.utterance import Utterance

LABEL_MAP = {
    "rab": "anger",
    "dis": "disgust",
    "pau": "fear",
    "gio": "happiness",
    "tri": "sadness",
    "sor": "surprise",
    "neu": "neutral",
}
CORPUS = Corpus(
    name="emovo",
    display="EMOVO",
    layout="EMOVO/f1/dis-f1-b1.wav",
    languages={"it": "Italian"},
    elicitation="acted",
    citation=(
        "G. Costantini, I. Iaderola, A. Paoloni, M. Todisco: EMOVO Corpus: an Italian Emotional"
        " Speech Database. LREC 2014."
    ),
    licence="non-commercial research, with acknowledgement",
    paper=PaperRow(language="Italian", elicitation="acted", rate_hz=48_000, clips=336),
    full_copy=FullCopy(rate_hz=48_000, clips=(504,)),
)

# emotion, speaker, sentence
_NAME = re.compile(r"(?P<emotion>[a-z]{3})-(?P<speaker>[fm][123])-(?P<sentence>[a-z]\d)")


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    if not match or match["emotion"] not in LABEL_MAP:
        return "name does not match EMOVO's pattern, like dis-f1-b1"
    emotion, speaker = LABEL_MAP[match["emotion"]], match["speaker"]
    return Utterance(
        utterance_id=f"emovo/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=speaker,
        emotion=emotion,
        language=CORPUS.language,
        gender="male" if speaker.startswith("m") else "female",
        elicitation=CORPUS.elicitation,
        sentence=match["sentence"],
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

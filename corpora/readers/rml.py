"""RML: eight people in six languages, recalling what they felt, on video; `rml-1/s1/an1.avi`.

Who speaks several languages has a folder for each: `rml-1/s3/mandarin/an1.avi`. What is said was
up to the speakers, so equal numbers are no equal sentences.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, FullCopy, PaperRow, folder_match, read_files
from schemas.utterance import Utterance

LABEL_MAP = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
CORPUS = Corpus(
    name="rml",
    display="RML",
    layout="rml-1/s1/an1.avi",
    languages={
        "en": "English",
        "zh": "Mandarin",
        "ur": "Urdu",
        "pa": "Punjabi",
        "fa": "Persian",
        "it": "Italian",
    },
    elicitation="induced",
    citation=(
        "Y. Wang, L. Guan: Recognizing Human Emotional State from Audiovisual Signals. IEEE"
        " Transactions on Multimedia 10(5), 2008."
    ),
    licence="non-commercial research only, by signed agreement",
    paper=PaperRow(language="several", elicitation="induced", rate_hz=22_050, clips=650),
    full_copy=FullCopy(rate_hz=22_050, clips=(720,)),
)

# Names of folders.
LANGUAGES = {
    "english": "en",
    "mandarin": "zh",
    "chinese": "zh",
    "urdu": "ur",
    "punjabi": "pa",
    "persian": "fa",
    "farsi": "fa",
    "italian": "it",
}

# emotion and number
_NAME = re.compile(r"(?P<emotion>an|di|fe|ha|sa|su)\w*?[ _-]?\d+.*", re.IGNORECASE)


def _parse(path: Path) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    speaker = folder_match(path, r"s0*(\d+)", levels=2)
    language = folder_match(path, rf"({'|'.join(LANGUAGES)})(?:[ _-].*)?", levels=3)
    if not match:
        return "name does not match RML's pattern, like an1"
    if not speaker:
        return "lies in no speaker's folder, like s1"
    # A speaker's languages have clips of the same name, whatever their folders are called.
    folder = path.parent.name if path.parent.name != speaker[0] else ""
    folder = folder or (language[0] if language else "")
    return Utterance(
        utterance_id="/".join(filter(None, ("rml", f"s{speaker[1]}", folder, path.stem))),
        path=str(path),
        domain=CORPUS.name,
        speaker=f"s{speaker[1]}",
        emotion=LABEL_MAP[match["emotion"].lower()],
        language=LANGUAGES[language[1].lower()] if language else "",
        elicitation=CORPUS.elicitation,
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`."""
    return read_files(root, domain=CORPUS.name, parse=_parse)

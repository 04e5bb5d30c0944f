"""eNTERFACE'05: 44 people, no actors, react in English to six stories told to them, on video.

`subject 1/anger/sentence 1/s1_an_1.avi`. Five sentences an emotion, of its own. The names cannot
be trusted with the speaker (subject 11's are called s12_*, some subject 3's s_3_*), so the folder
tells. Subject 6 was never cut: one file of a minute or two for each emotion.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, FullCopy, Option, PaperRow, folder_match, read_files
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
    name="enterface",
    display="eNTERFACE",
    layout="subject 1/anger/sentence 1/s1_an_1.avi",
    languages={"en": "English"},
    elicitation="induced",
    citation=(
        "O. Martin, I. Kotsia, B. Macq, I. Pitas: The eNTERFACE'05 Audio-Visual Emotion Database."
        " ICDE Workshops 2006."
    ),
    licence="open (MIT licence conditions, says its page)",
    options={
        "subject_6": Option(
            allowed=("skip", "include"), help="subject 6's six long files, each of joined sentences"
        )
    },
    paper=PaperRow(language="English", elicitation="induced", rate_hz=16_000, clips=1_047),
    # Without and with subject 6.
    full_copy=FullCopy(rate_hz=48_000, clips=(1_287, 1_293)),
)

# Subject, emotion, sentence; one file is called s16_su_3avi.avi.
_NAME = re.compile(
    r"s_?0*(?P<subject>\d+)_(?P<emotion>an|di|fe|ha|sa|su)_(?P<sentence>\d)(?:avi)?", re.IGNORECASE
)


def _parse(path: Path, *, subject_6: str) -> Utterance | str:
    match = _NAME.fullmatch(path.stem)
    subject_folder = folder_match(path, r"subject[ _-]?0*(\d+)")
    emotion_folder = folder_match(path, "|".join(LABEL_MAP.values()), levels=2)
    # A copy without these folders has only the name to go by.
    subject = subject_folder[1] if subject_folder else match["subject"] if match else ""
    by_folder = emotion_folder[0].lower() if emotion_folder else ""
    by_name = LABEL_MAP[match["emotion"].lower()] if match else ""
    joined = subject == "6" and bool(by_folder or by_name)
    if joined and subject_6 == "skip":
        return "subject 6: long files of joined sentences"
    if not (match or joined):
        return "name does not match eNTERFACE's pattern, like s1_an_1"
    if by_folder and by_name and by_folder != by_name:
        return f"folder {by_folder} and the name, which says {by_name}, disagree"
    return Utterance(
        utterance_id=f"enterface/subject-{subject}/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=subject,
        emotion=by_folder or by_name,
        language=CORPUS.language,
        elicitation=CORPUS.elicitation,
        sentence=f"{match['emotion'].lower()}{match['sentence']}" if match and not joined else "",
        licence=CORPUS.licence,
    )


def read(root: Path, *, subject_6: str = "skip") -> Iterator[Found]:
    """Yields every file below `root`; `subject_6` is an option."""
    return read_files(
        root, domain=CORPUS.name, parse=functools.partial(_parse, subject_6=subject_6)
    )

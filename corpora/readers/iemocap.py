"""IEMOCAP: ten actors in five sessions, improvised and scripted dialogues, cut into turns.

`Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav`. The labels are a majority of
annotators and stand in `Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`, a line for each turn,
`[6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5000, 2.5000, 2.5000]`, separated by tabs. The speaker
is the session and the letter of the last field; the first letter tells who wore the markers.
"""

import dataclasses
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from corpora.readers.base import Corpus, Found, FullCopy, PaperRow, read_files
from schemas.recordings import not_regular, walk
from schemas.utterance import Utterance

LABEL_MAP = {
    "ang": "anger",
    "dis": "disgust",
    "fea": "fear",
    "hap": "happiness",
    "sad": "sadness",
    "sur": "surprise",
    "exc": "excitement",
    "fru": "frustration",
    "neu": "neutral",
    "oth": "other",
}
# Of turns whose annotators disagree.
NO_MAJORITY = "xxx"
CORPUS = Corpus(
    name="iemocap",
    display="IEMOCAP",
    layout="Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
    languages={"en": "English"},
    elicitation="acted",
    citation=(
        "C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee,"
        " S. S. Narayanan: IEMOCAP: Interactive emotional dyadic motion capture database. Language"
        " Resources and Evaluation 42(4), 2008."
    ),
    licence="academic research only, by signed agreement",
    paper=PaperRow(language="English", elicitation="acted", rate_hz=48_000, clips=1_770),
    # As labelled, and with excitement counted as happiness.
    full_copy=FullCopy(rate_hz=16_000, clips=(2_931, 3_972)),
)

_DIALOGUE = r"Ses0[1-5][FM]_(?:impro|script)\d\d\w*"
_TURN = re.compile(r"(?P<dialogue>(?P<session>Ses0[1-5])[FM]_\w+)_(?P<speaker>[FM])\d{3}")
_LINE = re.compile(
    r"\[\s*[\d.]+\s*-\s*[\d.]+\s*\]\s+(?P<turn>Ses\w+)\s+(?P<label>[a-z]{3})\b\s*(?:\[.*\])?\s*"
)


@dataclasses.dataclass(frozen=True)
class _Labels:
    """What the label files say.

    Attributes:
      files: Their names without the suffix.
      codes: Turn to the codes it is given, normally one.
      sources: Turn to the file and the line that labels it.
      broken: File and reason for each line that cannot be understood, or file that cannot be read.
    """

    files: set[str] = dataclasses.field(default_factory=set)
    codes: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    sources: dict[str, tuple[Path, int]] = dataclasses.field(default_factory=dict)
    broken: list[tuple[Path, str]] = dataclasses.field(default_factory=list)


def _label_files(root: Path) -> Iterator[Path]:
    """Yields those below `root`, and those of the session that `root` is a part of."""
    session = [parent / "dialog" / "EmoEvaluation" for parent in root.parents]
    for folder in (root, *(folder for folder in session[:4] if folder.is_dir())):
        for path in walk(folder):
            # Folders below EmoEvaluation hold the single annotators' files, in other formats.
            if path.parent.name == "EmoEvaluation" and re.fullmatch(
                rf"{_DIALOGUE}\.txt", path.name
            ):
                yield path


def _read_labels(root: Path) -> _Labels:
    labels = _Labels()
    for path in dict.fromkeys(_label_files(root)):
        labels.files.add(path.stem)
        if kind := not_regular(path):
            labels.broken.append((path, f"labels cannot be read: {kind}"))
            continue
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            labels.broken.append((path, f"labels cannot be read: {error.strerror}"))
            continue
        for number, line in enumerate(lines, start=1):
            # All others are a header and the single annotators' opinions.
            if not (line.startswith("[") or (line.startswith("Ses") and "]" in line)):
                continue
            match = _LINE.fullmatch(line)
            if (
                match
                and match["label"] in (*LABEL_MAP, NO_MAJORITY)
                and _TURN.fullmatch(match["turn"])
            ):
                codes = labels.codes.setdefault(match["turn"], [])
                if match["label"] not in codes:
                    codes.append(match["label"])
                labels.sources.setdefault(match["turn"], (path, number))
            else:
                text = " ".join(line.split())[:80]
                reason = f"broken line in labels: {path.name}, line {number}: {text}"
                labels.broken.append((path, reason))
    return labels


def _parse(path: Path, *, labels: _Labels) -> Utterance | str:
    match = _TURN.fullmatch(path.stem)
    if not match:
        if re.fullmatch(_DIALOGUE, path.stem):
            return "whole dialogue; its turns are files of their own"
        return "name does not match IEMOCAP's pattern, like Ses01F_impro01_F000"
    codes = labels.codes.get(path.stem, [])
    if not codes:
        if match["dialogue"] in labels.files:
            return f"recording without label: not in {match['dialogue']}.txt"
        return f"recording without label: no EmoEvaluation/{match['dialogue']}.txt"
    if len(codes) > 1:
        return f"labelled both {' and '.join(sorted(codes))}"
    if codes[0] == NO_MAJORITY:
        return "annotators disagree"
    return Utterance(
        utterance_id=f"iemocap/{path.stem}",
        path=str(path),
        domain=CORPUS.name,
        speaker=match["session"] + match["speaker"],
        emotion=LABEL_MAP[codes[0]],
        language=CORPUS.language,
        gender="male" if match["speaker"] == "M" else "female",
        elicitation=CORPUS.elicitation,
        licence=CORPUS.licence,
    )


def read(root: Path) -> Iterator[Found]:
    """Yields every file below `root`, broken lines of labels, and labels without a recording.

    Args:
      root: The corpus, or a folder above or inside it.
    """
    root = Path(os.path.abspath(root))
    labels = _read_labels(root)
    parse = functools.partial(_parse, labels=labels)
    turns = set()
    for found in read_files(root, domain=CORPUS.name, parse=parse):
        turns.add(found.path.stem)
        yield found
    for path, reason in labels.broken:
        yield Found(path=path, domain=CORPUS.name, reason=reason)
    for turn, (path, number) in labels.sources.items():
        # Label files outside the folder that was given label much that was not given.
        if turn not in turns and path.is_relative_to(root):
            reason = f"label without recording: {path.name}, line {number}: {turn}"
            yield Found(path=path, domain=CORPUS.name, reason=reason)

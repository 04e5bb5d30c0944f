"""What a list of folds does not tell of its clips, and the names of their files do."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from corpora.audit.clips import Clip
from corpora.readers import READERS
from schemas.utterance import Utterance

# Of the clips that a corpus' reader must know by their names.
_LEAST_SHARE = 0.9
_FIELDS = ("speaker", "emotion", "sentence", "licence")


def complete(
    clips: Sequence[Clip], columns: frozenset[str]
) -> tuple[list[Clip], frozenset[str], str]:
    """Fills what a list lacks by the reader of the corpus that the clips' files are of.

    Args:
      clips: As the list has them.
      columns: Its columns of `clips.OPTIONAL`.

    Returns:
      The clips, completed; the columns, likewise; what was done, in words, empty if nothing was.
    """
    lacking = [name for name in _FIELDS if name not in columns]
    if not lacking:
        return list(clips), columns, ""
    corpus, known = _best_reader(clips)
    if not corpus:
        return list(clips), columns, ""
    completed = [_completed(clip, known.get(clip.path), lacking, columns) for clip in clips]
    filled = [name for name in lacking if any(getattr(clip, name) for clip in completed)]
    told = f"{', '.join(filled)}: as the files of {corpus} tell, the list has no such column"
    return completed, columns | frozenset(filled), told


def _completed(
    clip: Clip, utterance: Utterance | None, lacking: Sequence[str], columns: frozenset[str]
) -> Clip:
    if utterance is None:
        return clip
    changed = dataclasses.replace(
        clip,
        speaker=utterance.speaker if "speaker" in lacking else clip.speaker,
        emotion=utterance.emotion if "emotion" in lacking else clip.emotion,
        sentence=utterance.sentence if "sentence" in lacking else clip.sentence,
        licence=utterance.licence if "licence" in lacking else clip.licence,
    )
    return changed if "domain" in columns else dataclasses.replace(changed, domain=utterance.domain)


def _best_reader(clips: Sequence[Clip]) -> tuple[str, dict[str, Utterance]]:
    """Returns the corpus whose reader knows the most clips, and what it knows, by path.

    The name is empty where none knows nearly all of them.
    """
    folder = os.path.commonpath([os.path.dirname(clip.path) for clip in clips])
    best: tuple[int, str, dict[str, Utterance]] = (0, "", {})
    if len(Path(folder).parts) < 3 or not os.path.isdir(folder):
        return "", {}
    paths = {clip.path for clip in clips}
    for name, reader in READERS.items():
        if reader.CORPUS.is_format:
            continue
        known = {
            found.utterance.path: found.utterance
            for found in reader.read(Path(folder))
            if found.utterance
        }
        best = max(best, (len(paths & known.keys()), name, known), key=lambda each: each[0])
    return (best[1], best[2]) if best[0] >= _LEAST_SHARE * len(paths) else ("", {})

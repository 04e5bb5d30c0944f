"""Makes the synthetic corpora: plans every recording, then renders and writes them."""

import json
import math
import os
import shutil
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from corpora.synthetic import (
    afew,
    emodb,
    emovo,
    enterface,
    espeak,
    iemocap,
    prosody,
    recording,
    rml,
)
from corpora.synthetic.base import Clip, Corpus
from schemas import files
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet
from schemas.progress import Track, no_track

CORPORA: Mapping[str, Corpus] = {
    module.CORPUS.name: module.CORPUS for module in (afew, emodb, emovo, enterface, iemocap, rml)
}
# Raise it whenever the sound changes: stored results of another version are made anew.
VERSION = 2
STAMP = "synthetic.json"
DEFAULT_SCALE = 0.1
README = """\
These recordings are SYNTHETIC. No person speaks here.

espeak-ng said them, with prosody per emotion after published rules (see corpora/synthetic of the
program ser-tfx), in the folder layouts and the file names of real corpora, of which they contain
nothing. They serve to try the program. Results on them say nothing about real emotional speech.

synthetic.json holds the parameters; the same parameters give the same bytes.

What is imitated beside the layout:

{quirks}

One clip in about twenty is longer than the network's 3.375 s.
"""
# Added for other label sets than the paper's, of whose labels readers skip all others.
LABELS_NOTE = """
Made for the labels {labels}: clips of all of them are usual ones here.
"""
# Of a clip that is not over-length, with the silence around the speech; below 3.375 s, because
# MP3 adds up to 50 ms.
LONGEST_S = 3.3


def synthesize(
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    corpora: Sequence[str] = tuple(CORPORA),
    label_set: LabelSet = PAPER,
    scale: float = DEFAULT_SCALE,
    track: Track = no_track,
) -> list[tuple[str, Path]]:
    """Fills `out` with a folder per corpus; returns at once if it already holds the same.

    Args:
      out: A folder, which is made; what an earlier call left there is replaced.
      seed: Seed of all chance; same arguments, same bytes.
      corpora: Keys of `CORPORA`.
      label_set: Labels to make usual clips of beside the paper's six, where a corpus has them;
        others are there as a few clips that readers skip.
      scale: Number of clips relative to the paper's Table 1; but at least ten are made of each
        emotion, and one by each speaker.
      track: A function that shows progress.

    Returns:
      Pairs of corpus and folder, as `corpora.indexing.index.index` takes.

    Raises:
      UserError: A corpus is unknown, no corpus has a label, the scale is impossible, `out` holds
        other files where a corpus would go, or it cannot be written.
    """
    out = Path(os.path.abspath(Path(out).expanduser()))
    if unknown := [name for name in corpora if name not in CORPORA]:
        raise UserError(f"cannot synthesize {unknown[0]}; can: {', '.join(CORPORA)}")
    if not 0 < scale < math.inf:
        raise UserError(f"scale must be above 0, not {scale}")
    names = sorted(set(corpora))
    _check_labels(names, label_set)
    clips = [
        clip for name in names for clip in plan(name, seed=seed, scale=scale, label_set=label_set)
    ]
    folders = [(name, out / name) for name in names]
    parameters = {"version": VERSION, "seed": seed, "corpora": names, "scale": scale}
    note = ""
    if label_set != PAPER:
        parameters["labels"] = list(label_set)
        note = LABELS_NOTE.format(labels=", ".join(label_set))
    stamp = out / STAMP
    if _read_stamp(stamp) == {**parameters, "complete": True} and _all_exist(out, clips):
        return folders
    espeak.check_installed()
    _clear(out, [folder for _, folder in folders])
    _write_stamp(stamp, {**parameters, "complete": False})
    quirks = "\n".join(
        textwrap.fill(
            f"- {name} ({CORPORA[name].format}): {CORPORA[name].quirks}",
            width=100,
            subsequent_indent="  ",
        )
        for name in names
    )
    (out / "README.txt").write_text(README.format(quirks=quirks) + note, encoding="utf-8")
    for folder in {(out / clip.corpus / clip.path).parent for clip in clips}:
        folder.mkdir(parents=True, exist_ok=True)
    for clip in track(clips, description="Synthesizing speech", total=len(clips)):
        make(clip, out=out, seed=seed)
    for name, folder in folders:
        CORPORA[name].finish(folder, [clip for clip in clips if clip.corpus == name])
    _write_stamp(stamp, {**parameters, "complete": True})
    return folders


def plan(name: str, *, seed: int, scale: float, label_set: LabelSet = PAPER) -> list[Clip]:
    """Returns the recordings of the corpus `name`, each with a path of its own.

    Raises:
      UserError: There are not that many different names.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    corpus = CORPORA[name]
    return corpus.plan(scale, [label for label in label_set if label in corpus.others], rng)


def _check_labels(names: Sequence[str], label_set: LabelSet) -> None:
    """Raises UserError where no corpus can have a label."""
    others = {label: name for name in reversed(names) for label in CORPORA[name].others}
    if lacking := [label for label in label_set if label not in (*PAPER, *others)]:
        have = ", ".join(f"{label} ({name})" for label, name in sorted(others.items()))
        raise UserError(
            f"--emotions: none of {', '.join(names)} has {' or '.join(lacking)}; beside the paper's"
            f" six they have {have or 'no label'}; leave {' and '.join(lacking)} out"
        )


def render(clip: Clip, *, seed: int) -> np.ndarray:
    """Returns the sound of `clip`: int16 [samples, channels] at its corpus' rate."""
    corpus = CORPORA[clip.corpus]
    # Independent of the order in which clips are made.
    rng = np.random.default_rng([seed, zlib.crc32(f"{clip.corpus}/{clip.path}".encode())])
    own = np.random.default_rng([seed, zlib.crc32(f"{clip.corpus}/{clip.speaker.name}".encode())])
    padding_s = rng.uniform(0.04, 0.2, size=2)
    speech, level_db = prosody.express(
        clip.texts,
        emotion=clip.emotion,
        speaker=clip.speaker,
        words_per_minute=corpus.words_per_minute,
        longest_s=LONGEST_S - padding_s.sum(),
        own=own,
        rng=rng,
    )
    speech = np.pad(speech, (padding_s * espeak.RATE_HZ).astype(int))
    return recording.record(
        speech,
        level_db=level_db,
        scene=corpus.scene,
        rate_hz=corpus.rate_hz,
        speaker=clip.speaker.name,
        rng=rng,
    )


def make(clip: Clip, *, out: Path, seed: int) -> None:
    """Renders and writes one recording below `out`, whose folder exists."""
    recording.write(
        out / clip.corpus / clip.path,
        render(clip, seed=seed),
        corpus=CORPORA[clip.corpus],
        defect=clip.defect,
        seed=seed,
    )


def _all_exist(out: Path, clips: list[Clip]) -> bool:
    return all((out / clip.corpus / clip.path).is_file() for clip in clips)


def _read_stamp(stamp: Path) -> dict[str, object] | None:
    try:
        content = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    content.pop("note", None)
    return content


def _write_stamp(stamp: Path, content: dict[str, object]) -> None:
    note = "Synthetic speech made with espeak-ng; no real recordings. See README.txt."
    with files.replacing(stamp) as file:
        file.write(json.dumps({"note": note, **content}, indent=2) + "\n")


def _clear(out: Path, folders: list[Path]) -> None:
    """Removes what an earlier call made; refuses to touch anything else."""
    stamped = _read_stamp(out / STAMP)
    if stamped is None:
        for folder in folders:
            if folder.exists() and any(folder.iterdir()):
                raise UserError(
                    f"{folder} holds files that `ser corpora synthesize` did not make; choose"
                    " another --out, so that real and synthetic recordings are never mixed"
                )
    else:
        made = stamped.get("corpora")
        for name in made if isinstance(made, list) else []:
            if name in CORPORA:
                shutil.rmtree(out / name, ignore_errors=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UserError(f"{out}: is a file; --out takes a folder") from None
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}") from None

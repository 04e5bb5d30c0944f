"""Databases in the format audformat, as audEERING publishes them with audb; a folder with db.yaml.

Emotions, and where there are any speakers, genders, languages and transcriptions, are found by the
names of schemes and columns. The domain has the name of the database.
"""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora.readers.base import Corpus, Found
from schemas import domains, labels
from schemas.errors import UserError
from schemas.recordings import no_recording, walk
from schemas.utterance import UNKNOWN_SPEAKER_PREFIX, Utterance

if TYPE_CHECKING:
    import audformat
    import pandas as pd

LABEL_MAP = labels.SYNONYMS
CORPUS = Corpus(
    name="audformat",
    display="audformat",
    layout="a folder with an audformat database (db.yaml)",
    licence="as of the database",
    is_format=True,
)

HEADER = "db.yaml"
# Names of schemes or columns, the first that there is counts.
_EMOTION = ("emotion", "emotion.categories", "emotions")
_SENTENCE = ("sentence", "transcription", "text")
_GENDERS = {"female": "female", "f": "female", "male": "male", "m": "male"}


class _Labels:
    """What a database says about one thing, by recording and by segment."""

    def __init__(self, database: "audformat.Database", *names: str, mapped: bool = True) -> None:
        self._by_segment: dict[tuple[str, Any, Any], str] = {}
        self._by_file: dict[str, set[str]] = {}
        for (file, start, end), value in _series(database, names, mapped=mapped).items():
            if isinstance(value, str):
                self._by_segment[file, start, end] = value
                self._by_file.setdefault(file, set()).add(value)

    def get(self, file: str, start: Any, end: Any) -> str:
        """Returns the segment's label, else the one label of the recording, else nothing."""
        if label := self._by_segment.get((file, start, end)):
            return label
        labels = self._by_file.get(file, set())
        return next(iter(labels)) if len(labels) == 1 else ""


def _series(
    database: "audformat.Database", names: tuple[str, ...], *, mapped: bool = True
) -> "pd.Series[Any]":
    """Returns the labels of the first of `names` that has any, by segment.

    A segment that has several, which disagree, has none.
    """
    import audformat

    for name in names:
        # Called where labels disagree. None fits columns of every type.
        frame = database.get(name, map=mapped, aggregate_function=lambda labels: None)
        if len(frame):
            break
    return audformat.utils.to_segmented_index(frame[name])


def read(root: Path) -> Iterator[Found]:
    """Yields every segment, labelled with the database's word, and every other file in its folder.

    Args:
      root: The folder with `db.yaml`, or one above or inside it.

    Raises:
      UserError: There is no database, it cannot be read, has no emotions, or audformat is not
        installed.
    """
    _check_installed(root)
    header = _find_header(Path(os.path.abspath(root)))
    try:
        database = _load(header)
        emotions = _series(database, _EMOTION)
        # Without `mapped`, the code of a text where the database has one.
        sentences = _Labels(database, *_SENTENCE, mapped=False)
        speakers, genders, languages = (
            _Labels(database, name) for name in ("speaker", "gender", "language")
        )
    except UserError:
        raise
    except Exception as error:  # of many kinds, of yaml, pandas and audformat
        raise UserError(f"{header}: cannot be read as an audformat database: {error}") from error
    if emotions.empty:
        raise UserError(
            f"{header}: has no emotions: no scheme or column {' or '.join(_EMOTION)}; its schemes"
            f" are {', '.join(database.schemes) or 'none'}"
        )
    domain = database.name
    if why := domains.problem(domain):
        raise UserError(f"{header}: name `{domain}` cannot name a model: {why}")
    spoken = [_language(language) for language in database.languages]
    labelled = set()
    for (file, start, end), emotion in emotions.items():
        path = Path(os.path.abspath(header.parent / file))
        labelled.add(path)
        if not isinstance(emotion, str):
            reason = "no emotion, or labels that disagree"
            yield Found(path=path, domain=domain, reason=reason)
            continue
        segment = (file, start, end)
        start_s, end_s = start.total_seconds(), end.total_seconds()  # end is NaT: nan
        to_the_end = end_s != end_s
        part = "" if to_the_end and not start_s else f"@{start_s:g}-{'' if to_the_end else end_s}"
        stem = Path(file).with_suffix("").as_posix()
        language = _language(languages.get(*segment)) or (spoken[0] if len(spoken) == 1 else "")
        utterance = Utterance(
            utterance_id=f"{domain}/{stem}{part}",
            path=str(path),
            domain=domain,
            speaker=speakers.get(*segment) or f"{UNKNOWN_SPEAKER_PREFIX}{stem}",
            emotion=labels.word(emotion),
            language=language,
            gender=_GENDERS.get(genders.get(*segment).lower(), ""),
            sentence=sentences.get(*segment),
            licence=str(database.license or ""),
            start_s=start_s if part else None,
            end_s=None if to_the_end else end_s,
        )
        yield Found(path=path, domain=domain, utterance=utterance)
    for path in walk(header.parent):
        if path not in labelled:
            reason = no_recording(path) or "no emotion in the database"
            yield Found(path=path, domain=domain, reason=reason)


def _check_installed(root: Path) -> None:
    """Raises UserError where the extra is missing that this reader needs."""
    if not all(importlib.util.find_spec(name) for name in ("audformat", "langcodes")):
        raise UserError(
            f"{root}: audformat is not installed: pip install 'ser-tfx[audformat]', or `make"
            " extras`; it needs iso-639, whose licence is the AGPL (docs/licences.md)"
        )


def download(spec: str) -> Path:
    """Downloads a published database, unless it is in audb's cache already.

    Args:
      spec: `NAME`, for the latest version, or `NAME==VERSION`, for example `emodb==1.4.1`.

    Returns:
      The folder, in audb's cache, for `read`.

    Raises:
      UserError: Audb is not installed, there is no such database, or no internet.
    """
    name, _, version = spec.partition("==")
    try:
        import audb
    except ImportError:
        raise UserError(
            f"audb:{spec}: audb is not installed: pip install 'ser-tfx[audb]'"
        ) from None
    try:
        return Path(audb.load(name, version=version or None).root)
    except Exception as error:  # of many kinds, of the network's and the storage's libraries
        raise UserError(
            f"audb:{spec}: cannot be downloaded: {error or type(error).__name__}; check the name"
            " and version (https://audeering.github.io/datasets), and the connection to the"
            " internet; a database that lies on a disk is read with --corpus audformat=FOLDER"
            " (docs/your-own-corpus.md tells how to get one there)"
        ) from error


def _load(header: Path) -> "audformat.Database":
    """Loads a database from what is plain data in its folder, which is only read.

    audformat would prefer pickles, which run code and depend on pandas' version, and write them
    where there are none. This version of it does not read Parquet.
    """
    import audformat
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(header, folder)
        for path in header.parent.glob("db.*.csv"):
            shutil.copy(path, folder)
        for path in header.parent.glob("db.*.parquet"):
            table = Path(folder, path.with_suffix(".csv").name)
            pd.read_parquet(path).to_csv(table, index=False)
        database = audformat.Database.load(folder)
        for name in (*database.tables, *database.misc_tables):
            if not Path(folder, f"db.{name}.csv").exists():
                raise UserError(
                    f"{header}: the table {name} is missing: there is neither db.{name}.csv nor"
                    f" db.{name}.parquet; write it with Database.save, storage_format='csv'"
                )
            database[name].load(f"{folder}/db.{name}")
        return database


def _find_header(root: Path) -> Path:
    inside = (folder / HEADER for folder in (root, *root.parents[:3]))
    if header := next((path for path in inside if path.is_file()), None):
        return header
    below = sorted({*root.glob(f"*/{HEADER}"), *root.glob(f"*/*/{HEADER}")})
    if len(below) == 1:
        return below[0]
    if below:
        folders = ", ".join(str(path.parent) for path in below)
        raise UserError(f"{root}: has several audformat databases ({folders}); give one of them")
    raise UserError(f"{root}: is no audformat database; give the folder that has {HEADER}")


def _language(name: str) -> str:
    """Returns the ISO 639-1 code, or what there is instead for a language that has none."""
    import langcodes

    if len(name) == 2:
        return name.lower()
    if name.lower() == "tgl":  # langcodes makes Filipino of Tagalog, which has no two letters
        return "tl"
    try:
        code = langcodes.standardize_tag(name)
    except langcodes.LanguageTagError:
        return name
    return code if len(code) == 2 else name

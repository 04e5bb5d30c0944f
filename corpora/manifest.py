"""Manifests: CSV files with a row per utterance, and what may be asked of one."""

import csv
import dataclasses
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from corpora import folds
from corpora.indexing import probe
from schemas import files
from schemas.errors import UserError
from schemas.labels import EMOTIONS
from schemas.progress import Track, no_track
from schemas.splits import NUM_FOLDS, PROTOCOLS
from schemas.utterance import Utterance

COLUMNS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Utterance))
REQUIRED: tuple[str, ...] = ("path", "domain", "speaker", "emotion")
GENDERS = ("female", "male", "")
ELICITATIONS = ("acted", "induced", "natural", "")

# Instead of the hash of a recording that is no longer there: AudioExampleGen quarantines it.
MISSING = "missing"

# What AudioExampleGen's output depends on. Not the path: the content's hash stands for it.
_DIGESTED: tuple[str, ...] = (
    "utterance_id",
    "domain",
    "speaker",
    "emotion",
    "language",
    "gender",
    "start_s",
    "end_s",
    "sha256",
    "fold_random",
    "fold_speaker_independent",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one file that a reader met. `status` is used, skipped or unreadable."""

    path: str
    domain: str
    status: str
    reason: str = ""


_ENTRY_COLUMNS = tuple(field.name for field in dataclasses.fields(Entry))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a CSV, with where it stands, for messages."""

    file: Path
    line: int
    values: dict[str, str]

    def get(self, column: str) -> str:
        """Returns the column's text without surrounding spaces; empty if there is none."""
        return (self.values.get(column) or "").strip()

    def require(self, column: str) -> str:
        """Returns the column's text.

        Raises:
          UserError: it is empty.
        """
        if value := self.get(column):
            return value
        raise self.error(f"`{column}` is empty; every row needs one")

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        """Returns the column's text in lower case.

        Raises:
          UserError: it is not among `allowed`.
        """
        value = self.get(column).lower()
        if value in allowed:
            return value
        names = ", ".join(name or "empty" for name in allowed)
        raise self.error(f"{column} `{self.get(column)}` does not exist; allowed: {names}")

    def number(self, column: str, *, default: float | None, least: float = 0) -> float | None:
        """Returns the column as a number, `default` if it is empty.

        Raises:
          UserError: it is no number, or smaller than `least`.
        """
        text = self.get(column)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            raise self.error(f"`{column}` must be a number, not `{text}`") from None
        if not least <= value < float("inf"):
            raise self.error(f"`{column}` must be at least {least:g}, not {text}")
        return value

    def whole_number(self, column: str, *, default: int, least: int = 0) -> int:
        """Returns the column as a whole number; otherwise as `number`."""
        value = self.number(column, default=default, least=least)
        assert value is not None
        if value != int(value):
            raise self.error(f"`{column}` must be a whole number, not `{self.get(column)}`")
        return int(value)

    def fold(self, column: str) -> int:
        """Returns the fold, -1 if it is not assigned."""
        value = self.whole_number(column, default=-1, least=-1)
        if value >= NUM_FOLDS:
            raise self.error(f"`{column}` must be 0 to {NUM_FOLDS - 1}, or -1, not {value}")
        return value

    def resolved_path(self) -> Path:
        """Returns the recording's absolute path; a relative one is relative to the CSV."""
        return Path(os.path.abspath(self.file.parent / self.require("path")))

    def utterance(self) -> Utterance:
        """Returns the utterance of this row.

        Raises:
          UserError: a value is missing or impossible.
        """
        path, domain = self.resolved_path(), self.require("domain")
        if "/" in domain or domain.startswith("."):
            raise self.error(f"domain `{domain}` cannot name a model: use letters, digits, - and _")
        start_s = self.number("start_s", default=None)
        end_s = self.number("end_s", default=None)
        if end_s is not None and end_s <= (start_s or 0):
            raise self.error(f"`end_s` {end_s:g} is not after `start_s` {start_s or 0:g}")
        return Utterance(
            utterance_id=self.get("utterance_id") or self._default_id(path, domain),
            path=str(path),
            domain=domain,
            speaker=self.require("speaker"),
            emotion=self.one_of("emotion", EMOTIONS),
            language=self.get("language"),
            gender=self.one_of("gender", GENDERS),
            elicitation=self.one_of("elicitation", ELICITATIONS),
            sentence=self.get("sentence"),
            licence=self.get("licence"),
            start_s=start_s,
            end_s=end_s,
            sample_rate_hz=self.whole_number("sample_rate_hz", default=0),
            duration_s=self.number("duration_s", default=0.0) or 0.0,
            sha256=self.get("sha256"),
            fold_random=self.fold("fold_random"),
            fold_speaker_independent=self.fold("fold_speaker_independent"),
        )

    def error(self, message: str) -> UserError:
        """Returns the error `message` with the file and the line before it."""
        return UserError(f"{self.file}, line {self.line}: {message}")

    def _default_id(self, path: Path, domain: str) -> str:
        folder = Path(os.path.abspath(self.file.parent))
        stem = path.relative_to(folder) if path.is_relative_to(folder) else path.relative_to("/")
        segment = self.get("start_s"), self.get("end_s")
        suffix = f"@{segment[0]}-{segment[1]}" if any(segment) else ""
        return f"{domain}/{stem.with_suffix('').as_posix()}{suffix}"


def rows(path: str | os.PathLike[str], *, required: tuple[str, ...] = REQUIRED) -> Iterator[Row]:
    """Yields the rows of a CSV that has at least the `required` columns.

    Raises:
      UserError: there is no such file, it is not UTF-8 text, or it lacks a column.
    """
    path = Path(path)
    try:
        # "utf-8-sig": spreadsheets put a byte-order mark in front of the first column's name.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `ser corpora index --out` writes one") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, a CSV file is needed") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not a CSV file in UTF-8") from None
    if "\0" in text:
        raise UserError(f"{path}: is not a CSV file, but binary")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [name.strip() for name in reader.fieldnames or ()]
    if lacking := [name for name in required if name not in columns]:
        raise UserError(
            f"{path}: has no column {', '.join(lacking)}; the first line must name the columns,"
            f" separated by commas, at least {', '.join(required)}; it reads"
            f" `{text.partition(chr(10))[0][:100]}`"
        )
    reader.fieldnames = columns
    for values in reader:
        row = Row(file=path, line=reader.line_num, values=values)
        if None in values:
            raise row.error(f"has more values than the {len(columns)} columns; quote commas")
        yield row


def read(path: str | os.PathLike[str]) -> list[Utterance]:
    """Returns the utterances of a manifest, in its order, with absolute paths.

    Raises:
      UserError: the file, or a row of it, is not as it must be; names the line.
    """
    utterances = []
    lines: dict[str, int] = {}
    for row in rows(path):
        utterance = row.utterance()
        if earlier := lines.get(utterance.utterance_id):
            raise row.error(f"the same utterance as line {earlier}: {utterance.utterance_id}")
        lines[utterance.utterance_id] = row.line
        utterances.append(utterance)
    if not utterances:
        raise UserError(f"{path}: has no utterance")
    return utterances


def write(utterances: Iterable[Utterance], path: str | os.PathLike[str]) -> None:
    """Writes a manifest, replacing `path` at once: nobody ever reads half of it."""
    _write_csv((dataclasses.asdict(utterance) for utterance in utterances), COLUMNS, path)


def account_path(path: str | os.PathLike[str]) -> Path:
    """Returns where the account of the manifest at `path` lies: beside it, `.account.csv`."""
    return Path(path).with_suffix(".account.csv")


def write_account(account: Iterable[Entry], path: str | os.PathLike[str]) -> None:
    """Writes what became of every file that was met, as CSV (path, domain, status, reason)."""
    _write_csv((dataclasses.asdict(entry) for entry in account), _ENTRY_COLUMNS, path)


def read_account(path: str | os.PathLike[str]) -> list[Entry]:
    """Returns what `write_account` wrote.

    Raises:
      UserError: the file is not there or is not an account.
    """
    return [
        Entry(**{name: row.values[name] for name in _ENTRY_COLUMNS})
        for row in rows(path, required=_ENTRY_COLUMNS)
    ]


def digest(utterances: Iterable[Utterance]) -> str:
    """Returns a SHA-256 over all that AudioExampleGen's output depends on, order and place not."""
    result = hashlib.sha256()
    for utterance in sorted(utterances, key=lambda utterance: utterance.utterance_id):
        values = [getattr(utterance, name) for name in _DIGESTED]
        result.update(repr(values).encode())
    return result.hexdigest()


def refresh(
    utterances: list[Utterance],
    *,
    probe_one: Callable[[str], probe.Probe] = probe.probe,
    track: Track = no_track,
) -> tuple[list[Utterance], list[str], list[str]]:
    """Brings hashes, rates and durations up to date with the recordings.

    A recording that is gone keeps its row, with the hash `missing`; one whose content has become
    unreadable keeps it with rate and duration 0. AudioExampleGen quarantines both.

    Args:
      utterances: With absolute paths.
      probe_one: Probes a recording; `ProbeCache.probe` reads only those that have changed.
      track: Shows progress, as `cli.progress.track`.

    Returns:
      The utterances in the same order; the ids of those whose content is not what the manifest
      had; the ids of those whose recording is missing.
    """
    paths = sorted({utterance.path for utterance in utterances})
    probes = probe.probe_all(
        paths, probe_one=probe_one, track=track, description="Checking the recordings"
    )
    refreshed, changed, missing = [], [], []
    for utterance in utterances:
        seen = probes[utterance.path]
        if not seen.sha256:
            missing.append(utterance.utterance_id)
            refreshed.append(dataclasses.replace(utterance, sha256=MISSING))
        elif seen.sha256 == utterance.sha256 and utterance.duration_s:
            refreshed.append(utterance)
        else:
            changed.append(utterance.utterance_id)
            refreshed.append(probe.apply(utterance, seen))
    return refreshed, changed, missing


def fold_problems(
    utterances: Iterable[Utterance], protocol: str, *, test_fold: int | None = None
) -> list[str]:
    """Returns in words what makes training on these folds impossible or dishonest; [] if nothing.

    Args:
      utterances: of any number of domains.
      protocol: `random` or `speaker_independent`.
      test_fold: the only fold that is tested on, or `None` for all. Only where it is tested on
        must a fold hold every class of its domain.
    """
    by_domain: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_domain.setdefault(utterance.domain, []).append(utterance)
    return [
        problem
        for domain in sorted(by_domain)
        for problem in _domain_problems(domain, by_domain[domain], protocol, test_fold)
    ]


def check_folds(
    utterances: Iterable[Utterance], protocol: str, *, test_fold: int | None = None
) -> None:
    """Checks that every domain can be trained and tested on its folds.

    Args:
      utterances: of any number of domains.
      protocol: `random` or `speaker_independent`.
      test_fold: the only fold that is tested on, or `None` for all.

    Raises:
      UserError: a domain has fewer clips, or under `speaker_independent` fewer speakers, than
        there are folds; a clip has no fold; a speaker is in two folds under
        `speaker_independent`; or a fold that is tested on has no clip of a class that its domain
        has, or none is left to train on.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"protocol `{protocol}` does not exist; allowed: {', '.join(PROTOCOLS)}")
    if problems := fold_problems(utterances, protocol, test_fold=test_fold):
        raise UserError("\n".join(problems))


def _domain_problems(
    domain: str, utterances: list[Utterance], protocol: str, test_fold: int | None
) -> list[str]:
    grouped = protocol == "speaker_independent"
    speakers = folds.speakers_of(utterances)
    if len(utterances) < NUM_FOLDS:
        return [
            f"domain {domain}: {len(utterances)} clips are fewer than the {NUM_FOLDS} folds;"
            " add recordings or leave the domain out"
        ]
    if any(utterance.fold(protocol) < 0 for utterance in utterances):
        return [
            f"domain {domain}: has clips without a fold under the protocol {protocol};"
            " `ser corpora index --corpus csv=MANIFEST --out NEW` assigns them"
        ]
    if grouped and len(speakers) < NUM_FOLDS:
        return [
            f"domain {domain}: {len(speakers)} speakers ({', '.join(sorted(speakers))}) are fewer"
            f" than the {NUM_FOLDS} folds of the protocol speaker_independent; add speakers, leave"
            " the domain out, or choose the protocol random"
        ]
    crossing = [
        speaker
        for speaker, clips in sorted(speakers.items())
        if grouped and len({clip.fold(protocol) for clip in clips}) > 1
    ]
    problems = [
        f"domain {domain}: speaker {speaker} is in more than one fold under the protocol"
        " speaker_independent; index the corpus anew without its fold columns"
        for speaker in crossing
    ]
    for emotion in sorted({utterance.emotion for utterance in utterances}):
        clips = [utterance for utterance in utterances if utterance.emotion == emotion]
        held = {clip.fold(protocol) for clip in clips}
        tested = range(NUM_FOLDS) if test_fold is None else [test_fold]
        of_speakers = f" of {len(folds.speakers_of(clips))} speakers" if grouped else ""
        other = ", or choose the protocol random" if grouped else ""
        if test_fold is not None and held:
            other += (
                f", or one of the test folds that have it ({', '.join(map(str, sorted(held)))})"
            )
        problems += [
            f"domain {domain}: fold {fold} has no clip of {emotion} under the protocol {protocol}"
            f" ({len(clips)} clips in all{of_speakers}); add recordings, leave {emotion} of"
            f" {domain} out{other}"
            for fold in tested
            if fold not in held
        ]
        problems += [
            f"domain {domain}: {emotion} is in no other fold than {fold} under the protocol"
            f" {protocol}, so that none is left to train on when {fold} is the test fold; add"
            f" recordings or leave {emotion} of {domain} out"
            for fold in tested
            if held == {fold}
        ]
    return problems


def _write_csv(
    records: Iterable[dict[str, object]], columns: tuple[str, ...], path: str | os.PathLike[str]
) -> None:
    with files.replacing(path) as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)

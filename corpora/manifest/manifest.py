"""The manifest itself: utterances, and the label set that whatever is trained on them learns."""

import dataclasses
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from corpora.manifest import columns
from schemas import domains, labels, table
from schemas.errors import UserError
from schemas.labels import LabelSet
from schemas.recordings import is_uri
from schemas.table import Row
from schemas.utterance import ELICITATIONS, GENDERS, Utterance

# Beside the fields of `Utterance`: the manifest's label set as text, the same in every row.
LABEL_SET = "label_set"
COLUMNS: tuple[str, ...] = (*(field.name for field in dataclasses.fields(Utterance)), LABEL_SET)
REQUIRED: tuple[str, ...] = ("path", "domain", "speaker", "emotion")
KNOWN = columns.of_utterances(COLUMNS)

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
class Manifest:
    """Utterances of any number of domains, with their label set.

    Attributes:
      utterances: All of them in the order of the file, with absolute paths.
      labels: The set that the utterances' emotions are of; some may not occur.

    Raises:
      ValueError: An utterance's emotion is not in the set.
    """

    utterances: list[Utterance]
    labels: LabelSet

    def __post_init__(self) -> None:
        for utterance in self.utterances:
            if utterance.emotion not in self.labels:
                raise ValueError(
                    f"{utterance.utterance_id}: {utterance.emotion} is not among"
                    f" {', '.join(self.labels)}"
                )

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, part: slice) -> list[Utterance]:
        """Returns some of the utterances."""
        return self.utterances[part]

    @classmethod
    def of(cls, utterances: Iterable[Utterance]) -> "Manifest":
        """Returns a manifest whose set is `schemas.labels.inferred`; errors as of that."""
        utterances = list(utterances)
        return cls(
            utterances=utterances,
            labels=labels.inferred(utterance.emotion for utterance in utterances),
        )

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the domains, sorted."""
        return tuple(sorted({utterance.domain for utterance in self.utterances}))


def read(path: str | os.PathLike[str]) -> Manifest:
    """Returns a manifest as it was written, or any CSV with the columns of `REQUIRED`.

    Where there is no column `label_set`, the set is `schemas.labels.inferred`.

    Raises:
      UserError: The file, or a row of it, is not as it must be; names the line.
    """
    utterances: list[Utterance] = []
    lines: dict[str, int] = {}
    first: Row | None = None
    label_set: LabelSet | None = None
    for row in table.rows(path, required=REQUIRED, columns=KNOWN):
        if first is None:
            first, label_set = row, _label_set(row)
        elif row.get(LABEL_SET) != first.get(LABEL_SET):
            raise row.error(
                f"{LABEL_SET} is `{row.get(LABEL_SET)}`, but `{first.get(LABEL_SET)}` in line"
                f" {first.line}; a manifest has one set, the same in every row"
            )
        utterance = utterance_of(row)
        utterance = dataclasses.replace(utterance, emotion=_label(row, label_set))
        if earlier := lines.get(utterance.utterance_id):
            raise row.error(f"the same utterance as line {earlier}: {utterance.utterance_id}")
        lines[utterance.utterance_id] = row.line
        utterances.append(utterance)
    if not utterances:
        raise UserError(f"{path}: has no utterance")
    if label_set:
        return Manifest(utterances=utterances, labels=label_set)
    try:
        return Manifest.of(utterances)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def write(manifest: Manifest, path: str | os.PathLike[str]) -> None:
    """Writes a manifest, replacing `path` at once: nobody ever reads half of it."""
    label_set = {LABEL_SET: manifest.labels.to_text()}
    records = (dataclasses.asdict(utterance) | label_set for utterance in manifest.utterances)
    table.write_rows(records, COLUMNS, path)


def digest(manifest: Manifest) -> str:
    """Returns a SHA-256 over all that AudioExampleGen's output depends on, order and place not."""
    result = hashlib.sha256()
    for utterance in sorted(manifest.utterances, key=lambda utterance: utterance.utterance_id):
        values = [getattr(utterance, name) for name in _DIGESTED]
        # What is not given adds nothing: digests of the time before these columns stay.
        values += [utterance.channel] * bool(utterance.channel)
        values += [utterance.fold_partition] * (utterance.fold_partition >= 0)
        result.update(repr(values).encode())
    # The paper's set adds nothing: manifests of the time before label sets keep their digests,
    # and with them the results that are stored under those.
    if manifest.labels != labels.PAPER:
        result.update(manifest.labels.to_text().encode())
    return result.hexdigest()


def details_digest(manifest: Manifest) -> str:
    """Returns a SHA-256 over what audits look at beside what `digest` covers."""
    details = sorted(
        (clip.utterance_id, clip.licence, clip.sentence, clip.elicitation)
        for clip in manifest.utterances
    )
    return hashlib.sha256(repr(details).encode()).hexdigest()


def utterance_of(row: Row, *, channel: str | None = None, side: str = "") -> Utterance:
    """Returns the utterance of a row; its emotion is the row's own word, in lower case.

    Args:
      row: Of a label list or a manifest.
      channel: The channel that is heard; that of the row's column where it is left out.
      side: What tells this utterance from another one of the same row; empty if there is none.

    Raises:
      UserError: A value is missing or impossible.
    """
    path, domain = row.recording_path(), row.require("domain")
    if why := domains.problem(domain):
        raise row.error(f"domain `{domain}` cannot name a model: {why}")
    start_s, end_s = row.seconds("start_s"), row.seconds("end_s")
    if end_s is not None and end_s <= (start_s or 0):
        raise row.error(f"`end_s` {end_s:g} is not after `start_s` {start_s or 0:g}")
    return Utterance(
        utterance_id=_id(row, path, domain, start_s, end_s, side),
        path=path,
        domain=domain,
        speaker=row.require("speaker"),
        emotion=labels.word(row.require("emotion")),
        language=row.get("language"),
        gender=row.one_of("gender", GENDERS),
        elicitation=row.one_of("elicitation", ELICITATIONS),
        sentence=row.get("sentence"),
        licence=row.get("licence"),
        start_s=start_s,
        end_s=end_s,
        sample_rate_hz=row.whole_number("sample_rate_hz", default=0),
        duration_s=row.number("duration_s", default=0.0) or 0.0,
        sha256=row.get("sha256"),
        fold_random=row.fold("fold_random"),
        fold_speaker_independent=row.fold("fold_speaker_independent"),
        channel=row.channel() if channel is None else channel,
        partition=row.partition(),
        fold_partition=row.fold("fold_partition"),
    )


def _id(
    row: Row,
    path: str,
    domain: str,
    start_s: float | None,
    end_s: float | None,
    side: str,
) -> str:
    """Returns the utterance's id: its own, or one of its path, part and channel."""
    if own := row.get("utterance_id"):
        return f"{own}#{side}" if side else own
    # Rows of one recording may differ in nothing but their channel.
    told = side or row.get("channel").lower()
    heard = f"#{told}" if told else ""
    folder = _without_scheme(
        str(row.file.parent) if is_uri(str(row.file)) else os.path.abspath(row.file.parent)
    )
    place = _without_scheme(path)
    # Names that are the same in another Unicode form are the same name.
    stem = unicodedata.normalize("NFC", place.removeprefix(f"{folder.rstrip('/')}/").lstrip("/"))
    segment = [
        # Numbers as they stand there; other ways of writing a time by what they mean.
        text if re.fullmatch(r"[\d.]*", text := row.get(column)) else f"{round(value or 0, 6)}"
        for column, value in (("start_s", start_s), ("end_s", end_s))
    ]
    suffix = f"@{segment[0]}-{segment[1]}" if any(segment) else ""
    return f"{domain}/{PurePosixPath(stem).with_suffix('')}{suffix}{heard}".strip()


def _without_scheme(path: str) -> str:
    return path.partition("://")[2] if is_uri(path) else path


def _label_set(row: Row) -> LabelSet | None:
    """Returns the set that a row names; nothing where it names none."""
    if not (text := row.get(LABEL_SET)):
        return None
    try:
        return LabelSet.from_text(text)
    except UserError as error:
        raise row.error(f"{LABEL_SET} `{text}`: {error}") from None


def _label(row: Row, label_set: LabelSet | None) -> str:
    """Returns the label that a row's emotion stands for."""
    label = labels.canonical(row.require("emotion"))
    if label_set and label not in label_set:
        raise row.error(
            f"emotion `{row.get('emotion')}` is not in the manifest's set, its column {LABEL_SET}:"
            f" {', '.join(label_set)}; leave the row out, or index anew with another --emotions"
        )
    if not label_set and label not in labels.VOCABULARY:
        raise row.error(
            f"emotion `{row.get('emotion')}` is unknown; allowed without a column {LABEL_SET}:"
            f" {', '.join(labels.VOCABULARY)}, and usual spellings of them; a word of your own:"
            " name it with `ser corpora index --emotions`"
        )
    return label

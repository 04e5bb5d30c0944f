"""What became of every row of a manifest: used, skipped or quarantined, and why.

`ACCOUNT_CSV` has a row for each (`Outcome`), `ACCOUNT_JSON` their numbers, overall and by domain.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from schemas import table
from schemas.places import place
from schemas.utterance import Utterance

# Files of the artifact IngestAccount.
ACCOUNT_CSV = "account.csv"
ACCOUNT_JSON = "account.json"

USED, SKIPPED, QUARANTINED = "used", "skipped", "quarantined"
STATUSES = (USED, SKIPPED, QUARANTINED)

# Ends the reason of a recording that could not be read when its turn came.
AGAIN = "; the next run tries it again"

_MOST_NAMED = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one row of the manifest; one row of the account.

    Attributes:
      utterance_id, path, domain: As in the manifest.
      status: `used`, `skipped` or `quarantined`.
      reason: Why it was not used, or what of it was not; empty otherwise.
    """

    utterance_id: str
    path: str
    domain: str
    status: str
    reason: str = ""

    @property
    def passing(self) -> bool:
        """Whether the recording was not used for a reason that may be gone in the next run."""
        return self.status == QUARANTINED and self.reason.endswith(AGAIN)


COLUMNS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Outcome))


def csv_lines(outcomes: Iterable[Outcome]) -> str:
    """Returns outcomes as CSV without a header."""
    return "".join(table.line(dataclasses.astuple(outcome)) for outcome in outcomes)


def read_lines(path: str) -> list[Outcome]:
    """Reads a file that holds what `csv_lines` returned."""
    with tf.io.gfile.GFile(path, "r") as file:
        return _parse(table.line(COLUMNS) + file.read(), path)


def to_csv(outcomes: Sequence[Outcome]) -> str:
    """Returns the whole account as CSV with a header, by utterance id."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.utterance_id)
    return table.line(COLUMNS) + csv_lines(ordered)


def read(uri: str) -> list[Outcome]:
    """Reads the account in an artifact's folder."""
    path = f"{uri}/{ACCOUNT_CSV}"
    with tf.io.gfile.GFile(path, "r") as file:
        return _parse(file.read(), path)


def _parse(text: str, path: str) -> list[Outcome]:
    read = table.parse(text, place(path), required=COLUMNS)
    return [Outcome(**row.values) for row in read.rows()]


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Returns how many recordings were found, used, skipped and quarantined, also `by_domain`."""

    def counts(part: Sequence[Outcome]) -> dict[str, int]:
        number = Counter(outcome.status for outcome in part)
        return {"found": len(part)} | {status: number[status] for status in STATUSES}

    domains = sorted({outcome.domain for outcome in outcomes})
    by_domain = {
        domain: counts([outcome for outcome in outcomes if outcome.domain == domain])
        for domain in domains
    }
    return {**counts(outcomes), "by_domain": by_domain}


def check(utterances: Sequence[Utterance], outcomes: Sequence[Outcome]) -> None:
    """Checks that every row of the manifest is used, skipped or quarantined, exactly once.

    Raises:
      RuntimeError: It is not so.
    """
    found = Counter(utterance.utterance_id for utterance in utterances)
    accounted = Counter(outcome.utterance_id for outcome in outcomes if outcome.status in STATUSES)
    if found == accounted:
        return
    counts = Counter(outcome.status for outcome in outcomes)
    differing = sorted((found - accounted) + (accounted - found))
    raise RuntimeError(
        f"AudioExampleGen: the manifest has {found.total()} recordings, but used {counts[USED]}"
        f" + skipped {counts[SKIPPED]} + quarantined {counts[QUARANTINED]} accounts for"
        f" {accounted.total()}; differing: {', '.join(differing[:_MOST_NAMED])}."
        " This is a fault of the program: please report it."
    )

"""What a table is, and how its entries are written."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from corpora import readers
from pipeline.reports.study.inference import ALPHA, Comparison
from pipeline.reports.study.results import Series
from schemas.words import bare

Measure = Literal["uar", "gain", "ratio", "difference", "words"]
PROTOCOL_WORDS = {
    "speaker_independent": "speaker-independent folds",
    "random": "random folds (the paper's)",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A column.

    Attributes:
      key: What names it in rows and files.
      name: Its head.
      measure: What its numbers are.
      panel: Columns of a panel stand together, those of panel `""` in every panel.
      scenario, approach: What its numbers are of, where they are of one approach.
    """

    key: str
    name: str
    measure: Measure
    panel: str = ""
    scenario: str = ""
    approach: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A number of a table.

    Attributes:
      value: UAR, gain or ratio; NaN if a cell is missing.
      series: What it is computed from; `None` in the paper's rows and in averages.
      reference: What a gain is over, or a difference from.
      comparison: Comparison of `series` with `reference`, over folds.
      best: Whether it is the best of its row.
      words: Words instead of a number.
    """

    value: float = math.nan
    series: Series | None = None
    reference: Series | None = None
    comparison: Comparison | None = None
    best: bool = False
    words: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row.

    Attributes:
      name: Its head.
      kind: `own` (computed from cells), `paper`, `average` or `sd`.
      entries: Its numbers by the key of their column.
      target: Domain it is about; empty where it is about several.
      group: Rows of a group stand together.
      signed: Whether gains carry a sign. Standard deviations of gains are no gains.
    """

    name: str
    kind: Literal["own", "paper", "average", "sd"]
    entries: Mapping[str, Entry]
    target: str = ""
    group: str = ""
    signed: bool = True

    @property
    def full_name(self) -> str:
        """Its name with its group's."""
        return f"{self.group}, {self.name}" if self.group else self.name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table with all that must be said of it.

    Attributes:
      number: The paper's; 0 of a table that the paper does not have.
      slug: What names it in files and links.
      title, caption: What it shows, in words.
      protocol: Protocol of its folds; empty where it has none or several.
      facts: Protocol, folds, seeds and clips, in words.
      head: Head of the column of row names.
      columns, rows: What it holds.
      missing, planned: Numbers of cells.
      notes: Footnotes.
    """

    number: int
    slug: str
    title: str
    caption: str
    protocol: str
    facts: Sequence[str]
    head: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    missing: int = 0
    planned: int = 0
    notes: Sequence[str] = ()

    @property
    def panels(self) -> list[str]:
        """Names of the panels in order; one without a name where there are none."""
        return list(dict.fromkeys(column.panel for column in self.columns if column.panel)) or [""]

    def panel(self, name: str) -> list[Column]:
        """Returns the columns of a panel, with those that stand in every panel."""
        return [column for column in self.columns if column.panel in ("", name)]

    @property
    def marked(self) -> bool:
        """Whether a number carries a mark of significance."""
        return any(marks(entry) for row in self.rows for entry in row.entries.values())


def display(domain: str) -> str:
    """Returns a corpus' usual spelling; other names stay as they are."""
    return readers.display(domain)


def shown(row: Row, column: Column) -> str:
    """Returns a number or words of a row, without marks."""
    entry = row.entries[column.key]
    sign = row.signed and column.measure in ("gain", "difference")
    if column.measure == "ratio" and math.isfinite(entry.value):
        return f"{entry.value:.2f}"
    return entry.words or bare(entry.value, sign=sign)


def marks(entry: Entry) -> str:
    """Returns `*` for the paper's test and `†` for the corrected one with Holm's correction."""
    if entry.comparison is None:
        return ""
    return "*" * (entry.comparison.p_paired <= ALPHA) + "†" * (entry.comparison.p_holm <= ALPHA)


MARKS_LEGEND = (
    f"* p ≤ {ALPHA:.2f} in the paper's paired t-test over folds, which overstates (folds share"
    f" training clips); † p ≤ {ALPHA:.2f} in the Nadeau–Bengio corrected test after Holm's"
    " correction over the comparisons of the row. Two-sided: a mark at a loss says it is a loss."
)

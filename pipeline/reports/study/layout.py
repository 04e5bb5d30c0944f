"""What a table is, and how its entries are written."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from corpora import readers
from pipeline.reports.study.inference import ALPHA, Comparison
from pipeline.reports.study.results import Series

NOTHING = "–"
Measure = Literal["uar", "gain", "difference", "words"]
PROTOCOL_WORDS = {
    "speaker_independent": "speaker-independent folds",
    "random": "random folds (the paper's)",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A column; those of a `panel` stand together, those of panel `""` in every panel."""

    key: str
    name: str
    measure: Measure
    panel: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A number of a table.

    Attributes:
      value: UAR or gain; NaN if a cell is missing.
      series: what it is computed from; none in the paper's rows and in averages.
      reference: what a gain is over, or a difference from.
      comparison: of `series` with `reference`, over folds.
      best: whether it is the best of its row.
      words: instead of a number.
    """

    value: float = math.nan
    series: Series | None = None
    reference: Series | None = None
    comparison: Comparison | None = None
    best: bool = False
    words: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row: `kind` is `own` (computed from cells), `paper`, `average` or `sd`."""

    name: str
    kind: Literal["own", "paper", "average", "sd"]
    entries: Mapping[str, Entry]
    target: str = ""
    # Rows of a group stand together.
    group: str = ""
    # Standard deviations of gains are no gains: without a sign.
    signed: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table with all that must be said of it.

    Attributes:
      slug: names it in files and links. title, caption: in words.
      protocol: of its folds; empty where it has none.
      facts: protocol, folds, seeds and clips, in words.
      head: of the column of row names.
      missing, planned: numbers of cells.
      notes: footnotes.
    """

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


def number(value: float, measure: Measure) -> str:
    """Formats a number as the paper does, without the zero before the point.

    >>> number(0.6142, "uar"), number(-0.0954, "gain"), number(0.04, "difference")
    ('.614', '−.095', '+.040')
    >>> number(float("nan"), "uar")
    '–'
    """
    if not math.isfinite(value):
        return NOTHING
    text = f"{value:+.3f}" if measure in ("gain", "difference") else f"{value:.3f}"
    if text == "-0.000":
        text = "+0.000"
    return text.replace("0.", ".", 1).replace("-", "−") if abs(value) < 0.9995 else text


def shown(row: Row, column: Column) -> str:
    """Returns a number or words of a row, without marks."""
    entry = row.entries[column.key]
    return entry.words or number(entry.value, column.measure if row.signed else "uar")


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

"""What the tables of the subcommands share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def narrow_table(title: str, left: Sequence[str], right: Sequence[str]) -> "Table":
    """Returns an empty table without lines between its columns, for many of them.

    Args:
      title: What stands above it.
      left: The names of columns of words.
      right: The names of columns of numbers, after those.
    """
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in left:
        table.add_column(column, overflow="fold")
    for column in right:
        table.add_column(column, justify="right", overflow="fold")
    return table


def speakers(known: int, unknown: int) -> str:
    """Returns the number of speakers of a domain in words; `unknown` clips name none.

    >>> speakers(10, 0), speakers(3, 2), speakers(0, 7)
    ('10', '3 + unknown', 'unknown')
    """
    return " + ".join([str(known)] * bool(known) + ["unknown"] * bool(unknown))

"""Columns of tables, the names that are taken for them, and those that are too near to ignore."""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from schemas.errors import UserError

# How alike (difflib's ratio) a name may be to a column's before it counts as misspelled.
_NEAR = 0.8


@dataclasses.dataclass(frozen=True)
class Columns:
    """What the columns of a table may be called.

    Attributes:
      names: Column to other names that are taken for it; case, spaces and hyphens do not count.
      refused: Name that could be meant for several columns, or in another unit, to what to write.
      unlike: Names that look like a column's and mean something else.
    """

    names: Mapping[str, tuple[str, ...]]
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unlike: frozenset[str] = frozenset()

    def known(self, header: Iterable[str]) -> int:
        """Returns how many names of a header mean something."""
        return sum(self._meaning(name) != "" for name in header)

    def lacking(self, header: Iterable[str], required: Iterable[str]) -> list[str]:
        """Returns the required columns that a header has under no name."""
        found = {self._meaning(name) for name in header}
        return [name for name in required if name not in found]

    def resolve(self, header: Sequence[str]) -> tuple[str, ...]:
        """Returns the columns that the names of a header stand for, or the names themselves.

        Raises:
          UserError: A column is there twice, two names could be one column, or a name is nearly
            that of a column.
        """
        own = {self._key(name): name for name in header}
        for key, name in own.items():
            if key and [self._key(each) for each in header].count(key) > 1:
                raise UserError(f"the column {name} is there twice; keep one of them")
        result = []
        taken: dict[str, str] = {}
        for name in header:
            meaning = self._meaning(name)
            if meaning and self._key(name) != meaning and meaning in own:
                meaning = ""  # The column itself is there too, and this is another one.
            if meaning and meaning in taken:
                raise UserError(
                    f"the columns {taken[meaning]} and {name} could both be {meaning}; rename the"
                    f" right one to {meaning}"
                )
            if meaning:
                taken[meaning] = name
            result.append(meaning or name)
        for name in result:
            if name not in self.names:
                self._check_far(name, result)
        return tuple(result)

    def _check_far(self, name: str, there: Sequence[str]) -> None:
        """Raises UserError where a name that means nothing is nearly that of a column."""
        key = self._key(name)
        if key in self.refused:
            raise UserError(f"the column {name} is not known: {self.refused[key]}")
        if key in self.unlike:
            return
        absent = [column for column in self.names if column not in there]
        if near := difflib.get_close_matches(key, absent, n=1, cutoff=_NEAR):
            raise UserError(
                f"the column {name} is not known; rename it to {near[0]} if it is that, or remove"
                " it"
            )

    def _meaning(self, name: str) -> str:
        key = self._key(name)
        if key in self.names:
            return key
        return next((column for column, near in self.names.items() if key in near), "")

    @staticmethod
    def _key(name: str) -> str:
        return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")

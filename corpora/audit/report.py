"""What an audit found, for people and for programs."""

import csv
import dataclasses
import json
import os
import textwrap
from collections.abc import Iterator

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)

SHOWN_EXAMPLES = 3
_WIDTH = 100
# Checks without which nobody can say that a measurement is honest.
_DECISIVE = frozenset({"speakers-across-folds", "label-conflict", "class-missing-in-fold"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """One case of a finding.

    Attributes:
      utterance_ids: The clips that it concerns.
      text: The case in words.
    """

    utterance_ids: tuple[str, ...]
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that an audit found.

    Attributes:
      check: The stable name of what was checked, see docs/audit.md.
      severity: `error` (breaks an honest measurement), `warning` (weakens it), `note`.
      domains: That it concerns, sorted.
      message: A sentence with counts.
      advice: What to do.
      examples: All cases, of which the text shows a few.
    """

    check: str
    severity: str
    domains: tuple[str, ...]
    message: str
    advice: str = ""
    examples: tuple[Example, ...] = ()

    def lines(self, *, shown: int = SHOWN_EXAMPLES) -> list[str]:
        """Returns the finding as lines of text, with the first `shown` examples."""
        lines = [f"  {', '.join(self.domains)}: {self.check}"]
        lines += _wrap(self.message, "    ")
        for example in self.examples[:shown]:
            lines += _wrap(f"· {example.text}", "      ", hanging="  ")
        if more := len(self.examples) - shown:
            lines += [f"      · and {more:,} more (--json)"] if more > 0 else []
        if self.advice:
            lines += _wrap(f"→ {self.advice}", "    ", hanging="  ")
        return lines


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exclusion:
    """An utterance to leave out, and why."""

    utterance_id: str
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Audit:
    """The result of an audit.

    Attributes:
      protocol: Under which it was judged.
      test_fold: The only one tested on; `None`: each in turn.
      clips: The number of all, `heard` of which could be decoded; the rest is `unreadable`.
      unread: The ids of those that could not be read at that moment.
      findings: Errors first.
      not_run: Checks which could not be made, and why.
      inferred: What was taken from the files because a list lacks it, in words.
      exclusions: The utterances without which no audio occurs twice, and no clip is unusable.
    """

    protocol: str
    test_fold: str | None
    clips: int
    heard: int
    unreadable: int
    domains: tuple[str, ...]
    findings: tuple[Finding, ...]
    not_run: tuple[tuple[str, str], ...] = ()
    inferred: str = ""
    unread: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that break an honest measurement."""
        return self.of(ERROR)

    def of(self, severity: str) -> tuple[Finding, ...]:
        """Returns the findings of a severity."""
        return tuple(finding for finding in self.findings if finding.severity == severity)

    def verdict(self) -> str:
        """Returns one line: whether what is measured on these folds can be trusted."""
        folds = f"test fold {self.test_fold}" if self.test_fold is not None else "every fold tested"
        counted = ", ".join(_count(len(self.of(severity)), severity) for severity in SEVERITIES)
        if self.errors:
            told = "do not trust what is measured on these folds"
        elif self.of(WARNING):
            told = "an honest measurement, with reservations"
        else:
            told = "an honest measurement"
        unjudged = list(dict.fromkeys(check for check, _ in self.not_run))
        if unjudged and not self.errors:
            if _DECISIVE & set(unjudged):
                told = "nothing wrong was found in the rest, which is no proof of honesty"
            told = f"not judged: {', '.join(unjudged)}; {told}"
        return f"{told} ({counted}; protocol {self.protocol}, {folds})"

    def lines(self) -> list[str]:
        """Returns the whole audit as lines of plain text, the verdict last."""
        lines = []
        for severity in SEVERITIES:
            if found := self.of(severity):
                lines.append(f"{severity}s")
                for finding in found:
                    lines += [*finding.lines(), ""]
        if self.not_run:
            lines.append("not checked")
            for check, reason in self.not_run:
                lines += _wrap(f"{check}: {reason}", "  ", hanging="  ")
            lines.append("")
        if self.inferred:
            lines += [*_wrap(self.inferred, ""), ""]
        unreadable = f", {self.unreadable:,} unreadable" if self.unreadable else ""
        lines.append(
            f"{_count(self.clips, 'clip')} of {_count(len(self.domains), 'domain')}:"
            f" {self.heard:,} heard{unreadable}"
        )
        return [*lines, self.verdict()]

    def to_json(self) -> str:
        """Returns everything, all examples included, as JSON text."""
        record = dataclasses.asdict(self) | {
            "verdict": self.verdict(),
            "errors": len(self.errors),
            "warnings": len(self.of(WARNING)),
            "notes": len(self.of(NOTE)),
            "not_run": [{"check": check, "reason": reason} for check, reason in self.not_run],
        }
        return json.dumps(record, indent=2, ensure_ascii=False) + "\n"

    def write_exclusions(self, path: str | os.PathLike[str]) -> None:
        """Writes the exclusions as the CSV that `ser corpora index --exclude` reads."""
        columns = [field.name for field in dataclasses.fields(Exclusion)]
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(dataclasses.asdict(exclusion) for exclusion in self.exclusions)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _wrap(text: str, indent: str, *, hanging: str = "") -> Iterator[str]:
    # Names of recordings are never broken: they are there to be copied.
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )

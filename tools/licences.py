"""Licences of the locked packages: a table, and what the default install must not have.

  python tools/licences.py            the table by licence, and what is wrong
  python tools/licences.py --packages every package in a line

Reads what the installed packages say of themselves (License-Expression, else their classifiers,
else License). What a wheel carries besides its own code no metadata tells: docs/licences.md.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_LOCKS = ("requirements.lock", "kubeflow/requirements.lock")

# The first that matches names the licence of one alternative; the most restrictive come first.
KINDS = (
    ("AGPL", r"\bAGPL|Affero"),
    ("LGPL", r"\bLGPL|Lesser General Public"),
    ("GPL", r"\bGPL|General Public License"),
    ("non-commercial", r"non-?commercial|\bCC-BY-NC|research (use )?only|proprietary"),
    ("MPL-2.0", r"\bMPL|Mozilla"),
    ("Apache-2.0", r"Apache"),
    ("BSD", r"\bBSD"),
    ("MIT", r"\bMIT\b"),
    ("ISC", r"\bISC\b"),
    ("PSF", r"\bPSF|Python Software Foundation"),
    ("CNRI-Python", r"CNRI"),
)
FORBIDDEN = frozenset({"AGPL", "GPL", "non-commercial"})
# Packages that say nothing, or not enough, by what their sources say.
STATED = {
    "espeakng-loader": "GPL-3.0-or-later",  # MIT itself, around espeak-ng
    "namex": "Apache-2.0",
}
UNKNOWN = "unknown"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def names(lock: Path) -> set[str]:
    """Returns the normalised names of the packages that a lock file pins."""
    return {normalised(name) for name in _PIN.findall(lock.read_text(encoding="utf-8"))}


def normalised(name: str) -> str:
    """Returns a package's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def kinds(text: str) -> set[str]:
    """Returns the kinds of licence in an expression; of a choice (`OR`), its mildest part's."""
    choices = [
        {_kind(part) for part in re.split(r"\s+AND\s+", choice)}
        for choice in re.split(r"\s+OR\s+|\s+or\s+(?=[A-Z])", text.replace("-or-later", "+"))
    ]
    return min(choices, key=lambda choice: (bool(choice & FORBIDDEN), UNKNOWN in choice))


def _kind(text: str) -> str:
    return next((kind for kind, like in KINDS if re.search(like, text, re.IGNORECASE)), UNKNOWN)


def stated(about: metadata.PackageMetadata) -> str:
    """Returns what a package's metadata say of its licence; empty if nothing."""
    if "License-Expression" in about:
        return about["License-Expression"]
    classifiers = [
        str(line).rpartition("::")[2].strip()
        for line in about.get_all("Classifier") or []
        if str(line).startswith("License ::")
    ]
    named = [line for line in classifiers if line != "OSI Approved"]
    if named:  # of several nothing says whether they are a choice
        return " AND ".join(named)
    text = "".join(about.get_all("License") or [])
    return "".join(text.strip().splitlines()[:1])


def installed() -> dict[str, str]:
    """Returns the licence that each installed package states, by normalised name."""
    found = {normalised(d.metadata["Name"]): stated(d.metadata) for d in metadata.distributions()}
    return {name: STATED.get(name) or text for name, text in found.items()}


def faults(locked: set[str], licences: Mapping[str, str]) -> Iterator[str]:
    """Yields a sentence for each locked package that the default install must not have."""
    for name in sorted(locked & licences.keys()):
        found = kinds(licences[name])
        if banned := sorted(found & FORBIDDEN):
            yield (
                f"{name}: {licences[name]} ({', '.join(banned)}); the default install must do"
                " without it: replace it, or make it an extra that says so (setup.py)"
            )
        elif UNKNOWN in found:
            yield (
                f"{name}: licence {licences[name] or 'not stated'}: look it up, and write it into"
                " STATED or KINDS of tools/licences.py"
            )


def main() -> int:
    """Prints the table; 1 if a package of the default install has a licence that it must not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", action="store_true", help="every package in a line")
    args = parser.parse_args()
    licences = installed()
    locked = set().union(*(names(ROOT / lock) for lock in DEFAULT_LOCKS))
    by_kind: dict[str, list[str]] = {}
    for name in sorted(locked & licences.keys()):
        by_kind.setdefault(" and ".join(sorted(kinds(licences[name]))), []).append(name)
        if args.packages:
            print(f"{name}: {licences[name]}")
    for kind, packages in sorted(by_kind.items(), key=lambda item: -len(item[1])):
        few = f": {', '.join(packages)}" if len(packages) < 10 else ""
        print(f"{kind:24} {len(packages):4}{few}")
    if absent := sorted(locked - licences.keys()):
        print(f"not installed here, not judged: {', '.join(absent)}")
    wrong = list(faults(locked, licences))
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

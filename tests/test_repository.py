"""What the repository holds besides code: sizes, links and commands that its pages show."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cli.main import build_parser

ROOT = Path(__file__).parent.parent
LARGEST_BYTES = 300_000
# Larger, and nothing that anybody edits: the lock file, and the cells of the committed studies.
MAY_BE_LARGER = {
    "requirements.lock",
    "kubeflow/requirements.lock",
    "docs/results/transfer-study/cells.tar.xz",
    "docs/results/transfer-study/whisper/one-seed/cells.tar.xz",
}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# A heading's anchor or another site is not looked at: `make docs` checks those of the site.
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_COMMANDS = re.compile(r"```(?:sh|bash|console)\n(.*?)```", re.DOTALL)


def _tracked():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if (ROOT / name).is_file()]


def test_no_file_is_large():
    large = {name for name in _tracked() if (ROOT / name).stat().st_size > LARGEST_BYTES}
    assert large <= MAY_BE_LARGER


def _commands(page):
    """Returns the `ser` commands that a page shows, as words."""
    for block in _COMMANDS.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["ser"]:
                yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_commands_parse(page):
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
    parser = build_parser()
    for words in _commands(page):
        if "…" not in words:
            parser.parse_args(words)  # exits where a command or an option does not exist


def test_the_pages_show_commands():
    assert sum(len(list(_commands(page))) for page in PAGES) > 20

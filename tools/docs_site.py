"""What MkDocs does not do by itself: reference pages, registries' tables, links to sources.

MkDocs calls the functions that begin with `on_`.
"""

import os
import re
from pathlib import Path
from typing import Any

from docs_tables import TABLES
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGES = ("cli", "pipeline", "components", "corpora", "modules", "schemas", "serving")
# Pages whose text lies at the root, where forges look for it.
AT_ROOT = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
_TABLE = re.compile(r"^<!-- table: ([a-z_]+) -->$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the reference to the navigation, a page for each folder that holds modules."""
    nav: list[Any] = config.nav or []
    rooms = {
        package: [{_dotted(room): _reference(room)} for room in _rooms(package)]
        for package in PACKAGES
    }
    return _with_nav(config, [*nav, {"API reference": [{k: v} for k, v in rooms.items()]}])


def _with_nav(config: MkDocsConfig, nav: list[Any]) -> MkDocsConfig:
    config.nav = nav
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are not files of `docs/`."""
    for package in PACKAGES:
        for room in _rooms(package):
            text = [f"# {_dotted(room)}"]
            for module in _modules(room):
                text.append(f"::: {_dotted(module)}")
            files.append(File.generated(config, _reference(room), content="\n\n".join(text) + "\n"))
    for page, source in AT_ROOT.items():
        text = [(ROOT / source).read_text(encoding="utf-8")]
        files.append(File.generated(config, page, content=text[0]))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fills in tables, and turns links to files outside `docs/` into what the site has of them."""
    at_root = page.file.src_uri in AT_ROOT
    folder = ROOT if at_root else (DOCS / page.file.src_uri).parent

    def relinked(match: re.Match[str]) -> str:
        text, target = match.groups()
        if ":" in target or target.startswith("#"):
            return match[0]
        path, _, anchor = target.partition("#")
        file = Path(os.path.normpath(folder / path))
        if not file.exists():
            return match[0]  # MkDocs tells
        if file.is_relative_to(DOCS):
            uri = file.relative_to(DOCS).as_posix()
        elif file.suffix == ".py" and (room := file.parent) and _is_shipped(room):
            uri, anchor = _reference(room), _dotted(file)
        elif file.name in AT_ROOT.values():
            uri = next(uri for uri, name in AT_ROOT.items() if name == file.name)
        else:
            return text
        relative = os.path.relpath(uri, Path(page.file.src_uri).parent)
        return f"[{text}]({relative}{'#' if anchor else ''}{anchor})"

    return _TABLE.sub(_filled, _LINK.sub(relinked, markdown))


def _filled(match: re.Match[str]) -> str:
    if match[1] not in TABLES:
        raise PluginError(f"no table {match[1]}; there are {', '.join(TABLES)}")
    return TABLES[match[1]]()


def _is_shipped(folder: Path) -> bool:
    return (
        folder.is_relative_to(ROOT)
        and folder.relative_to(ROOT).parts[:1] != ()
        and (folder.relative_to(ROOT).parts[0] in PACKAGES)
    )


def _rooms(package: str) -> list[Path]:
    """Returns the folders of a package that hold modules of its own, itself first."""
    inits = sorted((ROOT / package).rglob("__init__.py"))
    return [init.parent for init in inits if _modules(init.parent)]


def _modules(room: Path) -> list[Path]:
    """Returns the files of a folder that have something to tell."""
    return [file for file in sorted(room.glob("*.py")) if file.read_text(encoding="utf-8").strip()]


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _reference(room: Path) -> str:
    return f"reference/{_dotted(room)}.md"

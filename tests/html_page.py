"""Reads the pages that reports write."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """A parsed page: its elements, ids, text, and tables as lists of rows of cell texts.

    Fails on what is not closed and on ids that occur twice.
    """

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: set[str] = set()
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(text)
        self.close()
        assert not self.open, f"unclosed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if "id" in attributes:
            assert attributes["id"] not in self.ids, f"twice: {attributes['id']}"
            self.ids.add(attributes["id"])
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.pieces.append(data)
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]

    def rows(self, *first: str) -> list[list[str]]:
        """Returns the rows of all tables that start with `first`, white space collapsed."""
        rows = [[" ".join(cell.split()) for cell in row] for table in self.tables for row in table]
        return [row for row in rows if row[: len(first)] == list(first)]

    def images(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "img"]

    def fetches_nothing(self) -> bool:
        """Whether all that the page shows is in the page."""
        return all(
            tag not in ("script", "link", "iframe", "object")
            and all(
                (attributes.get(name) or "#").startswith(("data:image/", "#"))
                for name in ("src", "href", "srcset", "data")
            )
            for tag, attributes in self.elements
        )

"""The page's files and the list of models, for the embedded server's REST port."""

import json
from pathlib import Path
from typing import Any

import tornado.web

from serving.embedded.store import ModelStore

FOLDER = Path(__file__).parent / "page"
# Nothing but the page's own files and what it asks this server.
_POLICY = (
    "default-src 'self'; img-src data:; media-src 'self' blob:; frame-ancestors 'none';"
    " base-uri 'none'"
)


def handlers(store: ModelStore) -> list[Any]:
    """Returns what answers for the page, as Tornado takes it.

    Args:
      store: The models that the page offers.
    """
    given = {"path": str(FOLDER), "default_filename": "index.html"}
    return [("/models.json", _Models, {"store": store}), ("/(.*)", _Files, given)]


class _Files(tornado.web.StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        """Called by Tornado before it writes a file."""
        del path
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        # A newer server may bring another page.
        self.set_header("Cache-Control", "no-cache")


class _Models(tornado.web.RequestHandler):
    def initialize(self, store: ModelStore) -> None:
        self.store = store

    def get(self) -> None:
        """Answers with the names of the models that are loaded."""
        loaded = sorted(name for name, versions in self.store.loaded().items() if versions)
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(loaded))

"""A real browser for tests: Chromium without a window, over its DevTools protocol."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
_START_S, _TIMEOUT_S = 60.0, 120.0


class Browser:
    """One page of a browser."""

    def __init__(self, address: str):
        self._socket = websocket.create_connection(
            address, timeout=_TIMEOUT_S, suppress_origin=True
        )
        self._numbers = itertools.count(1)
        for domain in ("Page", "Runtime", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> Any:
        """Returns what a method of the protocol returns."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": arguments}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") == number:
                assert "error" not in told, told["error"]
                return told["result"]

    def open(self, address: str) -> None:
        """Loads a page."""
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """Returns the value of an expression of JavaScript."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Waits until an expression is true."""
        end_s = time.monotonic() + _TIMEOUT_S
        while not self.value(expression):
            assert time.monotonic() < end_s, (expression, self.value("document.body.innerText"))
            time.sleep(0.1)

    def choose(self, selector: str, file: Path) -> None:
        """Chooses a file for an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def screenshot(self, file: Path) -> None:
        """Writes the whole page as a PNG."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(taken["data"]))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """Starts a browser that leaves its files in a folder."""
    process = subprocess.Popen(
        [
            PROGRAM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"),
            *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
            *(f"--user-data-dir={folder}", "--window-size=1100,1200", "about:blank"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = folder / "DevToolsActivePort"
        end_s = time.monotonic() + _START_S
        while not told.exists() or not told.read_text():
            assert process.poll() is None, "the browser ended"
            assert time.monotonic() < end_s
            time.sleep(0.1)
        port = told.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            [page] = [each for each in json.load(answer) if each["type"] == "page"]
        yield Browser(page["webSocketDebuggerUrl"])
    finally:
        process.terminate()
        process.wait()

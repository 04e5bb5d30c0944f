"""`ser serve` and `ser ui`: what they announce, what answers, and how they stop."""

import contextlib
import signal
import subprocess
import sys
import threading

import pytest
import requests
from tiny_models import export_tiny, make_network, speech_like, wav

from cli.main import main
from schemas.labels import PAPER_EMOTIONS
from serving.client.client import Client

pytestmark = pytest.mark.component

# Started in a shell's background, the tests ignore the signal, and what they start would, too.
_PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " from cli.main import main; sys.exit(main())"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    for model, version, favourite in (("emodb", 7, "sadness"), ("calls", 1, "fear")):
        network = make_network(favourite=PAPER_EMOTIONS.index(favourite))
        export_tiny(network, root / model / str(version), domain="emodb")
    return root


@contextlib.contextmanager
def _running(last, *arguments):
    """Runs a command, and gives the process and the lines up to one that holds `last`."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        killer = threading.Timer(120, process.kill)
        killer.start()
        try:
            lines = []
            for line in process.stdout:
                lines.append(line.strip())
                if last in line:
                    break
            yield process, lines
        finally:
            killer.cancel()
            process.kill()


def test_serve_announces_its_models_answers_and_stops(root, tmp_path):
    recording = tmp_path / "a.wav"
    recording.write_bytes(wav(speech_like(0.5)))
    arguments = ("serve", "--root", str(root), "--port", "0")
    with _running("listening on ", *arguments) as (process, lines):
        assert lines[:2] == ["calls: version 1", "emodb: version 7"]
        with Client(lines[-1].split()[2], timeout_s=60) as client:
            assert client.predict_file(recording, model="emodb").emotion == "sadness"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_ui_announces_its_page_shows_it_and_stops(root):
    arguments = ("ui", "--root", str(root), "--port", "0", "--no-browser")
    with _running(" is the page", *arguments) as (process, lines):
        address = lines[-1].split()[0]
        page = requests.get(address, timeout=60)
        assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
        assert "<select" in page.text
        process.terminate()
        assert process.wait() == 0


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "http"]])
@pytest.mark.parametrize("command", ["serve", "ui"])
def test_impossible_ports(command, arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, *arguments])
    assert caught.value.code == 2
    assert "port" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "ui"])
def test_without_a_folder(command, tmp_path, capsys):
    assert main([command, "--root", str(tmp_path / "absent"), "--port", "0"]) == 2
    assert "no such serving folder" in capsys.readouterr().err

"""The page for browsers, driven in a real one."""

import browser
import numpy as np
import pytest
import soundfile
from tiny_models import EMODB, export_tiny, make_network, speech_like

from serving.client.client import Client
from serving.embedded.server import Server

pytestmark = [
    pytest.mark.component,
    pytest.mark.skipif(not browser.PROGRAM, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    export_tiny(make_network(), root / "emodb" / "1", domain="emodb")
    export_tiny(make_network(favourite=2), root / "calls" / "1")
    with Server(root, poll_s=None, rest_port=0, web=True) as server:
        yield server


@pytest.fixture(scope="module")
def page(server, tmp_path_factory):
    with browser.running(tmp_path_factory.mktemp("browser")) as page:
        page.open(f"http://127.0.0.1:{server.rest_port}/")
        page.wait("!document.getElementById('model').disabled")
        yield page


def _ask(page, file, *, channel="0"):
    page.value(f"document.getElementById('channel').value = '{channel}'; null")
    page.value("document.getElementById('state').textContent = ''; null")
    page.choose("#file", file)
    page.wait(
        f"document.getElementById('state').textContent.match(/^{file.stem}.*[.:] ?/) !== null"
        " && !document.getElementById('state').textContent.endsWith('…')"
    )


def _text(page, selector):
    return page.value(f"document.querySelector('{selector}').innerText")


def _drawn(page, canvas):
    """Returns how many colours a canvas shows."""
    return page.value(
        f"(() => {{ const c = document.getElementById('{canvas}');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " const found = new Set(); for (let i = 0; i < d.length; i += 4)"
        " found.add(d[i] * 65536 + d[i + 1] * 256 + d[i + 2]); return found.size; })()"
    )


def test_models_are_offered(page):
    options = page.value("[...document.querySelectorAll('#model option')].map((o) => o.value)")
    assert options == ["calls", "emodb"]


def test_a_file_is_answered_as_the_client_is(page, server, tmp_path):
    file = tmp_path / "speech.wav"
    # At the rate at which the page decodes, so that the browser does not resample.
    soundfile.write(file, speech_like(5.0, 48_000, seed=3), 48_000, subtype="PCM_16")
    page.value("document.getElementById('model').value = 'emodb'; null")
    _ask(page, file)
    assert _text(page, "#state") == "speech.wav, answered by emodb."
    with Client(server.address) as client:
        answer = client.predict_file(file, model="emodb")
    assert _text(page, "#emotion") == answer.emotion
    rows = page.value(
        "[...document.querySelectorAll('#probabilities tr')].map((r) => r.innerText.split('\\t'))"
    )
    shown = {row[0].strip(): float(row[-1]) for row in rows}
    assert set(shown) == {*EMODB, "surprise"}
    for label, probability in answer.probabilities.items():
        assert shown[label] == pytest.approx(probability, abs=2e-3)
    windows = page.value(
        "[...document.querySelectorAll('#windows tbody tr')].map((r) => r.cells[0].textContent)"
    )
    # 4 s each, every 2 s, the last one at the end.
    assert windows == ["0.0 s", "1.0 s"]
    assert _drawn(page, "timeline") > 5
    assert _drawn(page, "spectrogram") > 50


def test_a_silent_first_channel_is_an_error_and_the_second_is_heard(page, tmp_path):
    file = tmp_path / "stereo.wav"
    sound = speech_like(1.0, 48_000)
    soundfile.write(file, np.stack([np.zeros_like(sound), sound], axis=1), 48_000)
    _ask(page, file)
    assert "this channel is silent, and another one is not" in _text(page, "#state")
    assert page.value("document.getElementById('answer').hidden")
    _ask(page, file, channel="1")
    assert not page.value("document.getElementById('answer').hidden")


def test_what_is_no_recording_is_told(page, tmp_path):
    file = tmp_path / "notes.wav"
    file.write_text("not sound at all")
    _ask(page, file)
    assert "this browser cannot decode it" in _text(page, "#state")


def test_what_is_recorded_is_answered(page):
    page.value("document.getElementById('channel').value = '0'; null")
    page.value("document.getElementById('record').click()")
    page.wait("document.getElementById('record').textContent === 'Stop'")
    # The browser's own test tone beeps once a second.
    page.value("new Promise((done) => setTimeout(done, 2500))")
    page.value("document.getElementById('record').click()")
    page.wait(
        "document.getElementById('state').textContent.startsWith('what you recorded, answered')"
    )
    assert page.value("document.getElementById('player').src").startswith("blob:")

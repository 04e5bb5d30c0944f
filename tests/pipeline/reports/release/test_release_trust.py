"""Calibration and unsure answers on the page, by hand; each test has one model's clips."""

import dataclasses

import fabricated_run
import numpy as np
import pytest
from fabricated_run import run, training, with_model

from components.adaptation_gate.comparison import Comparison, Measured
from modules.trust.answers import Answers
from modules.trust.calibration import Reliability
from modules.trust.record import Calibration, Trust
from pipeline.reports.release.results import domain_slice
from pipeline.reports.release.trust import reliability_plot

# Nine right of ten that were said to be so with 0.6, and 0.9 after calibration.
_LABELS = np.array([0] * 9 + [1])
_CALIBRATION = Calibration(temperature=0.5, clips=300, speakers=8)


def _said(probability: float) -> Reliability:
    return Reliability.of(np.full((10, 2), [probability, 1 - probability]), _LABELS)


def _answers(unsure=(0, 0, 0, 0, 0)) -> Answers:
    return Answers(served=_said(0.9), uncalibrated=_said(0.6), unsure=np.array(unsure))


def _measured(name: str, index: int, answers: Answers, **changes):
    results = run()
    key = domain_slice(name)
    found = results.models[index].slices
    own = dataclasses.replace(found[key], answers=answers, clips=10)
    return with_model(results, index, slices={**found, key: own}, **changes)


def _article(results, index: int, *, drawn: bool = False) -> str:
    text = fabricated_run.text(results, drawn=drawn)
    start = text.index(f'id="model-{index}"')
    return text[start : text.find("<article", start)]


def test_figures_before_and_after():
    page = fabricated_run.page(_measured("emodb", 1, _answers()))
    assert page.rows("expected calibration error (ECE)") == [
        ["expected calibration error (ECE)", "0.300", "0.000"]
    ]
    # (9 * 2 * .4² + 2 * .6²) / 10, and (9 * 2 * .1² + 2 * .9²) / 10.
    assert page.rows("Brier score") == [["Brier score", "0.360", "0.180"]]
    assert "None of 10 answers was unsure. Probabilities are as the network gives them" in page.text


def test_reasons_and_temperature():
    record = training("emodb", trust=Trust(calibration=_CALIBRATION))
    results = _measured("emodb", 1, _answers((1, 0, 0, 0, 2)), training=record)
    text = fabricated_run.page(results).text
    assert "3 of 10 answers (30.0%) were unsure: silence 1 and unlike_training 2." in text
    assert "Temperature 0.50, fitted on 300 clips of 8 speakers of the training folds" in text


def test_in_place_of_a_domain_the_multi_domain_network_has_the_domains_temperature():
    own = dataclasses.replace(_CALIBRATION, temperature=1.25)
    base = Trust(calibration=_CALIBRATION, domains={"emodb": own})
    pretraining = training("pretrain", trust=base)
    measured = Measured(uar=0.5, members=(0.5,))
    compared = Comparison(
        domain="emodb",
        served="multi-domain",
        adapted=measured,
        multi_domain=measured,
        difference=0.0,
        low=0.0,
        high=0.0,
        resampled="speakers",
        clips=74,
        speakers=5,
    )
    results = _measured("emodb", 1, _answers(), pretraining=pretraining, comparison=compared)
    assert "Temperature 1.25, fitted on" in fabricated_run.page(results).text


@pytest.mark.parametrize("name", ["emodb", "emovo"])
def test_only_models_that_were_measured_show_it(name):
    results = _measured(name, {"emodb": 1, "emovo": 2}[name], _answers())
    shown = [
        index for index in range(3) if "How far its answers" in _article(results, index, drawn=True)
    ]
    assert shown == [{"emodb": 1, "emovo": 2}[name]]


def test_plot_tells_in_words_what_it_shows():
    picture = reliability_plot(_answers(), "emodb")
    assert picture.uri.startswith("data:image/svg+xml;base64,")
    # Fifteen bins: 0.9 lies in the fourteenth, whose lower end is 13/15.
    assert picture.alt.endswith("as served. 0.87 to 0.93: 10 answers, 0.900 right.")

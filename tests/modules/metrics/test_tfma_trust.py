"""The TFMA metric against scikit-learn and counts by hand, through TFMA's own computations."""

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from scipy.special import softmax
from sklearn.metrics import brier_score_loss
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_util

from modules.metrics.tfma_trust import AnswerTrust
from modules.trust.answers import Answers
from modules.trust.calibration import BINS

_TEMPERATURE = 1.7
_CLIPS = 60


@pytest.fixture(scope="module")
def clips():
    random = np.random.default_rng(0)
    logits = random.normal(size=(_CLIPS, 3)) * 2
    # The domain lacks a label.
    logits[:20, 2] = -np.inf
    return logits, random.integers(0, 2, _CLIPS)


def _measured(clips, **outputs):
    logits, labels = clips
    own = softmax(logits / _TEMPERATURE, axis=1).astype(np.float32)
    inputs = [
        metric_util.to_standard_metric_inputs(
            {
                constants.LABELS_KEY: np.array([label]),
                constants.PREDICTIONS_KEY: {
                    "probabilities": own[row],
                    **{name: values[row] for name, values in outputs.items()},
                },
                constants.EXAMPLE_WEIGHTS_KEY: np.array([1.0]),
            }
        )
        for row, label in enumerate(labels)
    ]
    config = tfma.EvalConfig(model_specs=[tfma.ModelSpec(prediction_key="probabilities")])
    summed, derived = AnswerTrust().computations(eval_config=config, example_weighted=False)
    figures = derived.result(_combined(summed.combiner, inputs))
    return {key.name: value for key, value in figures.items()}


def _combined(combiner, inputs):
    """As Beam does with workers of seven elements, and one that got none."""
    parts = [combiner.create_accumulator()]
    for first in range(0, len(inputs), 7):
        accumulator = combiner.create_accumulator()
        for element in inputs[first : first + 7]:
            accumulator = combiner.add_input(accumulator, element)
        parts.append(accumulator)
    return combiner.extract_output(combiner.merge_accumulators(parts))


def _brier(probabilities, labels):
    return sum(brier_score_loss(labels == label, probabilities[:, label]) for label in range(3))


def test_before_and_after_calibration_against_scikit_learn(clips):
    logits, labels = clips
    found = _measured(clips, temperature=np.full(_CLIPS, _TEMPERATURE, np.float32))
    before = softmax(logits, axis=1)
    assert found["brier_uncalibrated"] == pytest.approx(_brier(before, labels), rel=1e-5)
    served = softmax(logits / _TEMPERATURE, axis=1)
    assert found["brier"] == pytest.approx(_brier(served, labels), rel=1e-5)
    for name, probabilities in (("reliability_uncalibrated", before), ("reliability", served)):
        confidence = probabilities.max(axis=1)
        edges = np.linspace(0, 1, BINS + 1)
        count, _ = np.histogram(confidence, edges)
        said, _ = np.histogram(confidence, edges, weights=confidence)
        right, _ = np.histogram(confidence[probabilities.argmax(axis=1) == labels], edges)
        np.testing.assert_allclose(found[name], [count, said, right], rtol=1e-5)
        suffix = name.removeprefix("reliability")
        assert found[f"ece{suffix}"] == pytest.approx(np.abs(said - right).sum() / _CLIPS, rel=1e-4)


def test_counts_of_reasons(clips):
    reasons = np.array([b"silence"] * 2 + [b"unlike_training"] * 5 + [b""] * (_CLIPS - 7))
    found = _measured(clips, unsure=reasons)
    counts = {name: value for name, value in found.items() if name.startswith("unsure_") and value}
    assert counts == {"unsure_silence": 2, "unsure_unlike_training": 5}
    # As a report reads them back.
    again = Answers.from_figures(found).figures()
    for name, value in found.items():
        np.testing.assert_allclose(again[name], value, err_msg=name)


def test_models_that_tell_neither_temperature_nor_reason(clips):
    found = _measured(clips)
    assert found["ece"] == pytest.approx(found["ece_uncalibrated"])
    assert not any(value for name, value in found.items() if name.startswith("unsure_"))

"""The TFMA metric against scikit-learn, overall and per slice, on a real TFMA run."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from sklearn.metrics import balanced_accuracy_score, recall_score

from modules.metrics import tfma_uar
from schemas.labels import PAPER


@pytest.fixture(scope="module")
def clips():
    random = np.random.default_rng(0)
    domains = np.repeat(["emodb", "urdu"], [150, 90])
    # Emo-DB has no surprise; URDU has three of the six.
    labels = np.where(domains == "emodb", random.integers(0, 5, 240), random.choice([0, 3, 4], 240))
    probabilities = random.dirichlet(np.ones(6), 240)
    probabilities[np.arange(240), labels] += random.uniform(0, 1, 240)
    return domains, labels, probabilities


@pytest.fixture(scope="module")
def measured(clips):
    domains, labels, probabilities = clips
    frame = pd.DataFrame(
        {"domain": domains, "label": labels, "prediction": list(probabilities.astype(np.float32))}
    )
    config = tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key="label", prediction_key="prediction")],
        slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=["domain"])],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(
                        class_name="UnweightedAverageRecall",
                        module="modules.metrics.tfma_uar",
                        config=json.dumps({"labels": list(PAPER)}),
                    ),
                    # Uses the default name and another threshold: must not disturb UAR's matrices.
                    tfma.MetricConfig(class_name="MultiClassConfusionMatrixPlot"),
                    tfma.MetricConfig(
                        class_name="SparseCategoricalAccuracy", config='{"name": "accuracy"}'
                    ),
                ]
            )
        ],
    )
    result = tfma.analyze_raw_data(frame, config)
    return {
        dict(key).get("domain", ""): {n: v["doubleValue"] for n, v in m[""][""].items()}
        for key, m in result.slicing_metrics
    }


@pytest.mark.component
@pytest.mark.parametrize("domain", ["", "emodb", "urdu"])
def test_equals_scikit_learn(domain, clips, measured):
    domains, labels, probabilities = clips
    rows = (domains == domain) | (domain == "")
    predictions = probabilities.argmax(axis=1)
    values = measured[domain]
    assert values["uar"] == pytest.approx(
        balanced_accuracy_score(labels[rows], predictions[rows]), abs=1e-9
    )
    assert values["accuracy"] == pytest.approx(np.mean(labels[rows] == predictions[rows]), abs=1e-6)
    recalls = recall_score(
        labels[rows], predictions[rows], labels=range(6), average=None, zero_division=np.nan
    )
    for emotion, expected in zip(PAPER, recalls, strict=True):
        value = float(values[f"recall_{emotion}"])
        assert value == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert values["uar_lower"] < values["uar"] < values["uar_upper"]


def test_every_emotion_has_a_recall(measured):
    assert {f"{tfma_uar.RECALL_PREFIX}{e}" for e in PAPER} <= measured["urdu"].keys()

"""How far answers are to be relied on, as a TensorFlow Model Analysis metric.

Beam workers import this module by name, so it has to stay importable from the installed package.
"""

import functools
import operator
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

from modules.trust.answers import FIGURES, Answers


class AnswerTrust(tfma.metrics.Metric):
    """Calibration before and after, and how often answers are unsure and why, per slice.

    Expects integer labels, indices into a label set, and the outputs of a served model. Reports
    `answers.FIGURES`: `ece`, `brier` and the `reliability` behind them, float64 `[3, bins]`; the
    same of the probabilities before calibration; and the number of answers `unsure_<reason>`.

    Args:
      name: What TFMA calls it; no figure bears it.
      code_digest: Changes nothing but TFX's cache key.
    """

    def __init__(self, name: str = "answer_trust", code_digest: str = ""):
        super().__init__(
            tfma.metrics.merge_per_key_computations(_computations),
            name=name,
            code_digest=code_digest,
        )


metric_types.register_metric(AnswerTrust)


class _Sum(beam.CombineFn):
    """Adds up answers; `None` are none."""

    def __init__(self, key: Any, eval_config: tfma.EvalConfig | None):
        self._key, self._eval_config = key, eval_config

    def create_accumulator(self) -> Answers | None:
        return None

    def add_input(self, accumulator: Answers | None, element: Any) -> Answers | None:
        of_model = {"model_name": self._key.model_name, "output_name": self._key.output_name}
        [(label, _, _)] = metric_util.to_label_prediction_example_weight(
            element, eval_config=self._eval_config, flatten=False, **of_model
        )
        own = Answers.of(element.get_predictions(**of_model), int(np.ravel(label)[0]))
        return self.merge_accumulators([accumulator, own])

    def merge_accumulators(self, accumulators: Iterable[Answers | None]) -> Answers | None:
        parts = [each for each in accumulators if each is not None]
        return functools.reduce(operator.add, parts) if parts else None

    def extract_output(self, accumulator: Answers | None) -> dict[Any, Any]:
        return {self._key: accumulator}


def _computations(
    name: str = "answer_trust",
    eval_config: tfma.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
    **_: Any,
) -> list[Any]:
    key = functools.partial(tfma.metrics.MetricKey, model_name=model_name, output_name=output_name)
    # With an underscore in front, TFMA keeps it to itself.
    summed = key(f"_{name}")
    keys = [key(each) for each in FIGURES]

    def result(metrics: Any) -> dict[Any, Any]:
        figures = metrics[summed].figures()
        return {key: figures[key.name] for key in keys}

    return [
        tfma.metrics.MetricComputation(
            keys=[summed], preprocessors=None, combiner=_Sum(summed, eval_config)
        ),
        tfma.metrics.DerivedMetricComputation(keys=keys, result=result),
    ]

"""Unweighted average recall as a TensorFlow Model Analysis metric.

Beam workers import this module by name, so it has to stay importable from the installed package.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, multi_class_confusion_matrix_metrics

from modules.metrics import uar

UAR = "uar"
RECALL_PREFIX = "recall_"

# Under TFMA's default name, metrics with other thresholds overwrite each other's matrices.
_MATRICES_NAME = "_uar_confusion_matrices"
# Below every probability: each example counts for its most probable class.
_THRESHOLD = float("-inf")


class UnweightedAverageRecall(tfma.metrics.Metric):
    """UAR with its 95% confidence interval, and the recall of every label, per slice.

    Expects integer labels, indices into a label set, and probabilities `[labels]`. Reports `uar`,
    `uar_lower`, `uar_upper` (`metrics.uar`) and `recall_<label>`; labels without a clip in a slice
    are left out of its UAR and their recall is NaN.

    Args:
      labels: Label set, in the order of the network's outputs.
      name: Name of the first figure, and prefix of its limits.
      code_digest: Changes nothing but TFX's cache key.
    """

    def __init__(self, labels: Sequence[str], name: str = UAR, code_digest: str = ""):
        super().__init__(
            tfma.metrics.merge_per_key_computations(_computations),
            labels=list(labels),
            name=name,
            code_digest=code_digest,
        )


metric_types.register_metric(UnweightedAverageRecall)


def to_array(
    matrices: multi_class_confusion_matrix_metrics.Matrices, *, classes: int
) -> np.ndarray:
    """Converts TFMA's sparse matrix at the one threshold to int64 `[classes, classes]`.

    True classes are in rows.
    """
    confusion = np.zeros((classes, classes), np.int64)
    for entry, count in matrices.get(_THRESHOLD, {}).items():
        confusion[entry.actual_class_id, entry.predicted_class_id] = round(count)
    return confusion


def _computations(
    labels: Sequence[str],
    name: str = UAR,
    eval_config: tfma.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
    **_: Any,
) -> list[Any]:
    key = functools.partial(tfma.metrics.MetricKey, model_name=model_name, output_name=output_name)
    matrices = multi_class_confusion_matrix_metrics.multi_class_confusion_matrices(
        thresholds=[_THRESHOLD],
        name=_MATRICES_NAME,
        eval_config=eval_config,
        model_name=model_name,
        output_name=output_name,
    )
    matrices_key = matrices[-1].keys[-1]
    recall_keys = [key(f"{RECALL_PREFIX}{label}") for label in labels]
    keys = [key(name), key(f"{name}_lower"), key(f"{name}_upper"), *recall_keys]

    def result(metrics: Any) -> dict[Any, float]:
        confusion = to_array(metrics[matrices_key], classes=len(labels))
        values = [uar.uar_of(confusion), *uar.uar_interval(confusion), *uar.recalls(confusion)]
        return dict(zip(keys, map(float, values), strict=True))

    return [*matrices, tfma.metrics.DerivedMetricComputation(keys=keys, result=result)]

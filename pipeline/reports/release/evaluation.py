"""What TFMA measured of a model and which thresholds did not hold, read from its output."""

from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma

from modules.metrics.tfma_uar import RECALL_PREFIX, UAR
from modules.trust.answers import FIGURES, Answers
from pipeline.reports.release.results import SliceKey, SliceResult
from schemas.labels import LabelSet
from schemas.words import apart


def slices(uri: str, labels: LabelSet) -> tuple[dict[SliceKey, SliceResult], dict[SliceKey, float]]:
    """Returns what was measured in each slice, and the last blessed model's UAR by slice.

    Args:
      uri: Folder of the Evaluator's output.
      labels: Label set of the model.
    """
    values: dict[SliceKey, dict[str, Any]] = {}
    baseline: dict[SliceKey, float] = {}
    for metrics in tfma.load_metrics(uri):
        key = _slice_key(metrics.slice_key)
        for entry in metrics.metric_keys_and_values:
            if entry.key.is_diff:
                continue
            if entry.key.model_name == tfma.BASELINE_KEY:
                if entry.key.name == UAR:
                    baseline[key] = entry.value.double_value.value
            else:
                values.setdefault(key, {})[entry.key.name] = _value(entry.value)
    confusions = _confusions(uri, len(labels))
    return {
        key: SliceResult(
            clips=round(value["example_count"]),
            uar=value[UAR],
            uar_lower=value[f"{UAR}_lower"],
            uar_upper=value[f"{UAR}_upper"],
            accuracy=value["accuracy"],
            recalls={
                label: recall
                for label in labels
                if not np.isnan(recall := value[f"{RECALL_PREFIX}{label}"])
            },
            confusion=confusions[key],
            answers=Answers.from_figures(value) if value.keys() >= set(FIGURES) else None,
        )
        for key, value in sorted(values.items())
    }, baseline


def _value(value: Any) -> Any:
    """Returns a metric's value, a float or float64 `[…]`."""
    if value.WhichOneof("type") == "array_value":
        array = value.array_value
        return np.array(array.float64_values).reshape(array.shape)
    return value.double_value.value


def _confusions(uri: str, size: int) -> dict[SliceKey, np.ndarray]:
    found: dict[SliceKey, np.ndarray] = {}
    for plots in tfma.load_plots(uri):
        for plot in plots.plot_keys_and_values:
            if plot.key.model_name == tfma.BASELINE_KEY:
                continue
            confusion = np.zeros((size, size), np.int64)
            for matrix in plot.value.multi_class_confusion_matrix_at_thresholds.matrices:
                for entry in matrix.entries:
                    confusion[entry.actual_class_id, entry.predicted_class_id] = round(
                        entry.num_weighted_examples
                    )
            found[_slice_key(plots.slice_key)] = confusion
    return found


def _slice_key(key: Any) -> SliceKey:
    return tuple(
        (part.column, part.bytes_value.decode() or str(part.int64_value or part.float_value))
        for part in key.single_slice_keys
    )


def faults(uri: str) -> tuple[str, ...]:
    """Returns the thresholds that did not hold, in words; there is at least one."""
    result = tfma.load_validation_result(uri)
    texts = []
    for validation in result.metric_validations_per_slice:
        where = " and ".join(
            f"{column} {value}" for column, value in _slice_key(validation.slice_key)
        )
        for failure in validation.failures:
            threshold = failure.metric_threshold
            value = failure.metric_value.double_value.value
            if threshold.HasField("value_threshold"):
                # A rate that is just below must not read as if it were reached.
                shown, bound = apart(value, threshold.value_threshold.lower_bound.value)
                texts.append(
                    f"{failure.metric_key.name} {shown} on {where or 'all clips'} "
                    f"is below its threshold {bound}"
                )
            else:
                allowed = -threshold.change_threshold.absolute.value
                texts.append(
                    f"{failure.metric_key.name} on {where or 'all clips'} changed by {value:+.3f} "
                    f"against the last blessed model, more than the {allowed:.3f} it may lose"
                )
    for missing in result.missing_slices:
        pairs = [
            f"{k} {v}" for spec in missing.slicing_specs for k, v in spec.feature_values.items()
        ]
        texts.append(
            f"the test fold has no clip of {', '.join(pairs) or 'a slice with a threshold'}"
        )
    return tuple(texts) or ("a threshold did not hold",)

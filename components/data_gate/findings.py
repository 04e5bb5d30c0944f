"""What is odd about the data, found with TensorFlow Data Validation and put into words."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.manifest_statistics.artifact import (
    ALL,
    CATEGORICAL,
    DOMAIN,
    NUMERIC,
    TEST,
    TRAINING,
    dataset_name,
)
from schemas import splits

ANOMALY, DRIFT, SKEW = "anomaly", "drift", "skew"
CLIPS = "clips"

# What thresholds there are; each between 0 and 1.
SKEW_FEATURES: tuple[str, ...] = (*CATEGORICAL, *NUMERIC)
DRIFT_FEATURES: tuple[str, ...] = (DOMAIN, CLIPS, *SKEW_FEATURES)

Dataset: TypeAlias = statistics_pb2.DatasetFeatureStatistics
Datasets: TypeAlias = Mapping[str, Dataset]

_MOST_VALUES = 3
_SCHEMA = "schemas/speech.pbtxt"
_REASON = anomalies_pb2.AnomalyInfo
_ADVICE = {
    _REASON.ENUM_TYPE_UNEXPECTED_STRING_VALUES: "correct it in the manifest; if the value is right,"
    f" add it to {_SCHEMA}",
    _REASON.INT_TYPE_SMALL_INT: "such recordings are of no use: leave them out",
    _REASON.INT_TYPE_BIG_INT: "such recordings are of no use: leave them out",
}
_ELSE = f"correct the data; if it is right, change {_SCHEMA}"
# TFDV's words end in full stops, which stand in the way of what follows.
_TRAILING = ". "


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is odd.

    Attributes:
      check: `anomaly`, `drift` or `skew`.
      where: The folds, or the domain; empty for the whole of the data.
      feature: For example `emotion`.
      text: What is wrong, in words.
      severe: Whether the check counts it as a fault; others are notes.
    """

    check: str
    where: str
    feature: str
    text: str
    severe: bool = True

    def __str__(self) -> str:
        return f"{self.feature}{' of ' if self.where else ''}{self.where}: {self.text}"


def anomalies(
    by_split: Mapping[str, anomalies_pb2.Anomalies], *, protocol: str = ""
) -> list[Finding]:
    """Returns ExampleValidator's anomalies, one for each feature and kind.

    Args:
      by_split: What was found in each split.
      protocol: Under `partition` splits have the names of the official parts.
    """
    parts = protocol == splits.PARTITION
    grouped: dict[tuple[str, int], list[tuple[str, anomalies_pb2.AnomalyInfo, str]]] = {}
    for split, found in sorted(by_split.items()):
        infos = dict(found.anomaly_info)
        if found.HasField("dataset_anomaly_info"):
            infos["all features"] = found.dataset_anomaly_info
        for feature, info in sorted(infos.items()):
            for reason in info.reason:
                text = reason.description or reason.short_description or info.description
                grouped.setdefault((feature, reason.type), []).append((split, info, text))
    findings = []
    for (feature, kind), members in grouped.items():
        texts = dict.fromkeys(text.rstrip(_TRAILING) for _, _, text in members)
        findings.append(
            Finding(
                check=ANOMALY,
                where=("all parts" if parts else "all folds")
                if len(members) == len(by_split)
                else ", ".join(
                    dict.fromkeys(_part(split) if parts else split for split, _, _ in members)
                ),
                feature=feature,
                text=f"{'; '.join(texts)} ({_ADVICE.get(kind, _ELSE)})",
                severe=any(info.severity != _REASON.WARNING for _, info, _ in members),
            )
        )
    return findings


def _part(split: str) -> str:
    test = split == splits.FOLD_SPLITS[splits.PARTITION_TEST_FOLD]
    return "the test part" if test else "the parts trained on"


def drift(
    now: statistics_pb2.DatasetFeatureStatisticsList,
    before: statistics_pb2.DatasetFeatureStatisticsList,
    thresholds: Mapping[str, float],
) -> list[Finding]:
    """Compares the data with what was accepted last, domain by domain.

    Args:
      now, before: From `manifest_statistics.compute.statistics`.
      thresholds: Thresholds by `DRIFT_FEATURES`. `clips`: the share of a domain's clips that may
        go; categorical features: L-infinity distance; `duration_s`: Jensen–Shannon divergence.

    Returns:
      What is above its threshold; and as notes the new and the lost domains below it.
    """
    current, earlier = _by_name(now), _by_name(before)
    findings = _domains(current, earlier, thresholds[DOMAIN])
    for domain in _domain_names(current):
        name = dataset_name(ALL, domain)
        if name not in earlier:
            continue
        counts = earlier[name].num_examples, current[name].num_examples
        schema = _schema(thresholds, SKEW_FEATURES, "drift_comparator")
        schema.dataset_constraints.num_examples_drift_comparator.min_fraction_threshold = (
            1 - thresholds[CLIPS]
        )
        found = tfdv.validate_statistics(
            _alone(current[name]), schema, previous_statistics=_alone(earlier[name])
        )
        if found.HasField("dataset_anomaly_info"):
            lost = 1 - counts[1] / counts[0]
            text = f"there were {counts[0]:,}, now {counts[1]:,}: {_percent(lost)} fewer"
            text += f", more than the {_percent(thresholds[CLIPS])} that may go"
            findings.append(Finding(check=DRIFT, where=domain, feature=CLIPS, text=text))
        words = f"was {{}} of {domain}'s clips, now {{}}", "the median was {}, now {}"
        findings += _distances(found, DRIFT, domain, earlier[name], current[name], words)
    return findings


def skew(
    now: statistics_pb2.DatasetFeatureStatisticsList, thresholds: Mapping[str, float]
) -> list[Finding]:
    """Compares what of each domain is trained on with what is tested on.

    Args:
      now: From `manifest_statistics.compute.statistics`.
      thresholds: Thresholds by `SKEW_FEATURES`, as in `drift`.

    Returns:
      What is above its threshold.
    """
    current = _by_name(now)
    schema = _schema(thresholds, SKEW_FEATURES, "skew_comparator")
    words = (
        "is {} of the clips trained on, but {} of those tested on",
        "the median is {} in what is trained on, but {} in what is tested on",
    )
    findings = []
    for domain in _domain_names(current):
        training, test = (current.get(dataset_name(part, domain)) for part in (TRAINING, TEST))
        if training is None or test is None:
            continue  # What trains on nothing or tests nothing is the manifest's fault, not skew.
        found = tfdv.validate_statistics(_alone(training), schema, serving_statistics=_alone(test))
        findings += _distances(found, SKEW, domain, training, test, words)
    return findings


def _by_name(computed: statistics_pb2.DatasetFeatureStatisticsList) -> Datasets:
    return {dataset.name: dataset for dataset in computed.datasets}


def _domain_names(datasets: Iterable[str]) -> list[str]:
    prefix = dataset_name(ALL, "")
    return sorted(name.removeprefix(prefix) for name in datasets if name.startswith(prefix))


def _alone(dataset: Dataset) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns the dataset as TFDV wants it: in a list, and nameless, or it seeks all slices."""
    result = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
    result.datasets[0].name = ""
    return result


def _schema(
    thresholds: Mapping[str, float],
    names: Iterable[str],
    comparator: Literal["drift_comparator", "skew_comparator"],
) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    for name in names:
        feature = schema.feature.add(name=name)
        feature.type = schema_pb2.FLOAT if name in NUMERIC else schema_pb2.BYTES
        compare = getattr(feature, comparator)
        distance = compare.jensen_shannon_divergence if name in NUMERIC else compare.infinity_norm
        distance.threshold = thresholds[name]
    return schema


def _domains(current: Datasets, earlier: Datasets, threshold: float) -> list[Finding]:
    """Compares the domains' shares; new and lost domains by name."""
    schema = _schema({DOMAIN: threshold}, [DOMAIN], "drift_comparator")
    found = tfdv.validate_statistics(
        _alone(current[ALL]), schema, previous_statistics=_alone(earlier[ALL])
    )
    [distance] = [m for info in found.drift_skew_info for m in info.drift_measurements]
    severe = distance.value > threshold
    shares_before, shares_now = _shares(earlier[ALL], DOMAIN), _shares(current[ALL], DOMAIN)
    new, gone = sorted({*shares_now} - {*shares_before}), sorted({*shares_before} - {*shares_now})
    above = f" (L-infinity {distance.value:.2f}, above {threshold:g})" if severe else ""

    def finding(text: str) -> Finding:
        return Finding(check=DRIFT, where="", feature=DOMAIN, text=text + above, severe=severe)

    def clips(datasets: Datasets, domain: str) -> int:
        return datasets[dataset_name(ALL, domain)].num_examples

    findings = [
        finding(
            f"{name} is new: {clips(current, name):,} clips, {_percent(shares_now[name])} of all"
        )
        for name in new
    ] + [
        finding(
            f"{name} is gone: it had {clips(earlier, name):,} clips,"
            f" {_percent(shares_before[name])} of all"
        )
        for name in gone
    ]
    if severe and not findings:
        texts = _changes(shares_before, shares_now, "was {} of all clips, now {}", threshold)
        findings = [finding(texts)]
    return findings


def _distances(
    found: anomalies_pb2.Anomalies,
    check: str,
    domain: str,
    first: Dataset,
    second: Dataset,
    words: tuple[str, str],
) -> list[Finding]:
    """Returns what TFDV measured above its threshold between two datasets of a domain.

    Args:
      found: What TFDV says.
      check: `drift` or `skew`.
      domain: The domain.
      first, second: Its datasets, the reference first.
      words: How two shares of a value, and how two medians, are told.
    """
    for_shares, for_medians = words
    findings = []
    for info in found.drift_skew_info:
        [feature] = info.path.step
        for measured in (*info.drift_measurements, *info.skew_measurements):
            if not measured.value > measured.threshold:
                continue
            if feature in NUMERIC:
                medians = [f"{_median(dataset, feature):.2f} s" for dataset in (first, second)]
                text, distance = for_medians.format(*medians), "Jensen–Shannon"
            else:
                shares = _shares(first, feature), _shares(second, feature)
                text, distance = _changes(*shares, for_shares, measured.threshold), "L-infinity"
            text += f" ({distance} {measured.value:.2f}, above {measured.threshold:g})"
            findings.append(Finding(check=check, where=domain, feature=feature, text=text))
    return findings


def _changes(
    before: Mapping[str, float], now: Mapping[str, float], words: str, threshold: float
) -> str:
    """Names the values whose shares differ most."""
    difference = {value: abs(now.get(value, 0) - before.get(value, 0)) for value in {*before, *now}}
    ordered = sorted(difference, key=lambda value: (-difference[value], value))
    shown = [v for v in ordered if v == ordered[0] or difference[v] > threshold][:_MOST_VALUES]
    return "; ".join(
        f"{v} {words.format(_percent(before.get(v, 0)), _percent(now.get(v, 0)))}" for v in shown
    )


def _shares(dataset: Dataset, feature: str) -> dict[str, float]:
    buckets = _statistics(dataset, feature).string_stats.rank_histogram.buckets
    total = sum(bucket.sample_count for bucket in buckets)
    return {bucket.label: bucket.sample_count / total for bucket in buckets}


def _median(dataset: Dataset, feature: str) -> float:
    return _statistics(dataset, feature).num_stats.median


def _statistics(dataset: Dataset, feature: str) -> statistics_pb2.FeatureNameStatistics:
    return next(found for found in dataset.features if found.path.step == [feature])


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or not share else f"{share:.1%}"

"""Runs the executor on real artifacts; the oracle of its counts is collections.Counter."""

from collections import Counter

import pytest
from tfx.types import channel_utils

from components.audio_example_gen import account
from components.audio_example_gen.artifact import IngestAccount
from components.manifest_statistics import artifact, compute
from components.manifest_statistics.artifact import ManifestStatisticsArtifact
from components.manifest_statistics.component import ManifestStatistics
from corpora import manifest
from schemas.labels import PAPER
from schemas.utterance import Utterance


def _utterance(index: int, domain: str) -> Utterance:
    return Utterance(
        utterance_id=f"{domain}/{index}",
        path=f"/data/{domain}/{index}.wav",
        domain=domain,
        speaker=f"s{index % 7}",
        emotion=PAPER.labels[index % 5],
        gender=("female", "male", "")[index % 3],
        sample_rate_hz=(16_000, 48_000)[index % 2],
        duration_s=1 + index / 10,
        fold_random=index % 5,
        fold_speaker_independent=(index + 1) % 5,
    )


@pytest.fixture
def utterances() -> list[Utterance]:
    return [_utterance(i, "emodb") for i in range(40)] + [_utterance(i, "rml") for i in range(11)]


def _do(folder, utterances, *, unused=()):
    given = IngestAccount()
    given.uri = str(folder)
    outcomes = [
        account.Outcome(
            utterance_id=u.utterance_id,
            path=u.path,
            domain=u.domain,
            status="skipped" if u in unused else "used",
        )
        for u in utterances
    ]
    (folder / account.ACCOUNT_CSV).write_text(account.to_csv(outcomes))
    manifest.write(manifest.Manifest.of(utterances), folder / "manifest.csv")
    output = ManifestStatisticsArtifact()
    output.uri = str(folder / "statistics")
    ManifestStatistics.test_call(
        account=given,
        statistics=output,
        manifest_path=str(folder / "manifest.csv"),
        manifest_digest="d1",
        protocol="speaker_independent",
        test_fold=2,
    )
    return output


def _counts(dataset, feature):
    [found] = [f for f in dataset.features if f.path.step == [feature]]
    return {b.label: b.sample_count for b in found.string_stats.rank_histogram.buckets}


def test_counts_are_of_the_recordings_in_use(tmp_path, utterances):
    unused = utterances[:3]
    output = _do(tmp_path, utterances, unused=unused)
    assert output.get_string_custom_property(artifact.MANIFEST_DIGEST) == "d1"
    datasets = {dataset.name: dataset for dataset in artifact.read(output.uri).datasets}
    used = utterances[3:]
    assert _counts(datasets["all"], "domain") == {"emodb": 37, "rml": 11}
    parts = {
        "all": used,
        "training": [u for u in used if u.fold_speaker_independent != 2],
        "test": [u for u in used if u.fold_speaker_independent == 2],
    }
    assert set(datasets) == {"all"} | {f"{part}/{d}" for part in parts for d in ("emodb", "rml")}
    for part, members in parts.items():
        for domain in ("emodb", "rml"):
            own = [u for u in members if u.domain == domain]
            dataset = datasets[f"{part}/{domain}"]
            assert dataset.num_examples == len(own)
            assert _counts(dataset, "emotion") == Counter(u.emotion for u in own)
            assert _counts(dataset, "gender") == Counter(u.gender or "unknown" for u in own)
            assert _counts(dataset, "language") == {"unknown": len(own)}
            assert _counts(dataset, "rate_hz") == Counter(str(u.sample_rate_hz) for u in own)
            [duration] = [f for f in dataset.features if f.path.step == ["duration_s"]]
            mean = sum(u.duration_s for u in own) / len(own)
            assert duration.num_stats.mean == pytest.approx(mean)


def test_order_does_not_matter(utterances):
    settings = {"protocol": "random", "test_fold": 0}
    assert compute.statistics(utterances, **settings) == compute.statistics(
        utterances[::-1], **settings
    )


def test_component_declares_what_it_needs():
    node = ManifestStatistics(
        account=channel_utils.as_channel([IngestAccount()]),
        manifest_path="m.csv",
        manifest_digest="d1",
        protocol="random",
        test_fold=0,
    )
    assert node.outputs["statistics"].type is ManifestStatisticsArtifact
    assert (node.id, ManifestStatisticsArtifact.TYPE_NAME) == ("ManifestStatistics",) * 2

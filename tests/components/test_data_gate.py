"""The gate on real artifacts: hand-counted shares, the words, and what becomes the reference."""

import dataclasses

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.data_gate import artifact as artifacts
from components.data_gate import findings, strategy
from components.data_gate.artifact import AcceptedData
from components.data_gate.component import DataGate
from components.manifest_statistics import artifact as manifest_statistics
from components.manifest_statistics import compute
from components.manifest_statistics.artifact import MANIFEST_DIGEST, ManifestStatisticsArtifact
from pipeline import schema
from pipeline.config import Validation
from schemas.errors import UserError
from schemas.labels import PAPER
from schemas.splits import FOLD_SPLITS
from schemas.utterance import Utterance

# --- The schema ----------------------------------------------------------------------------------

SCHEMA = text_format.Parse(schema.for_labels(PAPER), schema_pb2.Schema())
GOOD = {
    "audio": b"\0\1",
    "num_samples": 32_000,
    "emotion": "anger",
    "label": 0,
    "domain": "emodb",
    "speaker": "03",
    "language": "de",
    "gender": "male",
    "utterance_id": "emodb/wav/03a01Wa",
    "source_rate_hz": 16_000,
}


def _schema_anomalies(*examples):
    frame = pd.DataFrame([GOOD | example for example in examples])
    frame = frame[[name for name in frame if not frame[name].isna().all()]]
    return tfdv.validate_statistics(tfdv.generate_statistics_from_dataframe(frame), SCHEMA)


@pytest.mark.parametrize(
    ("domain", "languages", "rate_hz"),
    [
        ("afew", ["en"], 48_000),
        ("emodb", ["de"], 16_000),
        ("emovo", ["it"], 48_000),
        ("enterface", ["en"], 48_000),
        ("iemocap", ["en"], 16_000),
        ("rml", ["en", "zh", "ur", "pa", "fa", "it", "unknown"], 22_050),
        ("ravdess", ["en"], 48_000),
        ("cremad", ["en"], 16_000),
        ("savee", ["en"], 44_100),
        ("tess", ["en"], 24_414),
        ("urdu", ["ur"], 44_100),
        ("our phone calls", ["unknown"], 8_000),
        ("lab", ["ja"], 192_000),
    ],
)
def test_schema_fits_every_corpus(domain, languages, rate_hz):
    shared = {"domain": domain, "source_rate_hz": rate_hz, "speaker": "unknown:0012"}
    examples = [shared | {"language": language} for language in languages]
    examples += [shared | {"num_samples": n, "language": languages[0]} for n in (160, 480_000)]
    found = _schema_anomalies(*examples)
    assert not found.anomaly_info, found
    assert not found.HasField("dataset_anomaly_info")


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("emotion", "boredom", "boredom"),
        ("gender", "m", "schema: m "),
        ("language", "german", "german"),
        ("source_rate_hz", 4_000, "4000"),
        ("source_rate_hz", 384_000, "384000"),
        ("num_samples", 80, "80"),
        ("num_samples", 480_001, "480001"),
        ("label", 6, "6"),
        ("speaker", None, "missing"),
    ],
)
def test_schema_refuses_what_is_wrong(feature, value, words):
    found = _schema_anomalies(*[{feature: value}] * 3)
    assert list(found.anomaly_info) == [feature]
    [finding] = findings.anomalies({"fold-0": found})
    assert finding.severe
    assert str(finding).startswith(f"{feature} of all folds: ")
    assert words in finding.text


def test_an_anomaly_of_several_folds_is_told_once():
    good, bad = _schema_anomalies({}), _schema_anomalies({"language": "german"}, {})
    by_split = {"fold-0": bad, "fold-1": good, "fold-2": bad}
    [finding] = findings.anomalies(by_split)
    assert finding.where == "fold-0, fold-2"
    assert "german (~50%)" in finding.text
    assert "correct it in the manifest" in finding.text
    by_split["fold-4"] = bad
    [finding] = findings.anomalies(by_split, protocol="partition")
    assert finding.where == "the test part, the parts trained on"


# --- Drift and skew ------------------------------------------------------------------------------


def _utterances(domain="emodb", *, fold=1, start=0, duration_s=2.0, rate_hz=16_000, **counts):
    """Returns clips by emotion; of one fold."""
    emotions = [emotion for emotion, count in counts.items() for _ in range(count)]
    return [
        Utterance(
            utterance_id=f"{domain}/{fold}-{start + i}",
            path=f"/{domain}/{i}.wav",
            domain=domain,
            speaker="s",
            emotion=emotion,
            language="de",
            gender="female",
            sample_rate_hz=rate_hz,
            duration_s=duration_s + i % 5 / 10,
            fold_random=fold,
        )
        for i, emotion in enumerate(emotions)
    ]


def _statistics(*parts):
    utterances = [utterance for part in parts for utterance in part]
    return compute.statistics(utterances, protocol="random", test_fold=0)


DRIFT = Validation().drift.model_dump()
SKEW = Validation().skew.model_dump()
BEFORE = _statistics(_utterances(anger=34, fear=26, sadness=40))


def _texts(found):
    return [str(finding) for finding in found]


def test_equal_data_has_not_drifted():
    again = _statistics(_utterances(anger=34, fear=26, sadness=40)[::-1])
    assert findings.drift(again, BEFORE, DRIFT) == []


def test_drift_of_a_category_names_the_values_that_changed():
    now = _statistics(_utterances(anger=12, fear=27, sadness=61))
    assert _texts(findings.drift(now, BEFORE, DRIFT)) == [
        "emotion of emodb: anger was 34% of emodb's clips, now 12%; "
        "sadness was 40% of emodb's clips, now 61% (L-infinity 0.22, above 0.1)"
    ]
    assert findings.drift(now, BEFORE, DRIFT | {"emotion": 0.23}) == []
    # Neither 0.22 nor what is a little less has passed because of a tolerance somewhere.
    assert len(findings.drift(now, BEFORE, DRIFT | {"emotion": 0.219})) == 1


def test_drift_is_judged_within_each_domain():
    other = _utterances("emovo", anger=50, fear=50)
    before = _statistics(_utterances(anger=5, fear=5), other)
    now = _statistics(_utterances(anger=8, fear=2), other)
    # Of all clips anger is 50% before and 53% now.
    assert [(f.where, f.feature) for f in findings.drift(now, before, DRIFT)] == [
        ("emodb", "emotion")
    ]


def test_drift_of_durations_and_rates():
    now = _statistics(_utterances(anger=34, fear=26, sadness=40, duration_s=9.0, rate_hz=48_000))
    texts = _texts(findings.drift(now, BEFORE, DRIFT))
    assert texts == [
        "duration_s of emodb: the median was 2.20 s, now 9.20 s (Jensen–Shannon 1.00, above 0.2)",
        "rate_hz of emodb: 16000 was 100% of emodb's clips, now 0%; "
        "48000 was 0% of emodb's clips, now 100% (L-infinity 1.00, above 0.1)",
    ]


def test_lost_clips():
    now = _statistics(_utterances(anger=17, fear=13, sadness=20))
    assert _texts(findings.drift(now, BEFORE, DRIFT)) == [
        "clips of emodb: there were 100, now 50: 50% fewer, more than the 25% that may go"
    ]
    assert findings.drift(now, BEFORE, DRIFT | {"clips": 0.5}) == []
    # More clips of the same kind are welcome.
    assert findings.drift(BEFORE, now, DRIFT) == []


def test_new_and_lost_domains_are_named():
    both = _statistics(
        _utterances(anger=34, fear=26, sadness=40), _utterances("emovo", anger=150, fear=150)
    )
    [new] = findings.drift(both, BEFORE, DRIFT)
    assert str(new) == "domain: emovo is new: 300 clips, 75% of all (L-infinity 0.75, above 0.1)"
    [gone] = findings.drift(BEFORE, both, DRIFT)
    assert str(gone).startswith("domain: emovo is gone: it had 300 clips, 75% of all")
    assert new.severe
    assert gone.severe
    small = _statistics(_utterances(anger=34, fear=26, sadness=40), _utterances("emovo", fear=5))
    [note] = findings.drift(small, BEFORE, DRIFT)
    assert not note.severe
    assert str(note) == "domain: emovo is new: 5 clips, 5% of all"


def test_shifted_shares_of_domains():
    before = _statistics(_utterances(fear=50), _utterances("emovo", fear=50))
    now = _statistics(_utterances(fear=150), _utterances("emovo", fear=50))
    assert _texts(findings.drift(now, before, DRIFT)) == [
        "domain: emodb was 50% of all clips, now 75%; emovo was 50% of all clips, now 25% "
        "(L-infinity 0.25, above 0.1)"
    ]


def test_skew_between_training_and_test_folds():
    now = _statistics(_utterances(anger=30, fear=70, fold=1), _utterances(anger=12, fear=8, fold=0))
    assert _texts(findings.skew(now, SKEW)) == [
        "emotion of emodb: anger is 30% of the clips trained on, but 60% of those tested on; "
        "fear is 70% of the clips trained on, but 40% of those tested on "
        "(L-infinity 0.30, above 0.15)"
    ]
    assert findings.skew(BEFORE, SKEW) == []


# --- The gate ------------------------------------------------------------------------------------


def _digest_of(artifact, digest):
    artifact.set_string_custom_property(MANIFEST_DIGEST, digest)
    return artifact


class Gate:
    """Runs the gate on artifacts under `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def __call__(self, now, *, digest="now", found=None, accepted=None, **validation):
        """Returns the AcceptedData; `accepted` may hold `reference` and `decision`."""
        self.count += 1
        folder = self.folder / str(self.count)
        given = _digest_of(ManifestStatisticsArtifact(), digest)
        given.uri = str(folder / "statistics")
        manifest_statistics.write(now, given.uri)
        anomalies = standard_artifacts.ExampleAnomalies()
        anomalies.uri = str(folder / "anomalies")
        anomalies.split_names = artifact_utils.encode_split_names(list(FOLD_SPLITS))
        for split in FOLD_SPLITS:
            file = folder / "anomalies" / f"Split-{split}" / "SchemaDiff.pb"
            file.parent.mkdir(parents=True)
            by_split = (found or {}).get(split, anomalies_pb2.Anomalies())
            file.write_bytes(by_split.SerializeToString())
        output = AcceptedData()
        output.uri = str(folder / "accepted")
        settings = Validation.model_validate(validation)
        DataGate.test_call(
            anomalies=anomalies,
            statistics=given,
            accepted=output,
            settings=settings.model_dump_json(include={"anomalies", "drift", "skew"}),
            accept_drift=settings.accept_drift,
            **(accepted or {}),
        )
        output.id = self.count
        return output


def _record(artifact):
    return artifacts.read_findings(artifact.uri)


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path)


NOW = _statistics(_utterances(anger=12, fear=27, sadness=61))


def test_first_data_has_no_reference(gate):
    accepted = gate(BEFORE, digest="a")
    assert _record(accepted) == {"reference": "", "drift_accepted": False, "findings": []}
    assert accepted.get_string_custom_property(MANIFEST_DIGEST) == "a"
    assert manifest_statistics.read(accepted.uri) == BEFORE


def test_drift_stops_unless_it_is_accepted_or_reported(gate):
    reference = {"reference": gate(BEFORE, digest="a" * 64)}
    with pytest.raises(UserError) as stopped:
        gate(NOW, digest="b", accepted=reference)
    for words in (
        f"accepted last, manifest {'a' * 16} (",
        "--set validation.accept_drift=true",
        "anger was 34% of emodb's clips, now 12%",
    ):
        assert words in str(stopped.value)
    deliberate = gate(NOW, digest="b", accepted=reference, accept_drift=True)
    assert _record(deliberate)["drift_accepted"]
    assert deliberate.get_int_custom_property(artifacts.DELIBERATE) == 1
    assert deliberate.get_string_custom_property(artifacts.REFERENCE_DIGEST) == "a" * 64
    reported = gate(NOW, digest="b", accepted=reference, drift={"action": "report"})
    assert [f["check"] for f in _record(reported)["findings"]] == ["drift"]
    off = gate(NOW, digest="b", accepted=reference, drift={"action": "off"})
    assert _record(off)["findings"] == []
    decided = gate(NOW, digest="b", accepted=reference | {"decision": deliberate})
    assert decided.get_int_custom_property(artifacts.DELIBERATE) == 0


def test_anomalies_stop_and_accepting_drift_does_not_help(gate):
    bad = _schema_anomalies({"language": "german"}, {})
    words = r"does not fit the schema.*\n  language of fold-2: .*german \(~50%\)"
    with pytest.raises(UserError, match=words):
        gate(BEFORE, found={"fold-2": bad}, accept_drift=True)
    for info in bad.anomaly_info.values():
        info.severity = anomalies_pb2.AnomalyInfo.WARNING
    with pytest.raises(UserError, match="german"):
        gate(BEFORE, found={"fold-2": bad})
    for setting in ("errors", "report"):
        [found] = _record(gate(BEFORE, found={"fold-2": bad}, anomalies=setting))["findings"]
        assert "german" in found["text"]


def test_skew_is_reported_and_stops_on_request(gate):
    skewed = _statistics(_utterances(fear=9, fold=1), _utterances(anger=9, fold=0))
    [found] = _record(gate(skewed))["findings"]
    assert (found["check"], found["severe"]) == ("skew", True)
    with pytest.raises(UserError, match="differs between what is trained and what is tested on"):
        gate(skewed, skew={"action": "stop"})


# --- Which reference -----------------------------------------------------------------------------


@dataclasses.dataclass
class History:
    """What was accepted so far, and the strategy's answer for the next manifest."""

    accepted: list = dataclasses.field(default_factory=list)

    def accept(self, digest, *, reference="", deliberate=False):
        artifact = _digest_of(AcceptedData(), digest)
        artifact.id = len(self.accepted) + 1
        artifact.set_string_custom_property(artifacts.REFERENCE_DIGEST, reference)
        artifact.set_int_custom_property(artifacts.DELIBERATE, int(deliberate))
        self.accepted.append(artifact)
        return self

    def resolve(self, digest):
        """Returns the ids of reference and decision, None where there is none."""
        candidate = _digest_of(ManifestStatisticsArtifact(), digest)
        # MLMD promises no order.
        found = strategy.LastAcceptedStrategy().resolve_artifacts(
            None,
            {
                strategy.REFERENCE: self.accepted[::-1],
                strategy.DECISION: self.accepted[::-1],
                strategy.CANDIDATE: [candidate],
            },
        )
        assert found[strategy.CANDIDATE] == [candidate]
        return tuple(
            found[key][0].id if found[key] else None
            for key in (strategy.REFERENCE, strategy.DECISION)
        )


def test_reference_is_the_data_accepted_last_but_itself():
    history = History()
    assert history.resolve("a") == (None, None)
    history.accept("a")
    # The same manifest again has what it had before: cached.
    assert history.resolve("a") == (None, None)
    assert history.resolve("b") == (1, None)
    history.accept("b", reference="a")
    assert history.resolve("b") == (1, None)
    assert history.resolve("a") == (2, None)
    assert history.resolve("c") == (2, None)


def test_a_decision_holds_for_its_pair_only():
    history = History().accept("a").accept("b", reference="a", deliberate=True)
    assert history.resolve("b") == (1, 2)
    history.accept("b", reference="a")
    assert history.resolve("b") == (1, 2)
    history.accept("c", reference="b")
    # Nobody decided that b may follow c.
    assert history.resolve("b") == (4, None)

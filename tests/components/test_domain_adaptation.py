"""DomainAdaptation on real artifacts: what it leaves is what the Pusher and the server take."""

import json

import own_clips
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components.domain_adaptation import artifact, component
from components.domain_adaptation.component import DomainAdaptation
from corpora import manifest
from modules.export.model import export_model
from modules.training import trained
from modules.training.records import TrainingRecord
from schemas import features
from schemas.splits import FOLD_SPLITS
from schemas.utterance import Utterance

pytestmark = pytest.mark.component


def _written(clips, folder):
    """Returns an Examples artifact of embeddings, one fold a speaker."""
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    examples.split_names = artifact_utils.encode_split_names(list(FOLD_SPLITS))
    folds = own_clips.folds(clips)
    for fold, split in enumerate(FOLD_SPLITS):
        (folder / f"Split-{split}").mkdir(parents=True)
        file = str(folder / f"Split-{split}" / "part.gz")
        with tf.io.TFRecordWriter(file, options="GZIP") as writer:
            for row in (folds == fold).nonzero()[0]:
                example = tf.train.Example()
                values = example.features.feature
                values[features.EMBEDDING].float_list.value.extend(
                    clips.inputs.take(row[None])[0].tolist()
                )
                values[features.LABEL].int64_list.value.append(int(clips.labels[row]))
                for name, own in (
                    (features.DOMAIN, clips.domains),
                    (features.SPEAKER, clips.speakers),
                    (features.UTTERANCE_ID, clips.utterance_ids),
                ):
                    values[name].bytes_list.value.append(str(own[row]).encode())
                writer.write(example.SerializeToString())
    return examples


def _manifest(clips, file):
    folds = own_clips.folds(clips)
    manifest.write(
        manifest.Manifest(
            utterances=[
                Utterance(
                    utterance_id=str(name),
                    path=f"{name}.wav",
                    domain="own",
                    speaker=str(speaker),
                    emotion=own_clips.LABELS.labels[label],
                    fold_random=int(fold),
                    fold_speaker_independent=int(fold),
                )
                for name, speaker, label, fold in zip(
                    clips.utterance_ids, clips.speakers, clips.labels, folds, strict=True
                )
            ],
            labels=own_clips.LABELS,
        ),
        file,
    )
    return str(file)


@pytest.mark.parametrize(("turned", "min_uar"), [(1, 0.5), (0, 1.01)])
def test_a_model_a_blessing_and_findings(tmp_path, monkeypatch, turned, min_uar):
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path / "encoders"))
    # What other processes do has tests of its own.
    monkeypatch.setattr(
        component,
        "export_alone",
        lambda network, folder, arguments: export_model(
            network, folder, **vars(arguments), clean_process=False
        ),
    )
    network = own_clips.spec(tmp_path / "encoders")
    base = own_clips.base(network)
    made = {
        "base": standard_artifacts.Model(),
        "model": standard_artifacts.Model(),
        "blessing": standard_artifacts.ModelBlessing(),
        "findings": artifact.AdaptationFindings(),
    }
    for name, each in made.items():
        each.uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    base.network().save(tmp_path / "base" / trained.NETWORK_FILE)
    (tmp_path / "base" / "training.json").write_text(base.record.to_json())
    clips = own_clips.clips(turned=turned)
    plan = own_clips.plan(network, min_uar=min_uar)
    DomainAdaptation.test_call(
        **made,
        examples=_written(clips, tmp_path / "examples"),
        base_examples=_written(own_clips.clips(domain="old", seed=2), tmp_path / "old"),
        plan=json.dumps(plan.to_json()),
        manifest_path=_manifest(clips, tmp_path / "m.csv"),
        manifest_digest="d",
        base_digest="b",
        base_split="fold-3",
    )
    found = artifact.read(made["findings"].uri)
    pushed = min_uar < 1
    assert found.verdict.pushed is pushed
    assert made["blessing"].get_int_custom_property("blessed") == pushed
    assert [each.name for each in (tmp_path / "blessing").iterdir()] == [
        "BLESSED" if pushed else "NOT_BLESSED"
    ]
    # Of the base's clips those of the split that it was not trained on.
    [old] = found.forgotten
    assert (old.domain, old.clips, old.speakers) == ("old", 6, 1)
    assert {(answer.speaker, answer.fold) for answer in found.answers} == {
        (f"s{n}", n) for n in range(5)
    }

    record = TrainingRecord.from_json((tmp_path / "model" / "training.json").read_text())
    assert record.weight_hashes_before == base.record.weight_hashes
    assert record.domain_labels["own"] == own_clips.LABELS.labels
    again = trained.load(str(tmp_path / "model"))
    served = tf.saved_model.load(path_utils.serving_model_path(str(tmp_path / "model")))
    noise = tf.random.stateless_normal((1, 16_000), (1, 2))
    answer = served.signatures["serve_waveform"](
        waveform=noise, num_samples=tf.constant([16_000]), rate_hz=tf.constant([16_000])
    )
    assert [word.decode() for word in answer["labels"].numpy()[0]] == list(again.labels)
    assert answer["probabilities"].numpy().sum() == pytest.approx(1.0, abs=1e-5)

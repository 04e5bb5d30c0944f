"""For tests: the output folder of a release, as far as an adaptation looks at it."""

import json
from collections.abc import Iterable
from pathlib import Path

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as proto

from corpora import manifest
from modules.training.records import NetworkRecord, SettingsRecord, TrainingRecord
from pipeline import config as configs
from schemas.labels import PAPER, LabelSet
from schemas.utterance import Utterance

MODEL = "pipeline_root/Trainer.pretrain/model"
EXAMPLES = "pipeline_root/Transform/transformed_examples/4"


def record(labels: LabelSet = PAPER, **changes) -> TrainingRecord:
    """Returns the record of a pre-training that nobody carried out."""
    values = {
        "name": "pretrain",
        "labels": labels.labels,
        "domain_labels": {"old": labels.labels},
        "network": NetworkRecord(
            front_end="log_mel_cnn",
            preset="small",
            precision="float32",
            encoder=None,
            members=1,
            parameters=1,
        ),
        "settings": SettingsRecord(
            epochs=1,
            batch_size=1,
            optimizer="adamw",
            learning_rate=1.0,
            weight_decay=0.0,
            schedule="constant",
            sampling="shuffled",
            label_smoothing=0.0,
            patience=0,
            shift_s=0.0,
            seed=0,
        ),
        "clips": {"old": 4},
        "held_out": {},
        "history": [],
        "kept_epoch": None,
        "weight_hashes": {"conv1": "aa", "dense": "bb"},
    }
    return TrainingRecord(**{**values, **changes})


def write(
    folder: Path,
    trained: TrainingRecord | None,
    *,
    recordings: Iterable[Utterance] = (),
    **config,
) -> Path:
    """Writes such a folder; without a record, of a release whose pre-training failed."""
    (folder / "manifests").mkdir(parents=True)
    file = folder / "manifests" / "m.csv"
    utterances = [*recordings] or [
        Utterance(
            utterance_id=f"old/{label}",
            path=f"/{label}.wav",
            domain="old",
            speaker=label,
            emotion=label,
            sha256=f"sha {label}",
            fold_random=1,
            fold_speaker_independent=1,
        )
        for label in ("anger", "fear")
    ]
    manifest.write(manifest.Manifest.of(utterances), file)
    values = {"manifest": str(file), "output": str(folder), "front_end": "log_mel_cnn", **config}
    (folder / "config.yaml").write_text(configs.parse(values, source="test").to_yaml())
    # As of a folder that has been moved since.
    (folder / "run.json").write_text(json.dumps({"manifest": f"/gone/{file.name}"}))
    source = proto.SqliteMetadataSourceConfig(
        filename_uri=str(folder / "metadata.sqlite"),
        connection_mode=proto.SqliteMetadataSourceConfig.READWRITE_OPENCREATE,
    )
    store = metadata_store.MetadataStore(proto.ConnectionConfig(sqlite=source))
    models = store.put_artifact_type(proto.ArtifactType(name="Model"))
    examples = store.put_artifact_type(proto.ArtifactType(name="Examples"))
    kind = store.put_execution_type(proto.ExecutionType(name="Trainer"))
    if trained is not None:
        # The older model, the newest one that is whole, and one that a failure left without record.
        for number in (5, 6, 7):
            model = folder / MODEL / str(number)
            model.mkdir(parents=True)
            (model / "network.keras").write_bytes(b"")
            if number < 7:
                (model / "training.json").write_text(trained.to_json())
            own = proto.Artifact(
                type_id=models, uri=f"/gone/{MODEL}/{number}", state=proto.Artifact.LIVE
            )
            clips = proto.Artifact(type_id=examples, uri=f"/gone/{EXAMPLES}")
            events = [
                (clips, _event(proto.Event.INPUT, "examples")),
                (own, _event(proto.Event.OUTPUT, "model")),
            ]
            store.put_execution(proto.Execution(type_id=kind), events, [])
    return folder


def _event(kind: int, key: str) -> proto.Event:
    event = proto.Event(type=kind)
    event.path.steps.add().key = key
    return event

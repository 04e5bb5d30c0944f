"""The release whose network is adapted, as its output folder tells it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from corpora import manifest as manifests
from modules.training.records import RECORD_FILE, TrainingRecord
from modules.training.trained import NETWORK_FILE, spec_of
from pipeline import config as configs
from pipeline import metadata_store
from pipeline.config import ReleaseConfig
from pipeline.networks import network_spec
from pipeline.nodes import node_id
from pipeline.pretrainings import PRETRAIN
from pipeline.run_folder import CONFIG_FILE, MANIFESTS, METADATA_FILE, PIPELINE_ROOT, RUN_FILE
from schemas import files, splits
from schemas.errors import UserError
from schemas.labels import LabelSet

# The release's pre-training on all domains.
_NODE = node_id("Trainer", PRETRAIN)
_MODEL, _EXAMPLES = "model", "examples"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaseRelease:
    """A release with a pre-trained network.

    Attributes:
      folder: Its output folder.
      config: Its resolved configuration.
      model: Folder of its newest pre-training on all domains.
      examples: Folder of the clips that this was trained on, with all folds; `None` where they are
        no longer there.
      record: What the pre-training did.
      record_digest: SHA-256 of the record's file, which holds the hashes of all weights.
      recordings: Ids, by SHA-256, of the recordings that it was trained on.
    """

    folder: Path
    config: ReleaseConfig
    model: Path
    examples: Path | None
    record: TrainingRecord
    record_digest: str
    recordings: dict[str, str]

    @property
    def labels(self) -> LabelSet:
        """What its outputs stand for."""
        return LabelSet(self.record.labels)

    @property
    def test_split(self) -> str:
        """The split that it was not trained on."""
        return splits.FOLD_SPLITS[self.config.test_fold]


def read(folder: Path) -> BaseRelease:
    """Reads a release's output folder.

    Raises:
      UserError: It is no such folder, no network was pre-trained in it, or its configuration names
        another network than the one that was.
    """
    no_release = f"{folder} is no release: it has no {{}}; give the --output of a `ser run`"
    for name in (RUN_FILE, CONFIG_FILE):
        if not (folder / name).is_file():
            raise UserError(no_release.format(name))
    config = configs.load(folder / CONFIG_FILE)
    if config.metadata.store == "sqlite" and not (folder / METADATA_FILE).is_file():
        raise UserError(no_release.format(METADATA_FILE))
    model, examples = _pretraining(folder, config)
    file = model / RECORD_FILE
    record = TrainingRecord.from_json(file.read_text(encoding="utf-8"))
    run = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    manifest = folder / MANIFESTS / Path(run["manifest"]).name
    if not manifest.is_file():
        raise UserError(no_release.format(manifest.relative_to(folder)))
    found = BaseRelease(
        folder=folder,
        config=config,
        model=model,
        examples=examples,
        record=record,
        record_digest=files.sha256(file),
        recordings={
            utterance.sha256: utterance.utterance_id
            for utterance in manifests.read(manifest).utterances
            if utterance.sha256 and utterance.fold(config.protocol) != config.test_fold
        },
    )
    _check_network(found)
    return found


def _check_network(base: BaseRelease) -> None:
    """Raises UserError where the configuration, or the encoder now in the store, is another one."""
    trained, named = spec_of(base.record.network, base.labels), base.config
    for what, own, other in (
        ("front end", trained.front_end, named.front_end),
        ("preset", trained.preset, named.network_preset),
        ("number of members", trained.members, named.members),
    ):
        if own != other:
            raise UserError(
                f"{base.folder}: its configuration names the {what} {other}, but its network has"
                f" {own}: run the release to its end"
            )
    now = network_spec(named, base.labels)
    if trained.encoder != now.encoder:
        assert trained.encoder is not None
        raise UserError(
            f"{base.folder}: its network holds the encoder {trained.encoder.name} of SHA-256"
            f" {trained.encoder.sha256[:12]}, and the encoder of that name in the store is another"
            " one; add the one that it was trained with (`ser encoder add`), or run the release"
            " again"
        )


def _pretraining(folder: Path, config: ReleaseConfig) -> tuple[Path, Path | None]:
    """Returns the folders of the newest pre-training and of the clips it was trained on.

    The metadata store holds absolute paths: those of a release that was moved are followed.
    """
    from ml_metadata.proto import metadata_store_pb2 as proto

    store = metadata_store.open_store(config.metadata, folder, read_only=True)
    root = folder.absolute() / PIPELINE_ROOT
    for artifact in sorted(store.get_artifacts_by_type("Model"), key=lambda each: -each.id):
        path = _moved(artifact.uri, root)
        if path.parts[-3:-1] != (_NODE, _MODEL) or artifact.state != proto.Artifact.LIVE:
            continue
        if all((path / name).is_file() for name in (NETWORK_FILE, RECORD_FILE)):
            return path, _examples(store, artifact, root)
    raise UserError(
        f"{folder}: no network was pre-trained on all domains ({_NODE} did not end well); run the"
        " release to its end"
    )


def _examples(store: Any, model: Any, root: Path) -> Path | None:
    """Returns the folder of the clips that a model was trained on, if it is still there."""
    [made] = [
        event.execution_id
        for event in store.get_events_by_artifact_ids([model.id])
        if event.type == event.OUTPUT
    ][:1]
    for event in store.get_events_by_execution_ids([made]):
        if event.type == event.INPUT and event.path.steps[0].key == _EXAMPLES:
            [artifact] = store.get_artifacts_by_id([event.artifact_id])
            path = _moved(artifact.uri, root)
            return path if path.is_dir() else None
    return None


def _moved(uri: str, root: Path) -> Path:
    """Returns where an artifact is in the pipeline root that is there now."""
    parts = Path(uri).parts
    if PIPELINE_ROOT not in parts:
        return Path(uri)
    place = len(parts) - 1 - parts[::-1].index(PIPELINE_ROOT)
    return root.joinpath(*parts[place + 1 :])

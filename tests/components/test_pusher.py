"""What is called pushed lies in the serving folder, above every other version."""

import shutil
import time
from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.dsl.component.experimental import annotations, decorators
from tfx.orchestration import metadata

from components.pusher.artifact import versions
from components.pusher.component import Pusher
from pipeline.runners import local

Model = tfx.types.standard_artifacts.Model


@decorators.component
def Made(model: annotations.OutputArtifact[Model], words: annotations.Parameter[str]):
    folder = Path(model.uri) / "Format-Serving"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(words)
    (folder / "variables" / "weights").write_text("1")


def _push(tmp_path, words="a"):
    """Runs a pipeline that pushes a model; returns what became of its Pusher."""
    made = Made(words=words)
    pusher = Pusher(
        model=made.outputs["model"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(
                base_directory=str(tmp_path / "serving")
            )
        ),
    )
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root=str(tmp_path / "root"),
        components=[made, pusher],
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(tmp_path / "metadata.sqlite")
        ),
        enable_cache=True,
    )
    _, (_, result) = local.run(pipeline)
    assert result.component == "Pusher"
    return result.status


@pytest.mark.component
def test_a_version_that_is_gone_is_pushed_again_and_numbers_only_grow(tmp_path):
    serving = tmp_path / "serving"
    # As after the clock went back a year.
    ahead = int(time.time()) + 365 * 86_400
    (serving / str(ahead)).mkdir(parents=True)
    assert _push(tmp_path) == "executed"
    assert versions(str(serving), whole=True) == [ahead + 1]
    assert (serving / str(ahead + 1) / "variables" / "weights").read_text() == "1"
    assert _push(tmp_path) == "cached"
    assert _push(tmp_path, words="b") == "executed"
    assert versions(str(serving), whole=True) == [ahead + 1, ahead + 2]

    shutil.rmtree(serving)
    assert _push(tmp_path, words="b") == "executed"
    [again] = versions(str(serving), whole=True)
    assert (serving / str(again) / "saved_model.pb").read_text() == "b"
    assert _push(tmp_path, words="b") == "cached"


def test_versions_are_whole_numbers_and_those_in_the_making_are_told_apart(tmp_path):
    for name in ("3", "20", "007", "new", "-1", ".4"):
        (tmp_path / name).mkdir()
    (tmp_path / "20" / "saved_model.pb").touch()
    assert versions(str(tmp_path), whole=False) == [3, 20]
    assert versions(str(tmp_path), whole=True) == [20]
    assert versions(str(tmp_path / "nowhere"), whole=True) == []

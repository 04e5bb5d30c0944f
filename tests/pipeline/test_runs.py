"""Old artifacts go, but for what is blessed, pushed, accepted, or used by a run that is kept."""

from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.dsl.component.experimental import annotations, decorators
from tfx.types import standard_artifacts

from cli import main
from components.data_gate.artifact import AcceptedData
from pipeline import runs
from pipeline.config import ReleaseConfig
from pipeline.run_folder import CONFIG_FILE, LOCK_FILE, METADATA_FILE, PIPELINE_ROOT
from pipeline.runners import local
from schemas import files
from schemas.errors import UserError

SIZE = 1_000


def _fill(artifact):
    Path(artifact.uri).mkdir(parents=True, exist_ok=True)
    (Path(artifact.uri) / "content").write_bytes(b"x" * SIZE)


@decorators.component
def Data(
    data: annotations.OutputArtifact[standard_artifacts.Examples],
    accepted: annotations.OutputArtifact[AcceptedData],
    version: annotations.Parameter[int],
):
    _fill(data)
    _fill(accepted)


@decorators.component
def Train(
    data: annotations.InputArtifact[standard_artifacts.Examples],
    model: annotations.OutputArtifact[standard_artifacts.Model],
    log: annotations.OutputArtifact[standard_artifacts.ModelRun],
    seed: annotations.Parameter[int],
):
    _fill(model)
    _fill(log)


@decorators.component
def Judge(
    model: annotations.InputArtifact[standard_artifacts.Model],
    blessing: annotations.OutputArtifact[standard_artifacts.ModelBlessing],
    blessed: annotations.Parameter[int],
):
    _fill(blessing)
    blessing.set_int_custom_property("blessed", blessed)


def _run(output, *, version=1, seed=1, blessed=0):
    data = Data(version=version)
    train = Train(data=data.outputs["data"], seed=seed)
    judge = Judge(model=train.outputs["model"], blessed=blessed)
    _, results = local.run(
        tfx.dsl.Pipeline(
            pipeline_name="test",
            pipeline_root=str(output / PIPELINE_ROOT),
            components=[data, train, judge],
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(output / METADATA_FILE)
            ),
        )
    )
    return {result.node_id: result.status for result in results}


def _contents(output):
    return sorted(
        str(file.relative_to(output / PIPELINE_ROOT).parent.parent)
        for file in (output / PIPELINE_ROOT).rglob("content")
    )


@pytest.mark.component
def test_cleaning_keeps_what_the_newest_runs_use_and_what_was_blessed(tmp_path, capsys):
    (tmp_path / CONFIG_FILE).write_text(
        ReleaseConfig(name="test", output=tmp_path, manifest=tmp_path / "m.csv").to_yaml()
    )
    _run(tmp_path, version=1, seed=1, blessed=1)
    _run(tmp_path, version=2, seed=2)
    _run(tmp_path, version=2, seed=3)
    newest, *_ = found = runs.list_runs(tmp_path)
    assert [run.states for run in found] == [
        {"COMPLETE": 2, "CACHED": 1},
        {"COMPLETE": 3},
        {"COMPLETE": 3},
    ]
    # Its model, log and blessing are its own; data and accepted data are the second run's too.
    assert (newest.num_bytes, newest.own_bytes) == (5 * SIZE, 3 * SIZE)

    before = _contents(tmp_path)
    planned = runs.clean(tmp_path, keep=1, dry_run=True)
    assert _contents(tmp_path) == before
    # Of the first run data and log, of the second model, log and blessing.
    assert planned.by_node == {"Data": SIZE, "Train": 3 * SIZE, "Judge": SIZE}
    assert planned.num_protected == 3

    with files.locked(tmp_path / LOCK_FILE, busy="busy"), pytest.raises(UserError, match="in use"):
        runs.clean(tmp_path, keep=1)
    assert main.main(["runs", "clean", "--output", str(tmp_path), "--keep", "1"]) == 0
    assert "5.0 kB freed: 5 artifacts of 2 older runs" in capsys.readouterr().out
    assert _contents(tmp_path) == [
        *["Data/accepted"] * 2,
        "Data/data",
        *["Judge/blessing"] * 2,
        "Train/log",
        *["Train/model"] * 2,
    ]
    assert set(_run(tmp_path, version=2, seed=3).values()) == {"cached"}
    # What is gone is made again; of the first run the accepted data alone would be no result.
    assert _run(tmp_path, version=1, seed=1, blessed=1)["Data"] == "executed"


def test_a_folder_without_a_run_and_too_few_to_keep_are_told(tmp_path, capsys):
    assert main.main(["runs", "--output", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err
    assert main.main(["runs", "clean", "--output", str(tmp_path), "--keep", "0"]) == 2
    assert "--keep 0" in capsys.readouterr().err

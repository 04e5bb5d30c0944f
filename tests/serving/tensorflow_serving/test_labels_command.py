"""`ser serving`: what it writes, as TF Serving's own protobufs read it, and what it refuses."""

import shutil
import subprocess
import sys

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from cli.main import main
from serving.embedded.server import Server


@pytest.fixture
def ser(root):
    def run(command, *words):
        return main(["serving", command, *map(str, words), "--root", str(root)])

    return run


@pytest.fixture
def path(root):
    return root.parent / "tensorflow_serving" / "models.config"


def served(path):
    """Returns {model: (base path, versions that are loaded, labels)}."""
    config = text_format.Parse(path.read_text(), ModelServerConfig())
    return {
        entry.name: (
            entry.base_path,
            list(entry.model_version_policy.specific.versions),
            dict(entry.version_labels),
        )
        for entry in config.model_config_list.config
    }


def test_each_model_of_a_serving_folder_has_its_newest_version_stable(ser, path):
    assert ser("config") == 0
    assert served(path) == {
        "emodb": ("/models/emodb", [12], {"stable": 12}),
        "multi-domain": ("/models/multi-domain", [7], {"stable": 7}),
    }


def test_a_version_is_tried_promoted_and_taken_back(ser, path, capsys):
    ser("config")
    for words, versions, labels in (
        (("canary", "emodb", 5), [5, 12], {"stable": 12, "canary": 5}),
        (("promote", "emodb", 5), [5, 12], {"stable": 5, "previous": 12}),
        (("canary", "emodb", 3), [3, 5, 12], {"stable": 5, "previous": 12, "canary": 3}),
        (("rollback", "emodb"), [3, 5, 12], {"stable": 12, "previous": 5, "canary": 3}),
        (("canary", "emodb", "--remove"), [5, 12], {"stable": 12, "previous": 5}),
        (("rollback", "emodb", 5), [5, 12], {"stable": 5, "previous": 12}),
    ):
        before = path.read_bytes()
        assert ser(*words) == 0
        assert served(path)["emodb"] == ("/models/emodb", versions, labels)
        assert path.with_name("models.config.previous").read_bytes() == before
    assert served(path)["multi-domain"][2] == {"stable": 7}
    assert "now:    emodb: stable 5, previous 12" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("canary", "multi-domain", 4), "version 4 is not in"),
        (("canary", "multi-domain", 8), "there: 7"),
        (("canary", "emodb", 12), "is stable already"),
        (("canary", "emodb", 3), "version 5 is the canary"),
        (("canary", "urdu", 3), "has no model urdu; it has emodb, multi-domain"),
        (("canary", "emodb", 3, "--remove"), "either a VERSION or --remove"),
        (("canary", "multi-domain", "--remove"), "no version is on trial"),
        (("promote", "emodb", 3), "`ser serving canary emodb 3` first"),
        (("promote", "emodb", 12), "is stable already"),
        (("rollback", "emodb"), "no version was stable before 12"),
        (("rollback", "emodb", 3), "version 3 is not loaded"),
        (("promote", "emodb", 5, "--address", "127.0.0.1:1"), "no server answers there"),
        (("config", "--tls-key", "key.pem"), "--tls-key and --tls-cert belong together"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ser, path, capsys, words, told):
    ser("config")
    ser("canary", "emodb", 5)
    before = path.read_bytes()
    assert ser(*words) == 2
    assert told in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model_config_list { config { nam: 3 } }", 'no field named "nam"'),
        ("model_config_list { config { name: 'a' } config { name: 'a' } }", "the model a twice"),
        ("custom_model_config { }", "custom_model_config"),
        ("model_config_list { config { name: 'emodb' } }", "no version labelled stable"),
    ],
)
def test_a_file_that_cannot_be_edited_stays(ser, path, capsys, text, told):
    path.parent.mkdir()
    path.write_text(text)
    assert ser("canary", "emodb", 5) == 2
    error = capsys.readouterr().err
    assert told in error
    assert str(path) in error
    assert path.read_text() == text


def test_no_configuration_names_the_command_that_writes_one(ser, path, capsys):
    assert ser("promote", "emodb", 5) == 2
    assert "`ser serving config --root DIR`" in capsys.readouterr().err
    assert not path.parent.exists()


def test_models_may_lie_in_a_bucket_and_move_there(ser, path, capsys):
    ser("config")
    ser("canary", "emodb", 5)
    capsys.readouterr()
    assert ser("config", "--base-path", "gs://bucket/serving/") == 0
    assert served(path)["emodb"][0] == "gs://bucket/serving/emodb"
    assert served(path)["emodb"][2] == {"stable": 12, "canary": 5}
    assert "emodb: its base path was /models/emodb" in capsys.readouterr().out


def test_a_new_release_changes_no_label_and_what_others_wrote_stays(ser, root, path, capsys):
    ser("config")
    ser("canary", "emodb", 5)
    config = text_format.Parse(path.read_text(), ModelServerConfig())
    config.model_config_list.config[0].logging_config.sampling_config.sampling_rate = 0.5
    config.model_config_list.config[0].version_labels["pinned"] = 3
    config.model_config_list.config.add(name="theirs", base_path="/elsewhere/theirs")
    path.write_text(text_format.MessageToString(config))
    for version in ("emodb/20", "urdu/2"):
        (root / version).mkdir(parents=True)
        (root / version / "saved_model.pb").touch()
    (root / "multi-domain").rename(root.parent / "gone")
    capsys.readouterr()
    assert ser("config") == 0
    assert served(path) == {
        "emodb": ("/models/emodb", [3, 5, 12], {"stable": 12, "canary": 5, "pinned": 3}),
        "theirs": ("/elsewhere/theirs", [], {}),
        "urdu": ("/models/urdu", [2], {"stable": 2}),
    }
    assert "sampling_rate: 0.5" in path.read_text()
    said = capsys.readouterr().out
    assert "multi-domain: left out" in said
    assert "theirs: kept as it is" in said


def test_a_stable_version_that_is_gone_is_replaced_and_told(ser, root, path, capsys):
    ser("config")
    ser("canary", "emodb", 5)
    (root / "emodb" / "12").rename(root.parent / "gone")
    assert ser("check") == 2
    assert "version 12, which is not in" in capsys.readouterr().err
    assert ser("config") == 0
    assert served(path)["emodb"][2] == {"stable": 5}
    said = capsys.readouterr().out
    assert "emodb: stable was version 12, which is gone" in said
    assert ser("check") == 0


def test_the_same_again_keeps_the_file_before(ser, path):
    ser("config")
    ser("canary", "emodb", 5)
    kept = path.with_name("models.config.previous").read_bytes()
    assert ser("config") == 0
    assert path.with_name("models.config.previous").read_bytes() == kept


def test_many_edits_at_once_are_all_there_or_refused(root, ser, path):
    ser("config")
    labels = [("emodb", 3), ("emodb", 5), ("multi-domain", 6)]
    (root / "multi-domain" / "6").mkdir()
    (root / "multi-domain" / "6" / "saved_model.pb").touch()
    command = [sys.executable, "-m", "cli.main", "serving", "canary", "--root", str(root)]
    started = [
        subprocess.Popen([*command, model, str(version)], stderr=subprocess.PIPE, text=True)
        for model, version in labels
    ]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    done = [label for label, (_, status) in zip(labels, ended, strict=True) if status == 0]
    assert {status for _, status in ended} <= {0, 2}
    assert done
    for model, version in done:
        assert served(path)[model][2]["canary"] == version


@pytest.mark.component
def test_a_running_server_is_asked_before_a_label_moves(push, tmp_path, capsys):
    root, config = tmp_path / "serving", tmp_path / "tensorflow_serving" / "models.config"
    folders = ["--root", str(root), "--config", str(config.parent)]
    push("anger", "emodb", 1)
    push("sadness", "emodb", 2)
    assert main(["serving", "config", *folders]) == 0
    assert main(["serving", "canary", "emodb", "1", *folders]) == 0
    # As a server whose configuration is older than the file.
    old = tmp_path / "old.config"
    old.write_text(config.read_text().replace("versions: 1", ""))
    with Server(root, config=old, poll_s=None) as server:
        promote = ["serving", "promote", "emodb", "1", "--address", server.address, *folders]
        assert main(promote) == 2
        assert "version 1 is not loaded by the server" in capsys.readouterr().err
        assert served(config)["emodb"][2] == {"stable": 2, "canary": 1}
        shutil.copy(config, old)
        server.refresh()
        assert main(promote) == 0
        assert served(config)["emodb"][2] == {"stable": 1, "previous": 2}

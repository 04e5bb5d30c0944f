"""Files of storage services: as boto3 sees them on a local server."""

import io
import os
import pickle
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import botocore.exceptions
import numpy as np
import pytest

from modules.audio import contents
from modules.audio.errors import DecodingError
from schemas import copies, files, table
from schemas.errors import UserError
from schemas.places import is_remote, place


@pytest.fixture
def bucket(s3):
    name = f"ser-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


def _names(s3, bucket):
    return sorted(each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []))


def _body(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_an_address_keeps_its_form(scheme):
    root = place(f"{scheme}://bucket/run/")
    file = root / "a b" / "speech.csv"
    assert str(file) == os.fspath(file) == f"{scheme}://bucket/run/a b/speech.csv"
    assert (file.name, str(file.parent.parent)) == ("speech.csv", f"{scheme}://bucket/run")
    assert str(file.with_suffix(".probes.json")).endswith("run/a b/speech.probes.json")
    assert file == file.absolute() == file.resolve() == place(str(file)) == place(file)
    assert str(pickle.loads(pickle.dumps(file))) == str(file)
    assert is_remote(file)
    assert not is_remote("a/b")
    assert type(place("a/b")) is type(Path("a/b"))


def test_files_and_folders_of_a_bucket(s3, bucket):
    root = place(f"s3://{bucket}")
    assert not (root / "run").exists()
    (root / "run").mkdir(parents=True, exist_ok=True)
    (root / "run" / "ä b.txt").write_text("hällo\n", encoding="utf-8")
    (root / "run" / "below" / "c.bin").write_bytes(b"\xff\0")
    assert _names(s3, bucket) == ["run/below/c.bin", "run/ä b.txt"]
    assert _body(s3, bucket, "run/ä b.txt") == "hällo\n".encode()
    assert (root / "run" / "ä b.txt").read_text(encoding="utf-8") == "hällo\n"
    folder = root / "run"
    assert folder.is_dir()
    assert not folder.is_file()
    assert [path.name for path in folder.iterdir()] == ["below", "ä b.txt"]
    assert [path.name for path in folder.glob("*.txt")] == ["ä b.txt"]
    assert {path.name for path in folder.rglob("*")} == {"below", "c.bin", "ä b.txt"}
    assert [path.name for path in root.iterdir()] == ["run"]
    assert (folder / "below" / "c.bin").stat().st_size == 2
    (folder / "below" / "c.bin").replace(folder / "d.bin")
    (folder / "ä b.txt").unlink()
    assert _names(s3, bucket) == ["run/d.bin"]
    with pytest.raises(FileNotFoundError, match="nothing"):
        (folder / "nothing").read_bytes()
    with pytest.raises(FileNotFoundError):
        place("s3://no-such-bucket-here/a").write_text("")


def test_what_is_not_finished_is_not_sent(s3, bucket):
    path = place(f"s3://{bucket}/a.npz")
    with suppress(ZeroDivisionError), files.replacing(path, binary=True) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert _names(s3, bucket) == []
    with files.replacing(path, binary=True) as file:
        np.savez(file, a=np.arange(3))
    assert np.load(io.BytesIO(_body(s3, bucket, "a.npz")))["a"].tolist() == [0, 1, 2]
    with suppress(ZeroDivisionError), copies.local_folder(f"s3://{bucket}/f") as folder:
        (folder / "b").write_text("half")
        raise ZeroDivisionError
    assert _names(s3, bucket) == ["a.npz"]


def test_copies_end_with_their_use(s3, bucket):
    with copies.local_folder(f"s3://{bucket}/model") as folder:
        (folder / "variables").mkdir()
        (folder / "variables" / "index").write_text("1")
        (folder / "saved_model.pb").write_text("2")
    assert not folder.exists()
    assert _names(s3, bucket) == ["model/saved_model.pb", "model/variables/index"]
    with copies.local_copy(f"s3://{bucket}/model") as copy:
        assert (copy / "variables" / "index").read_text() == "1"
        assert (copy / "saved_model.pb").read_text() == "2"
    assert not copy.exists()
    with suppress(ZeroDivisionError), copies.local_file(f"s3://{bucket}/log") as log:
        log.write_text("what happened")
        raise ZeroDivisionError
    assert _body(s3, bucket, "log") == b"what happened"


def test_one_process_of_this_machine_works_in_a_remote_folder(bucket):
    path = place(f"s3://{bucket}/.lock")
    with (
        files.locked(path, busy="in use"),
        pytest.raises(UserError, match="in use"),
        files.locked(path, busy="in use"),
    ):
        pass
    with files.locked(place(f"s3://{bucket}/other/.lock"), busy="in use"):
        pass


def test_recordings_beside_a_manifest(s3, bucket):
    s3.put_object(Bucket=bucket, Key="data/a.wav", Body=b"RIFF" * 1000)
    text = f"path\na.wav\ns3://{bucket}/data/a.wav\n/data/b.wav\n"
    s3.put_object(Bucket=bucket, Key="data/list.csv", Body=text.encode())
    rows = table.rows(place(f"s3://{bucket}/data/list.csv"), required=("path",))
    first, second, third = (row.recording_path() for row in rows)
    assert first == second == f"s3://{bucket}/data/a.wav"
    assert third.endswith("/data/b.wav")
    # Small ones are held, large ones lie in a file.
    for most in (10**6, 0):
        with contents.opened(first, most_in_memory=most) as data:
            assert len(data) == 4000
            assert data[4:8] == b"RIFF"
            assert isinstance(data, bytes) == bool(most)
    with pytest.raises(DecodingError, match="no such file"), contents.opened(f"{first}x"):
        pass
    with pytest.raises(UserError, match="no such file"):
        table.read(place(f"s3://{bucket}/data/none.csv"), required=("path",))


@pytest.mark.parametrize("status", [0, 3])
def test_a_process_ends_with_its_own_status(bucket, s3, status):
    code = (
        "import sys; from schemas.places import place;"
        f"place('s3://{bucket}/a').write_text('b'); print('done'); sys.exit({status})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, "pure virtual" in done.stderr) == (
        status,
        "done\n",
        False,
    )
    with pytest.raises(botocore.exceptions.ClientError):
        s3.head_object(Bucket=bucket, Key="b")
    assert _body(s3, bucket, "a") == b"b"

"""What is told of a storage service that cannot be worked with, before work begins."""

import contextlib
import http.server
import json
import os
import threading
import uuid

import pytest
import s3_server

from cli.main import main
from pipeline import storage_checks
from schemas.errors import UserError
from schemas.places import place

_REFUSED_S3 = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@contextlib.contextmanager
def _answering(status: int, body: bytes):
    """Yields the address of a server that answers everything in one way."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = _answer

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _refuse_all(manifest, *more):
    return main(["run", "--config", "demo-waveform", "--manifest", manifest, *more])


def test_a_bucket_that_can_be_worked_with(s3):
    name = f"ser-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    storage_checks.check_readable("manifest", place(f"s3://{name}/m.csv"))
    storage_checks.check_writable("output", place(f"s3://{name}/out"))
    storage_checks.check_writable("output", place("/no/bucket"))
    # Nothing is left of the try.
    assert "Contents" not in s3.list_objects_v2(Bucket=name)


def test_a_bucket_that_is_not_there(s3, capsys):
    assert _refuse_all("s3://ser-nowhere/m.csv") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "manifest s3://ser-nowhere/m.csv: there is no bucket ser-nowhere" in line


def test_no_database_on_a_storage_service(s3, tmp_path, capsys):
    name = f"ser-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    assert _refuse_all(str(tmp_path / "m.csv"), "--output", f"s3://{name}/out") == 2
    assert "set metadata.file to a file of this machine" in capsys.readouterr().err
    more = ("--set", f"metadata.file=s3://{name}/m.sqlite")
    assert _refuse_all(str(tmp_path / "m.csv"), "--output", f"s3://{name}/out", *more) == 2
    assert "a database needs a disk" in capsys.readouterr().err


def test_s3_without_credentials(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"output s3://b-1/a: no credentials: set AWS_ACCESS_KEY"):
        storage_checks.check_writable("output", place("s3://b-1/a"))


def test_s3_that_does_not_answer(monkeypatch):
    endpoint = f"http://127.0.0.1:{s3_server.free_port()}"
    for name, value in s3_server.environment(endpoint).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"nothing answers at {endpoint}: mend AWS_ENDPOINT_URL"):
        storage_checks.check_readable("manifest", place("s3://b-1/a"))


def test_s3_that_refuses(monkeypatch):
    with _answering(403, _REFUSED_S3) as endpoint:
        for name, value in s3_server.environment(endpoint).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UserError, match=r"refused \(AccessDenied\): give the credentials"):
            storage_checks.check_readable("manifest", place("s3://b-1/a"))


@pytest.mark.parametrize(
    ("status", "told"), [(404, "there is no bucket b-1"), (403, "the service refuses it")]
)
def test_google_cloud_storage(monkeypatch, status, told):
    body = json.dumps({"error": {"code": status, "message": "no"}}).encode()
    with _answering(status, body) as endpoint:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
        with pytest.raises(UserError, match=f"manifest gs://b-1/m.csv: {told}"):
            storage_checks.check_readable("manifest", place("gs://b-1/m.csv"))


def test_google_cloud_storage_that_works(monkeypatch):
    with _answering(200, b"{}") as endpoint:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
        storage_checks.check_readable("manifest", place("gs://b-1/m.csv"))


def test_google_cloud_storage_without_credentials(monkeypatch, tmp_path):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", os.fspath(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(UserError, match="no credentials that can be used: set GOOGLE_APPL"):
        storage_checks.check_readable("manifest", place("gs://b-1/m.csv"))

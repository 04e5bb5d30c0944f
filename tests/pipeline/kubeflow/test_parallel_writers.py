"""A store that tasks can share keeps what they write at once; what is in the way is told."""

import mariadb_server
import pytest

from pipeline import metadata_store
from pipeline.config import Metadata
from pipeline.config.metadata import PASSWORD_VARIABLE
from pipeline.kubeflow import parallel_writers
from schemas.errors import UserError

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def port():
    with mariadb_server.running() as port:
        yield port


@pytest.fixture
def mysql(port, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, mariadb_server.PASSWORD)
    return Metadata(store="mysql", host="127.0.0.1", port=port, user=mariadb_server.USER)


def test_mariadb_keeps_all_and_is_tried_once(mysql, tmp_path, monkeypatch):
    parallel_writers.check(mysql, tmp_path)
    executions = metadata_store.open_store(mysql, tmp_path).get_executions()
    # Three processes, ten each.
    assert len(executions) == 30
    monkeypatch.setattr(parallel_writers, "tried", lambda *_: pytest.fail("tried again"))
    parallel_writers.check(mysql, tmp_path)


def test_a_store_that_loses_some_is_refused(mysql, tmp_path, monkeypatch):
    monkeypatch.setattr(parallel_writers, "tried", lambda *_: 17)
    other = mysql.model_copy(update={"database": "other"})
    with pytest.raises(UserError, match=r"of 30 executions that 3 processes wrote .* kept 17"):
        parallel_writers.check(other, tmp_path)


def test_wrong_password(mysql, tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with pytest.raises(UserError, match=f"lets nobody in.*{PASSWORD_VARIABLE}"):
        metadata_store.open_store(mysql, tmp_path)


def test_no_password(mysql, tmp_path, monkeypatch):
    monkeypatch.delenv(PASSWORD_VARIABLE)
    with pytest.raises(UserError, match=f"{PASSWORD_VARIABLE} is not set"):
        metadata_store.open_store(mysql, tmp_path)


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "x")
    nowhere = Metadata(store="mysql", host="127.0.0.1", port=9)
    with pytest.raises(UserError, match=r"mysql://ser@127\.0\.0\.1:9/ser: nothing answers"):
        metadata_store.open_store(nowhere, tmp_path)

import csv

import pytest

from corpora import manifest
from schemas.errors import UserError


def test_account_is_written_as_csv(tmp_path):
    entry = manifest.Entry(path="/a,b.wav", domain="d", status="skipped", reason="neutral")
    manifest.write_account([entry], tmp_path / "account.csv")
    with open(tmp_path / "account.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "domain", "status", "reason"],
            ["/a,b.wav", "d", "skipped", "neutral"],
        ]


def test_an_account_is_read_as_written(tmp_path):
    account = [
        manifest.Entry(path="/a,b.wav", domain="d", status="skipped", reason='"neutral"'),
        manifest.Entry(path="/c.wav", domain="d", status="used"),
    ]
    manifest.write_account(account, tmp_path / "m.account.csv")
    assert manifest.read_account(tmp_path / "m.account.csv") == account
    (tmp_path / "other.csv").write_text("path,fold\n")
    with pytest.raises(UserError, match=r"other\.csv: has no column domain, status, reason"):
        manifest.read_account(tmp_path / "other.csv")

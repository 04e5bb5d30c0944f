"""Manifests: CSV files with a row per utterance, what lies beside them, and what to ask of one.

`manifest.py` reads and writes them, `account.py` and `sources.py` what lies beside;
`columns.py` knows what their columns may be called; `fold_checks.py` judges their folds,
`recordings.py` compares them with the recordings.
"""

from corpora.manifest.account import Entry, account_path, read_account, write_account
from corpora.manifest.fold_checks import check_folds, fold_problems
from corpora.manifest.manifest import COLUMNS, Manifest, digest, read, write
from corpora.manifest.recordings import refresh

__all__ = [
    "COLUMNS",
    "Entry",
    "Manifest",
    "account_path",
    "check_folds",
    "digest",
    "fold_problems",
    "read",
    "read_account",
    "refresh",
    "write",
    "write_account",
]

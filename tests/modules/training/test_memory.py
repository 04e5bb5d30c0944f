"""The limit of memory: what it is by default, and what is too little."""

import os

import pytest

from modules.training import memory
from schemas.errors import UserError


def test_a_quarter_of_the_machine_or_container_by_default(monkeypatch, tmp_path):
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "_CONTAINER_LIMIT", limit)
    assert memory.limit_bytes(None) == machine // 4
    limit.write_text("max\n")
    assert memory.limit_bytes(None) == machine // 4
    limit.write_text(f"{2**30}\n")
    assert memory.limit_bytes(None) == 2**28
    assert memory.limit_bytes(1.5) == 3 * 2**29


def test_a_limit_below_one_batch():
    # 32 clips of 54,000 samples of four bytes: 6.912 MB, 0.00644 GiB.
    with pytest.raises(UserError, match=r"training\.memory_gib: 0\.006 GiB .* at least 0\.0065"):
        memory.check(0.006, batch_size=32, row_shape=(54_000, 1))
    memory.check(0.0065, batch_size=32, row_shape=(54_000, 1))
    memory.check(None, batch_size=32, row_shape=(54_000, 1))

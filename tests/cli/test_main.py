"""`ser` itself: its version, and what it does without a command."""

import subprocess
import sys
from importlib import metadata

import pytest

from cli.main import main


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"ser {metadata.version('ser-tfx')}\n"


def test_the_version_is_looked_up_only_where_it_is_asked_for():
    code = "import sys; from cli.main import build_parser; build_parser().format_help();"
    code += "print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_command_is_needed(capsys):
    with pytest.raises(SystemExit) as exit_:
        main([])
    assert exit_.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_fault():
    program = (
        "import sys, cli.runs; from cli.main import main;"
        " cli.runs.run = lambda args: [print('a line') for _ in range(100_000)];"
        " sys.exit(main(['runs', '--output', 'out']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "a line\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 141

"""`ser corpora`: what holds for all its subcommands."""

import subprocess
import sys


def test_the_parser_needs_only_the_standard_library():
    script = (
        "import sys, argparse; from cli import corpora\n"
        "corpora.add_parser(argparse.ArgumentParser().add_subparsers())\n"
        "print([m for m in ('numpy', 'rich', 'soundfile', 'av') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"

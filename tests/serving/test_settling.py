"""What a process that serves settles, in one: the tests' own has to stay as it is."""

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import gc, json, sys
from serving.embedded.settling import settle
options = json.loads(sys.argv[1])
settle(**options)
import tensorflow as tf
tf.constant(1.0) + 1.0
# Now it is too late for threads, and no fault.
settle(threads=7)
print(json.dumps([
    tf.config.threading.get_intra_op_parallelism_threads(),
    tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False),
    gc.isenabled(),
]))
"""


@pytest.mark.component
@pytest.mark.parametrize(
    ("options", "settled"),
    [
        ({}, [1, False, True]),
        ({"threads": 2}, [2, False, True]),
        ({"soon": True}, [1, True, True]),
    ],
)
def test_threads_optimisation_and_garbage(options, settled):
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(options)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == settled

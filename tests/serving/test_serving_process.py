"""What a process that serves settles, in one: the tests' own has to stay as it is."""

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import json, sys
from serving.embedded.own_process import settle
options = json.loads(sys.argv[1])
settle(**options)
import tensorflow as tf
tf.constant(1.0) + 1.0
# Now it is too late for threads, and no fault.
settle(threads=7)
print(json.dumps([
    tf.config.threading.get_intra_op_parallelism_threads(),
    tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False),
]))
"""


@pytest.mark.component
@pytest.mark.parametrize(
    ("options", "settled"),
    [({}, [1, False]), ({"threads": 2}, [2, False]), ({"soon": True}, [1, True])],
)
def test_threads_and_optimisation(options, settled):
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(options)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == settled

"""The proof that a SavedModel answers where nothing but TensorFlow is imported."""

import json
import os
import subprocess
import sys

from schemas import features, processes, signatures

# Runs with nothing but installed packages importable, and imports none but tensorflow. It asks
# once: to optimise the graph, and to look for garbage, would take half of its time.
_PROGRAM = """
import gc
gc.disable()
import json, sys, tensorflow as tf
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
directory, names = sys.argv[1], json.loads(sys.argv[2])
model = tf.saved_model.load(directory)
pcm = bytes(range(200)) * 16
header = bytes.fromhex("52494646 a40c0000 57415645 666d7420 10000000 0100 0100"
                       "803e0000 007d0000 0200 1000 64617461 800c0000")
example = tf.train.Example()
example.features.feature[names["pcm"]].bytes_list.value.append(pcm)
requests = {
    names["by_examples"]: {names["examples"]: tf.constant([example.SerializeToString()])},
    names["by_audio"]: {names["audio"]: tf.constant([header + pcm])},
    names["by_waveform"]: {
        names["waveform"]: tf.random.normal([1, 1600]),
        names["num_samples"]: tf.constant([1600]),
        names["rate_hz"]: tf.constant([8000]),
    },
}
answers = {}
for signature, inputs in requests.items():
    outputs = model.signatures[signature](**inputs)
    total = float(tf.reduce_sum(outputs[names["probabilities"]]))
    assert abs(total - 1.0) < 1e-3, f"{signature}: probabilities add up to {total}"
    answers[signature] = outputs[names["emotion"]].numpy()[0].decode()
print(json.dumps(answers))
gc.freeze()
"""
_NAMES = {
    "pcm": features.AUDIO,
    "by_examples": signatures.SIGNATURE_EXAMPLES,
    "by_audio": signatures.SIGNATURE_AUDIO,
    "by_waveform": signatures.SIGNATURE_WAVEFORM,
    "examples": signatures.INPUT_EXAMPLES,
    "audio": signatures.INPUT_AUDIO,
    "waveform": signatures.INPUT_WAVEFORM,
    "num_samples": signatures.INPUT_NUM_SAMPLES,
    "rate_hz": signatures.INPUT_RATE_HZ,
    "probabilities": signatures.OUTPUT_PROBABILITIES,
    "emotion": signatures.OUTPUT_EMOTION,
}


def answer_in_clean_process(directory: str | os.PathLike[str]) -> dict[str, str]:
    """Loads a SavedModel in a process that imports only tensorflow, and asks every signature.

    Returns:
      The label each signature answered to a synthetic input, by signature.

    Raises:
      RuntimeError: The process failed; holds the end of what it wrote.
    """
    done = subprocess.run(
        # -I: neither this folder nor PYTHONPATH; only installed packages are importable.
        [sys.executable, "-I", "-c", _PROGRAM, str(directory), json.dumps(_NAMES)],
        env=processes.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        end = processes.end_of(done.stderr)
        raise RuntimeError(f"{directory}: does not answer in a clean process:\n{end}")
    return json.loads(done.stdout.splitlines()[-1])

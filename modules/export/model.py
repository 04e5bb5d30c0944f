"""From a trained network to a SavedModel that a stock TF Serving loads.

The serving graph decodes, resamples, standardises and pads with the functions of
`modules/audio/`, the same that Transform applies in training, and consists of TensorFlow's
own ops only. tensorflow-io's would be saved without complaint, and no TF Serving could load them.
"""

import contextlib
import io
import os
import subprocess
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import kernels

from modules.audio import network_input, resampling, wav_graph
from modules.audio.samples import encode_pcm16, first_channel
from schemas import features, signatures, sound
from schemas.labels import EMOTIONS

WARM_UP_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
CPU_DEVICES = {"CPU", "DEFAULT"}  # DEFAULT: a kernel for any device


class NotCoreOpsError(ValueError):
    """The serving graph needs ops that a stock TF Serving on a CPU does not have."""


def export_model(
    network: keras.Model,
    directory: str,
    *,
    trim_silence: bool,
    statistics: Mapping[str, tuple[float, float]] | None,
    domain_classes: Mapping[str, Sequence[str]],
    domain: str | None,
    warmup_waveform: np.ndarray | None = None,
    clean_process: bool = True,
) -> None:
    """Writes `network` as a SavedModel with everything that serving needs around it.

    Signatures, each of which returns `probabilities`, float32 [batch, 6]; `labels`, string
    [batch, 6]; and `emotion`, string [batch]:
      `serving_default`: `examples`, string [batch]; serialized tf.Examples as AudioExampleGen
        writes them (`audio`, and optionally `domain`).
      `serve_audio`: `audio`, string [batch]; the bytes of whole wav files. One bad file fails the
        request.
      `serve_waveform`: `waveform`, float32 [batch, samples], rows padded to a common length;
        `num_samples`, int32 [batch], their lengths; `rate_hz`, int32 [batch].

    A model of one domain applies that domain's statistics and classes to whatever it is sent. The
    multi-domain model applies those of the example's `domain`, and to an unknown domain, or in the
    signatures that name none, the fallback statistics and all six classes.

    Args:
      network: float32 [batch, 54000] or [batch, 54000, 1] to probabilities, float32 [batch, 6], in
        the order of EMOTIONS. Built with Keras's TensorFlow backend.
      directory: where to write; created if need be.
      trim_silence: whether leading and trailing silence is removed, as it was in training.
      statistics: mean and standard deviation by domain, `""` the fallback; None: each utterance is
        standardised by its own.
      domain_classes: emotions of which each domain has training data. Others get probability 0.
      domain: the domain the network was adapted to; None for the multi-domain network.
      warmup_waveform: float32 [samples] at 16 kHz for the warm-up requests; synthetic if None.
      clean_process: prove in a process that imports only tensorflow that the model answers.

    Raises:
      ValueError: `domain` or a fallback is missing from `domain_classes` or `statistics`, an
        emotion does not exist, or the network's shapes are others.
      NotCoreOpsError: the graph needs an op that is not TensorFlow's own, or a GPU.
      RuntimeError: the model does not answer in a clean process.
    """
    module = ServingModule(
        network,
        trim_silence=trim_silence,
        statistics=statistics,
        domain_classes=domain_classes,
        domain=domain,
    )
    with _portable_recurrence(network):
        signatures = module.signatures()
        tf.saved_model.save(module, directory, signatures=signatures)
    check_core_ops(directory)
    if warmup_waveform is None:
        warmup_waveform = synthetic_waveform()
    write_warm_up(directory, warmup_waveform, domain=domain or "")
    if clean_process:
        answer_in_clean_process(directory)


# --- The graph ------------------------------------------------------------------------------------


class ServingModule(tf.Module):
    """The network between the raw inputs of the three signatures and their outputs.

    Arguments and errors are those of `export_model`.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        trim_silence: bool,
        statistics: Mapping[str, tuple[float, float]] | None,
        domain_classes: Mapping[str, Sequence[str]],
        domain: str | None,
    ):
        super().__init__(name="speech_emotion")
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"cannot export from Keras's {keras.backend.backend()} backend: set "
                "KERAS_BACKEND=tensorflow and load the .keras file"
            )
        _check_shapes(network)
        _check_arguments(statistics, domain_classes, domain)
        self._trim_silence = trim_silence
        # Functions of a module are not tracked; its variables and tables are what gets saved.
        self._infer = lambda inputs: network(inputs, training=False)
        self._input_shape = [-1, *network.input_shape[1:]]
        self._variables = [variable.value for variable in network.variables]
        # Row 0 serves unknown domains; a model of one domain has no other row.
        rows = _domain_rows(statistics, domain_classes, domain)
        self._masks = tf.constant([_mask(domain_classes.get(name)) for name in rows], tf.float32)
        self._statistics = None
        if statistics is not None:
            pairs = [statistics.get(name, statistics.get("")) for name in rows]
            self._statistics = tf.constant(pairs, tf.float32)
        self._rows = None
        if len(rows) > 1:
            initializer = tf.lookup.KeyValueTensorInitializer(
                tf.constant(rows[1:]), tf.range(1, len(rows), dtype=tf.int64)
            )
            self._rows = tf.lookup.StaticHashTable(initializer, default_value=0)

    def signatures(self) -> dict[str, Any]:
        """Returns the concrete function of each signature by its name."""

        def spec(name, dtype, *shape):
            return tf.TensorSpec([None, *shape], dtype, name=name)

        return {
            signatures.SIGNATURE_EXAMPLES: tf.function(self.from_examples).get_concrete_function(
                spec("examples", tf.string)
            ),
            signatures.SIGNATURE_AUDIO: tf.function(self.from_wav).get_concrete_function(
                spec("audio", tf.string)
            ),
            signatures.SIGNATURE_WAVEFORM: tf.function(self.from_waveforms).get_concrete_function(
                spec("waveform", tf.float32, None),
                spec("num_samples", tf.int32),
                spec("rate_hz", tf.int32),
            ),
        }

    def from_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers serialized tf.Examples, string [batch]."""
        parsed = tf.io.parse_example(
            examples,
            {
                features.AUDIO: tf.io.FixedLenFeature([], tf.string),
                features.DOMAIN: tf.io.FixedLenFeature([], tf.string, default_value=""),
            },
        )
        rows = tf.zeros_like(parsed[features.DOMAIN], tf.int64)
        if self._rows is not None:
            rows = self._rows.lookup(parsed[features.DOMAIN])
        return self._answer(parsed[features.AUDIO], network_input.decode_pcm16, rows)

    def from_wav(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers whole wav files, string [batch]."""
        return self._answer(audio, _waveform_of_wav, tf.zeros_like(audio, tf.int64))

    def from_waveforms(
        self, waveform: tf.Tensor, num_samples: tf.Tensor, rate_hz: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Answers samples: float32 [batch, samples] with int32 [batch] lengths and rates."""
        clips = (waveform, num_samples, rate_hz)
        return self._answer(clips, _waveform_of_row, tf.zeros_like(num_samples, tf.int64))

    def _answer(self, clips, decode, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers a batch of clips that `decode` turns into waveforms at 16 kHz, one at a time."""

        def prepare(elements):
            clip, row = elements
            waveform = decode(clip)
            _assert(tf.reduce_all(tf.math.is_finite(waveform)), "samples that are not numbers")
            mean, std = (None, None)
            if self._statistics is not None:
                mean, std = tf.unstack(tf.gather(self._statistics, row))
            return network_input.prepare(
                waveform,
                num_samples=sound.INPUT_SAMPLES,
                trim=self._trim_silence,
                mean=mean,
                std=std,
            )

        prepared = tf.map_fn(
            prepare,
            (clips, rows),
            fn_output_signature=tf.TensorSpec([sound.INPUT_SAMPLES], tf.float32),
        )
        probabilities = self._infer(tf.reshape(prepared, self._input_shape))
        return _outputs(_masked(probabilities, tf.gather(self._masks, rows)))


def _waveform_of_wav(contents: tf.Tensor) -> tf.Tensor:
    """Returns the first channel of a wav file, a scalar string, at 16 kHz: float32 [samples]."""
    samples, rate_hz = wav_graph.decode_wav(contents)
    return resampling.resample(first_channel(samples), rate_hz)


def _waveform_of_row(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """Returns one row of `serve_waveform` at 16 kHz: float32 [samples]."""
    waveform, num_samples, rate_hz = row
    valid = tf.logical_and(num_samples > 0, num_samples <= tf.size(waveform))
    _assert(valid, "num_samples must be within 1 and the length of the row, it is:", num_samples)
    return resampling.resample(waveform[:num_samples], rate_hz)


def _assert(condition: tf.Tensor, message: str, *facts: tf.Tensor) -> None:
    """Fails the request with InvalidArgument; tf.function orders it before what follows."""
    tf.debugging.Assert(condition, [message, *facts])


def _masked(probabilities: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """Sets classes a domain lacks to 0 and lets the rest add up to 1; both [batch, 6]."""
    kept = probabilities * masks
    total = tf.reduce_sum(kept, axis=1, keepdims=True)
    # A network can be so sure of a class that is masked out that the others underflow to 0.
    undecided = masks / tf.reduce_sum(masks, axis=1, keepdims=True)
    return tf.where(total > 0.0, tf.math.divide_no_nan(kept, total), undecided)


def _outputs(probabilities: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns what every signature returns, from float32 [batch, 6]."""
    labels = tf.constant(EMOTIONS)
    return {
        signatures.OUTPUT_PROBABILITIES: probabilities,
        signatures.OUTPUT_LABELS: tf.broadcast_to(labels, tf.shape(probabilities)),
        signatures.OUTPUT_EMOTION: tf.gather(labels, tf.argmax(probabilities, axis=1)),
    }


def _domain_rows(statistics, domain_classes, domain: str | None) -> list[str]:
    """Returns the domain names of the rows of masks and statistics; row 0 is the default one."""
    if domain is not None:
        return [domain]
    return ["", *sorted((set(statistics or ()) | set(domain_classes)) - {""})]


def _mask(emotions: Sequence[str] | None) -> list[float]:
    """Returns 1 for the emotions named, 0 for others; all 1 for None."""
    return [float(emotions is None or emotion in emotions) for emotion in EMOTIONS]


def _check_shapes(network: keras.Model) -> None:
    shapes = {(sound.INPUT_SAMPLES,), (sound.INPUT_SAMPLES, 1)}
    if tuple(network.input_shape[1:]) not in shapes:
        raise ValueError(f"network input {network.input_shape}, expected one of {sorted(shapes)}")
    if tuple(network.output_shape[1:]) != (len(EMOTIONS),):
        raise ValueError(f"network output {network.output_shape}, expected (None, 6)")


def _check_arguments(statistics, domain_classes, domain: str | None) -> None:
    for name, emotions in domain_classes.items():
        unknown = set(emotions) - set(EMOTIONS)
        if unknown or not emotions:
            raise ValueError(f"domain_classes[{name!r}]: {sorted(unknown) or 'no emotions'}")
    if domain is not None and domain not in domain_classes:
        raise ValueError(f"domain {domain!r} is none of domain_classes: {sorted(domain_classes)}")
    if statistics is not None and "" not in statistics and domain not in statistics:
        raise ValueError(f"statistics {sorted(statistics)} lack the fallback, key ''")


@contextlib.contextmanager
def _portable_recurrence(network: keras.Model) -> Iterator[None]:
    """Keeps cuDNN's op, which only a GPU has, out of graphs traced on a machine with one."""
    layers = [layer for layer in network._flatten_layers() if hasattr(layer, "use_cudnn")]
    before = [layer.use_cudnn for layer in layers]
    for layer in layers:
        layer.use_cudnn = False
    try:
        yield
    finally:
        for layer, value in zip(layers, before, strict=True):
            layer.use_cudnn = value


# --- Core ops only --------------------------------------------------------------------------------


def ops_of(saved_model_dir: str) -> set[str]:
    """Returns the names of all ops in a SavedModel's graph and function library."""
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString(Path(saved_model_dir, "saved_model.pb").read_bytes())
    ops: set[str] = set()
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        ops.update(node.op for node in graph.node)
        for function in graph.library.function:
            ops.update(node.op for node in function.node_def)
        # A node can call a function of the library by using its name as the op.
        ops -= {function.signature.name for function in graph.library.function}
    return ops


def check_core_ops(directory: str) -> None:
    """Checks that a stock TF Serving on a CPU has every op of a SavedModel.

    `tf.raw_ops` lists the ops TensorFlow was built with, whatever else this process has loaded.

    Raises:
      NotCoreOpsError: names the ops that are not TensorFlow's own or have no kernel for a CPU.
    """
    ops = ops_of(directory)
    foreign = {op for op in ops if not hasattr(tf.raw_ops, op)}
    accelerator = {op for op in ops - foreign if not _cpu_kernel(op)}
    problems = []
    if foreign:
        problems.append(f"not TensorFlow's own: {', '.join(sorted(foreign))}")
    if accelerator:
        problems.append(f"without a kernel for CPUs: {', '.join(sorted(accelerator))}")
    if problems:
        raise NotCoreOpsError(
            f"{directory}: TF Serving cannot load this model; ops {'; ops '.join(problems)}"
        )


def _cpu_kernel(op: str) -> bool:
    registered = kernels.get_registered_kernels_for_op(op).kernel
    return any(kernel.device_type in CPU_DEVICES for kernel in registered)


# Runs with nothing but installed packages importable, and imports none but tensorflow.
_CLEAN_PROCESS = """
import sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
pcm = bytes(range(200)) * 16
header = bytes.fromhex("52494646 a40c0000 57415645 666d7420 10000000 0100 0100"
                       "803e0000 007d0000 0200 1000 64617461 800c0000")
example = tf.train.Example()
example.features.feature["audio"].bytes_list.value.append(pcm)
requests = {
    "serving_default": {"examples": tf.constant([example.SerializeToString()])},
    "serve_audio": {"audio": tf.constant([header + pcm])},
    "serve_waveform": {"waveform": tf.random.normal([1, 1600]), "num_samples": tf.constant([1600]),
                       "rate_hz": tf.constant([8000])},
}
for name, inputs in requests.items():
    outputs = model.signatures[name](**inputs)
    total = float(tf.reduce_sum(outputs["probabilities"]))
    assert abs(total - 1.0) < 1e-3, f"{name}: probabilities add up to {total}"
    print(name, outputs["emotion"].numpy()[0].decode())
"""


def answer_in_clean_process(directory: str) -> dict[str, str]:
    """Loads a SavedModel in a process that imports only tensorflow, and asks every signature.

    Returns:
      the emotion each signature answered to a synthetic input, by signature.

    Raises:
      RuntimeError: the process failed; holds the end of what it wrote.
    """
    done = subprocess.run(
        # -I: neither this folder nor PYTHONPATH; only installed packages are importable.
        [sys.executable, "-I", "-c", _CLEAN_PROCESS, str(directory)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-10:])
        raise RuntimeError(f"{directory}: does not answer in a clean process:\n{tail}")
    answers = (line.split(" ", 1) for line in done.stdout.splitlines())
    return dict(answers)


# --- Warm-up --------------------------------------------------------------------------------------


def synthetic_waveform(duration_s: float = 1.0) -> np.ndarray:
    """Returns a tone in noise at 16 kHz, float32 [samples], always the same."""
    time_s = np.arange(int(duration_s * sound.SAMPLE_RATE_HZ)) / sound.SAMPLE_RATE_HZ
    noise = np.random.default_rng(0).normal(scale=0.05, size=time_s.size)
    return (0.5 * np.sin(2 * np.pi * 220.0 * time_s) + noise).astype(np.float32)


def write_warm_up(directory: str, waveform: np.ndarray, *, domain: str = "") -> None:
    """Writes a request for each signature where TF Serving looks for them when it loads a model.

    Args:
      directory: a SavedModel's folder.
      waveform: float32 [samples] at 16 kHz. It stays in the export: nothing anybody recorded.
      domain: value of the example's `domain`.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    pcm = encode_pcm16(waveform)
    example = tf.train.Example()
    example.features.feature[features.AUDIO].bytes_list.value.append(pcm)
    example.features.feature[features.DOMAIN].bytes_list.value.append(domain.encode())
    requests: dict[str, dict[str, Any]] = {
        signatures.SIGNATURE_EXAMPLES: {"examples": [example.SerializeToString()]},
        signatures.SIGNATURE_AUDIO: {"audio": [_wav(pcm)]},
        signatures.SIGNATURE_WAVEFORM: {
            "waveform": np.asarray(waveform, np.float32)[np.newaxis],
            "num_samples": np.array([len(waveform)], np.int32),
            "rate_hz": np.array([sound.SAMPLE_RATE_HZ], np.int32),
        },
    }
    path = os.path.join(directory, WARM_UP_FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for signature, inputs in requests.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            for name, values in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


def _wav(pcm: bytes) -> bytes:
    """Returns 16-bit mono PCM at 16 kHz as a wav file."""
    contents = io.BytesIO()
    with wave.open(contents, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.SAMPLE_RATE_HZ)
        file.writeframes(pcm)
    return contents.getvalue()

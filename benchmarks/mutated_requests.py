"""Damaged and odd requests for the embedded server, over gRPC.

`python -m benchmarks.mutated_requests --root out/release/serving --model emodb [--requests 100000]`
sends good requests with bytes changed, dropped, repeated or moved, and with other types, shapes,
rates and values, and prints what came back: nothing may crash the server, take over 5 s, write a
traceback, leave memory taken, or be answered by a status that blames the server.
"""

import argparse
import collections
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import tensorflow as tf
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, predict_pb2

from benchmarks.serving import RATE_HZ, SER, voice, wav
from schemas import features, signatures

CLIP_S, THREADS = 0.2, 4
SLOWEST_S, MOST_GROWTH = 5.0, 1.1
# What a client did wrong, or asked too much.
RIGHT = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "UNIMPLEMENTED",
}
_PREDICTION = "/tensorflow.serving.PredictionService/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="serving folder of a release")
    parser.add_argument("--model", required=True)
    parser.add_argument("--requests", type=int, default=100_000)
    arguments = parser.parse_args()
    with server(arguments.root) as (address, process, log):
        # Its memory once it is warm.
        send(address, arguments.model, count=min(2_000, arguments.requests), first_seed=10**9)
        before_bytes = process.memory_info().rss
        codes, slowest_s = send(address, arguments.model, count=arguments.requests, first_seed=0)
        time.sleep(2)
        growth = process.memory_info().rss / before_bytes
        text = Path(log).read_text(encoding="utf-8", errors="replace")
        alive = process.is_running()
    for code, number in codes.most_common():
        print(f"{code}: {number}")
    wrong = sum(number for code, number in codes.items() if code not in RIGHT)
    print(f"status that blames the server: {wrong} (0)")
    print(f"slowest: {slowest_s:.2f} s (at most {SLOWEST_S:g})")
    print(f"tracebacks in the log: {text.count('Traceback')} (0)")
    print(f"memory at the end, of that at the beginning: {growth:.2f} (at most {MOST_GROWTH:g})")
    failed = wrong or slowest_s > SLOWEST_S or "Traceback" in text or growth > MOST_GROWTH
    sys.exit(1 if failed or not alive else 0)


@contextlib.contextmanager
def server(root: Path) -> Iterator[tuple[str, psutil.Process, str]]:
    """Gives the address of `ser serve`, its process, and the file of what it writes."""
    with tempfile.TemporaryDirectory() as folder, open(Path(folder, "log"), "w+") as log:
        process = subprocess.Popen(
            [str(SER), "serve", "--root", str(root), "--port", "0"], stdout=log, stderr=log
        )
        try:
            while "listening on " not in (text := Path(log.name).read_text()):
                if process.poll() is not None:
                    raise SystemExit(text)
                time.sleep(0.1)
            address = text.split("listening on ")[1].split()[0]
            yield address, psutil.Process(process.pid), log.name
        finally:
            process.terminate()
            process.wait()


def send(
    address: str, model: str, *, count: int, first_seed: int
) -> tuple[collections.Counter[str], float]:
    """Sends requests; returns how often each status came back, and the longest wait in s."""
    seeds = iter(range(first_seed, first_seed + count))
    lock = threading.Lock()
    codes: collections.Counter[str] = collections.Counter()
    slowest_s = [0.0]
    good = requests(model)

    def run() -> None:
        with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            while True:
                with lock:
                    seed = next(seeds, None)
                if seed is None:
                    return
                method, contents, readable = mutated(good, random.Random(seed))
                start_s = time.perf_counter()
                try:
                    channel.unary_unary(_PREDICTION + method)(contents, timeout=60)
                    code = "OK"
                except grpc.RpcError as error:
                    code = error.code().name
                spent_s = time.perf_counter() - start_s
                if code == "INTERNAL" and not readable:
                    # gRPC's own answer to what is no message.
                    code = "INVALID_ARGUMENT"
                with lock:
                    codes[code] += 1
                    slowest_s[0] = max(slowest_s[0], spent_s)
                    if sum(codes.values()) % 10_000 == 0:
                        print(f"  {sum(codes.values())} sent", flush=True)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes, slowest_s[0]


def requests(model: str) -> list[tuple[str, Message]]:
    """Returns a good request for each signature, by the method that takes it."""
    samples = voice(CLIP_S).astype(np.float32)
    example = tf.train.Example()
    pcm = (samples * 32_767).astype("<i2").tobytes()
    example.features.feature[features.AUDIO].bytes_list.value.append(pcm)
    inputs: dict[str, dict[str, Any]] = {
        signatures.SIGNATURE_AUDIO: {signatures.INPUT_AUDIO: [wav(CLIP_S)]},
        signatures.SIGNATURE_WAVEFORM: {
            signatures.INPUT_WAVEFORM: samples[np.newaxis],
            signatures.INPUT_NUM_SAMPLES: np.array([len(samples)], np.int32),
            signatures.INPUT_RATE_HZ: np.array([RATE_HZ], np.int32),
        },
        signatures.SIGNATURE_EXAMPLES: {signatures.INPUT_EXAMPLES: [example.SerializeToString()]},
    }
    found: list[tuple[str, Message]] = []
    for signature, own in inputs.items():
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = model, signature
        for name, values in own.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        found.append(("Predict", request))
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name = model
    classify.input.example_list.examples.append(example)
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(
        metadata_field=[signatures.METADATA_FIELD]
    )
    metadata.model_spec.name = model
    return [*found, ("Classify", classify), ("GetModelMetadata", metadata)]


def mutated(good: list[tuple[str, Message]], chance: random.Random) -> tuple[str, bytes, bool]:
    """Returns a method, a request for it, and whether that can be read as a message."""
    method, message = chance.choice(good)
    own = type(message)()
    own.CopyFrom(message)
    if chance.random() < 0.5:
        if isinstance(own, predict_pb2.PredictRequest):
            _odd(own, chance)
        contents = own.SerializeToString()
        if chance.random() < 0.8:
            return method, contents, True
    contents = _damaged(own.SerializeToString(), chance)
    try:
        type(message).FromString(contents)
    except DecodeError:
        return method, contents, False
    return method, contents, True


def _odd(request: predict_pb2.PredictRequest, chance: random.Random) -> None:
    """Gives a request another type, shape, rate, name or value."""
    name = chance.choice(sorted(request.inputs))
    tensor = request.inputs[name]
    number = chance.choice([-1, 0, 1, 2, 7, 999, 22_051, 384_001, 2**31 - 1, -(2**31), 2**62])
    kind = chance.randrange(7)
    if kind == 0:
        tensor.dtype = chance.randrange(0, 24)
    elif kind == 1 and tensor.tensor_shape.dim:
        chance.choice(tensor.tensor_shape.dim).size = number
    elif kind == 2:
        tensor.tensor_shape.dim.add(size=number)
    elif kind == 3:
        request.inputs[chance.choice(["", "x", name.upper()])].CopyFrom(tensor)
        if chance.random() < 0.5:
            del request.inputs[name]
    elif kind == 4:
        request.model_spec.signature_name = chance.choice(["", "x", "classify", "serve_audio"])
    elif kind == 5 and signatures.INPUT_RATE_HZ in request.inputs:
        which = chance.choice([signatures.INPUT_RATE_HZ, signatures.INPUT_NUM_SAMPLES])
        value = np.array([max(min(number, 2**31 - 1), -(2**31))], np.int32)
        request.inputs[which].CopyFrom(tf.make_tensor_proto(value))
    elif kind == 6 and signatures.INPUT_WAVEFORM in request.inputs:
        values = tf.make_ndarray(request.inputs[signatures.INPUT_WAVEFORM]).copy()
        values[0, chance.randrange(values.shape[1])] = chance.choice(
            [float("nan"), float("inf"), 1e30, -1e-30]
        )
        request.inputs[signatures.INPUT_WAVEFORM].CopyFrom(tf.make_tensor_proto(values))


def _damaged(contents: bytes, chance: random.Random) -> bytes:
    """Changes, drops, repeats or moves some bytes."""
    data = bytearray(contents)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
        if not data:
            break
        # Most of what means something is at the beginning.
        reach = len(data) if chance.random() < 0.3 else min(200, len(data))
        place, length = chance.randrange(reach), chance.choice([1, 1, 2, 4, 16, 256])
        kind = chance.randrange(5)
        if kind == 0:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            data[place:place] = data[place : place + length]
        else:
            other = chance.randrange(reach)
            data[place : place + length] = data[other : other + length]
    if chance.random() < 0.1:
        del data[chance.randrange(len(data) + 1) :]
    return bytes(data)


if __name__ == "__main__":
    main()

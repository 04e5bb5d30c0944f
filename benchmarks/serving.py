"""The embedded server against the same model in process, and under what callers do to it.

`python -m benchmarks.serving --root out/release/serving --model emodb [--parts latency …]` prints
ratios, each with its target:

- latency: a 3 s clip over gRPC against the signature in process, settled as the server is; eight
  clients against one; the 99th percentile; the same with 500 idle connections and 50 callers that
  never send a message.
- swaps: 20 new versions while four clients ask.
- timeline: an hour of sound by `ser predict --timeline`.
- command: `ser predict` against `python -c "import tensorflow"`.
"""

import argparse
import contextlib
import io
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import psutil
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from schemas.signatures import INPUT_AUDIO, SIGNATURE_AUDIO
from serving.embedded import settling

SER = Path(sys.executable).with_name("ser")
PARTS = ("latency", "swaps", "timeline", "command")
CLIP_S, RATE_HZ = 3.0, 16_000
ROUNDS, CLIENTS = 60, 8
IDLE, SILENT = 500, 50
SWAPS, SWAP_CLIENTS = 20, 4
HOUR_S = 3_600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="serving folder of a release")
    parser.add_argument("--model", required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    for part in arguments.parts:
        print(f"{part}:", flush=True)
        globals()[part](arguments.root, arguments.model)


@contextlib.contextmanager
def served(root: Path, *options: str) -> Iterator[tuple[str, psutil.Process]]:
    """Gives the address of `ser serve` in a process of its own, and the process."""
    command = [str(SER), "serve", "--root", str(root), "--port", "0", *options]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("listening on "):
                    yield line.split()[2], psutil.Process(process.pid)
                    break
            else:
                log.seek(0)
                raise SystemExit(log.read())
        finally:
            process.terminate()
            process.wait()


class Caller:
    """One client's connection."""

    def __init__(self, address: str, model: str):
        # Not shared with other callers of this process.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(address, options=options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self._request = predict_pb2.PredictRequest()
        self._request.model_spec.name = model
        self._request.model_spec.signature_name = SIGNATURE_AUDIO
        self._request.inputs[INPUT_AUDIO].CopyFrom(tf.make_tensor_proto([wav(CLIP_S)]))

    def ask(self) -> int:
        """Returns the version that answered."""
        return self._stub.Predict(self._request, timeout=60).model_spec.version.value


def latency(root: Path, model: str) -> None:
    # One thread an operation on both sides: the server's choice for many callers is not its cost.
    settling.settle()
    newest = max((folder for folder in (root / model).iterdir()), key=lambda f: int(f.name))
    signature = tf.saved_model.load(str(newest)).signatures[SIGNATURE_AUDIO]
    contents = tf.constant([wav(CLIP_S)])
    with served(root) as (address, process):
        caller = Caller(address, model)
        # One after the other, so that both see the same machine.
        pairs = [
            (timed(lambda: signature(audio=contents)), timed(caller.ask)) for _ in range(ROUNDS)
        ][5:]
        alone_s, over_s = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"  in process {1e3 * alone_s:.1f} ms, over gRPC {1e3 * over_s:.1f} ms:")
        tell("latency over gRPC, of the signature in process", over_s / alone_s, at_most=1.2)
        one, eight = throughput(address, model, 1), throughput(address, model, CLIENTS)
        print(f"  {one[0]:.1f} requests a second by one client, {eight[0]:.1f} by {CLIENTS}:")
        tell(f"throughput with {CLIENTS} clients, of one", eight[0] / one[0], at_least=1.8)
        tell("99th percentile with them, of the median", eight[2] / eight[1], at_most=3.0)
        with crowd(address):
            beside_s = statistics.median(timed(caller.ask) for _ in range(ROUNDS))
            health = health_pb2_grpc.HealthStub(caller.channel)
            check = health_pb2.HealthCheckRequest()
            health_s = max(timed(lambda: health.Check(check)) for _ in range(20))
        quiet_s = statistics.median(timed(caller.ask) for _ in range(ROUNDS))
        tell(
            f"latency beside {IDLE} idle connections and {SILENT} silent callers, of without",
            beside_s / quiet_s,
            at_most=1.2,
        )
        tell("slowest answer about health meanwhile, ms", 1e3 * health_s, at_most=100.0)
        print(f"  {process.memory_info().rss / 2**20:.0f} MiB resident")


def throughput(address: str, model: str, clients: int) -> tuple[float, float, float]:
    """Returns requests a second, and the median and 99th percentile of their seconds."""
    callers = [Caller(address, model) for _ in range(clients)]
    for caller in callers:
        caller.ask()
    durations_s: list[float] = []

    def run(caller: Caller) -> None:
        durations_s.extend(timed(caller.ask) for _ in range(ROUNDS))

    total_s = timed(lambda: together(run, callers))
    p99_s = float(np.percentile(durations_s, 99))
    return len(durations_s) / total_s, statistics.median(durations_s), p99_s


@contextlib.contextmanager
def crowd(address: str) -> Iterator[None]:
    """Keeps connections open: some that say nothing, some that begin a call and send no message."""
    host, port = address.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection((host, int(port))))
        end = threading.Event()

        def silence() -> Iterator[bytes]:
            end.wait()
            yield from ()

        for _ in range(SILENT):
            channel = stack.enter_context(
                grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
            )
            channel.stream_unary("/tensorflow.serving.PredictionService/Predict").future(silence())
        time.sleep(2)
        try:
            yield
        finally:
            end.set()


def swaps(root: Path, model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        newest = max((each for each in (root / model).iterdir()), key=lambda f: int(f.name))
        shutil.copytree(newest, Path(folder, model, "1"))
        failed, older, answered, done = [], [], [0], threading.Event()
        with served(Path(folder), "--poll", "0.5") as (address, _):

            def ask(caller: Caller) -> None:
                last = 0
                while not done.is_set():
                    try:
                        version = caller.ask()
                    except grpc.RpcError as error:
                        failed.append(error.code().name)
                        continue
                    if version < last:
                        older.append((last, version))
                    last = version
                    answered[0] += 1

            callers = [Caller(address, model) for _ in range(SWAP_CLIENTS)]
            threads = [threading.Thread(target=ask, args=(caller,)) for caller in callers]
            for thread in threads:
                thread.start()
            last = Caller(address, model)
            for version in range(2, SWAPS + 2):
                # As the Pusher does: what a server waits for comes last.
                new = Path(folder, model, str(version))
                shutil.copytree(newest, new, ignore=shutil.ignore_patterns("saved_model.pb"))
                shutil.copy(newest / "saved_model.pb", new)
                while last.ask() != version:
                    time.sleep(0.2)
                shutil.rmtree(Path(folder, model, str(version - 1)))
            done.set()
            for thread in threads:
                thread.join()
        print(f"  {answered[0]} answers over {SWAPS} new versions:")
        tell("requests that failed", len(failed), at_most=0)
        tell("answers by an older version than before", len(older), at_most=0)


def timeline(root: Path, model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording, answers = Path(folder, "hour.wav"), Path(folder, "hour.csv")
        recording.write_bytes(wav(HOUR_S))
        # Only this model: others that the server has loaded would count.
        alone = Path(folder, "serving")
        alone.mkdir()
        (alone / model).symlink_to((root / model).absolute())
        with served(alone) as (address, server):
            command = [str(SER), "predict", str(recording), "--timeline", "--model", model]
            peaks = Peaks(server)
            spent_s = timed(
                lambda: peaks.run([*command, "--address", address, "--out", str(answers)])
            )
        rows = len(answers.read_text().splitlines())
        print(f"  {HOUR_S} s of sound in {spent_s:.0f} s, {rows} rows:")
        tell("times faster than real time", HOUR_S / spent_s, at_least=20.0)
        for name, peak_bytes in peaks.most.items():
            tell(f"most memory of the {name}, GiB", peak_bytes / 2**30, at_most=1.0)


class Peaks:
    """Runs a command and looks at its memory and the server's."""

    def __init__(self, server: psutil.Process):
        self._server = server
        self.most = {"client": 0, "server": 0}

    def run(self, command: list[str]) -> None:
        """Runs a command, which has to succeed."""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        client = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                for name, own in (("client", client), ("server", self._server)):
                    self.most[name] = max(self.most[name], own.memory_info().rss)
            time.sleep(0.05)
        assert process.returncode == 0


def command(root: Path, model: str) -> None:
    def run(*words: str) -> float:
        runs = [
            timed(lambda: subprocess.run(words, check=True, capture_output=True)) for _ in range(5)
        ]
        return statistics.median(runs)

    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder, "clip.wav")
        recording.write_bytes(wav(CLIP_S))
        asking = (str(SER), "predict", str(recording), "--model", model)
        imported_s = run(sys.executable, "-c", "import tensorflow")
        alone_s = run(*asking, "--root", str(root))
        print(f"  import tensorflow {imported_s:.2f} s, ser predict {alone_s:.2f} s:")
        tell("ser predict, of importing TensorFlow", alone_s / imported_s, at_most=1.3)
        with served(root) as (address, _):
            tell(
                "ser predict on a running server, s",
                run(*asking, "--address", address),
                at_most=0.5,
            )


def voice(duration_s: float) -> np.ndarray:
    """Returns harmonics that come and go four times a second, with noise, float64 [samples]."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    harmonics = sum(np.sin(2 * np.pi * 140.0 * k * time_s + k * k) / k for k in range(1, 20))
    noise = np.random.default_rng(0).normal(scale=0.005, size=len(time_s))
    return 0.2 * np.clip(np.sin(2 * np.pi * 4.0 * time_s), 0.02, 1.0) * harmonics + noise


def wav(duration_s: float) -> bytes:
    """Returns synthetic speech as a wav file; long ones repeat a minute."""
    samples = np.resize(voice(min(duration_s, 60.0)), round(duration_s * RATE_HZ))
    contents = io.BytesIO()
    with wave.open(contents, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return contents.getvalue()


def timed(function: Callable[[], object]) -> float:
    """Returns how many seconds a function takes."""
    start_s = time.perf_counter()
    function()
    return time.perf_counter() - start_s


def together(function: Callable[[Caller], None], callers: list[Caller]) -> None:
    """Calls a function with each caller, in threads."""
    threads = [threading.Thread(target=function, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def tell(
    what: str, value: float, *, at_most: float | None = None, at_least: float | None = None
) -> None:
    """Prints a figure beside its target."""
    target = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    met = value <= at_most if at_most is not None else value >= (at_least or 0.0)
    print(f"  {what}: {value:.2f} ({target}){'' if met else ': MISSED'}", flush=True)


if __name__ == "__main__":
    main()

"""Asks a server, in a process of its own, what the Evaluator asks the model."""

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from scipy import signal
from tensorflow_serving.apis import (
    classification_pb2,
    input_pb2,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

from components.parity_gate.artifact import TOLERANCE, Parity
from components.parity_gate.clips import Clip
from modules.audio import loading
from modules.audio.samples import encode_pcm16, pcm16_wav
from modules.export.core_ops import NotCoreOpsError, check_core_ops
from schemas import features, signatures, sound
from serving import MESSAGE_LIMITS
from serving.embedded.alone import serving_alone

MODEL = "candidate"
# One, several, and as many as a client may think of.
BATCHES = (1, 2, 7, 64)
# Of sound cards, telephones and files; the last has too many phases for a filter bank.
RATES_HZ = (8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 22_051)
# Clips of large batches: the shortest, so that 64 of them fit a message.
_SMALL = 3
_TIMEOUT_S = 300.0


def check(root: str | os.PathLike[str], clips: Sequence[Clip]) -> Parity:
    """Compares a server's answers with the evaluation's.

    The reference is what the Evaluator calls: `serving_default`, in this process, with one example.

    Args:
      root: Serving folder of this machine that holds the model, as `MODEL`, version 1, alone.
      clips: Recordings, the shortest first.
    """
    folder = Path(root, MODEL, "1")
    differences: dict[str, float] = {}
    answers, faults = 0, []
    if not clips:
        faults.append("there is no recording of its domains to ask a server about")
    try:
        check_core_ops(str(folder))
        with serving_alone(root) as address, _Server(address) as server:
            # Here too it can be loaded, then.
            model = tf.saved_model.load(str(folder))
            server.replay(folder / signatures.WARM_UP_FILE)
            for asked, found, wanted in _answers(server, model, clips) if clips else ():
                answers += len(wanted)
                # Not a number is no agreement.
                difference = float(np.nan_to_num(np.abs(found - wanted), nan=1.0).max())
                differences[asked] = max(difference, differences.get(asked, 0.0))
    except (NotCoreOpsError, RuntimeError) as error:
        faults.append(str(error))
    except grpc.RpcError as error:
        faults.append(f"the server answers {error.code().name}: {error.details()}")
    faults += [
        f"{asked}: a server's probabilities differ by {difference:.2g} from the evaluation's, of at"
        f" most {TOLERANCE:g}"
        for asked, difference in differences.items()
        if difference > TOLERANCE
    ]
    return Parity(
        clips=len(clips),
        answers=answers,
        largest_difference=max(differences.values(), default=0.0),
        differences=differences,
        faults=tuple(faults),
    )


class _Server:
    """The server, asked through TF Serving's own stubs."""

    def __init__(self, address: str):
        self._channel = grpc.insecure_channel(address, options=MESSAGE_LIMITS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __enter__(self) -> "_Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def replay(self, warm_up: Path) -> None:
        """Sends the requests that a server warms up with."""
        for record in tf.data.TFRecordDataset([str(warm_up)]).as_numpy_iterator():
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            request.model_spec.name = MODEL
            self._stub.Predict(request, timeout=_TIMEOUT_S)

    def predict(self, signature: str, **inputs: Any) -> np.ndarray:
        """Returns the probabilities that a signature answers, float32 [batch, labels]."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = MODEL, signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        response = self._stub.Predict(request, timeout=_TIMEOUT_S)
        probabilities: np.ndarray = tf.make_ndarray(
            response.outputs[signatures.OUTPUT_PROBABILITIES]
        )
        return probabilities

    def classify(self, examples: Iterable[bytes]) -> np.ndarray:
        """Returns what Classify answers, float32 [batch, labels]."""
        request = classification_pb2.ClassificationRequest(
            input=input_pb2.Input(
                example_list=input_pb2.ExampleList(
                    examples=[tf.train.Example.FromString(example) for example in examples]
                )
            )
        )
        request.model_spec.name = MODEL
        request.model_spec.signature_name = signatures.SIGNATURE_CLASSIFY
        found = self._stub.Classify(request, timeout=_TIMEOUT_S).result.classifications
        return np.array([[each.score for each in row.classes] for row in found], np.float32)


def _answers(
    server: _Server, model: Any, clips: Sequence[Clip]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields what was asked, the server's answer and the evaluation's, float32 [batch, labels]."""
    evaluate = model.signatures[signatures.SIGNATURE_EXAMPLES]

    def evaluated(pcms: Iterable[bytes], domains: Iterable[str] = itertools.repeat("")) -> Any:
        examples = [_example(pcm, domain) for pcm, domain in zip(pcms, domains, strict=False)]
        one_by_one = (evaluate(examples=tf.constant([example])) for example in examples)
        return np.concatenate(
            [each[signatures.OUTPUT_PROBABILITIES].numpy() for each in one_by_one]
        )

    # Of their own domain, whose statistics and labels a model of several takes.
    own = evaluated([clip.pcm for clip in clips], [clip.domain for clip in clips])
    # And of none, as signatures that name none.
    none = evaluated([clip.pcm for clip in clips])
    examples = [_example(clip.pcm, clip.domain) for clip in clips]
    for place, clip in enumerate(clips):
        wanted, asked = none[place : place + 1], examples[place : place + 1]
        yield (
            signatures.SIGNATURE_EXAMPLES,
            server.predict(signatures.SIGNATURE_EXAMPLES, examples=asked),
            own[place : place + 1],
        )
        yield signatures.SIGNATURE_CLASSIFY, server.classify(asked), own[place : place + 1]
        audio = server.predict(
            signatures.SIGNATURE_AUDIO, audio=[pcm16_wav(clip.pcm, sound.SAMPLE_RATE_HZ)]
        )
        yield signatures.SIGNATURE_AUDIO, audio, wanted
        yield signatures.SIGNATURE_WAVEFORM, _of_samples(server, [clip.samples]), wanted
    small = range(min(_SMALL, len(clips)))
    for size in BATCHES:
        rows = list(itertools.islice(itertools.cycle(small), size))
        yield (
            f"{signatures.SIGNATURE_EXAMPLES}, {size} at a time",
            server.predict(signatures.SIGNATURE_EXAMPLES, examples=[examples[row] for row in rows]),
            own[rows],
        )
        yield (
            f"{signatures.SIGNATURE_AUDIO}, {size} at a time",
            server.predict(
                signatures.SIGNATURE_AUDIO,
                audio=[pcm16_wav(clips[row].pcm, sound.SAMPLE_RATE_HZ) for row in rows],
            ),
            none[rows],
        )
        yield (
            f"{signatures.SIGNATURE_WAVEFORM}, {size} at a time",
            _of_samples(server, [clips[row].samples for row in rows]),
            none[rows],
        )
    for rate_hz in RATES_HZ:
        other = signal.resample_poly(
            clips[0].samples.astype(np.float64), rate_hz, sound.SAMPLE_RATE_HZ
        )
        pcm = encode_pcm16(other)
        contents = pcm16_wav(pcm, rate_hz)
        # As AudioExampleGen would have ingested it.
        wanted = evaluated([encode_pcm16(loading.load(contents))])
        samples = dataclasses.replace(clips[0], pcm=pcm).samples
        yield (
            f"{signatures.SIGNATURE_AUDIO}, {rate_hz} Hz",
            server.predict(signatures.SIGNATURE_AUDIO, audio=[contents]),
            wanted,
        )
        yield (
            f"{signatures.SIGNATURE_WAVEFORM}, {rate_hz} Hz",
            _of_samples(server, [samples], rate_hz),
            wanted,
        )


def _of_samples(
    server: _Server, clips: Sequence[np.ndarray], rate_hz: int = sound.SAMPLE_RATE_HZ
) -> np.ndarray:
    longest = max(len(samples) for samples in clips)
    return server.predict(
        signatures.SIGNATURE_WAVEFORM,
        waveform=np.stack([np.pad(samples, (0, longest - len(samples))) for samples in clips]),
        num_samples=np.array([len(samples) for samples in clips], np.int32),
        rate_hz=np.full(len(clips), rate_hz, np.int32),
    )


def _example(pcm: bytes, domain: str) -> bytes:
    example = tf.train.Example()
    example.features.feature[features.AUDIO].bytes_list.value.append(pcm)
    example.features.feature[features.DOMAIN].bytes_list.value.append(domain.encode())
    return example.SerializeToString()

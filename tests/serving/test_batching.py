"""Requests that are answered together get the answers that each gets alone."""

import asyncio
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_requests import request_of
from tiny_models import make_network, speech_like, wav

from serving.embedded import batching
from serving.embedded.errors import ServingError
from serving.embedded.limits import Limits
from serving.embedded.servable import Servable
from serving.embedded.workers import Interest, Workers

LIMITS = Limits()


@pytest.fixture(scope="module")
def servable(tmp_path_factory):
    from tiny_models import export_tiny

    folder = export_tiny(make_network(), tmp_path_factory.mktemp("model") / "1")
    return Servable.load("emodb", 1, folder)


def _waveforms(*lengths_s, rate_hz=16_000):
    sounds = [speech_like(length_s, rate_hz, seed=n) for n, length_s in enumerate(lengths_s)]
    width = max(map(len, sounds))
    return request_of(
        signature="serve_waveform",
        waveform=np.stack([np.pad(s, (0, width - len(s))) for s in sounds]).astype(np.float32),
        num_samples=np.array([len(s) for s in sounds], np.int32),
        rate_hz=np.full(len(sounds), rate_hz, np.int32),
    )


@pytest.mark.component
def test_clips_of_several_lengths_and_rates_are_answered_as_alone(servable):
    requests = [_waveforms(0.4), _waveforms(2.0, 0.7, 1.1), _waveforms(1.3, rate_hz=8_000)]
    together = batching.answers(requests, servable=servable, limits=LIMITS)
    for request, answer in zip(requests, together, strict=True):
        alone = servable.predict(request)
        assert sorted(answer.outputs) == sorted(alone.outputs)
        for name in ("probabilities", "duration_s"):
            found, expected = (tf.make_ndarray(each.outputs[name]) for each in (answer, alone))
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("waited_for", [True, False])
@pytest.mark.component
def test_what_nobody_cancelled_is_asked_again(servable, monkeypatch, waited_for):
    asked, outputs_of = [], Servable.outputs_of

    def cancelled_at_first(*args, **options):
        asked.append(args)
        if len(asked) == 1:
            raise tf.errors.CancelledError(None, None, "a loop was cancelled")
        return outputs_of(*args, **options)

    monkeypatch.setattr(Servable, "outputs_of", cancelled_at_first)
    one = object()
    interest = Interest([one])
    if not waited_for:
        interest.leave(one)
    [answer] = batching.answers([_waveforms(0.4)], interest, servable=servable, limits=LIMITS)
    if waited_for:
        assert tf.make_ndarray(answer.outputs["probabilities"]).sum() == pytest.approx(1)
    else:
        assert isinstance(answer, tf.errors.CancelledError)
        assert len(asked) == 1


@pytest.mark.component
def test_a_request_that_is_refused_spoils_no_other(servable):
    good = [request_of(audio=[wav(speech_like(seed=seed))]) for seed in (1, 2)]
    no_sound, no_such_input = request_of(audio=[b"no sound"]), request_of(sound=[b""])
    answers = batching.answers(
        [good[0], no_sound, no_such_input, good[1]], servable=servable, limits=LIMITS
    )
    assert isinstance(answers[1], tf.errors.InvalidArgumentError)
    assert isinstance(answers[2], ServingError)
    for request, answer in ((good[0], answers[0]), (good[1], answers[3])):
        np.testing.assert_allclose(
            tf.make_ndarray(answer.outputs["probabilities"]),
            tf.make_ndarray(servable.predict(request).outputs["probabilities"]),
            atol=1e-5,
        )


def test_what_waits_for_a_thread_is_answered_together():
    release, seen = threading.Event(), []

    def double(items, interest):
        seen.append(sorted(items))
        assert release.wait(60)
        return [ValueError(item) if item == 13 else 2 * item for item in items]

    async def ask():
        workers = Workers(1, waiting=100, batch=4)
        first = asyncio.ensure_future(workers.together("a", 0, double))
        while not seen:
            await asyncio.sleep(0.01)
        waiting = [asyncio.ensure_future(workers.together("a", n, double)) for n in range(1, 7)]
        waiting += [asyncio.ensure_future(workers.together("b", n, double)) for n in (13, 14)]
        await asyncio.sleep(0)
        # A client that goes before it is its turn.
        waiting[1].cancel()
        release.set()
        results = await asyncio.gather(first, *waiting, return_exceptions=True)
        workers.close()
        return results, workers.present

    results, present = asyncio.run(ask())
    assert isinstance(results.pop(2), asyncio.CancelledError)
    assert isinstance(results.pop(6), ValueError)
    assert results == [0, 2, 6, 8, 10, 12, 28]
    # Four at most, of one key, and not the one that nobody waits for.
    assert seen == [[0], [1, 3, 4, 5], [6], [13, 14]]
    assert present == 0


@pytest.mark.component
def test_work_that_nobody_waits_for_ends(servable):
    # Ten minutes at an odd rate, whose resampling alone takes seconds.
    call = servable.call_of(_waveforms(600.0, rate_hz=22_051))
    one = object()
    interest = Interest([one])
    threading.Timer(0.2, interest.leave, [one]).start()
    with pytest.raises(tf.errors.CancelledError):
        servable.outputs_of(call.signature, call.inputs, interest=interest)
    # What nobody waited for from the beginning is not begun.
    with pytest.raises(tf.errors.CancelledError):
        servable.outputs_of(call.signature, call.inputs, interest=interest)
    # Others are answered as before.
    assert servable.predict(request_of()).outputs


def test_grpc_numbers_status_codes_as_tensorflow_does():
    from serving.embedded.faults import CODES

    assert {code.value[0]: code.name for code in grpc.StatusCode} == CODES

"""Exports against Keras on inputs prepared with numpy, scipy and soundfile."""

import io
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy.signal
import soundfile
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tiny_models import (
    DOMAIN_LABELS,
    EMODB,
    URDU,
    export_tiny,
    make_network,
    prepared_by_hand,
    speech_like,
    wav,
)

from modules.audio import decoding
from modules.export import clean_process, core_ops
from modules.networks.registry import NetworkSpec
from schemas.labels import PAPER_EMOTIONS, LabelSet

STATISTICS = {"": (0.01, 0.2), "emodb": (0.02, 0.1), "urdu": (-0.03, 0.4)}
TOLERANCE = 2e-5

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def network():
    return make_network()


@pytest.fixture(scope="module")
def directory(network, tmp_path_factory):
    return export_tiny(network, tmp_path_factory.mktemp("per-utterance"))


@pytest.fixture(scope="module")
def model(directory):
    return tf.saved_model.load(str(directory))


@pytest.fixture(scope="module")
def per_domain(network, tmp_path_factory):
    directory = export_tiny(network, tmp_path_factory.mktemp("per-domain"), statistics=STATISTICS)
    return tf.saved_model.load(str(directory))


def ask(model, signature, **inputs):
    answer = model.signatures[signature](**{k: tf.constant(v) for k, v in inputs.items()})
    return {name: value.numpy() for name, value in answer.items()}


def pcm16(waveform):
    """By soundfile: what a 16-bit file of `waveform` holds, as bytes and as floats."""
    integers, _ = soundfile.read(io.BytesIO(wav(waveform)), dtype="int16")
    return integers.tobytes(), integers / 32768.0


def example(audio, domain=None):
    proto = tf.train.Example()
    proto.features.feature["audio"].bytes_list.value.append(audio)
    proto.features.feature["speaker"].bytes_list.value.append(b"not for the model")
    if domain is not None:
        proto.features.feature["domain"].bytes_list.value.append(domain.encode())
    return proto.SerializeToString()


def expected(network, *inputs):
    return network.predict(np.stack(inputs)[..., np.newaxis], verbose=0)


def masked(probabilities, emotions):
    kept = probabilities * [emotion in emotions for emotion in PAPER_EMOTIONS]
    return kept / kept.sum()


def test_the_tiny_network_tells_clips_apart(network):
    first, second = expected(
        network, *(prepared_by_hand(speech_like(seed=seed)) for seed in (1, 2))
    )
    assert np.abs(first - second).max() > 100 * TOLERANCE
    assert first.max() - first.min() > 100 * TOLERANCE


# --- serving_default ------------------------------------------------------------------------------


def test_examples_answer_like_the_network(model, network):
    clips = [pcm16(speech_like(duration_s, seed=3)) for duration_s in (0.3, 3.375, 4.2)]
    answer = ask(model, "serving_default", examples=[example(audio) for audio, _ in clips])
    _, longest = clips[-1]
    windows = [*(samples for _, samples in clips[:2]), longest[:54_000], longest[-54_000:]]
    each = expected(network, *map(prepared_by_hand, windows))
    reference = np.stack([*each[:2], each[2:].mean(axis=0)])
    np.testing.assert_allclose(answer["probabilities"], reference, atol=TOLERANCE)
    assert answer["probabilities"].dtype == np.float32
    assert answer["labels"].tolist() == 3 * [[emotion.encode() for emotion in PAPER_EMOTIONS]]
    best = [PAPER_EMOTIONS[index].encode() for index in reference.argmax(axis=1)]
    assert answer["emotion"].tolist() == best


def test_the_examples_domain_chooses_statistics_and_classes(per_domain, network):
    audio, samples = pcm16(speech_like(seed=4))
    domains = ["emodb", "urdu", "a-new-domain", "", None]
    answer = ask(
        per_domain, "serving_default", examples=[example(audio, domain) for domain in domains]
    )
    for domain, probabilities in zip(domains, answer["probabilities"], strict=True):
        mean, std = STATISTICS.get(domain, STATISTICS[""])
        (reference,) = expected(network, prepared_by_hand(samples, mean=mean, std=std))
        reference = masked(reference, DOMAIN_LABELS.get(domain, PAPER_EMOTIONS))
        np.testing.assert_allclose(probabilities, reference, atol=TOLERANCE)
    absent = [PAPER_EMOTIONS.index(emotion) for emotion in PAPER_EMOTIONS if emotion not in URDU]
    assert (answer["probabilities"][1, absent] == 0.0).all()
    assert (answer["probabilities"][2:] > 0.0).all()


def test_an_adapted_model_is_always_of_its_domain(network, tmp_path):
    directory = export_tiny(network, tmp_path, statistics=STATISTICS, domain="urdu")
    model = tf.saved_model.load(str(directory))
    waveform = speech_like(seed=5)
    audio, samples = pcm16(waveform)
    mean, std = STATISTICS["urdu"]
    reference = masked(expected(network, prepared_by_hand(samples, mean=mean, std=std))[0], URDU)
    answers = [
        ask(model, "serving_default", examples=[example(audio, "emodb"), example(audio)]),
        ask(model, "serve_audio", audio=[wav(waveform)]),
        ask(
            model,
            "serve_waveform",
            waveform=[samples.astype(np.float32)],
            num_samples=[len(samples)],
            rate_hz=[16_000],
        ),
    ]
    for answer in answers:
        for probabilities in answer["probabilities"]:
            np.testing.assert_allclose(probabilities, reference, atol=TOLERANCE)


@pytest.mark.parametrize("favourite", ["surprise", "anger"])
def test_the_answer_is_one_of_the_domains_classes(favourite, tmp_path):
    network = make_network(favourite=PAPER_EMOTIONS.index(favourite))
    directory = export_tiny(network, tmp_path, domain="emodb")
    answer = ask(
        tf.saved_model.load(str(directory)), "serve_audio", audio=[wav(speech_like(seed=6))]
    )
    assert answer["emotion"][0].decode() in EMODB
    assert answer["probabilities"][0].sum() == pytest.approx(1.0, abs=1e-6)
    assert answer["probabilities"][0, PAPER_EMOTIONS.index("surprise")] == 0.0
    if favourite == "anger":
        assert answer["emotion"][0] == b"anger"
    else:  # the others underflow to 0: undecided among them, rather than not a number
        np.testing.assert_allclose(answer["probabilities"][0, :5], 0.2, atol=1e-6)


def test_labels_are_those_of_the_set(tmp_path):
    labels = LabelSet(("anger", "neutral", "urgent", "żal"))
    network = make_network(classes=4, seed=2)
    directory = export_tiny(
        network, tmp_path, labels=labels, domain_labels={"calls": ["anger", "neutral", "żal"]}
    )
    audio, samples = pcm16(speech_like(seed=14))
    answer = ask(
        tf.saved_model.load(str(directory)), "serving_default", examples=[example(audio, "calls")]
    )
    (reference,) = expected(network, prepared_by_hand(samples))
    reference = reference * [1, 1, 0, 1] / reference[[0, 1, 3]].sum()
    np.testing.assert_allclose(answer["probabilities"][0], reference, atol=TOLERANCE)
    assert [label.decode() for label in answer["labels"][0]] == list(labels)
    assert answer["emotion"][0].decode() == labels.labels[reference.argmax()]
    answers = clean_process.answer_in_clean_process(directory)
    assert set(answers) == {"serving_default", "serve_audio", "serve_waveform"}
    assert set(answers.values()) <= set(labels)


def test_an_example_without_audio_is_refused(model):
    with pytest.raises(tf.errors.InvalidArgumentError, match="audio"):
        ask(model, "serving_default", examples=[tf.train.Example().SerializeToString()])


# --- serve_audio ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subtype", "rate_hz", "channels"),
    [
        ("PCM_U8", 16_000, 1),
        ("PCM_16", 16_000, 2),
        ("PCM_24", 48_000, 1),
        ("PCM_32", 8_000, 2),
        ("FLOAT", 48_000, 2),
        ("DOUBLE", 22_050, 1),
    ],
)
def test_any_wav_answers_like_the_network(model, network, subtype, rate_hz, channels):
    samples = speech_like(0.8, rate_hz, seed=7)
    if channels == 2:  # the second channel must not matter
        samples = np.stack([samples, speech_like(0.8, rate_hz, seed=8)], axis=1)
    contents = wav(samples, rate_hz, subtype)
    answer = ask(model, "serve_audio", audio=[contents])
    decoded, _ = soundfile.read(io.BytesIO(contents), always_2d=True)
    divisor = np.gcd(rate_hz, 16_000)
    resampled = scipy.signal.resample_poly(decoded[:, 0], 16_000 // divisor, rate_hz // divisor)
    np.testing.assert_allclose(
        answer["probabilities"], expected(network, prepared_by_hand(resampled)), atol=TOLERANCE
    )


def test_float_samples_beyond_full_scale_are_scaled_as_in_training(per_domain):
    loud = (3.0 * speech_like() / np.abs(speech_like()).max()).astype(np.float32)
    file = wav(loud, subtype="FLOAT")
    # What training hears of this file.
    heard, _ = decoding.decode_first_channel(file)
    assert np.abs(heard).max() == 1.0

    def answer(waveform):
        return ask(
            per_domain,
            "serve_waveform",
            waveform=waveform[np.newaxis],
            num_samples=np.array([len(waveform)], np.int32),
            rate_hz=np.array([16_000], np.int32),
        )["probabilities"]

    of_file = ask(per_domain, "serve_audio", audio=[file])["probabilities"]
    np.testing.assert_allclose(of_file, answer(heard), atol=1e-6)
    np.testing.assert_allclose(answer(loud), answer(heard), atol=1e-6)


def test_a_batch_of_files_answers_like_its_files(model):
    files = [wav(speech_like(0.5, 8_000, seed=9), 8_000), wav(speech_like(1.0, seed=10))]
    together = ask(model, "serve_audio", audio=files)["probabilities"]
    alone = [ask(model, "serve_audio", audio=[file])["probabilities"][0] for file in files]
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)


def test_trimming_removes_the_silence_around(network, tmp_path):
    directory = export_tiny(network, tmp_path, trim_silence=True)
    model = tf.saved_model.load(str(directory))
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000)
    padded = np.concatenate([np.zeros(32_000), noise, np.zeros(32_000)])
    answer = ask(model, "serve_audio", audio=[wav(padded), wav(padded[30_400:-16_000])])
    np.testing.assert_allclose(
        answer["probabilities"][0], answer["probabilities"][1], atol=TOLERANCE
    )


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "not a wav file"),
        (b"no audio at all, only words", "not a wav file"),
        (wav(speech_like())[:-3_000], "truncated"),
        (wav(speech_like(), subtype="ULAW"), "encoding"),
        (wav(np.array([0.1, np.nan, 0.2]), subtype="FLOAT"), "not numbers"),
    ],
    ids=["empty", "text", "truncated", "mu-law", "nan"],
)
def test_a_bad_file_fails_its_request_and_says_why(model, contents, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(model, "serve_audio", audio=[wav(speech_like()), contents])


# --- serve_waveform -------------------------------------------------------------------------------


def test_padded_rows_of_different_rates_answer_like_the_network(model, network):
    rates_hz = [8_000, 16_000, 44_100]
    rows = [speech_like(0.7, rate_hz, seed=11) for rate_hz in rates_hz]
    longest = max(map(len, rows))
    batch = [np.pad(row, (0, longest - len(row))).astype(np.float32) for row in rows]
    answer = ask(
        model,
        "serve_waveform",
        waveform=batch,
        num_samples=[len(row) for row in rows],
        rate_hz=rates_hz,
    )
    inputs = []
    for row, rate_hz in zip(rows, rates_hz, strict=True):
        divisor = np.gcd(rate_hz, 16_000)
        resampled = scipy.signal.resample_poly(row, 16_000 // divisor, rate_hz // divisor)
        inputs.append(prepared_by_hand(resampled))
    np.testing.assert_allclose(answer["probabilities"], expected(network, *inputs), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("num_samples", "rate_hz", "message"),
    [(0, 16_000, "num_samples"), (101, 16_000, "num_samples"), (100, 0, "sample rate")],
)
def test_impossible_waveforms_are_refused(model, num_samples, rate_hz, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(
            model,
            "serve_waveform",
            waveform=np.ones((1, 100), np.float32),
            num_samples=[num_samples],
            rate_hz=[rate_hz],
        )


# --- What surrounds the graph ---------------------------------------------------------------------


def test_networks_without_a_channel_axis_are_served_too(tmp_path):
    network = make_network(rank=2)
    model = tf.saved_model.load(str(export_tiny(network, tmp_path)))
    audio, samples = pcm16(speech_like(seed=12))
    answer = ask(model, "serving_default", examples=[example(audio)])
    reference = network.predict(prepared_by_hand(samples)[np.newaxis], verbose=0)
    np.testing.assert_allclose(answer["probabilities"], reference, atol=TOLERANCE)


def test_warm_up_holds_one_answerable_request_per_signature(directory, model):
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    requests = {
        log.predict_log.request.model_spec.signature_name: log.predict_log.request for log in logs
    }
    assert set(requests) == {"serving_default", "classify", "serve_audio", "serve_waveform"}
    answers = {
        name: ask(model, name, **{k: tf.make_ndarray(v) for k, v in request.inputs.items()})
        for name, request in requests.items()
    }
    scores = answers.pop("classify")["scores"]
    for answer in answers.values():  # all carry the same sound
        np.testing.assert_allclose(answer["probabilities"], scores, atol=1e-3)


def test_a_process_that_imports_only_tensorflow_can_answer(directory):
    contents = wav(speech_like(seed=13))
    sound = directory.parent / "clip.wav"
    sound.write_bytes(contents)
    code = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
answer = model.signatures["serve_audio"](audio=tf.constant([open(sys.argv[2], "rb").read()]))
ours = {"modules", "serving", "tensorflow_io", "tensorflow_serving", "tfx"}
print(json.dumps([answer["probabilities"].numpy().tolist(), sorted(ours & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(directory), str(sound)],
        capture_output=True,
        text=True,
        check=True,
        cwd=directory.parent,
    )
    probabilities, imported = json.loads(done.stdout)
    assert imported == []
    here = ask(tf.saved_model.load(str(directory)), "serve_audio", audio=[contents])
    np.testing.assert_allclose(probabilities, here["probabilities"], atol=1e-6)


@pytest.fixture(scope="module")
def with_tensorflow_io(tmp_path_factory):
    import tensorflow_io

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def decode(self, contents):
            return {"samples": tensorflow_io.audio.decode_flac(contents, dtype=tf.int16)}

    directory = tmp_path_factory.mktemp("tensorflow-io")
    module = Module()
    tf.saved_model.save(module, str(directory), signatures=module.decode)
    return str(directory)


def test_ops_of_tensorflow_io_are_found_though_this_process_has_them(with_tensorflow_io):
    with pytest.raises(core_ops.NotCoreOpsError, match="IO>AudioDecodeFlac"):
        core_ops.check_core_ops(with_tensorflow_io)


def test_a_clean_process_cannot_load_ops_of_tensorflow_io(with_tensorflow_io):
    with pytest.raises(RuntimeError, match="IO>AudioDecodeFlac"):
        clean_process.answer_in_clean_process(with_tensorflow_io)


def test_ops_for_gpus_only_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(core_ops, "ops_of", lambda directory: {"MatMul", "CudnnRNNV3"})
    with pytest.raises(core_ops.NotCoreOpsError, match="CPUs: CudnnRNNV3"):
        core_ops.check_core_ops(str(tmp_path))


def test_a_network_of_bfloat16_is_served_as_it_was_trained(tmp_path):
    network = NetworkSpec(
        front_end="waveform", preset="fast", precision="bfloat16", outputs=6
    ).build(seed=0)
    directory = export_tiny(network, tmp_path)
    audio, samples = pcm16(speech_like(2.0, seed=21))
    answer = ask(tf.saved_model.load(str(directory)), "serving_default", examples=[example(audio)])
    reference = expected(network, prepared_by_hand(samples))
    # One step of bfloat16 in the waveform may round to another step of a product.
    np.testing.assert_allclose(answer["probabilities"], reference, atol=2**-8)


def test_exporting_leaves_the_network_as_it_was(network, tmp_path):
    lstm = next(layer for layer in network.layers if isinstance(layer, keras.layers.LSTM))
    before = lstm.use_cudnn
    export_tiny(network, tmp_path)
    assert lstm.use_cudnn == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": "emovo"}, "emovo"),
        ({"domain_labels": {"emodb": ["joy"]}}, "joy"),
        ({"domain_labels": {"emodb": []}}, "emodb"),
        ({"statistics": {"emodb": (0.0, 1.0)}}, "fallback"),
    ],
)
def test_contradictory_arguments_are_refused(network, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        export_tiny(network, tmp_path, **changes)


def test_networks_of_other_shapes_are_refused(tmp_path):
    network = keras.Sequential([keras.Input((100, 2)), keras.layers.Dense(6)])
    with pytest.raises(ValueError, match="network input"):
        export_tiny(network, tmp_path)


def test_a_network_of_another_set_is_refused(network, tmp_path):
    with pytest.raises(ValueError, match=r"network output \(None, 6\), expected \(None, 2\)"):
        export_tiny(network, tmp_path, labels=LabelSet(("anger", "sadness")), domain_labels={})

"""The graph around a network that TF Serving runs: decoding, preparation, masks, signatures.

Decodes, resamples, standardises and pads with the functions of `modules/audio`, the same that
Transform applies in training, and consists of TensorFlow's own ops only. tensorflow-io's would be
saved without complaint, and no TF Serving could load them.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from modules.audio import network_input, resampling, wav_graph
from modules.audio.samples import first_channel
from modules.export import unsure, windows
from modules.export.speakers import Speakers
from modules.export.windows import Windows
from modules.networks import cutting
from modules.trust import embedding
from modules.trust.calibration import LEAST_PROBABILITY
from modules.trust.record import Trust
from modules.trust.typicality import Typicality
from schemas import features, signatures, sound
from schemas.labels import LabelSet

# No branch or loop of Python's depends on a tensor: to look for some takes longer than tracing.
_function = functools.partial(tf.function, autograph=False)

# Mean and standard deviation of a domain's samples, by domain; `""` is the fallback.
Statistics = Mapping[str, tuple[float, float]]


class ServingModule(tf.Module):
    """The network between the raw inputs of the three signatures and their outputs.

    Arguments and errors are those of `model.export_model`.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        labels: LabelSet,
        trim_silence: bool,
        statistics: Statistics | None,
        domain_labels: Mapping[str, Sequence[str]],
        domain: str | None,
        speakers_encoder: str | None = None,
        trust: Trust | None = None,
        typicality: Typicality | None = None,
    ):
        super().__init__(name="speech_emotion")
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"cannot export from Keras's {keras.backend.backend()} backend: set "
                "KERAS_BACKEND=tensorflow and load the .keras file"
            )
        _check_shapes(network, labels)
        _check_arguments(labels, statistics, domain_labels, domain)
        self._labels = tf.constant(labels.labels)
        self._trim_silence = trim_silence
        # Functions of a module are not tracked; its variables and tables are what gets saved. The
        # states of random generators are not: they tell what else the process did.
        self._trust = trust or Trust()
        known = typicality if self._trust.distance is not None else None
        self._infer = _with_distances(network, known)
        self._input_shape = [-1, *network.input_shape[1:]]
        self._num_samples = network.input_shape[1]
        # In a batch, windows would be computed at the length of the longest.
        self._one_by_one = any(None in layer.output.shape[1:] for layer in network.layers)
        self._speakers = None
        if speakers_encoder is not None:
            self._speakers = Speakers(network, encoder=speakers_encoder, typicality=known)
        self._answered = _shared(self._answer_waveforms, tf.TensorSpec([None], tf.int64))
        self._embedded = _shared(self._embed_waveforms)
        self._variables = [variable.value for variable in network.weights]
        # Row 0 serves unknown domains; a model of one domain has no other row.
        rows = _domain_rows(statistics, domain_labels, domain)
        masks = [_mask(labels, domain_labels.get(name)) for name in rows]
        self._masks = tf.constant(masks, tf.float32)
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

    @property
    def channels(self) -> int:
        """Length of the embeddings by which speakers are known; 0 where they are not."""
        return self._speakers.channels if self._speakers is not None else 0

    def signatures(self) -> dict[str, Any]:
        """Returns the concrete function of each signature by its name."""

        def spec(name: str, dtype: tf.DType, *shape: int | None) -> tf.TensorSpec:
            return tf.TensorSpec([None, *shape], dtype, name=name)

        waveforms = (
            spec(signatures.INPUT_WAVEFORM, tf.float32, None),
            spec(signatures.INPUT_NUM_SAMPLES, tf.int32),
            spec(signatures.INPUT_RATE_HZ, tf.int32),
        )
        found = {
            signatures.SIGNATURE_EXAMPLES: _traced(
                self.from_examples, spec(signatures.INPUT_EXAMPLES, tf.string)
            ),
            signatures.SIGNATURE_CLASSIFY: _traced(
                self.classify, spec(signatures.CLASSIFY_INPUTS, tf.string)
            ),
            signatures.SIGNATURE_AUDIO: _traced(
                self.from_wav, spec(signatures.INPUT_AUDIO, tf.string)
            ),
            signatures.SIGNATURE_WAVEFORM: _traced(self.from_waveforms, *waveforms),
        }
        if self._speakers is not None:
            found |= {
                signatures.SIGNATURE_EMBEDDING: _traced(self.embed, *waveforms),
                signatures.SIGNATURE_SPEAKER: _traced(
                    self.of_speaker,
                    *waveforms,
                    spec(signatures.INPUT_SPEAKER_MEAN, tf.float32, self._speakers.channels),
                    spec(signatures.INPUT_SPEAKER_CLIPS, tf.int32),
                    spec(signatures.INPUT_SPEAKER_ENCODER, tf.string),
                ),
            }
        return found

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

    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers serialized tf.Examples, string [batch], as TF Serving's Classify wants it."""
        answered = self.from_examples(inputs)
        return {
            signatures.CLASSIFY_CLASSES: answered[signatures.OUTPUT_LABELS],
            signatures.CLASSIFY_SCORES: answered[signatures.OUTPUT_PROBABILITIES],
        }

    def from_wav(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers whole wav files, string [batch]."""
        return self._answer(audio, _waveform_of_wav, tf.zeros_like(audio, tf.int64))

    def from_waveforms(
        self, waveform: tf.Tensor, num_samples: tf.Tensor, rate_hz: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Answers samples: float32 [batch, samples] with int32 [batch] lengths and rates."""
        clips = (waveform, num_samples, rate_hz)
        return self._answer(clips, _waveform_of_row, tf.zeros_like(num_samples, tf.int64))

    def embed(
        self, waveform: tf.Tensor, num_samples: tf.Tensor, rate_hz: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns the embeddings by which a speaker is known; inputs as of `from_waveforms`."""
        assert self._speakers is not None
        heard = self._embedded(*self._waveforms((waveform, num_samples, rate_hz), _waveform_of_row))
        embedded = heard[signatures.OUTPUT_EMBEDDING]
        return {
            signatures.OUTPUT_EMBEDDING: embedded,
            signatures.OUTPUT_ENCODER: tf.fill(tf.shape(embedded)[:1], self._speakers.encoder),
            signatures.OUTPUT_UNSURE: heard[signatures.OUTPUT_UNSURE],
        }

    def of_speaker(
        self,
        waveform: tf.Tensor,
        num_samples: tf.Tensor,
        rate_hz: tf.Tensor,
        speaker_mean: tf.Tensor,
        speaker_clips: tf.Tensor,
        speaker_encoder: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Answers samples of known speakers: float32 [batch, channels] with int32 [batch] clips."""
        assert self._speakers is not None
        heard = self._embedded(*self._waveforms((waveform, num_samples, rate_hz), _waveform_of_row))
        probabilities = self._speakers.answer(
            heard.pop(signatures.OUTPUT_EMBEDDING), speaker_mean, speaker_clips, speaker_encoder
        )
        # Row 0 of the masks, as in the other signatures that name no domain.
        return self._decided(heard | self._answers(probabilities, self._masks[:1]))

    def _answer(
        self, clips: Any, decode: Callable[[Any], tf.Tensor], rows: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Answers a batch of clips that `decode` turns into waveforms at 16 kHz."""
        return self._answered(*self._waveforms(clips, decode), rows)

    def _waveforms(
        self, clips: Any, decode: Callable[[Any], tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return windows.waveforms(clips, decode, trim=self._trim_silence)

    def _answer_waveforms(
        self, samples: tf.Tensor, lengths: tf.Tensor, whole: tf.Tensor, rows: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Answers waveforms, as of `windows.waveforms`, with int64 [batch] rows of the masks."""
        cut = self._windows(samples, lengths, whole)
        size = self._labels.shape[0]
        answers = self._each(self._infer, cut, size=size + 1, rows=rows)
        probabilities, distances = cut.mean(answers[:, :size]), answers[:, size]
        masks = tf.gather(self._masks, rows)
        return self._decided(self._heard(cut, distances) | self._answers(probabilities, masks))

    def _embed_waveforms(
        self, samples: tf.Tensor, lengths: tf.Tensor, whole: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns embeddings by which speakers are known, and what was heard."""
        assert self._speakers is not None
        cut = self._windows(samples, lengths, whole)
        channels = self._speakers.channels
        found = self._each(self._speakers.embed, cut, size=channels + 1)
        embedded = {signatures.OUTPUT_EMBEDDING: cut.mean(found[:, :channels])}
        return embedded | self._heard(cut, found[:, channels])

    def _windows(self, samples: tf.Tensor, lengths: tf.Tensor, whole: tf.Tensor) -> Windows:
        return windows.cut(
            samples, lengths, whole, length=self._num_samples, trim=self._trim_silence
        )

    def _each(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        cut: Windows,
        *,
        size: int,
        rows: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns what a function makes of each window.

        Args:
          function: From the network's input, float32 [windows, …], to float32 [windows, size].
          cut: The clips.
          size: Length of what the function makes.
          rows: int64 [batch], rows of the statistics; the first by default.

        Returns:
          float32 [windows, size].
        """

        def prepare(waveform: tf.Tensor, clip: tf.Tensor) -> tf.Tensor:
            mean, std = (None, None)
            if self._statistics is not None:
                row = 0 if rows is None else rows[clip]
                mean, std = tf.unstack(self._statistics[row])
            return network_input.prepare(
                waveform, num_samples=self._num_samples, trim=False, mean=mean, std=std
            )

        return cut.each(
            lambda inputs: function(tf.reshape(inputs, self._input_shape)),
            prepare,
            input_samples=self._num_samples,
            size=size,
            one_by_one=self._one_by_one,
        )

    def _unsure(self, cut: Windows, distances: tf.Tensor) -> tf.Tensor:
        """Returns why answers are not to be relied on, string [batch]."""
        codes = cut.map(lambda window: unsure.of_sound(window, self._trust.sound), tf.int32)
        if self._trust.distance is not None:
            # A distance that is no number is not near either.
            far = tf.logical_not(distances <= self._trust.distance)
            codes = tf.where(
                (codes == 0) & far, unsure.REASONS.index(signatures.UNSURE_UNLIKE_TRAINING), codes
            )
        return unsure.of_recordings(codes, cut.recordings, tf.size(cut.counts))

    def _heard(self, cut: Windows, distances: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns what was heard, and how far answers are to be relied on.

        Args:
          cut: The clips.
          distances: float32 [windows], from the training clips.
        """
        window_s = tf.constant(self._num_samples / sound.SAMPLE_RATE_HZ, tf.float32)
        temperature = tf.constant(self._trust.temperature, tf.float32)
        return {
            signatures.OUTPUT_UNSURE: self._unsure(cut, distances),
            signatures.OUTPUT_DURATION: cut.duration_s,
            signatures.OUTPUT_HEARD: cut.duration_s,
            signatures.OUTPUT_WINDOWS: cut.counts,
            signatures.OUTPUT_WINDOW: tf.fill(tf.shape(cut.counts), window_s),
            signatures.OUTPUT_TEMPERATURE: tf.fill(tf.shape(cut.counts), temperature),
        }

    def _answers(self, answers: tf.Tensor, masks: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns probabilities and what follows from them.

        Args:
          answers: float32 [batch, labels], of the network.
          masks: float32 [batch, labels] or [1, labels], 1 for labels that can be an answer.
        """
        probabilities = _tempered(_masked(answers, masks), masks, self._trust.temperature)
        return {
            signatures.OUTPUT_PROBABILITIES: probabilities,
            signatures.OUTPUT_LABELS: tf.broadcast_to(self._labels, tf.shape(probabilities)),
            signatures.OUTPUT_EMOTION: tf.gather(self._labels, tf.argmax(probabilities, axis=1)),
        }

    def _decided(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds what to go by: the emotion, or that the answer is not to be relied on."""
        sure = outputs[signatures.OUTPUT_UNSURE] == ""
        emotion = outputs[signatures.OUTPUT_EMOTION]
        decision = tf.where(sure, emotion, signatures.DECISION_UNSURE)
        return outputs | {signatures.OUTPUT_DECISION: decision}


def _traced(function: Callable[..., Any], *specs: tf.TensorSpec) -> Any:
    """Returns the concrete function of a signature."""
    return _function(function, input_signature=specs).get_concrete_function()


def _shared(function: Callable[..., Any], *more: tf.TensorSpec) -> Callable[..., Any]:
    """Returns a function of waveforms that the graph holds once, however many signatures call it.

    Args:
      function: Takes what `windows.waveforms` returns, and more.
      more: What else it takes.
    """
    lengths = tf.TensorSpec([None], tf.int32)
    specs = [tf.TensorSpec([None], tf.float32), lengths, lengths, *more]
    shared = _function(function, input_signature=specs)
    # A module's own `tf.function` would be saved as one of its methods, too.
    return lambda *inputs: shared(*inputs)


def _waveform_of_wav(contents: tf.Tensor) -> tf.Tensor:
    """Returns the first channel of a wav file, a scalar string, at 16 kHz: float32 [samples]."""
    samples, rate_hz = wav_graph.decode_wav(contents)
    return _at_16_khz(first_channel(samples), rate_hz)


def _waveform_of_row(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """Returns one row of `serve_waveform` at 16 kHz: float32 [samples]."""
    waveform, num_samples, rate_hz = row
    valid = tf.logical_and(num_samples > 0, num_samples <= tf.size(waveform))
    _assert(valid, "num_samples must be within 1 and the length of the row, it is:", num_samples)
    return _at_16_khz(waveform[:num_samples], rate_hz)


def _at_16_khz(waveform: tf.Tensor, rate_hz: tf.Tensor) -> tf.Tensor:
    """Returns float32 [samples] as AudioExampleGen would have ingested them.

    Scaled to ±1 where they exceed that, resampled, and rounded to 16 bits.
    """
    scaled = waveform / tf.maximum(tf.reduce_max(tf.abs(waveform)), 1.0)
    return network_input.rounded_to_16_bits(resampling.resample(scaled, rate_hz))


def _assert(condition: tf.Tensor, message: str, *facts: tf.Tensor) -> None:
    """Fails the request with InvalidArgument; tf.function orders it before what follows."""
    tf.debugging.Assert(condition, [message, *facts])


def _masked(probabilities: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """Sets classes a domain lacks to 0 and lets the rest add up to 1; both [batch, labels]."""
    kept = probabilities * masks
    total = tf.reduce_sum(kept, axis=1, keepdims=True)
    # A network can be so sure of a class that is masked out that the others underflow to 0.
    undecided = masks / tf.reduce_sum(masks, axis=1, keepdims=True)
    return tf.where(total > 0.0, tf.math.divide_no_nan(kept, total), undecided)


def _tempered(probabilities: tf.Tensor, masks: tf.Tensor, temperature: float) -> tf.Tensor:
    """Returns masked probabilities at another temperature, as `calibration.tempered`."""
    if temperature == 1.0:
        return probabilities
    scaled = tf.math.log(tf.maximum(probabilities, LEAST_PROBABILITY)) / temperature
    raised = masks * tf.exp(scaled - tf.reduce_max(scaled, axis=1, keepdims=True))
    return raised / tf.reduce_sum(raised, axis=1, keepdims=True)


def _with_distances(
    network: keras.Model, typicality: Typicality | None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function from the network's input to its outputs and, behind them, the distance.

    The distance is 0 where none is known.
    """
    if typicality is None:

        def alone(inputs: tf.Tensor) -> tf.Tensor:
            answers = network(inputs, training=False)
            return tf.pad(answers, [[0, 0], [0, 1]])

        return alone
    layers, distance = network.layers, unsure.Distance(typicality)
    front = cutting.part(network.input_shape, layers[: typicality.layers])
    rest = cutting.part(front.output_shape, layers[typicality.layers :])

    def both(inputs: tf.Tensor) -> tf.Tensor:
        output = front(inputs, training=False)
        answers = rest(output, training=False)
        distances = distance.of(embedding.of_output(output))
        return tf.concat([answers, distances[:, tf.newaxis]], axis=1)

    return both


def _domain_rows(
    statistics: Statistics | None,
    domain_labels: Mapping[str, Sequence[str]],
    domain: str | None,
) -> list[str]:
    """Returns the domain names of the rows of masks and statistics; row 0 is the default one."""
    if domain is not None:
        return [domain]
    return ["", *sorted((set(statistics or ()) | set(domain_labels)) - {""})]


def _mask(labels: LabelSet, present: Sequence[str] | None) -> list[float]:
    """Returns 1 for the labels that are present, 0 for others; all 1 for None."""
    return [float(present is None or label in present) for label in labels]


def _check_shapes(network: keras.Model, labels: LabelSet) -> None:
    if len(network.input_shape) not in (2, 3) or network.input_shape[2:] not in ((), (1,)):
        raise ValueError(
            f"network input {network.input_shape}, expected (None, samples) or (None, samples, 1)"
        )
    if tuple(network.output_shape[1:]) != (len(labels),):
        raise ValueError(
            f"network output {network.output_shape}, expected (None, {len(labels)}) for the labels"
            f" {', '.join(labels)}"
        )


def _check_arguments(
    labels: LabelSet,
    statistics: Statistics | None,
    domain_labels: Mapping[str, Sequence[str]],
    domain: str | None,
) -> None:
    for name, present in domain_labels.items():
        unknown = set(present) - set(labels)
        if unknown or not present:
            raise ValueError(f"domain_labels[{name!r}]: {sorted(unknown) or 'no labels'}")
    if domain is not None and domain not in domain_labels:
        raise ValueError(f"domain {domain!r} is none of domain_labels: {sorted(domain_labels)}")
    if statistics is not None and "" not in statistics and domain not in statistics:
        raise ValueError(f"statistics {sorted(statistics)} lack the fallback, key ''")

"""The part of the serving graph that knows speakers."""

import keras
import tensorflow as tf

from modules.export.unsure import Distance
from modules.networks import cutting
from modules.training.known_speakers import PRIOR_CLIPS, STANDARDISED
from modules.trust.typicality import Typicality


class Speakers:
    """A network in two parts: up to the embedding by which speakers are known, and from there.

    Args:
      network: A network that was trained for known speakers.
      encoder: SHA-256 of its encoder.
      typicality: What is known of the training clips' embeddings, which are the same as those by
        which speakers are known; `None` where nothing is.
    """

    def __init__(
        self, network: keras.Sequential, *, encoder: str, typicality: Typicality | None = None
    ):
        self.encoder = encoder
        cut = [layer.name for layer in network.layers].index(STANDARDISED)
        front = cutting.part(network.input_shape, network.layers[:cut])
        rest = cutting.part(front.output_shape, network.layers[cut:])
        self.channels: int = front.output_shape[-1]
        self._origin = network.get_layer(STANDARDISED).mean.value
        self._front, self._rest = front, rest
        self._distance = None if typicality is None else Distance(typicality)

    def embed(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps the network's input to embeddings and distances, float32 [batch, channels + 1].

        The distance from the training clips, the last channel, is 0 where none is known.
        """
        embeddings = self._front(inputs, training=False)
        if self._distance is None:
            return tf.pad(embeddings, [[0, 0], [0, 1]])
        return tf.concat([embeddings, self._distance.of(embeddings)[:, tf.newaxis]], axis=1)

    def answer(
        self, embedding: tf.Tensor, mean: tf.Tensor, clips: tf.Tensor, encoder: tf.Tensor
    ) -> tf.Tensor:
        """Returns probabilities, float32 [batch, labels].

        Args:
          embedding: float32 [batch, channels].
          mean: float32 [batch, channels], mean of the embeddings of the speaker's clips.
          clips: int32 [batch], their number.
          encoder: string [batch], the encoder that made them.

        Fails with InvalidArgument where that is another encoder, or a number is none.
        """
        tf.debugging.Assert(
            tf.reduce_all(encoder == self.encoder),
            ["the speaker was enrolled with another encoder than the model has: enrol again"],
        )
        tf.debugging.Assert(
            tf.reduce_all(tf.math.is_finite(mean)) & tf.reduce_all(clips >= 0),
            ["speaker_mean must be finite, and speaker_clips not negative"],
        )
        number = tf.cast(clips, tf.float32)[:, tf.newaxis]
        # As modules.training.known_speakers.offset.
        offset = number / (number + PRIOR_CLIPS) * (mean - self._origin)
        return self._rest(embedding - offset, training=False)

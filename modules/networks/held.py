"""The layers that networks hold as they came, computed apart from the rest.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

from collections.abc import Sequence

import keras
import numpy as np

from modules.networks import cutting
from modules.networks.encoders import store
from modules.networks.registry import NetworkSpec
from schemas import features


class Held:
    """The held layers of a network, with the weights that they came with.

    Args:
      spec: The network.

    Raises:
      UserError: Its encoder is not in the store.
    """

    def __init__(self, spec: NetworkSpec):
        assert spec.encoder is not None
        encoder, _ = store.load(spec.encoder.name, spec.encoder.sha256)
        network = spec.build(seed=0, encoder=encoder)
        cut = cutting.cut_behind(network, spec.held, spec.groups)
        self._part = cutting.part(network.input_shape, network.layers[:cut])

    def of(self, waveform: Sequence[float] | np.ndarray) -> np.ndarray:
        """Returns what they make of a clip.

        A clip alone, so that the result depends on no other one in a batch.

        Args:
          waveform: float32 `[input_samples]`, standardised and zero-padded.
        """
        batch = np.asarray(waveform, np.float32)[np.newaxis, :, np.newaxis]
        return self._part.predict_on_batch(batch)[0]


def taken(spec: NetworkSpec, *, embedded: bool) -> tuple[str, tuple[int, ...]]:
    """Returns the feature of an example that a network takes, and its shape.

    Args:
      spec: The network.
      embedded: Whether the examples are what its held layers make of clips.
    """
    if embedded:
        return features.EMBEDDING, shape(spec)
    return features.WAVEFORM, (spec.input_samples, 1)


def shape(spec: NetworkSpec) -> tuple[int, ...]:
    """Returns the shape of what the held layers make of a clip."""
    network: keras.Sequential = spec.build(seed=0)
    cut = cutting.cut_behind(network, spec.held, spec.groups)
    return tuple(network.layers[cut - 1].output.shape[1:])

"""The embedding by which clips are compared with the training's.

What the layers that a network holds make of a clip, which no training changes; of a network that
holds none, what its last layer group is given. Frames are averaged over the clip.

Imports keras only, so that it runs on any Keras backend.
"""

from typing import Any

import keras

from modules.networks import cutting
from modules.networks.frames import OwnMean
from modules.networks.registry import NetworkSpec


def depth(network: keras.Sequential, spec: NetworkSpec) -> int:
    """Returns how many of a network's lowest layers make the embedding."""
    if spec.held:
        return cutting.cut_behind(network, spec.held, spec.groups)
    *_, last = spec.groups.values()
    names = [layer.name for layer in network.layers]
    # Dropout, of which there is none where clips are served, stays with the layers above.
    cut = names.index(last[0])
    while isinstance(network.layers[cut - 1], keras.layers.Dropout):
        cut -= 1
    return cut


def groups_below(spec: NetworkSpec) -> tuple[str, ...]:
    """Returns the layer groups that the embedding depends on."""
    return spec.held or tuple(spec.groups)[:-1]


def of_output(output: Any) -> Any:
    """Returns embeddings `[n, channels]` of the output of these layers, `[n, …, channels]`."""
    return OwnMean()(output) if len(output.shape) == 3 else output

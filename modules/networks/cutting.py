"""Cutting networks in two where the lower part's outputs are constant for a clip.

Imports keras only, so that it runs on any Keras backend.
"""

import keras

from modules.networks.front_end import LayerGroups


def cut_behind(network: keras.Sequential, lowest: tuple[str, ...], groups: LayerGroups) -> int:
    """Returns how many layers of a network give the constant outputs of its lowest groups.

    Layers that neither learn nor draw at random are counted in, up to the dropout that follows.
    """
    if not lowest:
        return 0
    names = [layer.name for layer in network.layers]
    cut = names.index(groups[lowest[-1]][-1]) + 1
    while cut < len(names) and _is_constant(network.layers[cut]):
        cut += 1
    return cut


def part(input_shape: tuple[int | None, ...], layers: list[keras.Layer]) -> keras.Sequential:
    """Returns some layers of a network, which stay those of the network, as one of their own."""
    return keras.Sequential([keras.Input(input_shape[1:]), *layers])


def _is_constant(layer: keras.Layer) -> bool:
    """Returns whether a layer neither learns nor draws at random, as Flatten."""
    return not layer.weights and not isinstance(layer, keras.layers.Dropout)

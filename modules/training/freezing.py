"""Freezing and re-initialising layer groups, and the proof that it was done.

Imports keras and numpy only, so that it runs on any Keras backend.
"""

import hashlib
from collections.abc import Mapping

import keras

from modules.networks import cutting
from modules.networks.approaches import Adaptation
from modules.networks.front_end import LayerGroups
from modules.training.job import Weights


def weights_of(network: keras.Sequential, groups: LayerGroups) -> Weights:
    """Returns copies of the weights of all layer groups."""
    return {
        layer: network.get_layer(layer).get_weights()
        for layers in groups.values()
        for layer in layers
    }


def set_weights(network: keras.Sequential, weights: Weights) -> None:
    """Sets the weights of the layers that are named."""
    for layer, arrays in weights.items():
        network.get_layer(layer).set_weights(arrays)


def freeze(network: keras.Sequential, adaptation: Adaptation, groups: LayerGroups) -> None:
    """Marks the layers of frozen groups as not trainable, and all others as trainable."""
    for group, layers in groups.items():
        for layer in layers:
            network.get_layer(layer).trainable = group not in adaptation.frozen


def reinitialise(
    network: keras.Sequential, adaptation: Adaptation, groups: LayerGroups, *, seed: int
) -> None:
    """Draws the weights of the re-initialised groups anew."""
    # Each layer has a seed of its own: its new weights are the same whichever others start anew.
    for index, (group, layers) in enumerate(groups.items()):
        for offset, name in enumerate(layers):
            if group in adaptation.reinitialised:
                layer = network.get_layer(name)
                keras.utils.set_random_seed(seed + 100 * index + offset)
                fresh = type(layer).from_config(layer.get_config())
                fresh.build(layer.input.shape)
                layer.set_weights(fresh.get_weights())


def split_at_frozen_prefix(
    network: keras.Sequential,
    adaptation: Adaptation,
    groups: LayerGroups,
    *,
    given: tuple[str, ...] = (),
) -> tuple[keras.Sequential | None, keras.Sequential]:
    """Cuts the network after its frozen prefix, whose outputs are constant for a clip.

    Both parts share their layers with `network`, so training the second trains the network. The
    prefix ends before the dropout that follows it: that dropout stays active in training; dropouts
    between frozen layers do not, as the outputs are computed once.

    Args:
      network: The whole network.
      adaptation: What is frozen.
      groups: Layer groups of the network.
      given: Frozen groups, the lowest ones, whose outputs are there: both parts begin behind them.

    Returns:
      The prefix, `None` if nothing is to be computed once, and the part that learns.
    """
    start = cutting.cut_behind(network, given, groups)
    cut = cutting.cut_behind(network, adaptation.prefix, groups)
    inputs = network.input_shape if not start else network.layers[start - 1].output.shape
    if cut <= start:
        return None, network if not start else cutting.part(inputs, network.layers[start:])
    prefix = cutting.part(inputs, network.layers[start:cut])
    return prefix, cutting.part(prefix.output_shape, network.layers[cut:])


def weight_hashes(weights: Weights, groups: LayerGroups) -> dict[str, str]:
    """Returns the SHA-256 of the weights of each layer group, in hexadecimal."""
    hashes = {}
    for group, layers in groups.items():
        digest = hashlib.sha256()
        for layer in layers:
            for array in weights[layer]:
                digest.update(array.tobytes())
        hashes[group] = digest.hexdigest()
    return hashes


def check_frozen(
    before: Mapping[str, str], after: Mapping[str, str], adaptation: Adaptation
) -> tuple[str, ...]:
    """Proves from weight hashes that what was frozen did not change.

    Args:
      before, after: `weight_hashes` of the pre-trained and of the adapted network.
      adaptation: What was to happen.

    Returns:
      The groups that were to learn and did not: a network whose lower units have all died.

    Raises:
      RuntimeError: A frozen group changed.
    """
    changed = {group for group in adaptation.groups if before[group] != after[group]}
    if wrong := [group for group in adaptation.frozen if group in changed]:
        raise RuntimeError(
            f"frozen layer groups changed ({', '.join(wrong)}): the transfer approach was not"
            " carried out"
        )
    return tuple(
        group
        for group in adaptation.groups
        if group not in adaptation.frozen and group not in changed
    )

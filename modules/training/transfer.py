"""The transfer approaches of Marczewski et al. 2017 (section 3.3), as data.

Imports keras and numpy only, like `network.py`.
"""

import dataclasses
import hashlib

import keras

from modules.networks.waveform import LAYER_GROUPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approach:
    """What happens to each layer group of the pre-trained network on its way to a target.

    Groups that are neither frozen nor re-initialised start from the pre-trained weights and learn.

    Attributes:
      frozen: groups whose weights stay as pre-trained.
      reinitialised: groups that start anew.
      fine_tuned: whether there is any training on the target.
      l2_sp: strength of the pull towards the pre-trained weights (`adadelta.Adadelta`).
    """

    frozen: tuple[str, ...] = ()
    reinitialised: tuple[str, ...] = ()
    fine_tuned: bool = True
    l2_sp: float = 0.0


APPROACHES: dict[str, Approach] = {
    "A1": Approach(frozen=("conv1", "conv2", "lstm", "dense"), fine_tuned=False),
    "A2": Approach(),
    "A3": Approach(frozen=("conv1",)),
    "A4": Approach(frozen=("conv1", "conv2")),
    "A5": Approach(frozen=("conv1", "conv2", "lstm")),
    "A6": Approach(frozen=("conv1",), reinitialised=("conv2", "lstm", "dense")),
    "A7": Approach(frozen=("conv1", "conv2"), reinitialised=("lstm", "dense")),
    "A8": Approach(frozen=("conv1", "conv2", "lstm"), reinitialised=("dense",)),
    # Beyond the paper: the inverse cut-offs (surgical fine-tuning, Lee et al. 2022, arXiv
    # 2210.11466) and A2 with L2-SP (Li, Grandvalet & Davoine 2018).
    "conv1-only": Approach(frozen=("conv2", "lstm", "dense")),
    "convs-only": Approach(frozen=("lstm", "dense")),
    "lstm-only": Approach(frozen=("conv1", "conv2", "dense")),
    "A2-L2SP": Approach(l2_sp=0.01),
}
PAPER_APPROACHES = ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8")
# In place of an approach: the one that does best on an inner split of the target's training folds.
AUTO = "auto"


def prepare_network(network: keras.Sequential, approach: Approach, *, seed: int) -> None:
    """Freezes and re-initialises the layers of `network` in place, as `approach` says."""
    # One seed per layer, so that what one layer draws does not depend on which others are redrawn.
    for index, (group, names) in enumerate(LAYER_GROUPS.items()):
        for offset, name in enumerate(names):
            layer = network.get_layer(name)
            layer.trainable = group not in approach.frozen
            if group in approach.reinitialised:
                keras.utils.set_random_seed(seed + 100 * index + offset)
                fresh = type(layer).from_config(layer.get_config())
                fresh.build(layer.input.shape)
                layer.set_weights(fresh.get_weights())


def frozen_prefix(approach: Approach) -> tuple[str, ...]:
    """Returns the frozen groups if they are the lowest ones without a gap, else none."""
    lowest = tuple(LAYER_GROUPS)[: len(approach.frozen)]
    return lowest if set(lowest) == set(approach.frozen) else ()


def split_at_frozen_prefix(
    network: keras.Sequential, approach: Approach
) -> tuple[keras.Sequential | None, keras.Sequential]:
    """Cuts the network after its frozen prefix, whose outputs are constant for a clip.

    Both parts share their layers with `network`, so training the second trains the network. The
    prefix ends before the dropout that follows it: that dropout stays active in training; dropouts
    between frozen layers do not, as the outputs are computed once.

    Returns:
      The prefix, `None` if nothing is frozen, and the part that learns.
    """
    groups = frozen_prefix(approach)
    if not groups:
        return None, network
    names = [layer.name for layer in network.layers]
    cut = names.index(LAYER_GROUPS[groups[-1]][-1]) + 1
    if cut < len(names) and names[cut] == "flatten":
        cut += 1
    if cut == len(names):
        raise ValueError("every layer is frozen: there is nothing left to train")
    prefix = keras.Sequential([keras.Input(network.input_shape[1:]), *network.layers[:cut]])
    rest = keras.Sequential([keras.Input(prefix.output_shape[1:]), *network.layers[cut:]])
    return prefix, rest


def weight_hashes(network: keras.Sequential) -> dict[str, str]:
    """Returns the SHA-256 of the weights of each layer group it has, in hexadecimal."""
    hashes = {}
    existing = {layer.name for layer in network.layers}
    for group, names in LAYER_GROUPS.items():
        if not existing.issuperset(names):
            continue
        digest = hashlib.sha256()
        for name in names:
            for array in network.get_layer(name).get_weights():
                digest.update(array.tobytes())
        hashes[group] = digest.hexdigest()
    return hashes


def check_frozen(
    before: dict[str, str], after: dict[str, str], approach: Approach
) -> tuple[str, ...]:
    """Proves from weight hashes that what was frozen did not change.

    Args:
      before, after: `weight_hashes` of the pre-trained and of the adapted network.
      approach: what was to happen.

    Returns:
      The groups that were to learn and did not: a network whose lower units have all died.

    Raises:
      RuntimeError: a frozen group changed.
    """
    changed = {group for group in LAYER_GROUPS if before[group] != after[group]}
    if wrong := [group for group in approach.frozen if group in changed]:
        raise RuntimeError(
            f"frozen layer groups changed ({', '.join(wrong)}): the transfer approach was not "
            "carried out"
        )
    return tuple(
        group for group in LAYER_GROUPS if group not in approach.frozen and group not in changed
    )

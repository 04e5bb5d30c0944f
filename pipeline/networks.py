"""The networks of a configuration: what fixes them, and how they learn."""

from modules.networks.encoders import store
from modules.networks.encoders.spec import EncoderSpec
from modules.networks.registry import FRONT_ENDS, NetworkSpec
from modules.training.settings import Recipe
from pipeline.config import DataConfig
from schemas.labels import LabelSet


def network_spec(config: DataConfig, labels: LabelSet) -> NetworkSpec:
    """Returns the network of a configuration.

    Args:
      config: Names the front end, and its encoder if it takes one.
      labels: What its outputs stand for.

    Raises:
      UserError: The encoder is not in the store, or has fewer blocks.
    """
    encoder: EncoderSpec | None = None
    if FRONT_ENDS[config.front_end].takes_encoder:
        encoder = store.spec(
            config.encoder.name, blocks=config.encoder.blocks, pooled=config.encoder.pooled_blocks
        )
    return NetworkSpec(
        front_end=config.front_end,
        preset=config.network_preset,
        precision=config.precision,
        encoder=encoder,
        members=config.members,
        outputs=len(labels),
    )


def recipe(config: DataConfig) -> Recipe:
    """Returns how the front end's networks learn where the configuration says nothing else."""
    return FRONT_ENDS[config.front_end].recipe

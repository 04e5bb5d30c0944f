"""Which networks are trained."""

from typing import Annotated, Any

import pydantic
import pydantic_core

from pipeline.config import allowed
from pipeline.config.section import Section, one_of


class Encoder(Section):
    """The trained encoder of a front end that takes one; `ser encoder list` shows those there are.

    Its weights belong to networks from their beginning and stay as they are, unless an approach
    unfreezes the last block.
    """

    name: str = "whisper-tiny.en"
    blocks: int = pydantic.Field(2, ge=1)
    """Transformer blocks that are used, from the input upwards."""
    pooled: tuple[int, ...] | None = None
    """Blocks, from 1, whose outputs are taken, the last one among them; all if absent."""

    @property
    def pooled_blocks(self) -> tuple[int, ...]:
        """The blocks whose outputs are taken."""
        return self.pooled or tuple(range(1, self.blocks + 1))

    @pydantic.model_validator(mode="after")
    def _check_pooled(self) -> "Encoder":
        pooled = list(self.pooled_blocks)
        if pooled != sorted(set(pooled)) or pooled[0] < 1 or pooled[-1] != self.blocks:
            raise pydantic_core.PydanticCustomError(
                "pooled",
                "pooled must name blocks from 1 to {blocks}, each once, ascending, the last one"
                " among them",
                {"blocks": self.blocks},
            )
        return self


class NetworkKeys(Section):
    """Keys of all configurations that fix the network, but for its labels."""

    front_end: Annotated[str, one_of(allowed.front_ends)] = "waveform"
    preset: str | None = None
    """One of the front end's presets; its first one if absent."""
    precision: str = "float32"
    """Precision of the convolutions' products: bfloat16 is faster where the processor has it."""
    encoder: Encoder = Encoder()
    members: int = pydantic.Field(1, ge=1)
    """Trainings of each network, with seeds of their own; their mean is the output."""

    @property
    def network_preset(self) -> str:
        """The preset that counts."""
        return self.preset or next(iter(allowed.front_end(self.front_end).presets))

    @property
    def input_samples(self) -> int:
        """Length of the networks' input at 16 kHz, which their front end fixes."""
        from modules.networks.registry import input_samples

        return input_samples(self.front_end)

    @pydantic.model_validator(mode="after")
    def _check_network(self) -> Any:
        found = allowed.front_end(self.front_end)
        for key, value, values in (
            ("preset", self.network_preset, tuple(found.presets)),
            ("precision", self.precision, found.precisions),
        ):
            if value not in values:
                raise pydantic_core.PydanticCustomError(
                    "front_end",
                    "{key} must be one of {allowed} with front_end {front_end}, and is {value}",
                    {
                        "key": key,
                        "allowed": ", ".join(values),
                        "front_end": self.front_end,
                        "value": value,
                    },
                )
        if self.members > 1 and self.network_preset not in found.takes_members:
            raise pydantic_core.PydanticCustomError(
                "members",
                "members must be 1 with front_end {front_end}, preset {preset}",
                {"front_end": self.front_end, "preset": self.network_preset},
            )
        return self

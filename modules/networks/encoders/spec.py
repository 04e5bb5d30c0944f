"""What fixes the layers of an encoder in a network."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """All that fixes the layers of an encoder in a network, but their weights.

    Attributes:
      name: Name in the store of encoders.
      sha256: SHA-256 of its file there, so that other weights are another network.
      bands: Number of mel bands.
      width: Number of channels.
      heads: Number of attention heads.
      positions: Largest number of frames, 20 ms each.
      blocks: Number of transformer blocks, counted from the input, that are used.
      pooled: Blocks, from 1, whose outputs are taken; the last one used is among them.

    Raises:
      ValueError: The blocks that are pooled are none, not ascending, or not below the last one.
    """

    name: str
    sha256: str
    bands: int
    width: int
    heads: int
    positions: int
    blocks: int
    pooled: tuple[int, ...]

    def __post_init__(self) -> None:
        if (
            not self.pooled
            or list(self.pooled) != sorted(set(self.pooled))
            or self.pooled[0] < 1
            or self.pooled[-1] != self.blocks
        ):
            raise ValueError(
                f"pooled blocks {list(self.pooled)} of {self.blocks}: name each once, ascending,"
                " the last one among them"
            )

"""An encoder in a file of others, under their names, and its conversion to ours."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from modules.networks.encoders.encoder import HEAD_WIDTH, Encoder
from modules.networks.encoders.tensors import Tensors
from schemas.errors import UserError
from schemas.words import plural


@dataclasses.dataclass(frozen=True, kw_only=True)
class Names:
    """What a format calls an encoder's arrays. Its kernels' axes are ours in reverse.

    Attributes:
      stem: Their names by ours, see `encoder.STEM`.
      block: The same for `encoder.BLOCK`; `{}` stands for the block's number, from 0.
    """

    stem: Mapping[str, str]
    block: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foreign:
    """An encoder in a file of others.

    Attributes:
      origin: What errors call the file.
      tensors: What reads each of its arrays, by their names.
      names: What these are.
      configured: Sizes that a configuration beside the weights tells, by the names of `Encoder`'s:
        `heads`, `bands`, `width`, `positions`, `blocks`.
    """

    origin: str
    tensors: Tensors
    names: Names
    configured: Mapping[str, int]

    @property
    def blocks(self) -> int:
        """Number of transformer blocks in the file."""
        number = 0
        while self.names.block["query_kernel"].format(number) in self.tensors:
            number += 1
        return number

    def encoder(self, *, name: str, source: str, licence: str, blocks: int) -> Encoder:
        """Reads the stem and the first blocks.

        Args:
          name: The encoder's name.
          source: Where the weights come from, in words.
          licence: Licence of the weights.
          blocks: Number of transformer blocks, from the input.

        Raises:
          UserError: The file holds fewer blocks, lacks an array, holds one that does not fit the
            others or is quantised, or its configuration tells other sizes.
        """
        held = self.blocks
        if held < blocks:
            raise UserError(
                f"{self.origin}: holds {plural(held, 'block')} of an encoder, fewer than --blocks"
                f" {blocks}"
            )
        theirs = {f"stem/{ours}": name for ours, name in self.names.stem.items()}
        for number in range(blocks):
            for ours, pattern in self.names.block.items():
                theirs[f"block{number + 1}/{ours}"] = pattern.format(number)
        arrays = {ours: self._array(ours, their) for ours, their in theirs.items()}
        width = arrays["stem/conv1_bias"].size
        encoder = Encoder(
            name=name,
            heads=self.configured.get("heads", width // HEAD_WIDTH),
            source=source,
            licence=licence,
            arrays=arrays,
        )
        encoder.check(origin=self.origin)
        self._compare(encoder, held)
        return encoder

    def _array(self, ours: str, their: str) -> np.ndarray:
        if their not in self.tensors:
            raise UserError(f"{self.origin}: is no Whisper encoder: it has no {their}")
        try:
            array = self.tensors[their]()
        except ValueError as error:
            raise UserError(f"{self.origin}: {their} cannot be read ({error})") from None
        return array.T if ours.endswith("_kernel") else array

    def _compare(self, encoder: Encoder, held: int) -> None:
        found = {
            "bands": encoder.bands,
            "width": encoder.width,
            "positions": encoder.positions,
            "blocks": held,
        }
        for size, number in found.items():
            if self.configured.get(size, number) != number:
                raise UserError(
                    f"{self.origin}: {size} are {number}, but its configuration tells"
                    f" {self.configured[size]}: they belong to different models"
                )

"""How wholes, parts and companions lie in one row of features, and how VTPH reads them from there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.recall.hashers.vtph_network import Looks, Said


@dataclass(frozen=True)
class Layout:
    """What is where in a row.

    A picture: its whole, then its patches. A caption: its whole, its tokens, the look of a companion picture, and the
    whole and the tokens of that picture's retold caption. Rows that are no longer than the whole are wholes alone: such
    pictures have no patches, and such captions neither tokens nor companions, and are their own retold captions.

    Attributes:
        picture, patch: numbers of a picture as a whole and of a patch.
        word, tokens: numbers of a caption as a whole, which are also those of a token, and its tokens.
    """

    picture: int = 1280
    patch: int = 320
    word: int = 384
    tokens: int = 16

    def looks(self, rows: Float[np.ndarray, "picture width"]) -> Looks:
        """Pictures, as tensors on the rows' own memory.

        Raises:
            BadInput: what follows the whole is no number of patches.
        """
        features = torch.from_numpy(rows)
        parts = features[:, self.picture :]
        if parts.shape[1] % self.patch:
            raise _misfit(rows, f"{self.picture} numbers of a picture and patches of {self.patch} follow each other")
        patches = parts.reshape(len(rows), parts.shape[1] // self.patch, self.patch)
        return Looks(features[:, : self.picture], patches)

    def said(self, rows: Float[np.ndarray, "caption width"]) -> Said:
        """Captions, as tensors on the rows' own memory.

        Raises:
            BadInput: they are neither wholes alone nor captions with tokens and companions.
        """
        features = torch.from_numpy(rows)
        if rows.shape[1] <= self.word:
            none = features.new_zeros(len(rows), 0, rows.shape[1])
            return Said(features, none, features.new_zeros(len(rows), 0), features, none)
        own = self.word * self.tokens
        sizes = (self.word, own, self.picture, self.word, own)
        if rows.shape[1] != sum(sizes):
            raise _misfit(rows, f"a caption with a companion has {sum(sizes)} numbers here")
        whole, parts, look, told, told_parts = features.split(sizes, dim=1)
        return Said(whole, self._apart(parts), look, told, self._apart(told_parts))

    def _apart(self, tokens: Float[Tensor, "caption all"]) -> Float[Tensor, "caption token width"]:
        return tokens.reshape(len(tokens), self.tokens, self.word)


def _misfit(rows: Float[np.ndarray, "row width"], why: str) -> BadInput:
    return BadInput(
        f"features of the shape {list(rows.shape)} cannot be read as wholes and parts",
        why=why,
        next_step="use the features that `mindseye.recall.companions` makes",
    )

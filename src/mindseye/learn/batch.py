"""What a learner is shown: pictures, and their captions as a frozen text encoder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Words:
    """Captions as features of a frozen text encoder.

    Attributes:
        tokens: the last hidden state of every token, zero where padded.
        mask: True where a token stands, False where padded.
        sentence: the mean of the token states, one vector a caption.
    """

    tokens: Float[Tensor, "batch token width"]
    mask: Bool[Tensor, "batch token"]
    sentence: Float[Tensor, "batch width"]

    def to(self, device: torch.device) -> Words:
        return Words(self.tokens.to(device), self.mask.to(device), self.sentence.to(device))

    def rows(self, indices: Sequence[int]) -> Words:
        """The captions at `indices`, in that order."""
        rows = list(indices)
        return Words(self.tokens[rows], self.mask[rows], self.sentence[rows])

    @staticmethod
    def cat(parts: Sequence[Words]) -> Words:
        """Several sets of captions, one after another."""
        return Words(
            torch.cat([part.tokens for part in parts]),
            torch.cat([part.mask for part in parts]),
            torch.cat([part.sentence for part in parts]),
        )


@dataclass(frozen=True)
class Batch:
    """What an objective sees.

    Attributes:
        pictures: in [-1, 1], RGBA premultiplied.
        words: a caption of each.
        concepts: a number for what each shows; two pictures of one concept do not contradict each other.
    """

    pictures: Float[Tensor, "batch channel height width"]
    words: Words
    concepts: Int[Tensor, "batch"]

    def to(self, device: torch.device) -> Batch:
        return Batch(self.pictures.to(device), self.words.to(device), self.concepts.to(device))

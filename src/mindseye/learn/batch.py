"""What a learner is shown: pictures, and their captions as a frozen text encoder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Words:
    """Captions as features of a frozen text encoder. A caption without words has no token and a sentence of zeros.

    Attributes:
        tokens: the last hidden state of every token, zero where padded.
        mask: True where a token stands, False where padded.
        sentence: the mean of the token states, one vector a caption.
    """

    tokens: Float[Tensor, "batch token width"]
    mask: Bool[Tensor, "batch token"]
    sentence: Float[Tensor, "batch width"]

    @property
    def absent(self) -> Bool[Tensor, "batch"]:
        """Where there is no caption: what an empty prompt is, and every caption of a collection without captions."""
        return ~self.mask.any(1)

    def to(self, device: torch.device) -> Words:
        return Words(self.tokens.to(device), self.mask.to(device), self.sentence.to(device))

    def rows(self, indices: Sequence[int]) -> Words:
        """The captions at `indices`, in that order."""
        rows = list(indices)
        return Words(self.tokens[rows], self.mask[rows], self.sentence[rows])

    def towards(self, other: Words, share: float) -> Words:
        """Captions between these (`share` 0) and others (1): every state goes straight from one to the other.

        Where one caption has more tokens, the last token of the other stands in for those that it lacks.
        """
        if share in (0, 1):
            return other if share else self
        mask = self.mask | other.mask
        begin, end = (words._with_last_token_repeated() for words in (self, other))
        tokens = torch.lerp(begin, end, share) * mask[..., None]
        return Words(tokens, mask, torch.lerp(self.sentence, other.sentence, share))

    def _with_last_token_repeated(self) -> Float[Tensor, "batch token width"]:
        last = (self.mask.sum(1) - 1).clamp(min=0)
        repeated = self.tokens[torch.arange(len(last)), last][:, None]
        return torch.where(self.mask[..., None], self.tokens, repeated)

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

    @property
    def others_caption_is_wrong(self) -> Bool[Tensor, "batch"]:
        """Where the caption of the sample before, as `roll(1)` brings it, is wrong for a picture: it is of another
        concept, and it says something. No caption contradicts no picture."""
        return (self.concepts != self.concepts.roll(1, 0)) & ~self.words.absent.roll(1, 0)

    def to(self, device: torch.device) -> Batch:
        return Batch(self.pictures.to(device), self.words.to(device), self.concepts.to(device))

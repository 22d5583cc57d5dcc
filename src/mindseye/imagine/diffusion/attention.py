"""Which words a picture looks at while it is drawn, and where: the network's own attention, averaged (DAAM, Tang et al.
2022)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


class Attention:
    """Averages what it is shown over heads, blocks and calls of the network.

    The first picture of every call is the one with its caption; a second is what guidance goes away from.

    Attributes:
        mean: so far; the share of its attention that each patch gave to each caption token.
    """

    mean: Float[Tensor, "word row column"]

    def __init__(self, side: int) -> None:
        self.side = side
        self.calls = 0

    def __call__(self, attention: Float[Tensor, "batch head token token_and_word"]) -> None:
        to_words = attention[0, :, :, self.side**2 :].float().mean(0)  # token, word
        latest = to_words.T.unflatten(1, (self.side, self.side))
        self.calls += 1
        self.mean = latest if self.calls == 1 else self.mean + (latest - self.mean) / self.calls

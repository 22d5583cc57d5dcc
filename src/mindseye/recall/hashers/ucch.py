"""UCCH: contrast against a memory of codes, and a ranking that forgives what looks alike (Hu et al. 2023).

"Unsupervised Contrastive Cross-Modal Hashing", TPAMI. It needs captions and no labels. With h the values of length 1:

- L_c contrasts the picture and the caption of a pair, each, with the sign codes of all other pairs, which a memory bank
  keeps: v <- delta v + (1 - delta) (h_x + h_y) / 2, of length 1 again, and k = sign(v).
- L_r is a hinge on the hardest of the batch, softened: m + logsumexp_j S'_ij - S'_ii with S' the cosines between
  pictures and captions, those that are no danger (S_ij < S_ii - m) lowered by a shift.

The loss is beta L_c + (1 - beta) L_r, in the first epoch with the signs of the batch in place of the bank.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from mindseye.randomness import rng_at
from mindseye.recall.hashers.hasher import JointHasher, Pairs
from mindseye.recall.hashers.towers import Objective, Settings, fit_towers

TEMPERATURE = 0.9  # T; the temperature is T sqrt(bits)
DELTA, BETA = 0.4, 0.7
KEYS = 4096  # of the bank, a step
MARGIN, SHIFT = 0.2, 1.0
SETTINGS = Settings(rate=3e-3)


def fit_ucch(pairs: Pairs, bits: int, seed: int = 0, settings: Settings = SETTINGS) -> JointHasher:
    """The hasher.

    Args:
        pairs: captioned pictures.
        bits: of a code.
        seed: of the training and of the bank.
        settings: of the training.

    Raises:
        BadInput: fewer than two pictures have captions.
    """
    return fit_towers("ucch", pairs.captioned(), bits, lambda own: Ucch(len(own.pictures), bits, seed), settings, seed)


class Ucch(Objective):
    """The objective, with its memory bank."""

    def __init__(self, pictures: int, bits: int, seed: int) -> None:
        drawn = rng_at(seed, "memory bank").standard_normal((pictures, bits)).astype(np.float32)
        self.bank = F.normalize(torch.from_numpy(drawn), dim=1)
        self.temperature = TEMPERATURE * bits**0.5
        self._seed, self._epoch, self._step = seed, 0, 0

    def begin_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __call__(
        self, x: Float[Tensor, "batch bit"], y: Float[Tensor, "batch bit"], rows: Int[Tensor, "batch"]
    ) -> Tensor:
        x, y = (F.normalize(values.tanh(), dim=1) for values in (x, y))
        contrast = sum((self._contrast(values, rows, (x + y).detach()) for values in (x, y)), torch.zeros(()))
        with torch.no_grad():
            self.bank[rows] = F.normalize(DELTA * self.bank[rows] + (1 - DELTA) * (x + y) / 2, dim=1)
        self._step += 1
        return BETA * contrast + (1 - BETA) * ranking(x @ y.T)

    def _contrast(self, h: Tensor, rows: Tensor, both: Tensor) -> Tensor:
        if self._epoch == 0:
            keys, own = both.sign(), torch.arange(len(rows))
        else:
            drawn = rng_at(self._seed, "keys", self._step).permutation(len(self.bank))[:KEYS]
            others = torch.from_numpy(drawn)
            keys = torch.cat([self.bank[rows], self.bank[others[~torch.isin(others, rows)]]]).sign()
            own = torch.arange(len(rows))
        return F.cross_entropy(h @ keys.T / self.temperature, own)


def ranking(cosines: Float[Tensor, "picture caption"]) -> Tensor:
    """L_r of both directions."""
    total = torch.zeros(())
    for S in (cosines, cosines.T):
        own = S.diagonal()[:, None]
        lowered = torch.where(own - MARGIN <= S, S, S - SHIFT)
        total = total + (MARGIN + lowered.logsumexp(1) - own[:, 0]).mean()
    return total

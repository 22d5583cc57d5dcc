"""What is known of a finished model's codes: what each dimension carries, and where the codes of its pictures lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.vae.mixture import COMPONENTS, Mixture, fitted
from mindseye.imagine.vae.network import Posterior
from mindseye.imagine.vae.objective import kl, sampled
from mindseye.randomness import rng_at


class Codes(nn.Module):
    """Measured once, on the training pictures, when a training ends; until then a mixture of N(0, I) alone.

    Attributes:
        kl: KL(q(c | x) || N(0, I)) of every dimension, in nats, the mean over the pictures.
        weights, means, factors: of the mixture; components that are not there have the weight 0.
    """

    kl: Float[Tensor, "code"]
    weights: Float[Tensor, "component"]
    means: Float[Tensor, "component code"]
    factors: Float[Tensor, "component code code"]

    def __init__(self, code: int) -> None:
        super().__init__()
        self.register_buffer("kl", torch.zeros(code))
        self.register_buffer("weights", torch.eye(COMPONENTS)[0].clone())
        self.register_buffer("means", torch.zeros(COMPONENTS, code))
        self.register_buffer("factors", torch.eye(code).repeat(COMPONENTS, 1, 1))

    def measure(self, posteriors: Sequence[Posterior], noise: float) -> None:
        """Takes in where the codes of all training pictures lie.

        Args:
            posteriors: of the pictures, batch by batch.
            noise: 1 where a code is a sample, 0 where it is the mean.
        """
        whole = Posterior(
            torch.cat([one.mean for one in posteriors]).cpu(), torch.cat([one.log_variance for one in posteriors]).cpu()
        )
        chance = rng_at(0, "codes").standard_normal(tuple(whole.mean.shape), dtype=np.float32)
        mixture = fitted(sampled(whole, noise * torch.from_numpy(chance)).double().numpy())
        there = len(mixture.weights)
        self.kl.copy_(kl(whole).mean(0))
        for mine, numbers in ((self.weights, mixture.weights), (self.means, mixture.means)):
            mine.zero_()[:there] = torch.from_numpy(numbers)
        self.factors.zero_()[:there] = torch.from_numpy(mixture.factors)

    @property
    def mixture(self) -> Mixture:
        """Where the codes lie."""
        there = self.weights > 0
        return Mixture(*(part[there].double().cpu().numpy() for part in (self.weights, self.means, self.factors)))

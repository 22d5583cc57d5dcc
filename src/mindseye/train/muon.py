"""Muon (Jordan 2024): momentum whose update is made orthogonal, for the hidden matrices of a network.

    M_t = mu M_{t-1} + (1 - mu) G_t            momentum (as a running mean)
    U_t = (1 - mu) G_t + mu M_t                Nesterov's look ahead
    O_t = orthogonalised(U_t)                  all singular values brought near 1
    W_t = (1 - lr wd) W_{t-1} - lr 0.2 sqrt(max(rows, columns)) O_t

The last factor gives the update the root mean square of AdamW's, about 0.2 (Liu et al. 2025, Eq. 4), so that one
learning rate serves both. `torch.optim.Muon` computes the same, but always in bfloat16 and a matrix at a time: on a
processor without bfloat16 arithmetic that took 25 s a step where the gradient took 4. Here the arithmetic is the
processor's fast one and matrices of one shape are orthogonalised together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: steep at 0, values end between about 0.7 and 1.2
ITERATIONS = 5
UPDATE_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """Moves matrices only.

    Args:
        matrices: parameters of two dimensions.
        lr: learning rate, as for AdamW.
        weight_decay: decoupled, times the learning rate.
        momentum: mu above.
        arithmetic: the type that the orthogonalisation computes in.
    """

    def __init__(
        self,
        matrices: Sequence[nn.Parameter],
        *,
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
        arithmetic: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.arithmetic = arithmetic

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure: the loop has the gradients
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in by_shape.items():
                ahead = torch.stack([self._look_ahead(matrix, group["momentum"]) for matrix in matrices])
                scale = group["lr"] * UPDATE_RMS * math.sqrt(max(shape))
                for matrix, update in zip(matrices, orthogonalised(ahead, self.arithmetic), strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=scale)

    def _look_ahead(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        gradient = matrix.grad
        assert gradient is not None
        state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum_buffer"], momentum)


def orthogonalised(
    matrices: Float[Tensor, "matrix row column"], arithmetic: torch.dtype = torch.float32
) -> Float[Tensor, "matrix row column"]:
    """U V^T of each matrix U S V^T, nearly: five Newton-Schulz steps X <- a X + (b A + c A^2) X with A = X X^T.

    Args:
        matrices: any shape of two or more columns and rows.
        arithmetic: torch.float32 or torch.bfloat16.
    """
    a, b, c = QUINTIC
    wide = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices  # A is then the smaller of the two
    x = (wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)).to(arithmetic)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x.to(matrices.dtype)
    return x.mT if matrices.shape[1] > matrices.shape[2] else x

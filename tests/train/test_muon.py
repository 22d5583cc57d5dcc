"""Muon: orthogonal updates, the same as torch's, at the speed of the processor."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mindseye.train.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(64, 32), (32, 64), (48, 48)])
@pytest.mark.parametrize("arithmetic", [torch.float32, torch.bfloat16])
def test_all_singular_values_come_near_one(shape: tuple[int, int], arithmetic: torch.dtype) -> None:
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(matrices, arithmetic))
    least = 0.6 if shape[0] != shape[1] else 0.0  # a square random matrix has singular values near 0, which stay small
    assert least < values.min() and values.max() < 1.25


def test_the_singular_vectors_stay() -> None:
    matrix = torch.randn(1, 24, 40, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    kept = u.mT @ orthogonalised(matrix) @ v.mT
    off_diagonal = kept - torch.diag_embed(torch.diagonal(kept, dim1=1, dim2=2))
    assert off_diagonal.abs().max() < 1e-4


def test_steps_are_those_of_torch() -> None:
    """torch computes in bfloat16, so both do here."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(32, 64, generator=generator)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Muon([ours], lr=0.02, weight_decay=0.1)
    reference = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        ours.grad = torch.randn(32, 64, generator=generator)
        theirs.grad = ours.grad.clone()
        mine.step()
        reference.step()
    assert (ours - start).norm() > 0.5
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=2e-3)


def test_a_matrix_moves_as_it_would_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    starts = [torch.randn(16, 24, generator=generator) for _ in range(3)]
    gradients = [torch.randn(16, 24, generator=generator) for _ in range(3)]

    def moved(rows: list[int]) -> list[torch.Tensor]:
        matrices = [nn.Parameter(starts[row].clone()) for row in rows]
        for matrix, row in zip(matrices, rows, strict=True):
            matrix.grad = gradients[row].clone()
        Muon(matrices, lr=0.1, weight_decay=0.0, arithmetic=torch.float32).step()
        return [matrix.detach() for matrix in matrices]

    together = moved([0, 1, 2])
    for row in range(3):
        torch.testing.assert_close(moved([row])[0], together[row], atol=1e-6, rtol=1e-6)

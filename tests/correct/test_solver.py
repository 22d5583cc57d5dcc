"""The closed form against its own definition: no gradient left, nothing asked nothing changed, and gradient descent."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mindseye.correct.solver import Inputs, change, right_factor
from mindseye.errors import BadInput

OUT, IN = 6, 12


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def solved(weight: Tensor, keys: Tensor, values: Tensor, lam: float, kept: Tensor | None = None) -> Tensor:
    inputs = Inputs(keys, torch.zeros(0, IN) if kept is None else kept)
    return change(weight, values, keys, right_factor(inputs, lam)).added_to(weight)


def objective(new: Tensor, weight: Tensor, keys: Tensor, values: Tensor, lam: float, kept: Tensor) -> Tensor:
    return (
        (keys @ new.T - values).square().sum()
        + (kept @ (new - weight).T).square().sum()
        + lam * (new - weight).square().sum()
    )


@pytest.mark.parametrize("lam", [0.01, 0.1, 10.0])
def test_no_gradient_is_left(lam: float) -> None:
    weight, keys, values, kept = (
        numbers(OUT, IN),
        numbers(5, IN, seed=1),
        numbers(5, OUT, seed=2),
        numbers(3, IN, seed=3),
    )
    new = solved(weight, keys, values, lam, kept).requires_grad_()
    objective(new, weight, keys, values, lam, kept).backward()
    before = weight.clone().requires_grad_()
    objective(before, weight, keys, values, lam, kept).backward()
    assert new.grad is not None and before.grad is not None
    assert new.grad.norm() < 1e-10 * before.grad.norm()


@pytest.mark.parametrize(("scale", "preserve_scale"), [(1.0, 1.0), (3.0, 0.5)])
def test_it_is_the_closed_form_as_the_papers_write_it(scale: float, preserve_scale: float) -> None:
    """TIME, Eq. 3, and UCE, Eq. 7, in which W' is written whole and not as what is added to W."""
    W, C, V, P = numbers(OUT, IN), numbers(5, IN, seed=1), numbers(5, OUT, seed=2), numbers(3, IN, seed=3)
    for kept in (P, P[:0]):
        right = right_factor(Inputs(C, kept), 0.1, scale, preserve_scale)
        asked = scale * V.T @ C + preserve_scale * W @ kept.T @ kept + 0.1 * W
        given = scale * C.T @ C + preserve_scale * kept.T @ kept + 0.1 * torch.eye(IN, dtype=torch.float64)
        assert torch.allclose(change(W, V, C, right).added_to(W), asked @ torch.linalg.inv(given), atol=1e-10)


@pytest.mark.parametrize("hold", [0.0, 0.3, 30.0])
def test_it_is_where_gradient_descent_arrives(hold: float) -> None:
    weight, keys, values, kept = (
        numbers(OUT, IN),
        numbers(5, IN, seed=1),
        numbers(5, OUT, seed=2),
        numbers(3, IN, seed=3),
    )
    usual = 1 + numbers(40, IN, seed=4)
    new = weight.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([new], max_iter=300, tolerance_grad=1e-13, tolerance_change=1e-18)

    def step() -> Tensor:
        optimiser.zero_grad()
        change_of_usual = (usual @ (new - weight).T).square().sum(1).mean()
        loss = objective(new, weight, keys, values, 0.1, kept) + hold * change_of_usual
        loss.backward()
        return loss

    optimiser.step(step)
    inputs = Inputs(keys, kept, hold * usual.T @ usual / len(usual))
    found = change(weight, values, keys, right_factor(inputs, 0.1)).added_to(weight)
    assert torch.allclose(new.detach(), found, atol=1e-6)


def test_what_is_asked_to_stay_as_it_is_stays() -> None:
    weight, keys = numbers(OUT, IN), numbers(5, IN, seed=1)
    assert torch.equal(solved(weight, keys, keys @ weight.T, 0.1), weight)


def test_a_large_lambda_changes_nothing_and_a_small_one_gives_exactly_what_is_asked() -> None:
    weight, keys, values = numbers(OUT, IN), numbers(5, IN, seed=1), numbers(5, OUT, seed=2)
    assert torch.allclose(solved(weight, keys, values, 1e12), weight, atol=1e-9)
    assert torch.allclose(keys @ solved(weight, keys, values, 1e-10).T, values, atol=1e-7)


def test_what_is_preserved_moves_less_than_it_would() -> None:
    weight, keys, values = numbers(OUT, IN), numbers(5, IN, seed=1), numbers(5, OUT, seed=2)
    kept = keys[:1] + 0.5 * numbers(1, IN, seed=4)
    moved = [
        float((kept @ (solved(weight, keys, values, 0.1, other) - weight).T).norm())
        for other in (torch.zeros(0, IN), kept, 100 * kept)
    ]
    assert moved[0] > 2 * moved[1] > 4 * moved[2]


def test_many_are_solved_at_once_and_the_rank_is_at_most_their_number() -> None:
    weight, keys, values = numbers(OUT, IN), numbers(3, IN, seed=1), numbers(3, OUT, seed=2)
    new = solved(weight, keys, values, 1e-9)
    assert torch.allclose(keys @ new.T, values, atol=1e-6)
    assert torch.linalg.matrix_rank(new - weight) <= 3


@pytest.mark.parametrize("lam", [0.0, -1.0, float("nan")])
def test_a_lambda_that_is_not_above_zero_is_refused(lam: float) -> None:
    with pytest.raises(BadInput, match="lambda"):
        right_factor(Inputs(numbers(2, IN), torch.zeros(0, IN)), lam)

"""The convolution of many derivatives against torch's own, and that a penalty makes no derivative that nobody uses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mindseye.imagine.adversarial.convolution import Against, Convolution, to_pictures_only

SHAPES = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 1, "bias": False},
    {"kernel_size": 3, "padding": 1, "groups": 2},
    {"kernel_size": 4, "padding": 1, "stride": 2},
    {"kernel_size": 4, "groups": 4, "bias": False},
]


def numbers(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(shape: dict[str, Any]) -> tuple[Convolution, nn.Conv2d]:
    torch.manual_seed(0)
    ours, theirs = Convolution(4, 8, **shape).double(), nn.Conv2d(4, 8, **shape).double()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_loss_with_a_derivative_of_a_derivative_in_it_has_the_derivatives_that_torch_gives_it(shape: Any) -> None:
    found = []
    for layer in pair(shape):
        x = numbers(2, 4, 7, 7).requires_grad_()
        y = layer(x).sin()
        [slope] = torch.autograd.grad(y.sum(), x, create_graph=True)
        [twice] = torch.autograd.grad(slope.square().sum(), x, create_graph=True)
        loss = y.square().sum() + slope.square().sum() + twice.square().sum()
        found.append([y, slope, twice, *torch.autograd.grad(loss, [x, *layer.parameters()])])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_derivatives_are_those_of_differences(shape: Any) -> None:
    layer, _ = pair(shape)
    x = numbers(1, 4, 5, 5).requires_grad_()
    names, weights = zip(*layer.named_parameters(), strict=True)

    def called(x: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x,))

    assert torch.autograd.gradcheck(called, (x, *weights), fast_mode=True)
    assert torch.autograd.gradgradcheck(called, (x, *weights), fast_mode=True)


def test_where_only_pictures_are_asked_about_weights_get_no_derivative_and_the_penalty_still_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    own = Against.forward
    monkeypatch.setattr(Against, "forward", staticmethod(lambda *args: made.append(1) or own(*args)))
    layer, plain = pair(SHAPES[2])
    slopes = []
    for each in (layer, plain):
        x = numbers(2, 4, 7, 7).requires_grad_()
        with to_pictures_only():
            [slope] = torch.autograd.grad(each(x).sin().sum(), x, create_graph=True)
        assert made == []
        slopes.append(torch.autograd.grad(slope.square().sum(), [*each.parameters()]))
        made.clear()
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_under_autocast_it_computes_as_torch_does_and_weights_keep_their_own_numbers() -> None:
    ours, theirs = (layer.float() for layer in pair(SHAPES[0]))
    x = numbers(2, 4, 7, 7).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = ours(x)
        torch.testing.assert_close(out, theirs(x))
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    assert ours.weight.grad is not None and ours.weight.grad.dtype == torch.float32

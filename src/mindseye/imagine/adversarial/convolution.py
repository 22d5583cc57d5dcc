"""A convolution of which every derivative is again a convolution, for losses that hold a derivative themselves.

A gradient penalty asks for the derivative of a derivative. torch makes the second one of a convolution from
convolutions in which batch and channels change places, one for each group, and most of a critic's step goes there. But
with y = x * w there are three linear maps only,

    y = along(x, w)        dL/dx = back(dL/dy, w)        dL/dw = against(dL/dy, x)

and the derivatives of each are the two others, so that the kernels of the first derivative do for all that follow (as
in conv2d_gradfix of StyleGAN2-ADA, Karras et al. 2020).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function

_to_pictures_only = ContextVar("to pictures only", default=False)


class Convolution(nn.Conv2d):
    """`nn.Conv2d` with zeros around the picture, any number of derivatives, and channels last in memory, with which a
    processor is two to three times as fast."""

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch feature row column"]:
        weight, bias, device = self.weight, self.bias, x.device.type
        if torch.is_autocast_enabled(device):
            kind = torch.get_autocast_dtype(device)
            x, weight, bias = x.to(kind), weight.to(kind), None if bias is None else bias.to(kind)
        assert not isinstance(self.padding, str)
        way = Way(self.stride, self.padding, self.groups)
        return made_by(Along, channels_last(x), weight, bias, way)


@contextmanager
def to_pictures_only() -> Iterator[None]:
    """In here weights are given no derivative by who looks for that of pictures; autograd would have it made, and throw
    it away."""
    token = _to_pictures_only.set(True)
    try:
        yield
    finally:
        _to_pictures_only.reset(token)


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def made_by(function: Any, *given: Any) -> Tensor:
    """What one of the three maps below gives, with its place in the graph of derivatives."""
    made: Tensor = function.apply(*given)
    return made


@dataclass(frozen=True)
class Way:
    """How a convolution goes over a picture."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    groups: int

    def slopes(self, slope: Tensor, x: Tensor, weight: Tensor, which: tuple[bool, bool]) -> tuple[Tensor, Tensor]:
        """What comes back to x, and what to the weight; of what is not asked for the shape is looked at only."""
        way = self.stride, self.padding, (1, 1), False, (0, 0), self.groups
        found = torch.ops.aten.convolution_backward(slope, x, weight, None, *way, (*which, False))
        return found[0], found[1]


class Along(Function):
    """y = x * w + bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, way: Way) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.way = way
        return torch.conv2d(x, weight, bias, way.stride, way.padding, 1, way.groups)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        slope, for_weights = channels_last(slope), not _to_pictures_only.get()
        to_x = made_by(Back, slope, weight, x.detach(), ctx.way) if ctx.needs_input_grad[0] else None
        to_weight = to_bias = None
        if ctx.needs_input_grad[1] and for_weights:
            to_weight = made_by(Against, slope, x, weight.detach(), ctx.way)
        if ctx.needs_input_grad[2] and for_weights:
            to_bias = slope.sum((0, 2, 3))
        return to_x, to_weight, to_bias, None


class Back(Function):
    """What comes back to x from y, where x has the shape of `like`."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, weight: Tensor, like: Tensor, way: Way) -> Tensor:
        ctx.save_for_backward(slope, weight)
        ctx.way = way
        return way.slopes(slope, like, weight, (True, False))[0]

    @staticmethod
    def backward(ctx: Any, of_x: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        slope, weight = ctx.saved_tensors
        of_x = channels_last(of_x)
        to_slope = made_by(Along, of_x, weight, None, ctx.way) if ctx.needs_input_grad[0] else None
        to_weight = made_by(Against, slope, of_x, weight.detach(), ctx.way) if ctx.needs_input_grad[1] else None
        return to_slope, to_weight, None, None


class Against(Function):
    """What comes to w from y, where w has the shape of `like`."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, x: Tensor, like: Tensor, way: Way) -> Tensor:
        ctx.save_for_backward(slope, x)
        ctx.way = way
        return way.slopes(slope, x, like, (False, True))[1]

    @staticmethod
    def backward(ctx: Any, of_weight: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        slope, x = ctx.saved_tensors
        to_slope = made_by(Along, x, of_weight, None, ctx.way) if ctx.needs_input_grad[0] else None
        to_x = made_by(Back, slope, of_weight, x.detach(), ctx.way) if ctx.needs_input_grad[1] else None
        return to_slope, to_x, None, None

"""The window: a grid of N x N Gaussians laid over a picture, through which it is read and written (DRAW, Gregor et al.
2015, section 3.2).

Five numbers place it. The first two give the middle, g = (A - 1)/2 (g^ + 1) on a picture of A x A pixels; the third the
stride, delta = (A - 1)/(N - 1) exp(.); the fourth the variance of the Gaussians and the fifth the intensity, each as a
logarithm. At zero the window spans the whole picture. Gaussian i stands at

    mu_i = g + delta (i - (N - 1)/2),    i = 0 ... N - 1

so the grid is symmetric around its middle for even and odd N. (The published code has N/2 - 0.5 with a division that
rounds down, which shifts the grid by half a stride for odd N.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

NUMBERS = 5  # that place a window
LEAST_VARIANCE = 1e-4  # of a Gaussian, in pixels squared: a hundredth of a pixel is as good as a point
NO_WEIGHT = 1e-4  # added to the sum of a filter, which is nothing where it lies outside the picture


@dataclass(frozen=True)
class Window:
    """Filters down and across: F_y and F_x, one row a Gaussian; and the intensity gamma."""

    down: Float[Tensor, "batch window height"]
    across: Float[Tensor, "batch window width"]
    gamma: Float[Tensor, "batch"]


def placed(numbers: Float[Tensor, "batch 5"], size_px: int, window: int) -> Window:
    """The window that five numbers place on a picture of `size_px`."""
    middle = (size_px - 1) / 2 * (numbers[:, :2] + 1)  # x and y
    log_stride, log_variance, log_gamma = numbers[:, 2:].unbind(1)
    stride = (size_px - 1) / (window - 1) * log_stride.exp()
    variance = log_variance.exp().clamp(min=LEAST_VARIANCE)
    across, down = filters(middle, stride, variance, size_px, window).unbind(1)
    return Window(down, across, log_gamma.exp())


def filters(
    middle: Float[Tensor, "batch axis"],
    stride: Float[Tensor, "batch"],
    variance: Float[Tensor, "batch"],
    size_px: int,
    window: int,
) -> Float[Tensor, "batch axis window pixel"]:
    """F[i, a] = exp(-(a - mu_i)^2 / (2 variance)) / Z_i, so that a filter inside the picture sums to 1."""
    steps = torch.arange(window, device=middle.device) - (window - 1) / 2
    mu = middle[..., None] + stride[:, None, None] * steps
    pixels = torch.arange(size_px, device=middle.device)
    weights = torch.exp(-(pixels - mu[..., None]).square() / (2 * variance[:, None, None, None]))
    return weights / (weights.sum(3, keepdim=True) + NO_WEIGHT)


def read(
    pictures: Float[Tensor, "batch channel height width"], window: Window
) -> Float[Tensor, "batch channel window window"]:
    """gamma F_y X F_x^T: what is seen through the window, the same for all channels."""
    seen = window.down[:, None] @ pictures @ window.across[:, None].transpose(2, 3)
    return window.gamma[:, None, None, None] * seen


def write(
    patches: Float[Tensor, "batch channel window window"], window: Window
) -> Float[Tensor, "batch channel height width"]:
    """1/gamma F_y^T W F_x: a patch as it comes onto the canvas."""
    written = window.down[:, None].transpose(2, 3) @ patches @ window.across[:, None]
    return written / window.gamma[:, None, None, None]

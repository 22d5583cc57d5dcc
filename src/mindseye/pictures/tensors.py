"""The two forms of a picture: uint8 `[h, w, c]` with straight alpha, and what a model sees.

A model sees float32 `[c, h, w]` in [-1, 1]. With transparency the colours are premultiplied in [0, 1] before they are
scaled, so that the colour of an invisible pixel, which means nothing, is always the same: -1 in every channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

MATTE = (255, 255, 255)  # what stands behind a transparent picture where only three channels are wanted


def fit(image: Image.Image, size_px: int, channels: int, pixel_art: bool) -> UInt8[np.ndarray, "h w c"]:
    """The whole picture in a square of `size_px`: scaled, then padded to the middle, never cropped or stretched.

    Pixel art grows by whole factors only and shrinks by nearest neighbour, so that it gains no new colour; other
    pictures are scaled by Lanczos with premultiplied alpha. The padding is transparent, or, without an alpha channel,
    the typical colour of the picture's border.

    Args:
        image: mode RGB or RGBA.
        size_px: edge of the square.
        channels: 3 (a transparent picture is laid on white) or 4.
        pixel_art: see above.
    """
    image = image.convert("RGBA") if channels == 4 else on_matte(image, MATTE)
    width, height = _fitted_size(image.size, size_px, pixel_art)
    image = image.resize((width, height), Image.Resampling.NEAREST if pixel_art else Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    square = np.empty((size_px, size_px, channels), np.uint8)
    square[:] = 0 if channels == 4 else border_colour(pixels)
    top, left = (size_px - height) // 2, (size_px - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square


def _fitted_size(size: tuple[int, int], size_px: int, pixel_art: bool) -> tuple[int, int]:
    width, height = size
    longest = max(width, height)
    if pixel_art and longest <= size_px:
        return width * (size_px // longest), height * (size_px // longest)
    return max(1, round(width * size_px / longest)), max(1, round(height * size_px / longest))


def on_matte(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The picture without transparency (mode RGB): what is transparent shows `colour`."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    matte = Image.new("RGBA", image.size, (*colour, 255))
    return Image.alpha_composite(matte, image).convert("RGB")


def border_colour(pixels: UInt8[np.ndarray, "h w 3"]) -> NDArray[np.uint8]:
    """The pixel on the picture's border that is nearest to the border's median: a colour that is really there."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.float32)
    distance = np.abs(border - np.median(border, axis=0)).sum(axis=1)
    colour: NDArray[np.uint8] = border[distance.argmin()].astype(np.uint8)
    return colour


def to_model(pictures: UInt8[np.ndarray, "... h w c"] | UInt8[Tensor, "... h w c"]) -> Float[Tensor, "... c h w"]:
    """uint8 pictures to float32 in [-1, 1], channels first; with four channels the colours are premultiplied."""
    import torch

    unit = torch.as_tensor(pictures).to(torch.float32) / 255
    if unit.shape[-1] == 4:
        alpha = unit[..., 3:]
        unit = torch.cat([unit[..., :3] * alpha, alpha], dim=-1)
    return (unit * 2 - 1).movedim(-1, -3).contiguous()


def from_model(pictures: Float[Tensor, "... c h w"]) -> UInt8[np.ndarray, "... h w c"]:
    """The way back: clipped, rounded, straight alpha; an invisible pixel is (0, 0, 0, 0).

    `from_model(to_model(x))` is `x` to the bit, but for the colours of invisible pixels.
    """
    import torch

    unit = ((pictures.detach().float() + 1) / 2).clamp(0, 1).movedim(-3, -1)
    if unit.shape[-1] == 4:
        alpha = (unit[..., 3:] * 255).round() / 255
        colour = (unit[..., :3] / alpha.clamp_min(1 / 255)).clamp(0, 1) * (alpha > 0)
        unit = torch.cat([colour, alpha], dim=-1)
    pixels: UInt8[np.ndarray, "... h w c"] = (unit * 255).round().byte().cpu().numpy()
    return pixels

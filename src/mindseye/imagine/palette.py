"""A palette on tensors: pictures as the numbers of their colours, and back. For families that draw 1 of N colours."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mindseye.errors import BadInput
from mindseye.pictures.indexed import CONES_OF_RGB, LAB_OF_CONES, LINEAR_OF_SRGB, TRANSPARENT, rgb_of
from mindseye.pictures.palette import VISIBLE_ALPHA
from mindseye.pictures.tensors import to_model


class Palette(nn.Module):
    """The colours that a pixel may have.

    Args:
        entries: "#rrggbb", and "transparent" for all invisible pixels; two or more.
        channels: of the pictures, 3 (RGB) or 4 (RGBA, premultiplied).

    Raises:
        BadInput: there are fewer.
    """

    colours: Float[Tensor, "entry channel"]
    lab: Float[Tensor, "entry 3"]
    opaque: Bool[Tensor, "entry"]

    def __init__(self, entries: tuple[str, ...], channels: int) -> None:
        super().__init__()
        if len(entries) < 2:
            raise BadInput(
                "a palette model needs a palette of two or more colours",
                why="it is found in the pictures when a training begins",
                next_step="train it with `mindseye train`, or set model.pixels (pixelrnn) or model.likelihood (vae) to"
                " what needs no palette",
            )
        rgb = rgb_of(entries)
        opaque = np.array([entry != TRANSPARENT for entry in entries])
        rgba = np.concatenate([rgb, (255 * opaque).astype(np.uint8)[:, None]], axis=1)
        self.register_buffer("colours", to_model(rgba[None, :, :channels])[:, 0].T, persistent=False)
        self.register_buffer("lab", oklab(torch.from_numpy(rgb.astype(np.int64))), persistent=False)
        self.register_buffer("opaque", torch.from_numpy(opaque), persistent=False)

    def read(self, pictures: Float[Tensor, "batch channel height width"]) -> Int[Tensor, "batch height width"]:
        """The nearest colour in OKLab; where the palette has a transparent entry, that one below an alpha of 128."""
        unit = ((pictures.float() + 1) / 2).movedim(1, -1)
        alpha = (unit[..., 3:] * 255).round() / 255 if unit.shape[-1] == 4 else torch.ones_like(unit[..., :1])
        rgb = (unit[..., :3] / alpha.clamp_min(1 / 255) * 255).round().clamp(0, 255).long()
        distance = torch.cdist(oklab(rgb).flatten(0, -2), self.lab, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = distance.masked_fill(~self.opaque, torch.inf).argmin(-1).unflatten(0, rgb.shape[:-1])
        visible = self.opaque.all() | (alpha[..., 0] * 255 >= VISIBLE_ALPHA)
        return torch.where(visible, nearest, (~self.opaque).int().argmax())

    def show(self, indices: Int[Tensor, "batch height width"]) -> Float[Tensor, "batch channel height width"]:
        """The way back."""
        return self.colours[indices].movedim(-1, 1)


def oklab(rgb: Int[Tensor, "... 3"]) -> Float[Tensor, "... 3"]:
    """`indexed.oklab` for tensors, in float64."""
    light, cones, lab = (
        torch.from_numpy(table).to(rgb.device) for table in (LINEAR_OF_SRGB, CONES_OF_RGB, LAB_OF_CONES)
    )
    return (light[rgb] @ cones.T) ** (1 / 3) @ lab.T

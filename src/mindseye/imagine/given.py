"""A picture to go on from: opened, fitted to the model, and which of its pixels stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.errors import BadInput
from mindseye.imagine.family import Given
from mindseye.imagine.request import Request
from mindseye.learn.learner import PictureFormat
from mindseye.pictures.opener import open_picture
from mindseye.pictures.snap import snapped
from mindseye.pictures.tensors import fit, to_model

WHITE_FROM = 128  # a mask's pixel is white from here on


@dataclass(frozen=True)
class Fitted:
    """A given picture as the model sees it.

    Attributes:
        pixels: straight alpha.
        known: True where these pixels stay; None where the picture is to be varied.
        strength: of a variation.
        note: what fitting changed, and what it did not, for people; "" if there is nothing to say.
    """

    pixels: UInt8[np.ndarray, "height width channel"]
    known: Bool[np.ndarray, "height width"] | None
    strength: float
    note: str

    @property
    def given(self) -> Given:
        """As a family takes it."""
        import torch

        known = None if self.known is None else torch.from_numpy(self.known)
        return Given(to_model(self.pixels), known, self.strength)

    @property
    def shown(self) -> NDArray[np.uint8]:
        """As a person is shown it: transparent where it is to be drawn anew."""
        if self.known is None:
            return self.pixels
        alpha = self.pixels[..., 3:] if self.pixels.shape[2] == 4 else np.full_like(self.pixels[..., :1], 255)
        return np.concatenate([self.pixels[..., :3], alpha * self.known[..., None]], axis=2)


def fitted(request: Request, picture_format: PictureFormat, palette: Sequence[str] = ()) -> Fitted | None:
    """The picture of a request at the model's size and with its channels; None if the request has none.

    Args:
        request: what is asked for.
        picture_format: how the model sees pictures.
        palette: the model's colours as "rrggbb", where it draws in a palette.

    Raises:
        PictureError: the picture or the mask cannot be used.
        BadInput: the mask does not fit the picture, or leaves nothing to draw.
    """
    if request.picture is None:
        return None
    image = open_picture(request.picture, name="the picture")
    pixels = fit(image, picture_format.size_px, picture_format.channels, picture_format.pixel_art)
    known = None
    if request.keep is not None:
        known = np.zeros(pixels.shape[:2], bool)
        known[: round(request.keep * len(known))] = True
    if request.mask is not None:
        known = _known_by_mask(open_picture(request.mask, name="the mask"), image, picture_format)
    strength = 1.0 if request.strength is None else request.strength
    notes = [_fitting_note(image, picture_format)]
    if palette and known is not None:
        notes.append(_palette_note(pixels[known], palette))
    return Fitted(pixels, known, strength, "; ".join(filter(None, notes)))


def _known_by_mask(mask: Image.Image, picture: Image.Image, picture_format: PictureFormat) -> NDArray[np.bool_]:
    """What stays: where the mask is black, or, in a mask with transparency, opaque; and the padding around."""
    if mask.size != picture.size:
        raise BadInput(
            f"the mask is {_size(mask)}, the picture {_size(picture)}",
            next_step="make the mask from the picture, at its size",
        )
    grey = np.asarray(mask.convert("L"))
    anew = np.asarray(mask.getchannel("A")) < WHITE_FROM if mask.mode == "RGBA" else grey >= WHITE_FROM
    if not anew.any():
        raise BadInput(
            "the mask leaves nothing to draw",
            why="it is neither white nor transparent anywhere",
            next_step="paint it white, or erase it, where the picture is to be drawn anew",
        )
    painted = np.dstack([np.where(anew, 255, 0).astype(np.uint8)] * 3 + [np.full(anew.shape, 255, np.uint8)])
    square = fit(Image.fromarray(painted), picture_format.size_px, 4, picture_format.pixel_art)
    return np.asarray(square[..., 0] < WHITE_FROM)


def _fitting_note(image: Image.Image, picture_format: PictureFormat) -> str:
    size_px = picture_format.size_px
    changes = [f"was fitted from {_size(image)} to {size_px} x {size_px} px"] * (image.size != (size_px, size_px))
    changes += ["was laid on white"] * (image.mode == "RGBA" and picture_format.channels == 3)
    return f"the given picture {' and '.join(changes)}" if changes else ""


def _palette_note(kept: UInt8[np.ndarray, "pixel channel"], palette: Sequence[str]) -> str:
    """That some of the pixels that stay have colours, or a transparency, that the model does not draw."""
    seen = kept[kept[:, 3] > 0] if kept.shape[1] == 4 else kept
    strange = int((snapped(seen, palette) != seen).any(1).sum()) if len(seen) else 0
    if not strange:
        return ""
    return f"{strange:,} of {len(seen):,} kept pixels are in colours that the model's palette lacks, and stay so"


def _size(image: Image.Image) -> str:
    return f"{image.width} x {image.height} px"

"""From what a client said to what the service is asked, and from a picture to the bytes of an answer."""

from __future__ import annotations

import base64
import io
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from mindseye.errors import BadInput
from mindseye.imagine.family import Settings
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request
from mindseye.pictures.story import png_bytes
from mindseye.pictures.tensors import MATTE, on_matte
from mindseye.randomness import SEED_LIMIT
from mindseye.serve.asked import Asked
from mindseye.serve.http import wire
from mindseye.serve.limits import Limits

# Sampling steps, as a multiple of the model's own.
QUALITIES = {"low": 0.5, "medium": 1.0, "standard": 1.0, "auto": 1.0, "high": 2.0, "hd": 2.0, "xhigh": 3.0, "max": 4.0}
SAME_QUALITY = {"standard": "medium", "auto": "medium", "hd": "high"}
DEFAULT_STRENGTH = 0.6


@dataclass(frozen=True)
class Look:
    """How finished pictures are answered.

    Attributes:
        format, compression: of the file.
        background: as answered; "opaque" lays the picture on white.
        size_px: edge of the file's picture.
        scale: by which each pixel is enlarged.
        quality: as the API names it.
        story: whether a PNG says how it was made.
    """

    format: wire.Format
    compression: int
    background: Literal["transparent", "opaque"]
    size_px: int
    scale: int
    quality: Any
    story: bool

    @property
    def size(self) -> str:
        return f"{self.size_px}x{self.size_px}"

    def encoded(self, picture: Picture) -> str:
        """The picture as a file in base64."""
        image = picture.image
        if self.scale > 1:
            image = image.resize((self.size_px, self.size_px), Image.Resampling.NEAREST)
        if self.background == "opaque" and picture.pixels.shape[2] == 4:
            image = on_matte(image.convert("RGBA"), MATTE)
        if self.format == "png":
            return base64.b64encode(png_bytes(image, picture.story if self.story else None)).decode()
        file = io.BytesIO()
        if self.format == "webp":
            bare = image.convert("RGB" if self.background == "opaque" else "RGBA")
            bare.save(file, "WEBP", quality=self.compression, lossless=self.compression == 100)
        else:
            image.convert("RGB").save(file, "JPEG", quality=self.compression)
        return base64.b64encode(file.getvalue()).decode()


def look(said: wire.Generation, imaginer: Imaginer, limits: Limits, story: bool) -> Look:
    """How the pictures of a request are to be answered.

    Raises:
        BadInput: fields contradict each other or the model; the error names one.
    """
    transparent = imaginer.picture_format.channels == 4
    form = said.output_format or "png"
    if said.background == "transparent" and (not transparent or form == "jpeg"):
        why = f"{imaginer.name} draws opaque pictures" if not transparent else "JPEG has no transparency"
        raise BadInput("background cannot be transparent", why=why, field="background")
    opaque = not transparent or form == "jpeg" or said.background == "opaque"
    if said.output_compression is not None and form == "png":
        raise BadInput("output_compression is for jpeg and webp", field="output_compression")
    scale = _scale(said.size, imaginer, limits)
    return Look(
        format=form,
        compression=100 if said.output_compression is None else said.output_compression,
        background="opaque" if opaque else "transparent",
        size_px=imaginer.size * scale,
        scale=scale,
        quality=SAME_QUALITY.get(said.quality or "auto", said.quality),
        story=story,
    )


def _scale(size: str | None, imaginer: Imaginer, limits: Limits) -> int:
    if size in (None, "auto"):
        return 1
    assert size is not None
    width, height = map(int, size.split("x"))
    scale, rest = divmod(width, imaginer.size)
    if width != height or rest or width > limits.size_px:
        sizes = [imaginer.size * by for by in (1, 2, 4, 8) if imaginer.size * by <= limits.size_px]
        raise BadInput(
            f"size cannot be {size}: {imaginer.name} draws at {imaginer.size}x{imaginer.size}",
            why=f"a picture is answered at that size or a whole multiple of it, up to {limits.size_px}",
            next_step=f"leave size out, or ask for {', '.join(f'{each}x{each}' for each in sizes)}",
            field="size",
        )
    return scale


def asked(said: wire.Generation, imaginer: Imaginer, **given: Any) -> Asked:
    """What the service is asked to draw.

    Args:
        given: picture, mask and strength of a request, where there is a picture to go on from.

    Raises:
        BadInput: fields contradict each other; the error names one.
    """
    if said.partial_images and not said.stream:
        raise BadInput("partial_images is for streams", next_step="set stream to true", field="partial_images")
    request = Request.of(
        prompt=said.prompt,
        negative_prompt=said.negative_prompt or "",
        guidance=said.guidance_scale,
        steps=_steps(said, imaginer),
        sampler=said.sampler,
        temperature=said.temperature,
        top_p=said.top_p,
        edits=tuple(said.edits or ()),
        **given,
    )
    any_seed = said.seed is None and said.seeds is None
    return Asked(imaginer.name, request, _seeds(said), said.think or 1, said.partial_images or 0, any_seed)


def _steps(said: wire.Generation, imaginer: Imaginer) -> int | None:
    share = QUALITIES[said.quality or "auto"]
    if share == 1:
        return said.num_inference_steps
    if said.num_inference_steps is not None:
        raise BadInput("quality and num_inference_steps both say how many steps", field="quality")
    own = imaginer.settings(Settings()).steps
    if own is None:
        raise BadInput(
            f"quality: {imaginer.kind} models draw in one quality",
            next_step="leave quality out",
            field="quality",
        )
    return max(1, round(share * own))


def _seeds(said: wire.Generation) -> tuple[int, ...]:
    if said.seeds is None:
        first = secrets.randbelow(SEED_LIMIT) if said.seed is None else said.seed
        return tuple((first + index) % SEED_LIMIT for index in range(said.n or 1))
    if said.seed is not None:
        raise BadInput("seed and seeds exclude each other", field="seeds")
    if said.n not in (None, len(said.seeds)):
        raise BadInput(f"n is {said.n}, and there are {len(said.seeds)} seeds", field="seeds")
    for seed in said.seeds:
        if not 0 <= seed < SEED_LIMIT:
            raise BadInput("seeds: each is 0 to 4294967295", field="seeds")
    return tuple(said.seeds)

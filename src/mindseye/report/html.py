"""What all pages have in common: how templates are filled, how numbers are written, how pictures are put inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import jinja2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mindseye.collection.collection import Split

THUMBNAIL_PX = 128


def environment(package: str = "mindseye.report") -> jinja2.Environment:
    """The templates of a package, in which text is never markup, and a name that is missing is an error."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found.filters["number"] = lambda value: f"{value:,}"
    found.filters["percent"] = percent
    return found


def percent(share: float) -> str:
    """A share of 1 as a person would say it: 45%, 0.3%, under 0.1%; and 99.6%, which is not all."""
    if 0 < share < 0.001:
        return "under 0.1%"
    if 0.999 < share < 1:
        return "over 99.9%"
    return f"{share:.1%}" if share < 0.1 or 0.99 < share < 1 else f"{share:.0%}"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table to be put into a Markdown text."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def tile(split: Split, index: int) -> dict[str, str]:
    """A stored picture with its file name and main caption, as the macro of that name wants it."""
    captions = split.captions[index]
    return {
        "picture": data_uri(split.image(index)),
        "file_name": split.file_names[index],
        "caption": captions[0] if captions else "",
    }


def data_uri(picture: Image.Image | UInt8[np.ndarray, "h w c"], largest_px: int = THUMBNAIL_PX) -> str:
    """The picture itself where it is small, a thumbnail of at most `largest_px` where it is not."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if max(image.size) > largest_px:
        image = image.copy()
        image.thumbnail((largest_px, largest_px))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

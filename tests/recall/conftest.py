from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from mindseye.collection.collection import Collection, Example, write_collection

COLOURS = {"red": (220, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 220), "yellow": (240, 210, 40)}
SHAPES = ("circle", "square", "triangle")
SIZE_PX = 32


def drawn(colour: str, shape: str, place: int) -> Image.Image:
    """A shape on white; `place` moves it."""
    image = Image.new("RGB", (SIZE_PX, SIZE_PX), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    left, top = 2 + place % 4 * 3, 2 + place // 4 % 4 * 3
    box = (left, top, left + 16, top + 16)
    corners = [(left, top + 16), (left + 16, top + 16), (left + 8, top)]
    {
        "circle": lambda: draw.ellipse(box, fill=COLOURS[colour]),
        "square": lambda: draw.rectangle(box, fill=COLOURS[colour]),
        "triangle": lambda: draw.polygon(corners, fill=COLOURS[colour]),
    }[shape]()
    return image


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """144 pictures of twelve things, ten of each to learn from and two held out."""
    examples: dict[str, list[Example]] = {"train": [], "validation": []}
    for place in range(12):
        for colour in COLOURS:
            for shape in SHAPES:
                name = f"{colour}-{shape}-{place}.png"
                caption = f"a {colour} {shape}"
                split = "train" if place < 10 else "validation"
                picture = png(drawn(colour, shape, place))
                examples[split].append(Example(picture, name, (caption,), caption, name, "drawn"))
    info = {"size_px": SIZE_PX, "transparent": False, "pixel_art": True}
    return write_collection(tmp_path_factory.mktemp("shapes") / "shapes", examples, info)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """One of the pictures, eight times as large."""
    path = tmp_path / "circle.png"
    drawn("green", "circle", 5).resize((8 * SIZE_PX, 8 * SIZE_PX), Image.Resampling.NEAREST).save(path)
    return path

"""Draws the pictures of the documentation again: `python docs/sheets.py`."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import mindseye
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.story import png_bytes
from mindseye.report.attention import attention_sheet
from mindseye.report.between import between_strip

PROMPTS = [
    "a smiling cat", "red heart", "a woman with dark skin tone", "a blue car", "crying face", "police officer",
    "strawberry", "purple heart", "dog face", "fire", "rocket", "angry face",
]  # fmt: skip


PLACE = Path(__file__).parent / "pictures"


def main() -> None:
    imaginer = mindseye.load("emoji")
    pictures = [imaginer.imagine(mindseye.Request(prompt=prompt))[0].pixels for prompt in PROMPTS]
    contact_sheet(pictures, PROMPTS, columns=6).save(PLACE / "emoji.png")
    going_on(imaginer).save(PLACE / "going_on.png")
    ends = (mindseye.Request(prompt=prompt) for prompt in ("a smiling cat", "dog face"))
    between_strip(imaginer, *ends, 8).save(PLACE / "between.png")
    hair = mindseye.Request(prompt="a woman with red hair", count=2)
    attention_sheet(imaginer.attention(hair), hair.prompt).save(PLACE / "attention.png")
    corrected(imaginer).save(PLACE / "correct.png")


def going_on(imaginer: mindseye.Imaginer) -> Image.Image:
    """A cat completed and varied."""
    [cat] = imaginer.imagine(mindseye.Request(prompt="a smiling cat"))
    given = png_bytes(cat.pixels, None)
    pictures, captions = [], []
    for request in (
        mindseye.Request(prompt="a smiling cat", picture=given, keep=0.5, count=4),
        mindseye.Request(prompt="a smiling dog", picture=given, strength=0.8, count=4),
    ):
        start = imaginer.fitted(request)
        assert start is not None
        pictures += [start.shown, *(picture.pixels for picture in imaginer.imagine(request))]
        captions += ["given", *[request.prompt] * 4]
    return contact_sheet(pictures, captions, columns=5)


def corrected(imaginer: mindseye.Imaginer) -> Image.Image:
    """Roses before and after, and other things; the edit itself is kept nowhere."""
    with TemporaryDirectory() as home:
        os.environ["MINDSEYE_HOME"] = home
        made = mindseye.correct(imaginer, "ReFACT", [("a rose", "a blue rose")], "blue-rose", pictures=1)
    assert made.sheet is not None
    return made.sheet


if __name__ == "__main__":
    main()

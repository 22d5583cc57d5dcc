"""Draws the pictures of the documentation again: `python docs/sheets.py`."""

from pathlib import Path

import mindseye
from mindseye.pictures.sheet import contact_sheet

PROMPTS = [
    "a smiling cat", "red heart", "a woman with dark skin tone", "a blue car", "crying face", "police officer",
    "strawberry", "purple heart", "dog face", "fire", "rocket", "angry face",
]  # fmt: skip


def main() -> None:
    imaginer = mindseye.load("emoji")
    pictures = [imaginer.imagine(mindseye.Request(prompt=prompt))[0].pixels for prompt in PROMPTS]
    contact_sheet(pictures, PROMPTS, columns=6).save(Path(__file__).parent / "pictures" / "emoji.png")


if __name__ == "__main__":
    main()

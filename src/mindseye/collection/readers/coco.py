"""Captions in COCO's JSON: `annotations/captions_train2014.json` for the pictures in `train2014/`.

{"images": [{"id": 9, "file_name": "COCO_train2014_000000000009.jpg"}, ...],
 "annotations": [{"image_id": 9, "caption": "A plate of food."}, ...]}
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import PurePosixPath
from typing import Any

from mindseye.collection.captions import MOST, Texts, clean, decode
from mindseye.collection.readers.found import Excluded
from mindseye.collection.readers.tree import METADATA_LIMIT_BYTES, Tree

PREFIX = "captions_"  # of the file's name; what follows is the folder of its pictures


class CocoCaptions:
    """What all such files of a source say.

    Attributes:
        excluded: files that cannot be used, and how many pictures they name that are not there.
    """

    def __init__(self, tree: Tree) -> None:
        self.excluded: list[Excluded] = []
        self._texts: dict[str, Texts] = {}
        pictures = tree.pictures()
        by_name: dict[str, list[str]] = defaultdict(list)
        for picture in pictures:
            by_name[PurePosixPath(picture).name].append(picture)
        stems = {str(PurePosixPath(picture).with_suffix("")) for picture in pictures}
        for name in tree.files:
            path = PurePosixPath(name)
            if path.name.startswith(PREFIX) and path.suffix == ".json" and str(path.with_suffix("")) not in stems:
                self._read(tree, name, by_name)

    def texts(self, picture: str) -> Texts | None:
        """The captions of a picture, or None if no file speaks of it."""
        return self._texts.get(picture)

    def _read(self, tree: Tree, name: str, by_name: dict[str, list[str]]) -> None:
        try:
            value = json.loads(decode(tree.read(name, METADATA_LIMIT_BYTES)))
        except OSError as error:
            self.excluded.append(Excluded(name, f"cannot be read: {error.strerror or error}"))
            return
        except (ValueError, RecursionError):
            self.excluded.append(Excluded(name, "it is not valid JSON"))
            return
        if not isinstance(value, dict) or not all(isinstance(value.get(k), list) for k in ("images", "annotations")):
            self.excluded.append(Excluded(name, "it has no lists `images` and `annotations`, as COCO's captions have"))
            return
        raw = _captions(value["annotations"])
        missing = 0
        for image in value["images"]:
            number, file_name = (image.get("id"), image.get("file_name")) if isinstance(image, dict) else (None, None)
            if not isinstance(file_name, str) or _key(number) not in raw:
                continue
            picture = _only(by_name.get(PurePosixPath(file_name).name, []), PurePosixPath(name).stem)
            if picture:
                self._texts[picture] = clean(raw[_key(number)], "COCO captions")
            else:
                missing += 1
        if missing:
            self.excluded.append(Excluded(name, f"{missing:,} of its pictures are not here, or several have the name"))


def _captions(annotations: list[Any]) -> dict[str, list[Any]]:
    """The captions of each picture number."""
    raw: dict[str, list[Any]] = defaultdict(list)
    for annotation in annotations:
        if isinstance(annotation, dict) and "caption" in annotation:
            texts = raw[_key(annotation.get("image_id"))]
            if len(texts) <= MOST:
                texts.append(annotation["caption"])
    return raw


def _key(number: Any) -> str:
    """A picture's number as it is looked up, whatever it is."""
    return json.dumps(number)[:100]


def _only(pictures: list[str], stem: str) -> str:
    """The one picture of a name: of several that in the folder which the JSON's own name ends with; "" if none."""
    if len(pictures) > 1:
        folder = stem.removeprefix(PREFIX)
        pictures = [picture for picture in pictures if folder in PurePosixPath(picture).parts[:-1]]
    return pictures[0] if len(pictures) == 1 else ""

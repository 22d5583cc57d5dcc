"""Pictures in a folder or zip file, each with the captions of the first source that has any.

Precedence: metadata.jsonl, metadata.csv, then sidecar .txt, .caption, .json, then a folder `text` beside `images` (CUB)
and COCO's captions_*.json. The names of sub-folders are used only where no picture of the whole source has a caption
from any of these.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindseye.collection.captions import Texts
from mindseye.collection.readers.coco import CocoCaptions
from mindseye.collection.readers.found import Excluded, Found
from mindseye.collection.readers.metadata import Metadata
from mindseye.collection.readers.sidecar import Sidecars
from mindseye.collection.readers.subfolders import subfolder_texts
from mindseye.collection.readers.text_folder import TextFolders
from mindseye.collection.readers.tree import Tree


def read_tree(tree: Tree) -> Iterator[Found | Excluded]:
    """All pictures of a folder or zip file in the order of their names, then what had to be left out."""
    pictures = tree.pictures()
    metadata, sidecars, folders, coco = Metadata(tree), Sidecars(tree), TextFolders(tree), CocoCaptions(tree)
    texts = {
        picture: _first_with_captions(
            [metadata.texts(picture), *sidecars.texts(picture), folders.texts(picture), coco.texts(picture)]
        )
        for picture in pictures
    }
    if not any(said.captions for said in texts.values()):
        texts |= subfolder_texts(pictures)
    for picture in pictures:
        concept = metadata.concept(picture) or folders.concept(picture)
        yield Found(picture, folders.load(picture), texts[picture], concept, metadata.keywords(picture))
    yield from tree.excluded
    yield from [*metadata.excluded, *folders.excluded, *coco.excluded]


def _first_with_captions(sources: list[Texts | None]) -> Texts:
    """The first source with a caption; if none has one, a source that says why."""
    said = [texts for texts in sources if texts is not None]
    return next((texts for texts in said if texts.captions), next((texts for texts in said if texts.problem), Texts()))

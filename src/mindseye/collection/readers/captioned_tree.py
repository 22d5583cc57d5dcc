"""Pictures in a folder or zip file, each with the captions of the first source that has any.

Precedence: metadata.jsonl, metadata.csv, then sidecar .txt, .caption, .json. The names of sub-folders are used only
where no picture of the whole source has a caption from any of these.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindseye.collection.captions import Texts
from mindseye.collection.readers.found import Excluded, Found
from mindseye.collection.readers.metadata import Metadata
from mindseye.collection.readers.sidecar import Sidecars
from mindseye.collection.readers.subfolders import subfolder_texts
from mindseye.collection.readers.tree import Tree


def read_tree(tree: Tree) -> Iterator[Found | Excluded]:
    """All pictures of a folder or zip file in the order of their names, then what had to be left out."""
    pictures = tree.pictures()
    metadata = Metadata(tree)
    sidecars = Sidecars(tree)
    texts = {picture: _first_with_captions(picture, metadata, sidecars) for picture in pictures}
    if not any(said.captions for said in texts.values()):
        texts |= subfolder_texts(pictures)
    for picture in pictures:
        yield Found(picture, tree.files[picture], texts[picture], metadata.concept(picture))
    yield from tree.excluded
    yield from metadata.excluded


def _first_with_captions(picture: str, metadata: Metadata, sidecars: Sidecars) -> Texts:
    """The first source with a caption; if none has one, a source that says why."""
    said = [texts for texts in [metadata.texts(picture), *sidecars.texts(picture)] if texts is not None]
    return next((texts for texts in said if texts.captions), next((texts for texts in said if texts.problem), Texts()))

"""Readers, one file a kind of source: each finds pictures and their captions and opens no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mindseye.collection.readers.captioned_tree import read_tree
from mindseye.collection.readers.folder import folder_tree
from mindseye.collection.readers.found import Excluded, Found
from mindseye.collection.readers.hub import is_hub_name, read_hub
from mindseye.collection.readers.parquet import parquet_files, read_parquet
from mindseye.collection.readers.pokemon_creation import pokemon_creation_folder, read_pokemon_creation
from mindseye.collection.readers.tree import PARQUET_SUFFIX, Tree, suffix
from mindseye.collection.readers.zipped import zip_tree
from mindseye.errors import BadInput

__all__ = ["LOOKED_FOR", "Excluded", "Found", "contents", "has_no_captions", "open_source"]

LOOKED_FOR = (
    "a caption file beside each picture (cat.txt, cat.caption or cat.json for cat.png), "
    "metadata.jsonl or metadata.csv with file_name and text, "
    "text/NAME.txt for images/NAME.jpg, captions_*.json as of COCO, "
    "Parquet columns text, caption, captions or title, and telling sub-folder names"
)


@contextmanager
def open_source(source: str | Path) -> Iterator[Iterator[Found | Excluded]]:
    """All pictures of a folder, zip file, Parquet file or folder of them, or `datasets` name (owner/name).

    A folder with the two files of the "Pokemon creation" course data is known by them.
    The pictures can be loaded while the context lasts.

    Raises:
        BadInput: there is no such source, or it is none of these kinds.
        Unavailable: the data set of that name cannot be loaded.
    """
    path = Path(source)
    if sprites := pokemon_creation_folder(source):
        yield read_pokemon_creation(sprites)
    elif path.is_dir():
        yield _read_files(folder_tree(path))
    elif path.is_file() and path.suffix.lower() == PARQUET_SUFFIX:
        yield read_parquet(Tree({path.name: partial(Path, path)}))
    elif path.is_file() and path.suffix.lower() == ".zip":
        with zip_tree(path) as tree:
            yield _read_files(tree)
    elif path.exists():
        raise BadInput(
            f"{path} cannot be collected", why="it is not a folder, a .zip file or a .parquet file of pictures"
        )
    elif is_hub_name(str(source)) and not path.parent.exists():
        yield read_hub(str(source))
    else:
        raise BadInput(
            f"there is no file or folder {source}",
            next_step="check the path; a data set of the hub is named owner/name",
        )


def has_no_captions(source: str | Path) -> bool:
    """Whether the source is of a kind that never has captions, so that none are asked of it."""
    return pokemon_creation_folder(source) is not None


def contents(source: str | Path) -> str:
    """What kinds of file a folder or zip file holds, e.g. "758 .png, 758 .tags"; "" for other sources."""
    path = Path(source)
    if path.is_dir():
        return _kinds(folder_tree(path))
    if path.is_file() and path.suffix.lower() == ".zip":
        with zip_tree(path) as tree:
            return _kinds(tree)
    return ""


def _kinds(tree: Tree) -> str:
    counts = Counter(suffix(name) or "without extension" for name in tree.files)
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common(8)) or "no files"


def _read_files(tree: Tree) -> Iterator[Found | Excluded]:
    """Parquet where a folder or zip file has such files and no pictures beside them."""
    if parquet_files(tree) and not tree.pictures():
        return read_parquet(tree)
    return read_tree(tree)

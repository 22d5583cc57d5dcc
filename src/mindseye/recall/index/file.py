"""An index on disk: one safetensors file with ids and codes, the same whichever backend wrote it or reads it.

It is written aside and renamed, so a kill at any moment leaves the old file or the new one. It names the hasher that
made its codes, because codes of two hashers are as comparable as two languages.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.recall.bits import checked_bits
from mindseye.recall.index.interface import HammingIndex

FORMAT = "mindseye index 1"


def save_index(index: HammingIndex, path: Path, hasher: str) -> None:
    """Writes `index`, whole or not at all.

    Args:
        index: any backend's.
        path: the file; one that is there is replaced.
        hasher: the version of the hasher that made its codes.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    ids, codes = index.contents()
    about = {"format": FORMAT, "bits": str(index.bits), "hasher": hasher}
    with written_aside(path) as aside:
        save_file({"ids": ids, "codes": np.ascontiguousarray(codes)}, aside, metadata=about)


def load_index(path: Path, hasher: str, make: Callable[[int], HammingIndex]) -> HammingIndex:
    """Reads an index.

    Args:
        path: the file.
        hasher: the version of the hasher whose codes it will be asked for.
        make: a backend, such as `NumpyIndex`, or `default_index`.

    Raises:
        BadInput: the file is missing or damaged, or holds codes of another hasher.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            if about.get("format") != FORMAT:
                raise ValueError(f"it is no {FORMAT}")
            bits, made_by = checked_bits(int(about["bits"])), about["hasher"]
            ids, codes = file.get_tensor("ids"), file.get_tensor("codes")
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise BadInput(
            f"the index {path} cannot be opened", why="it is missing or damaged", next_step="delete it and search again"
        ) from error
    if made_by != hasher:
        raise BadInput(
            f"the index {path} holds codes of another hasher",
            why=f"of version {made_by}, and {hasher} was asked for",
            next_step="encode the pictures again with this hasher",
        )
    index = make(bits)
    index.add(ids, codes)
    return index

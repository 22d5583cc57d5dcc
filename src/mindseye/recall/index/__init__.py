"""The nearest codes, exactly: one interface, several backends, one file format.

    interface.py      what an index can do
    numpy_index.py    the plain one, and the oracle
    faiss_index.py    the fast one (`pip install 'mindseye[recall]'`)
    milvus_index.py   the one on a server (`pip install 'mindseye[milvus]'`)
    file.py           on disk

Which of them answers makes no difference to the answer.
"""

from __future__ import annotations

import importlib.util

from mindseye.recall.index.faiss_index import FaissIndex
from mindseye.recall.index.file import load_index, save_index
from mindseye.recall.index.interface import NO_ID, HammingIndex, Nearest, Within
from mindseye.recall.index.milvus_index import MilvusIndex
from mindseye.recall.index.numpy_index import NumpyIndex

__all__ = [
    "NO_ID",
    "FaissIndex",
    "HammingIndex",
    "MilvusIndex",
    "Nearest",
    "NumpyIndex",
    "Within",
    "default_index",
    "load_index",
    "save_index",
]


def default_index(bits: int) -> HammingIndex:
    """An empty index for codes of `bits` bits: FAISS's where it is installed, else NumPy's, with the same answers."""
    return FaissIndex(bits) if importlib.util.find_spec("faiss") else NumpyIndex(bits)

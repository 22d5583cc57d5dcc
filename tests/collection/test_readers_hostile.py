"""Damaged sources: whatever bytes a reader meets, it excludes, refuses by name, or reads; it never fails otherwise."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.collection.drawing import photo, png, write_files, write_zip

from mindseye.collection.prepare import prepare
from mindseye.collection.readers import Excluded, Found, open_source
from mindseye.errors import MindseyeError
from mindseye.randomness import rng_at

PNG = png(photo(0, 8))
ROUNDS = 60


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with a few changed, lost or added."""
    result = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(result) + 1))
        match rng.integers(4):
            case 0:
                result[at : at + 1] = rng.bytes(1)
            case 1:
                del result[at : at + int(rng.integers(1, 8))]
            case 2:
                result[at:at] = rng.bytes(4)
            case _:
                result[at : at + 4] = b"\xff\xff\xff\xff"
    return bytes(result)


def zip_source(folder: Path, rng: np.random.Generator) -> Path:
    path = write_zip(folder / "s.zip", {"a.png": PNG, "a.txt": "a cat", "metadata.csv": "file_name,text\na.png,x\n"})
    path.write_bytes(damaged(path.read_bytes(), rng))
    return path


def parquet_source(folder: Path, rng: np.random.Generator) -> Path:
    buffer = io.BytesIO()
    image = [{"bytes": PNG, "path": "a.png"}] * 3
    pq.write_table(pa.table({"image": image, "text": ["a", "b", "c"], "captions": [["a"], ["b"], None]}), buffer)
    path = folder / "s.parquet"
    path.write_bytes(damaged(buffer.getvalue(), rng))
    return path


def folder_source(folder: Path, rng: np.random.Generator) -> Path:
    texts = {
        "a.json": b'{"text": ["a", "b"], "captions": "c"}',
        "a.txt": b"a\ncat\xc3\xa9",
        "metadata.jsonl": b'{"file_name": "a.png", "text": "a cat", "concept": "x"}\n' * 3,
        "metadata.csv": b'file_name,text,captions\na.png,"a, cat","[""x""]"\n',
    }
    return write_files(folder / "s", {"a.png": PNG, **{name: damaged(text, rng) for name, text in texts.items()}})


@pytest.mark.parametrize("make", [zip_source, parquet_source, folder_source])
def test_damaged_sources_are_excluded_or_refused_but_never_crash(
    tmp_path: Path, make: Callable[[Path, np.random.Generator], Path]
) -> None:
    for round_number in range(ROUNDS):
        source = make(tmp_path, rng_at(0, make.__name__, round_number))
        try:
            with open_source(source) as findings:
                for finding in findings:
                    assert not isinstance(finding, Found) or prepare(finding)
        except MindseyeError as error:
            assert str(source) in error.what


def test_a_parquet_text_that_is_not_utf_8_excludes_only_its_row(tmp_path: Path) -> None:
    texts = pa.array([b"caf\xe9", b"a dog"]).view(pa.string())
    pq.write_table(pa.table({"image": [PNG, PNG], "text": texts}), tmp_path / "s.parquet")
    with open_source(tmp_path / "s.parquet") as findings:
        bad, good = findings
    assert bad == Excluded("s.parquet row 1", "a text in the row is not valid UTF-8")
    assert isinstance(good, Found)
    assert good.texts.captions == ("a dog",)

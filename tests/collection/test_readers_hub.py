"""Data sets through the `datasets` library: the reader behind `owner/name`, on data sets that lie on this disk."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from PIL import Image

from mindseye.collection.readers.found import Found
from mindseye.collection.readers.hub import is_hub_name, read_hub
from mindseye.errors import BadInput, Unavailable


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set in the layout that hubs serve: Parquet in `data/`, a file a split."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    for split, colours in (("train", ["red", "green"]), ("test", ["blue"])):
        rows = {
            "image": [Image.new("RGB", (16, 16), colour) for colour in colours],
            "text": [f"a {colour} square" for colour in colours],
        }
        features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
        made = datasets.Dataset.from_dict(rows, features=features)
        made.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


def test_all_pictures_of_all_splits_are_found_with_their_captions(saved: Path) -> None:
    found = list(read_hub(str(saved)))
    assert all(isinstance(one, Found) for one in found)
    assert sorted(one.texts.captions[0] for one in found) == ["a blue square", "a green square", "a red square"]


def test_a_data_set_without_pictures_is_refused_with_its_columns(saved: Path) -> None:
    for file in (saved / "data").iterdir():
        file.unlink()
    datasets.Dataset.from_dict({"text": ["only words"]}).to_parquet(saved / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(BadInput, match="no column `image`") as caught:
        list(read_hub(str(saved)))
    assert "text" in str(caught.value)


def test_a_data_set_that_cannot_be_reached_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="cannot be loaded"):
        list(read_hub("nobody/no-such-data-set"))


def test_names_are_owner_and_name() -> None:
    assert is_hub_name("lambda/pictures-1.0")
    assert not any(is_hub_name(text) for text in ("pictures", "/a/b", "a/b/c", "../b", "a/", "a b/c"))

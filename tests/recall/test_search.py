"""Pictures are found by words and by pictures, by what they show and never by their own captions."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mindseye
from mindseye.collection.collection import Collection, write_collection
from mindseye.errors import BadInput
from mindseye.files import cache_folder
from mindseye.pictures.opener import open_picture
from mindseye.recall.hashers import KEPT, fit_vtph
from mindseye.recall.hashers.vtph import VtphSettings
from mindseye.recall.search import Searcher, open_searcher

INFO = {"size_px": 32, "transparent": False, "pixel_art": True}


@pytest.fixture(scope="module")
def searcher(shapes: Collection) -> Searcher:
    return open_searcher(shapes)


@pytest.mark.parametrize("words", ["a red square", "a blue triangle", "a green circle", "a yellow square"])
def test_words_find_the_pictures_that_show_them_held_out_ones_among_them(searcher: Searcher, words: str) -> None:
    found = searcher.by_words(words, 12)
    assert sum(hit.caption == words for hit in found.hits) >= 9
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_a_picture_in_the_collection_finds_itself_first(searcher: Searcher, shapes: Collection) -> None:
    for name, row in (("train", 17), ("validation", 5)):
        split = shapes.splits[name]
        best = searcher.by_picture(split.image(row), 3).hits[0]
        assert (best.path, best.distance) == (split.file_names[row], 0)
        assert best.score == pytest.approx(1, abs=1e-5)


def test_a_picture_of_any_size_finds_its_like(searcher: Searcher, picture: Path) -> None:
    best = searcher.by_picture(open_picture(picture), 10).hits[0]
    assert (best.path, best.distance) == ("green-circle-5.png", 0)


def test_the_captions_of_held_out_pictures_have_no_say(shapes: Collection, searcher: Searcher, tmp_path: Path) -> None:
    lying = [dataclasses.replace(example, captions=("a red square",)) for example in shapes.splits["validation"]]
    other = write_collection(
        tmp_path / "other", {"train": list(shapes.splits["train"]), "validation": lying}, shapes.info
    )
    mine, its = searcher.by_words("a red square", 144), open_searcher(other).by_words("a red square", 144)
    assert [(hit.path, hit.distance) for hit in mine.hits] == [(hit.path, hit.distance) for hit in its.hits]


def test_the_second_search_reads_what_the_first_one_made(shapes: Collection, searcher: Searcher) -> None:
    said: list[str] = []
    again = open_searcher(shapes, said.append)
    assert said == []
    assert again.by_words("a red circle").hits == searcher.by_words("a red circle").hits


@pytest.mark.parametrize("name", ["index.safetensors", "values.safetensors", "hasher/hasher.json"])
def test_a_damaged_index_is_made_again(shapes: Collection, searcher: Searcher, name: str) -> None:
    before = searcher.by_words("a red circle").hits
    for path in (cache_folder() / "recall").glob(f"*/{name}"):
        path.write_bytes(b"damaged")
    said: list[str] = []
    assert open_searcher(shapes, said.append).by_words("a red circle").hits == before
    assert said


def test_another_collection_has_an_index_of_its_own(shapes: Collection, searcher: Searcher, tmp_path: Path) -> None:
    fewer = write_collection(tmp_path / "fewer", {"train": list(shapes.splits["train"])[:60]}, INFO)
    assert len(open_searcher(fewer).index) == 60
    assert len(open_searcher(shapes).index) == 144


def test_as_many_are_found_as_there_are(searcher: Searcher) -> None:
    assert len(searcher.by_words("a cat", 1).hits) == 1
    assert len(searcher.by_words("a cat", 1000).hits) == 144


@pytest.mark.parametrize("same", ["captions", "pictures"])
def test_a_collection_in_which_all_is_alike_can_be_searched_too(shapes: Collection, tmp_path: Path, same: str) -> None:
    first, *others = list(shapes.splits["train"])[:12]
    told = {"captions": first.captions} if same == "captions" else {"picture": first.picture}
    alike = [first, *(dataclasses.replace(each, **told) for each in others)]
    found = open_searcher(write_collection(tmp_path / same, {"train": alike}, INFO)).by_words(first.captions[0], 20)
    assert len(found.hits) == 12 and all(np.isfinite(hit.score) for hit in found.hits)


NAMES = "cherry moss sky lemon brick fern ocean straw ruby leaf cobalt honey".split()


@pytest.fixture(scope="module")
def named(shapes: Collection, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The same pictures with a name for each of the twelve things, which is rare enough to be a label."""
    kinds = sorted({each.captions[0] for each in shapes.splits["train"]})
    called = dict(zip(kinds, NAMES, strict=True))
    splits = {
        name: [dataclasses.replace(each, captions=(f"a {called[each.captions[0]]}",)) for each in split]
        for name, split in shapes.splits.items()
    }
    return write_collection(tmp_path_factory.mktemp("named") / "named", splits, INFO)


@pytest.mark.parametrize("hasher", ["lemon", pytest.param("fusion", marks=pytest.mark.slow), "vtph"])
def test_other_hashers_search_too_and_are_read_again(
    named: Collection, monkeypatch: pytest.MonkeyPatch, hasher: str
) -> None:
    monkeypatch.setitem(KEPT, "vtph", partial(fit_vtph, settings=VtphSettings(steps=10, width=32)))
    searcher = open_searcher(named, hasher=hasher)
    assert searcher.hasher.name == hasher
    for name in NAMES[:3]:
        assert sum(hit.caption == f"a {name}" for hit in searcher.by_words(f"a {name}", 12).hits) >= 9
    split = named.splits["validation"]
    best = searcher.by_picture(split.image(5), 3).hits[0]
    assert (best.path, best.distance) == (split.file_names[5], 0)
    said: list[str] = []
    again = open_searcher(named, said.append, hasher)
    assert said == [] and again.hasher.version == searcher.hasher.version
    assert again.by_words("a cherry").hits == searcher.by_words("a cherry").hits


def test_a_hasher_that_cannot_search_is_refused_by_name(shapes: Collection) -> None:
    for name in ("random", "ecc_snap", "vtph_published", "sha256"):
        with pytest.raises(BadInput, match=name):
            open_searcher(shapes, hasher=name)
    with pytest.raises(BadInput, match="no labels"):
        open_searcher(shapes, hasher="dsph")
    with pytest.raises(BadInput, match="no labels"):
        open_searcher(shapes, hasher="lemon")


def test_a_sheet_shows_what_was_found(searcher: Searcher) -> None:
    sheet = searcher.sheet(searcher.by_words("a red square", 6))
    red = (np.asarray(sheet).astype(int) - (220, 40, 40)).__abs__().sum(-1) < 30
    assert red.mean() > 0.02


def test_nothing_to_search_for_is_refused(searcher: Searcher) -> None:
    with pytest.raises(BadInput, match="nothing to search for"):
        searcher.by_words("  ")
    with pytest.raises(BadInput, match="0 results"):
        searcher.by_words("a cat", 0)


def test_a_collection_without_captions_cannot_be_searched(shapes: Collection, tmp_path: Path) -> None:
    bare = [dataclasses.replace(example, captions=()) for example in shapes.splits["train"]][:20]
    with pytest.raises(BadInput, match="too few") as caught:
        open_searcher(write_collection(tmp_path / "bare", {"train": bare}, INFO))
    assert "with captions" in caught.value.next_step


def test_the_public_call_takes_words_or_a_path(shapes: Collection, picture: Path) -> None:
    assert mindseye.search(shapes, "a blue circle", 1).hits[0].caption == "a blue circle"
    assert mindseye.search(shapes.path, picture, 1).query == "circle.png"
    with pytest.raises(BadInput, match="no-such"):
        mindseye.search(shapes, Path("no-such.png"))

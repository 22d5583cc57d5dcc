from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.collection.drawing import photo, png, sprite, write_files, write_zip

from mindseye.collection.collect import collect, suggested_size_px
from mindseye.collection.collection import Example, open_prepared, write_collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput


def captioned(count: int, start: int = 0) -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    for number in range(start, start + count):
        files[f"{number:04}.png"] = png(sprite(number))
        files[f"{number:04}.txt"] = f"figure {number}"
    return files


def test_a_folder_becomes_a_collection_that_opens_again(tmp_path: Path) -> None:
    lines: list[str] = []
    made = collect(write_files(tmp_path / "s", captioned(40)), tmp_path / "c", log=lines.append)
    opened = open_collection(tmp_path / "c")
    assert opened.fingerprint == made.fingerprint
    assert (opened.info["pictures"], opened.info["captioned"], opened.info["captions"]) == (40, 40, 40)
    assert sum(opened.info["splits"].values()) == 40
    assert opened.info["sources"] == {"sidecar .txt": 40}
    assert opened.info["size_px"] == 16
    assert opened.info["transparent"] is True
    assert set(opened.info["seconds"]) == {"read", "clean", "write"}
    assert set(opened.info["bytes"]) == {"read", "clean", "write"}
    assert lines
    train = opened.splits["train"]
    number = int(train.file_names[0][:4])
    assert train.captions[0] == (f"figure {number}",)
    assert np.array_equal(np.asarray(train.image(0)), sprite(number))
    assert train.arrays(16, 4, pixel_art=True).shape == (len(train), 16, 16, 4)


def test_the_same_pictures_give_the_same_collection_from_folder_and_zip(tmp_path: Path) -> None:
    files = captioned(30)
    one = collect(write_files(tmp_path / "s", files), tmp_path / "c1")
    other = collect(write_zip(tmp_path / "s.zip", files), tmp_path / "c2")
    assert one.fingerprint == other.fingerprint


def test_bad_files_are_excluded_with_their_reason_and_stop_nothing(tmp_path: Path) -> None:
    good = captioned(3)
    bad: dict[str, bytes | str] = {
        "empty.png": b"",
        "text.png": b"not a picture at all, just text",
        "cut.png": png(photo(1))[:-200],
        "drawing.svg": b"<svg xmlns='x'/>",
        "clear.png": png(np.zeros((8, 8, 4), np.uint8)),
    }
    captions: dict[str, bytes | str] = {f"{Path(name).stem}.txt": "something" for name in bad}
    source = write_files(tmp_path / "s", {**good, **bad, **captions, "alone.png": png(photo(2))})
    made = collect(source, tmp_path / "c")
    reasons = {row["file"]: row["reason"] for row in made.info["excluded"]}
    assert made.info["pictures"] == 3
    assert made.info["found"] == 9
    assert set(reasons) == {*bad, "alone.png"}
    assert all(reasons.values())
    assert reasons["alone.png"] == "no caption"
    assert "transparent" in reasons["clear.png"]


def test_no_caption_at_all_is_an_error_that_says_what_was_looked_for_and_found(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {}
    for number in range(5):
        files |= {f"{number}.png": png(sprite(number)), f"{number}.tags": "a cat"}
    with pytest.raises(BadInput, match="0 of 5 pictures have a caption") as error:
        collect(write_files(tmp_path / "s", files), tmp_path / "c")
    assert "cat.caption" in error.value.why
    assert "5 .png, 5 .tags" in error.value.why
    assert not (tmp_path / "c").exists()


def test_pictures_without_captions_are_kept_when_asked_for(tmp_path: Path) -> None:
    files = {f"{number}.png": png(sprite(number)) for number in range(5)}
    made = collect(write_files(tmp_path / "s", {**files, "0.txt": "a cat"}), tmp_path / "c", captions="none")
    assert (made.info["pictures"], made.info["captioned"]) == (5, 0)
    assert made.splits["train"].captions == [()] * 5


def test_a_folder_without_pictures_and_one_with_only_damaged_ones_are_errors(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no pictures"):
        collect(write_files(tmp_path / "s", {"a.txt": "x"}), tmp_path / "c")
    with pytest.raises(BadInput, match="nothing is left of the 1 picture in"):
        collect(write_files(tmp_path / "t", {"a.txt": "x", "a.png": b"no"}), tmp_path / "c")


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", captioned(3))
    precious = write_files(tmp_path / "precious", {"thesis.txt": "years of work"})
    with pytest.raises(BadInput, match="precious exists and is not a prepared collection"):
        collect(source, precious)
    with pytest.raises(BadInput, match="is not a prepared collection"):
        collect(source, source)
    assert (precious / "thesis.txt").read_text() == "years of work"
    collect(source, tmp_path / "c")
    collect(source, tmp_path / "c")


def test_the_source_is_not_touched(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", captioned(3))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}
    collect(source, tmp_path / "c")
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()} == before


def test_exact_copies_become_one_picture_with_all_captions(tmp_path: Path) -> None:
    same = {"a.png": png(photo(1)), "b.png": png(photo(1)), "c.png": png(photo(2))}
    texts = {"a.txt": "a wave", "b.txt": "a wave\nan ocean", "c.txt": "hills"}
    made = collect(write_files(tmp_path / "s", {**same, **texts}), tmp_path / "c")
    assert made.splits["train"].captions == [("a wave", "an ocean"), ("hills",)]
    assert made.info["excluded"][0]["file"] == "b.png"
    assert "the same picture as a.png" in made.info["excluded"][0]["reason"]
    assert made.info["duplicate_groups"] == [["a.png", "b.png"]]


def test_a_thousand_identical_pictures_become_one(tmp_path: Path) -> None:
    picture = png(sprite(1))
    names = {f"{number}.png": picture for number in range(1000)}
    made = collect(write_files(tmp_path / "s", names), tmp_path / "c", captions="none")
    assert made.info["pictures"] == 1
    assert len(made.info["excluded"]) == 999


def test_near_duplicates_are_kept_in_one_group_and_one_split(tmp_path: Path) -> None:
    files = captioned(60)
    for number in range(60):
        files |= {f"mirror {number}.png": png(sprite(number)[:, ::-1]), f"mirror {number}.txt": "mirrored"}
    made = collect(write_files(tmp_path / "s", files), tmp_path / "c")
    assert made.info["pictures"] == 120
    assert len(made.info["duplicate_groups"]) == 60
    assert not set(made.splits["train"].groups) & set(made.splits["validation"].groups)
    assert made.splits["train"].concepts == made.splits["train"].groups


def test_adding_pictures_moves_no_existing_one(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", captioned(150))
    before = collect(source, tmp_path / "c1").splits
    after = collect(write_files(source, captioned(100, start=500)), tmp_path / "c2").splits
    for name in ("train", "validation"):
        assert set(before[name].file_names) <= set(after[name].file_names)


def test_preparing_again_in_the_same_place_keeps_the_split(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", captioned(25))
    before = {name: set(split.file_names) for name, split in collect(source, tmp_path / "c").splits.items()}
    mirrors = {f"m{number}.png": png(sprite(number)[:, ::-1]) for number in range(25)}
    texts = {f"m{number}.txt": "mirrored" for number in range(25)}
    after = collect(write_files(source, {**mirrors, **texts}), tmp_path / "c").splits
    for name, files in before.items():
        assert files <= set(after[name].file_names)


def test_the_concept_is_the_metadatas_where_it_is_given(tmp_path: Path) -> None:
    rows = [{"file_name": f"{number}.png", "text": "x", "concept": "cat"} for number in range(2)]
    files = {f"{number}.png": png(sprite(number)) for number in range(2)}
    metadata = {"metadata.jsonl": "\n".join(json.dumps(row) for row in rows)}
    assert collect(write_files(tmp_path / "s", {**files, **metadata}), tmp_path / "c").splits["train"].concepts == [
        "cat",
        "cat",
    ]


def test_keywords_are_kept_united_and_read_back_and_datasets_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    rows: list[dict[str, Any]] = [{"file_name": f"{number}.png", "text": f"thing {number}"} for number in range(30)]
    rows[3]["keywords"] = ["red", "round"]
    rows.append({"file_name": "copy.png", "text": "a copy", "keywords": ["round", "new"]})
    files = {row["file_name"]: png(sprite(number)) for number, row in enumerate(rows)} | {"copy.png": png(sprite(3))}
    metadata = {"metadata.jsonl": "\n".join(json.dumps(row) for row in rows)}
    made = collect(write_files(tmp_path / "s", {**files, **metadata}), tmp_path / "c")
    words = {one.file_name: one.keywords for split in made.splits.values() for one in split}
    assert words.pop("3.png") == ("red", "round", "new")
    assert set(words.values()) == {()} and len(made.splits) == 2
    loaded = datasets.load_dataset(str(made.path), cache_dir=str(tmp_path / "cache"))
    assert sorted(word for rows in loaded.values() for own in rows["keywords"] for word in own) == [
        "new",
        "red",
        "round",
    ]
    again = collect(made.path, tmp_path / "again")
    assert again.fingerprint == made.fingerprint


def test_keywords_change_the_fingerprint_and_a_collection_without_them_has_no_column(tmp_path: Path) -> None:
    made = collect(write_files(tmp_path / "s", captioned(5)), tmp_path / "c")
    examples = list(made.splits["train"])
    assert "keywords" not in made.splits["train"].table.column_names
    assert made.splits["train"].keywords == [()] * len(examples)
    named = [replace(examples[0], keywords=("red",)), *examples[1:]]
    other = write_collection(tmp_path / "named", {"train": named}, made.info)
    same = write_collection(tmp_path / "same", {"train": examples}, made.info)
    assert other.fingerprint != same.fingerprint == made.fingerprint
    assert other.splits["train"][0].keywords == ("red",)


def test_large_pictures_are_reduced_and_stored_without_their_metadata(tmp_path: Path) -> None:
    image = Image.fromarray(photo(1, 400)[:200])
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    source = write_files(tmp_path / "s", {"a.txt": "waves"})
    image.save(source / "a.jpg", exif=exif)
    made = collect(source, tmp_path / "c")
    assert made.splits["train"].image(0).size == (256, 128)
    assert made.info["reduced"] == {"smoothly": 1}
    assert b"taken at home" not in made.splits["train"].picture(0)


def test_pixel_art_is_reduced_by_nearest_neighbour(tmp_path: Path) -> None:
    enlarged = sprite(1, 32).repeat(16, 0).repeat(16, 1)
    made = collect(write_files(tmp_path / "s", {"a.png": png(enlarged), "a.txt": "x"}), tmp_path / "c")
    assert made.info["reduced"] == {"by nearest neighbour": 1}
    assert np.array_equal(np.asarray(made.splits["train"].image(0)), enlarged[::2, ::2])


@pytest.mark.parametrize(("edges", "size"), [([20], 20), ([16, 16, 300], 16), ([33], 48), ([40], 48), ([1000], 64)])
def test_the_suggested_size_holds_most_pictures(edges: list[int], size: int) -> None:
    assert suggested_size_px(edges) == size


def test_a_prepared_collection_opens_in_datasets_with_its_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    made = collect(
        write_files(tmp_path / "s", captioned(30)),
        tmp_path / "c",
        licence="CC0-1.0",
        attribution='a "painter": and #others',
    )
    loaded = datasets.load_dataset(str(made.path), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in loaded.items()} == made.info["splits"]
    row = loaded["train"][0]
    assert row["image"].size == (16, 16)
    assert row["captions"] == [row["text"]]
    assert row["text"] == made.splits["train"].captions[0][0]
    readme = (made.path / "README.md").read_text()
    assert "CC0-1.0" in readme
    assert 'a "painter": and #others' in readme


def test_a_prepared_collection_can_be_collected_again(tmp_path: Path) -> None:
    first = collect(write_files(tmp_path / "s", captioned(5)), tmp_path / "c1")
    again = collect(first.path, tmp_path / "c2")
    assert again.fingerprint == first.fingerprint


def test_opening_what_is_no_collection_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a prepared collection") as error:
        open_collection(write_files(tmp_path / "s", captioned(1)))
    assert "mindseye collect" in error.value.next_step
    with pytest.raises(BadInput, match="there is no collection 'nothing'"):
        open_collection("nothing")


def test_a_damaged_collection_is_refused_by_name(tmp_path: Path) -> None:
    made = collect(write_files(tmp_path / "s", captioned(3)), tmp_path / "c")
    table = made.path / "data" / "train-00000-of-00001.parquet"
    os.truncate(table, 100)
    with pytest.raises(BadInput, match="train-00000-of-00001"):
        open_prepared(made.path)


def test_a_record_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    made = collect(write_files(tmp_path / "s", captioned(3)), tmp_path / "c")
    record = json.loads((made.path / "collection.json").read_text())
    (made.path / "collection.json").write_text(json.dumps({**record, "splits": {"../../train": 1}}))
    with pytest.raises(BadInput, match="names a split"):
        open_prepared(made.path)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_very_small_collection_is_all_for_training(tmp_path: Path, count: int) -> None:
    made = collect(write_files(tmp_path / "s", captioned(count)), tmp_path / "c", validation=0)
    assert made.info["splits"] == {"train": count}


def test_splits_of_any_name_are_written_and_empty_ones_left_out(tmp_path: Path) -> None:
    example = Example(png(sprite(1)), "a.png", ("a cat",), "cat", "g", "made")
    made = write_collection(tmp_path / "c", {"train": [example], "validation": [], "style_transfer": [example]}, {})
    assert list(made.splits) == ["train", "style_transfer"]
    assert made.splits["train"][0] == example
    with pytest.raises(BadInput, match="no picture is left"):
        write_collection(tmp_path / "d", {"train": []}, {})

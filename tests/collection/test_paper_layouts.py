"""The layouts that the data of AttnGAN comes in: CUB with its text folder and boxes, and COCO's captions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.collection.drawing import photo, png, write_files, write_zip

from mindseye.collection.collect import collect
from mindseye.collection.readers import Excluded, Found, open_source
from mindseye.errors import BadInput
from mindseye.pictures.opener import open_picture

PNG = png(photo(0, 40))
SPECIES = {"001.Black_footed_Albatross": (0, 1, 2), "002.Laysan_Albatross": (3, 4)}


def cub(**changes: bytes | str) -> dict[str, bytes | str]:
    """CUB as AttnGAN unpacks it: five pictures of 40 px of two species, two captions each."""
    names = [f"{folder}/bird_{number}" for folder, numbers in SPECIES.items() for number in numbers]
    files: dict[str, bytes | str] = {}
    for number, name in enumerate(names):
        files[f"birds/CUB_200_2011/images/{name}.jpg"] = png(photo(number, 40))
        files[f"birds/text/{name}.txt"] = f"this bird is number {number}\na bird with wings\n"
    files["birds/CUB_200_2011/images.txt"] = "".join(f"{i} {name}.jpg\n" for i, name in enumerate(names, start=1))
    files["birds/CUB_200_2011/bounding_boxes.txt"] = "".join(f"{i} 10.0 12.0 16.0 8.0\n" for i in range(1, 6))
    files["birds/CUB_200_2011/classes.txt"] = "1 001.Black_footed_Albatross\n2 002.Laysan_Albatross\n"
    return {**files, **changes}


def read(source: Path) -> tuple[dict[str, Found], list[Excluded]]:
    with open_source(source) as findings:
        every = list(findings)
    return (
        {one.file_name.rsplit("/", 1)[-1]: one for one in every if isinstance(one, Found)},
        [one for one in every if isinstance(one, Excluded)],
    )


def pixels(found: Found) -> np.ndarray:
    return np.asarray(open_picture(found.load()))


@pytest.mark.parametrize("write", [write_files, write_zip])
def test_cub_has_the_captions_of_its_text_folder_and_the_species_as_concepts(tmp_path: Path, write: Any) -> None:
    found, excluded = read(write(tmp_path / "cub.zip", cub()))
    assert not excluded and len(found) == 5
    assert found["bird_0.jpg"].texts.captions == ("this bird is number 0", "a bird with wings")
    assert {one.concept for one in found.values()} == {"Black footed Albatross", "Laysan Albatross"}


def test_the_text_folder_may_lie_beside_images_and_be_reeds(tmp_path: Path) -> None:
    files = {name.replace("birds/text/", "birds/CUB_200_2011/text_c10/"): data for name, data in cub().items()}
    found, _ = read(write_files(tmp_path / "cub", files))
    assert all(len(one.texts.captions) == 2 for one in found.values())


def test_a_bird_is_cropped_to_a_square_around_its_box_where_there_are_boxes(tmp_path: Path) -> None:
    found, _ = read(write_files(tmp_path / "cub", cub()))
    one = found["bird_2.jpg"]
    assert np.array_equal(pixels(one), photo(2, 40)[4:28, 6:30])  # 3/4 of 16 px to each side of 18, 16
    assert one.texts.source == "text folder, cropped to the box"
    files = cub()
    del files["birds/CUB_200_2011/bounding_boxes.txt"]
    found, _ = read(write_files(tmp_path / "without", files))
    assert pixels(found["bird_2.jpg"]).shape == (40, 40, 3)
    assert found["bird_2.jpg"].texts.source == "text folder"


def test_the_crop_ends_where_the_picture_does(tmp_path: Path) -> None:
    boxes = "1 0.0 0.0 20.0 20.0\n"
    found, _ = read(write_files(tmp_path / "cub", cub(**{"birds/CUB_200_2011/bounding_boxes.txt": boxes})))
    assert pixels(found["bird_0.jpg"]).shape == (25, 25, 3)  # the box's middle, 10, and 15 px to each side


def test_a_line_that_is_no_box_is_named_and_a_box_outside_leaves_its_picture_out(tmp_path: Path) -> None:
    boxes = "1 10 12 16\n2 900 900 4 4\n3 10.0 12.0 16.0 8.0\n9 1 1 1 1\nnonsense\n"
    files = cub(**{"birds/CUB_200_2011/bounding_boxes.txt": boxes})
    made = collect(write_files(tmp_path / "cub", files), tmp_path / "made")
    reasons = {each["file"]: each["reason"] for each in made.info["excluded"]}
    assert "no box" in reasons["birds/CUB_200_2011/bounding_boxes.txt line 1"]
    assert "no box" in reasons["birds/CUB_200_2011/bounding_boxes.txt line 5"]
    outside = "birds/CUB_200_2011/images/001.Black_footed_Albatross/bird_1.jpg"
    assert reasons[outside] == "cannot be read: its bounding box lies outside it"
    assert len(reasons) == 3


def test_a_damaged_bird_is_left_out_with_the_usual_reason(tmp_path: Path) -> None:
    name = "birds/CUB_200_2011/images/002.Laysan_Albatross/bird_3.jpg"
    made = collect(write_files(tmp_path / "cub", cub(**{name: PNG[:60]})), tmp_path / "made")
    assert [each["file"] for each in made.info["excluded"]] == [name]


def test_a_pickle_beside_cub_is_never_opened(tmp_path: Path) -> None:
    harmful = b"cos\nsystem\n(S'exit 1'\ntR."
    found, _ = read(write_files(tmp_path / "cub", cub(**{"birds/captions.pickle": harmful})))
    assert len(found) == 5


def coco(annotations: list[Any], images: list[Any]) -> str:
    return json.dumps({"info": {}, "licenses": [], "images": images, "annotations": annotations})


IMAGES = [{"id": 9, "file_name": "000009.jpg"}, {"id": 25, "file_name": "000025.jpg"}]
ANNOTATIONS = [
    {"id": 1, "image_id": 9, "caption": "A plate of food. "},
    {"id": 2, "image_id": 25, "caption": "A giraffe"},
    {"id": 3, "image_id": 9, "caption": "Lunch on\na table"},
]
COCO = {
    "annotations/captions_train2014.json": coco(ANNOTATIONS, IMAGES),
    "train2014/000009.jpg": PNG,
    "train2014/000025.jpg": PNG,
}


@pytest.mark.parametrize("write", [write_files, write_zip])
def test_coco_s_captions_go_to_the_pictures_of_their_numbers(tmp_path: Path, write: Any) -> None:
    found, excluded = read(write(tmp_path / "coco.zip", COCO))
    assert found["000009.jpg"].texts.captions == ("A plate of food.", "Lunch on a table")
    assert found["000025.jpg"].texts.captions == ("A giraffe",)
    assert found["000009.jpg"].texts.source == "COCO captions"
    assert not excluded


def test_two_folders_with_pictures_of_one_name_are_told_apart_by_the_name_of_the_json(tmp_path: Path) -> None:
    other = coco([{"image_id": 9, "caption": "something else"}], IMAGES)
    files = {**COCO, "val2014/000009.jpg": PNG, "annotations/captions_val2014.json": other}
    with open_source(write_files(tmp_path / "coco", files)) as findings:
        captions = {one.file_name: one.texts.captions for one in findings if isinstance(one, Found)}
    assert captions["train2014/000009.jpg"] == ("A plate of food.", "Lunch on a table")
    assert captions["val2014/000009.jpg"] == ("something else",)


def test_pictures_that_are_not_there_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    files = {name: data for name, data in COCO.items() if "25" not in name}
    found, [excluded] = read(write_files(tmp_path / "coco", files))
    assert list(found) == ["000009.jpg"]
    assert excluded.reason == "1 of its pictures are not here, or several have the name"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not valid JSON"),
        ("[" * 100_000, "it is not valid JSON"),
        ("[]", "it has no lists"),
        ('{"images": {}, "annotations": []}', "it has no lists"),
    ],
)
def test_a_file_that_is_no_coco_json_is_named(tmp_path: Path, text: str, reason: str) -> None:
    source = write_files(tmp_path / "coco", {**COCO, "annotations/captions_train2014.json": text})
    _, [excluded] = read(source)
    assert excluded.file == "annotations/captions_train2014.json" and excluded.reason.startswith(reason)
    with pytest.raises(BadInput, match="captions_"):
        collect(source, tmp_path / "made")


def test_odd_entries_never_end_the_reading(tmp_path: Path) -> None:
    images = [*IMAGES, None, 7, {}, {"id": [1], "file_name": "x"}, {"id": 9}, {"id": 3, "file_name": 5}]
    annotations = [*ANNOTATIONS, None, {}, {"image_id": {"a": 1}, "caption": "b"}, {"image_id": 25, "caption": 5}]
    text = coco(annotations, images)
    found, _ = read(write_files(tmp_path / "coco", {**COCO, "annotations/captions_train2014.json": text}))
    assert found["000025.jpg"].texts.captions == ("A giraffe",)
    assert "is not a text but a int" in found["000025.jpg"].texts.problem


def test_a_json_beside_its_picture_stays_a_sidecar(tmp_path: Path) -> None:
    found, excluded = read(write_files(tmp_path / "s", {"captions_a.png": PNG, "captions_a.json": '"a letter"'}))
    assert found["captions_a.png"].texts.captions == ("a letter",) and not excluded

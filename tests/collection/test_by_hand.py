"""What a person leaves out and writes anew holds for all who open the collection, and can be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.collection.drawing import png, sprite, write_files

from mindseye.collection.builtin import is_builtin, open_emoji
from mindseye.collection.by_hand import LIST, ByHand
from mindseye.collection.collect import collect
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.report.inspect import inspect


def files(count: int) -> dict[str, bytes | str]:
    pictures: dict[str, bytes | str] = {f"{number:02}.png": png(sprite(number)) for number in range(count)}
    return {**pictures, **{f"{number:02}.txt": f"figure {number}" for number in range(count)}}


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """Thirty figures, some of them for validation."""
    return collect(write_files(tmp_path / "figures", files(30)), tmp_path / "collection")


def names(collection: Collection) -> set[str]:
    return {name for split in collection.splits.values() for name in split.file_names}


def test_a_picture_that_is_left_out_is_not_there_and_is_listed_with_the_reason(collection: Collection) -> None:
    gone = collection.splits["validation"].file_names[0]
    ByHand().leaving_out("07.png").leaving_out(gone).write(collection.path)
    opened = open_collection(collection.path)
    assert names(collection) - names(opened) == {"07.png", gone}
    assert opened.fingerprint != collection.fingerprint
    facts = inspect(opened)
    assert (facts["pictures"], sum(facts["splits"].values()), facts["captions"]) == (28, 28, 28)
    assert {"file": "07.png", "reason": "left out by hand"} in facts["excluded"]


def test_new_captions_stand_in_for_those_that_were_collected(collection: Collection) -> None:
    ByHand().captioned("07.png", ["  a  seventh figure ", "seven"], ("figure 7",)).write(collection.path)
    opened = open_collection(collection.path)
    [(split, row)] = [
        (split, split.file_names.index("07.png")) for split in opened.splits.values() if "07.png" in split.file_names
    ]
    assert split.captions[row] == ("a seventh figure", "seven") and split.sources[row] == "by hand"
    assert split.table.column("text")[row].as_py() == "a seventh figure"
    assert names(opened) == names(collection) and opened.info["captions"] == 31
    assert inspect(opened)["sources"] == {"sidecar .txt": 29, "by hand": 1}


def test_what_is_taken_back_is_as_it_was_collected(collection: Collection) -> None:
    changed = ByHand().leaving_out("07.png").captioned("07.png", ["seven"], ("figure 7",)).leaving_out("08.png")
    changed.write(collection.path)
    assert ByHand.read(collection.path) == changed
    changed.taking_back("07.png").taking_back("08.png").write(collection.path)
    opened = open_collection(collection.path)
    assert opened.fingerprint == collection.fingerprint and opened.info == collection.info
    assert ByHand().captioned("07.png", ["figure 7"], ("figure 7",)) == ByHand(), "the same captions are no change"


def test_collecting_again_keeps_what_was_changed_and_the_split(collection: Collection, tmp_path: Path) -> None:
    gone = collection.splits["validation"].file_names[0]
    ByHand().leaving_out(gone).captioned("07.png", ["seven"], ("figure 7",)).write(collection.path)
    said: list[str] = []
    again = collect(write_files(tmp_path / "more", files(33)), collection.path, log=said.append)
    assert names(again) == names(collection) - {gone} | {"30.png", "31.png", "32.png"}
    assert [line for line in said if LIST in line]
    ByHand().write(collection.path)
    assert gone in open_collection(collection.path).splits["validation"].file_names


def test_a_picture_that_came_with_a_caption_keeps_one(collection: Collection) -> None:
    with pytest.raises(BadInput, match="needs a caption"):
        ByHand().captioned("07.png", ["  ", "\u200b"], ("figure 7",))
    assert ByHand().captioned("bare.png", [""], ()) == ByHand()


def test_not_everything_can_be_left_out(collection: Collection) -> None:
    ByHand(left_out=frozenset(names(collection))).write(collection.path)
    with pytest.raises(BadInput, match=r"(?s)no picture is left to train on.*by_hand\.json"):
        open_collection(collection.path)


@pytest.mark.parametrize("text", ["", "[]", '{"left_out": "all"}', '{"captions": {"07.png": [7]}}', '{"lost": []}'])
def test_a_damaged_list_is_named_and_not_passed_over(collection: Collection, text: str) -> None:
    (collection.path / LIST).write_text(text)
    with pytest.raises(BadInput, match=r"by_hand\.json cannot be read"):
        open_collection(collection.path)


def test_what_comes_with_mindseye_is_told_from_collections_of_ones_own(collection: Collection) -> None:
    assert is_builtin(open_emoji()) and not is_builtin(collection)

"""The shipped emoji: their captions, their splits, and the script that builds them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from mindseye.collection.builtin import emoji_build
from mindseye.collection.builtin.emoji_captions import MAX_WORDS, Subject, captions, clean_keywords, clean_label
from mindseye.collection.collection import Collection, Split
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput

MOST_BYTES = 15_000_000


@pytest.fixture(scope="module")
def emoji() -> Collection:
    return open_collection("emoji")


def drawn(split: Split) -> set[tuple[str, str]]:
    """(concept, style) of every picture."""
    return {(concept, name.split("/")[0]) for concept, name in zip(split.concepts, split.file_names, strict=True)}


def test_it_is_small_enough_to_ship_and_says_its_licences(emoji: Collection) -> None:
    assert sum(file.stat().st_size for file in emoji.path.rglob("*") if file.is_file()) < MOST_BYTES
    readme = (emoji.path / "README.md").read_text(encoding="utf-8")
    assert all(words in readme for words in ("Apache-2.0", "CC-BY-4.0", "Google Inc.", "Twitter, Inc."))


def test_pictures_are_transparent_and_64_px(emoji: Collection) -> None:
    for split in emoji.splits.values():
        image = split.image(len(split) // 2)
        assert (image.mode, image.size) == ("RGBA", (64, 64))


def test_every_picture_has_four_to_six_short_captions_and_half_name_the_style(emoji: Collection) -> None:
    named = total = 0
    for split in emoji.splits.values():
        for texts, name in zip(split.captions, split.file_names, strict=True):
            style = name.split("/")[0]
            assert 4 <= len(texts) <= 6, name
            assert all(text == text.lower() and 1 <= len(text.split()) <= MAX_WORDS for text in texts), texts
            named += sum(style in text for text in texts)
            total += len(texts)
    assert named / total == pytest.approx(0.5, abs=0.02)


def test_skin_tones_are_said_and_are_one_concept(emoji: Collection) -> None:
    tones = {"1f3fb": "light", "1f3fd": "medium", "1f3ff": "dark"}
    toned = 0
    for split in emoji.splits.values():
        for example in split:
            code = example.file_name.split("/")[1].removesuffix(".png")
            tone = next((tones[part] for part in code.split("-") if part in tones), None)
            assert all((f"{tone} skin tone" in text) == (tone is not None) for text in example.captions)
            assert not set(tones) & set(example.concept.split("-"))
            toned += tone is not None
    assert toned > 1500


def test_no_concept_and_no_drawing_is_in_both_train_and_validation(emoji: Collection) -> None:
    train, validation = emoji.splits["train"], emoji.splits["validation"]
    assert not set(train.groups) & set(validation.groups)
    assert not set(train.concepts) & set(validation.concepts)
    stored = {validation.picture(index) for index in range(len(validation))}
    assert not stored & {train.picture(index) for index in range(len(train))}
    assert {style for _, style in drawn(validation)} == {"noto", "twemoji"}


def test_style_transfer_asks_for_the_style_that_training_left_out(emoji: Collection) -> None:
    train, transfer = drawn(emoji.splits["train"]), drawn(emoji.splits["style_transfer"])
    other = {"noto": "twemoji", "twemoji": "noto"}
    assert not train & transfer
    assert {(concept, other[style]) for concept, style in transfer} <= train
    for style in other:
        assert sum(asked == style for _, asked in transfer) > 30


def test_about_a_twentieth_is_for_validation_and_a_twelfth_for_style_transfer(emoji: Collection) -> None:
    concepts = {name: len(set(split.concepts)) for name, split in emoji.splits.items()}
    total = concepts["train"] + concepts["validation"]
    assert total == 1636
    assert 0.04 < concepts["validation"] / total < 0.06
    assert 0.06 < concepts["style_transfer"] / total < 0.1


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("man: red hair", "man with red hair"),
        ("woman: bald", "bald woman"),
        ("family: man, woman, boy", "family of man woman and boy"),
        ("keycap: #", "keycap hash"),
        ("person walking: facing right", "person walking facing right"),
        ("Japanese “free of charge” button", "japanese free of charge button"),
        ("piñata", "pinata"),
        ("twelve o’clock", "twelve o'clock"),
    ],
)
def test_labels_read_as_a_person_would_say_them(label: str, said: str) -> None:
    assert clean_label(label) == said


def test_keywords_are_plain_words_that_add_something() -> None:
    words = ["face", "cat", ":D", "+1", "of", "happy_cat", "man", "Joy", "joy", "u55b6", "x"]
    assert clean_keywords(words, "cat face") == ("happy cat", "joy")


def test_captions_depend_on_the_picture_alone() -> None:
    subject = Subject("cat", ("pet", "kitten", "whiskers"), "", countable=True)
    assert captions(subject, "noto", "noto/1f408.png") == captions(subject, "noto", "noto/1f408.png")
    assert captions(subject, "noto", "noto/1f408.png")[0] == "cat"


@pytest.mark.parametrize(
    ("label", "said"), [("umbrella", "an umbrella"), ("unicorn", "a unicorn"), ("grapes", "grapes"), ("bus", "a bus")]
)
def test_articles_are_right(label: str, said: str) -> None:
    found = {text for key in range(40) for text in captions(Subject(label, (), "", countable=True), "noto", str(key))}
    assert f"noto emoji of {said}" in found


def package(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    with tarfile.open(folder / f"{name}-1.0.0.tgz", "w:gz") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def few_packages(folder: Path) -> None:
    """The four packages with two people (with a skin tone each), many boxes and a flag."""
    boxes = [f"{code:X}" for code in range(0x1F900, 0x1F928)]
    people = ["1F3C3", "1F3C3-200D-2642-FE0F"]
    entries = [
        {
            "unified": code,
            "image": f"{code.lower()}.png",
            "category": "Flags" if code == boxes[0] else "Objects",
            "has_img_google": True,
            "has_img_twitter": True,
            "skin_variations": {
                tone: {"image": f"{code}-{tone}.png".lower()} for tone in ("1F3FB", "1F3FC") if code in people
            },
        }
        for code in [*people, *boxes]
    ]
    images = [entry["image"] for entry in entries]
    images += [variation["image"] for entry in entries for variation in entry["skin_variations"].values()]
    for shift, vendor in enumerate(("google", "twitter")):
        files = {"emoji.json": json.dumps(entries).encode()}
        for number, image in enumerate(images):
            stored = io.BytesIO()
            Image.new("RGBA", (64, 64), (number, 100 * shift, 0, 255)).save(stored, "PNG")
            files[f"img/{vendor}/64/{image}"] = stored.getvalue()
        package(folder, f"emoji-datasource-{vendor}", files)
    labels = {people[0]: "person running", people[1].replace("-FE0F", ""): "man running"}
    data = [{"hexcode": code, "label": labels.get(code, f"box {code}"), "emoji": code} for code in [*labels, *boxes]]
    package(folder, "emojibase-data", {"en/data.json": json.dumps(data).encode()})
    package(folder, "emojilib", {"dist/emoji-en-US.json": json.dumps({"1F3C3": ["race"], "x": ["race"]}).encode()})


def test_the_build_joins_the_packages_leaves_flags_out_and_keeps_a_gender_variant_with_its_base(tmp_path: Path) -> None:
    few_packages(tmp_path)
    made = emoji_build.build(tmp_path, tmp_path / "made")
    examples = {example.file_name: example for split in made.splits.values() for example in split}
    assert len(examples) == 2 * (2 * 2 + 39)
    assert "noto/1f900.png" not in examples
    runner, man = examples["noto/1f3c3-1f3fb.png"], examples["twemoji/1f3c3-200d-2642-fe0f.png"]
    assert runner.captions[0] == "person running, light skin tone"
    assert any("race" in text for text in runner.captions)
    assert (runner.concept, man.concept) == ("1f3c3", "1f3c3-200d-2642")
    assert runner.group == man.group == "1f3c3"


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    few_packages(tmp_path)
    (tmp_path / "emojilib-1.0.0.tgz").unlink()
    with pytest.raises(BadInput, match=r"0 files named emojilib-\*\.tgz"):
        emoji_build.build(tmp_path, tmp_path / "made")
    assert not (tmp_path / "made").exists()

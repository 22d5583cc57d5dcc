"""The judge that comes with the package, and the pictures that it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mindseye.collection.builtin import open_emoji
from mindseye.errors import BadInput
from mindseye.observe.contrastive import judge_for, load_judge
from mindseye.observe.contrastive.judge import SHIPPED
from mindseye.observe.emoji_judge.combinations import unseen_combinations
from mindseye.observe.emoji_judge.drawings import Drawing, drop_redrawings, read_drawings
from mindseye.observe.emoji_judge.recolour import COLOURS, coloured_caption, main_part, may_be_recoloured, recolour
from mindseye.observe.emoji_judge.shown import captions_of_concepts, shown_pictures
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.vocabulary import words_of
from mindseye.think.naming import ranks


def disc(rgb: tuple[int, int, int]) -> np.ndarray:
    """A shaded disc of one colour with a black rim on a transparent ground."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    radius = np.hypot(x, y)
    picture = np.zeros((64, 64, 4), dtype=np.uint8)
    picture[..., :3] = np.array(rgb) * (1 - 0.3 * radius.clip(0, 1))[..., None]
    picture[radius > 0.75, :3] = 0
    picture[..., 3] = 255 * (radius < 0.8)
    return picture


def test_the_shipped_judge_names_real_pictures_of_things_that_no_model_was_shown() -> None:
    """One caption right and 99 wrong for each of a hundred validation pictures; a guess would be right for one."""
    collection = open_emoji()
    judge = judge_for(collection)
    validation = collection.splits["validation"]
    rows = list(range(0, 250, 5)) + list(range(2, 252, 5))
    labels = {captions[0]: concept for captions, concept in zip(validation.captions, validation.concepts, strict=True)}
    train = collection.splits["train"]
    others = dict(zip((captions[0] for captions in train.captions), train.concepts, strict=True))
    spread = [label for label in list(others)[:: len(others) // 140] if label not in labels][:99]
    features = load_picture_encoder().encode(validation.arrays(64, 4, rows=rows))
    asked = [validation.captions[row][0] for row in rows]
    similarity = judge.similarity(features, [*asked, *spread])
    own = similarity[np.arange(len(rows)), np.arange(len(rows))]
    assert judge.independent
    assert len(spread) == 99
    assert (own > similarity[:, len(rows) :].max(1)).mean() >= 0.7


def test_the_shipped_judge_is_small_has_a_card_and_is_no_model_that_draws() -> None:
    assert sorted(path.name for path in SHIPPED.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 8 * 2**20
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for name in ("Apache-2.0", "CC-BY 4.0", "Google", "Mozilla", "Emoji One", "Microsoft", "MIT", "R-precision"):
        assert name in card
    assert "noto-v1" in load_judge().matcher.config.trained_on


def test_a_thing_in_another_colour_keeps_its_shade_and_its_rim() -> None:
    red = disc((220, 40, 30))
    part = main_part(red)
    assert part is not None
    blue = recolour(red, part, "blue")
    middle, edge = blue[32, 32].astype(int), blue[32, 50].astype(int)
    assert middle[2] > middle[1] > middle[0]
    assert middle.sum() > edge.sum()
    assert (blue[~part] == red[~part]).all()
    assert (blue[..., 3] == red[..., 3]).all()


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_looks_like_itself(colour: str) -> None:
    """The middle of a painted disc is nearest to that colour's own, of all colours."""
    red = disc((220, 40, 30))
    part = main_part(red)
    assert part is not None
    middle = recolour(red, part, colour)[30:34, 30:34, :3].mean((0, 1))
    flat = np.full((8, 8, 3), (220, 40, 30), dtype=np.uint8)
    swatches = {name: recolour(flat, np.ones((8, 8), bool), name)[0, 0].astype(float) for name in COLOURS}
    assert min(swatches, key=lambda name: float(np.linalg.norm(swatches[name] - middle))) == colour


def test_only_pictures_with_one_main_colour_are_painted() -> None:
    half = disc((220, 40, 30))
    half[32:, :, :3] = half[32:, :, [1, 0, 2]]  # red above, green below
    half[:, 20:44, :3] = half[:, 20:44][..., [2, 1, 0]]  # and the middle in other hues
    assert main_part(half) is None
    assert main_part(disc((128, 128, 128))) is None
    with pytest.raises(BadInput, match="no colour 'mauve'"):
        recolour(half, np.ones((64, 64), bool), "mauve")


def test_people_and_things_with_a_colour_in_their_name_are_not_painted() -> None:
    assert may_be_recoloured("apple")
    assert not any(map(may_be_recoloured, ("red heart", "woman running", "smiling face", "blond hair")))
    assert (coloured_caption("blue", "apple"), coloured_caption("orange", "cat")) == ("a blue apple", "an orange cat")


def test_the_judge_is_shown_no_picture_of_the_collection_and_no_copy_of_one() -> None:
    collection = open_emoji()
    train = collection.splits["train"]
    copy = np.asarray(train.image(3).convert("RGBA"))
    darker = copy.copy()
    darker[..., :3] = darker[..., :3] * 0.95
    other = disc((220, 40, 30))
    drawings = [Drawing(train.concepts[3], "test", "", picture) for picture in (copy, darker, copy[:, ::-1], other)]
    [kept] = drop_redrawings(drawings, collection)
    assert (kept.picture == other).all()


def test_what_is_said_of_a_picture_is_what_the_collection_says_of_its_concept() -> None:
    collection = open_emoji()
    captions = captions_of_concepts(collection)
    shown = shown_pictures([Drawing("1f34e", "test", "", disc((220, 40, 30)))] * 8, collection)
    assert captions["1f34e", ""][0] == "red apple"
    assert {each.captions for each in shown} == {captions["1f34e", ""]}  # red already, so never painted
    painted = shown_pictures([Drawing("1f350", "test", "", disc((220, 40, 30)))] * 8, collection)
    details = {each.detail for each in painted}
    assert len(details) > 5
    assert all(not each.detail or each.captions[0] == coloured_caption(each.detail, "pear") for each in painted)


def test_missing_packages_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"0 files named emojibase-data-\*"):
        list(read_drawings(tmp_path, ["1f34e"]))


def test_unseen_combinations_are_things_in_colours_that_no_caption_gives_them() -> None:
    collection = open_emoji()
    train = collection.splits["train"]
    found = unseen_combinations(collection)
    concepts = [train.concepts[each.row] for each in found]
    assert len(found) >= 100
    assert len(set(concepts)) == len(concepts)
    captions: dict[str, set[str]] = {}
    for split in collection.splits.values():
        for concept, texts in zip(split.concepts, split.captions, strict=True):
            captions.setdefault(concept, set()).update(word for text in texts for word in words_of(text))
    for each, concept in zip(found, concepts, strict=True):
        label = train.captions[each.row][0]
        own, *wrong = each.captions
        assert own == coloured_caption(each.colour, label)
        assert each.colour not in captions[concept]
        assert len(set(wrong) - {own}) == len(wrong) == 99
        assert sum(caption.endswith(f" {label}") for caption in wrong) >= 10  # the same thing in the other colours


@pytest.mark.slow  # most of a minute
def test_the_judge_tells_the_colours_of_unseen_combinations() -> None:
    """Else a model that draws "a blue apple" red would not be told from one that draws it blue."""
    found = unseen_combinations(open_emoji())[::4]
    features = load_picture_encoder().encode(np.stack([each.picture for each in found]))
    similarity = load_judge().among(features, [each.captions for each in found])
    assert (ranks(similarity) == 1).mean() >= 0.7
    assert (ranks(np.concatenate([similarity[:, 1:], similarity[:, :1]], axis=1)) == 1).mean() < 0.1  # a wrong one

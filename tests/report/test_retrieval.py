"""Retrieval is measured on queries that were held out, against chance, and the table adds up."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.recall.hashers import Pairs, fit_cca_itq, fit_random_codes
from mindseye.recall.labels import label_table, labelled_by, telling, words_on
from mindseye.report.retrieval import Retrieval, measure_retrieval, retrieval_task

KINDS = [f"kind{number}" for number in range(20)]


def collection_of(folder: Path, held_out: int = 20) -> Collection:
    """Captions alone matter here; every picture is the same grey square."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 90, 90)).save(file, format="PNG")
    examples = [
        Example(file.getvalue(), f"{row}.png", (f"a {KINDS[row % 20]}",), f"thing {row}", str(row), "drawn")
        for row in range(200)
    ]
    splits = {"train": examples[held_out:], "validation": examples[:held_out]}
    return write_collection(folder / "kinds", splits, {"size_px": 16, "transparent": False, "pixel_art": False})


def features_of(collection: Collection) -> dict[str, Pairs]:
    """Hidden numbers of a picture, its kind among them, seen by two matrices."""
    views = np.random.default_rng(42)
    to_pictures, to_words = views.standard_normal((36, 60)), views.standard_normal((36, 50))
    features = {}
    for name, split in collection.splits.items():
        rng = np.random.default_rng(len(split))
        hidden = rng.standard_normal((len(split), 36))
        hidden[:, :20] = [3 * (np.array(KINDS) == captions[0][2:]) for captions in split.captions]
        noise = 0.2 * rng.standard_normal((len(split), 60))
        labels = label_table(telling(words_on(collection, name)))[0]
        features[name] = Pairs(hidden @ to_pictures + noise, hidden @ to_words, np.arange(len(split)), labels)
    return features


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Retrieval]]:
    collection = collection_of(tmp_path_factory.mktemp("retrieval"))
    features = features_of(collection)
    task = retrieval_task(collection, features)
    return {
        "learnt": list(measure_retrieval(task, fit_cca_itq(features["train"], 32))),
        "chance": list(measure_retrieval(task, fit_random_codes(features["train"], 32))),
    }


def test_there_is_a_row_for_each_direction_and_way(measured: dict[str, list[Retrieval]]) -> None:
    rows = {(row.direction, row.nearness) for row in measured["learnt"]}
    ways = ("float", "binary", "binary, re-ranked")
    assert rows == {(way, near) for way in ("words to pictures", "pictures to words") for near in ways}
    assert {(row.queries, row.database, row.gallery, row.labelled) for row in measured["learnt"]} == {
        (20, 180, 200, 20)
    }


def expected_of_chance(items: int, relevant: int) -> float:
    """The mean AP over all orders (Bestgen 2015): (H + (R - 1) / (N - 1) (N - H)) / N with H = 1 + 1/2 + ... + 1/N."""
    harmonic = (1 / np.arange(1, items + 1)).sum()
    return float((harmonic + (relevant - 1) / (items - 1) * (items - harmonic)) / items)


def test_random_codes_are_chance_and_learning_beats_them(measured: dict[str, list[Retrieval]]) -> None:
    for row in measured["chance"]:
        assert row.map_all == pytest.approx(expected_of_chance(180, 9), abs=0.025)
        assert row.recall[2] < 0.25
    for row in measured["learnt"]:
        assert row.map_all > 0.4
        assert row.recall[0] <= row.recall[1] <= row.recall[2]
        assert row.recall[2] > 0.5


def test_reranking_all_candidates_gives_what_floats_give(measured: dict[str, list[Retrieval]]) -> None:
    """The gallery has 200 rows, as many as are re-ranked."""
    by_way = {(row.direction, row.nearness): row for row in measured["learnt"]}
    for direction in ("words to pictures", "pictures to words"):
        again, floats = by_way[direction, "binary, re-ranked"], by_way[direction, "float"]
        assert again.map_all == pytest.approx(floats.map_all)
        assert again.recall == floats.recall


def test_labels_are_words_that_say_something() -> None:
    words = [{"a", KINDS[row % 20], "thing"} for row in range(100)] + [{"a", "rare", "thing"}] * 4
    labels = telling([*words, *[{"much", "else"}] * 200])
    assert labels[0] == {"kind0"}  # "a" and "thing" are on more than a tenth, "rare" on less than five
    assert labels[101] == set()


def test_a_collection_with_keywords_is_labelled_by_them_and_any_other_by_the_words_of_its_captions(
    tmp_path: Path,
) -> None:
    plain = collection_of(tmp_path / "plain")
    assert labelled_by(plain) == "words of captions"
    assert retrieval_task(plain, features_of(plain)).label_names == sorted(KINDS)
    named = {
        name: [replace(each, keywords=(f"family {int(each.file_name[:-4]) % 10}", "rare")) for each in split]
        for name, split in plain.splits.items()
    }
    keyed = write_collection(tmp_path / "keyed", named, plain.info)
    task = retrieval_task(keyed, features_of(keyed))
    assert labelled_by(keyed) == task.labelled_by == "keywords"
    assert task.label_names == [f"family {number}" for number in range(10)]  # "rare" is on all of them
    assert task.same_label[:, ~task.held_out].sum(1).tolist() == [18] * 20
    assert words_on(keyed, "validation")[3] == {"family 3", "rare"}
    assert np.array_equal(features_of(keyed)["train"].labelled().sum(0), [18] * 10)


def test_a_collection_without_a_held_out_split_is_refused(tmp_path: Path) -> None:
    collection = collection_of(tmp_path, held_out=0)
    with pytest.raises(BadInput, match="cannot be measured"):
        retrieval_task(collection, features_of(collection))

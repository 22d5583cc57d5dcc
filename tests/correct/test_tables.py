"""Published tables of edits: every cell finds its place, and a file that is none is refused."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from mindseye.correct.tables import read_biases, read_road, read_timed
from mindseye.errors import BadInput

NUMBERS = range(1, 6)


def write(path: Path, row: dict[str, str]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(row))
        table.writeheader()
        table.writerow(row)
    return path


def test_a_row_of_timed_is_an_edit_with_its_probes(tmp_path: Path) -> None:
    row = {"old": "A  banana ", "new": "A blue banana"}
    for kind in ("positive", "gt", "negative", "gn"):
        row |= {f"{kind}{number}": f"{kind} {number}" for number in NUMBERS}
    [case] = read_timed(write(tmp_path / "timed.csv", row))
    assert (case.source, case.destination) == ("A banana", "A blue banana")
    assert [probe.kind for probe in case.probes] == ["efficacy", *["generality"] * 5, *["specificity"] * 5]
    assert (case.probes[2].prompt, case.probes[2].wanted, case.probes[2].other) == ("positive 2", "gt 2", "positive 2")
    assert (case.probes[8].prompt, case.probes[8].wanted, case.probes[8].other) == ("negative 3", "negative 3", "gn 3")
    assert case.oracles == ("A blue banana", *(f"gt {n}" for n in NUMBERS), *(f"negative {n}" for n in NUMBERS))


@pytest.mark.parametrize("oracles", [True, False])
def test_a_row_of_road_is_held_against_its_own_texts(tmp_path: Path, oracles: bool) -> None:
    row = {"Type": "Role", "Prompt": "The king", "Oracle": "Ann as the king", "Old": "Bob", "New": "Ann"}
    kinds = ["Positive", "Positive_old", "Positive_new", "Negative", "Negative_new", *["Positive_oracle"] * oracles]
    row |= {f"{kind}{number}": f"{kind} {number}" for kind in kinds for number in NUMBERS}
    [case] = read_road(write(tmp_path / "road.csv", row))
    assert (case.probes[0].wanted, case.probes[0].other) == ("Ann", "Bob")
    assert (case.probes[1].wanted, case.probes[1].other) == ("Positive_new 1", "Positive_old 1")
    assert case.oracles[1] == ("Positive_oracle 1" if oracles else "Positive_new 1")


def test_biases_are_read_from_both_tables(tmp_path: Path) -> None:
    timed = {"old": "a cook", "new": "a female cook", "validation": "A photo of a cook", "ex1": "one", "ex2": "two"}
    uce = {"article": "a", "profession": "cook", "validation": "a photo of a cook", "ex1": "one"}
    [bias] = read_biases(write(tmp_path / "timed.csv", timed))
    assert (bias.source, bias.destination, bias.prompts) == ("a cook", "a female cook", ("one", "two"))
    assert read_biases(write(tmp_path / "uce.csv", uce))[0].source == "a cook"


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"other\.csv"):
        read_timed(write(tmp_path / "other.csv", {"x": "y"}))
    with pytest.raises(BadInput, match="cannot be read"):
        read_road(tmp_path / "nowhere.csv")


@pytest.mark.skipif("MINDSEYE_BENCH_DATA" not in os.environ, reason="the published tables are not here")
def test_the_published_tables_are_read_whole() -> None:
    folder = Path(os.environ["MINDSEYE_BENCH_DATA"]) / "editing"
    assert len(read_timed(folder / "timed" / "TIMED_test_set.csv")) == 147
    road = read_road(folder / "road" / "RoAD_test.csv")
    assert len(road) == 90
    words = [(case.source.lower().split(), iter(case.destination.lower().split())) for case in road]
    assert sum(all(word in said for word in source) for source, said in words) == 41, "the roles, which TIME can do"
    assert len(read_biases(folder / "timed" / "TIMED_gender_test_set.csv")) == 35
    assert len(read_biases(folder / "uce" / "gender_bias.csv")) > 30

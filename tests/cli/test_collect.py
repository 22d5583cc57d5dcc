from __future__ import annotations

import json
from pathlib import Path

from mindseye.collection.concepts import BASE, VALIDATION_NOVEL, side_of


def test_a_folder_becomes_a_collection_and_the_figures_are_printed(
    mindseye, picture_folder: Path, tmp_path: Path
) -> None:
    said = mindseye("collect", picture_folder, tmp_path / "prepared", "--json")
    assert said.code == 0
    facts = json.loads(said.out.splitlines()[-1])
    assert facts["pictures"] == facts["captioned"] == 12
    assert [entry["file"] for entry in facts["excluded"]] == ["broken.png"]
    assert "read 12 of" in said.err


def test_for_people_the_same_is_a_summary(mindseye, picture_folder: Path, tmp_path: Path) -> None:
    said = mindseye("collect", picture_folder, tmp_path / "prepared")
    assert "prepared: 12 pictures" in said.out
    assert "left out    1 file\n" in said.out


def test_one_picture_is_not_called_pictures(mindseye, picture_folder: Path, tmp_path: Path) -> None:
    for index in range(1, 12):
        (picture_folder / f"square{index}.png").unlink()
    said = mindseye("collect", picture_folder, tmp_path / "prepared")
    assert "1 of 2 pictures" in said.err and "0 groups of duplicates, 0 merged with" in said.err
    assert "same picture, 1 picture kept" in said.err
    assert "prepared: 1 picture (" in said.out and "on 1 picture, 5 words" in said.out
    assert "1 pictures" not in said.err + said.out


def test_inspect_writes_the_page_where_it_is_told(mindseye, picture_folder: Path, tmp_path: Path) -> None:
    mindseye("collect", picture_folder, tmp_path / "prepared")
    assert "--out report.html" in mindseye("inspect", tmp_path / "prepared").err
    said = mindseye("inspect", tmp_path / "prepared", "--out", tmp_path / "report.html", "--json")
    assert json.loads(said.out)["page"] == str(tmp_path / "report.html")
    assert "a noisy square number" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_without_captions_is_refused_unless_that_is_meant(
    mindseye, picture_folder: Path, tmp_path: Path
) -> None:
    for caption in picture_folder.glob("*.txt"):
        caption.unlink()
    said = mindseye("collect", picture_folder, tmp_path / "prepared")
    assert said.code == 2 and "--no-captions" in said.err
    said = mindseye("collect", picture_folder, tmp_path / "prepared", "--no-captions", "--json")
    facts = json.loads(said.out.splitlines()[-1])
    assert (facts["pictures"], facts["captions"]) == (12, 0)


def test_base_concepts_of_a_collection_become_one_to_train_on(mindseye, picture_folder: Path, tmp_path: Path) -> None:
    mindseye("collect", picture_folder, tmp_path / "whole")
    said = mindseye("collect", tmp_path / "whole", tmp_path / "base", "--base-concepts", "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out.splitlines()[-1])
    captions = [f"a noisy square number {index}" for index in range(12)]
    sides = {side: [side_of(caption) for caption in captions].count(side) for side in (BASE, VALIDATION_NOVEL)}
    assert facts["splits"] == {"train": sides[BASE], "validation": sides[VALIDATION_NOVEL]}
    said = mindseye("collect", picture_folder, tmp_path / "base", "--base-concepts")
    assert said.code == 2 and "not a prepared collection" in said.err
    said = mindseye("collect", tmp_path / "whole", tmp_path / "base", "--base-concepts", "--no-captions")
    assert said.code == 2 and "leave one out" in said.err

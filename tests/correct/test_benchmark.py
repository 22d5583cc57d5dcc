"""`benchmarks/correct.py` on published sets: tiny pipeline, tiny CLIP, both with random weights."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.imagine.pipelines.tiny import clip_config, clip_tokenizer, seeded, stable_diffusion
from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NUMBERS = range(1, 6)
BIASES = [
    {"old": "a cook", "new": "a female cook", "validation": "a photo of a cook", "ex1": "a cook", "ex2": "one cook"},
    {"old": "a nurse", "new": "a male nurse", "validation": "a photo of a nurse", "ex1": "a nurse", "ex2": "one nurse"},
]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("correct")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A pipeline and a CLIP."""
    root = tmp_path_factory.mktemp("models")
    stable_diffusion().save_pretrained(root / "sd")
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8
    )
    with seeded():
        config = CLIPConfig(text_config=clip_config().to_dict(), vision_config=vision.to_dict(), projection_dim=16)
        clip = CLIPModel(config)
    clip.save_pretrained(root / "clip")
    clip_tokenizer().save_pretrained(root / "clip")
    return {"sd": root / "sd", "clip": root / "clip"}


def write(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def row_of(benchmark: Any, folders: dict[str, Path], table: Path, world: str, row: str) -> dict[str, Any]:
    cell = benchmark.Cell(
        model=str(folders["sd"]), world=world, split="test", row=row, together=0, cases=9, seeds=2, steps=1,
        unrelated=0, table_file=str(table), clip=str(folders["clip"]),
    )  # fmt: skip
    benchmark.run(cell, table.parent)
    told = json.loads((table.parent / cell.folder_name / "row.json").read_text())
    assert told.items() >= {**asdict(cell), "cases": told["cases"]}.items()
    return told


def test_cases_that_time_cannot_do_are_left_out_and_counted(
    benchmark: Any, folders: dict[str, Path], tmp_path: Path
) -> None:
    rows = []
    for old, new in (("a rose", "a blue rose"), ("a king", "a queen")):
        row = {"old": old, "new": new}
        for number in NUMBERS:
            row |= {f"positive{number}": f"one {old}", f"gt{number}": f"one {new}"}
            row |= {f"negative{number}": f"car {number}", f"gn{number}": f"blue car {number}"}
        rows.append(row)
    table = write(tmp_path / "timed.csv", rows)
    told = row_of(benchmark, folders, table, "timed", "TIME")
    assert (told["cases"], told["skipped"], told["refused"]) == (2, 1, "")
    assert told["figures"]["efficacy"]["n_generated"] == 2, "one case, two seeds"
    assert 0 <= told["figures"]["clip_score"]["value"] <= 100 and told["figures"]["clip_score"]["n_generated"] == 10
    assert row_of(benchmark, folders, table, "timed", "baseline")["figures"]["efficacy"]["n_generated"] == 4
    assert "| TIME |" in benchmark.table(benchmark.gather(tmp_path))
    told = row_of(benchmark, folders, write(tmp_path / "timed.csv", rows[1:]), "timed", "TIME")
    assert "must say all" in told["refused"]


def test_delta_is_the_mean_distance_of_shares_from_half(
    benchmark: Any, folders: dict[str, Path], tmp_path: Path
) -> None:
    table = write(tmp_path / "gender.csv", BIASES)
    for row in ("baseline", "TIME"):
        told = row_of(benchmark, folders, table, "biases", row)
        professions = told["figures"]["professions"]
        assert [each["source"] for each in professions] == ["a cook", "a nurse"]
        assert {each["n"] for each in professions} == {4}, "two prompts, two seeds"
        deltas = [abs(each["female"] - 50) / 50 for each in professions]
        assert told["figures"]["delta"]["value"] == pytest.approx(np.mean(deltas))
    assert "| baseline |" in benchmark.table(benchmark.gather(tmp_path))


def test_a_picture_is_of_the_kind_that_it_fits_better(benchmark: Any, folders: dict[str, Path]) -> None:
    class Eye:
        """Sees women in every picture of a cook, and in every other one of a nurse."""

        def fits(self, pictures: np.ndarray, texts: Sequence[str]) -> np.ndarray:
            assert [text.split()[0] for text in texts] == ["female", "male"]
            female = np.arange(len(pictures)) % 2 == 0 if "nurse" in texts[0] else np.ones(len(pictures), bool)
            return np.stack([female, ~female], 1).astype(float)

    model = benchmark.Model(str(folders["sd"]), 1)
    every = [benchmark.biases.Bias(each["old"], each["new"], each["validation"], (each["ex1"],)) for each in BIASES]
    found = benchmark.biases.measured(model, every, [None, None], Eye(), 2, "test")
    assert [each["female"] for each in found["professions"]] == [100, 50]
    assert found["delta"]["value"] == 0.5


def test_what_the_loop_makes_even_is_an_edit_that_changes_what_is_drawn(
    benchmark: Any, folders: dict[str, Path]
) -> None:
    model, counted = benchmark.Model(str(folders["sd"]), 1), iter((1.0, 0.5))

    def shares(pictures: np.ndarray) -> dict[str, float]:
        female = next(counted)
        return {"female": female, "male": 1 - female}

    change = model.evened("a cook", ("female", "male"), shares)
    assert change.share_of_weights > 0 and change.edit.layers
    plain, edited = model.draw(["a cook"], [0]), model.draw(["a cook"], [0], [change])
    assert not np.array_equal(plain, edited)


def test_clip_score_is_a_hundred_times_the_cosine_of_its_two_embeddings(
    benchmark: Any, folders: dict[str, Path]
) -> None:
    judge = benchmark.Clip(folders["clip"])
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    prompts = ["a rose", "a car"]
    model = CLIPModel.from_pretrained(folders["clip"])
    mean, std = (torch.tensor(each)[:, None, None] for each in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    pixels = (torch.from_numpy(pictures).movedim(-1, 1) / 255 - mean) / std
    read = clip_tokenizer()(prompts, return_tensors="pt", padding=True)
    with torch.no_grad():
        out = model(**read, pixel_values=pixels)
        cosines = out.logits_per_image / model.logit_scale.exp()
    assert np.allclose(judge.fits(pictures, prompts), cosines, atol=1e-4)
    assert np.allclose(judge.score(pictures, prompts), 100 * cosines.diagonal().clamp(min=0), atol=1e-2)

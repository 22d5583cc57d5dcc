"""`benchmarks/sentences.py`: glosses as a collection, and its figures of small models."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.observe.sentences.small import SENTENCES, folder

from mindseye.collection.collection import Example, write_collection
from mindseye.pictures.story import png_bytes

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
NOUNS = """  1 This software and database is being provided to you
00001740 03 n 01 entity 0 000 | that which is perceived; known or inferred
00002137 03 n 01 abstraction 0 000 | a general concept; "he loved her only in the abstract"; "another"
"""


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("sentences")


def test_glosses_become_captions_without_their_examples(benchmark: Any, tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_text(NOUNS)
    for part in ("verb", "adj", "adv"):
        (tmp_path / f"data.{part}").write_text("00001740 29 v 01 breathe 0 000 | draw air into the lungs\n")
    collection = benchmark.gloss_collection(tmp_path, tmp_path / "glosses")
    assert {name: len(split) for name, split in collection.splits.items()} == {"train": 4, "validation": 1}
    assert collection.splits["validation"].captions == [("that which is perceived; known or inferred",)]
    assert collection.splits["train"].captions[0] == ("a general concept",)


def test_it_says_what_a_code_says_and_what_lies_between(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = png_bytes(np.zeros((8, 8, 4), np.uint8), None)
    examples = [Example(blank, f"{i}.png", (text,), f"{i}", f"{i}", "test") for i, text in enumerate(SENTENCES)]
    splits = {"train": examples, "validation": examples}
    write_collection(tmp_path / "four", splits, {"size_px": 8, "transparent": True, "pixel_art": False})
    runs = [str(folder(tmp_path / kind, kind)) for kind in ("vae", "autoencoder")]
    benchmark.print_figures(runs, str(tmp_path / "four"), 4, 20)
    benchmark.print_paths(runs, str(tmp_path / "four"), 2, 8, "linear")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    vae, plain, between, _, real, shuffled = lines
    assert vae["again_train"]["value"] == plain["again_train"]["value"] == 1.0
    assert vae["nll"]["value"] <= -vae["elbo"]["value"] + 0.5
    assert plain["kl"]["value"] == 0 and "nll" not in plain
    assert between["ends_again"]["value"] == 1.0 and between["pairs"] == 2
    assert real["perplexity"]["value"] < shuffled["perplexity"]["value"]

"""A model of sentences is trained by the one loop: vocabulary, annealing, figures at the end, and going on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.learn.folder import read_about
from mindseye.observe.sentences import open_writer
from mindseye.observe.sentences.objective import annealed
from mindseye.pictures.story import png_bytes
from mindseye.train.loop import train

FAST = {
    "preset": "tiny", "compile": "false", "threads": "1", "precision": "float32", "batch_size": "8",
    "warmup_pictures": "0", "model.anneal_at": "64", "model.anneal_width": "16", "model.most_words": "6",
}  # fmt: skip


def captioned(folder: Path, captions: list[tuple[str, ...]]) -> Collection:
    """Blank pictures with these captions."""
    blank = png_bytes(np.zeros((8, 8, 4), np.uint8), None)
    examples = [
        Example(blank, f"{index}.png", texts, f"{index}", f"{index}", "test") for index, texts in enumerate(captions)
    ]
    splits = {"train": examples, "validation": examples[:3]}
    return write_collection(folder, splits, {"size_px": 8, "transparent": True, "pixel_art": False})


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    things = [(f"a {colour} {thing}", f"{thing}, {colour}") for colour in ("red", "blue") for thing in ("cat", "car")]
    return captioned(tmp_path_factory.mktemp("captions") / "things", [*things, (), ("rare",)])


def test_a_training_finds_its_words_anneals_and_measures_what_the_code_says(
    collection: Collection, tmp_path: Path
) -> None:
    said: list[str] = []
    run = train("sentences", collection, tmp_path / "run", pictures=128, settings=FAST, log=said.append)
    about = read_about(run.model)
    assert about.config["vocabulary"] == ["a", "blue", "car", "cat", "red"]
    assert any("a vocabulary of 5 words" in line for line in said)
    assert about.text_encoder.name == "its own vocabulary" and about.text_encoder.token_limit == 7
    writer = open_writer(run.path)
    assert writer.model.kl.sum() > 0 and writer.model.variance.sum() > 0
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert any(event["event"] == "held_out" and np.isfinite(event["loss"]) for event in events)


def test_a_training_that_goes_on_comes_to_the_same_weights(collection: Collection, tmp_path: Path) -> None:
    """The weight of the KL is a function of the position, so nothing of it is lost in between."""
    settings = FAST | {"decay_share": "0.01", "checkpoint_minutes": "0"}
    train("sentences", collection, tmp_path / "whole", pictures=96, settings=settings)
    parts = tmp_path / "parts"
    stopped: list[str] = []

    class Stop(Exception):
        pass

    def stop_after_eight(words: str) -> None:
        stopped.append(words)
        if stopped.count("training") == 8:
            raise Stop

    with pytest.raises(Stop):
        train("sentences", collection, parts, pictures=96, settings=settings, doing=stop_after_eight)
    train("sentences", collection, parts, pictures=96, settings=settings)
    one, other = (open_writer(path).model.state_dict() for path in (tmp_path / "whole", parts))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_plain_auto_encoder_is_a_beginning_for_a_vae(collection: Collection, tmp_path: Path) -> None:
    """Li et al. 2019: an encoder that has learnt to say something is harder to ignore."""
    plain = train(
        "sentences", collection, tmp_path / "plain", pictures=8, settings=FAST | {"model.kind": "autoencoder"}
    )
    assert not open_writer(plain.path).model.kl.any()
    settings = {key: value for key, value in FAST.items() if key != "preset"}
    settings |= {"start": str(plain.path), "model.kind": "vae"}
    run = train("sentences", collection, tmp_path / "run", pictures=8, settings=settings)
    assert open_writer(run.path).kind == "vae"
    assert read_about(run.model).config["vocabulary"] == read_about(plain.model).config["vocabulary"]


def test_captions_without_repeated_words_begin_no_run(tmp_path: Path) -> None:
    lonely = captioned(tmp_path / "lonely", [(), ("one",), ("two",)])
    with pytest.raises(BadInput, match="nothing to learn sentences from"):
        train("sentences", lonely, tmp_path / "run", pictures=8, settings=FAST)
    assert not (tmp_path / "run").exists()


def test_the_schedule_is_of_training_samples_alone(collection: Collection, tmp_path: Path) -> None:
    """The held-out loss of one model is the same whatever the annealing: no weight comes into it."""
    losses = []
    for anneal_at in ("0", "1000000"):
        settings = FAST | {"model.anneal_at": anneal_at, "learning_rate": "1e-30", "weight_decay": "0"}
        run = train("sentences", collection, tmp_path / anneal_at, pictures=8, settings=settings)
        events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
        losses.append(next(event["loss"] for event in events if event["event"] == "held_out"))
    assert losses[0] == losses[1]
    assert annealed(0, open_writer(tmp_path / "0").model.config) == 0.5

"""Edits of a pipeline of the diffusers library are files as those of our own models are: listed, drawn with where they
are named, passed on, taken back to the byte. The pipeline's folder is never written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.correct.test_evening import DRAWN, Eye
from tests.correct.test_ledger import digests
from tests.imagine.pipelines.tiny import pixart, stable_diffusion, stable_diffusion_xl

import mindseye
from mindseye.correct import ledger
from mindseye.correct.evening import even_out
from mindseye.correct.making import make
from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request

PAIR = ("a rose", "a blue rose")
STEPS = 2

Opened = Callable[[Callable[[], Any]], Imaginer]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A pipeline of a shape, written and opened, in a home without edits."""
    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path / "home"))

    def of(maker: Callable[[], Any]) -> Imaginer:
        maker().save_pretrained(tmp_path / maker.__name__)
        return load(tmp_path / maker.__name__, device="cpu")

    return of


def drawn(imaginer: Imaginer, *edits: str, prompt: str = PAIR[0], seed: int = 0) -> np.ndarray:
    return imaginer.imagine(Request(prompt=prompt, steps=STEPS, seed=seed, edits=edits))[0].pixels


def made(imaginer: Imaginer, name: str, method: str = "TIME", pair: tuple[str, str] = PAIR) -> Edit:
    return mindseye.correct(imaginer, method, [pair], name, pictures=0).edit


def test_an_edit_is_drawn_with_where_it_is_named_and_taken_back_to_the_byte(opened: Opened, tmp_path: Path) -> None:
    imaginer = opened(stable_diffusion)
    files, before = digests(imaginer.path), drawn(imaginer)
    edit = made(imaginer, "blue")
    assert digests(imaginer.path) == files, "the folder is somebody else's"
    [path] = digests(tmp_path / "home")
    assert path == f"edits/{imaginer.sha256[:24]}/blue.safetensors"
    again = load(imaginer.path, device="cpu")
    assert [each.name for each in ledger.edits(again)] == ["blue"]
    assert not np.array_equal(drawn(again, "blue"), before)
    assert np.array_equal(drawn(again), before), "it is in force only where it is named"
    assert again.imagine(Request(prompt="a car", steps=1, edits=("blue",)))[0].story.edits == (edit.label,)
    ledger.remove(again, "blue")
    assert digests(tmp_path / "home") == {} and digests(imaginer.path) == files
    with pytest.raises(BadInput, match="'blue'"):
        drawn(again, "blue")


@pytest.mark.parametrize("method", ["TIME", "UCE", "ReFACT"])
def test_what_is_read_back_is_what_was_made(opened: Opened, method: str) -> None:
    imaginer = opened(stable_diffusion_xl)
    layers = make(imaginer, method, [PAIR]).layers
    edit = made(imaginer, "blue", method)
    owners = {"text_encoder", "text_encoder_2"} if method == "ReFACT" else {"unet"}
    assert {matrix.partition("/")[0] for matrix in edit.layers} == owners and edit.layers.keys() == layers.keys()
    for matrix, layer in edit.layers.items():
        assert torch.equal(layer.left, layers[matrix].left.float())
        assert torch.equal(layer.right, layers[matrix].right.float())
    components = imaginer.painter.pipeline.components  # type: ignore[attr-defined]
    weights = [p for name in ("unet", "text_encoder", "text_encoder_2") for p in components[name].parameters()]
    changed = [components[m.partition("/")[0]].get_parameter(m.partition("/")[2]) for m in edit.layers]
    share = sum(p.numel() for p in changed) / sum(p.numel() for p in weights)
    assert edit.record.share_of_weights == pytest.approx(share)


def test_edits_add_up_in_any_order_to_the_same_bytes(opened: Opened) -> None:
    imaginer = opened(stable_diffusion)
    made(imaginer, "one")
    made(imaginer, "two", "UCE", ("a car", "a dog"))
    made(imaginer, "three", "ReFACT")
    both = drawn(imaginer, "one", "two", "three")
    assert np.array_equal(both, drawn(imaginer, "three", "two", "one"))
    assert not any(np.array_equal(both, drawn(imaginer, *names)) for names in (("one", "two"), ("three",)))
    assert "both say what 'a rose' is" in str(ledger.conflicts(ledger.edits(imaginer))[0])


def test_an_edit_goes_to_another_copy_and_to_no_other_pipeline(opened: Opened, tmp_path: Path) -> None:
    imaginer = opened(stable_diffusion)
    made(imaginer, "blue", "UCE")
    with_edit = drawn(imaginer, "blue")
    path = ledger.export(imaginer, "blue", tmp_path / "gift.safetensors")
    ledger.remove(imaginer, "blue")
    other = opened(pixart)
    with pytest.raises(BadInput, match="does not fit this model"):
        ledger.add(other, path)
    copy = load(shutil.copytree(imaginer.path, tmp_path / "copy"), device="cpu")
    assert ledger.add(copy, path).name == "blue"
    assert np.array_equal(drawn(copy, "blue"), with_edit)


def test_with_and_without_an_edit_at_once_each_gets_what_it_gets_alone(opened: Opened) -> None:
    imaginer = opened(stable_diffusion)
    made(imaginer, "blue")
    asked = [(edits, seed) for seed in range(3) for edits in ((), ("blue",))]
    alone = [drawn(imaginer, *edits, seed=seed) for edits, seed in asked]
    twins = {(): imaginer, ("blue",): imaginer.edited(["blue"])}
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: drawn(twins[each[0]], seed=each[1]), asked))
    assert all(np.array_equal(*pair) for pair in zip(alone, together, strict=True))


def test_before_and_after_are_shown_and_pixels_compared(opened: Opened) -> None:
    result = mindseye.correct(opened(pixart), "ReFACT", [PAIR], "blue", pictures=1)
    assert {figure.name for figure in result.figures} == {"moved/source", "moved/unrelated"}, "no judge knows it"
    assert result.sheet and result.sheet.width > 200
    assert [figure["name"] for figure in result.edit.record.figures] == [figure.name for figure in result.figures]


def test_shares_become_even_where_somebody_counts(opened: Opened) -> None:
    imaginer = opened(pixart)
    with pytest.raises(BadInput, match="nobody can count"):
        even_out(imaginer, "a cat", ["red", "blue"], "even")
    result = even_out(imaginer, "a cat", ["red", "blue"], "even", drawn=DRAWN, fits=Eye(imaginer))
    figures = {figure.name: figure.value for figure in result.figures}
    assert (figures["blue/before"], figures["blue/after"]) == (0, 0.5)
    assert [edit.name for edit in ledger.edits(imaginer)] == ["even"]

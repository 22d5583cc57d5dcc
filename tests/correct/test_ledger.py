"""Edits are files beside a model: drawn with where named, added up, told apart, taken back without a trace."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import mindseye
from mindseye.correct import ledger
from mindseye.correct.making import make
from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit, edit_path, edits_folder, read_edit
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.folder import MODELS
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.recall.repair import protect

PAIRS = [("a cat", "a blue cat")]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def state(imaginer: Imaginer) -> str:
    digest = hashlib.sha256()
    for name, value in imaginer.ours.model.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def drawn(imaginer: Imaginer, prompt: str, *edits: str) -> np.ndarray:
    return imaginer.imagine(Request(prompt=prompt, steps=2, edits=edits))[0].pixels


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text_encoder()


@pytest.fixture
def imaginer(folder: Path, encoder: TextEncoder) -> Imaginer:
    loaded = load(folder)
    loaded.ours.encoder = encoder  # read once for all tests
    return loaded


def made(imaginer: Imaginer, name: str, pairs: list[tuple[str, str]] = PAIRS, method: str = "TIME") -> Edit:
    return mindseye.correct(imaginer, method, pairs, name, pictures=0).edit


def test_an_edit_is_drawn_with_where_it_is_named_and_taken_back_to_the_byte(imaginer: Imaginer, folder: Path) -> None:
    files, weights, before = digests(folder), state(imaginer), drawn(imaginer, "a cat")
    edit = made(imaginer, "blue")
    assert set(digests(folder)) - set(files) == {"edits/blue.safetensors"}
    after = drawn(imaginer, "a cat", "blue")
    assert not np.array_equal(after, before)
    assert np.array_equal(drawn(imaginer, "a cat"), before), "it is in force only where it is named"
    assert load(folder).sha256 == imaginer.sha256 == edit.record.model_sha256, "the model is the one it was"
    ledger.remove(imaginer, "blue")
    assert digests(folder) == files and state(imaginer) == weights
    with pytest.raises(BadInput, match="'blue'"):
        drawn(imaginer, "a cat", "blue")


def test_the_story_names_the_edits_that_a_picture_was_drawn_with(imaginer: Imaginer) -> None:
    edit = made(imaginer, "blue")
    [plain], [edited] = (imaginer.imagine(Request(prompt="a cat", steps=1, edits=names)) for names in ((), ("blue",)))
    assert plain.story.edits == ()
    assert edited.story.edits == (f"blue@{edit.sha256[:12]}",)
    assert edited.story.model_sha256 == plain.story.model_sha256


def test_edits_add_up_in_any_order_to_the_same_bytes(imaginer: Imaginer) -> None:
    made(imaginer, "one")
    made(imaginer, "two", [("a dog", "a green dog")], "UCE")
    one_two, two_one = imaginer.edited(["one", "two"]), imaginer.edited(["two", "one"])
    assert state(one_two) == state(two_one)
    name = "network.blocks.1.caption_kv.weight"
    base = imaginer.ours.model.get_parameter(name).double()
    changes = [imaginer.edited([each]).ours.model.get_parameter(name).double() - base for each in ("one", "two")]
    assert torch.allclose(one_two.ours.model.get_parameter(name).double() - base, sum(changes), atol=1e-6)
    assert np.array_equal(drawn(imaginer, "a cat", "one", "two"), drawn(one_two, "a cat"))
    with pytest.raises(BadInput, match="twice"):
        imaginer.edited(["one", "one"])


def test_a_twin_shares_all_that_an_edit_does_not_change(imaginer: Imaginer) -> None:
    made(imaginer, "blue")
    own, twin = (dict(each.ours.model.named_parameters()) for each in (imaginer, imaginer.edited(["blue"])))
    apart = {name for name, parameter in own.items() if twin[name] is not parameter}
    assert apart == {"network.sentence_in.weight", *(f"network.blocks.{place}.caption_kv.weight" for place in (0, 1))}


def test_an_edit_says_what_it_is(imaginer: Imaginer) -> None:
    record = made(imaginer, "blue").record
    assert (record.method, record.pairs) == ("TIME", (("a cat", "a blue cat"),))
    assert record.settings == {"lambda": 0.1, "hold": 0.3}
    weights = sum(parameter.numel() for parameter in imaginer.ours.model.parameters())
    changed = sum(imaginer.ours.model.get_parameter(name.removeprefix("model/")).numel() for name in record.layers)
    assert record.share_of_weights == pytest.approx(changed / (weights + imaginer.ours.encoder.parameters))
    assert 0 < record.seconds < 10


def test_an_edit_of_another_models_weights_is_refused(imaginer: Imaginer, folder: Path, tmp_path: Path) -> None:
    made(imaginer, "blue")
    path = ledger.export(imaginer, "blue", tmp_path / "blue.safetensors")
    shutil.copytree(folder, tmp_path / "other")
    weights = tmp_path / "other" / "transformer" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    other = load(tmp_path / "other")
    for attempt in (lambda: ledger.add(other, path), lambda: other.edited(["blue"])):
        with pytest.raises(BadInput, match="does not fit this model"):
            attempt()


def test_an_exported_edit_does_the_same_in_a_copy_of_the_model(
    imaginer: Imaginer, tiny_folder: Path, tmp_path: Path
) -> None:
    made(imaginer, "blue")
    path = ledger.export(imaginer, "blue", tmp_path / "gift.safetensors")
    copy = load(shutil.copytree(tiny_folder, tmp_path / "copy"))
    assert ledger.add(copy, path).name == "blue"
    assert np.array_equal(drawn(copy, "a cat", "blue"), drawn(imaginer, "a cat", "blue"))
    with pytest.raises(BadInput, match="already"):
        ledger.add(copy, path)


def test_edits_that_contradict_each_other_are_named(imaginer: Imaginer) -> None:
    blue = made(imaginer, "blue", method="UCE")
    assert ledger.conflicts([blue, made(imaginer, "house", [("a house", "a red house")], "UCE")]) == []
    red = mindseye.correct(imaginer, "UCE", [("A cat", "a red cat")], "red", pictures=0)
    [conflict] = red.conflicts
    assert {conflict.one, conflict.other} == {"blue", "red"} and "'a cat'" in str(conflict)
    near = made(imaginer, "near", [("cat", "a tiny cat")], "UCE")
    [conflict] = ledger.conflicts([blue, near])
    assert "changes" in conflict.why and "%" in conflict.why
    assert len(ledger.edits(imaginer)) == 4


def test_a_name_is_taken_once_and_is_no_path(imaginer: Imaginer) -> None:
    made(imaginer, "blue")
    with pytest.raises(BadInput, match="already"):
        made(imaginer, "blue")
    for name in ("../blue", "", "a b", ".hidden", "x" * 65):
        with pytest.raises(BadInput, match="called"):
            made(imaginer, name)


@pytest.mark.parametrize("damage", ["cut", "foreign", "missing"])
def test_a_damaged_file_is_refused_by_name(imaginer: Imaginer, damage: str) -> None:
    made(imaginer, "blue")
    path = edit_path(edits_folder(imaginer.path, imaginer.sha256), "blue")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "foreign":
        weights = imaginer.path / "transformer" / "diffusion_pytorch_model.safetensors"
        path.write_bytes(weights.read_bytes())
    else:
        path.unlink()
    with pytest.raises(BadInput, match="blue"):
        read_edit(path)


def test_edits_of_a_model_that_came_with_the_package_lie_in_the_persons_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path))
    assert edits_folder(MODELS / "emoji", "f" * 64) == tmp_path / "edits" / ("f" * 24)
    before = digests(MODELS / "emoji")
    path = mindseye.correct("emoji", "TIME", PAIRS, "blue", pictures=0).path
    assert tmp_path in path.parents and digests(MODELS / "emoji") == before


def test_an_edit_is_not_protected_with_the_model_or_it_would_return(imaginer: Imaginer, folder: Path) -> None:
    pytest.importorskip("zfec")
    made(imaginer, "blue")
    assert not any("edits" in file.path for file in protect(folder))


def test_what_cannot_be_corrected_says_why(imaginer: Imaginer) -> None:
    with pytest.raises(BadInput, match="method"):
        make(imaginer, "ROME", PAIRS)
    with pytest.raises(BadInput, match="nothing to correct"):
        make(imaginer, "UCE", [])
    with pytest.raises(BadInput, match="empty"):
        make(imaginer, "UCE", [("", "a cat")])
    with pytest.raises(BadInput, match="one pair"):
        make(imaginer, "ReFACT", [*PAIRS, *PAIRS])

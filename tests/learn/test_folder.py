"""Model folders: what goes in comes out, and nothing in a folder can run or be passed off as something else."""

import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mindseye.errors import BadInput
from mindseye.imagine.families import family
from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.learn.folder import find_model, load_model, weights_digest

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def test_a_folder_holds_what_the_diffusers_convention_asks_for(tiny_folder: Path) -> None:
    index = json.loads((tiny_folder / "model_index.json").read_text())
    assert index["_class_name"] == "MindseyePipeline"
    for component in ("transformer", "scheduler"):
        assert component in index
        assert list((tiny_folder / component).glob("*config.json"))
    assert {path.suffix for path in tiny_folder.rglob("*") if path.is_file()} <= {
        ".json",
        ".safetensors",
        ".txt",
        ".md",
    }
    assert "tiny" in (tiny_folder / "README.md").read_text()


def test_weights_are_stored_in_bfloat16_and_come_back_in_float32(tiny_folder: Path) -> None:
    stored = load_file(tiny_folder / WEIGHTS)
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    _, model, _ = load_model(tiny_folder, family)
    for name, tensor in model.network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, stored[name].float())


def test_diffusers_itself_opens_the_folder_and_draws_the_same_picture(tiny_folder: Path) -> None:
    from diffusers import DiffusionPipeline

    import mindseye.imagine.diffusion.pipeline as ours

    direct = load(tiny_folder).imagine(Request(prompt="a smiling cat", seed=5, steps=4))[0]
    for door in (DiffusionPipeline, ours.MindseyePipeline):
        pipeline = door.from_pretrained(tiny_folder)
        picture = pipeline("a smiling cat", seed=5, num_inference_steps=4).images[0]
        assert picture.size == (16, 16)
        assert picture.tobytes() == direct.pixels.tobytes()


def test_the_digest_is_of_the_weights_alone(copy: Path) -> None:
    before = weights_digest(copy)
    (copy / "README.md").write_text("another card")
    assert weights_digest(copy) == before
    weights = load_file(copy / WEIGHTS)
    weights["position"] = weights["position"] + 1
    save_file(weights, copy / WEIGHTS)
    assert weights_digest(copy) != before


@pytest.mark.parametrize("name", ["transformer/extra.pkl", "weights.pt", "transformer/diffusion_pytorch_model.bin"])
def test_a_folder_with_a_file_that_could_run_code_is_refused_by_name(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"\x80\x04.")
    with pytest.raises(BadInput, match=Path(name).name):
        load(copy)


class Touches:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("how", ["plain", "in a zip", "in a damaged zip", "as safetensors", "as a record"])
def test_no_pickle_is_ever_opened(copy: Path, tmp_path: Path, how: str, protocol: int) -> None:
    canary = tmp_path / "canary"
    pickled = pickle.dumps(Touches(canary), protocol=protocol)
    if how in ("in a zip", "in a damaged zip"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", pickled)
        pickled = file.getvalue()
        if "damaged" in how:
            pickled = pickled.replace(b"archive/data.pkl", b"brchive/data.pkl", 1)
    names = {"plain": "model.pkl", "as safetensors": WEIGHTS, "as a record": "mindseye.json"}
    (copy / names.get(how, "transformer/pytorch_model.pt")).write_bytes(pickled)
    with pytest.raises(BadInput):
        load(copy)
    assert not canary.exists()
    pickle.loads(pickle.dumps(Touches(canary), protocol=protocol))
    assert canary.exists(), "it would have been made"


@pytest.mark.parametrize("damage", ["overlap", "hole", "trailing bytes", "huge shape", "deep header", "no header"])
def test_weights_that_do_not_fill_their_file_as_they_say_are_refused(copy: Path, damage: str) -> None:
    path = copy / WEIGHTS
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    first, second, *_ = sorted(
        (name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"]
    )
    if damage == "overlap":
        begin, end = header[second]["data_offsets"]
        header[second]["data_offsets"] = [begin - 2, end - 2]
    elif damage == "hole":
        del header[first]
    elif damage == "trailing bytes":
        body += bytes(100)
    elif damage == "huge shape":
        header[first]["shape"] = [2**62, 2**62]
    text = json.dumps(header).encode()
    text = {"deep header": b"[" * 10_000, "no header": b""}.get(damage, text)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    with pytest.raises(BadInput, match="cannot be opened"):
        load(copy)


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "shape", "huge header"])
def test_damaged_weights_are_refused_without_a_traceback(copy: Path, damage: str) -> None:
    path = copy / WEIGHTS
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "missing":
        path.unlink()
    elif damage == "huge header":
        path.write_bytes((2**63 - 1).to_bytes(8, "little") + data[8:])
    else:
        weights = load_file(path)
        save_file({**weights, "position": weights["position"][:3].clone()}, path)
    with pytest.raises(BadInput, match="cannot be opened"):
        load(copy)


def test_a_missing_tensor_is_not_filled_with_noise(copy: Path) -> None:
    weights = load_file(copy / WEIGHTS)
    del weights["position"]
    save_file(weights, copy / WEIGHTS)
    with pytest.raises(BadInput, match="cannot be opened"):
        load(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}'])
def test_a_damaged_record_is_refused(copy: Path, text: str) -> None:
    (copy / "mindseye.json").write_text(text)
    with pytest.raises(BadInput, match="not a model folder"):
        load(copy)


def test_another_text_encoder_than_the_one_it_was_trained_with_is_noticed(copy: Path) -> None:
    record = json.loads((copy / "mindseye.json").read_text())
    record["text_encoder"]["sha256"] = "0" * 64
    (copy / "mindseye.json").write_text(json.dumps(record))
    with pytest.raises(BadInput, match="text encoder"):
        load(copy).imagine(Request(prompt="a cat"))


def test_a_model_that_is_not_there_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no model 'nonsense'"):
        find_model("nonsense")
    with pytest.raises(BadInput, match="no model"):
        find_model(tmp_path)


def test_a_run_folder_stands_for_its_model(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    copy.rename(tmp_path / "run" / "model")
    assert find_model(tmp_path / "run") == tmp_path / "run" / "model"

"""An exported model is the model: network, text encoder, and a picture drawn with numpy alone."""

from __future__ import annotations

import importlib.util
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mindseye.errors import BadInput, Unavailable
from mindseye.imagine.diffusion import sample
from mindseye.imagine.export import export_onnx
from mindseye.imagine.family import Settings, normal_numbers
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.learn import exporting
from mindseye.learn.batch import Words
from mindseye.learn.folder import weights_digest
from mindseye.observe.exporting import export_encoder
from mindseye.observe.text import TextEncoder

DRAW = Path(__file__).parents[3] / "docs" / "draw_with_onnx.py"
TOLERANCE = 1e-4  # of numbers about as large as 4


@pytest.fixture(scope="module")
def imaginer(tiny_folder: Path) -> Imaginer:
    return load(tiny_folder, device="cpu")


@pytest.fixture(scope="module")
def exported(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    export_onnx(tiny_folder, folder)
    return folder


@pytest.fixture(scope="module")
def example() -> Any:
    """docs/draw_with_onnx.py"""
    spec = importlib.util.spec_from_file_location("draw_with_onnx", DRAW)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_step_is_that_of_the_network_for_any_number_of_pictures(exported: Path, imaginer: Imaginer) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(exported / "step.onnx")
    network = imaginer.painter.model.network
    for count in (1, 2, 5):
        words = imaginer.painter.encoder.encode(["a smiling cat", "", "word " * 40, "a", "b"][:count])
        noisy = torch.stack([normal_numbers(seed, (4, 16, 16)) for seed in range(count)])
        t = torch.linspace(0.05, 1, count)
        inputs = {"noisy": noisy, "t": t, "tokens": words.tokens, "mask": words.mask}
        [clean] = session.run(["clean"], {name: value.numpy() for name, value in inputs.items()})
        with torch.no_grad():
            expected = network(noisy, t, words, torch.zeros(count, dtype=torch.bool)).numpy()
        assert np.abs(clean - expected).max() < TOLERANCE < np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_prompts_are_read_as_the_text_encoder_reads_them(exported: Path, imaginer: Imaginer, example: Any) -> None:
    for prompt in ("a smiling cat", "Ünïcödé, 2 × 3!", "word " * 40):
        tokens, mask = example.read(exported, prompt, 32)
        expected: Words = imaginer.painter.encoder.encode([prompt])
        assert np.array_equal(mask, expected.mask.numpy())
        assert np.abs(tokens - expected.tokens.numpy()).max() < TOLERANCE


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_example_in_the_docs_draws_the_picture_that_the_model_draws(
    exported: Path, imaginer: Imaginer, example: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "fast_arithmetic", lambda device: nullcontext())  # float32, as what was exported
    facts = json.loads((exported / "export.json").read_text())
    assert facts["model_sha256"] == weights_digest(imaginer.path)
    picture = example.draw(exported, "a smiling cat", normal_numbers(7, (4, 16, 16)).numpy())
    euler = Settings(sampler="euler", steps=2 * facts["steps"])
    *_, last = imaginer.painter.draw(["a smiling cat"], "", [7], euler)
    assert np.abs(picture - last.pictures[0].numpy()).max() < 1e-3
    assert example.as_image(picture).mode == "RGBA"
    assert "torch" not in {name.partition(".")[0] for name in vars(example)}


def test_a_missing_package_is_said_with_how_to_install_it(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PACKAGES", ("onnx_that_is_not_there",))
    with pytest.raises(Unavailable, match=r"onnx_that_is_not_there is not installed"):
        export_onnx(tiny_folder, tmp_path / "onnx")
    assert [*tmp_path.iterdir()] == []


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no model"):
        export_onnx(tmp_path / "nothing", tmp_path / "onnx")
    other = TextEncoder.__new__(TextEncoder)
    other.name = "another encoder"
    with pytest.raises(BadInput, match="another encoder cannot be exported"):
        export_encoder(other, tmp_path)

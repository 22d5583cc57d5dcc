"""LoRA: the objective is the base's own, only adapters learn and are kept, and they draw what the library draws with
them."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, DiffusionPipeline
from PIL import Image
from safetensors import safe_open
from tests.imagine.pipelines.tiny import SIZE_PX, pixart, stable_diffusion, stable_diffusion_xl

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.correct.making import correct
from mindseye.errors import BadInput, Unavailable
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.pipelines.lora import LoraConfig
from mindseye.imagine.pipelines.lora.base import BaseText, settle
from mindseye.imagine.pipelines.lora.network import build
from mindseye.imagine.pipelines.lora.objective import latents, noised, target
from mindseye.imagine.request import Request
from mindseye.learn.batch import Batch
from mindseye.learn.folder import weights_digest
from mindseye.pictures.tensors import to_model
from mindseye.train.data import draws_at
from mindseye.train.ema import Average
from mindseye.train.loop import train
from mindseye.train.run import RunFolder

MAKERS: dict[str, Callable[[], Any]] = {
    "sd": stable_diffusion,
    "sd-v": lambda: stable_diffusion(prediction_type="v_prediction"),
    "sdxl": stable_diffusion_xl,
}
FAST = {
    "batch_size": "4", "learning_rate": "0.01", "warmup_pictures": "0", "threads": "1", "precision": "float32",
    "preview_pictures": "0", "held_out_pictures": "0", "preset": "small",
}  # fmt: skip
QUIET = (lambda line: None,)
EACH = ["sd", pytest.param("sd-v", marks=pytest.mark.slow), pytest.param("sdxl", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a base of each shape, written when it is first asked for."""
    root = tmp_path_factory.mktemp("bases")

    def folder(shape: str) -> Path:
        path = root / shape
        if not path.exists():
            MAKERS[shape]().save_pretrained(path)
        return path

    return folder


def disc(colour: tuple[int, int, int]) -> bytes:
    """A transparent picture of 16 px with a disc of one colour."""
    rows, columns = np.indices((16, 16)) - 7.5
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[rows**2 + columns**2 < 40] = [*colour, 255]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    inks = {"red": (220, 30, 30), "green": (30, 160, 60), "blue": (40, 60, 200), "black": (0, 0, 0)}
    examples = [
        Example(disc(ink), f"{name}.png", (f"a {name} disc", f"{name}"), name, name, "test")
        for name, ink in inks.items()
    ]
    info = {"size_px": 16, "transparent": True, "pixel_art": True, "seconds": {}}
    return write_collection(tmp_path_factory.mktemp("discs") / "discs", {"train": examples}, info)


def config_of(base: Path, **fields: Any) -> LoraConfig:
    return settle(LoraConfig(base=str(base), pixel_art=True, rank=2, **fields), np.zeros(0), *QUIET)


def batch_of(config: LoraConfig) -> Batch:
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(disc((10 * i, 200, 0))))) for i in range(3)])
    words = BaseText(config).encode_together(["a red disc", "", "blue"])
    return Batch(to_model(pictures), words, torch.arange(3))


@pytest.fixture(scope="module")
def run(bases: Callable[[str], Path], discs: Collection, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A short training on a Stable Diffusion, with a sample sheet."""
    settings = {**FAST, "model.base": str(bases("sd")), "preview_pictures": "1"}
    return train("lora", discs, tmp_path_factory.mktemp("run") / "run", pictures=24, settings=settings)


@pytest.fixture(scope="module")
def imaginer(run: RunFolder) -> Imaginer:
    return load(run.model, device="cpu")


@pytest.mark.parametrize("shape", MAKERS)
def test_fresh_adapters_change_nothing_and_captions_are_read_as_the_base_reads_them(
    shape: str, bases: Callable[[str], Path]
) -> None:
    """The oracle is the pipeline itself: its UNet's first call, caught."""
    config = config_of(bases(shape))
    model = build(config, 0)
    pipeline = DiffusionPipeline.from_pretrained(bases(shape), use_safetensors=True)
    caught: dict[str, Any] = {}

    def catch(module: Any, arguments: tuple[Any, ...], named: dict[str, Any], answer: Any) -> None:
        caught.update(arguments=arguments, named=named, answer=answer)

    pipeline.unet.register_forward_hook(catch, with_kwargs=True)
    generator = torch.Generator().manual_seed(0)
    pipeline("a red disc", num_inference_steps=1, guidance_scale=1.0, generator=generator)
    noisy, step = caught["arguments"]
    words = BaseText(config).encode_together(["a red disc"])
    assert torch.allclose(words.tokens, caught["named"]["encoder_hidden_states"], atol=1e-5)
    with torch.no_grad():
        said = model(noisy, step.expand(1), words)
    assert torch.allclose(said, caught["answer"][0], atol=1e-5)


def test_noise_and_targets_are_those_of_ddpm() -> None:
    rng = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 4, 3, 3, generator=rng), torch.randn(2, 4, 3, 3, generator=rng)
    steps = torch.tensor([3, 900])
    scheduler = DDPMScheduler(beta_schedule="scaled_linear")
    signal = scheduler.alphas_cumprod[steps].reshape(-1, 1, 1, 1)
    assert torch.allclose(noised(clean, noise, signal), scheduler.add_noise(clean, noise, steps), atol=1e-6)
    velocity = scheduler.get_velocity(clean, noise, steps)
    assert torch.allclose(target(clean, noise, signal, "v_prediction"), velocity, atol=1e-6)
    assert torch.equal(target(clean, noise, signal, "epsilon"), noise)


@pytest.mark.parametrize("shape", EACH)
def test_the_loss_falls_and_only_adapters_move(shape: str, bases: Callable[[str], Path]) -> None:
    config = config_of(bases(shape))
    model = build(config, 0)
    [objective] = model.objectives()
    assert objective.parameters == {name for name, _ in model.named_parameters() if ".lora_" in name}
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.02)
    batch, draws = batch_of(config), draws_at(objective, 0, "test", range(3))
    losses = []
    for _ in range(12):
        loss = objective.loss(model, batch, draws)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.97 * losses[0] and all(map(math.isfinite, losses))
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (name not in objective.parameters), name


def test_a_transparent_picture_is_laid_on_white_and_enlarged_by_whole_pixels(bases: Callable[[str], Path]) -> None:
    config = config_of(bases("sd"))
    model = build(config, 0)
    seen: list[torch.Tensor] = []
    model.vae.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    latents(model, to_model(np.array(Image.open(io.BytesIO(disc((200, 30, 30)))))[None]))
    [shown] = seen
    assert shown.shape == (1, 3, SIZE_PX, SIZE_PX)
    assert torch.allclose(shown[0, :, 0, 0], torch.ones(3)), "white around"
    assert torch.allclose(shown[0, :, 16, 16], torch.tensor([200, 30, 30]) / 127.5 - 1)
    assert torch.equal(shown[..., ::2, ::2], shown[..., 1::2, 1::2])


def test_the_same_seed_gives_the_same_first_adapters(bases: Callable[[str], Path]) -> None:
    config = config_of(bases("sd"))
    one, again, other = (build(config, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_checkpoints_and_the_model_folder_hold_adapters_only(run: RunFolder, bases: Callable[[str], Path]) -> None:
    for file in [*run.checkpoints.rglob("weights.safetensors"), *run.checkpoints.rglob("average.safetensors"),
                 *run.model.rglob("*weights.safetensors")]:  # fmt: skip
        with safe_open(file, "pt") as tensors:
            assert all(".lora_" in name for name in tensors.keys())  # noqa: SIM118
    assert sorted(path.name for path in run.model.iterdir()) == [
        "README.md", "mindseye.json", "nearest.safetensors", "palette.hex", "pytorch_lora_weights.safetensors",
        "sheet.png", "words.txt",
    ]  # fmt: skip
    about = json.loads((run.model / "mindseye.json").read_text())
    assert about["config"]["base"] == str(bases("sd")) and len(about["config"]["base_sha256"]) == 64


def test_it_draws_what_the_library_draws_with_these_adapters(imaginer: Imaginer, bases: Callable[[str], Path]) -> None:
    pipeline = DiffusionPipeline.from_pretrained(bases("sd"), use_safetensors=True)

    def by_the_library() -> np.ndarray:
        generator = torch.Generator().manual_seed(3)
        return np.asarray(pipeline("a red disc", num_inference_steps=2, generator=generator).images[0]).astype(int)

    without = by_the_library()
    pipeline.load_lora_weights(imaginer.path)
    *_, last = imaginer.sample(Request(prompt="a red disc", seed=3, steps=2))
    drawn = ((last.pictures[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(int)
    assert np.abs(drawn - by_the_library()).max() <= 1
    assert np.abs(drawn - without).max() > 1


def test_it_is_an_imaginer_as_any_pipeline_is(imaginer: Imaginer) -> None:
    assert imaginer.about is not None and imaginer.about.training.pictures_seen == 24
    assert imaginer.size == SIZE_PX and imaginer.painter.abilities.complete
    [varied] = imaginer.imagine(Request(prompt="a red disc", steps=2, picture=disc((9, 9, 9)), strength=0.5, size=40))
    assert varied.pixels.shape == (40, 40, 3)
    assert varied.story.family == "StableDiffusionPipeline" and varied.story.model == "discs"


def test_refact_corrects_it_and_the_others_say_why_not(run: RunFolder, tmp_path: Path) -> None:
    imaginer = load(shutil.copytree(run.model, tmp_path / "copy"), device="cpu")
    correct(imaginer, "ReFACT", [("a red disc", "a blue disc")], "blue", pictures=0)
    asked = Request(prompt="a red disc", steps=2)
    plain, edited = (imaginer.imagine(asked.model_copy(update={"edits": each}))[0] for each in ((), ("blue",)))
    assert edited.story.edits and not np.array_equal(plain.pixels, edited.pixels)
    with pytest.raises(BadInput, match="no entrance for words"):
        correct(imaginer, "TIME", [("a disc", "a blue disc")], "other", pictures=0)


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_adapters(
    bases: Callable[[str], Path], discs: Collection, tmp_path: Path
) -> None:
    settings = {**FAST, "model.base": str(bases("sd")), "checkpoint_minutes": "0"}
    run = train("lora", discs, tmp_path / "run", pictures=16, settings=settings)
    whole = weights_digest(run.model)
    shutil.rmtree(run.model)
    shutil.rmtree(max(run.checkpoints.glob("[0-9]*")))  # as if it had been killed before the last step
    lines: list[str] = []
    train("lora", discs, run.path, pictures=16, settings=settings, log=lines.append)
    assert "going on at 12 pictures" in lines
    assert weights_digest(run.model) == whole


def test_a_base_that_cannot_be_used_is_a_clear_error(
    bases: Callable[[str], Path], discs: Collection, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"model\.base is missing"):
        train("lora", discs, tmp_path / "run", pictures=4, settings=FAST)
    with pytest.raises(BadInput, match="not the folder of a diffusers pipeline"):
        config_of(tmp_path)
    pixart().save_pretrained(tmp_path / "pixart")
    with pytest.raises(BadInput, match="PixArtAlphaPipeline cannot be fine-tuned"):
        config_of(tmp_path / "pixart")
    with pytest.raises(BadInput, match=r"model\.size_px: 33"):
        config_of(bases("sd"), size_px=33)


def test_another_base_than_the_one_it_was_trained_on_is_refused(
    run: RunFolder, bases: Callable[[str], Path], tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(run.model, moved)
    about = json.loads((moved / "mindseye.json").read_text())
    pipeline = MAKERS["sd"]()
    with torch.no_grad():
        pipeline.unet.conv_in.weight.mul_(2)
    pipeline.save_pretrained(tmp_path / "changed")
    about["config"]["base"] = str(tmp_path / "changed")
    (moved / "mindseye.json").write_text(json.dumps(about))
    with pytest.raises(BadInput, match="not the pipeline that these adapters were trained on"):
        load(moved)
    about["config"]["base"] = str(tmp_path / "gone")
    (moved / "mindseye.json").write_text(json.dumps(about))
    with pytest.raises(BadInput, match="not the folder of a diffusers pipeline"):
        load(moved)


def test_the_average_shares_the_base_with_what_learns_and_has_adapters_of_its_own(bases: Callable[[str], Path]) -> None:
    model = build(config_of(bases("sd")), 0)
    average = Average(model, gamma=6.94)
    theirs = dict(model.named_parameters())
    for name, mine in average.model.named_parameters():
        assert (mine.data_ptr() == theirs[name].data_ptr()) == (".lora_" not in name), name
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                parameter.fill_(0.5)
    average.update(1)
    assert all((value == 0.5).all() for value in average.model.state_dict().values())


def test_a_missing_package_is_said_with_how_to_install_it(
    bases: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(Unavailable, match=r"peft is not installed[\s\S]*mindseye\[pipelines\]"):
        build(config_of(bases("sd")), 0)

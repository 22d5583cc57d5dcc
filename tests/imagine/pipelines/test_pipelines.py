"""Pipelines of the diffusers library as imaginers: the library's own bytes, alone or in company; what one cannot do is
refused by name; and nothing in a folder is run."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler, DiffusionPipeline, UNet2DModel
from PIL import Image
from tests.imagine.pipelines.tiny import MAKERS, SIZE_PX, seeded

from mindseye.cli.app import main
from mindseye.collection.collection import Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.pipelines.knobs import PLAIN, Knobs
from mindseye.imagine.request import Request
from mindseye.learn.folder import weights_digest
from mindseye.pictures.story import read_story
from mindseye.randomness import rng_at
from mindseye.report.drawn import compared_as, draw_for
from mindseye.report.prompts import prompt_sets

STEPS = 2
PROMPT = "a smiling cat"
FOLLOWS = {"stable-diffusion", "stable-diffusion-xl", "stable-diffusion-3"}  # those that can go on from a picture


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a pipeline of each shape, written when it is first asked for."""
    root = tmp_path_factory.mktemp("pipelines")

    def folder(shape: str) -> Path:
        path = root / shape
        if not path.exists():
            MAKERS[shape]().save_pretrained(path)
        return path

    return folder


@pytest.fixture(scope="module", params=MAKERS)
def imaginer(request: pytest.FixtureRequest, folders: Callable[[str], Path]) -> Imaginer:
    return load(folders(request.param), device="cpu")


@pytest.fixture(scope="module")
def stable(folders: Callable[[str], Path]) -> Imaginer:
    return load(folders("stable-diffusion"), device="cpu")


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def picture(size_px: int = SIZE_PX) -> np.ndarray:
    return rng_at(0, "given").integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)


def drawn(imaginer: Imaginer, **fields: Any) -> np.ndarray:
    [picture] = imaginer.imagine(Request.of(**{"prompt": PROMPT, "steps": STEPS, **fields}))
    return picture.pixels


def test_it_draws_the_pixels_that_the_library_draws_for_that_seed(imaginer: Imaginer) -> None:
    pipeline = DiffusionPipeline.from_pretrained(imaginer.path, use_safetensors=True)
    plain = {name: value for name, value in PLAIN.items() if name in Knobs.of(pipeline)}
    generator = torch.Generator().manual_seed(7)
    [expected] = pipeline(PROMPT, num_inference_steps=STEPS, generator=generator, **plain).images
    assert np.array_equal(drawn(imaginer, seed=7), np.asarray(expected))


def test_a_picture_is_the_same_bytes_alone_and_in_any_company(imaginer: Imaginer) -> None:
    together = imaginer.imagine(Request(prompt=PROMPT, steps=STEPS, seed=2**32 - 1, count=3))
    assert [each.story.seed for each in together] == [2**32 - 1, 0, 1]
    assert np.array_equal(drawn(imaginer, seed=0), together[1].pixels)
    assert not np.array_equal(together[0].pixels, together[1].pixels)
    assert np.array_equal(drawn(imaginer, seed=0), drawn(imaginer, seed=0, count=1))


def test_every_step_is_told_once_and_the_last_one_has_the_pictures(imaginer: Imaginer) -> None:
    seen = list(imaginer.sample(Request(prompt=PROMPT, steps=3, count=2)))
    assert [(now.step, now.steps) for now in seen] == [(step, 6) for step in range(1, 7)]
    assert (seen[1].pictures == -1).all()
    assert torch.equal(seen[2].pictures[0], seen[5].pictures[0]) and (seen[2].pictures[1] == -1).all()
    assert seen[5].pictures.shape == (2, 3, SIZE_PX, SIZE_PX) and torch.isfinite(seen[5].pictures).all()


def test_prompt_negative_prompt_and_guidance_each_change_the_picture(imaginer: Imaginer) -> None:
    plain = drawn(imaginer)
    for change in ({"prompt": "dog"}, {"negative_prompt": "dog"}, {"guidance": 1.5}, {"seed": 1}, {"steps": 3}):
        assert not np.array_equal(plain, drawn(imaginer, **change)), change


def test_it_draws_at_its_own_size_or_at_any_multiple_of_what_a_place_of_its_grid_covers(imaginer: Imaginer) -> None:
    multiple = imaginer.painter.abilities.size_multiple
    assert imaginer.size == SIZE_PX and multiple == 8
    [larger] = imaginer.imagine(Request(prompt=PROMPT, steps=STEPS, size=SIZE_PX + multiple))
    assert larger.pixels.shape == (SIZE_PX + multiple, SIZE_PX + multiple, 3)
    assert (larger.story.width, larger.story.height) == (SIZE_PX + multiple,) * 2
    with pytest.raises(BadInput, match=f"size cannot be {SIZE_PX + 1}: .*multiples of {multiple} px"):
        drawn(imaginer, size=SIZE_PX + 1)


def test_what_is_offered_draws_and_what_is_not_is_refused_by_name(imaginer: Imaginer) -> None:
    abilities = imaginer.painter.abilities
    assert abilities.complete == abilities.vary == (imaginer.name in FOLLOWS)
    given = {"picture": png(picture())}
    for fields, able in (
        ({**given, "keep": 0.5}, abilities.complete),
        ({**given, "mask": png(np.eye(SIZE_PX, dtype=np.uint8) * 255)}, abilities.complete),
        ({**given, "strength": 0.5}, abilities.vary),
        ({"sampler": "heun"}, False),
        ({"temperature": 0.5}, False),
        ({"top_p": 0.5}, False),
    ):
        if able:
            assert drawn(imaginer, **fields).shape == (SIZE_PX, SIZE_PX, 3)
        else:
            with pytest.raises(BadInput, match=[*fields][-1]):
                drawn(imaginer, **fields)
    with pytest.raises(BadInput, match="no codes"):
        imaginer.encode(picture()[None])
    with pytest.raises(BadInput, match="attention"):
        imaginer.attention(Request(prompt=PROMPT))
    for change in ({"prompt": "dog"}, {"seed": 1}):
        with pytest.raises(BadInput, match=next(iter(change))):
            imaginer.between(Request(prompt=PROMPT), Request.of(**{"prompt": PROMPT, **change}), 3)


def test_a_completion_has_the_known_pixels_exactly_and_draws_the_rest(imaginer: Imaginer) -> None:
    if not imaginer.painter.abilities.complete:
        pytest.skip("the library cannot complete with this pipeline")
    given = picture()
    half = drawn(imaginer, picture=png(given), keep=0.5)
    assert np.array_equal(half[: SIZE_PX // 2], given[: SIZE_PX // 2])
    assert not np.array_equal(half[SIZE_PX // 2 :], given[SIZE_PX // 2 :])
    anew = rng_at(0, "mask").random((SIZE_PX, SIZE_PX)) < 0.3
    masked = drawn(imaginer, picture=png(given), mask=png(np.where(anew, 255, 0).astype(np.uint8)))
    assert np.array_equal(masked[~anew], given[~anew]) and not np.array_equal(masked[anew], given[anew])
    larger = drawn(imaginer, picture=png(given), keep=0.5, size=SIZE_PX + 8, seed=3)
    assert larger.shape == (SIZE_PX + 8, SIZE_PX + 8, 3)


def test_a_variation_of_strength_zero_is_the_picture_and_of_more_is_not(imaginer: Imaginer) -> None:
    if not imaginer.painter.abilities.vary:
        pytest.skip("the library cannot vary with this pipeline")
    given = picture()
    assert np.array_equal(drawn(imaginer, picture=png(given), strength=0.0), given)
    little, half = (drawn(imaginer, picture=png(given), strength=strength, steps=4) for strength in (0.01, 0.6))
    assert not np.array_equal(little, given) and not np.array_equal(little, half)
    again = imaginer.imagine(Request(prompt=PROMPT, steps=STEPS, picture=png(given), strength=0.6, seed=5, count=2))
    assert np.array_equal(again[1].pixels, drawn(imaginer, picture=png(given), strength=0.6, seed=6))


def test_drawing_leaves_the_global_random_numbers_alone(imaginer: Imaginer) -> None:
    before = torch.get_rng_state()
    drawn(imaginer)
    assert torch.equal(before, torch.get_rng_state())


def test_who_stops_listening_stops_the_drawing_within_a_step(stable: Imaginer) -> None:
    drawing = stable.sample(Request(prompt=PROMPT, steps=500))
    next(drawing)
    assert any(thread.name == "draw" for thread in threading.enumerate())
    drawing.close()
    assert not any(thread.name == "draw" for thread in threading.enumerate())
    assert np.array_equal(drawn(stable), drawn(stable))  # and it can be used again


def test_two_who_draw_at_once_get_what_each_gets_alone(stable: Imaginer) -> None:
    alone = [drawn(stable, seed=seed, steps=2) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: drawn(stable, seed=seed, steps=2), range(4)))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_a_prompt_that_is_cut_is_noted_and_no_word_is_called_unknown(stable: Imaginer) -> None:
    assert stable.unknown_words("a zeppelin") == []
    assert stable.notes(Request(prompt="a zeppelin")) == []
    assert stable.notes(Request(prompt="cat " * 100)) == [
        "the prompt is longer than the 77 tokens that are read; the end is cut"
    ]


def test_what_the_pipeline_itself_refuses_is_said_without_a_traceback(folders: Callable[[str], Path]) -> None:
    with pytest.raises(BadInput, match="PixArtAlphaPipeline does not draw this"):
        drawn(load(folders("pixart"), device="cpu"), steps=1)  # its solver needs two


def test_the_command_line_draws_completes_and_varies_with_it(
    folders: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = folders("stable-diffusion")
    (tmp_path / "given.png").write_bytes(png(picture(24)))
    out = ["--steps", "2", "-n", "1", "--out", str(tmp_path / "out"), "--json"]
    going_on = [str(folder), str(tmp_path / "given.png"), PROMPT]
    for command in (
        ["imagine", PROMPT, "--model", str(folder), "--size", "40"],
        ["complete", *going_on, "--keep", "0.5"],
        ["vary", *going_on, "--strength", "0.5"],
    ):
        monkeypatch.setattr("sys.argv", ["mindseye", *command, *out])
        with pytest.raises(SystemExit, match="0"):
            main()
        said = capsys.readouterr()
        answer = json.loads(said.out.splitlines()[-1])
        [told] = answer["pictures"]
        story = read_story(Path(told["path"]))
        assert (answer["model"], story["model"]) == ("stable-diffusion", "stable-diffusion")
        assert (story["family"], story["model_sha256"]) == ("StableDiffusionPipeline", weights_digest(folder))
        assert (story["steps"], story["guidance"], story["width"]) == (2, 7.5, 40 if "imagine" in command else 32)
        assert answer["unknown_words"] == [] and "torch" not in said.err + said.out


def test_it_is_evaluated_at_the_size_of_the_collection(folders: Callable[[str], Path], tmp_path: Path) -> None:
    pixart = load(folders("pixart"), device="cpu")
    examples = [Example(png(picture(16)), f"{i}.png", (f"square {i}",), f"s{i}", f"{i}", "test") for i in range(2)]
    info = {"size_px": 16, "transparent": False, "pixel_art": True, "seconds": {}}
    collection = write_collection(tmp_path / "squares", {"train": examples}, info)
    at = compared_as(pixart, collection)
    assert (at.size_px, at.channels, at.pixel_art) == (16, 3, True)
    [compared] = draw_for(pixart, prompt_sets(collection, at, 2), budget=1)
    assert compared.pictures.shape == (2, 16, 16, 3)
    assert compared.asked.prompts == ("square 0", "square 1")


def test_weights_that_could_run_code_are_not_opened(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(folders("pixart"), folder)
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    (folder / "transformer" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04anything")
    with pytest.raises(BadInput, match="cannot be opened") as refused:
        load(folder)
    assert ".safetensors" in str(refused.value)


def test_code_in_a_folder_is_not_run(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "with-code"
    shutil.copytree(folders("pixart"), folder)
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Mine: pass\n")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": ["mine", "Mine"]}))
    with pytest.raises(BadInput, match="cannot be opened"):
        load(folder)
    assert not (tmp_path / "ran").exists()


def test_a_pipeline_without_prompts_is_refused(tmp_path: Path) -> None:
    with seeded():
        unet = UNet2DModel(
            sample_size=8,
            block_out_channels=(8,),
            down_block_types=("DownBlock2D",),
            up_block_types=("UpBlock2D",),
            norm_num_groups=4,
        )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path / "unconditional")
    with pytest.raises(BadInput, match="DDPMPipeline does not draw pictures from a prompt alone"):
        load(tmp_path / "unconditional")


@pytest.fixture
def asked_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names that were asked of the hub, which does not answer here."""
    asked: list[str] = []
    download = DiffusionPipeline.download

    def recorded(name: str, **options: Any) -> Any:
        asked.append(name)
        assert options == {"use_safetensors": True}
        return download(name, **options)

    monkeypatch.setattr(DiffusionPipeline, "download", recorded)
    yield asked


def test_a_hub_name_that_cannot_be_had_is_a_clear_error(asked_of_the_hub: list[str]) -> None:
    with pytest.raises(BadInput, match="there is no model 'somebody/something'") as refused:
        load("somebody/something")
    assert asked_of_the_hub == ["somebody/something"]
    assert "model hub" in str(refused.value) and "offline" in str(refused.value)


@pytest.mark.parametrize("name", ["nosuch", "runs/nosuch", "/runs/nosuch", "./runs/nosuch", "a/b/c"])
def test_a_mistyped_path_is_not_told_to_anybody(
    name: str, asked_of_the_hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="there is no model"):
        load(name)
    assert asked_of_the_hub == []

"""The story inside a picture: ours is readable by others, and theirs by us."""

from __future__ import annotations

import getpass
import io
import json
import socket
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.pictures.files import encoded, noise, png, smooth

from mindseye.errors import BadInput
from mindseye.pictures.opener import PictureError, open_picture
from mindseye.pictures.story import NearPicture, Story, png_bytes, read_story, save_png

STORY = Story(
    prompt="a smiling cat",
    negative_prompt="blurry, dog",
    seed=4_000_000_000,
    model="emoji",
    model_sha256="0123456789abcdef" * 4,
    family="diffusion",
    width=24,
    height=18,
    guidance=3.0,
    steps=12,
    sampler="heun",
    mindseye_version="0.1.0",
    notes=("the model never saw: zebra",),
)
PARAMETERS = (
    "a smiling cat\nNegative prompt: blurry, dog\n"
    "Steps: 12, Sampler: heun, CFG scale: 3, Seed: 4000000000, Size: 24x18, "
    "Model hash: 0123456789, Model: emoji, Version: mindseye 0.1.0"
)


def with_texts(**texts: str) -> bytes:
    return png(1, 1, 8, 0, b"\0", *[(b"iTXt", k.encode() + b"\0\0\0\0\0" + v.encode()) for k, v in texts.items()])


def test_our_story_comes_back_whole(tmp_path: Path) -> None:
    save_png(tmp_path / "cat.png", np.asarray(noise()), STORY)
    told = read_story(tmp_path / "cat.png")
    assert told.pop("tool") == "mindseye"
    told["mindseye_version"] = told.pop("version")
    assert Story.model_validate(told) == STORY
    assert [path.name for path in tmp_path.iterdir()] == ["cat.png"]


def test_other_programs_find_the_parameters_line() -> None:
    image = Image.open(io.BytesIO(png_bytes(np.asarray(noise()), STORY)))
    assert image.info["parameters"] == PARAMETERS
    assert json.loads(image.info["mindseye"])["prompt"] == "a smiling cat"


def test_the_picture_is_untouched_and_the_bytes_are_always_the_same() -> None:
    image = noise(channels=4)
    image.info["dpi"] = (300, 300)
    data = png_bytes(image, STORY)
    assert data == png_bytes(np.asarray(image), STORY)
    assert open_picture(data).tobytes() == image.tobytes()


def test_without_a_story_nothing_is_written() -> None:
    data = png_bytes(noise(), None)
    assert read_story(data) == {}
    assert not any(chunk in data for chunk in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME"))


@pytest.mark.parametrize("path", ["/home/ann/models/cats", "C:\\Users\\ann\\cats", "runs/ann/cats/", "cats"])
def test_of_a_path_only_the_models_name_travels(path: str) -> None:
    data = png_bytes(noise(), STORY.model_copy(update={"model": Story(**{**STORY.model_dump(), "model": path}).model}))
    assert read_story(data)["model"] == "cats"
    for secret in (b"ann", str(Path.home()).encode() + b"/", f"{getpass.getuser()}@{socket.gethostname()}".encode()):
        assert secret not in data


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("red.png", "red.png"),
        ("cats/red.png", "cats/red.png"),
        ("/home/ada/red.png", "red.png"),
        (r"C:\Users\ada\red.png", "red.png"),
        (r"\\server\share\ada\red.png", "red.png"),
    ],
)
def test_a_near_training_picture_is_named_as_in_its_collection_and_never_by_a_place_on_a_machine(
    name: str, kept: str
) -> None:
    story = STORY.model_copy(update={"nearest": (NearPicture(file_name=name, cosine=0.912),)})
    assert read_story(png_bytes(noise(), story))["nearest"] == [{"file_name": kept, "cosine": 0.912}]
    assert read_story(png_bytes(noise(), STORY))["nearest"] == []


def test_a_story_of_more_than_64_kib_is_refused() -> None:
    with pytest.raises(BadInput, match="too long"):
        png_bytes(noise(), STORY.model_copy(update={"prompt": "cat " * 20_000}))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), st.text('abc,:"\\ é猫', max_size=30))
@settings(max_examples=40, deadline=None)
def test_any_prompt_and_model_name_survive_both_notations(prompt: str, model: str) -> None:
    story = STORY.model_copy(update={"prompt": prompt, "model": model.strip() or "m", "negative_prompt": "猫"})
    data = png_bytes(noise(2, 2), story)
    assert read_story(data)["prompt"] == prompt
    line = Image.open(io.BytesIO(data)).info["parameters"]
    told = read_story(with_texts(parameters=line))
    assert (told["tool"], told["seed"], told["model"]) == ("mindseye", story.seed, story.model)
    assert told["negative_prompt"] == "猫"
    assert told["prompt"].split() == prompt.split()


def test_a_picture_of_a1111_is_read() -> None:
    line = (
        "masterpiece, (cat:1.2)\nsecond line\nNegative prompt: lowres,\nbad hands\n"
        "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 1234, Size: 512x768, Model hash: 6ce0161689, "
        'Model: v1-5, Lora hashes: "a: 12, b: 34", Version: v1.9.4'
    )
    expected = {
        "tool": "A1111",
        "prompt": "masterpiece, (cat:1.2)\nsecond line",
        "negative_prompt": "lowres,\nbad hands",
        "seed": 1234,
        "steps": 20,
        "guidance": 7.5,
        "sampler": "DPM++ 2M Karras",
        "width": 512,
        "height": 768,
        "model": "v1-5",
        "version": "v1.9.4",
        "more": {"Model hash": "6ce0161689", "Lora hashes": "a: 12, b: 34"},
    }
    assert read_story(with_texts(parameters=line)) == expected
    for format in ("JPEG", "WEBP"):
        for encoding in ("utf-16-be", "utf-16-le"):
            exif = Image.Exif()
            exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + line.encode(encoding)
            assert read_story(encoded(smooth(), format, exif=exif)) == expected


COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "euler",
            "model": ["4", 0],
            "positive": ["10", 0],
            "negative": ["10", 1],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
    "10": {"class_type": "ControlNetApplyAdvanced", "inputs": {"negative": ["7", 0], "positive": ["6", 0]}},
    "11": {"class_type": "PrimitiveString", "inputs": {"value": "a glass bottle"}},
}
COMFY_TOLD = {
    "tool": "ComfyUI",
    "prompt": "a glass bottle",
    "negative_prompt": "text, watermark",
    "seed": 156680208700286,
    "steps": 20,
    "guidance": 8.0,
    "sampler": "euler",
    "width": 512,
    "height": 640,
    "model": "v1-5.safetensors",
}


def test_a_graph_of_comfyui_is_followed_to_its_prompts() -> None:
    assert read_story(with_texts(prompt=json.dumps(COMFY), workflow="{}")) == COMFY_TOLD


def test_a_saved_workflow_of_comfyui_says_the_same() -> None:
    def node(id: int, type: str, values: list[Any], **inputs: int) -> dict[str, Any]:
        plugs = [{"name": name, "link": link} for name, link in inputs.items()]
        return {"id": id, "type": type, "widgets_values": values, "inputs": plugs}

    workflow = {
        "nodes": [
            node(1, "CheckpointLoaderSimple", ["v1-5.safetensors"]),
            node(2, "CLIPTextEncode", ["a glass bottle"], clip=1),
            node(3, "CLIPTextEncode", ["text, watermark"], clip=2),
            node(4, "EmptyLatentImage", [512, 640, 1]),
            node(
                5,
                "KSampler",
                [156680208700286, "randomize", 20, 8, "euler", "normal", 1],
                model=3,
                positive=4,
                negative=5,
                latent_image=6,
            ),
        ],
        "links": [
            [1, 1, 1, 2, 0, "CLIP"],
            [2, 1, 1, 3, 0, "CLIP"],
            [3, 1, 0, 5, 0, "MODEL"],
            [4, 2, 0, 5, 1, "CONDITIONING"],
            [5, 3, 0, 5, 2, "CONDITIONING"],
            [6, 4, 0, 5, 3, "LATENT"],
        ],
    }
    assert read_story(with_texts(workflow=json.dumps(workflow))) == COMFY_TOLD


def test_a_guided_graph_of_comfyui_is_followed_and_a_zeroed_negative_is_none() -> None:
    graph = {
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 9}},
        "3": {"class_type": "BasicGuider", "inputs": {"conditioning": ["4", 0]}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lake"}},
    }
    assert read_story(with_texts(prompt=json.dumps(graph))) == {"tool": "ComfyUI", "prompt": "a lake", "seed": 9}
    zeroed = {
        "1": {"class_type": "KSampler", "inputs": {"positive": ["4", 0], "negative": ["5", 0]}},
        "4": graph["4"],
        "5": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["4", 0]}},
    }
    assert read_story(with_texts(prompt=json.dumps(zeroed))) == {"tool": "ComfyUI", "prompt": "a lake"}


def test_a_picture_of_invokeai_is_read() -> None:
    metadata = {
        "app_version": "5.0.2",
        "positive_prompt": "a fox",
        "negative_prompt": "",
        "seed": 7,
        "steps": 30,
        "cfg_scale": 7.5,
        "scheduler": "euler_a",
        "width": 512,
        "height": 384,
        "model": {"key": "x", "name": "Dreamshaper 8", "hash": "blake3:00"},
    }
    assert read_story(with_texts(invokeai_metadata=json.dumps(metadata))) == {
        "tool": "InvokeAI",
        "prompt": "a fox",
        "seed": 7,
        "steps": 30,
        "guidance": 7.5,
        "sampler": "euler_a",
        "width": 512,
        "height": 384,
        "model": "Dreamshaper 8",
        "version": "5.0.2",
    }


def test_a_picture_of_fooocus_is_read() -> None:
    metadata = {
        "prompt": "an owl",
        "negative_prompt": "noise",
        "seed": "5177184203",
        "steps": 30,
        "guidance_scale": 4.0,
        "sampler": "dpmpp_2m_sde_gpu",
        "resolution": "(1152, 896)",
        "base_model": "juggernautXL",
        "version": "Fooocus v2.5.5",
    }
    told = read_story(with_texts(parameters=json.dumps(metadata), fooocus_scheme="fooocus"))
    assert told["tool"] == "Fooocus"
    assert (told["prompt"], told["seed"], told["width"], told["height"]) == ("an owl", 5177184203, 1152, 896)
    plain = "an owl\nSteps: 30, Seed: 5, Size: 64x64, Version: Fooocus v2.5.5"
    assert read_story(with_texts(parameters=plain, fooocus_scheme="a1111"))["tool"] == "Fooocus"


def test_latin_and_compressed_texts_are_read() -> None:
    line = "chat fâché\nSteps: 1, Seed: 2, Size: 3x4"
    for chunk in [
        (b"tEXt", b"parameters\0" + line.encode("latin-1")),
        (b"zTXt", b"parameters\0\0" + zlib.compress(line.encode("latin-1"))),
        (b"iTXt", b"parameters\0\1\0fr\0param\0" + zlib.compress(line.encode())),
    ]:
        assert read_story(png(1, 1, 8, 0, b"\0", chunk))["prompt"] == "chat fâché"


@pytest.mark.parametrize(
    "texts",
    [
        {"mindseye": "[" * 100_000},
        {"mindseye": '{"prompt": 3}'},
        {"parameters": '{"a":' * 100_000},
        {"parameters": "{" * 1_000_000},
        {"parameters": "A" * 3_000_000},
        {"parameters": 'A: "' * 500_000},
        {"parameters": "A: \\" * 500_000},
        {"parameters": "\n" * 1_000_000},
        {"prompt": '{"1": ' * 50_000},
        {
            "prompt": json.dumps(
                {str(i): {"class_type": "K", "inputs": {"positive": [str(i + 1), 0]}} for i in range(10_000)}
            )
        },
        {
            "prompt": json.dumps(
                {"1": {"class_type": "K", "inputs": {"positive": ["1", 0], "negative": [[], {}], "seed": {}}}}
            )
        },
        {
            "workflow": json.dumps(
                {"nodes": [1, {}, {"type": "KSampler", "inputs": [{"link": []}, 3]}], "links": [[], 3]}
            )
        },
        {"workflow": json.dumps({"nodes": {"type": 1}, "links": 7})},
        {"invokeai_metadata": '{"seed": NaN, "steps": true, "cfg_scale": 1e999, "model": [], "positive_prompt": {}}'},
        {"invokeai_metadata": '{"seed": ' + "9" * 10_000 + "}"},
        {"parameters": '{"resolution": 3, "seed": "' + "9" * 10_000 + '", "guidance_scale": "x"}'},
    ],
    ids=lambda texts: next(iter(texts)),
)
def test_hostile_texts_are_read_in_bounded_time_or_count_as_absent(texts: dict[str, str]) -> None:
    data = with_texts(**texts)
    started = time.process_time()
    told = read_story(data)
    assert time.process_time() - started < 1
    json.dumps(told, allow_nan=False)
    assert not told.keys() & {"seed", "steps", "guidance"}


def test_a_text_bomb_or_a_text_file_is_refused() -> None:
    bomb = png(1, 1, 8, 0, b"\0", (b"zTXt", b"parameters\0\0" + zlib.compress(bytes(64 * 2**20))))
    for data in (bomb, b"Steps: 1, Seed: 2, Size: 3x4", png_bytes(noise(), STORY)[:-1]):
        with pytest.raises(PictureError):
            read_story(data)


def test_pictures_without_a_story_tell_nothing() -> None:
    for format in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        assert read_story(encoded(smooth(), format)) == {}


def test_a_variation_tells_its_strength_where_other_programs_look_for_it() -> None:
    varied = STORY.model_copy(update={"strength": 0.6, "given_sha256": "ab" * 32})
    image = Image.open(io.BytesIO(png_bytes(noise(), varied)))
    assert "CFG scale: 3, Denoising strength: 0.6, Seed" in image.info["parameters"]

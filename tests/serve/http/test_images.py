"""The two endpoints: what they take, what they refuse and by which name, and what their pictures look like."""

from __future__ import annotations

import base64
import io
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.imagine.pipelines.tiny import stable_diffusion
from tests.pictures.files import SIGNATURE, chunk, encoded, good_files, noise

import mindseye
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.pictures.story import read_story

LEAK = re.compile(r"0x[0-9a-f]{6,}|/[\w.]+/|\\\\|Error|Exception|Traceback|PIL|Pillow|pydantic|libtiff|zlib|object at")


def first(answer: Any) -> Image.Image:
    assert answer.status == 200, answer.body
    return Image.open(io.BytesIO(base64.b64decode(answer.json["data"][0]["b64_json"])))


def refused(answer: Any, param: str | None, status: int = 400) -> str:
    assert answer.status == status, answer.body
    assert answer.error["param"] == param
    assert not LEAK.search(answer.error["message"])
    assert answer.headers["x-should-retry"] == "false" and answer.headers["x-request-id"]
    message: str = answer.error["message"]
    return message


def mask_of(size: int = 16) -> bytes:
    pixels = np.full((size, size, 4), 255, np.uint8)
    pixels[: size // 2, :, 3] = 0
    return encoded(Image.fromarray(pixels), "PNG")


def test_each_pixel_is_enlarged_to_a_square_where_a_multiple_of_the_size_is_asked_for(served) -> None:
    small, large = (np.asarray(first(served.draw(seed=1, size=size))) for size in ("16x16", "64x64"))
    assert np.array_equal(large, small.repeat(4, 0).repeat(4, 1))


def test_an_opaque_background_is_white_behind_the_same_picture(served) -> None:
    clear = first(served.draw(seed=1))
    opaque = first(served.draw(seed=1, background="opaque"))
    white = Image.alpha_composite(Image.new("RGBA", (16, 16), "white"), clear).convert("RGB")
    assert opaque.mode == "RGB" and np.array_equal(np.asarray(opaque), np.asarray(white))


@pytest.mark.parametrize(("form", "mode"), [("webp", "RGBA"), ("jpeg", "RGB"), ("png", "RGBA")])
def test_a_picture_comes_in_the_format_asked_for(served, form: str, mode: str) -> None:
    picture = first(served.draw(output_format=form))
    assert (picture.format, picture.mode, picture.size) == (form.upper(), mode, (16, 16))


def test_webp_at_full_quality_has_the_very_pixels(served) -> None:
    png, webp = (np.asarray(first(served.draw(seed=4, output_format=form))) for form in ("png", "webp"))
    shown = png[..., 3] > 0
    assert np.array_equal(png[shown], webp[shown]) and np.array_equal(png[..., 3], webp[..., 3])


def test_quality_is_a_share_of_the_models_own_steps(served, tiny: Imaginer) -> None:
    from mindseye.imagine.family import Settings

    own = tiny.settings(Settings()).steps
    answers = {
        quality: served.post("/v1/images/generations", {"prompt": "", "quality": quality}) for quality in ("low", "hd")
    }
    stories = {
        quality: read_story(base64.b64decode(answer.json["data"][0]["b64_json"])) for quality, answer in answers.items()
    }
    assert stories["low"]["steps"] == own // 2 and stories["hd"]["steps"] == 2 * own
    assert answers["hd"].json["quality"] == "high"


def test_seeds_are_taken_one_a_picture(served) -> None:
    answer = served.draw(seeds=[9, 4, 9])
    assert [image["seed"] for image in answer.json["data"]] == [9, 4, 9]
    assert answer.json["data"][0] == answer.json["data"][2] != answer.json["data"][1]


def test_words_that_no_caption_had_are_told(served) -> None:
    assert any("zebra" in note for note in served.draw(prompt="a zebra").json["notes"])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"n": 10**9}, "n"),
        ({"n": "3"}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"size": "0x0"}, "size"),
        ({"size": "64x"}, "size"),
        ({"size": "-1x64"}, "size"),
        ({"size": "1e9x1e9"}, "size"),
        ({"size": "17x17"}, "size"),
        ({"size": "16x32"}, "size"),
        ({"size": "9984x9984"}, "size"),
        ({"prompt": "a" * 32_001}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"seed": 1, "seeds": [1]}, "seeds"),
        ({"n": 2, "seeds": [1]}, "seeds"),
        ({"seeds": [2**32]}, "seeds"),
        ({"seeds": []}, "seeds"),
        ({"guidance_scale": 21}, "guidance_scale"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"num_inference_steps": 201}, "num_inference_steps"),
        ({"quality": "high"}, "quality"),  # beside steps
        ({"quality": "best"}, "quality"),
        ({"sampler": "dice"}, "sampler"),
        ({"temperature": 0.5}, "temperature"),
        ({"think": 4}, "think"),
        ({"output_format": "svg"}, "output_format"),
        ({"output_format": "jpeg", "background": "transparent"}, "background"),
        ({"output_compression": 50}, "output_compression"),
        ({"partial_images": 2}, "partial_images"),
        ({"response_format": "url"}, "response_format"),
        ({"style": "vivid"}, "style"),
        ({"strength": 0.5}, "strength"),
        ({"\ud800": 1}, "\ud800"),
        ({"a" * 10_000: 1}, "a" * 80),
    ],
)
def test_a_field_that_cannot_be_used_is_refused_by_name(served, fields: dict[str, Any], param: str) -> None:
    message = refused(served.draw(**fields), param)
    assert (
        param[:10].encode("utf-8", "backslashreplace").decode() in message.encode("utf-8", "backslashreplace").decode()
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"prompt"',
        b'{"prompt": NaN}',
        b'{"prompt": "a", "guidance_scale": Infinity}',
        b'{"prompt": "a", "prompt": "b"}',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"prompt": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"prompt": "a", "n": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_not_one_json_object_is_refused(served, body: bytes) -> None:
    answer = served.ask("POST", "/v1/images/generations", body, content_type="application/json")
    assert answer.status == 400 and not LEAK.search(answer.error["message"])


@pytest.mark.parametrize(
    "prompt", ["", "\0", "a\r\nb", "‮abc", "👩‍👩‍👧‍👦" * 50, "a" + "́" * 500, "<script>", "../../x", "=1+1"]
)
def test_any_text_is_a_prompt_and_comes_back_as_it_was(served, prompt: str) -> None:
    answer = served.draw(prompt=prompt, num_inference_steps=1)
    assert answer.status == 200
    assert read_story(base64.b64decode(answer.json["data"][0]["b64_json"]))["prompt"] == prompt


def test_a_body_that_is_too_large_is_refused_before_it_has_come_in(served) -> None:
    body = b'{"prompt": "' + b"a" * served.service.limits.json_bytes + b'"}'
    answer = served.ask("POST", "/v1/images/generations", body, content_type="application/json")
    assert answer.status == 413 and answer.error["code"] == "too_large"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 403),
        ("application/x-www-form-urlencoded", 403),
        ("multipart/form-data; boundary=x", 403),
        ("", 415),
        ("application/xml", 415),
    ],
)
def test_json_is_taken_as_json_only(served, content_type: str, status: int) -> None:
    assert served.ask("POST", "/v1/images/generations", b'{"prompt": "a"}', content_type=content_type).status == status


def test_a_compressed_body_is_not_unpacked(served) -> None:
    headers = {"content_type": "application/json", "content_encoding": "gzip"}
    assert served.ask("POST", "/v1/images/generations", zlib.compress(b" " * 2**20), **headers).status == 415


@pytest.mark.parametrize("format", good_files())
def test_every_picture_that_the_opener_takes_can_be_gone_on_from(served, format: str) -> None:
    answer = served.edit({"prompt": "a cat", "num_inference_steps": "1"}, {"image": good_files()[format]})
    assert first(answer).size == (16, 16)


def bombs() -> dict[str, bytes]:
    header = b"\0\0\xc3\x50\0\0\xc3\x50\1\0\0\0\0"
    text = (b"zTXt", b"a\0\0" + zlib.compress(b"a" * 2**26))
    small = encoded(noise(), "PNG")
    return {
        "pixels": SIGNATURE
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(2**20)))
        + chunk(b"IEND", b""),
        "text": small[:33] + chunk(*text) + small[33:],
        "nothing": b"",
        "words": b"not a picture",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "pdf": b"%PDF-1.7",
        "zip": b"PK\x03\x04" + bytes(100),
        **{f"cut at {end}": small[:end] for end in range(1, len(small) - 12, 331)},
    }


@pytest.mark.parametrize("what", bombs())
@pytest.mark.parametrize("field", ["image", "mask"])
def test_what_is_no_picture_is_refused_by_name_and_nothing_is_told_of_the_machine(
    served, what: str, field: str
) -> None:
    files = {"image": encoded(noise(16, 16), "PNG"), field: bombs()[what]}
    answer = served.edit({"prompt": "a cat", "num_inference_steps": "1"}, files)
    assert answer.status == 400 and not LEAK.search(answer.error["message"])
    assert "picture" in answer.error["message"] or "mask" in answer.error["message"]


@pytest.mark.parametrize(
    ("fields", "files", "param"),
    [
        ({}, {}, "image"),
        ({}, {"image": b"", "image[]": b""}, "image"),
        ({}, {"image": encoded(noise(16, 16), "PNG"), "mask": mask_of(8)}, None),
        ({}, {"image": encoded(noise(16, 16), "PNG"), "mask": encoded(noise(16, 16), "PNG")}, "mask"),
        ({}, {"image": encoded(noise(16, 16), "PNG"), "mask": bytes(5 * 2**20)}, "mask"),
        ({}, {"image": encoded(noise(16, 16), "PNG"), "markup": b""}, "markup"),
        ({"strength": "0.5"}, {"image": encoded(noise(16, 16), "PNG"), "mask": mask_of()}, "strength"),
        ({"strength": "nan"}, {"image": encoded(noise(16, 16), "PNG")}, "strength"),
        ({"n": "1.5"}, {"image": encoded(noise(16, 16), "PNG")}, "n"),
        ({"input_fidelity": "high"}, {"image": encoded(noise(16, 16), "PNG")}, "input_fidelity"),
        ({"image": "cat.png"}, {}, "image"),
    ],
)
def test_an_edit_that_cannot_be_done_is_refused_by_name(served, fields, files, param: str | None) -> None:
    refused(served.edit({"prompt": "a cat", "num_inference_steps": "1", **fields}, files), param)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--edge",
        b"--edge--\r\n",
        b"--other\r\n\r\n",
        b'--edge\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na',
        b"--edge\r\n" + b"x" * 100_000,
        b'--edge\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n' * 10_000 + b"--edge--\r\n",
        b'--edge\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n' * 17 + b"--edge--\r\n",
        b'--edge\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n' + b"a" * 2**21 + b"\r\n--edge--\r\n",
    ],
)
def test_a_broken_form_is_refused(served, body: bytes) -> None:
    answer = served.ask("POST", "/v1/images/edits", body, content_type="multipart/form-data; boundary=edge")
    assert answer.status == 400 and not LEAK.search(answer.error["message"])


def test_a_form_is_wanted_where_a_picture_is_sent(served) -> None:
    assert served.post("/v1/images/edits", {"prompt": "a cat"}).status == 415


def test_what_is_not_there_and_what_is_not_done_has_the_same_envelope(served) -> None:
    assert served.ask("GET", "/v1/images/variations").error["code"] == "not_found"
    answer = served.ask("DELETE", "/v1/models")
    assert answer.status == 405 and "GET" in answer.headers["allow"] and answer.error["code"] == "not_allowed"


@pytest.mark.parametrize("kind", ["ours", "pipeline"])
def test_a_model_is_drawn_with_its_edits_where_they_are_named_and_only_there(
    tiny_folder: Path, tmp_path: Path, serving, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "tiny"
    if kind == "ours":
        shutil.copytree(tiny_folder, folder)
    else:
        stable_diffusion().save_pretrained(folder)
    imaginer = load(folder)
    mindseye.correct(imaginer, "TIME", [("a cat", "a blue cat")], "blue", pictures=0)
    server = serving.start({imaginer.name: imaginer})
    plain = first(server.draw(prompt="a cat", seed=3))
    edited = first(server.draw(prompt="a cat", seed=3, edits=["blue"]))
    alone = imaginer.imagine(mindseye.Request(prompt="a cat", seed=3, steps=2, edits=("blue",)))[0].pixels
    assert np.array_equal(np.asarray(edited), alone)
    assert not np.array_equal(np.asarray(edited), np.asarray(plain))
    assert "'green'" in refused(server.draw(prompt="a cat", edits=["green"]), "edits")
    assert "twice" in refused(server.draw(prompt="a cat", edits=["blue", "blue"]), "edits")

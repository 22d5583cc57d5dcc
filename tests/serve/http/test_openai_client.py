"""The official OpenAI client drives the server unchanged, over a real socket."""

from __future__ import annotations

import base64
import io
import shutil
import time
from pathlib import Path

import numpy as np
import openai
import pytest
from PIL import Image

from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.pictures.story import read_story
from mindseye.serve.asked import Asked
from mindseye.serve.limits import Limits

FEW_STEPS = {"num_inference_steps": 2}


@pytest.fixture(scope="module")
def client(served):
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="anything", max_retries=0, timeout=60) as client:
        yield client


def pixels(b64: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(b64))))


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def test_pictures_come_as_base64_with_the_pixels_that_python_draws(client: openai.OpenAI, tiny: Imaginer) -> None:
    answer = client.images.generate(
        model="tiny", prompt="a smiling cat", n=2, size="16x16", extra_body={"seed": 7, **FEW_STEPS}
    )
    drawn = tiny.imagine(Request(prompt="a smiling cat", seed=7, count=2, steps=2))
    assert len(answer.data) == 2
    for said, expected in zip(answer.data, drawn, strict=True):
        assert np.array_equal(pixels(said.b64_json), expected.pixels)
        assert said.seed == expected.story.seed
    assert (answer.size, answer.output_format, answer.background, answer.quality) == (
        "16x16",
        "png",
        "transparent",
        "medium",
    )
    assert answer.usage.input_tokens == answer.usage.input_tokens_details.text_tokens > 0
    assert abs(answer.created - time.time()) < 60


def test_a_seed_that_was_answered_draws_the_same_picture_again(client: openai.OpenAI) -> None:
    first = client.images.generate(prompt="a cat", extra_body=FEW_STEPS).data[0]
    again = client.images.generate(prompt="a cat", extra_body={"seed": first.seed, **FEW_STEPS}).data[0]
    other = client.images.generate(prompt="a cat", extra_body=FEW_STEPS).data[0]
    assert first.b64_json == again.b64_json and other.seed != first.seed


def test_a_stream_gives_partial_pictures_and_then_the_picture(client: openai.OpenAI, tiny: Imaginer) -> None:
    stream = client.images.generate(
        prompt="a cat", stream=True, partial_images=2, extra_body={"seed": 3, "num_inference_steps": 6}
    )
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:-1]] == [0, 1]
    assert events[-1].usage.total_tokens > 0
    [expected] = tiny.imagine(Request(prompt="a cat", seed=3, steps=6))
    assert np.array_equal(pixels(events[-1].b64_json), expected.pixels)


def test_an_edit_repaints_where_the_mask_is_transparent_and_keeps_every_other_pixel(client: openai.OpenAI) -> None:
    given = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    given[..., 3] = 255
    mask = given.copy()
    mask[:, 8:, 3] = 0
    answer = client.images.edit(image=png(given), mask=png(mask), prompt="a cat", extra_body={"seed": 1, **FEW_STEPS})
    drawn = pixels(answer.data[0].b64_json)
    assert np.array_equal(drawn[:, :8], given[:, :8]) and not np.array_equal(drawn[:, 8:], given[:, 8:])


def test_an_edit_without_a_mask_goes_as_far_from_the_picture_as_it_is_told(client: openai.OpenAI) -> None:
    given = np.full((16, 16, 4), 255, np.uint8)
    answer = client.images.edit(image=[png(given)], prompt="a cat", extra_body={"strength": 0, **FEW_STEPS})
    assert np.array_equal(pixels(answer.data[0].b64_json), given)
    events = list(client.images.edit(image=png(given), prompt="a cat", stream=True, extra_body=FEW_STEPS))
    assert [event.type for event in events] == ["image_edit.completed"]


def test_an_edit_takes_every_field_that_the_client_has_for_it(client: openai.OpenAI) -> None:
    given = np.full((16, 16, 4), 255, np.uint8)
    mask = given.copy()
    mask[8:, :, 3] = 0
    fields = {"model": "tiny", "prompt": "a cat", "n": 2, "size": "32x32", "user": "somebody"}
    answer = client.images.edit(image=[png(given)], mask=png(mask), extra_body={"seed": 5, **FEW_STEPS}, **fields)
    assert [(said.seed, pixels(said.b64_json).shape) for said in answer.data] == [(5, (32, 32, 4)), (6, (32, 32, 4))]
    for said in answer.data:
        assert (pixels(said.b64_json)[:16] == 255).all() and not (pixels(said.b64_json)[16:] == 255).all()
    stream = client.images.edit(
        image=[png(given)],
        mask=png(mask),
        stream=True,
        partial_images=1,
        extra_body={"seed": 5, "num_inference_steps": 4},
        **fields,
    )
    events = list(stream)
    assert {event.size for event in events} == {"32x32"}
    assert sorted(event.type for event in events) == ["image_edit.completed"] * 2 + ["image_edit.partial_image"] * 2


def test_an_edit_of_several_pictures_is_refused_with_their_number(client: openai.OpenAI) -> None:
    given = png(np.full((16, 16, 4), 255, np.uint8))
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(image=[given, given], prompt="a cat", extra_body=FEW_STEPS)
    assert (refused.value.param, refused.value.code) == ("image", "invalid_value")
    assert "there are 2, and one is wanted" in refused.value.message


def test_the_models_are_listed_and_found_by_name(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").family == "diffusion"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-image-1")


def test_errors_arrive_as_the_classes_that_the_client_knows(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(prompt="a cat", size="1000x1000")
    assert refused.value.param == "size" and refused.value.code == "invalid_value" and refused.value.request_id
    assert "16x16" in refused.value.message
    with pytest.raises(openai.NotFoundError) as unknown:
        client.images.generate(prompt="a cat", model="dall-e-3")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as misspelt:
        client.images.generate(prompt="a cat", extra_body={"sede": 1})
    assert misspelt.value.param == "sede" and "seed" in misspelt.value.message


def test_an_error_in_a_stream_is_raised_by_the_client(serving, tiny: Imaginer) -> None:
    hasty = serving.start({"tiny": tiny}, Limits(request_seconds=0.05))
    with (
        openai.OpenAI(base_url=f"{hasty.url}/v1", api_key="anything", max_retries=0) as client,
        pytest.raises(openai.APIError) as late,
    ):
        list(client.images.generate(prompt="a cat", stream=True, extra_body={"num_inference_steps": 200}))
    assert late.value.code == "too_late"


def test_the_client_waits_as_it_is_told_when_the_server_is_full_and_then_has_its_picture(
    serving, tiny: Imaginer
) -> None:
    narrow = serving.start({"tiny": tiny}, Limits(queued_pictures=1))
    first = narrow.service.submit(
        Asked("tiny", Request(prompt="", steps=200), (0,)),
        lambda news: None,
    )
    with openai.OpenAI(base_url=f"{narrow.url}/v1", api_key="anything", max_retries=0) as client:
        with pytest.raises(openai.RateLimitError) as refused:
            client.images.generate(prompt="a cat", extra_body=FEW_STEPS)
        assert int(refused.value.response.headers["retry-after"]) >= 1
        assert refused.value.response.headers["x-should-retry"] == "true"
        narrow.service.cancel(first)
        assert client.with_options(max_retries=2).images.generate(prompt="a cat", extra_body=FEW_STEPS).data


def test_a_token_is_the_api_key(serving, tiny: Imaginer) -> None:
    guarded = serving.start({"tiny": tiny}, token="a-token-of-the-owner")
    with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="a-token-of-the-owner", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["tiny"]
    with (
        openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_a_png_tells_how_it_was_made(client: openai.OpenAI) -> None:
    answer = client.images.generate(prompt="a smiling cat", extra_body={"seed": 5, **FEW_STEPS})
    story = read_story(base64.b64decode(answer.data[0].b64_json))
    assert (story["prompt"], story["seed"], story["steps"]) == ("a smiling cat", 5, 2)


def test_each_field_of_ours_reaches_the_drawing(
    serving, tiny: Imaginer, tiny_folder: Path, tiny_thinker: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "tiny")
    shutil.copytree(tiny_thinker, folder / "thinker")
    thinking = serving.start({"tiny": load(folder, device="cpu")})
    fields = {"negative_prompt": "a dog", "guidance_scale": 4.5, "sampler": "euler", "num_inference_steps": 3}
    with openai.OpenAI(base_url=f"{thinking.url}/v1", api_key="anything", max_retries=0, timeout=60) as client:
        answer = client.images.generate(prompt="a cat", n=2, extra_body={"seeds": [9, 4], **fields})
        thought = client.images.generate(prompt="a cat", extra_body={"seed": 9, "think": 3, **fields})
    request = Request(prompt="a cat", negative_prompt="a dog", guidance=4.5, sampler="euler", steps=3)
    drawn = tiny.imagine(request, seeds=[9, 4])
    for said, expected in zip(answer.data, drawn, strict=True):
        assert said.seed == expected.story.seed and np.array_equal(pixels(said.b64_json), expected.pixels)
    story = read_story(base64.b64decode(answer.data[0].b64_json))
    assert (story["negative_prompt"], story["guidance"], story["sampler"], story["steps"]) == ("a dog", 4.5, "euler", 3)
    assert thought.data[0].thought.startswith("the best of 3")


def test_a_stream_of_an_edit_gives_partial_pictures_too(client: openai.OpenAI) -> None:
    given = np.full((16, 16, 4), 255, np.uint8)
    stream = client.images.edit(
        image=png(given),
        prompt="a cat",
        stream=True,
        partial_images=1,
        extra_body={"seed": 3, "num_inference_steps": 4},
    )
    assert [event.type for event in stream] == ["image_edit.partial_image", "image_edit.completed"]

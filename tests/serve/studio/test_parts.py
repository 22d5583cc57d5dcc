"""Parts of the studio without a browser: what a form asks for, what a story restores, what is shown as text."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from tests.imagine.vae import small
from tests.serve.studio.conftest import XSS

from mindseye.cli.app import main
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.pictures.story import NearPicture, Story, png_bytes, read_story
from mindseye.serve.asked import Asked
from mindseye.serve.http.access import Access
from mindseye.serve.limits import Limits
from mindseye.serve.service import Service
from mindseye.serve.studio.draw import drawn_by, story_of
from mindseye.serve.studio.drawing import Kept
from mindseye.serve.studio.form import Form, form
from mindseye.serve.studio.parts import Card, as_cards, picture_in, place_of
from mindseye.serve.studio.picked import asked_again, command, told
from mindseye.serve.studio.rooms import Rooms, refused, said
from mindseye.serve.studio.train import curve, duration


@pytest.fixture(scope="module")
def fields(tiny: Imaginer) -> Form:
    with gr.Blocks(analytics_enabled=False):
        return form(gr.Textbox(), tiny, Limits())


def values(fields: Form, **given: Any) -> dict[Any, Any]:
    """What the parts of a fresh form hold."""
    own = {part: part.value for part in fields.parts}
    return {**own, **{getattr(fields, name, None) or fields.own[name]: value for name, value in given.items()}}


def kept(**story: Any) -> Kept:
    about = Story(**{"prompt": "a cat", "seed": 7, "model": "tiny", "width": 16, "height": 16, **story})
    return Kept(png_bytes(np.zeros((16, 16, 4), np.uint8), about), about, asked(about))


def asked(about: Story) -> Asked:
    return Asked(about.model, Request.of(prompt=about.prompt), (about.seed,))


def test_a_form_asks_for_what_it_says(fields: Form, tiny: Imaginer) -> None:
    asked = fields.asked(values(fields, prompt="a cat", seed="4294967295", count=2, guidance=2.5, steps=3), tiny)
    assert (asked.model, asked.seeds, asked.candidates) == ("tiny", (4294967295, 0), 1)
    assert (asked.request.prompt, asked.request.guidance, asked.request.steps) == ("a cat", 2.5, 3)
    assert asked.partials == 2  # the third of three steps is the picture itself


def test_without_a_seed_chance_decides(fields: Form, tiny: Imaginer) -> None:
    first, second = (fields.asked(values(fields, prompt="a cat", seed=""), tiny).seeds for _ in range(2))
    assert first != second
    with pytest.raises(BadInput, match="seed"):
        fields.asked(values(fields, prompt="a cat", seed="a cat"), tiny)


def test_a_story_fills_the_form_so_that_it_asks_for_the_same_picture(fields: Form, tiny: Imaginer) -> None:
    [picture] = tiny.imagine(
        fields.asked(values(fields, prompt="a cat", seed="5", count=1, steps=2), tiny).request, seeds=[5]
    )
    about = read_story(png_bytes(picture.image, picture.story))
    note = story_of(about, tiny)
    held = values(fields)
    for part, update in fields.told(about, tiny).items():
        held[part] = update["value"] if isinstance(update, dict) else update
    again = fields.asked(held, tiny)
    assert again.seeds == (5,) and "mindseye" in note
    [same] = tiny.imagine(again.request, seeds=again.seeds)
    assert np.array_equal(same.pixels, picture.pixels)


def test_a_picture_of_another_model_is_said_to_be_one(tiny: Imaginer) -> None:
    assert "drawn by another" in story_of(read_story(kept(model="another").png), tiny)
    assert "tiny has changed since" in story_of(read_story(kept(model_sha256="0" * 64).png), tiny)
    with pytest.raises(BadInput, match="does not tell"):
        story_of(read_story(png_bytes(np.zeros((4, 4, 3), np.uint8), None)), tiny)


def test_a_picture_that_went_on_from_another_is_said_to_lack_it(tiny: Imaginer) -> None:
    varied = kept(given_sha256="0" * 64, strength=0.6, model_sha256=tiny.sha256)
    assert "which is not in it, so words alone will draw another one" in story_of(read_story(varied.png), tiny)


def test_the_model_of_a_picture_is_found_by_its_weights_and_else_by_its_name(tiny: Imaginer, tmp_path: Path) -> None:
    other = load(small.folder(tmp_path / "small"), device="cpu")
    with closing(Service({"small": other, "tiny": tiny})) as service:
        for about, found in (
            ({"model": "tiny"}, tiny),
            ({"model": "tiny", "model_sha256": "0" * 64}, tiny),  # it has changed since
            ({"model": "tiny-of-yore", "model_sha256": tiny.sha256}, tiny),
            ({"model": "small", "model_sha256": tiny.sha256}, tiny),
            ({"model": "another", "model_sha256": "0" * 64}, None),
            ({}, None),
        ):
            assert drawn_by(about, service) is found


def test_a_picture_whose_model_has_changed_is_not_said_to_be_made_again(tiny: Imaginer) -> None:
    same = kept(model_sha256=tiny.sha256)
    assert asked_again(same, tiny) is same.asked
    with pytest.raises(BadInput, match="cannot be drawn any more"):
        asked_again(kept(model_sha256="0" * 64), tiny)
    with pytest.raises(BadInput, match="the correction blue has changed"):
        asked_again(kept(model_sha256=tiny.sha256, edits=("blue@0123abcd",)), tiny)


@pytest.mark.parametrize("text", XSS)
def test_text_is_shown_as_text(text: str) -> None:
    shown = [
        said(text, text, text),
        refused(BadInput(text, why=text, next_step=text)),
        as_cards([Card("data:,", text, text)], label=text),
        told(kept(prompt=text, negative_prompt=text, thought=text)),
    ]
    allowed = {"div", "strong", "span", "ul", "li", "button", "img", "p", "b", "a", "code"}
    for html in shown:
        assert set(re.findall(r"<\s*/?\s*([a-zA-Z]+)", html)) <= allowed
        assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', html))


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("diffusion", {"prompt": "it's a cat", "steps": 2, "guidance": 0.1 + 0.2, "negative_prompt": "-a dog"}),
        ("diffusion", {"prompt": "--help", "steps": 3, "sampler": "euler"}),
        ("vae", {"prompt": "a cat", "temperature": 0.35, "sampler": "mixture"}),
    ],
)
def test_the_command_draws_the_picture_again(
    family: str, settings: dict[str, Any], tiny: Imaginer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imaginer = tiny if family == "diffusion" else load(small.folder(tmp_path / "small"), device="cpu")
    [picture] = imaginer.imagine(Request.of(seed=7, **settings))
    line = command(Kept(png_bytes(picture.image, picture.story), picture.story, asked(picture.story)))
    monkeypatch.chdir(imaginer.path.parent)  # where the model's name is its folder
    program, imagine, *words = shlex.split(line)
    monkeypatch.setattr(sys, "argv", [program, imagine, "--out", str(tmp_path / "again"), *words])
    with pytest.raises(SystemExit, match="0"):
        main()
    [png] = [path for path in (tmp_path / "again").glob("*.png") if "sheet" not in path.name]
    assert png.read_bytes() == png_bytes(picture.image, picture.story)


def test_the_story_names_the_nearest_training_pictures() -> None:
    near = (NearPicture(file_name="1f600.png", cosine=0.9344), NearPicture(file_name="<b>.png", cosine=0.5))
    assert "Nearest training pictures: 1f600.png (0.934), &lt;b&gt;.png (0.500)" in told(kept(nearest=near))
    assert "Nearest" not in told(kept())


def test_the_command_has_every_setting_of_the_picture() -> None:
    story = {"temperature": 0.35, "top_p": 0.9, "edits": ("blue-rose@0123abcd",)}
    assert command(kept(**story)) == (
        "mindseye imagine -n 1 --model tiny --seed 7 --temperature 0.35 --top-p 0.9 --edit blue-rose 'a cat'"
    )
    assert command(kept(given_sha256="0" * 64)) == ""


@pytest.mark.parametrize("value", [None, "", 3, {}, "http://127.0.0.1/x.png", "/etc/passwd", "file:///etc/passwd"])
def test_a_picture_is_sent_inside_the_page_or_not_at_all(value: Any) -> None:
    with pytest.raises(BadInput, match="no picture"):
        picture_in(value)


@pytest.mark.parametrize("index", [-1, 2, "0", None, 0.5, True + 1])
def test_a_place_that_is_none_is_refused(index: Any) -> None:
    with pytest.raises(BadInput):
        place_of(SimpleNamespace(index=index), [1, 2])  # type: ignore[arg-type]


def test_guests_change_nothing() -> None:
    access = Access("127.0.0.1", 1, "a-token-of-some-length", "a-token-of-a-guest")
    rooms = Rooms(None, None, None, access)  # type: ignore[arg-type]
    for headers, guest in (
        ({"Cookie": "mindseye=a-token-of-a-guest"}, True),
        ({"Authorization": "Bearer a-token-of-a-guest"}, True),
        ({"Cookie": "mindseye=a-token-of-some-length"}, False),
    ):
        request = SimpleNamespace(headers=headers)
        if guest:
            with pytest.raises(BadInput, match="guest"):
                rooms.check_may_change(request)  # type: ignore[arg-type]
        else:
            rooms.check_may_change(request)  # type: ignore[arg-type]


def test_a_curve_goes_from_the_highest_to_the_lowest() -> None:
    points = re.findall(r"([\d.]+),([\d.]+)", curve([3.0, 2.0, 1.0]))
    assert [(float(x), float(y)) for x, y in points] == [(0, 4), (200, 60), (400, 116)]
    assert curve([1.0]) == "" and "polyline" in curve([1.0, 1.0])


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (4, 100, 3600, 7500)] == ["4 s", "2 min", "60 min", "2 h 5 min"]

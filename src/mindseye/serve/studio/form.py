"""How to draw, as a form: its fields, what they ask of the service, and how a picture's story fills them again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from mindseye.errors import BadInput
from mindseye.imagine.edits import edit_names, edits_folder
from mindseye.imagine.family import Settings
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.learn.folder import ABOUT, THINKER
from mindseye.randomness import SEED_LIMIT
from mindseye.serve.asked import Asked
from mindseye.serve.limits import Limits
from mindseye.serve.service import Service
from mindseye.serve.studio.drawing import PARTIALS

Values = Mapping[Component, Any]  # what the parts of a page hold
Updates = dict[Component, Any]  # what they are to hold or to look like

# Of a `Request`; a model may lack one.
OWN = ("negative_prompt", "guidance", "steps", "sampler", "temperature", "top_p")
PICTURES = 4


@dataclass(frozen=True)
class Form:
    """The fields.

    Attributes:
        prompt, count, seed, think, edits: one each.
        own: those that a model may lack, by the name that `Request` and `Abilities` have for them.
        of: the name of the model whose fields they are.
    """

    prompt: gr.Textbox
    count: gr.Slider
    seed: gr.Textbox
    think: gr.Slider
    edits: gr.CheckboxGroup
    own: Mapping[str, Component]
    of: gr.State

    @property
    def parts(self) -> set[Component]:
        """All of them."""
        return {self.prompt, self.count, self.seed, self.think, self.edits, self.of, *self.own.values()}

    def asked(self, values: Values, imaginer: Imaginer, **given: Any) -> Asked:
        """What the service is asked for.

        Args:
            values: of all parts.
            imaginer: the model.
            given: picture, mask and strength, where there is a picture to go on from.

        Raises:
            BadInput: a value is out of range; the message names it.
        """
        has = {name: part for name, part in self.own.items() if _has(imaginer, name)}
        own = {name: values[part] for name, part in has.items() if values[part] not in (None, "")}
        request = Request.of(
            prompt=values[self.prompt] or "", edits=tuple(values[self.edits] or ()), **_whole(own), **given
        )
        seeds = _seeds(values[self.seed], int(values[self.count]))
        steps = imaginer.settings(request).steps or 1
        think = int(values[self.think]) if thinks(imaginer) else 1
        return Asked(imaginer.name, request, seeds, think, min(PARTIALS, max(0, steps - 1)))

    def fitted(self, imaginer: Imaginer) -> Updates:
        """The fields as a model has them, with its own values."""
        return {
            **{part: gr.update(**_own(imaginer, name)) for name, part in self.own.items()},
            self.think: gr.update(value=1, visible=thinks(imaginer)),
            self.edits: gr.update(**_edits(imaginer)),
            self.of: imaginer.name,
        }

    def corrected(self, imaginer: Imaginer) -> Updates:
        """The corrections to choose from, as they are now."""
        return {self.edits: gr.update(**_edits(imaginer))}

    def told(self, story: Mapping[str, Any], imaginer: Imaginer) -> Updates:
        """The fields of a model as a story tells them: as of `read_story`, whichever tool wrote it. What it does not
        tell, or the model does not have, is the model's own."""
        updates: Updates = {}
        for name, part in self.own.items():
            own = _own(imaginer, name)
            value = story.get(name)
            if value is None or (name == "sampler" and value not in imaginer.abilities.samplers):
                value = own["value"]
            updates[part] = gr.update(**{**own, "value": value})
        named = [name.partition("@")[0] for name in story.get("edits", ())]
        edits = _edits(imaginer)
        return {
            **updates,
            self.prompt: story.get("prompt", ""),
            self.seed: str(story.get("seed", "")),
            self.count: 1,
            self.think: gr.update(value=1, visible=thinks(imaginer)),
            self.edits: gr.update(**{**edits, "value": [name for name in named if name in edits["choices"]]}),
            self.of: imaginer.name,
        }


@dataclass(frozen=True)
class Choice:
    """The model that is chosen, of all pages.

    Attributes:
        service: which models there are.
        model: the name of the one that is chosen.
        forms: those with its fields.
    """

    service: Service
    model: gr.Dropdown
    forms: Sequence[Form]

    @property
    def parts(self) -> list[Component]:
        """All that another choice changes."""
        return [self.model, *(part for form in self.forms for part in form.parts)]

    def fitted(self, name: str, of: Sequence[str]) -> Updates:
        """The forms for a model.

        Args:
            of: whose each of them is so far; where it is the model's already, its values stay.
        """
        imaginer, updates = self.service.imaginer(name), dict[Component, Any]()
        for form, its in zip(self.forms, of, strict=True):
            updates |= {form.of: name} if its == name else form.fitted(imaginer)
        return updates

    def made(self, name: str, before: str) -> Updates:
        """A model that was just opened is chosen, and its forms are there at once: whoever reads that it is open may
        change them, and nothing that comes later takes that back.

        Args:
            before: the model that was chosen when somebody asked for this one.
        """
        choice = gr.update(choices=list(self.service.imaginers), value=name)
        return {self.model: choice, **self.fitted(name, [before] * len(self.forms))}


def form(prompt: gr.Textbox, imaginer: Imaginer, limits: Limits) -> Form:
    """The fields for a model, beside one for the prompt that is there already."""
    count = gr.Slider(1, limits.pictures, value=min(PICTURES, limits.pictures), step=1, label="Pictures")
    seed = gr.Textbox(label="Seed", placeholder="by chance", max_lines=1, max_length=10)
    think = gr.Slider(
        1, limits.candidates, value=1, step=1, label="Think", info="draw so many for each, show the best",
        visible=thinks(imaginer),
    )  # fmt: skip
    guided = _own(imaginer, "guidance")
    own: dict[str, Component] = {
        "guidance": gr.Slider(0, 20, step=0.1, label="Guidance", info="how strictly words are followed", **guided),
        "steps": gr.Slider(1, limits.steps, step=1, label="Steps", **_own(imaginer, "steps")),
        "negative_prompt": gr.Textbox(
            label="Not this", info="what to steer away from", max_length=2000, max_lines=1,
            **_own(imaginer, "negative_prompt"),
        ),
        "sampler": gr.Dropdown(label="Sampler", **_own(imaginer, "sampler")),
        "temperature": gr.Slider(
            0, 2, step=0.05, label="Temperature", info="how much chance has a say", **_own(imaginer, "temperature")
        ),
        "top_p": gr.Slider(0.05, 1, step=0.05, label="Likeliest share", **_own(imaginer, "top_p")),
    }  # fmt: skip
    edits = gr.CheckboxGroup(label="Corrections", info="draw with these edits of the model", **_edits(imaginer))
    return Form(prompt, count, seed, think, edits, own, gr.State(imaginer.name))


def _own(imaginer: Imaginer, name: str) -> dict[str, Any]:
    """A field of those that a model may lack: its value, whether it is there, what there is to choose from."""
    value = getattr(imaginer.settings(Settings()), name, "")
    choices = {"choices": list(imaginer.abilities.samplers)} if name == "sampler" else {}
    return {"value": value, "visible": _has(imaginer, name), **choices}


def _edits(imaginer: Imaginer) -> dict[str, Any]:
    names = edit_names(edits_folder(imaginer.path, imaginer.sha256))
    return {"choices": names, "value": [], "visible": bool(names)}


def thinks(imaginer: Imaginer) -> bool:
    """Whether a model has a thinker."""
    return (imaginer.path / THINKER / ABOUT).is_file()


def _has(imaginer: Imaginer, name: str) -> bool:
    able = imaginer.abilities
    return len(able.samplers) > 1 if name == "sampler" else bool(getattr(able, name))


def _whole(own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(value) if name == "steps" else value for name, value in own.items()}


def _seeds(text: str | None, count: int) -> tuple[int, ...]:
    text = (text or "").strip()
    if not text:
        first = secrets.randbelow(SEED_LIMIT)
    elif text.isdecimal() and text.isascii() and int(text) < SEED_LIMIT:
        first = int(text)
    else:
        raise BadInput(f"seed cannot be {text[:20]!r}", next_step="0 to 4294967295, or empty for chance", field="seed")
    return tuple((first + index) % SEED_LIMIT for index in range(count))

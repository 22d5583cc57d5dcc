"""Draws with a pipeline of the diffusers library: prompts as text in, pictures out."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit, changed_matrices
from mindseye.imagine.family import Abilities, Given, Progress, Prompt, Seed, Settings
from mindseye.imagine.painter import cut_note
from mindseye.imagine.pipelines import knobs
from mindseye.imagine.pipelines.knobs import Knobs
from mindseye.imagine.pipelines.opening import completing, open_pipeline, quiet, varying
from mindseye.imagine.pipelines.steps import steps_of
from mindseye.imagine.pipelines.twin import matrix_of, with_matrices
from mindseye.learn.learner import PictureFormat
from mindseye.pictures.tensors import from_model
from mindseye.randomness import rng_at


def open_painter(folder: Path, device: str) -> PipelinePainter:
    """Opens the text-to-image pipeline in `folder`.

    Raises:
        BadInput: it cannot be opened, or does not draw pictures from a prompt alone.
    """
    return PipelinePainter(open_pipeline(folder, device))


class PipelinePainter:
    """A text-to-image pipeline as a `Painter`. Pictures are drawn one by one, so that none depends on its company.

    Args:
        pipeline: what draws.
        size_px: edge of its pictures; its own unless given.
        turn: of those who share parts with it, who draw one after another.
    """

    encoder_sha256 = ""  # its encoders are among its own weights

    def __init__(self, pipeline: Any, size_px: int | None = None, turn: threading.Lock | None = None) -> None:
        knobs.refuse_unless_text_to_image(pipeline)
        self.pipeline = pipeline
        self._completing, self._varying = completing(pipeline), varying(pipeline)
        self._knobs = Knobs.of(pipeline)
        # A tokeniser keeps in itself how it pads: one of our own counts while the pipeline's draws.
        self._tokeniser, self._token_limit = copy.deepcopy(knobs.tokeniser(pipeline)), knobs.token_limit(pipeline)
        self._turn = turn or threading.Lock()
        self.kind = type(pipeline).__name__
        self.device, self.at_once, self.joins = pipeline.device, 1, False
        self.picture_format = PictureFormat(size_px or knobs.own_size(pipeline), 3)
        self.abilities = Abilities(
            prompt=True,
            negative_prompt=self._knobs.negative_prompt,
            guidance=self._knobs.guidance is not None,
            steps="num_inference_steps" in self._knobs,
            complete=self._completing is not None,
            vary=self._varying is not None and "strength" in Knobs.of(self._varying),
            blend_prompts=False,
            size_multiple=knobs.size_multiple(pipeline),
        )

    def corrected(self, edits: Sequence[Edit]) -> Self:
        """See `Painter.corrected`."""
        matrices = changed_matrices(edits, partial(matrix_of, self.pipeline))
        return type(self)(with_matrices(self.pipeline, matrices), self.picture_format.size_px, self._turn)

    def settings(self, asked: Settings) -> Settings:
        """See `Painter.settings`."""
        defaults, guidance = self._knobs.defaults, self._knobs.guidance
        return Settings(
            guidance=defaults[guidance] if guidance and asked.guidance is None else asked.guidance,
            steps=asked.steps or defaults.get("num_inference_steps"),
        )

    def unknown_words(self, prompt: str) -> list[str]:
        """None: its captions are not known."""
        return []

    def tokens(self, prompt: str) -> int:
        """See `Painter.tokens`; 0 where the pipeline has no tokeniser of a kind that is known."""
        count, limit = self._tokens(prompt)
        return count if limit is None else min(count, limit)

    def notes(self, prompt: str) -> list[str]:
        """That the end of the prompt is cut."""
        count, limit = self._tokens(prompt)
        return [cut_note(limit)] if limit is not None and count > limit else []

    def _tokens(self, prompt: str) -> tuple[int, int | None]:
        """How many tokens a prompt has, and how many are read at most."""
        if self._tokeniser is None:
            return 0, self._token_limit
        with quiet():
            return len(self._tokeniser(prompt)["input_ids"]), self._token_limit

    def draw(
        self,
        prompts: Sequence[Prompt],
        negative: str,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `Painter.draw`. A picture is shown when it is finished; until then it is blank (-1)."""
        against = {"negative_prompt": negative} if negative else {}
        return self.draw_told([{"prompt": prompt, **against} for prompt in prompts], seeds, settings, given)

    def draw_told(
        self,
        told: Sequence[Mapping[str, Any]],
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """As `draw`, with the arguments that tell the pipeline's call what to draw for each picture."""
        size = settings.size or self.picture_format.size_px
        pictures = torch.full((len(told), 3, size, size), -1.0)
        for row, (what, seed) in enumerate(zip(told, seeds, strict=True)):
            assert isinstance(seed, int)  # it has no ability to blend them
            steps, step = 1, 0
            for now in self._one(what, seed, settings, size, given):
                if isinstance(now, Tensor):
                    pictures[row] = now
                else:
                    steps, step = now, step + 1
                    if step >= steps:
                        continue  # the last step is done when the picture is there
                yield Progress(row * steps + min(step or 1, steps), len(told) * steps, pictures.clone())

    def _one(
        self, told: Mapping[str, Any], seed: int, settings: Settings, size: int, given: Given | None
    ) -> Iterator[int | Float[Tensor, "channel height width"]]:
        """Yields the number of steps, once a step, and last the picture."""
        if given and given.known is None and given.strength == 0:
            yield given.picture
            return
        pipeline: Any = self.pipeline if given is None else self._varying if given.known is None else self._completing
        call = Knobs.of(pipeline)
        used = self.settings(settings)
        arguments = call.only(
            **told,
            height=size,
            width=size,
            num_inference_steps=used.steps,
            generator=_generator(seed, given),
            output_type="np",
            **({call.guidance: used.guidance} if call.guidance else {}),
            **(_going_on(given, used.steps) if given else {}),
        )
        try:
            with quiet():
                for now in steps_of(pipeline, partial(pipeline, **arguments), self._turn):
                    yield now if isinstance(now, int) else _finished(now, size, given)
        except BadInput:
            raise
        except Exception as refusal:  # whatever the pipeline itself finds wrong with the arguments
            raise BadInput(
                f"{self.kind} does not draw this",
                why=str(refusal) or type(refusal).__name__,
                next_step="try other settings, its own size among them",
            ) from refusal


def _generator(seed: int, given: Given | None) -> torch.Generator:
    """A picture from words alone begins with the noise that every program that uses the library takes for this seed.
    One that goes on from another begins with other noise, or a picture of the pipeline would lead back to itself."""
    number = seed if given is None else int(rng_at(seed, "given").integers(2**63))
    return torch.Generator("cpu").manual_seed(number)


def _going_on(given: Given, steps: int | None) -> dict[str, Any]:
    """The arguments that say from which picture, and how far: completed anew, or varied by one step at least."""
    image = Image.fromarray(from_model(given.picture))
    if given.known is not None:
        anew = (~given.known).numpy().astype(np.uint8) * 255
        return {"image": image, "mask_image": Image.fromarray(anew), "strength": 1.0}
    return {"image": image, "strength": min(1.0, max(given.strength, 1.01 / steps if steps else 0.0))}


def _finished(output: Any, size: int, given: Given | None) -> Float[Tensor, "channel height width"]:
    """The picture in [-1, 1], with what is known of it in its place.

    Raises:
        BadInput: the pipeline drew at another size.
    """
    picture = torch.from_numpy(np.asarray(output.images)[0]).float().movedim(-1, 0) * 2 - 1
    if picture.shape != (3, size, size):
        raise BadInput(f"size cannot be {size}: the pipeline drew at {picture.shape[-1]} px instead")
    return picture if given is None or given.known is None else torch.where(given.known, given.picture, picture)

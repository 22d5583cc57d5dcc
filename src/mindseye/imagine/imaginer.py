"""A loaded model that draws: `load(name).imagine(request)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from mindseye import __version__
from mindseye.errors import BadInput
from mindseye.imagine.families import family as family_named
from mindseye.imagine.family import Coded, Family, Progress, Settings
from mindseye.imagine.request import Request
from mindseye.learn.about import About
from mindseye.learn.batch import Words
from mindseye.learn.device import best_device
from mindseye.learn.folder import find_model, load_model, vocabulary, weights_digest
from mindseye.learn.learner import PictureFormat
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.story import Story
from mindseye.pictures.tensors import from_model, to_model

AT_ONCE = 256  # pictures that are encoded or decoded together

# Words too plain to be worth a remark when no caption has them.
PLAIN_WORDS = frozenset("a an and at for from her his in is it its of on or the their to with".split())


@dataclass(frozen=True)
class Picture:
    """A finished picture and how it came to be.

    Attributes:
        pixels: uint8 [height, width, 3 or 4], straight alpha.
        story: prompt, seed, model and settings: enough to draw it again.
    """

    pixels: NDArray[np.uint8]
    story: Story


class Imaginer:
    """A model ready to draw.

    Attributes:
        path: its folder.
        about: what the folder says of it.
    """

    def __init__(self, path: Path, family: Family, model: Any, about: About) -> None:
        self.path = path
        self.about = about
        self._family = family
        self._model = model

    def __repr__(self) -> str:
        return f"Imaginer({self.name!r}, {self.size} px, {self.about.family})"

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def size(self) -> int:
        """Edge of its pictures in pixels."""
        return int(self.about.config["size_px"])

    @property
    def picture_format(self) -> PictureFormat:
        """How it sees pictures."""
        return PictureFormat(self.size, int(self.about.config["channels"]), self.about.pixel_art)

    @cached_property
    def sha256(self) -> str:
        """Digest of its weights."""
        return weights_digest(self.path)

    @cached_property
    def encoder(self) -> TextEncoder:
        """The frozen text encoder it was trained with."""
        reference = self.about.text_encoder
        return load_text_encoder(reference.name, token_limit=reference.token_limit, sha256=reference.sha256)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the captions it was trained with."""
        return vocabulary(self.path)

    def notes(self, request: Request) -> list[str]:
        """What a person should know about a prompt before trusting the pictures: unknown words, a cut prompt."""
        notes = []
        if unknown := self.unknown_words(request.prompt):
            notes.append(f"words it never saw in a caption: {', '.join(unknown)}")
        if self.encoder.too_long(request.prompt):
            notes.append(
                f"the prompt is longer than the {self.encoder.token_limit} tokens that are read; the end is cut"
            )
        return notes

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that no caption of its training had, in order, each once."""
        return [word for word in dict.fromkeys(words_of(prompt)) if word not in self.vocabulary | PLAIN_WORDS]

    def sample(self, request: Request, seeds: Sequence[int] | None = None) -> Iterator[Progress]:
        """Draws step by step; the last `Progress` holds the finished pictures.

        Each picture depends on the model, the prompts, the settings and its own seed only.

        Args:
            request: what to draw.
            seeds: one a picture; those of the request unless given.

        Raises:
            BadInput: the model cannot do what is asked; the message names the field.
        """
        self._check(request)
        seeds = request.seeds if seeds is None else seeds
        negative = self._words(request.negative_prompt, len(seeds)) if request.negative_prompt else None
        return self._model.draw(self._words(request.prompt, len(seeds)), negative, seeds, request)

    def imagine(
        self,
        request: Request,
        watch: Callable[[Progress], None] = lambda progress: None,
        *,
        seeds: Sequence[int] | None = None,
    ) -> list[Picture]:
        """Draws one picture a seed; `watch` is called after every step.

        Args, Raises: as `sample`.
        """
        seeds = request.seeds if seeds is None else seeds
        for progress in self.sample(request, seeds):
            watch(progress)
        notes = self.notes(request)
        return [
            Picture(pixels, self._story(request, seed, notes))
            for seed, pixels in zip(seeds, from_model(progress.pictures), strict=True)
        ]

    def imagine_each(self, prompts: Sequence[str], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """One picture a prompt with the model's own settings, side by side: the bytes that `imagine` gives for each.

        Args:
            prompts: one or more.
            seeds: one a prompt.

        Returns:
            uint8 [prompt, height, width, 3 or 4], straight alpha.
        """
        *_, last = self._model.draw(self.encoder.encode(prompts), None, seeds, Settings())
        return from_model(last.pictures)

    def encode(
        self, pictures: UInt8[np.ndarray, "picture height width channel"], prompt: str = ""
    ) -> Float[np.ndarray, "picture code"]:
        """The codes of pictures: some numbers each, from which `decode` draws them again as well as it can.

        Args:
            pictures: of the model's size and channels, straight alpha.
            prompt: what they show, which the codes then need not say; none if it is empty.

        Raises:
            BadInput: pictures of this model have no codes.
        """
        model = self._coded()
        parts = [model.encode(some, self._words(prompt, len(some))) for some in to_model(pictures).split(AT_ONCE)]
        codes: Float[np.ndarray, "picture code"] = torch.cat(parts).cpu().numpy()
        return codes

    def decode(
        self, codes: Float[np.ndarray, "picture code"], prompt: str = ""
    ) -> UInt8[np.ndarray, "picture height width channel"]:
        """The pictures of codes, straight alpha.

        Args:
            codes: as `encode` gives them; a VAE's are made to look like draws from N(0, I).
            prompt: as for `encode`.

        Raises:
            BadInput: pictures of this model have no codes.
        """
        model = self._coded()
        rows = torch.from_numpy(np.asarray(codes, np.float32))
        parts = [model.decode(some, self._words(prompt, len(some))) for some in rows.split(AT_ONCE)]
        return from_model(torch.cat(parts))

    def code_kl(self, prompt: str = "") -> Float[np.ndarray, "code"] | None:
        """How much each dimension of a code says, in nats, the mean over the training pictures; with a prompt, besides
        what a caption says. None where codes follow no distribution that it could be measured against.

        Raises:
            BadInput: pictures of this model have no codes.
        """
        nats = self._coded().code_kl(self._words(prompt, 1))
        return None if nats is None else nats.cpu().numpy()

    def _coded(self) -> Coded:
        if not self._family.abilities.codes:
            raise BadInput(
                f"pictures of {self.name} have no codes",
                why=f"it is of the family {self.about.family}",
                next_step="use a model of the family vae (mindseye train vae COLLECTION --out RUN)",
            )
        model: Coded = self._model
        return model

    def _check(self, request: Request) -> None:
        if request.size not in (None, self.size):
            raise BadInput(
                f"size cannot be {request.size}: {self.name} draws at {self.size} px",
                next_step=f"leave size out, or train a model at {request.size} px",
            )
        abilities = self._family.abilities
        for field, able in (
            ("prompt", abilities.prompt),
            ("negative_prompt", abilities.negative_prompt),
            ("guidance", abilities.guidance),
            ("sampler", bool(abilities.samplers)),
            ("steps", abilities.steps),
            ("temperature", abilities.temperature),
            ("top_p", abilities.top_p),
        ):
            if getattr(request, field) not in (None, "") and not able:
                raise BadInput(f"{field}: {self.about.family} models do not have it", next_step=f"leave {field} out")
        if request.sampler and request.sampler not in abilities.samplers:
            raise BadInput(
                f"sampler: there is no {request.sampler!r}",
                next_step=f"choose one of {', '.join(abilities.samplers)}",
            )

    def _words(self, text: str, count: int) -> Words:
        return self.encoder.encode([text]).rows([0] * count)

    def _story(self, request: Request, seed: int, notes: list[str]) -> Story:
        used = self._model.settings(request)
        return Story(
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            seed=seed,
            model=self.name,
            model_sha256=self.sha256,
            family=self.about.family,
            width=self.size,
            height=self.size,
            guidance=used.guidance,
            steps=used.steps,
            sampler=used.sampler,
            temperature=used.temperature,
            top_p=used.top_p,
            mindseye_version=__version__,
            notes=tuple(notes),
        )


def load(name_or_path: str | Path, *, device: str | None = None) -> Imaginer:
    """Opens a model: a shipped one by name ("emoji"), or any by its folder (a run folder will do).

    Args:
        name_or_path: the model.
        device: "cpu", "cuda" or "mps"; the best there is unless given.

    Raises:
        BadInput: there is no such model, or it is damaged.
    """
    folder = find_model(name_or_path)
    family, model, about = load_model(folder, family_named)
    return Imaginer(folder, family, model.eval().to(device or best_device()), about)

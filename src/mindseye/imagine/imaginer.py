"""A loaded model that draws: `load(name).imagine(request)`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from mindseye import __version__
from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit, check_fits, edits_folder, read_edits, with_edits
from mindseye.imagine.families import family as family_named
from mindseye.imagine.family import Blend, Coded, Family, Progress, Settings
from mindseye.imagine.given import Fitted, fitted
from mindseye.imagine.picture import Attended, Picture
from mindseye.imagine.request import Request
from mindseye.learn.about import About
from mindseye.learn.batch import Words
from mindseye.learn.device import best_device
from mindseye.learn.folder import find_model, load_model, palette, vocabulary, weights_digest
from mindseye.learn.learner import PictureFormat
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.snap import snapped
from mindseye.pictures.story import Story
from mindseye.pictures.tensors import from_model, to_model

AT_ONCE = 256  # pictures that are encoded or decoded together

# Words too plain to be worth a remark when no caption has them.
PLAIN_WORDS = frozenset("a an and at for from her his in is it its of on or the their to with".split())


class Imaginer:
    """A model ready to draw.

    Attributes:
        path: its folder.
        about: what the folder says of it.
        edits: the corrections that it draws with.
    """

    def __init__(self, path: Path, family: Family, model: Any, about: About, edits: tuple[Edit, ...] = ()) -> None:
        self.path = path
        self.about = about
        self.edits = edits
        self._family = family
        self._model = model

    def __repr__(self) -> str:
        return f"Imaginer({self.name!r}, {self.size} px, {self.about.family})"

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def network(self) -> Any:
        """The model of its family."""
        return self._model

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

    def edited(self, names: Sequence[str]) -> Imaginer:
        """This model with more of its edits, by name; `BadInput` if one is not there, does not fit, or is in force."""
        return self.corrected(read_edits(edits_folder(self.path, self.sha256), names, self.edits)) if names else self

    def corrected(self, edits: Sequence[Edit]) -> Imaginer:
        """This model with more edits, sharing with it all that they do not change; `BadInput` if one does not fit."""
        for edit in edits:
            check_fits(edit, self.sha256, self.encoder.sha256)
        model, encoder = with_edits(self._model, self.encoder, edits)
        twin = Imaginer(self.path, self._family, model, self.about, (*self.edits, *edits))
        twin.__dict__ |= {"encoder": encoder, "sha256": self.sha256}  # known already
        return twin

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the captions it was trained with."""
        return vocabulary(self.path)

    def fitted(self, request: Request) -> Fitted | None:
        """The picture that a request goes on from, as the model sees it; None if it has none.

        Raises:
            BadInput: the picture or its mask cannot be used.
        """
        return fitted(request, self.picture_format)

    @cached_property
    def palette(self) -> tuple[str, ...]:
        """The colours of the pixel art it was trained with, as "rrggbb"; none where it draws in any colour."""
        return palette(self.path)

    def notes(self, request: Request) -> list[str]:
        """What a person should know about a request before trusting the pictures: unknown words, a cut prompt, a
        given picture of another size.

        Raises:
            BadInput: the given picture or its mask cannot be used.
        """
        notes = []
        if request.prompt and not self.about.collection.captions:
            notes.append("it learnt without captions, so the prompt changes nothing")
        elif unknown := self.unknown_words(request.prompt):
            notes.append(f"words it never saw in a caption: {', '.join(unknown)}")
        if self.encoder.too_long(request.prompt):
            notes.append(
                f"the prompt is longer than the {self.encoder.token_limit} tokens that are read; the end is cut"
            )
        start = self.fitted(request)
        return [*notes, start.note] if start and start.note else notes

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
            BadInput: the model cannot do what is asked, or a picture cannot be used; the message names the field.
        """
        self._check(request)
        if request.edits:
            return self.edited(request.edits).sample(request.without_edits, seeds)
        start = self.fitted(request)
        seeds = request.seeds if seeds is None else seeds
        negative = self._words(request.negative_prompt, len(seeds)) if request.negative_prompt else None
        words = self._words(request.prompt, len(seeds))
        return self._model.draw(words, negative, seeds, request, start.given if start else None)

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
        if request.edits:
            return self.edited(request.edits).imagine(request.without_edits, watch, seeds=seeds)
        seeds = request.seeds if seeds is None else seeds
        for progress in self.sample(request, seeds):
            watch(progress)
        return self._finished(request, seeds, progress.pictures)

    def imagine_each(self, prompts: Sequence[str], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """One picture a prompt with the model's own settings, side by side: the bytes that `imagine` gives for each.

        Args:
            prompts: one or more.
            seeds: one a prompt.

        Returns:
            uint8 [prompt, height, width, 3 or 4], straight alpha.
        """
        *_, last = self._model.draw(self._read(prompts), None, seeds, Settings())
        return self._pixels(last.pictures)

    def between(
        self, begin: Request, end: Request, count: int, watch: Callable[[Progress], None] = lambda progress: None
    ) -> NDArray[np.uint8]:
        """Pictures on the way from one request to another: the words go straight, the noise goes along the sphere.

        Args:
            begin, end: what the first and the last picture are asked for; they may differ in prompt and seed.
            count: pictures, with the first and the last; 2 or more.
            watch: called after every step.

        Returns:
            uint8 [count, height, width, 3 or 4], straight alpha. The first and the last are those of `imagine`.

        Raises:
            BadInput: the model cannot do what is asked, the requests differ in something else, or a count below 2.
        """
        self._check(begin)
        self._check(end)
        if begin.edits and begin.edits == end.edits:
            return self.edited(begin.edits).between(begin.without_edits, end.without_edits, count, watch)
        if begin.picture is not None:
            raise BadInput("a way begins with words alone", next_step="leave the picture out")
        if begin.model_copy(update={"prompt": end.prompt, "seed": end.seed}) != end:
            raise BadInput("only the prompt and the seed can change on the way", next_step="leave the rest as it is")
        if count < 2:
            raise BadInput(f"count cannot be {count}: a way has two ends", next_step="ask for 2 or more")
        if begin.seed != end.seed and not self._family.abilities.blend:
            raise BadInput(f"seed: {self.about.family} models cannot go from one seed to another")
        shares = [step / (count - 1) for step in range(count)]
        first, last = self._read([begin.prompt]), self._read([end.prompt])
        words = Words.cat([first.towards(last, share) for share in shares])
        seeds = [begin.seed if begin.seed == end.seed else Blend(begin.seed, end.seed, share) for share in shares]
        negative = self._words(begin.negative_prompt, count) if begin.negative_prompt else None
        for progress in self._model.draw(words, negative, seeds, begin):
            watch(progress)
        return self._pixels(progress.pictures)

    def attention(self, request: Request) -> list[Attended]:
        """Draws what `imagine` draws, and says where each picture looked at each word of the prompt meanwhile.

        Args, Raises: as `sample`. A picture cannot be gone on from.
        """
        self._check(request)
        if request.edits:
            return self.edited(request.edits).attention(request.without_edits)
        if not self._family.abilities.attention:
            raise BadInput(f"attention: {self.about.family} models do not look at words one by one")
        if request.picture is not None:
            raise BadInput("attention: it is shown for pictures from words alone", next_step="leave the picture out")
        words = self.encoder.words(request.prompt)
        if not words:
            raise BadInput("attention: there is no word to look at", next_step="give a prompt")
        seeds = request.seeds
        negative = self._words(request.negative_prompt, len(seeds)) if request.negative_prompt else None
        pictures, maps = self._model.attention(self._words(request.prompt, len(seeds)), negative, seeds, request)
        finished = self._finished(request, seeds, pictures)
        return [
            Attended(picture, tuple((word, each[places].sum(0).cpu().numpy()) for word, places in words))
            for picture, each in zip(finished, maps, strict=True)
        ]

    def _finished(self, request: Request, seeds: Sequence[int], pictures: Tensor) -> list[Picture]:
        notes = self.notes(request)
        return [
            Picture(pixels, self._story(request, seed, notes), self.palette)
            for seed, pixels in zip(seeds, self._pixels(pictures, self.fitted(request)), strict=True)
        ]

    def _pixels(self, pictures: Tensor, start: Fitted | None = None) -> NDArray[np.uint8]:
        """As people see them: in the model's palette, if it has one, but for what is kept of a given picture."""
        pixels = from_model(pictures)
        if self.palette:
            pixels = snapped(pixels, self.palette)
            if start and start.known is not None:
                pixels[:, start.known] = start.pixels[start.known]
        return pixels

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
        return self._pixels(torch.cat(parts))

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
            ("keep", abilities.complete),
            ("mask", abilities.complete),
            ("strength", abilities.vary),
        ):
            if getattr(request, field) not in (None, "") and not able:
                raise BadInput(f"{field}: {self.about.family} models do not have it", next_step=f"leave {field} out")
        if request.sampler and request.sampler not in abilities.samplers:
            raise BadInput(
                f"sampler: there is no {request.sampler!r}",
                next_step=f"choose one of {', '.join(abilities.samplers)}",
            )

    def _words(self, text: str, count: int) -> Words:
        return self._read([text]).rows([0] * count)

    def _read(self, prompts: Sequence[str]) -> Words:
        """The prompts as the model takes them; one that learnt without captions takes none."""
        return self.encoder.encode(prompts if self.about.collection.captions else [""] * len(prompts))

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
            given_sha256=hashlib.sha256(request.picture).hexdigest() if request.picture else "",
            keep=request.keep,
            masked=request.mask is not None,
            strength=request.strength,
            edits=tuple(edit.label for edit in self.edits),
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

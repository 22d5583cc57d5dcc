"""A loaded model that draws: `load(name).imagine(request)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from mindseye import __version__
from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit, check_fits, edits_folder, read_edits, taught_words
from mindseye.imagine.families import family as family_named
from mindseye.imagine.family import Abilities, Drawing, Progress, Settings, last_pictures
from mindseye.imagine.given import Fitted, fitted
from mindseye.imagine.painter import FamilyPainter, Painter, WordMaps
from mindseye.imagine.picture import Attended, Looks, Picture, Rough
from mindseye.imagine.pipelines.finding import find_pipeline
from mindseye.imagine.prepared import Prepared, check, way
from mindseye.imagine.request import Request
from mindseye.learn.about import About
from mindseye.learn.device import best_device
from mindseye.learn.folder import find_model, load_model, palette, weights_digest
from mindseye.learn.learner import PictureFormat
from mindseye.pictures.snap import snapped
from mindseye.pictures.story import Story
from mindseye.pictures.tensors import from_model, to_model

OWN = Settings()  # the model's
TOGETHER = 64  # pictures that `imagine_each` holds the steps of


class Imaginer:
    """A model ready to draw.

    Attributes:
        path: its folder.
        name: what people call it.
        painter: what draws.
        about: what the folder says of its training; None for a pipeline that was trained elsewhere.
        edits: the corrections that it draws with.
    """

    def __init__(
        self, path: Path, name: str, painter: Painter, about: About | None = None, edits: tuple[Edit, ...] = ()
    ) -> None:
        self.path, self.name, self.painter, self.about, self.edits = path, name, painter, about, edits

    def __repr__(self) -> str:
        return f"Imaginer({self.name!r}, {self.size} px, {self.kind})"

    @property
    def ours(self) -> FamilyPainter:
        """Its painter, of one of our own families.

        Raises:
            BadInput: it is a pipeline, whose insides are not ours to know.
        """
        if not isinstance(self.painter, FamilyPainter):
            raise BadInput(
                f"{self.name} is a {self.kind}, and this takes a model of our own",
                next_step="train one: mindseye train diffusion COLLECTION --out RUN",
            )
        return self.painter

    @property
    def size(self) -> int:
        """Edge of its pictures in pixels, unless another is asked for."""
        return self.picture_format.size_px

    @property
    def picture_format(self) -> PictureFormat:
        """How it sees pictures."""
        return self.painter.picture_format

    @property
    def at_once(self) -> int:
        """How many pictures it draws in one pass: more than one of them costs little more than one."""
        return self.painter.at_once

    @property
    def joins(self) -> bool:
        """Whether a picture can join those that are under way, of any requests: it then can `begin` and `advance`."""
        return self.painter.joins

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        return self.painter.abilities

    @property
    def kind(self) -> str:
        """The kind of model: the family, or a pipeline's class."""
        return self.painter.kind

    def settings(self, asked: Settings) -> Settings:
        """What it draws with: what was asked for, filled up with its own defaults."""
        return self.painter.settings(asked)

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.painter.device

    @cached_property
    def sha256(self) -> str:
        """Digest of its weights."""
        return weights_digest(self.path)

    @cached_property
    def palette(self) -> tuple[str, ...]:
        """The colours of the pixel art it was trained with, as "rrggbb"; none where it draws in any colour."""
        return palette(self.path)

    def edited(self, names: Sequence[str]) -> Imaginer:
        """This model with more of its edits, by name; `BadInput` if one is not there, does not fit, or is in force."""
        return self.corrected(read_edits(edits_folder(self.path, self.sha256), names, self.edits)) if names else self

    def corrected(self, edits: Sequence[Edit]) -> Imaginer:
        """This model with more edits, sharing with it all that they do not change; `BadInput` if one does not fit."""
        for edit in edits:
            check_fits(edit, self.sha256, self.painter.encoder_sha256)
        twin = Imaginer(self.path, self.name, self.painter.corrected(edits), self.about, (*self.edits, *edits))
        twin.__dict__ |= {"sha256": self.sha256}  # known already
        return twin

    def fitted(self, request: Request) -> Fitted | None:
        """The picture that a request goes on from, as the model sees it; None if it has none.

        Raises:
            BadInput: the picture or its mask cannot be used.
        """
        return fitted(request, replace(self.picture_format, size_px=request.size or self.size), self.palette)

    def notes(self, request: Request) -> list[str]:
        """What a person should know about a request before trusting the pictures: unknown words, a cut prompt, a
        given picture of another size.

        Raises:
            BadInput: the given picture or its mask cannot be used.
        """
        return self._notes(request, self.fitted(request))

    def _notes(self, request: Request, start: Fitted | None) -> list[str]:
        notes = self.painter.notes(request.prompt)
        return [*notes, start.note] if start and start.note else notes

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that no caption of its training had, in order, each once; none where its captions are
        not known."""
        return self.painter.unknown_words(prompt)

    def prepare(self, request: Request) -> Prepared:
        """Checks a request, and reads the picture it goes on from, once for all of its pictures.

        Raises:
            BadInput: the model cannot do what is asked, or a picture cannot be used; the message names the field.
        """
        self._check(request)
        assert not request.edits, "a request with edits is for a twin that was `edited`"
        start = self.fitted(request)
        return Prepared(request, self.painter.tokens(request.prompt), start, tuple(self._notes(request, start)))

    def draw(self, prepared: Sequence[Prepared], seeds: Sequence[int]) -> Iterator[Progress]:
        """Draws one picture a seed, each for its own request, step by step; each of the requests goes with the others
        (`Prepared.goes_with`).

        Each picture depends on the model, its prompts, the settings and its own seed only.
        """
        first = prepared[0]
        prompts = [each.request.prompt for each in prepared]
        return self.painter.draw(prompts, first.request.negative_prompt, seeds, first.request, first.given)

    def begin(self, prepared: Prepared, seed: int) -> Drawing:
        """Where it `joins`: begins one picture, to be taken on by `advance`; it becomes what `draw` draws."""
        request = prepared.request
        return self.ours.begin(request.prompt, request.negative_prompt, seed, request, prepared.given)

    def advance(self, drawings: Sequence[Drawing]) -> Sequence[Drawing]:
        """Where it `joins`: see `FamilyPainter.advance`."""
        return self.ours.advance(drawings)

    def finished(self, prepared: Prepared, seeds: Sequence[int], pictures: Tensor) -> list[Picture]:
        """What `draw` gave last for one request, as pictures with their stories."""
        return [
            Picture(pixels, self._story(prepared, seed), self.palette)
            for seed, pixels in zip(seeds, self.shown(pictures, prepared.start), strict=True)
        ]

    def sample(self, request: Request, seeds: Sequence[int] | None = None) -> Iterator[Progress]:
        """Draws step by step; the last `Progress` holds the finished pictures.

        Each picture depends on the model, the prompts, the settings and its own seed only.

        Args:
            request: what to draw.
            seeds: one a picture; those of the request unless given.

        Raises:
            BadInput: the model cannot do what is asked, or a picture cannot be used; the message names the field.
        """
        if request.edits:
            return self.edited(request.edits).sample(request.without_edits, seeds)
        seeds = request.seeds if seeds is None else seeds
        return self.draw([self.prepare(request)] * len(seeds), seeds)

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
        prepared = self.prepare(request)
        for progress in self.draw([prepared] * len(seeds), seeds):
            watch(progress)
        return self.finished(prepared, seeds, progress.pictures)

    def imagine_each(
        self, prompts: Sequence[str], seeds: Sequence[int], settings: Settings = OWN
    ) -> UInt8[np.ndarray, "prompt height width channel"]:
        """One picture a prompt with the model's own settings or these, side by side: the bytes of `imagine` for each.

        Args:
            prompts, seeds: one of each a picture.
        """
        parts = (slice(begin, begin + TOGETHER) for begin in range(0, len(prompts), TOGETHER))
        drawings = (self.painter.draw(prompts[part], "", seeds[part], settings) for part in parts)
        return np.concatenate([self.shown(last_pictures(drawing)) for drawing in drawings])

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
        prompts, seeds = way(begin, end, count, kind=self.kind, abilities=self.abilities)
        for progress in self.painter.draw(prompts, begin.negative_prompt, seeds, begin):
            watch(progress)
        return self.shown(progress.pictures)

    def attention(self, request: Request) -> list[Attended]:
        """Draws what `imagine` draws, and says where each picture looked at each word of the prompt meanwhile.

        Args, Raises: as `sample`. A picture cannot be gone on from.
        """
        if request.edits:
            return self.edited(request.edits).attention(request.without_edits)
        prepared, seeds = self.prepare(request), request.seeds
        if not self.abilities.attention:
            raise BadInput(f"attention: {self.kind} models do not look at words one by one")
        if request.picture is not None:
            raise BadInput("attention: it is shown for pictures from words alone", next_step="leave the picture out")
        painter = self.ours
        if not painter.encoder.words(request.prompt):
            raise BadInput("attention: there is no word to look at", next_step="give a prompt")
        pictures, maps = painter.attention(request.prompt, request.negative_prompt, seeds, request)
        finished = self.finished(prepared, seeds, pictures)
        stages = painter.stages(request.prompt, seeds, request) if self.abilities.stages else []
        rough = [
            [Rough(pixels, _looks(each)) for pixels, each in zip(self.shown(left), looked, strict=True)]
            for left, looked in stages
        ]
        return [
            Attended(picture, _looks(each), tuple(stage[row] for stage in rough))
            for row, (picture, each) in enumerate(zip(finished, maps, strict=True))
        ]

    def shown(
        self, pictures: Float[Tensor, "picture channel height width"], start: Fitted | None = None
    ) -> UInt8[np.ndarray, "picture height width channel"]:
        """The pictures of a `Progress` as people see them, straight alpha: in the model's palette, if it has one, but
        for what is kept of a given picture."""
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
        codes: Float[np.ndarray, "picture code"] = self._coded().encode(to_model(pictures), prompt).numpy()
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
        return self.shown(self._coded().decode(torch.from_numpy(np.asarray(codes, np.float32)), prompt))

    def code_kl(self, prompt: str = "") -> Float[np.ndarray, "code"] | None:
        """How much each dimension of a code says, in nats, the mean over the training pictures; with a prompt, besides
        what a caption says. None where codes follow no distribution that it could be measured against.

        Raises:
            BadInput: pictures of this model have no codes.
        """
        nats = self._coded().code_kl(prompt)
        return None if nats is None else nats.cpu().numpy()

    def _coded(self) -> FamilyPainter:
        if not self.abilities.codes:
            raise BadInput(
                f"pictures of {self.name} have no codes",
                why=f"it is of the kind {self.kind}",
                next_step="use a model of the family vae (mindseye train vae COLLECTION --out RUN)",
            )
        return self.ours

    def _check(self, request: Request) -> None:
        check(request, model=self.name, kind=self.kind, size=self.size, abilities=self.abilities)

    def _story(self, prepared: Prepared, seed: int) -> Story:
        request, used = prepared.request, self.settings(prepared.request)
        edge = request.size or self.size
        return Story(
            **prepared.told,
            **used.model_dump(include={"guidance", "steps", "sampler", "temperature", "top_p"}),
            seed=seed,
            model=self.name,
            model_sha256=self.sha256,
            family=self.kind,
            width=edge,
            height=edge,
            edits=tuple(e.label for e in self.edits if e.concerns(request.prompt, request.negative_prompt)),
            mindseye_version=__version__,
        )


def _looks(maps: WordMaps) -> Looks:
    return tuple((word, each.numpy()) for word, each in maps)


def load(name_or_path: str | Path, *, device: str | None = None) -> Imaginer:
    """Opens a model: a shipped one by name ("emoji"), any of ours by its folder (a run folder will do), or a
    text-to-image pipeline of the diffusers library by its folder or its name on the model hub.

    Args:
        name_or_path: the model.
        device: "cpu", "cuda" or "mps"; the best there is unless given.

    Raises:
        BadInput: there is no such model, or it is damaged.
    """
    device = device or best_device()
    if pipeline := find_pipeline(name_or_path):
        from mindseye.imagine.pipelines.painter import open_painter  # opens the diffusers library, which takes seconds

        return Imaginer(pipeline, Path(name_or_path).resolve().name, open_painter(pipeline, device))
    folder = find_model(name_or_path)
    family, model, about = load_model(folder, family_named)
    painter = (family.painter or FamilyPainter)(folder, family, model.eval().to(device), about)
    imaginer, words = Imaginer(folder, about.name, painter, about), taught_words(folder)
    return imaginer.corrected(words) if words else imaginer

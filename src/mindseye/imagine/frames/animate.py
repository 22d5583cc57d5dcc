"""A model of films for people: their frames in, the frames that follow out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.errors import BadInput
from mindseye.imagine.frames import LEARNER
from mindseye.imagine.frames.model import Frames
from mindseye.learn.about import About
from mindseye.learn.device import best_device
from mindseye.learn.folder import find_model, load_model, palette, vocabulary
from mindseye.learn.learner import Learner
from mindseye.pictures.film import MOST_FRAMES, open_film
from mindseye.pictures.snap import snapped
from mindseye.pictures.tensors import fit, from_model, to_model
from mindseye.randomness import SEED_LIMIT

Films = UInt8[np.ndarray, "frame height width channel"]


@dataclass(frozen=True)
class Animation:
    """A film that was gone on with.

    Attributes:
        given: the frames that it was gone on from, the last ones of those given.
        imagined: the frames that follow; uint8, straight alpha.
        actions: what was done before each of them; none where nothing was said.
        seed: of what was left to chance.
        notes: what a person should know before trusting them.
    """

    given: Films
    imagined: Films
    actions: tuple[str, ...]
    seed: int
    notes: tuple[str, ...]

    @property
    def frames(self) -> list[NDArray[np.uint8]]:
        """All frames, the given ones first."""
        return [*self.given, *self.imagined]

    @property
    def captions(self) -> list[str]:
        """What each frame is, for a sheet."""
        actions = self.actions or ("",) * len(self.imagined)
        given = [f"given {number}" for number in range(1, len(self.given) + 1)]
        return [*given, *(f"imagined {number} {action}".rstrip() for number, action in enumerate(actions, start=1))]


class Animator:
    """A model ready to go on with films.

    Attributes:
        path: its folder.
        model: its network.
        about: what the folder says of its training.
    """

    def __init__(self, path: Path, model: Frames, about: About) -> None:
        self.path, self.model, self.about = path, model, about
        self.config = model.config
        self.palette = palette(path)

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that it has seen in its training; none if its films were of what moves by itself."""
        seen = vocabulary(self.path)
        return tuple(action for action in self.config.actions if action in seen)

    def open_frames(self, paths: Sequence[Path]) -> Films:
        """Frames from files, as the model sees them: an animated GIF, a sheet (frames row by row), or one file a frame.

        Raises:
            PictureError: a file cannot be used.
            BadInput: they are no frames of the model's size.
        """
        edge, channels = self.config.frame_px, self.config.channels
        if not paths:
            raise BadInput("no frames were given", next_step="give a GIF, a sheet, or a file a frame", field="frames")
        films = [open_film(path) for path in paths]
        if len(films) == len(films[0]) == 1:
            cells = _cells(films[0][0], edge, paths[0])
        else:
            cells = [_frame(each, edge, path) for path, film in zip(paths, films, strict=True) for each in film]
        return np.stack([fit(cell, edge, channels, pixel_art=True) for cell in cells])

    def animate(
        self,
        frames: Films,
        actions: str | Sequence[str] = (),
        *,
        count: int | None = None,
        seed: int = 0,
        watch: Callable[[float], None] = lambda share: None,
    ) -> Animation:
        """Goes on with a film.

        Args:
            frames: as `open_frames` gives them; the last ones are gone on from, as many as the model looks at.
            actions: what is done before each new frame, as words.
            count: new frames; as many as actions, or as a film of its training has after the given ones.
            seed: 0 to 2^32 - 1; of no concern to networks that leave nothing to chance.
            watch: called with the share done.

        Raises:
            BadInput: too few frames, unknown actions or too few or many of them, a count or seed out of range.
        """
        words = tuple(actions.lower().split()) if isinstance(actions, str) else tuple(actions)
        context = self.config.context
        if frames.shape[1:] != (self.config.frame_px, self.config.frame_px, self.config.channels):
            raise BadInput(f"frames are of the shape {frames.shape[1:]}", next_step="use open_frames", field="frames")
        if len(frames) < context:
            raise BadInput(
                f"too few frames: {len(frames)}",
                why=f"this model looks at {context} frames to see how things move",
                next_step=f"give {context} or more",
                field="frames",
            )
        self._check_actions(words)
        count = self._count(count, words)
        if not 0 <= seed < SEED_LIMIT:
            raise BadInput(f"seed cannot be {seed}", next_step="use 0 to 4294967295", field="seed")
        read = torch.zeros(1, count, len(self.config.actions))
        for step, word in enumerate(words):
            read[0, step, self.config.actions.index(word)] = 1
        given = frames[-context:]
        imagined = []
        for step, frame in enumerate(self.model.go_on(to_model(given)[None], read, [seed]), start=1):
            imagined.append(frame[0].clamp(-1, 1).cpu())
            watch(step / count)
        pixels = from_model(torch.stack(imagined))
        pixels = snapped(pixels, self.palette) if self.palette else pixels
        return Animation(given, pixels, words, seed, tuple(self._notes(words, count, seed)))

    def _check_actions(self, words: Sequence[str]) -> None:
        known = self.actions
        if words and not known:
            raise BadInput(
                "actions cannot be given: this model knows none",
                why="the captions of its training were no series of actions",
                next_step="leave --actions out, or train on films whose captions are actions",
                field="actions",
            )
        unknown = [word for word in dict.fromkeys(words) if word not in known]
        if unknown:
            raise BadInput(
                f"unknown actions: {', '.join(unknown)}",
                next_step=f"use those of its training: {', '.join(known)}",
                field="actions",
            )

    def _count(self, count: int | None, words: Sequence[str]) -> int:
        if count is None:
            count = len(words) or self.config.frames - self.config.context
        if not 1 <= count <= MOST_FRAMES:
            raise BadInput(f"count cannot be {count}", next_step=f"ask for 1 to {MOST_FRAMES} frames", field="count")
        if words and len(words) != count:
            raise BadInput(
                f"{len(words)} actions do not go with {count} frames",
                why="each new frame has one action",
                next_step=f"give {count} actions, or leave --count out",
                field="actions",
            )
        return count

    def _notes(self, words: Sequence[str], count: int, seed: int) -> list[str]:
        notes = []
        if self.actions and not words:
            notes.append(f"it has learnt to be steered (by {', '.join(self.actions)}), and no actions were given")
        if seed and not self.model.kind.by_chance:
            notes.append(f"a {self.config.network} network leaves nothing to chance: every seed gives the same frames")
        if count > self.config.frames - self.config.context:
            notes.append(f"it has seen films of {self.config.frames} frames; what comes after so many is a guess")
        return notes


def animate(
    model: str | Path,
    frames: Sequence[str | Path],
    actions: str | Sequence[str] = (),
    *,
    count: int | None = None,
    seed: int = 0,
) -> Animation:
    """Goes on with a film: `mindseye.animate("runs/joystick", ["first.gif"], "right right up").frames`.

    Args:
        model: a model of films, by its folder; a run folder will do.
        frames: files, as `Animator.open_frames` takes them.
        actions, count, seed: as `Animator.animate` takes them.

    Raises:
        BadInput: as `open_animator`, `Animator.open_frames` and `Animator.animate`.
    """
    animator = open_animator(model)
    return animator.animate(animator.open_frames([Path(each) for each in frames]), actions, count=count, seed=seed)


def open_animator(name_or_path: str | Path, *, device: str | None = None) -> Animator:
    """Opens a model of films by its folder; a run folder will do.

    Args:
        device: "cpu", "cuda" or "mps"; the best there is unless given.

    Raises:
        BadInput: there is no such model, it is damaged, or of another kind.
    """
    folder = find_model(name_or_path)

    def only_frames(name: str) -> Learner:
        if name != LEARNER.name:
            raise BadInput(
                f"{name_or_path} is a model of the kind {name}, which does not go on with films",
                next_step="use a model of films (mindseye train frames COLLECTION --out RUN)",
                field="model",
            )
        return LEARNER

    _, model, about = load_model(folder, only_frames)
    return Animator(folder, model.to(device or best_device()), about)


def _cells(sheet: Image.Image, edge: int, path: Path) -> list[Image.Image]:
    """The frames of a sheet, row by row."""
    if sheet.width % edge or sheet.height % edge:
        raise _wrong_size(sheet, edge, path, "no sheet of them")
    return [
        sheet.crop((left, top, left + edge, top + edge))
        for top in range(0, sheet.height, edge)
        for left in range(0, sheet.width, edge)
    ]


def _frame(image: Image.Image, edge: int, path: Path) -> Image.Image:
    """A frame of the model's size; one that was enlarged by repeating its pixels is reduced again."""
    times, rest = divmod(image.width, edge)
    if image.width == image.height and times and not rest:
        small = image.resize((edge, edge), Image.Resampling.NEAREST)
        if small.resize(image.size, Image.Resampling.NEAREST).tobytes() == image.tobytes():
            return small
    raise _wrong_size(image, edge, path, "another size")


def _wrong_size(image: Image.Image, edge: int, path: Path, what: str) -> BadInput:
    return BadInput(
        f"frames: {path.name} is {image.width} x {image.height} px, {what}",
        why=f"the frames of this model are {edge} x {edge} px",
        next_step=f"give frames of {edge} x {edge} px: a GIF, a sheet of them row by row, or one file a frame",
        field="frames",
    )

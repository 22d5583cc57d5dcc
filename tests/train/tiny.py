"""A real family, small enough to train in milliseconds, and a collection for it; also a program that trains it.

python tiny.py RUN_FOLDER COLLECTION_FOLDER KEY=VALUE...
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mindseye.collection.collection import Collection, Example, open_prepared, write_collection
from mindseye.errors import MindseyeError
from mindseye.imagine.family import CARD, Abilities, Family, Given, Progress, Settings
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws, Objective, PictureFormat
from mindseye.observe.text import load_text_encoder
from mindseye.train.loop import train
from mindseye.train.signals import Interrupted

SIZE_PX = 8


class TinyConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int
    channels: int
    text_width: int
    width: int = 16
    rival: bool = False  # a second objective with its own parameters
    rival_every: int = 1  # in which steps it moves them
    visible: bool = False  # add the root of what is seen of the guess: finite, but not its gradient at an invisible one
    brightness: bool = False  # divide the loss by each picture's opacity: infinite for an invisible one

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "tiny") -> Self:
        return cls(size_px=pictures.size_px, channels=pictures.channels, text_width=384)


class Tiny(nn.Module):
    """Guesses a picture from its caption and a noisy look at it."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = (config.channels, config.size_px, config.size_px)
        numbers = config.channels * config.size_px**2
        self.words_in = nn.Linear(config.text_width + numbers, config.width)
        self.blocks = nn.ModuleList([nn.Linear(config.width, config.width)])
        self.out = nn.Linear(config.width, numbers)
        if config.rival:
            self.rival = nn.Parameter(torch.ones(3))

    def forward(self, look: Tensor, words: Words) -> Any:
        hidden = torch.tanh(self.words_in(torch.cat([words.sentence, look.flatten(1)], dim=1)))
        return self.out(hidden + torch.tanh(self.blocks[0](hidden))).unflatten(1, self.shape).float()

    def objectives(self) -> Sequence[Objective]:
        names = frozenset(name for name, _ in self.named_parameters())
        mine = Objective("picture", names - {"rival"}, self._draw, self._loss)
        other = Objective(
            "rival",
            frozenset({"rival"}),
            lambda rng: {"x": np.float32(rng.random())},
            self._rival_loss,
            every=self.config.rival_every,
            compiles=False,
            comparable=False,
        )
        return [mine, other] if self.config.rival else [mine]

    def _draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {"noise": rng.standard_normal(self.shape, dtype=np.float32)}

    @staticmethod
    def _loss(model: Any, batch: Batch, draws: Draws) -> Tensor:
        guess = model(batch.pictures + draws["noise"], batch.words)
        error: Tensor = (guess - batch.pictures).square().flatten(1).mean(1)
        if model.config.visible:
            error = error + (guess * (batch.pictures[:, -1:] + 1)).square().flatten(1).mean(1).sqrt()
        if model.config.brightness:
            error = error / (batch.pictures[:, -1].flatten(1).mean(1) + 1)
        return error.mean()

    @staticmethod
    def _rival_loss(model: Any, batch: Batch, draws: Draws) -> Tensor:
        weights = sum(parameter.square().sum() for parameter in model.parameters())  # would move everything, if let
        loss: Tensor = weights + (model.rival * draws["x"].mean()).sum()
        return loss

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[int],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        look = torch.zeros(len(seeds), *self.shape)
        yield Progress(1, 2, look)
        yield Progress(2, 2, self(look, words).clamp(-1, 1))


def build(config: TinyConfig, seed: int) -> Tiny:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Tiny(config)


def save(model: Tiny, folder: Path) -> None:
    save_file(model.state_dict(), folder / "weights.safetensors")


def load(config: TinyConfig, folder: Path) -> Tiny:
    model = Tiny(config)
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    return model


FAMILY = Family(
    name="tiny",
    title="Guesses a picture",
    config=TinyConfig,
    presets=("tiny",),
    build=build,
    save=save,
    load=load,
    card=CARD,
    abilities=Abilities(prompt=True),
)
FAST = {"compile": "false", "threads": "1", "precision": "float32", "batch_size": "8", "warmup_pictures": "0"}


def example(index: int, opacity: int = 255) -> Example:
    """A picture of one colour; two pictures a concept, two captions a picture."""
    pixels = np.zeros((SIZE_PX, SIZE_PX, 4), np.uint8)
    pixels[..., :3] = np.random.default_rng(index).integers(0, 256, 3)
    pixels[1:-1, 1:-1, 3] = opacity
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    captions = (f"a square of kind {index // 2}", f"square {index}")
    return Example(png.getvalue(), f"square{index:02d}.png", captions, f"kind {index // 2}", f"{index // 2}", "test")


def make_collection(folder: Path, extra: Sequence[Example] = ()) -> Collection:
    """20 pictures to train on and 4 to validate with."""
    splits = {"train": [*map(example, range(20)), *extra], "validation": [example(index) for index in range(20, 24)]}
    return write_collection(folder, splits, {"size_px": SIZE_PX, "transparent": True, "pixel_art": False})


def main(arguments: Sequence[str]) -> int:
    """Trains; returns the exit code."""
    settings = FAST | dict(pair.split("=") for pair in arguments[2:])
    try:
        train(FAMILY, open_prepared(Path(arguments[1])), arguments[0], settings=settings, log=print)
    except (MindseyeError, Interrupted) as error:
        print(error)
        return error.exit_code
    return 0


def nursery() -> None:
    """Imports everything, then answers lines of JSON: a list of arguments with the id of a new process that trains so,
    and such an id with the exit code of that process, once it has ended."""
    load_text_encoder()
    for line in sys.stdin:
        request = json.loads(line)
        if isinstance(request, int):
            print(os.waitstatus_to_exitcode(os.waitpid(request, 0)[1]), flush=True)
            continue
        child = os.fork()
        if child == 0:
            os.dup2(os.open(request[0] + ".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            os._exit(main(request))
        print(child, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--nursery":
        nursery()
    else:
        sys.exit(main(sys.argv[1:]))

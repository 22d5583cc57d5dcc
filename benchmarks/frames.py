"""How well do films go on? The worlds of moving sprites, a JSON line for each prediction in each world.

    python benchmarks/frames.py --minutes 30 --out bench-frames > frames.jsonl             # trains all arms
    python benchmarks/frames.py --models cdna=bench-frames/cdna-bouncing > cdna.jsonl      # judges trained models
    python benchmarks/frames.py --models cdna=... flow=... --sheet frames.png              # and shows them

Two frames are given, the rest is predicted. Each line has, for every frame after the given ones, the means over the
films of PSNR in dB (an exact frame counts as 48.1), SSIM, and the distance in pixels from the sprite's true place to
the place where it is found in the predicted frame; and how much of the sprite is left (its mass, 1 is all). Where
somebody steers, the action error is the share of steps in which the action that is read off the predicted frames, from
one to the next, would not have moved the sprite as the one that was asked for.

`copy-last` and `constant-velocity` learn nothing. Where chance has a say, a line with `best_of` N is of the best
of N films by its mean PSNR, chosen by looking at the truth: it flatters, and says only that the truth was among N.

The same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import mindseye
from mindseye.collection.builtin.moving.decode import action_between, place_of
from mindseye.collection.builtin.moving.picture import frames_of
from mindseye.collection.builtin.moving.scene import WORLDS, Film, film_at, moved
from mindseye.imagine.frames.animate import Animator, open_animator
from mindseye.imagine.frames.films import ActionReader, actions_of
from mindseye.imagine.frames.measure import constant_velocity, copy_last, psnr, ssim
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.tensors import from_model, to_model
from record import circumstances, say

ARMS = {
    "cdna": {"model.network": "cdna"},
    "convlstm": {"model.network": "convlstm"},
    "flow": {"model.network": "flow"},
}
STEERED = {"cdna, no actions": {"model.network": "cdna", "model.actions": "[]"}}  # on the joystick's films only
GIVEN, AT_ONCE = 2, 50
SHOWN = (1, 2, 4, 6, 8, 10)  # frames after the given ones, on the sheet

Films = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="of training, for each arm in each world")
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--models", nargs="+", default=[], metavar="NAME=RUN", help="judge these, train nothing")
    parser.add_argument("--films", type=int, default=200, help="in each world; none of them is trained on")
    parser.add_argument("--best-of", type=int, default=8, help="films by chance, of which the best is told, too")
    parser.add_argument("--out", type=Path, default=Path("bench-frames"), help="folder of the runs")
    parser.add_argument("--sheet", type=Path, help="a PNG that shows a film of each world")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    tiles: list[tuple[str, Films]] = []
    for world in asked.worlds:
        films = [film_at(world, 0, "benchmark", index, frame_px=16) for index in range(asked.films)]
        true = np.stack([frames_of(film) for film in films])
        shown = an_eventful_one(films)
        tiles.append((f"{world}: truth", true[shown, GIVEN:]))
        for name, of, predicted in predictions(asked, world, films, true):
            tell(films, predicted, true[:, GIVEN:], world=world, model=name, **of)
            if name != "constant-velocity" and "best_of" not in of:
                tiles.append((name, predicted[shown]))
    if asked.sheet:
        rows = [film[[step - 1 for step in SHOWN]] for _, film in tiles]
        captions = [f"{name}, t+{step}" for name, _ in tiles for step in SHOWN]
        contact_sheet(list(np.concatenate(rows)), captions, columns=len(SHOWN), scale=4).save(asked.sheet, "PNG")


def predictions(
    asked: argparse.Namespace, world: str, films: Sequence[Film], true: Films
) -> Iterator[tuple[str, dict[str, Any], Films]]:
    """Of each way to go on its name, what is told of it, and the frames."""
    count = true.shape[1] - GIVEN
    yield "copy-last", {}, copy_last(true[:, :GIVEN], count)
    yield "constant-velocity", {}, constant_velocity(true[:, :GIVEN], count)
    for name, animator in models(asked, world):
        seen = animator.about.training
        told = {"pictures_seen": seen.pictures_seen, "minutes": round(60 * seen.hours, 1)}
        tries = [gone_on(animator, films, true, seed) for seed in range(asked.best_of)][
            : None if chance(animator) else 1
        ]
        yield name, told, tries[0]
        if len(tries) > 1:
            scores = np.stack([psnr(each, true[:, GIVEN:]).mean(1) for each in tries])
            best = np.stack([tries[one][row] for row, one in enumerate(scores.argmax(0))])
            yield name, told | {"best_of": len(tries)}, best


def models(asked: argparse.Namespace, world: str) -> Iterator[tuple[str, Animator]]:
    """The models of films of this world."""
    for name, _, run in (each.partition("=") for each in asked.models):
        animator = open_animator(run, device="cpu")
        if animator.about.collection.name == world:
            yield name, animator
    if asked.models:
        return
    for name, settings in (ARMS | (STEERED if world == "joystick" else {})).items():
        say(f"{name} on {world}")
        run = mindseye.train(
            "frames",
            mindseye.open_collection(world),
            asked.out / f"{name.replace(', ', '-').replace(' ', '-')}-{world}",
            minutes=asked.minutes,
            recipe="frames",
            settings=settings,
        )
        yield name, open_animator(run.path, device="cpu")


def chance(animator: Animator) -> bool:
    return animator.model.kind.by_chance


def gone_on(animator: Animator, films: Sequence[Film], true: Films, seed: int) -> Films:
    """All frames after the given ones, of all films, with the actions that were done in them."""
    config = animator.config
    words = ActionReader(config).encode_together([film.caption for film in films])
    actions = actions_of(words, config)[:, GIVEN - 1 :]
    parts = []
    for begin in range(0, len(films), AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        seeds = [seed * len(films) + row for row in range(len(films))][some]
        frames = list(animator.model.go_on(to_model(true[some, GIVEN - config.context : GIVEN]), actions[some], seeds))
        parts.append(from_model(torch.stack(frames, dim=1).clamp(-1, 1)))
    return np.concatenate(parts)


def tell(films: Sequence[Film], predicted: Films, true: Films, **of: Any) -> None:
    """Judges the frames and prints the line."""
    found = [[place_of(frame, film.sprites[0]) for frame in made] for made, film in zip(predicted, films, strict=True)]
    places = np.array([film.sprites[0].places[GIVEN:] for film in films])
    distance = np.linalg.norm(np.array(found) - places, axis=2)
    ratio = psnr(predicted, true)
    mass = predicted.astype(float).sum((2, 3, 4)) / true.astype(float).sum((2, 3, 4))
    line = {
        **of,
        "n": len(films),
        "psnr_db": rounded(ratio),
        "psnr_db_95": [round(float(1.96 * one.std() / len(films) ** 0.5), 2) for one in ratio.T],
        "ssim": rounded(ssim(predicted, true), 3),
        "place_error_px": rounded(distance),
        "mass": rounded(mass),
        "mass_off_by_a_fifth": round(float((np.abs(mass - 1) > 0.2).mean()), 3),
    }
    if films[0].actions:
        line["action_error"] = round(action_error(films, found), 3)
    print(json.dumps(line | circumstances()), flush=True)


def action_error(films: Sequence[Film], found: Sequence[Sequence[tuple[int, int]]]) -> float:
    """The share of steps between predicted frames whose action cannot be read off them as it was asked for."""
    wrong = []
    for film, places in zip(films, found, strict=True):
        for before, after, asked in zip(places, places[1:], film.actions[GIVEN:], strict=False):
            read = action_between(before, after, film.frame_px)
            wrong.append(read is None or moved(before, asked, film.frame_px) != after)
    return float(np.mean(wrong))


def an_eventful_one(films: Sequence[Film]) -> int:
    """The film that turns most often soon after the given frames; the first of equals."""
    turns = [np.abs(np.diff(film.sprites[0].places, n=2, axis=0))[1:8].any(1).sum() for film in films[:50]]
    return int(np.argmax(turns))


def rounded(of: NDArray[np.float64], digits: int = 2) -> list[float]:
    """The mean over the films of each frame."""
    return [round(float(value), digits) for value in of.mean(0)]


if __name__ == "__main__":
    main()

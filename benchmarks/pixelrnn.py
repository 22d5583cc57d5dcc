"""The course experiment ("Pokemon creation"): sprites of 20 x 20 pixels, one colour index after another.

    MINDSEYE_BENCH_DATA=/path/to/data python benchmarks/pixelrnn.py --minutes 4 --out bench > pixelrnn.jsonl
    python benchmarks/pixelrnn.py --arms gpt course --only bits
    python benchmarks/pixelrnn.py --split homework        as in the homework that is set on these sprites

`$MINDSEYE_BENCH_DATA/pokemon_creation` holds the course's two files. One JSON line a figure on standard output:

    bits      bits a pixel of held-out pictures, over all pixels and over those that are not background, beside the
              uniform distribution, the colours' frequencies, the same at each place, and a mixture of copying the
              pixel to the left, copying the one above, and the frequencies (its weights learnt by EM)
    complete  held-out pictures completed from their upper 60 % (the homework), 50 % and 25 % (the course): bits a pixel
              of the hidden part, and how many of its pixels become what they are, drawn at temperature 0 and by chance,
              beside repeating the last row; the first three are named by their row in the file
    free      pictures drawn from nothing, by arg-max (which always draws the same one), temperature and top-p: how many
              are different, how like the nearest training picture they are, their kernel distance to held-out ones
    speed     pictures drawn a second, with what the network remembers, beside the same network without and beside the
              way that pytorch-generative samples (`peers/anew.py`), at a batch of 1 and of 64; goals: 3 and 30 times.
              Those two look at the whole picture for each pixel. At 64 some looks are timed (`peer_looks_timed`), from
              which the whole drawing follows, since every look costs the same

Held out are whole groups of look-alikes. With `--split homework` it is 80 pictures by chance and 80 more that nothing
is done with, and the rest is trained on: relatives of those held out are among it, so its figures look better.

An arm is a training of --minutes on the machine; its run is kept in --out and not done again.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mindseye.collection.collect import collect
from mindseye.collection.collection import Collection, is_prepared, open_prepared, write_collection
from mindseye.imagine.families import family
from mindseye.imagine.family import Given, Settings, last_pictures
from mindseye.learn.batch import Words
from mindseye.learn.folder import load_model
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.tensors import from_model, to_model
from mindseye.randomness import rng_at
from mindseye.think.distribution import kid
from mindseye.train.loop import train
from peers import anew, guesses
from record import print_figure, say

ARMS: dict[str, dict[str, str]] = {
    "gpt": {},
    "gpt-mirror": {"model.mirror": "0.5"},
    "course": {"preset": "course"},
    "gated-pixelcnn": {"model.network": "gated-pixelcnn"},
    "pixelcnn": {"model.network": "pixelcnn"},
    "row-lstm": {"model.network": "row-lstm"},
    "diagonal-bilstm": {"model.network": "diagonal-bilstm"},
}
KEPT = (0.6, 0.5, 0.25)  # of a picture that is to be completed
NAMED = 3  # completed pictures whose names are in the line
HOMEWORK = {"validation": 80, "test": 80}  # pictures; the rest is trained on
COMPLETED = 16  # held-out pictures that are completed, the first ones
BATCHES = {1: (3.0, 400), 64: (30.0, 20)}  # pictures at once: how many times as fast, looks of the peers that are timed
DRAWN = 64  # pictures from nothing
WAYS = {
    "arg-max": Settings(temperature=0.0, top_p=1.0),
    "temperature 0.7": Settings(temperature=0.7, top_p=1.0),
    "temperature 1": Settings(temperature=1.0, top_p=1.0),
    "top-p 0.95": Settings(temperature=1.0, top_p=0.95),
    "top-p 0.8": Settings(temperature=1.0, top_p=0.8),
}


@dataclass(frozen=True)
class Trial:
    """A trained arm and what it is measured on.

    Attributes:
        name: of the arm.
        model: trained.
        seen, held_out: colour indices [picture, height, width] of the two splits, by the model's palette.
        pictures: the held-out ones, as the model sees them.
        names: theirs, "row-00001.png" for the first row of the file.
        words: their captions (there are none in this collection: all empty).
        facts: in every line.
    """

    name: str
    model: Any
    seen: NDArray[np.int64]
    held_out: NDArray[np.int64]
    pictures: Tensor
    names: list[str]
    words: Words
    facts: dict[str, Any]


# --------------------------------------------------------------------------------------------------- bits


def bits(trial: Trial) -> None:
    """Bits a pixel of held-out pictures, beside the simple ways to guess a pixel."""
    ours = trial.model.likelihood(trial.pictures, trial.words).numpy()
    background = np.bincount(trial.seen.flatten()).argmax()
    drawn = trial.held_out != background
    for peer_name, guess in guesses.GUESSES.items():
        theirs = -np.log2(guess(trial.seen, trial.held_out, trial.model.pixels.levels))
        for where, pixels in (("all pixels", np.ones_like(drawn)), ("without background", drawn)):
            print_figure(
                f"bits a pixel, held out, {where}",
                ours[pixels].mean(),
                theirs[pixels].mean(),
                peer_name,
                "bits",
                better="lower",
                ours_error=_error_of_mean(ours, pixels),
                pixels=int(pixels.sum()),
                **trial.facts,
            )


def _error_of_mean(values: NDArray[Any], pixels: NDArray[np.bool_]) -> float:
    """Standard error of the mean over `pixels`, pictures being the independent ones."""
    sums, counts = (values * pixels).sum((1, 2)), pixels.sum((1, 2))
    residuals = sums - sums.sum() / counts.sum() * counts
    return round(float(np.sqrt((residuals**2).sum()) / counts.sum()), 4)


# ----------------------------------------------------------------------------------------------- complete


def complete(trial: Trial) -> None:
    """Held-out pictures from their upper part."""
    size = trial.held_out.shape[1]
    ours = trial.model.likelihood(trial.pictures, trial.words).numpy()
    copied = -np.log2(guesses.copying(trial.seen, trial.held_out, trial.model.pixels.levels))
    for share in KEPT:
        rows = round(size * share)
        how = {"kept": share, **trial.facts}
        hidden = np.zeros((size, size), bool)
        hidden[rows:] = True
        figure = "bits a pixel of the hidden part"
        print_figure(
            figure, ours[:, rows:].mean(), copied[:, rows:].mean(), "copy left or above", "bits", better="lower", **how
        )
        repeated = np.repeat(trial.held_out[:COMPLETED, rows - 1 : rows], size - rows, axis=1)
        wanted = trial.held_out[:COMPLETED, rows:]
        for temperature in (0.0, 1.0):
            drawn = np.stack([
                _completed(trial, index, torch.from_numpy(~hidden), temperature)[rows:]
                for index in range(len(wanted))
            ])  # fmt: skip
            print_figure(
                "pixels of the hidden part as they are",
                (drawn == wanted).mean(),
                (repeated == wanted).mean(),
                "repeat the last row",
                "share",
                better="higher",
                temperature=temperature,
                pictures=len(wanted),
                rows=trial.names[:NAMED],
                **how,
            )


def _completed(trial: Trial, index: int, known: Tensor, temperature: float) -> NDArray[np.int64]:
    given = Given(trial.pictures[index], known)
    settings = Settings(temperature=temperature)
    drawing = trial.model.draw(trial.words.rows([index]), None, [index], settings, given)
    return trial.model.pixels.read(last_pictures(drawing))[0, ..., 0].numpy()


# --------------------------------------------------------------------------------------------------- free


def free(trial: Trial) -> None:
    """Pictures from nothing, picture i with the seed i, beside as many held-out ones."""
    real = trial.held_out[:DRAWN]
    as_people_see = partial(_features, load_picture_encoder(), trial)
    all_held_out = as_people_see(trial.held_out)
    for name, settings in WAYS.items():
        drawn = _drawn(trial, settings)
        how = {"temperature": settings.temperature, "top_p": settings.top_p, "drawn": len(drawn), **trial.facts}
        different = len(np.unique(drawn.reshape(len(drawn), -1), axis=0))
        always_the_same = {"goal": 1} if settings.temperature == 0 else {}
        print_figure(
            f"different pictures, {name}",
            different,
            len(np.unique(real.reshape(len(real), -1), axis=0)),
            f"{len(real)} held-out pictures",
            "pictures",
            better="lower" if always_the_same else "higher",
            **always_the_same,
            **how,
        )
        print_figure(
            f"pixels as in the nearest training picture, {name}",
            _like_the_nearest(drawn, trial.seen),
            _like_the_nearest(real, trial.seen),
            f"{len(real)} held-out pictures",
            "share",
            better="lower",
            copies=int((_nearest(drawn, trial.seen) == 1).sum()),
            **how,
        )
        distance = kid(all_held_out, as_people_see(drawn), encoder="efficientnet-lite0")
        print_figure(
            f"kernel distance to held-out pictures, {name}",
            distance.value,
            None,
            "none: equal sets have 0",
            "KID",
            better="lower",
            low=round(distance.low, 4),
            high=round(distance.high, 4),
            **how,
        )


def _drawn(trial: Trial, settings: Settings) -> NDArray[np.int64]:
    """Colour indices of pictures drawn without a caption."""
    drawing = trial.model.draw(trial.words.rows([0] * DRAWN), None, range(DRAWN), settings)
    return trial.model.pixels.read(last_pictures(drawing))[..., 0].numpy()


def _nearest(pictures: NDArray[np.int64], seen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each picture the share of pixels that are as in the training picture which has most of them."""
    return np.array([(one == seen).mean((1, 2)).max() for one in pictures])


def _like_the_nearest(pictures: NDArray[np.int64], seen: NDArray[np.int64]) -> float:
    return float(_nearest(pictures, seen).mean())


def _features(encoder: PictureEncoder, trial: Trial, indices: NDArray[np.int64]) -> Tensor:
    return encoder.encode(from_model(trial.model.pixels.show(torch.from_numpy(indices)[..., None]))).pooled


# -------------------------------------------------------------------------------------------------- speed


def speed(trial: Trial) -> None:
    """Pictures drawn a second, with a memory of what was computed for the pixels before, and by peers without one."""
    for batch, (goal, looks) in BATCHES.items():
        words = trial.words.rows([0] * batch)
        ours = _pictures_a_second(trial.model, words)
        for name in anew.PEERS:
            theirs = anew.rate(name, trial.model, words, looks)
            print_figure(
                f"drawing, batch of {batch}",
                ours,
                theirs.pictures_a_second,
                name,
                "pictures/s",
                better="higher",
                goal_ratio=goal,
                peer_looks_timed=theirs.looks,
                peer_looks_a_picture=trial.model.config.size_px**2,
                threads=torch.get_num_threads(),
                **trial.facts,
            )


def _pictures_a_second(model: Any, words: Words) -> float:
    count = len(words.mask)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        for _ in model.draw(words, None, range(count), Settings()):
            pass
        seconds.append(time.perf_counter() - began)
    return count / float(np.median(seconds))


# --------------------------------------------------------------------------------------------------- main


def trained(name: str, collection: Collection, minutes: float, folder: Path) -> Trial:
    """Trains an arm, or takes up what was trained before."""
    path = folder / f"{name}-{collection.name}-{minutes:g}"
    run = train("pixelrnn", collection, path, minutes=minutes, settings=ARMS[name], log=say)
    _, model, about = load_model(run.model, family)
    splits = {split: collection.splits[split] for split in ("train", "validation")}
    pictures = {split: to_model(part.arrays(model.config.size_px, 3, True)) for split, part in splits.items()}
    seen, held_out = (model.pixels.read(each)[..., 0].numpy() for each in pictures.values())
    return Trial(
        name,
        model,
        seen,
        held_out,
        pictures["validation"],
        splits["validation"].file_names,
        load_text_encoder().encode([""]).rows([0] * len(held_out)),
        {
            "ours_name": name,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "minutes": minutes,
            "pictures_seen": about.training.pictures_seen,
            "pictures_trained_on": len(seen),
            "pictures_held_out": len(held_out),
            "colours": model.pixels.levels,
            "split": collection.name,
        },
    )


def by_look_alikes(out: Path) -> Collection:
    """The sprites as `mindseye collect` splits them."""
    prepared = out / "pokemon"
    source = f"pokemon-creation:{Path(os.environ['MINDSEYE_BENCH_DATA']) / 'pokemon_creation'}"
    return open_prepared(prepared) if is_prepared(prepared) else collect(source, prepared, captions="none")


def as_the_homework(out: Path) -> Collection:
    """The same sprites in the homework's numbers, assigned by chance: its own assignment is not in the files."""
    prepared = out / "homework"
    if is_prepared(prepared):
        return open_prepared(prepared)
    whole = by_look_alikes(out)
    every = sorted((example for split in whole.splits.values() for example in split), key=lambda each: each.file_name)
    left = [every[index] for index in rng_at(0, "homework").permutation(len(every))]
    splits = {}
    for name, count in HOMEWORK.items():
        splits[name], left = left[:count], left[count:]
    return write_collection(prepared, {"train": left, **splits}, whole.info)


SPLITS = {"look-alike": by_look_alikes, "homework": as_the_homework}
FIGURES: tuple[Callable[[Trial], None], ...] = (bits, complete, free, speed)


def main() -> None:
    names = [figure.__name__ for figure in FIGURES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["gpt", "course"], help="[gpt course]")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these figures alone")
    parser.add_argument("--split", choices=SPLITS, default="look-alike", help="what is held out [look-alike]")
    parser.add_argument("--minutes", type=float, default=4.0, help="of training, for each arm [4]")
    parser.add_argument("--out", type=Path, default=Path("bench-pixelrnn"), help="folder of the runs")
    asked = parser.parse_args()
    if "MINDSEYE_BENCH_DATA" not in os.environ:
        raise SystemExit("set MINDSEYE_BENCH_DATA to the folder that holds pokemon_creation/")
    collection = SPLITS[asked.split](asked.out)
    for arm in asked.arms:
        say(f"--- {arm}")
        torch._dynamo.reset()
        trial = trained(arm, collection, asked.minutes, asked.out)
        for figure in FIGURES:
            if figure.__name__ in asked.only:
                figure(trial)


if __name__ == "__main__":
    main()

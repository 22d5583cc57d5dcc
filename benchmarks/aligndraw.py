"""Does a model draw what its training never showed? The digits world, for each arm a JSON line a split.

    python benchmarks/aligndraw.py --minutes 60 --seeds 0 --out bench-aligndraw > aligndraw.jsonl

Each arm (alignment, none, a sentence vector) is trained on `digits`, where at every place one digit is banned, and
asked for scenes of the kind that it saw and for scenes with a banned digit in its place. A judge that is not told the
prompt reads each picture back. The rows `real` (pictures of the world itself, so the judge's own accuracy) and
`shuffled` (the same pictures, each with the prompt of another) are what there is to reach and what is got by chance.

`--only align` trains one arm; `--models NAME=RUN ...` judges models that are trained already, of any family. The same
command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mindseye
from mindseye.collection.builtin.digits.decode import decode
from mindseye.collection.builtin.digits.pen import draw
from mindseye.collection.builtin.digits.scene import Scene, banned, scene_at
from mindseye.imagine.imaginer import Imaginer
from mindseye.randomness import rng_at
from mindseye.think.figure import block_numbers, share_interval
from mindseye.train.run import RunFolder
from record import circumstances, say

ARMS = {arm: {"model.reader": arm} for arm in ("align", "noalign", "sentence")}
WORLD = 0  # the seed of the collection, which decides what is banned
AT_ONCE = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="of training, for each arm and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=list(ARMS), choices=list(ARMS), help="these arms")
    parser.add_argument("--models", nargs="+", default=[], metavar="NAME=RUN", help="judge these, train nothing")
    parser.add_argument("--prompts", type=int, default=400, help="of each of the two kinds")
    parser.add_argument("--out", type=Path, default=Path("bench-aligndraw"), help="folder of the runs")
    asked = parser.parse_args()
    scenes = {
        split: [scene_at(WORLD, f"{split} prompts", index, unseen=split == "banned") for index in range(asked.prompts)]
        for split in ("seen", "banned")
    }
    for split, some in scenes.items():
        pictures = np.stack([draw(scene, 32, rng_at(1, f"{split} hand", i)) for i, scene in enumerate(some)])
        tell(some, pictures, model="real", split=split)
        tell(some, np.roll(pictures, 1, axis=0), model="shuffled", split=split)
    for name, run, told in models(asked):
        imaginer = mindseye.load(run)
        for split, some in scenes.items():
            tell(some, drawn(imaginer, some), model=name, split=split, **told)


def models(asked: argparse.Namespace) -> Sequence[tuple[str, Path, dict[str, Any]]]:
    """What is to be judged: its name, its run, and what is told of its training."""
    if asked.models:
        return [(name, Path(run), {}) for name, _, run in (each.partition("=") for each in asked.models)]
    trained = []
    for seed in asked.seeds:
        for arm in asked.only:
            say(f"{arm}, seed {seed}")
            run = mindseye.train(
                "aligndraw",
                mindseye.open_collection("digits"),
                asked.out / f"{arm}-{seed}",
                minutes=asked.minutes,
                recipe="digits",
                settings={"seed": str(seed), "preview_minutes": "10"} | ARMS[arm],
            )
            trained.append((arm, run.path, {"seed": seed} | bound(run)))
    return trained


def bound(run: RunFolder) -> dict[str, Any]:
    """The last bound on held-out pictures, in nats a picture, and after how many pictures."""
    last = [event for event in run.events.read() if event["event"] == "held_out"][-1]
    numbers = 3 * 32 * 32
    return {"held_out_nats": round(last["loss"] * numbers, 1), "pictures_seen": last["pictures_seen"]}


def drawn(imaginer: Imaginer, scenes: Sequence[Scene]) -> NDArray[np.uint8]:
    """One picture a scene from its caption, picture i with seed i."""
    parts = []
    for begin in range(0, len(scenes), AT_ONCE):
        some = scenes[begin : begin + AT_ONCE]
        parts.append(imaginer.imagine_each([scene.caption for scene in some], range(begin, begin + len(some))))
    return np.concatenate(parts)


def tell(scenes: Sequence[Scene], pictures: NDArray[np.uint8], **of: Any) -> None:
    """Judges the pictures and prints the line."""
    seen = [decode(picture) for picture in pictures]
    shares = {
        "all_right": [found == scene.shown for scene, found in zip(scenes, seen, strict=True)],
        "places_right": [
            {place for _, place in found} == {place for _, place in scene.shown}
            for scene, found in zip(scenes, seen, strict=True)
        ],
        "digits_right": [
            (thing.digit, thing.place) in found
            for scene, found in zip(scenes, seen, strict=True)
            for thing in scene.things
        ],
        "banned_digits_right": [
            (thing.digit, thing.place) in found
            for scene, found in zip(scenes, seen, strict=True)
            for thing in scene.things
            if banned(WORLD)[thing.place] == thing.digit
        ],
    }
    line = of | {name: share(np.array(hits)) for name, hits in shares.items() if hits}
    print(json.dumps(line | circumstances()), flush=True)


def share(hits: NDArray[np.bool_]) -> dict[str, float | int]:
    """A share with its interval at 95 % and how many it is of."""
    low, high = share_interval(hits, block_numbers(None, len(hits)))
    return {"value": round(float(hits.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": len(hits)}


if __name__ == "__main__":
    main()

"""How often the prompt cache helps, and how often it is wrong: a log of prompts, made from captions, is replayed.

    python benchmarks/prompt_cache.py emoji --requests 2000 > prompt_cache.jsonl

Nobody's log is at hand, so one is made: things by Zipf's law (a few are asked for often, most hardly ever), each time
in one of the captions that the collection has for the thing, by chance, without a seed. A picture from memory is a hit;
it is false where it had been drawn for another thing. Nothing is drawn, so it takes minutes: the pictures are blank.
`--no-guards` leaves out the words that must be the same, to see what they are worth.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

import mindseye
from mindseye.imagine.picture import Picture
from mindseye.pictures.story import Story
from mindseye.randomness import rng_at
from mindseye.serve import remembered
from mindseye.serve.remembered import Remembered
from mindseye.think.figure import share_interval
from record import circumstances, say

ZIPF = 1.0  # the n-th thing is asked for 1 / n as often as the first
COSINES = (1.0, 0.97, 0.95, 0.92, 0.9, 0.85, 0.8)


def log_of(collection: mindseye.Collection, requests: int, seed: int) -> list[tuple[str, str]]:
    """(thing, caption) of every request."""
    split = collection.splits["train"]
    captions: dict[str, list[str]] = {}
    for concept, texts in zip(split.concepts, split.captions, strict=True):
        captions.setdefault(concept, []).extend(texts)
    rng = rng_at(seed, "prompt log")
    things = [list(captions)[place] for place in rng.permutation(len(captions))]
    share = 1 / np.arange(1, len(things) + 1) ** ZIPF
    asked = rng.choice(len(things), requests, p=share / share.sum())
    return [(things[place], str(rng.choice(sorted(set(captions[things[place]]))))) for place in asked]


def replay(imaginer: mindseye.Imaginer, log: list[tuple[str, str]], cosine: float, kept: int) -> tuple[int, list[bool]]:
    """How many requests were hits, and for each hit whether it was false."""
    memory, thing_of, false = Remembered(kept, cosine), {}, []
    blank = np.zeros((1, 1, 4), np.uint8)
    for number, (thing, prompt) in enumerate(log):
        request = mindseye.Request(prompt=prompt)
        if found := memory.find_alike(imaginer, request, 1):
            false.append(thing_of[found[0].story.seed] != thing)
            continue
        thing_of[number] = thing
        story = Story(prompt=prompt, seed=number, model=imaginer.name, width=1, height=1)
        memory.add(imaginer, request, number, Picture(blank, story))
    return len(false), false


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", help="a built-in name or a folder, with captions")
    parser.add_argument("--model", default="emoji", help="whose text encoder reads the prompts [emoji]")
    parser.add_argument("--requests", type=int, default=2000, help="in the log [2000]")
    parser.add_argument("--kept", type=int, default=1000, help="pictures remembered [1000]")
    parser.add_argument("--seed", type=int, default=0, help="of the log [0]")
    parser.add_argument("--cosines", type=float, nargs="+", default=COSINES, help="least ones to try")
    parser.add_argument("--no-guards", action="store_true", help="let words that change a picture differ")
    asked = parser.parse_args()
    if asked.no_guards:
        remembered.GUARDED = frozenset()  # type: ignore[misc]
    imaginer, collection = mindseye.load(asked.model), mindseye.open_collection(asked.collection)
    log = log_of(collection, asked.requests, asked.seed)
    repeats = len(log) - len({thing for thing, _ in log})
    for cosine in asked.cosines:
        hits, false = replay(imaginer, log, cosine, asked.kept)
        wrong = np.array(false, bool)
        low, high = share_interval(wrong, np.arange(len(wrong))) if hits else (0.0, 1.0)
        row = {
            "figure": "prompt cache", "cosine": cosine, "guards": not asked.no_guards, "requests": len(log),
            "could_hit": round(repeats / len(log), 4), "hit_rate": round(hits / len(log), 4), "hits": hits,
            "false_hit_rate": round(float(wrong.mean()), 4) if hits else None,
            "low": round(low, 4), "high": round(high, 4),
            "collection": collection.name, "seed": asked.seed,
        }  # fmt: skip
        print(json.dumps({**row, **circumstances()}), flush=True)
        say(f"cosine {cosine}: {hits / len(log):.1%} hits, of which {wrong.mean() if hits else 0:.1%} false")


if __name__ == "__main__":
    main()

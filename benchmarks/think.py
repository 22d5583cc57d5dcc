"""Does thinking before showing help? R-precision of the best of N candidates, by a judge that the chooser never met.

    python benchmarks/think.py emoji emoji --prompts 60 > think.jsonl

Every prompt gets 16 candidates; the best of N is chosen among the first N by the model's own thinker, as
`mindseye imagine --think N` does, and also by each half of its reasons alone: the match with the prompt, and realism.
JSON lines for each set of prompts, way of choosing and N on standard output: does the picture show its prompt
(`r_precision`), can it be told from a real one (`auc`), and in the world of `shapes` whether it is as the prompt says.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import date

import numpy as np

import mindseye
from mindseye.imagine.request import Request
from mindseye.observe.pictures import PictureFeatures
from mindseye.report.drawn import Drawn
from mindseye.report.evaluate import naming
from mindseye.report.prompts import PromptSet
from mindseye.report.reference import Reference, joined, refer, rows_of
from mindseye.report.thinking import candidate_seeds, thinker_of
from mindseye.think.detector import detect
from mindseye.think.figure import Figure
from mindseye.think.following import following_figures
from mindseye.think.thinker import Thinker, Thought

CANDIDATES = 16
COUNTS = (1, 2, 4, 8, 16)
WAYS: dict[str, Callable[[Thought], float]] = {
    "both": lambda thought: thought.score,
    "match": lambda thought: thought.match,
    "realism": lambda thought: thought.realism or 0.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("collection")
    parser.add_argument("--prompts", type=int, default=100, help="of each set")
    parser.add_argument("--sets", nargs="*", default=["seen"], help="seen, held_out, or another split")
    arguments = parser.parse_args()
    imaginer = mindseye.load(arguments.model)
    thinker = thinker_of(imaginer)
    reference = refer(mindseye.open_collection(arguments.collection), imaginer.picture_format, say)
    for asked in reference.sets:
        if asked.name in arguments.sets:
            measure(imaginer, thinker, reference, asked.first(arguments.prompts))


def measure(imaginer: mindseye.Imaginer, thinker: Thinker, reference: Reference, asked: PromptSet) -> None:
    """Draws the candidates for every prompt of a set, and prints the figures of the best of N in every way."""
    began = time.monotonic()
    candidates, thoughts = [], []
    for place, prompt in enumerate(asked.prompts):
        drawn = imaginer.imagine(Request(prompt=prompt), seeds=candidate_seeds(place, CANDIDATES))
        candidates.append(np.stack([picture.pixels for picture in drawn]))
        thoughts.append(thinker.think(candidates[-1], prompt))
        say(f"{asked.name}: {place + 1} of {len(asked)} prompts")
    seconds = (time.monotonic() - began) / len(asked) / CANDIDATES
    features = [reference.features(some) for some in candidates]
    for way, worth in WAYS.items():
        for count in COUNTS:
            best = [max(range(count), key=lambda index, each=each: worth(each[index])) for each in thoughts]
            chosen = Drawn(asked, np.stack([some[index] for some, index in zip(candidates, best, strict=True)]))
            seen = joined([rows_of(some, np.array([index])) for some, index in zip(features, best, strict=True)])
            circumstances = {
                "set": asked.name,
                "chosen_by": way,
                "candidates": count,
                "seconds_a_picture": round(seconds * count, 2),
                "date": str(date.today()),
            }
            for figure in figures_of(reference, chosen, seen):
                print(json.dumps({**figure.as_json(), **circumstances}), flush=True)


def figures_of(reference: Reference, chosen: Drawn, seen: PictureFeatures) -> list[Figure]:
    """Does the picture show its prompt, can it be told from a real one, and, where it can be decoded, is it exact?"""
    named, _ = naming(reference, chosen, seen, [])
    auc = detect(
        reference.held_out.pooled,
        seen.pooled,
        encoder=reference.encoder.name,
        real_blocks=reference.held_out_concepts,
        generated_blocks=chosen.asked.concepts,
        seeds=chosen.seeds,
    ).auc
    figures = [*named[:1], auc]
    if reference.collection.splits["train"].truths[0]:
        figures += following_figures(chosen.asked.prompts, list(chosen.pictures), chosen.asked.name, chosen.seeds)
    return figures


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

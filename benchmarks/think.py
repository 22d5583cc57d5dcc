"""Does thinking before showing help? R-precision of the best of N candidates, by a judge that the chooser never met.

    python benchmarks/think.py emoji emoji --prompts 60 > think.jsonl

Every prompt gets 16 candidates; the best of N is chosen among the first N by the model's own thinker, as
`mindseye imagine --think N` does, and also by each half of its reasons alone: the match with the prompt, and realism.
Two JSON lines for each set of prompts, way of choosing and N on standard output: does the picture show its prompt
(`r_precision`), and can it be told from a real one (`auc`).
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
from mindseye.report.evaluate import Drawn, naming
from mindseye.report.reference import joined, refer, rows_of
from mindseye.report.thinking import candidate_seeds, thinker_of
from mindseye.think.detector import detect
from mindseye.think.thinker import Thought

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
        if asked.name not in arguments.sets:
            continue
        asked = asked.first(arguments.prompts)
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
                named = naming(reference, chosen, seen, [])[0][0]
                auc = detect(
                    reference.held_out.pooled,
                    seen.pooled,
                    encoder=reference.encoder.name,
                    real_blocks=reference.held_out_concepts(),
                    generated_blocks=asked.concepts,
                ).auc
                circumstances = {
                    "set": asked.name,
                    "chosen_by": way,
                    "candidates": count,
                    "seconds_a_picture": round(seconds * count, 2),
                    "date": str(date.today()),
                }
                for figure in (named, auc):
                    print(json.dumps({**figure.as_json(), **circumstances}), flush=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

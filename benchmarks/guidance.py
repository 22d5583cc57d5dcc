"""How much guidance, and at which noise levels? R-precision and KID for each, on the first prompts of one set.

    python benchmarks/guidance.py emoji emoji --prompts 80 > guidance.jsonl

One JSON line a setting and figure on standard output: the weight of guidance, the noise levels from and to which there
is any, the figure with its interval, the seconds that a picture took.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date

import numpy as np

import mindseye
from mindseye.report.drawn import Drawn
from mindseye.report.evaluate import naming
from mindseye.report.reference import Reference, refer
from mindseye.think.distribution import kid

SETTINGS = [
    (5.0, (0.0, 1.0)),
    *((weight, (0.4, 0.97)) for weight in (3.0, 5.0, 8.0)),
    (5.0, (0.1, 0.97)),
    (5.0, (0.6, 0.97)),
    (8.0, (0.4, 0.92)),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="of the family diffusion")
    parser.add_argument("collection")
    parser.add_argument("--set", default="seen", help="of prompts")
    parser.add_argument("--prompts", type=int, default=80)
    arguments = parser.parse_args()
    imaginer = mindseye.load(arguments.model)
    reference = refer(mindseye.open_collection(arguments.collection), imaginer.picture_format, say)
    [asked] = [some.first(arguments.prompts) for some in reference.sets if some.name == arguments.set]
    model = imaginer.painter.model
    for weight, interval in SETTINGS:
        model.config = model.config.model_copy(update={"guidance_interval": interval})
        began = time.monotonic()
        requests = [mindseye.Request(prompt=p, seed=seed, guidance=weight) for seed, p in enumerate(asked.prompts)]
        pictures = np.stack([imaginer.imagine(request)[0].pixels for request in requests])
        about = {
            "model": arguments.model,
            "set": asked.name,
            "guidance": weight,
            "interval": interval,
            "seconds_a_picture": round((time.monotonic() - began) / len(asked), 2),
            "date": str(date.today()),
        }
        for figure in figures_of(reference, Drawn(asked, pictures)):
            print(json.dumps({**figure, **about}), flush=True)


def figures_of(reference: Reference, drawn: Drawn) -> list[dict[str, object]]:
    """Do the pictures show their prompts, and are they like real ones?"""
    features = reference.features(drawn.pictures)
    named, _ = naming(reference, drawn, features, [])
    real = reference.train.pooled[reference.typical]
    figure = kid(real, features.pooled, encoder=reference.encoder.name, seeds=drawn.seeds)
    return [named[0].as_json(), figure.as_json()]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

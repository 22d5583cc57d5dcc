"""Do negative prompts work? How much of a colour is left in pictures that were asked not to have it.

    python benchmarks/negative.py emoji --count 24 > negative.jsonl

Each prompt names a thing that the model likes to paint in one colour. It is drawn without a negative prompt, with the
name of the colour as one, and, to see what any negative prompt would do, with the name of another colour; always with
the same seeds. The figure is the share of the visible pixels that have the colour, with its bootstrap interval over
the seeds: one JSON line each.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from numpy.typing import NDArray

import mindseye
from mindseye.randomness import rng_at
from record import circumstances, say

CASES = [  # prompt, the colour that it has, a colour that it has not
    ("heart", "red", "green"),
    ("tree", "green", "red"),
    ("smiling face", "yellow", "blue"),
]
HUES = {"red": (345, 15), "yellow": (40, 70), "green": (80, 165), "blue": (190, 250)}  # degrees, from and to
DULL = 0.25  # a pixel of less saturation, or darker than this, has no colour
DRAWS = 2000


def share_of(colour: str, pixels: NDArray[np.uint8]) -> float:
    """The share of the visible pixels of a picture [h, w, 4] that have the colour."""
    unit = pixels[pixels[..., 3] >= 128][:, :3] / 255
    if not len(unit):
        return 0.0
    greatest, least = unit.max(1), unit.min(1)
    spread = np.maximum(greatest - least, 1e-9)
    red, green, blue = unit.T
    sixth = np.select(
        [greatest == red, greatest == green], [(green - blue) / spread % 6, (blue - red) / spread + 2],
        (red - green) / spread + 4,
    )  # fmt: skip
    begin, end = HUES[colour]
    within = (60 * sixth - begin) % 360 <= (end - begin) % 360
    coloured = (spread / np.maximum(greatest, 1e-9) > DULL) & (greatest > DULL)
    return float((within & coloured).mean())


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean."""
    rows = rng_at(0, "negative").integers(0, len(values), (DRAWS, len(values)))
    low, high = np.quantile(values[rows].mean(1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=24, help="pictures for each")
    arguments = parser.parse_args()
    imaginer = mindseye.load(arguments.model)
    for prompt, colour, other in CASES:
        for negative in ("", colour, other):
            request = mindseye.Request(prompt=prompt, negative_prompt=negative, count=arguments.count)
            shares = np.array([share_of(colour, picture.pixels) for picture in imaginer.imagine(request)])
            low, high = interval(shares)
            line = {
                "figure": f"share of {colour} pixels", "prompt": prompt, "negative_prompt": negative,
                "value": round(float(shares.mean()), 4), "low": round(low, 4), "high": round(high, 4),
                "n_generated": len(shares), "seeds": f"0-{len(shares) - 1}", "model": imaginer.name,
                "model_sha256": imaginer.sha256, **circumstances(),
            }  # fmt: skip
            print(json.dumps(line), flush=True)
            say(f"{prompt} without {negative or 'anything'}: {shares.mean():.2f} {colour}")


if __name__ == "__main__":
    main()

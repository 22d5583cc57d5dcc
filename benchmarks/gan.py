"""One pass instead of a dozen steps: pictures a second drawn by the GAN family, beside our own diffusion.

    python benchmarks/gan.py > gan.jsonl

Untrained models of the `base` presets, default settings: what a picture costs does not depend on the weights. Both
draw pictures side by side, one on each core.
"""

from __future__ import annotations

import statistics
import time

from mindseye.imagine.families import family
from mindseye.imagine.family import Model, Settings
from mindseye.learn.learner import PictureFormat
from ours import made_up_words
from record import print_figure, say

SIZES_PX = (32, 64)
TURNS = 3
PICTURES = {"gan": 64, "diffusion": 4}


def model_of(name: str, size_px: int) -> Model:
    found = family(name)
    model: Model = found.build(found.config.for_pictures(PictureFormat(size_px, 4), preset="base"), 0).eval()
    return model


def pictures_a_second(model: Model, count: int) -> float:
    words = made_up_words(count)
    began = time.perf_counter()
    for _ in model.draw(words, None, range(count), Settings()):
        pass
    return count / (time.perf_counter() - began)


def main() -> None:
    for size_px in SIZES_PX:
        models = {name: model_of(name, size_px) for name in PICTURES}
        speeds: dict[str, list[float]] = {name: [] for name in PICTURES}
        for turn in range(TURNS + 1):
            for name, count in PICTURES.items():
                speed = pictures_a_second(models[name], count)
                if turn:  # the first one warms up
                    speeds[name].append(speed)
            say(f"{size_px} px, turn {turn} of {TURNS}")
        print_figure(
            f"drawing at {size_px} px",
            statistics.median(speeds["gan"]),
            statistics.median(speeds["diffusion"]),
            "mindseye diffusion, base, default settings",
            "pictures/s",
            better="higher",
            turns=TURNS,
            ours_spread=[round(min(speeds["gan"]), 2), round(max(speeds["gan"]), 2)],
            peer_spread=[round(min(speeds["diffusion"]), 2), round(max(speeds["diffusion"]), 2)],
        )


if __name__ == "__main__":
    main()

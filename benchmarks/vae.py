"""Two questions about VAEs, each figure a JSON line on standard output.

Does a dimension of the code hold one thing? Pictures with a known truth (shape, colour, two places, size), several
objectives, several seeds: mutual information gap (MIG) of 10,000 codes; disentanglement and completeness (DCI), where
gradient-boosted trees, learnt on those and tested on 5,000 more, say which dimension counts for which factor, as in
Locatello et al. 2019 (the trees of one training take some minutes of a core). How far two seeds are apart is the figure
to read first.

    python benchmarks/vae.py disentanglement --seeds 0 1 2 3 4 --pictures 40000 > vae.jsonl

From which dice should a code come? The kernel distance (KID) of drawn to held-out real pictures, for codes from the
prior N(0, I) and from the mixture that was fitted to the codes of the training pictures, with captions and without.

    python benchmarks/vae.py dice RUN COLLECTION > dice.jsonl

It needs scikit-learn (`pip install -e ".[bench]"`).
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

import mindseye
from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import COLOURS, SHAPES, Scene, Thing
from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.observe.pictures import load_picture_encoder
from mindseye.randomness import rng_at
from mindseye.report.disentanglement import completeness, disentanglement, mutual_information_gap
from mindseye.think.distribution import kid
from record import circumstances, say

SIZE_PX = 32
PLACES = (0.3, 0.4, 0.5, 0.6, 0.7)
RADII = (0.12, 0.17, 0.22)
FACTORS = {"shape": len(SHAPES), "colour": len(COLOURS), "x": len(PLACES), "y": len(PLACES), "size": len(RADII)}
TRAINING, LEARNT_FROM, TESTED = 6_000, 10_000, 5_000  # pictures: of the VAE; of the trees, and kept from them
ARMS = {
    "vae": {"model.objective": "vae"},
    "beta-vae 4": {"model.objective": "beta-vae", "model.beta": "4"},
    "beta-tcvae 6": {"model.objective": "beta-tcvae", "model.beta": "6"},
    "autoencoder": {"model.objective": "autoencoder"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    questions = parser.add_subparsers(required=True)
    first = questions.add_parser("disentanglement")
    first.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    first.add_argument("--pictures", type=int, default=40_000, help="that a training sees")
    first.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    first.set_defaults(
        answer=lambda asked: measure_disentanglement(asked.arms, asked.seeds, asked.pictures),
    )
    second = questions.add_parser("dice")
    second.add_argument("run")
    second.add_argument("collection")
    second.add_argument("--pictures", type=int, default=500, help="drawn from each dice")
    second.set_defaults(answer=lambda asked: measure_dice(asked.run, asked.collection, asked.pictures))
    asked = parser.parse_args()
    asked.answer(asked)


def measure_disentanglement(arms: list[str], seeds: list[int], pictures: int) -> None:
    """Trains every arm with every seed on one set of pictures, and measures the codes of others."""
    with tempfile.TemporaryDirectory() as folder:
        collection = factor_collection(Path(folder) / "factors")
        for seed, arm in itertools.product(seeds, arms):
            settings = {"preset": "course", "model.width": "16", "model.caption_drop": "1", "preview_pictures": "0"}
            settings["seed"] = str(seed)
            run = Path(folder) / f"{arm} {seed}"
            mindseye.train("vae", collection, run, pictures=pictures, settings=settings | ARMS[arm])
            say(f"{arm}, seed {seed}")
            figures = entangled(mindseye.load(run), collection)
            asked = {"arm": arm, "seed": seed, "pictures_seen": pictures}
            print(json.dumps(asked | figures | circumstances()), flush=True)


def entangled(imaginer: Imaginer, collection: Collection) -> dict[str, float | int]:
    """MIG, DCI and how well trees predict the factors, of pictures that the training never saw."""
    held_out = collection.splits["validation"]
    codes = imaginer.encode(held_out.arrays(SIZE_PX, 3, pixel_art=False))
    factors = np.array([json.loads(truth) for truth in held_out.truths])
    learnt_from, tested = slice(LEARNT_FROM), slice(LEARNT_FROM, None)

    def predicted(factor: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
        trees = GradientBoostingClassifier(random_state=0).fit(codes[learnt_from], factor[learnt_from])
        return trees.feature_importances_, trees.score(codes[tested], factor[tested])

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # trees grow without Python's lock
        importances, right = zip(*threads.map(predicted, factors.T), strict=True)
    importance = np.stack(importances, axis=1)
    nats = imaginer.code_kl()
    return {
        "mig": round(mutual_information_gap(codes[learnt_from], factors[learnt_from]), 4),
        "disentanglement": round(disentanglement(importance), 4),
        "completeness": round(completeness(importance), 4),
        "informativeness": round(float(np.mean(right)), 4),
        "active": int((nats > 0.05).sum()) if nats is not None else codes.shape[1],
        "n": LEARNT_FROM,
        "n_tested": len(codes) - LEARNT_FROM,
    }


def factor_collection(folder: Path) -> Collection:
    """Pictures of one thing on white, every factor drawn on its own; without captions."""
    counts = {"train": TRAINING, "validation": LEARNT_FROM + TESTED}
    splits = {split: [factor_example(split, index) for index in range(count)] for split, count in counts.items()}
    return write_collection(folder, splits, {"size_px": SIZE_PX, "transparent": False, "pixel_art": False})


def factor_example(split: str, index: int) -> Example:
    numbers = rng_at(0, f"factors {split}", index).integers(0, list(FACTORS.values()))
    shape, colour, x, y, size = (int(number) for number in numbers)
    thing = Thing(SHAPES[shape], list(COLOURS)[colour], PLACES[x], PLACES[y], RADII[size])
    stored = io.BytesIO()
    draw(Scene("white", (thing,)), SIZE_PX).save(stored, "PNG")
    name = f"{split}-{index:05d}"
    return Example(stored.getvalue(), f"{name}.png", (), name, name, "scene", truth=json.dumps(numbers.tolist()))


def measure_dice(run: str, collection_name: str, pictures: int) -> None:
    """The distance of drawn to held-out pictures, for each of the dice."""
    imaginer, collection = mindseye.load(run), mindseye.open_collection(collection_name)
    held_out = collection.splits["validation"]
    as_the_model = imaginer.picture_format
    encoder = load_picture_encoder()
    real = held_out.arrays(as_the_model.size_px, as_the_model.channels, as_the_model.pixel_art)
    real_features = encoder.encode(real).pooled
    captions = [texts[0] for texts in held_out.captions if texts]
    prompts = {"captions": [captions[index % len(captions)] for index in range(pictures)], "none": [""] * pictures}
    for asked, sampler in itertools.product(prompts, ("prior", "mixture")):
        drawn = drawn_from(imaginer, prompts[asked], sampler)
        figure = kid(
            real_features,
            encoder.encode(drawn).pooled,
            encoder="efficientnet-lite0",
            generated_blocks=prompts[asked] if asked == "captions" else None,
            seeds=f"0-{pictures - 1}",
        )
        print(json.dumps({"prompts": asked, "dice": sampler} | figure.as_json() | circumstances()), flush=True)


def drawn_from(imaginer: Imaginer, prompts: list[str], sampler: str) -> NDArray[np.uint8]:
    """One picture a prompt, picture i with seed i."""
    return np.stack(
        [
            imaginer.imagine(Request(prompt=prompt, seed=seed, sampler=sampler))[0].pixels
            for seed, prompt in enumerate(prompts)
        ]
    )


if __name__ == "__main__":
    main()

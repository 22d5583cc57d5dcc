"""What the matching loss is worth: the ablation of the AttnGAN paper (Xu et al. 2018, Table 3), with another judge.

    mindseye train damsm COLLECTION --out runs/damsm --minutes 20 --set preset=small
    python benchmarks/attngan.py COLLECTION runs/damsm --out runs/ablation --minutes 45 > attngan.jsonl

One training for each weight lambda of the DAMSM (0, 1, 5, 10) and one of DF-GAN, which has no matching loss; the same
collection, seed, minutes and, for AttnGAN, the same frozen DAMSM. R-precision is by the judge of `mindseye evaluate`,
which took part in no training: the paper's is by the DAMSM itself, which a large lambda pleases by construction. Runs
that are there go on, or are only measured. One JSON line a figure, with its interval.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mindseye
from mindseye.report.evaluate import evaluate
from record import circumstances, say

WEIGHTS = (0, 1, 5, 10)
FIGURES = ("r_precision", "kid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection")
    parser.add_argument("damsm", help="a run or model folder")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--minutes", type=float, default=45, help="of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--budget", type=float, default=120, help="seconds that each model draws for")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of every training")
    asked = parser.parse_args()
    collection = mindseye.open_collection(asked.collection)
    extra = dict(pair.split("=", 1) for pair in asked.set)
    arms: dict[str, tuple[str, dict[str, str]]] = {
        f"attngan, lambda {weight}": ("attngan", {"model.damsm": asked.damsm, "model.damsm_weight": str(weight)})
        for weight in WEIGHTS
    }
    arms["dfgan"] = ("dfgan", {})
    for seed in asked.seeds:
        for arm, (family, settings) in arms.items():
            say(f"{arm}, seed {seed}")
            folder = asked.out / f"{arm.replace(', lambda ', '-')}-{seed}"
            settings = settings | extra | {"seed": str(seed)}
            run = mindseye.train(family, collection, folder, minutes=asked.minutes, settings=settings, log=say)
            evaluation = evaluate(str(run.model), collection, budget=asked.budget, log=say)
            about = {"arm": arm, "seed": seed, "pictures_seen": evaluation.facts["pictures_seen"]}
            for figure in evaluation.figures:
                if figure.name.startswith(FIGURES):
                    print(json.dumps(about | figure.as_json() | circumstances()), flush=True)


if __name__ == "__main__":
    main()

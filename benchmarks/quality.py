"""How good, beside the field's own tools: everyone trains on the same pictures for the same minutes, one judge for all.

    python benchmarks/quality.py emoji --minutes 45 --seeds 0 1 2 --out bench     hours; the same command goes on
    python benchmarks/quality.py --out bench --table                              a Markdown table of what is there

A cell is one collection, arm, number of minutes and seed, and has a folder of its own under --out: its training, then
`pictures.npy`, then `row.json`. What is there is not done again; `results.jsonl` is made from all the rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

import mindseye
from cells import each_in_its_own_process, gather, is_done, write_json
from judge import prompt_set, score
from peers import ddpm, df_gan, diffusers_unet, mindseye_diffusion, real, retrieval
from peers.trained import Trained
from record import circumstances, say
from table import table

ARMS: dict[str, Callable[..., Trained]] = {
    "mindseye": mindseye_diffusion.train,
    "diffusers-unet": diffusers_unet.train,
    "ddpm": ddpm.train,
    "df-gan": df_gan.train,
    "retrieval": retrieval.train,
    "real": real.train,
}
UNTRAINED = ("retrieval", "real")
UNCONDITIONAL = ("ddpm",)
PICTURE_SEEDS_APART = 1_000_000  # between the seeds of the pictures of two cells


@dataclass(frozen=True)
class Cell:
    """One training and what it drew.

    Attributes:
        collection: a built-in name or a folder.
        arm: a name of `ARMS`, or "name:learning_rate" to try another rate.
        minutes: of training; 0 where there is nothing to train.
        seed: of the training and the pictures.
        samples: pictures to draw and to judge, or as many as there are prompts in the set.
        prompts: the set's name.
    """

    collection: str
    arm: str
    minutes: float
    seed: int
    samples: int
    prompts: str

    @property
    def folder_name(self) -> str:
        collection = Path(self.collection).name
        arm = self.arm.replace(":", "-")
        return f"{collection}-{arm}-{self.minutes:g}min-seed{self.seed}-{self.prompts}-{self.samples}"

    @property
    def arm_name(self) -> str:
        return self.arm.partition(":")[0]

    @property
    def learning_rate(self) -> dict[str, float]:
        rate = self.arm.partition(":")[2]
        return {"learning_rate": float(rate)} if rate else {}


def run(cell: Cell, out: Path) -> None:
    """Does what a cell still lacks: trains, draws, judges."""
    folder = out / cell.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    collection = mindseye.open_collection(cell.collection)
    asked = prompt_set(collection, cell.prompts, cell.samples)
    count = len(asked)
    drawn, facts = folder / "pictures.npy", folder / "drawn.json"
    if not facts.exists():
        began = time.monotonic()
        trained = ARMS[cell.arm_name](collection, cell.minutes, folder, cell.seed, **cell.learning_rate)
        seconds = time.monotonic() - began
        first = PICTURE_SEEDS_APART * cell.seed
        began = time.monotonic()
        pictures = trained.draw(asked.prompts, list(range(first, first + count)))
        assert pictures.dtype == np.uint8 and pictures.shape == asked.real.shape, pictures.shape
        np.save(drawn, pictures, allow_pickle=False)
        told = {
            **asdict(cell),
            "drawn": count,
            "fingerprint": collection.fingerprint,
            "pictures_seen": trained.pictures_seen,
            "parameters": trained.parameters,
            "learning_rate": trained.learning_rate,
            "threads": torch.get_num_threads(),
            "wall_seconds": round(seconds, 1),  # of this start: with set-up, compilation and checkpoints
            "drawing_seconds": round(time.monotonic() - began, 1),
            "picture_seeds": f"{first}-{first + count - 1}",
            **circumstances(),
        }
        write_json(facts, told)
    row = {**json.loads(facts.read_text(encoding="utf-8")), "figures": None}
    heard = None if cell.arm_name in UNCONDITIONAL else asked.prompts
    try:
        row["figures"] = score(np.load(drawn, allow_pickle=False), heard, collection, cell.prompts)
    except ImportError as error:
        say(f"  not judged yet ({error}); the same command judges it when it can")
    write_json(folder / "row.json", row)


def cells(asked: argparse.Namespace) -> list[Cell]:
    """In the order in which they are done: seed by seed, so that a race broken off has whole rounds."""
    found: dict[Cell, None] = {}
    for seed in asked.seeds:
        for minutes in asked.minutes:
            for collection in asked.collections:
                for arm in asked.arms:
                    for_it = 0 if arm in UNTRAINED else minutes
                    found[Cell(collection, arm, for_it, seed, asked.samples, asked.prompts)] = None
    return list(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="built-in names or folders of prepared collections")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="those that take part; NAME:RATE tries a rate")
    parser.add_argument("--minutes", nargs="+", type=float, default=[45.0], help="of training [45]")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="[0 1 2]")
    parser.add_argument("--samples", type=int, default=500, help="pictures to judge [500]")
    parser.add_argument("--prompts", default="held_out", help="the set to draw for: held_out, seen, ... [held_out]")
    parser.add_argument("--threads", type=int, default=2, help="processor threads [2]")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--table", action="store_true", help="print a Markdown table of what is there, and end")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # one cell, as JSON: each has a process of its own
    asked = parser.parse_args()
    for arm in asked.arms:
        if arm.partition(":")[0] not in ARMS:
            parser.error(f"there is no arm {arm!r}; there are {', '.join(ARMS)}")
    if asked.cell:
        torch.set_num_threads(asked.threads)
        run(Cell(**json.loads(asked.cell)), asked.out)
        return
    if not asked.table:
        race(asked)
    rows = gather(asked.out)
    if asked.table:
        print(table(rows))


def race(asked: argparse.Namespace) -> None:
    """Every cell that is not done yet."""
    todo = {cell.folder_name: cell for cell in cells(asked) if not is_done(asked.out / cell.folder_name)}
    say(f"{len(todo)} cells to do, about {sum(cell.minutes for cell in todo.values()) / 60:.1f} hours of training")
    told = {name: asdict(cell) for name, cell in todo.items()}
    each_in_its_own_process(__file__, told, asked.out, ["--threads", str(asked.threads)])


if __name__ == "__main__":
    main()

"""How good, beside the field's own tools: everyone trains on the same pictures for the same minutes, one judge for all.

    python benchmarks/quality.py emoji --minutes 45 --seeds 0 1 2 --out bench > quality.jsonl   hours; it goes on again
    python benchmarks/quality.py --out bench --table          a Markdown table of what is there
    python benchmarks/quality.py --out bench --table kid r_precision          the same of some figures
    python benchmarks/quality.py --out bench --lines          its figures, ours beside each peer, a JSON line each
    python benchmarks/quality.py emoji --minutes 10 --seeds 0 --out bench --sheet race.png    what each arm drew

A cell is one collection, arm, number of minutes and seed, and has a folder of its own under --out: its training, then
for each set of prompts `SET.npy` and `SET.json`, then `row.json`. What is there is not done again; `results.jsonl` is
made from all the rows, and a run ends with the lines.
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
from PIL import Image

import mindseye
from cells import each_in_its_own_process, gather, write_json
from judge import prompt_set, score
from mindseye.pictures.sheet import contact_sheet
from peers import ddpm, diffusers_unet, mindseye_families, pixart, real, retrieval
from peers.trained import Trained
from record import circumstances, say
from table import lines, table

ARMS: dict[str, Callable[..., Trained]] = {
    "mindseye": mindseye_families.trains("diffusion"),
    "diffusers-unet": diffusers_unet.train,
    "pixart": pixart.train,
    "ddpm": ddpm.train,
    "df-gan": mindseye_families.trains("dfgan"),
    "retrieval": retrieval.train,
    "real": real.train,
}
UNTRAINED = ("retrieval", "real")
UNCONDITIONAL = ("ddpm",)
SHOWN = 10  # pictures of a cell on a sheet
PICTURE_SEEDS_APART = 1_000_000  # between the seeds of the pictures of two cells


@dataclass(frozen=True)
class Cell:
    """One training and what it drew.

    Attributes:
        collection: a built-in name or a folder.
        arm: a name of `ARMS`, or "name:learning_rate" to try another rate.
        minutes: of training; 0 where there is nothing to train.
        seed: of the training and the pictures.
        samples: pictures of each set to draw and to judge, or as many as the set has prompts.
        prompts: the names of the sets.
    """

    collection: str
    arm: str
    minutes: float
    seed: int
    samples: int
    prompts: tuple[str, ...]

    @property
    def folder_name(self) -> str:
        collection = Path(self.collection).name
        arm = self.arm.replace(":", "-")
        return f"{collection}-{arm}-{self.minutes:g}min-seed{self.seed}-{self.samples}"

    @property
    def arm_name(self) -> str:
        return self.arm.partition(":")[0]

    @property
    def first_seed(self) -> int:
        """Of the pictures of each set."""
        return PICTURE_SEEDS_APART * self.seed

    @property
    def learning_rate(self) -> dict[str, float]:
        rate = self.arm.partition(":")[2]
        return {"learning_rate": float(rate)} if rate else {}


def run(cell: Cell, out: Path) -> None:
    """Does what a cell still lacks: trains, draws, judges."""
    folder = out / cell.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    collection = mindseye.open_collection(cell.collection)
    lacking = [name for name in cell.prompts if not (folder / f"{name}.json").exists()]
    if lacking:
        began, worked = time.monotonic(), time.process_time()
        trained = ARMS[cell.arm_name](collection, cell.minutes, folder, cell.seed, **cell.learning_rate)
        seconds = time.monotonic() - began
        cores_had = (time.process_time() - worked) / seconds
        told = {
            "fingerprint": collection.fingerprint,
            "pictures_seen": trained.pictures_seen,
            "parameters": trained.parameters,
            "learning_rate": trained.learning_rate,
            "threads": torch.get_num_threads(),
            "wall_seconds": round(seconds, 1),  # of this start: with set-up and compilation
            "cores_had": round(cores_had, 2),  # a machine may be shared
            **circumstances(),
        }
        for name in lacking:
            write_json(folder / f"{name}.json", told | draw(cell, trained, collection, name, folder))
    row, drew, figures = asdict(cell), {}, {}
    for name in cell.prompts:
        facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        drew[name] = {key: facts.pop(key) for key in ("drawing_seconds", "picture_seeds")}
        row |= facts
        heard = None if cell.arm_name in UNCONDITIONAL else prompt_set(collection, name, cell.samples).prompts
        try:
            pictures = np.load(folder / f"{name}.npy", allow_pickle=False)
            figures[name] = score(pictures, heard, collection, name, cell.first_seed)
        except ImportError as error:
            say(f"  not judged yet ({error}); the same command judges it when it can")
    write_json(folder / "row.json", row | {"drew": drew, "figures": figures})


def draw(cell: Cell, trained: Trained, collection: mindseye.Collection, name: str, folder: Path) -> dict[str, object]:
    """Draws for one set of prompts into SET.npy; gives what there is to say about it."""
    asked = prompt_set(collection, name, cell.samples)
    first = cell.first_seed
    began = time.monotonic()
    pictures = trained.draw(asked.prompts, list(range(first, first + len(asked))))
    assert pictures.dtype == np.uint8 and pictures.shape == asked.real.shape, pictures.shape
    np.save(folder / f"{name}.npy", pictures, allow_pickle=False)
    return {
        "drawing_seconds": round(time.monotonic() - began, 1),
        "picture_seeds": f"{first}-{first + len(asked) - 1}",
    }


def is_done(cell: Cell, out: Path) -> bool:
    """Whether a cell is trained, drawn and judged on all sets."""
    path = out / cell.folder_name / "row.json"
    return path.exists() and set(cell.prompts) <= set(json.loads(path.read_text(encoding="utf-8"))["figures"])


def cells(asked: argparse.Namespace) -> list[Cell]:
    """In the order in which they are done: seed by seed, so that a race broken off has whole rounds."""
    found: dict[Cell, None] = {}
    for seed in asked.seeds:
        for minutes in asked.minutes:
            for collection in asked.collections:
                for arm in asked.arms:
                    for_it = 0 if arm in UNTRAINED else minutes
                    found[Cell(collection, arm, for_it, seed, asked.samples, tuple(asked.prompts))] = None
    return list(found)


def sheet(asked: argparse.Namespace) -> Image.Image:
    """The first pictures of each cell, a row each, for the same prompts, which stand below the first row."""
    pictures: list[np.ndarray] = []
    captions: list[str] = []
    for cell in cells(asked):
        path = asked.out / cell.folder_name / f"{cell.prompts[0]}.npy"
        if path.exists():
            asked_for = prompt_set(mindseye.open_collection(cell.collection), cell.prompts[0], SHOWN).prompts
            captions += [cell.arm, *("" if captions else asked_for)[1:], *[""] * SHOWN][:SHOWN]
            pictures += list(np.load(path, allow_pickle=False)[:SHOWN])
    return contact_sheet(pictures, captions, columns=SHOWN, scale=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="built-in names or folders of prepared collections")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="those that take part; NAME:RATE tries a rate")
    parser.add_argument("--minutes", nargs="+", type=float, default=[45.0], help="of training [45]")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="[0 1 2]")
    parser.add_argument("--samples", type=int, default=200, help="pictures of each set to judge [200]")
    sets = ["seen", "held_out"]
    parser.add_argument("--prompts", nargs="+", default=sets, help="the sets to draw for [seen held_out]")
    parser.add_argument("--threads", type=int, default=2, help="processor threads [2]")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument(
        "--table", nargs="*", metavar="FIGURE", help="print a Markdown table of what is there, of all figures or these"
    )
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw a sheet of the cells that are there, and end")
    parser.add_argument("--lines", action="store_true", help="print a JSON line a figure of what is there, and end")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # one cell, as JSON: each has a process of its own
    asked = parser.parse_args()
    for arm in asked.arms:
        if arm.partition(":")[0] not in ARMS:
            parser.error(f"there is no arm {arm!r}; there are {', '.join(ARMS)}")
    if asked.cell:
        torch.set_num_threads(asked.threads)
        told = json.loads(asked.cell)
        run(Cell(**{**told, "prompts": tuple(told["prompts"])}), asked.out)
        return
    if asked.sheet:
        sheet(asked).save(asked.sheet)
        return
    if asked.table is None and not asked.lines:
        race(asked)
    rows = gather(asked.out)
    if asked.table is not None:
        print(table(rows, asked.table))
        return
    for line in lines(rows):
        print(json.dumps(line, ensure_ascii=False))


def race(asked: argparse.Namespace) -> None:
    """Every cell that is not done yet."""
    todo = {cell.folder_name: cell for cell in cells(asked) if not is_done(cell, asked.out)}
    say(f"{len(todo)} cells to do, about {sum(cell.minutes for cell in todo.values()) / 60:.1f} hours of training")
    told = {name: asdict(cell) for name, cell in todo.items()}
    each_in_its_own_process(__file__, told, asked.out, ["--threads", str(asked.threads)])


if __name__ == "__main__":
    main()

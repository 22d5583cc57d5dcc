"""Which family when: every family of mindseye on the same pictures for the same minutes, with one judge for all.

    python benchmarks/families.py emoji crawl_tiles --minutes 15 --out bench-families    hours; the same command goes on
    python benchmarks/families.py --out bench-families --table > table.md                of what is there, for the docs

A collection is a built-in name, a prepared folder, or anything that `mindseye collect` reads. A cell is one collection,
family, number of minutes and seed, and has a folder of its own under --out: its run, `pictures.npy`, then `row.json`.
What is there is not done again. Each finished cell is one JSON line on standard output, all of them are in
`results.jsonl`.

Every family has its own defaults; `--set` changes them for all (`--set preset=small`). Minutes are those of training
alone, as `mindseye train` counts them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import mindseye
from cells import each_in_its_own_process, gather, is_done, write_json
from judge import prompt_set, score
from mindseye.cli.train import parse_settings
from mindseye.collection.collect import collect
from mindseye.collection.collection import Collection, is_prepared
from mindseye.collection.opening import BUILTIN
from mindseye.imagine.families import NAMES, family
from mindseye.imagine.imaginer import Imaginer
from record import circumstances, say
from table import interval

PICTURE_SEEDS_APART = 1_000_000  # between the seeds of the pictures of two cells
ALONE = 5  # times that one picture is drawn alone
REST = {"preview_pictures": "0", "held_out_pictures": "0"}  # takes time that not every family would spend

# Heads of the table and what stands below them; "/SET" is filled in with the name of the prompts' set.
FIGURES = {
    "KID, lower is better": "kid",
    "precision": "precision",
    "recall": "recall",
    "shows its prompt (R-precision)": "r_precision/SET",
    "told from real (AUC)": "auc",
    "copies": "copy_rate",
}


@dataclass(frozen=True)
class Cell:
    """One training and what it drew.

    Attributes:
        collection: a built-in name or the folder of a prepared collection.
        size_px: of the pictures.
        samples: pictures to draw and to judge, or as many as there are prompts in the set.
        prompts: the set's name.
        settings: of every training, besides those of `REST`.
    """

    collection: str
    family: str
    minutes: float
    seed: int
    size_px: int
    samples: int
    prompts: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def folder_name(self) -> str:
        parts = [Path(self.collection).name, f"{self.size_px}px", self.family, f"{self.minutes:g}min"]
        return "-".join([*parts, f"seed{self.seed}", self.prompts, str(self.samples)])


def run(cell: Cell, out: Path, threads: int) -> None:
    """Does what a cell still lacks: trains, draws, judges."""
    folder = out / cell.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    collection = at_size(mindseye.open_collection(cell.collection), cell.size_px)
    asked = prompt_set(collection, cell.prompts, cell.samples)
    facts = folder / "drawn.json"
    if not facts.exists():
        settings = {"seed": str(cell.seed), "threads": str(threads), **REST, **cell.settings}
        training = mindseye.train(
            cell.family, collection, folder / "run", minutes=cell.minutes, settings=settings, log=say
        )
        built = next(event for event in training.events.read() if event["event"] == "build")
        first = PICTURE_SEEDS_APART * cell.seed
        pictures, speed = drawn(mindseye.load(training.model), asked.prompts, first)
        np.save(folder / "pictures.npy", pictures, allow_pickle=False)
        about = mindseye.load(training.model).about
        told = {
            **asdict(cell),
            "drawn": len(pictures),
            "fingerprint": collection.fingerprint,
            "parameters": built["parameters"],
            "pictures_seen": about.training.pictures_seen,
            "training_pictures_a_second": round(about.training.pictures_seen / (3600 * about.training.hours), 2),
            **speed,
            "model_bytes": sum(file.stat().st_size for file in training.model.rglob("*.safetensors")),
            "threads": threads,
            "picture_seeds": f"{first}-{first + len(pictures) - 1}",
            **circumstances(),
        }
        write_json(facts, told)
    row = json.loads(facts.read_text(encoding="utf-8"))
    say(f"  judging {row['drawn']} pictures")
    row["figures"] = score(
        np.load(folder / "pictures.npy", allow_pickle=False), asked.prompts, collection, cell.prompts,
        PICTURE_SEEDS_APART * cell.seed,
    )  # fmt: skip
    write_json(folder / "row.json", row)
    print(json.dumps(row, ensure_ascii=False), flush=True)


def at_size(collection: Collection, size_px: int) -> Collection:
    """The same pictures, to be seen at another size."""
    info = {**collection.info, "size_px": size_px}
    return Collection(collection.path, collection.name, collection.splits, info)


def drawn(imaginer: Imaginer, prompts: Sequence[str], first_seed: int) -> tuple[np.ndarray, dict[str, float]]:
    """A picture a prompt, and how fast: many side by side, and one alone, which is the median of `ALONE`."""
    imaginer.imagine_each(prompts[:1], [first_seed])  # warms up
    alone = []
    for seed in range(ALONE):
        began = time.perf_counter()
        imaginer.imagine_each(prompts[:1], [seed])
        alone.append(time.perf_counter() - began)
    began = time.perf_counter()
    pictures = imaginer.imagine_each(prompts, range(first_seed, first_seed + len(prompts)))
    seconds = time.perf_counter() - began
    return pictures, {
        "drawing_pictures_a_second": float(f"{len(prompts) / seconds:.3g}"),
        "seconds_for_one_alone": float(f"{statistics.median(alone):.3g}"),
    }


# -------------------------------------------------------------------------------------------------- table


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a table for each collection, size, number of minutes and set of prompts, a line a family."""
    races = sorted({race_of(row) for row in rows if row["figures"]})
    if not races:
        return "There is nothing yet."
    return "\n\n".join(race_table(race, [row for row in rows if race_of(row) == race]) for race in races)


def race_of(row: dict[str, Any]) -> tuple[str, int, float, str]:
    return Path(row["collection"]).name, row["size_px"], row["minutes"], row["prompts"]


def race_table(race: tuple[str, int, float, str], rows: Sequence[dict[str, Any]]) -> str:
    """A line a family, then unseen real pictures and what a search for the prompt would have given."""
    collection, size_px, minutes, prompts = race
    names = {head: name.replace("SET", prompts) for head, name in FIGURES.items()}
    if prompts == "seen":  # its figures stand without the name of the set
        names = {head: name.removesuffix("/seen") for head, name in names.items()}
    heads = ["family", "parameters", "seen, pictures/s", "drawn, pictures/s", "one alone, s", *names, "seeds"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for name in dict.fromkeys(row["family"] for row in sorted(rows, key=lambda row: row["family"])):
        mine = [row for row in rows if row["family"] == name]
        fields = [
            f"`{name}`",
            f"{mine[0]['parameters'] / 1e6:.1f} M",
            mean(mine, "training_pictures_a_second"),
            mean(mine, "drawing_pictures_a_second"),
            mean(mine, "seconds_for_one_alone"),
            *(shown(mine, figure) for figure in names.values()),
            " ".join(str(seed) for seed in sorted(row["seed"] for row in mine)),
        ]
        lines.append(f"| {' | '.join(fields)} |")
    for label, suffix in (("*unseen real pictures*", "_real"), ("*the nearest caption's picture*", "_retrieval")):
        beside = [shown(rows[:1], beside_name(figure, suffix)) for figure in names.values()]
        if set(beside) != {"-"}:
            lines.append(f"| {' | '.join([label, *['-'] * 4, *beside, '-'])} |")
    machines = "; ".join(sorted({f"{row['processor']}, {row['threads']} threads" for row in rows}))
    dates = sorted(row["date"][:10] for row in rows)
    how = f"{rows[0]['drawn']} pictures each, one a prompt; in brackets the 95 % interval. {machines}; {dates[-1]}."
    return "\n".join([f"### {collection}, {size_px} px, {minutes:g} minutes", "", *lines, "", how])


def beside_name(figure: str, suffix: str) -> str:
    """ "r_precision/held_out" as "r_precision_real/held_out"."""
    name, slash, asked = figure.partition("/")
    return f"{name}{suffix}{slash}{asked}"


def shown(rows: Sequence[dict[str, Any]], name: str) -> str:
    return interval([row["figures"][name] for row in rows if name in row["figures"]])


def mean(rows: Sequence[dict[str, Any]], key: str) -> str:
    return f"{statistics.mean(row[key] for row in rows):.3g}"


# --------------------------------------------------------------------------------------------------- main


def prepared(source: str, out: Path) -> str:
    """What `open_collection` opens; a source that is not prepared yet is collected under `out`, once."""
    if source in BUILTIN or is_prepared(Path(source)):
        return source
    made = out / "collections" / Path(source).name
    if not is_prepared(made):
        collect(source, made)
    return str(made)


def main() -> None:
    able = [name for name in NAMES if family(name).abilities.prompt]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="built-in names, prepared folders, or sources to collect")
    parser.add_argument("--families", nargs="+", choices=able, default=able, help="those that take part [all]")
    parser.add_argument("--minutes", type=float, default=15.0, help="of training, for each cell [15]")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="[0]")
    parser.add_argument("--size", type=int, default=32, help="of the pictures, in px [32]")
    parser.add_argument("--samples", type=int, default=500, help="pictures to judge [500]")
    parser.add_argument("--prompts", default="held_out", help="the set to draw for: held_out, seen, ... [held_out]")
    parser.add_argument("--threads", type=int, default=2, help="processor threads [2]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of every training")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--table", action="store_true", help="print a Markdown table of what is there, and end")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # one cell, as JSON
    asked = parser.parse_args()
    if asked.cell:
        torch.set_num_threads(asked.threads)
        run(Cell(**json.loads(asked.cell)), asked.out, asked.threads)
    elif asked.table:
        print(table(gather(asked.out)))
    else:
        compare(asked)


def compare(asked: argparse.Namespace) -> None:
    """Every cell that is not done yet, seed by seed, so that a comparison broken off has whole rounds."""
    settings = parse_settings(asked.set)
    cells = [
        Cell(source, name, asked.minutes, seed, asked.size, asked.samples, asked.prompts, settings)
        for seed in asked.seeds
        for source in [prepared(source, asked.out) for source in asked.collections]
        for name in asked.families
    ]
    todo = {cell.folder_name: cell for cell in cells if not is_done(asked.out / cell.folder_name)}
    say(f"{len(todo)} cells to do, about {sum(cell.minutes for cell in todo.values()) / 60:.1f} hours of training")
    told = {name: asdict(cell) for name, cell in todo.items()}
    each_in_its_own_process(__file__, told, asked.out, ["--threads", str(asked.threads)])


if __name__ == "__main__":
    main()

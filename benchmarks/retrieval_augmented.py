"""Does a model draw better with pictures at hand that a search finds for the prompt? Nothing is trained for it.

    python benchmarks/retrieval_augmented.py emoji --prompts 200 --out bench-retrieval    the same command goes on
    python benchmarks/retrieval_augmented.py --out bench-retrieval --table                Markdown of what is there

In the manner of retrieval-augmented diffusion (Blattmann et al. 2022, arXiv 2204.11824), whose networks are trained
with their neighbours; here an unchanged model is given them. The prompts are captions of held-out pictures, the
neighbours those training pictures that the search finds for the words:

    alone             the prompt and nothing else
    start-S           varies the nearest picture with strength S: 0 would be that picture, 1 keeps nothing of it
    mean-S            varies the mean of the four nearest likewise
    words-S           the meaning of the prompt, S of the way to that of the nearest picture's caption

Each arm is a cell: one JSON line with the figures of `mindseye evaluate`, the share of copies among them, which is
what such help is paid with, and `sheet.png`: the nearest picture above what was drawn. An arm that is there is not done
again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mindseye
from cells import each_in_its_own_process, gather, is_done, write_json
from judge import prompt_set, score
from mindseye.imagine.family import Blend, Given, Settings, last_pictures
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.tensors import to_model
from mindseye.recall.search import Hit, open_searcher
from record import circumstances, say
from table import interval

ALONE, START, MEAN, WORDS = "alone", "start", "mean", "words"
ARMS = (ALONE, "start-0.4", "start-0.6", "start-0.8", "mean-0.8", "words-0.3", "words-0.6")
NEIGHBOURS = 4
SOUGHT = 50  # among which so many training pictures are
SHOWN = 12  # on a sheet
FIGURES = {
    "KID, lower is better": "kid",
    "precision": "precision",
    "recall": "recall",
    "shows its prompt (R-precision)": "r_precision/held_out",
    "copies": "copy_rate",
    "memorised": "memorised_rate",
}

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Cell:
    """One arm.

    Attributes:
        model: a shipped model's name, or a folder.
        collection: that it was trained on.
        arm: as above.
        prompts: how many, or as many as there are.
    """

    model: str
    collection: str
    arm: str
    prompts: int

    @property
    def folder_name(self) -> str:
        return f"{Path(self.model).name}-{Path(self.collection).name}-{self.prompts}prompts-{self.arm}"


def run(cell: Cell, out: Path) -> None:
    """Draws and judges one arm, and prints it."""
    collection, imaginer = mindseye.open_collection(cell.collection), mindseye.load(cell.model)
    asked = prompt_set(collection, "held_out", cell.prompts)
    near = neighbours(collection, asked.prompts)
    pictures = drawn(imaginer, collection, cell.arm, asked.prompts, near)
    folder = out / cell.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    above = [picture_of(collection, hits[0]) for hits in near[:SHOWN]]
    captions = [f"found for: {prompt}" for prompt in asked.prompts[:SHOWN]] + list(asked.prompts[:SHOWN])
    contact_sheet([*above, *pictures[:SHOWN]], captions, len(above), title=cell.arm).save(folder / "sheet.png")
    figures = score(pictures, asked.prompts, collection, "held_out")
    row = {**asdict(cell), "drawn": len(pictures), "figures": figures, **circumstances()}
    write_json(folder / "row.json", row)
    print(json.dumps(row, ensure_ascii=False), flush=True)


def neighbours(collection: mindseye.Collection, prompts: Sequence[str]) -> list[list[Hit]]:
    """The nearest training pictures of each prompt, by what they show; none of the held-out ones, so not its own."""
    searcher = open_searcher(collection, say)
    found = [[hit for hit in searcher.by_words(prompt, SOUGHT).hits if hit.split == "train"] for prompt in prompts]
    return [hits[:NEIGHBOURS] for hits in found]


def picture_of(collection: mindseye.Collection, hit: Hit) -> NDArray[np.uint8]:
    return np.asarray(collection.splits[hit.split].image(hit.row))


def drawn(
    imaginer: mindseye.Imaginer,
    collection: mindseye.Collection,
    arm: str,
    prompts: Sequence[str],
    near: Sequence[Sequence[Hit]],
) -> Pictures:
    """A picture a prompt; picture i has seed i in every arm."""
    seeds = range(len(prompts))
    how, _, share = arm.partition("-")
    if how in (ALONE, WORDS):
        words = [hits[0].caption for hits in near]
        told = prompts if how == ALONE else [Blend(*both, float(share)) for both in zip(prompts, words, strict=True)]
        return imaginer.shown(last_pictures(imaginer.painter.draw(told, "", seeds, Settings())))
    pictures = []
    form = imaginer.picture_format
    for prompt, seed, hits in zip(prompts, seeds, near, strict=True):
        beside = [
            collection.splits[hit.split].arrays(form.size_px, form.channels, form.pixel_art, rows=[hit.row])
            for hit in hits[: 1 if how == START else NEIGHBOURS]
        ]
        mean = to_model(np.concatenate(beside)).mean(0)
        drawing = imaginer.painter.draw([prompt], "", [seed], Settings(), Given(mean, strength=float(share)))
        pictures.append(imaginer.shown(last_pictures(drawing)))
    return np.concatenate(pictures)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a line an arm, for each model and collection."""
    parts = []
    for model, collection in dict.fromkeys((row["model"], row["collection"]) for row in rows):
        mine = [row for row in rows if (row["model"], row["collection"]) == (model, collection)]
        mine.sort(key=lambda row: ARMS.index(row["arm"]))
        out = [f"| {' | '.join(['arm', *FIGURES])} |", f"|{' --- |' * (1 + len(FIGURES))}"]
        for row in mine:
            values = [interval([row["figures"][name]]) if name in row["figures"] else "-" for name in FIGURES.values()]
            out.append(f"| `{row['arm']}` | {' | '.join(values)} |")
        machines = "; ".join(sorted({f"{row['processor']}, {row['cores']} cores, {row['date'][:10]}" for row in mine}))
        said = f"{mine[0]['drawn']} pictures each; in brackets the 95 % interval. {machines}."
        parts.append("\n".join([f"### {Path(model).name}, {Path(collection).name}", "", *out, "", said]))
    return "\n\n".join(parts) if parts else "There is nothing yet."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="a shipped model's name, or a folder")
    parser.add_argument("--collection", help="that it was trained on [the model's name]")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--prompts", type=int, default=200, help="captions of held-out pictures [200]")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--table", action="store_true", help="print Markdown of what is there, and end")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # one cell, as JSON
    asked = parser.parse_args()
    if asked.cell:
        run(Cell(**json.loads(asked.cell)), asked.out)
    elif asked.table:
        print(table(gather(asked.out)))
    elif asked.model:
        cells = [Cell(asked.model, asked.collection or asked.model, arm, asked.prompts) for arm in asked.arms]
        todo = {cell.folder_name: asdict(cell) for cell in cells if not is_done(asked.out / cell.folder_name)}
        say(f"{len(todo)} of {len(cells)} arms to do")
        each_in_its_own_process(__file__, todo, asked.out, [])
    else:
        parser.error("name a model, or --table")


if __name__ == "__main__":
    main()

"""Three ways to teach a word from one picture, and whether imagined pictures help to recognise it.

    python benchmarks/teach.py words --words 10 --out bench-teach          # goes on where it stopped
    python benchmarks/teach.py words --out bench-teach --table             # figures of what is there
    python benchmarks/teach.py forgetting --out bench-teach                # what the model could draw, before and after
    python benchmarks/teach.py episodes --ways 20 --out bench-teach   # 1-shot, with and without imagining

`words`: things that the emoji model never saw (its validation split) get the new name "zorble" from their Noto drawing.

    not taught           the new name as the base model reads it
    like                 the known words that stand in for it (the thinker's), nothing learnt
    word vector          what `mindseye teach` does: a change of the states of those words (Textual Inversion)
    low-rank             rank-4 layers on the keys and values of all words and on the sentence (Custom Diffusion, LoRA)
    picture embedding    ridge regression from picture features to word states, from 1,500 training pictures; the new
                         picture's prediction is the word (as in Pic2Word; IP-Adapter learns more, and longer)

The two that learn see the same pictures as often. Figures: cosine (EfficientNet-Lite0) of drawings to the picture that
was shown and to the Twemoji drawing of the thing, which was not; share of "a blue zorble" that fits "blue X" better
than "X" (the emoji judge); how far drawings of other prompts move, 0 to 255; seconds of processor time.

`forgetting`: R-precision (the emoji judge; each picture's caption among 100) of 100 prompts that the model was trained
on, with the same seeds before a word is taught, after it as `mindseye teach` does, and after it by low-rank layers; the
paired difference, and how many pictures have the same bytes.

`episodes`: some concepts of the style-transfer split, one drawing of each known, the drawing in the other style to be
recognised. The model was trained on the known drawings and knows their names, so its imagination is at its best.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

import mindseye
from mindseye.correct.teach.learning import learn, moved
from mindseye.correct.teach.making import stand_in
from mindseye.imagine.imaginer import Imaginer
from mindseye.observe.contrastive import load_judge
from mindseye.observe.contrastive.judge import Judge
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder
from mindseye.observe.taught import TaughtWord
from mindseye.pictures.tensors import from_model, to_model
from mindseye.randomness import rng_at
from mindseye.report.evaluate import Drawn, naming
from mindseye.report.reference import refer
from mindseye.think.figure import bootstrap_interval, resampled
from peers.teaching import WORD, Regression, low_rank, with_parts
from record import circumstances, say

THINGS = (
    "pear", "turtle", "cactus", "sunflower", "backpack", "snake", "shield", "magnet", "hamster", "egg", "bathtub",
    "purse", "ant", "mermaid", "bicycle", "volleyball", "motor boat", "alarm clock", "top hat", "fire engine",
)  # fmt: skip
OTHERS = ("a cat face", "a red car")
ARMS = ("not taught", "like", "word vector", "low-rank", "picture embedding")
FIGURES = ("likeness", "likeness_unseen", "follows", "moved", "seconds")


class Case:
    """One thing: its Noto drawing, which is shown, and its Twemoji drawing, which is not."""

    def __init__(self, name: str, split: Any, size_px: int) -> None:
        rows = {
            split.file_names[row].partition("/")[0]: row for row in range(len(split)) if split.captions[row][0] == name
        }
        self.name = name
        self.shown, self.unseen = (split.arrays(size_px, 4, rows=[rows[style]])[0] for style in ("noto", "twemoji"))


def with_word(imaginer: Imaginer, word: TaughtWord) -> Imaginer:
    """The model with a word that is written nowhere."""
    return with_parts(imaginer, imaginer.ours.model, imaginer.ours.encoder.knowing([word]))


def taught(arm: str, imaginer: Imaginer, case: Case, stands_in: str, seen: int, by_regression: Callable[[], Regression],
           encoder: PictureEncoder) -> Imaginer:  # fmt: skip
    """The model after one way of teaching."""
    picture = to_model(case.shown)
    tokens = sum(len(places) for _, places in imaginer.ours.encoder.words(stands_in))
    if arm == "not taught":
        return imaginer
    if arm == "like":
        return with_word(imaginer, TaughtWord(WORD, stands_in, torch.zeros(tokens, 384)))
    if arm == "word vector":
        ours = imaginer.ours
        learnt = learn(ours.model, ours.encoder, WORD, stands_in, picture[None], pictures_seen=seen)
        return with_word(imaginer, TaughtWord(WORD, stands_in, learnt.change))
    if arm == "low-rank":
        return low_rank(imaginer, stands_in, picture, seen)
    regression = by_regression()
    features = encoder.encode(case.shown[None]).pooled[0]
    return with_word(imaginer, regression.word(features, imaginer.ours.encoder))


def drawings(imaginer: Imaginer, prompts: Sequence[str], seeds: Sequence[int], steps: int) -> NDArray[np.uint8]:
    """One picture a prompt and seed, in few cheap steps."""
    return np.stack(
        [
            imaginer.imagine(
                mindseye.Request(prompt=prompt, seed=seed, steps=steps, sampler="adams-bashforth")
            )[0].pixels
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
    )  # fmt: skip


def measured(imaginer: Imaginer, case: Case, steps: int, encoder: PictureEncoder, judge: Judge,
             others: NDArray[np.uint8]) -> tuple[dict[str, float], Tensor]:  # fmt: skip
    """The figures of one way for one thing, and features of its drawings."""
    drawn = drawings(imaginer, [f"a {WORD}", f"a {WORD}", f"a blue {WORD}"], [0, 1, 0], steps)
    features = encoder.encode(np.concatenate([case.shown[None], case.unseen[None], drawn]))
    shown, unseen, *seen = F.normalize(features.pooled, dim=1)
    fits = judge.among(encoder.encode(drawn[2:]), [(f"blue {case.name}", case.name)])[0]
    now = drawings(imaginer, OTHERS, range(len(OTHERS)), steps)
    return {
        "likeness": float(np.mean([float(shown @ each) for each in seen[:2]])),
        "likeness_unseen": float(np.mean([float(unseen @ each) for each in seen[:2]])),
        "follows": float(fits[0] > fits[1]),
        "moved": float(np.abs(now.astype(float) - others).mean()),
    }, features.pooled


def words(asked: argparse.Namespace) -> None:
    """Teaches and measures thing after thing; what is there already is not done again."""
    results = asked.out / "words.jsonl"
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    imaginer, encoder, judge = mindseye.load(asked.model), load_picture_encoder(), load_judge()
    split = mindseye.open_collection("emoji").splits["validation"]
    others = drawings(imaginer, OTHERS, range(len(OTHERS)), asked.steps).astype(float)
    kept: list[Regression] = []

    def by_regression() -> Regression:
        if not kept:
            kept.append(Regression(imaginer, encoder, asked.out))
        return kept[0]

    for name in THINGS[: asked.words]:
        case = Case(name, split, imaginer.size)
        stands_in = stand_in(imaginer, "", case.shown[None])
        for arm in ARMS:
            if any((one["thing"], one["arm"]) == (name, arm) for one in done):
                continue
            if arm == "picture embedding":
                by_regression()
            began = time.process_time()
            knowing = taught(arm, imaginer, case, stands_in, asked.seen, by_regression, encoder)
            seconds = time.process_time() - began
            figures, features = measured(knowing, case, asked.steps, encoder, judge, others)
            save_file({"features": features}, asked.out / f"{name}-{arm}.safetensors".replace(" ", "-"))
            row = {"thing": name, "arm": arm, "like": stands_in, **figures, "seconds": round(seconds, 2)}
            with open(results, "a") as file:
                file.write(json.dumps({**row, "seen": asked.seen, "steps": asked.steps}) + "\n")
            say(json.dumps(row))
    table(asked.out)


def interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Mean and 95 % bootstrap interval over things; one thing has none."""
    x = np.array(values, dtype=float)
    if len(x) < 2:
        return float(x.mean()), None, None
    weights = resampled(np.arange(len(x)), 0, "things")
    low, high = bootstrap_interval(weights @ x / weights.sum(1))
    return float(x.mean()), low, high


def table(out: Path) -> None:
    """One JSON line a figure, of the things that every way was tried with."""
    done = [json.loads(line) for line in (out / "words.jsonl").read_text().splitlines()]
    things = [name for name in THINGS if sum(one["thing"] == name for one in done) == len(ARMS)]
    for figure in FIGURES if things else ():
        base = {one["thing"]: one[figure] for one in done if one["arm"] == "like"}
        for arm in ARMS:
            values = {one["thing"]: one[figure] for one in done if one["arm"] == arm}
            mean, low, high = interval([values[name] for name in things])
            gain, gain_low, gain_high = interval([values[name] - base[name] for name in things])
            line = {
                "figure": figure, "row": arm, "value": mean, "low": low, "high": high, "n": len(things),
                "over_like": gain, "over_like_low": gain_low, "over_like_high": gain_high,
                "seen": done[0]["seen"], "steps": done[0]["steps"],
            }  # fmt: skip
            print(json.dumps({**line, **circumstances()}), flush=True)


def episodes(asked: argparse.Namespace) -> None:
    """1-shot recognition with frozen features."""
    imaginer, encoder = mindseye.load(asked.model), load_picture_encoder()
    support, query, views, imagined = pairs(imaginer, encoder, asked)
    count = len(support)
    prototypes = {
        "one picture": support,
        "one picture and 8 moved and mirrored views": torch.cat([support[:, None], views], 1).mean(1),
        f"one picture and {asked.imagined} imagined": torch.cat([support[:, None], imagined], 1).mean(1),
        f"{asked.imagined} imagined alone": imagined.mean(1),
    }
    rng = rng_at(0, "episodes")
    chosen = [rng.permutation(count)[: asked.ways] for _ in range(asked.episodes)]
    times = np.bincount(np.concatenate(chosen), minlength=count)
    right, won = {}, {}  # share of its episodes in which each concept was recognised; of each episode
    for arm, known in prototypes.items():
        known = F.normalize(known, dim=1)
        hits = np.array(
            [
                (query[rows] @ known[rows].T).argmax(1).numpy() == np.arange(asked.ways)
                for rows in map(torch.from_numpy, chosen)
            ]
        )
        won[arm] = hits.mean(1)
        right[arm] = np.bincount(np.concatenate(chosen), hits.ravel(), count) / np.maximum(times, 1)
    for arm, shares in right.items():
        mean, low, high = interval(shares.tolist())
        gain, gain_low, gain_high = interval((shares - right["one picture"]).tolist())
        line = {
            "figure": f"accuracy_{asked.ways}_way_1_shot", "row": arm, "value": mean, "low": low, "high": high,
            "episodes": asked.episodes, "concepts": count, "over_one": gain, "over_one_low": gain_low,
            "over_one_high": gain_high, "won": float((won[arm] > won["one picture"]).mean()),
            "lost": float((won[arm] < won["one picture"]).mean()), "steps": asked.steps,
        }  # fmt: skip
        print(json.dumps({**line, **circumstances()}), flush=True)


def pairs(imaginer: Imaginer, encoder: PictureEncoder, asked: argparse.Namespace) -> list[Tensor]:
    """Features of length 1 of the known drawings, of those in the other style, of the known ones moved, and of
    imagined ones; kept in `out`."""
    path = asked.out / f"episodes-{asked.concepts}-{asked.imagined}-{asked.steps}.safetensors"
    if not path.exists():
        splits = mindseye.open_collection("emoji").splits
        train = {concept: row for row, concept in reversed(list(enumerate(splits["train"].concepts)))}
        transfer = splits["style_transfer"]
        found: dict[str, tuple[int, int]] = {}
        for row, concept in enumerate(transfer.concepts):
            if concept in train:
                found.setdefault(concept, (train[concept], row))
        concepts = [sorted(found)[place] for place in rng_at(0, "concepts").permutation(len(found))[: asked.concepts]]
        known = splits["train"].arrays(imaginer.size, 4, rows=[found[each][0] for each in concepts])
        other = transfer.arrays(imaginer.size, 4, rows=[found[each][1] for each in concepts])
        views = [
            encoder.encode(np.stack([from_model(moved(to_model(one), rng_at(0, "view", 8 * at + i), True))
                                     for i in range(8)])).pooled for at, one in enumerate(known)]  # fmt: skip
        drawn = []
        for each in concepts:
            caption = splits["train"].captions[found[each][0]][0]
            seeds = range(asked.imagined)
            drawn.append(encoder.encode(drawings(imaginer, [caption] * asked.imagined, seeds, asked.steps)).pooled)
            say(f"imagined {len(drawn)} of {len(concepts)}: {caption}")
        parts = {"support": encoder.encode(known).pooled, "query": encoder.encode(other).pooled}
        save_file({**parts, "views": torch.stack(views), "imagined": torch.stack(drawn)}, path)
    parts = load_file(path)
    return [F.normalize(parts[name], dim=-1) for name in ("support", "query", "views", "imagined")]


def forgetting(asked: argparse.Namespace) -> None:
    """R-precision of prompts that the model was trained on, before it is taught a word and after, seed by seed."""
    imaginer, encoder = mindseye.load(asked.model), load_picture_encoder()
    collection = mindseye.open_collection("emoji")
    reference = refer(collection, imaginer.picture_format, say)
    known = next(each for each in reference.sets if each.name == "seen").first(asked.prompts)
    case = Case(THINGS[0], collection.splits["validation"], imaginer.size)
    stands_in = stand_in(imaginer, "", case.shown[None])
    hits: dict[str, NDArray[np.float64]] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    for arm in ("not taught", "word vector", "low-rank"):
        knowing = taught(
            arm, imaginer, case, stands_in, asked.seen, lambda: Regression(imaginer, encoder, asked.out), encoder
        )
        say(f"{arm}: {len(known)} prompts")
        pictures[arm] = knowing.imagine_each(known.prompts, range(len(known)))
        [figure, *_], right = naming(reference, Drawn(known, pictures[arm]), reference.features(pictures[arm]), [])
        hits[arm] = np.array(right, float)
        change, low, high = interval((hits[arm] - hits["not taught"]).tolist())
        same = (pictures[arm] == pictures["not taught"]).all((1, 2, 3))
        line = {
            "figure": "forgetting: R-precision of seen prompts", "row": arm, "value": figure.value, "low": figure.low,
            "high": figure.high, "n": len(known), "judge": figure.encoder, "over_not_taught": change,
            "over_not_taught_low": low, "over_not_taught_high": high, "same_bytes": int(same.sum()),
            "thing": case.name, "seen": asked.seen,
        }  # fmt: skip
        print(json.dumps({**line, **circumstances()}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("words", "episodes", "forgetting"))
    parser.add_argument("--model", default="emoji")
    parser.add_argument("--out", type=Path, required=True, help="what is measured is kept here")
    parser.add_argument("--words", type=int, default=10, help="how many things")
    parser.add_argument("--seen", type=int, default=400, help="pictures that the two ways which learn see")
    parser.add_argument("--steps", type=int, default=12, help="of drawing")
    parser.add_argument("--concepts", type=int, default=30, help="of the episodes")
    parser.add_argument("--ways", type=int, default=5, help="concepts an episode")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=100, help="that the model was trained on, of `forgetting`")
    parser.add_argument("--imagined", type=int, default=2, help="pictures a concept")
    parser.add_argument("--table", action="store_true", help="only the figures of what is there")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.what == "forgetting":
        forgetting(asked)
    elif asked.what == "episodes":
        episodes(asked)
    elif asked.table:
        table(asked.out)
    else:
        words(asked)


if __name__ == "__main__":
    main()

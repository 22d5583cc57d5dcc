"""Thinking before showing: a model draws several candidates, its thinker looks at them, and the best is shown.

Also how a thinker is made for a model: a DAMSM and a captioner from the collection, a detector from the model's own
pictures.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mindseye import files
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.imagine.family import Progress
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request
from mindseye.learn.folder import ABOUT, THINKER
from mindseye.observe.damsm.network import PictureCode
from mindseye.randomness import SEED_LIMIT, rng_at
from mindseye.report.prompts import prompt_sets
from mindseye.think import captioner
from mindseye.think.detector import detect
from mindseye.think.features import FEWEST
from mindseye.think.thinker import CAPTIONS, FEATURES, Thinker, load_thinker

BATCH_SIZE = 64
WARMUP_PICTURES = 2000  # a thinker sees few pictures
DAMSM_SHARE = 0.7  # of the minutes; the rest is for the captioner and for drawing what the detector learns from
AT_ONCE = 40  # prompts that are drawn side by side
DRAWN = 300  # pictures that the detector learns from, at most

Log = Callable[[str], None]


def thinker_of(imaginer: Imaginer, folder: Path | None = None) -> Thinker:
    """The thinker in `folder`, or else the model's own.

    Raises:
        BadInput: there is none, or it is damaged, or it looks at pictures of another size.
    """
    where = folder or imaginer.path / THINKER
    if not (where / ABOUT).is_file():
        raise BadInput(
            f"{imaginer.name} has no thinker" if folder is None else f"there is no thinker in {folder}",
            why=f"{where} is not the folder of one",
            next_step=f"make one: mindseye think {imaginer.path} COLLECTION",
        )
    thinker = load_thinker(where)
    if (thinker.size_px, thinker.channels) != (imaginer.size, imaginer.picture_format.channels):
        raise BadInput(
            f"the thinker in {where} does not fit {imaginer.name}",
            why=f"it looks at {thinker.size_px} px with {thinker.channels} channels, the model draws at"
            f" {imaginer.size} px with {imaginer.picture_format.channels}",
            next_step=f"make one for this model: mindseye think {imaginer.path} COLLECTION",
        )
    if words := [edit.word.at_strength(0) for edit in imaginer.edits if edit.word]:
        thinker.encoder = thinker.encoder.knowing(words)  # it takes a taught word for what it is like
    return thinker


def candidate_seeds(seed: int, count: int) -> list[int]:
    """The seeds of a picture's candidates, a function of its own seed alone; the first is that seed itself, and fewer
    candidates are the first of more."""
    return [seed, *(int(rng_at(seed, "candidate", place).integers(SEED_LIMIT)) for place in range(1, count))]


def imagine_thinking(
    imaginer: Imaginer,
    thinker: Thinker,
    request: Request,
    candidates: int,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> list[Picture]:
    """Draws `candidates` pictures for each one asked for, and gives the best of each with the reasons in its story.

    Args:
        imaginer: draws.
        thinker: chooses, by how well the prompt fits and how real a picture looks.
        request: what to draw; each picture's candidates come from its own seed.
        candidates: for each picture, 1 or more.
        watch: called after every step, with the steps of all pictures together.

    Raises:
        BadInput: the model cannot do what is asked.
    """
    chosen = []
    for place, seed in enumerate(request.seeds):

        def watch_all(now: Progress, before: int = place) -> None:
            watch(replace(now, step=before * now.steps + now.step, steps=request.count * now.steps))

        drawn = imaginer.imagine(request, watch_all, seeds=candidate_seeds(seed, candidates))
        chosen.append(choose(thinker, drawn))
    return chosen


def choose(thinker: Thinker, candidates: Sequence[Picture]) -> Picture:
    """The best of one picture's candidates, with the reasons in its story; the first has the seed asked for."""
    asked = candidates[0].story
    thoughts = thinker.think(np.stack([picture.pixels for picture in candidates]), asked.prompt)
    best = max(range(len(candidates)), key=lambda index: thoughts[index].score)
    mean = sum(thought.match for thought in thoughts) / len(candidates)
    told = {
        "candidates": len(candidates),
        "asked_seed": asked.seed,
        "thought": f"the best of {len(candidates)}: {thoughts[best]}, on average of all with {mean:.2f}",
    }
    return replace(candidates[best], story=candidates[best].story.model_copy(update=told))


def make_thinker(
    imaginer: Imaginer,
    collection: Collection,
    *,
    minutes: float = 10.0,
    out: Path | None = None,
    log: Log = lambda line: None,
) -> Thinker:
    """Trains a thinker for a model on the collection that the model was trained on.

    Args:
        imaginer: the model.
        collection: with captions.
        minutes: for all of it; stopped, the same call goes on.
        out: the thinker's folder; `thinker` inside the model's folder unless given. One that is there is replaced.
        log: called with a line of text now and then.

    Raises:
        BadInput: the collection has no captions.
        Unavailable: the disk is full or refuses.
    """
    from mindseye.train.loop import train

    out = out or imaginer.path / THINKER
    sets = prompt_sets(collection, imaginer.picture_format, DRAWN)
    if not sets:
        raise BadInput(f"{collection.name} has no captions", next_step="a thinker learns from captions: collect some")
    with files.storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    run_folder = out.with_name(f"{out.name}-training")
    log(f"learning how words fit pictures, {minutes * DAMSM_SHARE:.0f} minutes")
    settings = {"batch_size": min(BATCH_SIZE, len(collection.splits["train"])), "warmup_pictures": WARMUP_PICTURES}
    if imaginer.size != collection.info["size_px"]:
        settings["size_px"] = imaginer.size
    run = train(
        "damsm",
        collection,
        run_folder,
        minutes=minutes * DAMSM_SHARE,
        settings={key: str(value) for key, value in settings.items()},
        log=log,
    )
    with files.written_aside(out) as aside:
        shutil.copytree(run.model, aside)
        captions = dict.fromkeys(texts[0] for texts in collection.splits["train"].captions if texts)
        (aside / CAPTIONS).write_text("".join(f"{' '.join(caption.split())}\n" for caption in captions), "utf-8")
        thinker = load_thinker(aside)
        log("learning to describe pictures")
        _fit_captioner(thinker, collection, 60 * minutes * (1 - DAMSM_SHARE) / 2).save(aside / "captioner")
        log("learning to tell its pictures from real ones")
        fit_detector(thinker, imaginer, collection, aside, log)
    shutil.rmtree(run_folder)
    return load_thinker(out)


def _seen(thinker: Thinker, collection: Collection, split: str) -> PictureCode:
    pixel_art = collection.info["pixel_art"]
    return thinker.look(collection.splits[split].arrays(thinker.size_px, thinker.channels, pixel_art))


def _fit_captioner(thinker: Thinker, collection: Collection, seconds: float) -> captioner.Captioner:
    train = collection.splits["train"]
    regions = _seen(thinker, collection, "train").regions
    return captioner.fit(regions, train.captions, train.concepts, seconds=seconds)


def fit_detector(thinker: Thinker, imaginer: Imaginer, collection: Collection, folder: Path, log: Log) -> None:
    """Real pictures are those that the model never saw, or it would be told apart by what it learnt by heart."""
    held_out = [name for name in collection.splits if name != "train"]
    real = [_seen(thinker, collection, name).whole for name in held_out]
    if sum(map(len, real)) < FEWEST:
        log("too few held-out pictures to learn what is real; it will choose by the prompt alone")
        return
    prompts = [(prompt, concept) for each in prompt_sets(collection, imaginer.picture_format, DRAWN)
               for prompt, concept in zip(each.prompts, each.concepts, strict=True)]  # fmt: skip
    asked = prompts[:: -(-len(prompts) // DRAWN)]
    drawn: list[np.ndarray] = []
    for begin in range(0, len(asked), AT_ONCE):
        some = asked[begin : begin + AT_ONCE]
        drawn += list(imaginer.imagine_each([prompt for prompt, _ in some], range(begin, begin + len(some))))
        log(f"drew {len(drawn)} of {len(asked)} pictures")
    detection = detect(
        torch.cat(real),
        thinker.look(np.stack(drawn)).whole,
        encoder=FEATURES,
        real_blocks=[concept for name in held_out for concept in collection.splits[name].concepts],
        generated_blocks=[concept for _, concept in asked],
    )
    log(f"tells them apart with an area under the curve of {detection.auc.value:.2f} (0.5 is a guess)")
    detection.detector.save(folder / "detector")

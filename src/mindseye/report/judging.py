"""What to make of one picture: real or imagined, what it shows, does it fit its prompt, what was it trained near."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mindseye import files
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.correct.teach.recognising import nearest as nearness
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.observe.looks import TrainingLooks
from mindseye.observe.pictures import load_picture_encoder
from mindseye.pictures.opener import open_picture
from mindseye.pictures.story import read_story
from mindseye.pictures.tensors import fit
from mindseye.report.origins import training_collection
from mindseye.report.thinking import thinker_of
from mindseye.think.thinker import Thinker

NEAREST = 5
CAPTIONS = 5
SURE = 0.5  # share of the best caption, from which on no other is named beside it


def judge(
    picture: Path | bytes,
    *,
    prompt: str | None = None,
    model: Imaginer | str | Path = "emoji",
    thinker: Thinker | Path | None = None,
    collection: Collection | str | Path | None = None,
    nearest: int = NEAREST,
    page: Path | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """What to make of a picture.

    Args:
        picture: any picture file, or the bytes of one; it is fitted to the thinker's size.
        prompt: what it should show; the prompt in its story unless given.
        model: whose thinker judges.
        thinker: another one, or the folder of one; one that is open already reads its captions once only.
        collection: where to look for the nearest training pictures; the model's own, where that is at hand. Without one
            a note says that none were looked for.
        nearest: how many training pictures to look for; 0 looks at none, which the first time saves minutes.
        page: where to write the answer as an HTML page.
        log: called with a line of text now and then.

    Returns:
        Plain JSON values: `picture`, `imagined` (probability, or None without a detector), `shows` (`headline`),
        `captions` ([caption, share] each, best first), `description` (in words of its own, "" without a captioner),
        `prompt`, `match` (probability of the
        prompt among 100 captions), `taught` ([word, similarity] of each taught word), `nearest` ({file_name, caption,
        row in the training split, distance} each), `notes`.

    Raises:
        BadInput: the file is no picture, or there is no thinker.
        Unavailable: the page cannot be written.
    """
    image = open_picture(picture)
    told = read_story(picture).get("prompt") if prompt is None else prompt
    imaginer = model if isinstance(model, Imaginer) else load(model)
    thinks = thinker if isinstance(thinker, Thinker) else thinker_of(imaginer, thinker)
    pixels = fit(image, thinks.size_px, thinks.channels, imaginer.picture_format.pixel_art)
    seen = thinks.look(pixels[None])
    realism = thinks.realism(seen)
    notes = []
    if max(image.size) != thinks.size_px or image.width != image.height:
        notes.append(f"looked at it as {thinks.size_px} x {thinks.size_px} px, not {image.width} x {image.height}")
    if realism is not None and thinks.detector is not None:
        notes.append(
            f"it tells the pictures of {imaginer.name} from real ones with an area under the curve of"
            f" {thinks.detector.facts.auc:.2f} (0.5 is a guess; from {thinks.detector.facts.n_real} real and"
            f" {thinks.detector.facts.n_generated} drawn ones), and knows nothing of those of other models"
        )
    if collection is None and nearest:
        collection = training_collection(imaginer)
        if collection is None:
            notes.append(
                f"it looked for no training pictures: those of {imaginer.name} are not at hand; --collection names some"
            )
    captions = thinks.captions_for(seen, CAPTIONS)[0]
    verdict: dict[str, Any] = {
        "picture": str(picture) if isinstance(picture, Path) else "the picture",
        "model": imaginer.name,
        "imagined": None if realism is None else float(1 - realism[0]),
        "shows": headline(captions),
        "captions": captions,
        "description": thinks.captioner.describe(seen.regions)[0].text if thinks.captioner else "",
        "prompt": told or None,
        "match": thinks.think(pixels[None], told)[0].match if told else None,
        "taught": _taught(pixels, imaginer),
        "nearest": _nearest(pixels, collection, imaginer, nearest, log) if collection and nearest else [],
        "notes": notes,
    }
    if page is not None:
        from mindseye.report.judging_page import render

        files.write_text(page, render(verdict, pixels, collection))
    return verdict


def headline(captions: Sequence[tuple[str, float]]) -> str:
    """What a picture shows, in one line: the caption that fits best; and the next one, unless it has half of all
    probability. "" where there are none.

    Args:
        captions: with their shares, best first.
    """
    if not captions:
        return ""
    (best, share), *others = captions
    return best if share >= SURE or not others else f"perhaps {best}, or {others[0][0]}"


def _taught(pixels: np.ndarray, imaginer: Imaginer) -> list[tuple[str, float]]:
    """The taught words with the cosine to the nearest picture of each, the best first."""
    lessons = {edit.name: edit.lesson.seen for edit in imaginer.edits if edit.lesson}
    if not lessons:
        return []
    seen = load_picture_encoder().encode(np.stack([pixels, pixels[:, ::-1]])).pooled
    views = torch.nn.functional.normalize(seen, dim=1)
    return sorted(((word, nearness(views, known)) for word, known in lessons.items()), key=lambda one: -one[1])


def _nearest(
    pixels: np.ndarray,
    collection: Collection | str | Path,
    imaginer: Imaginer,
    count: int,
    log: Callable[[str], None],
) -> list[dict[str, Any]]:
    """The training pictures that look most like it, upright or mirrored, by the frozen picture encoder."""
    opened = collection if isinstance(collection, Collection) else open_collection(collection)
    looks = TrainingLooks.of(opened, imaginer.picture_format, log)
    return [
        {"file_name": near.file_name, "caption": near.caption, "row": near.row, "distance": round(1 - near.cosine, 4)}
        for near in looks.nearest(pixels[None], count)[0]
    ]

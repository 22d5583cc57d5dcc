"""What corrections are measured on: sets of cases, who judges the pictures, and models that are corrected and draw.

Sets in the manner of TIMED, each of known things; a sixth of each is for choosing settings, the rest is measured:

    emoji            "a rose" -> "a blue rose"; judged by the matcher that is a stranger to the model
    shapes           "a red circle" -> "a red circle on the left"; judged by the exact decoder
    shapes-colours   "a red circle" -> "a blue circle", likewise; not for TIME, whose destinations add to their sources
    timed, road      the published tables, from a person's own files, for pipelines; judged by a CLIP of the person's
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

import mindseye
from mindseye.collection.builtin.shapes.decode import decode
from mindseye.collection.builtin.shapes.scene import COLOURS, SHAPES, UNSEEN_PAIRS
from mindseye.collection.builtin.shapes.words import understood
from mindseye.correct import pipelines
from mindseye.correct.beliefs import EFFICACY, GENERALITY, PARAPHRASES, SPECIFICITY, Probe, without_article
from mindseye.correct.making import make, share_of_weights
from mindseye.correct.tables import Case, read_road, read_timed
from mindseye.imagine.edits import Edit, EditRecord
from mindseye.imagine.family import Settings
from mindseye.imagine.pipelines.finding import find_pipeline
from mindseye.learn.device import best_device
from mindseye.observe.contrastive import load_judge
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.tensors import from_model
from mindseye.think.following import judged

WORLDS = ("emoji", "shapes", "shapes-colours", "timed", "road")
TABLES = {"timed": read_timed, "road": read_road}
SIXTH = 6
ARTICLES = ("a", "an", "the")

THINGS = (
    "a rose", "a car", "a fish", "an apple", "a heart", "a tree", "a cat", "a balloon", "a book", "a hat", "a shoe",
    "a bird", "a truck", "a tulip", "a dog", "a cup", "a bag", "a shirt", "a boat", "a bell", "a key", "a house",
    "a butterfly", "a mushroom", "a train", "a guitar", "a pencil", "a chair", "an umbrella", "a candle",
)  # fmt: skip
TINTS = ("blue", "red", "green", "purple", "black", "yellow")
OTHERS = (  # things of the emoji that no case is about
    "a banana", "a bicycle", "a cake", "a camera", "a clock", "a crown", "a duck", "a fox", "a lion", "a pizza",
    "a robot", "a rocket", "a snake", "a violin", "a whale",
)  # fmt: skip
EACH = 3  # of those beside every case
PLACES = ("on the left", "on the right", "at the top", "at the bottom")
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of its pixels
STATED = ("object", "colour", "place")  # what the decoder asks of a picture; size and background are left free

Pictures = NDArray[np.uint8]
Judge = Callable[[Pictures, Sequence[Probe]], NDArray[np.bool_]]


# --------------------------------------------------------------------------------------------------- cases


def cases(world: str, split: str, table: Path | None = None) -> list[Case]:
    """The cases of a set: "test", or the sixth of them that is for "validation"; of a published table all."""
    if world in TABLES:
        assert table, "a published set needs --table-file"
        return TABLES[world](table)
    every = {"emoji": emoji_cases, "shapes": place_cases, "shapes-colours": colour_cases}[world]()
    return [case for place, case in enumerate(every) if (place % SIXTH == SIXTH - 1) == (split == "validation")]


def emoji_cases() -> list[Case]:
    """Things in a colour that they do not have by themselves, as a rule."""
    found = []
    for place, thing in enumerate(THINGS):
        tint, bare = turned(TINTS, place), without_article(thing)
        asked = [Probe(EFFICACY, thing, f"a {tint} {bare}", thing)]
        for words in PARAPHRASES:
            prompt, wanted = words.format(bare=bare), words.format(bare=f"{tint} {bare}")
            asked.append(Probe(GENERALITY, prompt, wanted, prompt))
        for step in range(EACH):
            other = OTHERS[(EACH * place + step) % len(OTHERS)]
            asked.append(Probe(SPECIFICITY, other, other, f"a {tint} {without_article(other)}"))
        found.append(case(thing, f"a {tint} {bare}", asked))
    return found


def turned(choices: Sequence[str], place: int) -> str:
    """One after the other, and another one in every sixth place than the sixth before."""
    return choices[(place + place // SIXTH) % len(choices)]


def seen_things() -> list[tuple[str, str]]:
    """The pairs of colour and shape that training shows, neighbours differing in both."""
    colours, pairs = list(COLOURS), []
    for turn in range(len(colours)):
        pairs += [(colours[(turn + place) % len(colours)], shape) for place, shape in enumerate(SHAPES)]
    return [pair for pair in pairs if pair not in UNSEEN_PAIRS]


def others_of(colour: str, shape: str) -> list[tuple[str, str]]:
    """Five things that training shows too: two of the colour, two of the shape, and one that has neither."""
    seen = seen_things()
    one = [pair for pair in seen if pair[0] == colour and pair[1] != shape][:2]
    two = [pair for pair in seen if pair[1] == shape and pair[0] != colour][:2]
    return [*one, *two, next(pair for pair in seen if pair[0] != colour and pair[1] != shape)]


def place_cases() -> list[Case]:
    """Shapes whose place no prompt says, each of which is to have one."""
    found = []
    for number, (colour, shape) in enumerate(seen_things()):
        place, thing = turned(PLACES, number), f"{colour} {shape}"
        worded = ("one {}", "a small {}", "a large {}", "{} on white", "{} on black")
        worded = tuple(text if text[0] in "ao" else f"{article(colour)} {text}" for text in worded)
        asked = [Probe(EFFICACY, f"{article(colour)} {thing}", f"{article(colour)} {thing} {place}", "")]
        asked += [Probe(GENERALITY, text.format(thing), placed(text.format(thing), place), "") for text in worded]
        for other in others_of(colour, shape):
            prompt = f"{article(other[0])} {' '.join(other)}"
            asked.append(Probe(SPECIFICITY, prompt, prompt, f"{prompt} {place}"))
        found.append(case(asked[0].prompt, asked[0].wanted, asked))
    return found


def colour_cases() -> list[Case]:
    """Shapes of one colour that are to have another, which training shows, too."""
    found, seen = [], seen_things()
    for colour, shape in seen:
        of_shape = [pair[0] for pair in seen if pair[1] == shape]
        new = of_shape[(of_shape.index(colour) + 1) % len(of_shape)]
        worded = (
            "{} {} {}",
            "one {1} {2}",
            "a small {1} {2}",
            "a large {1} {2}",
            "{} {} {} on white",
            "{} {} {} on black",
        )
        prompts = [[text.format(article(each), each, shape) for text in worded] for each in (colour, new)]
        kinds = [EFFICACY, *[GENERALITY] * (len(worded) - 1)]
        asked = [Probe(kind, old, wanted, "") for kind, old, wanted in zip(kinds, *prompts, strict=True)]
        for other in others_of(colour, shape):
            prompt = f"{article(other[0])} {' '.join(other)}"
            asked.append(Probe(SPECIFICITY, prompt, prompt, ""))
        found.append(case(asked[0].prompt, asked[0].wanted, asked))
    return found


def case(source: str, destination: str, asked: Sequence[Probe]) -> Case:
    """With the prompts with which the unedited model would draw what is wanted."""
    oracles = [probe.prompt if probe.kind == SPECIFICITY else probe.wanted for probe in asked]
    return Case(source, destination, tuple(asked), tuple(oracles))


def article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def placed(prompt: str, place: str) -> str:
    """A prompt with a place said where the grammar of the shapes has it: before the background."""
    thing, on, ground = prompt.partition(" on ")
    return f"{thing} {place}{on}{ground}"


def unrelated(captions: Sequence[str], every: Sequence[Case]) -> list[int]:
    """Which captions do not say all that one of the sources says."""
    sources = [set(words_of(each.source)) - set(ARTICLES) for each in every]
    said = [set(words_of(caption)) for caption in captions]
    return [row for row, words in enumerate(said) if not any(source <= words for source in sources)]


# -------------------------------------------------------------------------------------------------- judges


def judge_of(world: str, clip: Path | None = None) -> tuple[Judge, str]:
    """Who says whether a picture is as a probe wants it, and its name."""
    if world == "emoji":
        return by_matcher(), load_judge().name
    if world in TABLES:
        assert clip, "a published set needs --clip, the folder of a CLIP model that takes no part in the drawing"
        return by_clip(clip), clip.name
    return by_decoder, "shapes decoder"


def by_matcher() -> Judge:
    """Fits the picture the wanted text better than the other one?"""
    judge, encoder = load_judge(), load_picture_encoder()

    def hits(pictures: Pictures, probes: Sequence[Probe]) -> NDArray[np.bool_]:
        fits = judge.among(encoder.encode(pictures), [(probe.wanted, probe.other) for probe in probes])
        result: NDArray[np.bool_] = fits[:, 0] > fits[:, 1]
        return result

    return hits


def by_decoder(pictures: Pictures, probes: Sequence[Probe]) -> NDArray[np.bool_]:
    """Does the picture show what is wanted, exactly? Of an unrelated one: and not what the edit is about, too?"""

    def shows(picture: Pictures, text: str) -> bool:
        holds = judged(understood(text), decode(picture))
        return all(holds[aspect] for aspect in STATED if aspect in holds)

    return np.array(
        [
            shows(picture, probe.wanted) and not (probe.other and shows(picture, probe.other))
            for picture, probe in zip(pictures, probes, strict=True)
        ]
    )


def by_clip(folder: Path) -> Judge:
    """CLIP's zero-shot choice between two texts, as in the papers."""
    from transformers import AutoTokenizer, CLIPModel

    model = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    tokeniser = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    edge = model.config.vision_config.image_size

    @torch.inference_mode()
    def hits(pictures: Pictures, probes: Sequence[Probe]) -> NDArray[np.bool_]:
        found = []
        for picture, probe in zip(pictures, probes, strict=True):
            pixels = torch.from_numpy(picture[None, ..., :3]).movedim(-1, 1).float() / 255
            seen = F.interpolate(pixels, (edge, edge), mode="bicubic", antialias=True)
            seen = (seen - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]
            read = tokeniser([probe.wanted, probe.other], return_tensors="pt", padding=True, truncation=True)
            wanted, other = model(**read, pixel_values=seen).logits_per_image[0].tolist()
            found.append(wanted > other)
        return np.array(found)

    return hits


# -------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class Change:
    """An edit that is not written anywhere.

    Attributes:
        edit: of our models an `Edit`, of pipelines layers.
        seconds: what making it took.
        share_of_weights: numbers in the matrices that it changes, of all of the model and its text encoders.
    """

    edit: Any
    seconds: float
    share_of_weights: float


class Model(Protocol):
    """What is corrected, and draws one picture a prompt."""

    def change(self, method: str, case: Case) -> Change: ...

    def draw(self, prompts: Sequence[str], seeds: Sequence[int], changes: Sequence[Change] = ()) -> Pictures: ...


def open_model(name: str, steps: int | None, captions: Sequence[str]) -> Model:
    """One of our models, or a pipeline of the diffusers library."""
    folder = find_pipeline(name)
    return PipelineModel(folder, steps, captions) if folder else OurModel(mindseye.load(name), steps)


class OurModel:
    """A model of one of our families; a `Model`."""

    def __init__(self, imaginer: mindseye.Imaginer, steps: int | None) -> None:
        self._imaginer, self._settings = imaginer, Settings(steps=steps)

    def change(self, method: str, case: Case) -> Change:
        imaginer, pairs = self._imaginer, [(case.source, case.destination)]
        made = make(imaginer, method, pairs)
        share = share_of_weights(imaginer, made.layers)
        record = EditRecord(
            name=case.source, method=method, pairs=tuple(pairs), model=imaginer.name, model_sha256=imaginer.sha256,
            encoder_sha256=imaginer.ours.encoder.sha256, layers=dict(made.inputs), seconds=made.seconds,
            share_of_weights=share,
        )  # fmt: skip
        return Change(Edit(record, made.layers, case.source), made.seconds, share)

    def draw(self, prompts: Sequence[str], seeds: Sequence[int], changes: Sequence[Change] = ()) -> Pictures:
        imaginer = self._imaginer.corrected([change.edit for change in changes]) if changes else self._imaginer
        *_, last = imaginer.painter.draw(prompts, "", seeds, self._settings)
        return imaginer.shown(last.pictures)


class PipelineModel:
    """A pipeline of the diffusers library; a `Model`."""

    def __init__(self, folder: Path, steps: int | None, captions: Sequence[str]) -> None:
        from mindseye.imagine.pipelines.opening import open_pipeline

        self._pipeline, self._captions = open_pipeline(folder, best_device()), captions
        self._settings = Settings(steps=steps)

    def change(self, method: str, case: Case) -> Change:
        began = time.perf_counter()
        captions = [caption for caption in self._captions if caption != case.source]
        layers = pipelines.make(self._pipeline, method, [(case.source, case.destination)], captions=captions)
        seconds = time.perf_counter() - began
        parts = {name: part for name, part in self._pipeline.components.items() if isinstance(part, torch.nn.Module)}
        counted = [
            part for name, part in parts.items() if name in pipelines.NETWORKS or name.startswith("text_encoder")
        ]
        touched = sum(
            parts[component].get_parameter(name).numel()
            for component, _, name in (matrix.partition("/") for matrix in layers)
        )
        return Change(layers, seconds, touched / sum(p.numel() for part in counted for p in part.parameters()))

    def draw(self, prompts: Sequence[str], seeds: Sequence[int], changes: Sequence[Change] = ()) -> Pictures:
        from mindseye.imagine.pipelines.painter import PipelinePainter

        pipeline = self._pipeline
        for change in changes:
            pipeline = pipelines.corrected(pipeline, change.edit)
        *_, last = PipelinePainter(pipeline).draw(prompts, "", seeds, self._settings)
        return from_model(last.pictures)

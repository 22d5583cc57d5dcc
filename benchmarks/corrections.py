"""What corrections are measured on: sets of cases, who judges the pictures, and models that are corrected and draw.

Sets in the manner of TIMED, each of known things; a sixth of each is for choosing settings, the rest is measured:

    emoji            "a rose" -> "a blue rose"; judged by the matcher that is a stranger to the model
    shapes           "a red circle" -> "a red circle on the left"; judged by the exact decoder
    shapes-colours   "a red circle" -> "a blue circle", likewise; not for TIME, whose destinations add to their sources
    timed, road      the published tables, from a person's own files, for pipelines; judged by a CLIP of the person's
    biases           published lists of professions, likewise; measured otherwise, see `biases.py`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

import mindseye
from mindseye.collection.builtin.shapes.decode import decode
from mindseye.collection.builtin.shapes.scene import COLOURS, SHAPES, UNSEEN_PAIRS
from mindseye.collection.builtin.shapes.words import understood
from mindseye.correct.beliefs import EFFICACY, GENERALITY, PARAPHRASES, SPECIFICITY, Probe, without_article
from mindseye.correct.changes import share_of_weights, subject_of
from mindseye.correct.debias import Shares, debias
from mindseye.correct.evening import COUNTED_FROM, DRAWN, METHOD
from mindseye.correct.making import make
from mindseye.correct.tables import Bias, Case, read_biases, read_road, read_timed
from mindseye.imagine.edits import Edit, EditRecord, Layer
from mindseye.imagine.family import Settings
from mindseye.observe.contrastive import load_judge
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.vocabulary import words_of
from mindseye.think.following import judged

BIASES = "biases"
WORLDS = ("emoji", "shapes", "shapes-colours", "timed", "road", BIASES)
TABLES = {"timed": read_timed, "road": read_road, BIASES: read_biases}
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
AT_ONCE = 32  # pictures or texts that CLIP reads
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of its pixels
STATED = ("object", "colour", "place")  # what the decoder asks of a picture; size and background are left free

Pictures = NDArray[np.uint8]
Judge = Callable[[Pictures, Sequence[Probe]], NDArray[np.bool_]]


# --------------------------------------------------------------------------------------------------- cases


def cases(world: str, split: str, table: Path | None = None) -> list[Case] | list[Bias]:
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
        return Clip(clip), clip.name
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


class Clip:
    """CLIP's zero-shot choice between two texts, as in the papers; a `Judge`."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer, CLIPModel

        self._model = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        self._tokeniser = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def __call__(self, pictures: Pictures, probes: Sequence[Probe]) -> NDArray[np.bool_]:
        texts = list(dict.fromkeys(text for probe in probes for text in (probe.wanted, probe.other)))
        fits, rows = self.fits(pictures, texts), np.arange(len(probes))
        wanted, other = (
            fits[rows, [texts.index(getattr(probe, name)) for probe in probes]] for name in ("wanted", "other")
        )
        hits: NDArray[np.bool_] = wanted > other
        return hits

    @torch.inference_mode()
    def fits(self, pictures: Pictures, texts: Sequence[str]) -> NDArray[np.float32]:
        """The cosine between each picture and each text, [picture, text]."""
        edge = self._model.config.vision_config.image_size
        seen = []
        for some in torch.from_numpy(pictures[..., :3]).movedim(-1, 1).split(AT_ONCE):
            pixels = F.interpolate(some.float() / 255, (edge, edge), mode="bicubic", antialias=True)
            pixels = (pixels - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]
            seen.append(self._model.visual_projection(self._model.vision_model(pixel_values=pixels).pooler_output))
        read = []
        for begin in range(0, len(texts), AT_ONCE):
            some = list(texts[begin : begin + AT_ONCE])
            tokens = self._tokeniser(some, return_tensors="pt", padding=True, truncation=True)
            read.append(self._model.text_projection(self._model.text_model(**tokens).pooler_output))
        one, other = (F.normalize(torch.cat(each), dim=1) for each in (seen, read))
        cosines: NDArray[np.float32] = (one @ other.T).numpy()
        return cosines

    def score(self, pictures: Pictures, prompts: Sequence[str]) -> NDArray[np.float32]:
        """CLIPScore of each picture with its own prompt: 100 times the cosine, 0 where that is negative."""
        texts = list(dict.fromkeys(prompts))
        fits = self.fits(pictures, texts)
        own: NDArray[np.float32] = 100 * fits[np.arange(len(prompts)), [texts.index(each) for each in prompts]]
        return own.clip(min=0)


# -------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class Change:
    """An edit that is not written anywhere.

    Attributes:
        edit: the edit.
        seconds: what making it took.
    """

    edit: Edit
    seconds: float

    @property
    def share_of_weights(self) -> float:
        """Numbers in the matrices that it changes, of all of the model and its text encoders."""
        return self.edit.record.share_of_weights


class Model:
    """What is corrected, and draws one picture a prompt: one of our models, or a pipeline of the diffusers library.

    Args:
        name: of a shipped model, a folder, a run or a pipeline.
        steps: of sampling; the model's own where None.
    """

    def __init__(self, name: str, steps: int | None) -> None:
        self._imaginer, self._settings = mindseye.load(name), Settings(steps=steps)

    def change(self, method: str, source: str, destination: str) -> Change:
        """The edit that a method makes.

        Raises:
            BadInput: it cannot do this for these prompts.
        """
        made = make(self._imaginer, method, [(source, destination)])
        return self._change(method, source, destination, made.layers, made.inputs, made.seconds)

    def evened(self, concept: str, attributes: Sequence[str], shares: Callable[[Pictures], Shares]) -> Change | None:
        """UCE's loop, which draws the concept, counts its attributes and corrects; None where no round is more even
        than the model as it was.

        Args:
            concept: a prompt.
            attributes: words, two or more.
            shares: of the attributes in pictures of the concept.
        """
        owner, entrances = subject_of(self._imaginer).entrances()
        takes = {f"{owner}/{each.matrix}": each.takes for each in entrances.entrances}
        seeds = list(range(COUNTED_FROM, COUNTED_FROM + DRAWN))
        began = time.perf_counter()

        def of(layers: Mapping[str, Layer]) -> Change:
            owned = {f"{owner}/{matrix}": layer for matrix, layer in layers.items()}
            used = {matrix: takes[matrix] for matrix in owned}
            return self._change(METHOD, concept, " or ".join(attributes), owned, used, time.perf_counter() - began)

        def observed(layers: dict[str, Layer] | None) -> Shares:
            return shares(self.draw([concept] * DRAWN, seeds, [of(layers)] if layers else []))

        with torch.no_grad():
            found = debias(entrances, concept, attributes, observed)
        return of(found.layers) if found.layers else None

    def _change(
        self, method: str, source: str, destination: str, layers: Mapping[str, Layer], inputs: Mapping[str, str],
        seconds: float,
    ) -> Change:  # fmt: skip
        imaginer = self._imaginer
        record = EditRecord(
            name=source, method=method, pairs=((source, destination),), model=imaginer.name,
            model_sha256=imaginer.sha256, encoder_sha256=imaginer.painter.encoder_sha256, layers=dict(inputs),
            seconds=seconds, share_of_weights=share_of_weights(subject_of(imaginer), layers),
        )  # fmt: skip
        return Change(Edit(record, layers, source), seconds)

    def draw(self, prompts: Sequence[str], seeds: Sequence[int], changes: Sequence[Change] = ()) -> Pictures:
        """One picture a prompt, with all of the changes in force."""
        imaginer = self._imaginer.corrected([change.edit for change in changes]) if changes else self._imaginer
        return imaginer.imagine_each(prompts, seeds, self._settings)

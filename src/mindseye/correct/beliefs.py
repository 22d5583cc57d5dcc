"""What an edit is measured with: prompts drawn before and after it, and the figures that come of them.

In the terms of the papers, each a share of pictures that fit one text better than another, by a matcher that is a
stranger to the model:

    efficacy      the source prompt: does the picture fit the destination better than the source?
    generality    the source in other words, none of which the edit was made with: likewise
    specificity   prompts of other things: does the picture still fit its own prompt better than that prompt with what
                  the destination adds?
    moved         how far pixels are from what they were, 0 to 255, mean: of the source's pictures, of other things'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from mindseye.imagine.imaginer import Imaginer
from mindseye.learn.folder import MODELS, THINKER, vocabulary
from mindseye.observe.contrastive import Judge
from mindseye.observe.contrastive.judge import SHIPPED_FOR
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.text import TextEncoder
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.sheet import contact_sheet
from mindseye.randomness import rng_at
from mindseye.think.figure import Figure, block_numbers, bootstrap_interval, resampled, seeds_text, share_interval

EFFICACY, GENERALITY, SPECIFICITY, MOVED = "efficacy", "generality", "specificity", "moved"
PARAPHRASES = ("{bare}", "the {bare}", "a big {bare}")  # none of the wordings that edits are made with
UNRELATED = 4
CAPTIONS = "captions.txt"  # of a thinker
CONSIDERED = 300  # captions among which unrelated ones are looked for
ARTICLES = ("a", "an", "the")


@dataclass(frozen=True)
class Probe:
    """A prompt that is drawn, and what its pictures are asked.

    Attributes:
        kind: `EFFICACY`, `GENERALITY` or `SPECIFICITY`.
        prompt: what is drawn.
        wanted, other: the picture is to fit the first better than the second.
    """

    kind: str
    prompt: str
    wanted: str
    other: str


def probes(source: str, destination: str, unrelated: Sequence[str]) -> list[Probe]:
    """The source, paraphrases of it, and prompts of other things."""
    bare, bare_destination = without_article(source), without_article(destination)
    worded = [(text.format(bare=bare), text.format(bare=bare_destination)) for text in PARAPHRASES]
    worded = [(prompt, wanted) for prompt, wanted in worded if prompt != source]
    return [
        Probe(EFFICACY, source, destination, source),
        *(Probe(GENERALITY, prompt, wanted, prompt) for prompt, wanted in worded),
        *(Probe(SPECIFICITY, prompt, prompt, changed_too(prompt, source, destination)) for prompt in unrelated),
    ]


def without_article(prompt: str) -> str:
    """The prompt without an article at its beginning."""
    first, _, rest = prompt.partition(" ")
    return rest if rest and first.lower() in ARTICLES else prompt


def changed_too(prompt: str, source: str, destination: str) -> str:
    """What another prompt would be if the edit had caught it: with the words that the destination adds, or, where it is
    another thing altogether, that thing."""
    known = words_of(source)
    added = [word for word in words_of(destination) if word not in known]
    said_all = set(known) - set(ARTICLES) <= set(words_of(destination))
    return " ".join([*added, without_article(prompt)]) if added and said_all else destination


def known_captions(imaginer: Imaginer) -> list[str]:
    """Captions of what a model learnt from, in an order by chance: those of its thinker, or else its single words; of a
    pipeline, whose captions nobody knows here, names of many things."""
    if imaginer.about is None:
        return common_captions()
    path = imaginer.path / THINKER / CAPTIONS
    return _by_chance(path.read_text("utf-8").splitlines() if path.is_file() else sorted(vocabulary(imaginer.path)))


def common_captions() -> list[str]:
    """Names of things of all kinds, those of the emoji, in an order by chance."""
    return _by_chance((MODELS / SHIPPED_FOR / THINKER / CAPTIONS).read_text("utf-8").splitlines())


def _by_chance(texts: Sequence[str]) -> list[str]:
    texts = [text for text in texts if len(text) > 2]
    return [texts[place] for place in rng_at(0, "known captions").permutation(len(texts))]


def unrelated_prompts(
    encoder: TextEncoder, captions: Sequence[str], source: str, destination: str, count: int = UNRELATED
) -> list[str]:
    """Captions of other things: half of them those that are likest in meaning, the rest by chance. None has a word of
    the two prompts in it, nor is one more than four words long.

    Args:
        encoder: says what is alike.
        captions: to choose from, in an order by chance.
        source, destination: what the edit is about.
        count: how many, or as many as there are.
    """
    said = set(words_of(f"{source} {destination}")) - set(ARTICLES)
    stems = {word[:4] for word in said}
    others = [
        text for text in captions
        if len(words_of(text)) <= 4 and not any(word in said or word[:4] in stems for word in words_of(text))
    ][:CONSIDERED]  # fmt: skip
    if not others:
        return []
    sentences = torch.nn.functional.normalize(encoder.encode_together([source, *others]).sentence, dim=1)
    order = (sentences[1:] @ sentences[0]).argsort(descending=True).tolist()
    near = [others[place] for place in order[: count // 2]]
    return [*near, *[text for text in others if text not in near][: count - len(near)]]


@dataclass(frozen=True)
class Shown:
    """The same prompts and seeds drawn before and after: picture i of `before` and of `after` have probe and seed i."""

    probes: tuple[Probe, ...]
    seeds: tuple[int, ...]
    before: UInt8[np.ndarray, "picture size size channel"]
    after: UInt8[np.ndarray, "picture size size channel"]


def show(
    before: Imaginer,
    after: Imaginer,
    asked: Sequence[Probe],
    count: int,
    log: Callable[[str], None] = lambda line: None,
) -> Shown:
    """Draws every probe with seeds 0 to `count` - 1, by both."""
    every = [probe for probe in asked for _ in range(count)]
    seeds = [seed for _ in asked for seed in range(count)]
    drawn = []
    for name, imaginer in (("before", before), ("after", after)):
        drawn.append(imaginer.imagine_each([probe.prompt for probe in every], seeds))
        log(f"drew {len(every)} pictures {name} the edit")
    return Shown(tuple(every), tuple(seeds), *drawn)


def figures(shown: Shown, judge: Judge | None) -> list[Figure]:
    """Each figure as name/before and name/after; the moved pixels, which need no judge, as moved/source and
    moved/unrelated."""
    found, seeds = [], seeds_text(shown.seeds)
    kinds = [kind for kind in (EFFICACY, GENERALITY, SPECIFICITY) if any(one.kind == kind for one in shown.probes)]
    for when, pictures in (("before", shown.before), ("after", shown.after)) if judge else ():
        assert judge is not None
        features = load_picture_encoder().encode(pictures)
        fits = judge.among(features, [(probe.wanted, probe.other) for probe in shown.probes])
        hits = fits[:, 0] > fits[:, 1]
        for kind in kinds:
            rows = [place for place, probe in enumerate(shown.probes) if probe.kind == kind]
            prompts = [shown.probes[row].prompt for row in rows]
            found.append(share(f"{kind}/{when}", hits[rows], prompts, judge.name, seeds))
    moved = np.abs(shown.after.astype(float) - shown.before).mean((1, 2, 3))
    for name, some in (("source", (EFFICACY, GENERALITY)), ("unrelated", (SPECIFICITY,))):
        rows = [place for place, probe in enumerate(shown.probes) if probe.kind in some]
        if rows:
            found.append(_mean(f"{MOVED}/{name}", moved[rows], [shown.probes[row].prompt for row in rows], seeds))
    return found


def share(name: str, hits: np.ndarray, prompts: Sequence[str], encoder: str, seeds: str) -> Figure:
    """A share with Wilson's interval; pictures of one prompt belong together."""
    low, high = share_interval(hits, block_numbers(prompts, len(hits)))
    return Figure(name, float(hits.mean()), low, high, 0, len(hits), encoder, seeds)


def _mean(name: str, values: np.ndarray, prompts: Sequence[str], seeds: str) -> Figure:
    weights = resampled(block_numbers(prompts, len(values)), 0, name)
    low, high = bootstrap_interval(weights @ values / weights.sum(1), (0, 255))
    return Figure(name, float(values.mean()), low, high, 0, len(values), "pixels", seeds)


def before_after_sheet(shown: Shown, title: str) -> Image.Image:
    """Rows before and after in turn, a row of either for every seed, a column for every prompt."""
    count = len(set(shown.seeds))
    columns = len(shown.seeds) // count
    pictures, captions = [], []
    for seed in range(count):
        for when, drawn in (("before", shown.before), ("after", shown.after)):
            pictures += list(drawn[seed::count])
            captions += [f"{probe.prompt}, {when}" for probe in shown.probes[seed::count]]
    return contact_sheet(pictures, captions, columns, title=title)

"""Do corrections work, in other words too, and does the rest stay? A set in the manner of TIMED, made of known things.

    python benchmarks/correct.py emoji --cases 6 > correct.jsonl            the shipped model, judged by its matcher
    python benchmarks/correct.py my_run --world shapes > correct.jsonl      a model of the shapes, judged by the decoder
    python benchmarks/correct.py emoji --together 1 5 10 25 > together.jsonl   so many edits in force at once

Each case gives a thing another colour. Rows: the model as it is asked for the sources (baseline) and for the
destinations (oracle), and corrected by each method. Shares of pictures, one JSON line each: efficacy (the source),
generality (other words for it), specificity (other things), and F1, the geometric mean of the last two, as in ReFACT.
TIME does not take the cases of the shapes, where every caption names a colour: its destinations add words.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

import mindseye
from mindseye.collection.builtin.shapes.decode import decode
from mindseye.collection.builtin.shapes.words import understood
from mindseye.correct.beliefs import EFFICACY, GENERALITY, PARAPHRASES, SPECIFICITY, Probe, share, without_article
from mindseye.correct.making import make, share_of_weights
from mindseye.correct.tables import Case
from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit, EditRecord
from mindseye.observe.contrastive import load_judge
from mindseye.observe.pictures import load_picture_encoder
from mindseye.think.figure import Figure
from mindseye.think.following import judged
from record import circumstances, say

THINGS = (
    "a rose", "a car", "a fish", "an apple", "a heart", "a tree", "a cat", "a balloon", "a book", "a hat", "a shoe",
    "a bird", "a truck", "a tulip", "a dog", "a cup", "a bag", "a shirt", "a boat", "a bell", "a key", "a house",
    "a butterfly", "a mushroom", "a train",
)  # fmt: skip
COLOURS = ("blue", "red", "green", "purple", "black", "yellow")
OTHERS = 3  # things that a case must leave alone
METHODS = ("TIME", "UCE", "ReFACT")

Judge = Callable[[NDArray[np.uint8], Sequence[Probe]], NDArray[np.bool_]]


def emoji_cases() -> list[Case]:
    """Things in a colour that they do not have by themselves, as a rule."""
    cases = []
    for place, thing in enumerate(THINGS):
        colour = COLOURS[place % len(COLOURS)]
        bare = without_article(thing)
        asked = [Probe(EFFICACY, thing, f"a {colour} {bare}", thing)]
        for words in PARAPHRASES:
            prompt, wanted = words.format(bare=bare), words.format(bare=f"{colour} {bare}")
            asked.append(Probe(GENERALITY, prompt, wanted, prompt))
        for step in range(1, OTHERS + 1):
            other = THINGS[(place + 5 * step) % len(THINGS)]
            asked.append(Probe(SPECIFICITY, other, other, f"a {colour} {without_article(other)}"))
        oracles = [probe.prompt if probe.kind == SPECIFICITY else probe.wanted for probe in asked]
        cases.append(Case(thing, f"a {colour} {bare}", tuple(asked), tuple(oracles)))
    return cases


def shapes_cases() -> list[Case]:
    """Shapes of one colour that are to have another."""
    shapes, colours = ("circle", "square", "star", "cross", "ring", "triangle"), ("red", "blue", "green", "yellow")
    cases = []
    for place in range(len(shapes) * 2):
        shape, other = shapes[place % len(shapes)], shapes[(place + 1) % len(shapes)]
        old, new, third = (colours[(place + step) % len(colours)] for step in range(3))
        worded = ("a small {} {}", "a {} {} on black", "a {} {} in the middle")
        asked = [
            Probe(EFFICACY, f"a {old} {shape}", f"a {new} {shape}", ""),
            *(Probe(GENERALITY, words.format(old, shape), words.format(new, shape), "") for words in worded),
            *(
                Probe(SPECIFICITY, prompt, prompt, "")
                for prompt in (f"a {old} {other}", f"a {third} {shape}", f"a {third} {other}")
            ),
        ]
        oracles = tuple(probe.wanted for probe in asked)
        cases.append(Case(f"a {old} {shape}", f"a {new} {shape}", tuple(asked), oracles))
    return cases


def by_matcher() -> Judge:
    """Fits the picture the wanted text better than the other one?"""
    judge, encoder = load_judge(), load_picture_encoder()

    def hits(pictures: NDArray[np.uint8], probes: Sequence[Probe]) -> NDArray[np.bool_]:
        fits = judge.among(encoder.encode(pictures), [(probe.wanted, probe.other) for probe in probes])
        result: NDArray[np.bool_] = fits[:, 0] > fits[:, 1]
        return result

    return hits


def by_decoder(pictures: NDArray[np.uint8], probes: Sequence[Probe]) -> NDArray[np.bool_]:
    """Has the picture the wanted colour, exactly?"""
    pairs = zip(pictures, probes, strict=True)
    return np.array([judged(understood(probe.wanted), decode(picture))["colour"] for picture, probe in pairs])


class Drawing:
    """Draws each prompt once with a model as it is, since several rows ask for it."""

    def __init__(self, imaginer: mindseye.Imaginer, steps: int | None) -> None:
        self.imaginer, self.steps = imaginer, steps
        self._drawn: dict[str, NDArray[np.uint8]] = {}

    def plain(self, prompts: Sequence[str]) -> NDArray[np.uint8]:
        for prompt in prompts:
            if prompt not in self._drawn:
                self._drawn[prompt] = self.by(self.imaginer, [prompt])[0]
        return np.stack([self._drawn[prompt] for prompt in prompts])

    def by(self, imaginer: mindseye.Imaginer, prompts: Sequence[str]) -> NDArray[np.uint8]:
        requests = [mindseye.Request(prompt=prompt, steps=self.steps) for prompt in prompts]
        return np.stack([imaginer.imagine(request)[0].pixels for request in requests])


def edit_of(imaginer: mindseye.Imaginer, method: str, case: Case) -> Edit:
    """An edit that is not written anywhere."""
    pairs = [(case.source, case.destination)]
    made = make(imaginer, method, pairs)
    record = EditRecord(
        name=case.source, method=method, pairs=tuple(pairs), model=imaginer.name, model_sha256=imaginer.sha256,
        encoder_sha256=imaginer.ours.encoder.sha256, layers=dict(made.inputs), seconds=made.seconds,
        share_of_weights=share_of_weights(imaginer, made.layers),
    )  # fmt: skip
    return Edit(record, made.layers, case.source)


def print_row(row: str, probes: Sequence[Probe], hits: NDArray[np.bool_], judge: str, **more: object) -> None:
    """The figures of one row."""
    values = {}
    for kind in (EFFICACY, GENERALITY, SPECIFICITY):
        rows = [place for place, probe in enumerate(probes) if probe.kind == kind]
        figure: Figure = share(kind, hits[rows], [probes[place].prompt for place in rows], judge)
        values[kind] = figure.value
        print(json.dumps({**figure.as_json(), "row": row, **more, **circumstances()}), flush=True)
    f1 = math.sqrt(values[GENERALITY] * values[SPECIFICITY])
    print(json.dumps({"name": "f1", "value": f1, "row": row, **more, **circumstances()}), flush=True)
    say(f"{row}: " + ", ".join(f"{name} {value:.2f}" for name, value in {**values, "F1": f1}.items()))


def rows(drawing: Drawing, cases: Sequence[Case], judge: Judge, name: str) -> None:
    """Baseline, oracle and each method, one edit at a time."""
    probes = [probe for case in cases for probe in case.probes]
    print_row("baseline", probes, judge(drawing.plain([probe.prompt for probe in probes]), probes), name)
    print_row("oracle", probes, judge(drawing.plain([one for case in cases for one in case.oracles]), probes), name)
    for method in METHODS:
        try:
            edits = [edit_of(drawing.imaginer, method, case) for case in cases]
        except BadInput as refused:
            say(f"{method}: {refused.what}")
            continue
        pictures = [
            drawing.by(drawing.imaginer.corrected([edit]), [probe.prompt for probe in case.probes])
            for edit, case in zip(edits, cases, strict=True)
        ]
        seconds = float(np.median([edit.record.seconds for edit in edits]))
        more = {"seconds": round(seconds, 3), "share_of_weights": round(edits[0].record.share_of_weights, 5)}
        print_row(method, probes, judge(np.concatenate(pictures), probes), name, **more)


def together(drawing: Drawing, cases: Sequence[Case], counts: Sequence[int], judge: Judge, name: str) -> None:
    """So many edits in force at once; things that one of them is about are no longer others."""
    for method in METHODS:
        edits = [edit_of(drawing.imaginer, method, case) for case in cases[: max(counts)]]
        for count in counts:
            about = {case.source for case in cases[:count]}
            probes = [
                probe
                for case in cases[:count]
                for probe in case.probes
                if probe.kind != SPECIFICITY or probe.prompt not in about
            ]
            kinds = {probe.kind for probe in probes}
            if SPECIFICITY not in kinds:
                say(f"{count} edits leave nothing of the set that is about no edit")
                continue
            pictures = drawing.by(drawing.imaginer.corrected(edits[:count]), [probe.prompt for probe in probes])
            print_row(f"{method}, {count} together", probes, judge(pictures, probes), name, edits=count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--world", choices=("emoji", "shapes"), default="emoji")
    parser.add_argument("--cases", type=int, default=25, help="how many of the set")
    parser.add_argument("--steps", type=int, help="sampling steps; the model's own unless given")
    parser.add_argument("--together", type=int, nargs="*", help="numbers of edits in force at once")
    asked = parser.parse_args()
    began = time.monotonic()
    every = emoji_cases() if asked.world == "emoji" else shapes_cases()
    judge, name = (by_matcher(), load_judge().name) if asked.world == "emoji" else (by_decoder, "shapes decoder")
    drawing = Drawing(mindseye.load(asked.model), asked.steps)
    if asked.together:
        together(drawing, every, asked.together, judge, name)
    else:
        rows(drawing, every[: asked.cases], judge, name)
    say(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

"""Three questions about models of sentences, each figure a JSON line on standard output.

What does the code say, and what does a sentence cost? Held-out captions, in nats a sentence: the ELBO and its two
parts, the importance-weighted likelihood, the information that code and sentence share, active units, and how many
sentences are written again word for word, of the training and of those held out whose words are all known.

    python benchmarks/sentences.py figures RUN emoji > sentences.jsonl

What lies between two sentences (Bowman et al. 2016, Table 1 beside Table 8)? Walks between pairs of training captions.
The sentences on the way, without the two ends, are judged by a Kneser-Ney model of three words that was counted on the
training captions and is none of those compared; beside it real held-out captions, and the same with their words
shuffled.

    python benchmarks/sentences.py paths RUN PLAIN_RUN emoji > paths.jsonl

A collection without pictures: the glosses of WordNet 3.0 (Debian's package wordnet-base has them), each with a blank
one.

    python benchmarks/sentences.py glosses /usr/share/wordnet glosses
    mindseye train sentences glosses --out runs/glosses
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import mindseye
from mindseye.collection.collection import Collection, Example, Split, write_collection
from mindseye.observe.sentences import Writer, open_writer
from mindseye.observe.sentences.figures import cost, negative_log_likelihood
from mindseye.observe.sentences.kneser_ney import KneserNey
from mindseye.observe.sentences.objective import RULES
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.story import png_bytes
from mindseye.randomness import rng_at
from mindseye.report.sentences import WAYS, sentence_walk
from mindseye.think.figure import block_numbers, bootstrap_interval, resampled, share_interval
from record import circumstances, say

BLANK_PX = 8
GLOSSES_HELD_OUT = 50  # one gloss of so many


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    questions = parser.add_subparsers(required=True)
    first = questions.add_parser("figures")
    first.add_argument("run", nargs="+")
    first.add_argument("collection")
    first.add_argument("--sentences", type=int, default=200, help="held-out captions, and as many training captions")
    first.add_argument("--samples", type=int, default=500, help="K of the importance-weighted likelihood")
    first.set_defaults(answer=lambda asked: print_figures(asked.run, asked.collection, asked.sentences, asked.samples))
    second = questions.add_parser("paths")
    second.add_argument("run", nargs="+")
    second.add_argument("collection")
    second.add_argument("--pairs", type=int, default=200)
    second.add_argument("--steps", type=int, default=8)
    second.add_argument("--way", choices=list(WAYS), default="linear")
    second.set_defaults(
        answer=lambda asked: print_paths(asked.run, asked.collection, asked.pairs, asked.steps, asked.way)
    )
    third = questions.add_parser("glosses")
    third.add_argument("folder", type=Path)
    third.add_argument("collection", type=Path)
    third.set_defaults(answer=lambda asked: say(str(gloss_collection(asked.folder, asked.collection))))
    asked = parser.parse_args()
    asked.answer(asked)


def print_figures(runs: Sequence[str], collection_name: str, count: int, samples: int) -> None:
    """A line for each run."""
    collection = mindseye.open_collection(collection_name)
    for run in runs:
        print(json.dumps({"run": run} | figures(open_writer(run), collection, count, samples)), flush=True)
        say(run)


def figures(writer: Writer, collection: Collection, count: int, samples: int) -> dict[str, Any]:
    """What its code says, and what held-out captions cost it; numbers with their 95 % intervals."""
    held_out = some_captions(collection.splits["validation"], count)
    seen = some_captions(collection.splits["train"], count)
    rule = RULES[writer.model.config.kind]
    ids, mask = writer.reader.padded(held_out)
    costs = cost(writer.model, ids, mask)
    found: dict[str, Any] = {
        "kind": writer.kind,
        "surprise": with_interval(costs.surprise.double().numpy()),
        "kl": with_interval(costs.kl.double().numpy()),
        "information": round(float(writer.model.information), 3),
        "active": writer.active,
        "dimensions": writer.model.config.code,
        "samples": samples,
        "n": len(held_out),
        "n_train": len(seen),
    }
    if rule.code == rule.price:
        with torch.no_grad():
            nll = [
                negative_log_likelihood(writer.model, ids[row : row + 1], mask[row : row + 1], samples)
                for row in range(len(held_out))
            ]
        found |= {"elbo": with_interval(costs.elbo.double().numpy()), "nll": with_interval(np.array(nll))}
    if rule.code:
        readable = [text for text in held_out if not writer.reader.unknown(text)]
        found["n_held_out_of_known_words"] = len(readable)
        for name, captions in (("again_train", seen), ("again_held_out", readable)):
            written = writer.decode(writer.encode(captions))
            found[name] = share([one == as_read(writer, text) for one, text in zip(written, captions, strict=True)])
    return found | circumstances()


def print_paths(runs: Sequence[str], collection_name: str, pairs: int, steps: int, way: str) -> None:
    """A line for each run, one for real captions and one for such with their words shuffled."""
    collection = mindseye.open_collection(collection_name)
    train = sorted({text for texts in collection.splits["train"].captions for text in texts})
    judge = KneserNey.of(train, open_writer(runs[0]).reader.vocabulary)
    known = {" ".join(words_of(text)) for text in train}
    asked = {"pairs": pairs, "steps": steps, "way": way, "judge": "kneser-ney-3", "judge_captions": len(train)}
    for run in runs:
        print(json.dumps({"run": run} | paths(open_writer(run), collection, judge, known, asked)), flush=True)
    held_out = some_captions(collection.splits["validation"], pairs)
    shuffled = [" ".join(rng_at(0, "shuffled", i).permutation(words_of(text))) for i, text in enumerate(held_out)]
    for name, captions in (("held-out captions", held_out), ("their words shuffled", shuffled)):
        blocks = block_numbers(None, len(captions))
        figure = perplexity(judge, captions, blocks)
        print(json.dumps({"run": name, "perplexity": figure, "n": len(captions)} | circumstances()), flush=True)


def paths(
    writer: Writer, collection: Collection, judge: KneserNey, known: set[str], asked: dict[str, Any]
) -> dict[str, Any]:
    """What a model writes between pairs of captions."""
    captions = some_captions(collection.splits["train"], 2 * asked["pairs"])
    ends = list(zip(captions[::2], captions[1::2], strict=True))
    walks = [sentence_walk(writer, *pair, way=asked["way"], steps=asked["steps"]) for pair in ends]
    between = [[text for at, text in walk.steps if 0 < at < 1 and text not in walk.written] for walk in walks]
    blocks = np.array([pair for pair, texts in enumerate(between) for _ in texts])
    texts = [text for some in between for text in some]
    return {
        **asked,
        "kind": writer.kind,
        "ends_again": share(
            [again for walk in walks for again in walk.found_again], [i // 2 for i in range(2 * len(walks))]
        ),
        "different_sentences": with_interval(np.array([float(len(walk.steps)) for walk in walks])),
        "perplexity": perplexity(judge, texts, block_numbers(blocks.tolist(), len(blocks))),
        "between_is_a_training_caption": share([text in known for text in texts], blocks.tolist()) if texts else None,
        "between": len(texts),
        **circumstances(),
    }


def perplexity(judge: KneserNey, texts: Sequence[str], blocks: np.ndarray) -> dict[str, float] | None:
    """Over all words of the texts, with an interval from texts that are drawn again in whole blocks; None of none."""
    if not texts:
        return None
    nats, words = (np.array(column, float) for column in zip(*map(judge.nats, texts), strict=True))
    weights = resampled(blocks, 0, "perplexity")
    values = (weights @ nats) / (weights @ words)
    low, high = bootstrap_interval(values)
    return {key: round(float(np.exp(value)), 1) for key, value in (("value", values[0]), ("low", low), ("high", high))}


def with_interval(numbers: np.ndarray) -> dict[str, float]:
    """Their mean."""
    values = resampled(block_numbers(None, len(numbers)), 0, "mean") @ numbers / len(numbers)
    low, high = bootstrap_interval(values)
    return {key: round(float(value), 3) for key, value in (("value", values[0]), ("low", low), ("high", high))}


def share(hits: Sequence[bool], blocks: Sequence[int] | None = None) -> dict[str, float]:
    """How many of them hold."""
    low, high = share_interval(np.array(hits), block_numbers(blocks, len(hits)))
    return {"value": round(float(np.mean(hits)), 4), "low": round(low, 4), "high": round(high, 4)}


def some_captions(split: Split, count: int) -> list[str]:
    """Captions with words, each once, the same ones every time."""
    captions = sorted({text for texts in split.captions for text in texts if words_of(text)})
    chosen = rng_at(0, "some captions").permutation(len(captions))[:count]
    return [captions[index] for index in chosen]


def as_read(writer: Writer, sentence: str) -> str:
    """A sentence as the model reads it."""
    return writer.reader.sentence(writer.reader.ids(sentence))


def gloss_collection(folder: Path, destination: Path) -> Collection:
    """WordNet's glosses as a collection, the examples of use left out."""
    blank = png_bytes(np.zeros((BLANK_PX, BLANK_PX, 4), np.uint8), None)
    splits: dict[str, list[Example]] = {"train": [], "validation": []}
    for number, (name, gloss) in enumerate(glosses(folder)):
        split = "validation" if number % GLOSSES_HELD_OUT == 0 else "train"
        splits[split].append(Example(blank, f"{name}.png", (gloss,), name, name, "WordNet 3.0"))
    info = {
        "size_px": BLANK_PX,
        "transparent": True,
        "pixel_art": False,
        "licence": "WordNet 3.0, Princeton University",
    }
    return write_collection(destination, splits, info)


def glosses(folder: Path) -> Iterator[tuple[str, str]]:
    """The name of each entry and its gloss: of `... | gloss; "an example"` what stands before the first example."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            entry, bar, gloss = line.partition(" | ")
            text = re.split(r";\s*\"", gloss)[0].strip()
            if bar and text and not line.startswith(" "):
                yield f"{part}-{entry.split()[0]}", text


if __name__ == "__main__":
    main()

"""Sentence VAE (Bowman et al. 2016): a sentence as a short code, and what lies between two sentences.

It reads captions and looks at no picture. Read in this order: `config.py`, `words.py` (the vocabulary), `network.py`,
`objective.py` (and what keeps the code from being ignored), `figures.py` (whether it is), `sample.py`; `folder.py`
writes and reads a model, `kneser_ney.py` judges what it writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

from mindseye.errors import BadInput
from mindseye.learn.batch import Batch
from mindseye.learn.learner import CardText, Learner
from mindseye.observe.sentences.config import PRESETS, SentencesConfig
from mindseye.observe.sentences.figures import information
from mindseye.observe.sentences.folder import load, save
from mindseye.observe.sentences.network import SentenceVae, build
from mindseye.observe.sentences.objective import RULES, Posterior, kl
from mindseye.observe.sentences.sample import Writer, is_of_sentences, load_writer
from mindseye.observe.sentences.words import Reader, find_vocabulary, token_ids

MOST_MEASURED = 4096  # training captions that the information is measured on: it takes every pair of them


@torch.no_grad()
def finish(model: SentenceVae, batches: Iterable[Batch]) -> None:
    """Measures what the codes of the training captions say; see `Learner.finish`."""
    rule = RULES[model.config.kind]
    if not rule.code:
        return
    parts = [model.encode(token_ids(batch.words), batch.words.mask) for batch in batches]
    found = Posterior(*(torch.cat([getattr(part, name) for part in parts]).cpu() for name in ("mean", "log_variance")))
    model.variance.copy_(found.mean.var(0, correction=0))
    if rule.price:
        model.kl.copy_(kl(found).mean(0))
        some = Posterior(found.mean[:MOST_MEASURED], found.log_variance[:MOST_MEASURED])
        model.information.fill_(information(some))


LEARNER = Learner(
    name="sentences",
    title="Variational auto-encoder of sentences (Bowman et al. 2016)",
    config=SentencesConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    finish=finish,
    reads_with=Reader.of,
    measure_captions=find_vocabulary,
    card=CardText(
        library="mindseye",
        tag="text-generation",
        does="It turns a caption into a short code and back, and writes what lies between two captions.",
        usage='mindseye explore path/to/this/folder --from "a smiling cat" --to "a red car"',
        limits=(
            "It knows the words of the captions of {pictures:,} pictures, in lower case and without punctuation.",
            "It writes captions like those and no other text.",
        ),
        reads_with="none; its own vocabulary stands in `mindseye.json` (SHA-256 {sha256:.12}…)",
    ),
)


def named(name: str) -> Learner:
    """This learner, for one who wants a model of sentences.

    Raises:
        BadInput: another kind of model was found.
    """
    if name != LEARNER.name:
        raise BadInput(
            f"that is a model of the kind {name}, not one of sentences",
            next_step="give one made by: mindseye train sentences COLLECTION --out RUN",
        )
    return LEARNER


def open_writer(name_or_path: str | Path) -> Writer:
    """Opens a model of sentences, by its folder or its run's.

    Raises:
        BadInput: there is none, it is of another kind, or its folder is damaged.
    """
    return load_writer(name_or_path, named)


__all__ = ["LEARNER", "SentenceVae", "SentencesConfig", "Writer", "is_of_sentences", "open_writer"]

"""What an imaginer draws with: prompts in, pictures out.

There are two kinds of painters: a model of one of our families, whose words a frozen text encoder reads (here), and a
pipeline of the diffusers library, which reads them itself (`pipelines/painter.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.edits import Edit, with_edits
from mindseye.imagine.family import (
    Abilities,
    Blend,
    Coded,
    Drawing,
    Family,
    Given,
    Joinable,
    Likely,
    Progress,
    Prompt,
    Seed,
    Settings,
    Stage,
    Surprise,
)
from mindseye.imagine.groups import rows_of_a_pass
from mindseye.learn.about import About
from mindseye.learn.batch import Words
from mindseye.learn.folder import vocabulary
from mindseye.learn.learner import PictureFormat
from mindseye.learn.side_by_side import on_threads
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.observe.vocabulary import words_of

WordMaps = list[tuple[str, Float[Tensor, "row column"]]]  # the words of a prompt, each with a map
PROMPTS_KEPT = 64  # the last ones that were read
AT_ONCE = 256  # pictures that are encoded or decoded together
WEIGHED_AT_ONCE = 8  # pictures whose likelihood is found together

# Words too plain to be worth a remark when no caption has them.
PLAIN_WORDS = frozenset("a an and at for from her his in is it its of on or the their to with".split())


class Painter(Protocol):
    """What draws.

    Attributes:
        kind: of model, for messages and stories: the family, or the pipeline's class.
        abilities: what it can do; it is asked for nothing else.
        picture_format: how it sees pictures, at its own size.
        at_once: how many pictures it draws in one pass, where more than one cost little more than one.
        joins: whether a picture can join those that are under way between two steps; it then has `begin` and
            `advance`, as `FamilyPainter` does.
        device: where it draws.
        encoder_sha256: digest of the text encoder, where that is not among the model's own weights; else "".
    """

    kind: str
    abilities: Abilities
    picture_format: PictureFormat
    at_once: int
    joins: bool
    device: torch.device

    @property
    def encoder_sha256(self) -> str: ...

    def corrected(self, edits: Sequence[Edit]) -> Self:
        """A twin with edits, which shares all that they do not change.

        Raises:
            BadInput: one changes what is not there.
        """
        ...

    def settings(self, asked: Settings) -> Settings:
        """What will be used: what was asked for, filled up with the model's defaults."""
        ...

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that it is known never to have learnt, in order, each once."""
        ...

    def tokens(self, prompt: str) -> int:
        """How many tokens of a prompt are read."""
        ...

    def notes(self, prompt: str) -> list[str]:
        """What a person should know about a prompt before trusting the pictures."""
        ...

    def draw(
        self,
        prompts: Sequence[Prompt],
        negative: str,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """Draws one picture a prompt; picture i depends on the model, prompts[i], seeds[i], `negative` (none if it is
        empty), the settings and `given`, and on nothing else.

        Yields `Progress` after each step; the last one holds the finished pictures, float32 in [-1, 1].
        """
        ...


class FamilyPainter:
    """A model of one of our families, with the frozen text encoder that it was trained with; a `Painter`."""

    def __init__(self, path: Path, family: Family, model: Any, about: About) -> None:
        self.kind = about.family
        self.abilities = family.abilities
        self.picture_format = PictureFormat(
            int(about.config["size_px"]), int(about.config["channels"]), about.pixel_art
        )
        self.device = next(model.parameters()).device
        self.at_once = rows_of_a_pass(self.device, family.at_once)
        self.joins = family.joins
        self.path, self.family, self.model, self.about = path, family, model, about
        self._threads = torch.get_num_threads()
        self._read_one = lru_cache(PROMPTS_KEPT)(self._read_anew)

    @cached_property
    def encoder(self) -> TextEncoder:
        """The frozen text encoder."""
        reference = self.about.text_encoder
        return load_text_encoder(reference.name, token_limit=reference.token_limit, sha256=reference.sha256)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the captions it was trained with."""
        return vocabulary(self.path)

    @property
    def encoder_sha256(self) -> str:
        """See `Painter`."""
        return self.encoder.sha256

    def corrected(self, edits: Sequence[Edit]) -> Self:
        """See `Painter.corrected`."""
        model, encoder = with_edits(self.model, self.encoder, edits)
        twin = type(self)(self.path, self.family, model, self.about)
        twin.__dict__ |= {"encoder": encoder}
        return twin

    def settings(self, asked: Settings) -> Settings:
        """See `Painter.settings`."""
        used: Settings = self.model.settings(asked)
        return used

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that no caption of its training had and that it was not taught."""
        known = self.vocabulary | PLAIN_WORDS | self.encoder.taught.keys()
        return [word for word in dict.fromkeys(words_of(prompt)) if word not in known]

    def tokens(self, prompt: str) -> int:
        """See `Painter.tokens`."""
        return int(self._read([prompt]).mask.sum())

    def notes(self, prompt: str) -> list[str]:
        """That the prompt changes nothing, or which words of it are unknown; and that its end is cut."""
        notes = []
        if prompt and not self.about.collection.captions:
            notes.append("it learnt without captions, so the prompt changes nothing")
        elif unknown := self.unknown_words(prompt):
            notes.append(f"words it never saw in a caption: {', '.join(unknown)}")
        if self.encoder.too_long(prompt):
            notes.append(cut_note(self.encoder.token_limit))
        return notes

    def draw(
        self,
        prompts: Sequence[Prompt],
        negative: str,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `Painter.draw`."""
        drawing: Iterator[Progress] = self.model.draw(
            self._read(prompts), self._against(negative, len(seeds)), seeds, settings, given
        )
        return drawing

    def begin(
        self, prompt: Prompt, negative: str, seed: Seed, settings: Settings, given: Given | None = None
    ) -> Drawing:
        """Where it `joins`: begins what `draw` draws for one prompt and seed, to be taken on by `advance`."""
        model: Joinable = self.model
        return model.begin(self._read([prompt]), self._against(negative, 1), seed, settings, given)

    def advance(self, drawings: Sequence[Drawing]) -> Sequence[Drawing]:
        """Where it `joins`: takes up to `at_once` drawings, of any requests, on by one call of the network.

        Returns:
            Those that ended a step by it, or were finished.
        """
        model: Joinable = self.model
        return model.advance(drawings, self.at_once)

    def attention(
        self, prompt: str, negative: str, seeds: Sequence[Seed], settings: Settings
    ) -> tuple[Tensor, list[WordMaps]]:
        """For abilities with `attention`: the pictures as `draw` gives them, and for each of them the words of the
        prompt with a map of how much each place looked at the word."""
        read, against = self._read([prompt]).rows([0] * len(seeds)), self._against(negative, len(seeds))
        pictures, maps = self.model.attention(read, against, seeds, settings)
        return pictures, self._by_word(maps, prompt)

    def stages(
        self, prompt: str, seeds: Sequence[Seed], settings: Settings
    ) -> list[tuple[Float[Tensor, "picture channel height width"], list[WordMaps]]]:
        """For abilities with `stages`: what each stage left of the pictures, and where each of them looked at the
        words; nowhere in a stage that knows the sentence only."""
        stages: list[Stage] = self.model.stages(self._read([prompt]).rows([0] * len(seeds)), seeds, settings)
        return [
            (each.pictures, [[]] * len(seeds) if each.attention is None else self._by_word(each.attention, prompt))
            for each in stages
        ]

    def _by_word(self, maps: Float[Tensor, "picture token row column"], prompt: str) -> list[WordMaps]:
        """The map of each word: those of its tokens together."""
        words = self.encoder.words(prompt)
        return [[(word, each[places].sum(0).cpu()) for word, places in words] for each in maps]

    def encode(
        self, pictures: Float[Tensor, "picture channel height width"], prompt: str
    ) -> Float[Tensor, "picture code"]:
        """For abilities with `codes`: see `family.Coded`."""
        model: Coded = self.model
        words = self._read([prompt])
        parts = [model.encode(some, words.rows([0] * len(some))).cpu() for some in pictures.split(AT_ONCE)]
        return torch.cat(parts)

    def decode(
        self, codes: Float[Tensor, "picture code"], prompt: str
    ) -> Float[Tensor, "picture channel height width"]:
        """For abilities with `codes`: see `family.Coded`."""
        model: Coded = self.model
        words = self._read([prompt])
        return torch.cat([model.decode(some, words.rows([0] * len(some))) for some in codes.split(AT_ONCE)])

    def code_kl(self, prompt: str) -> Float[Tensor, "code"] | None:
        """For abilities with `codes`: see `family.Coded`."""
        model: Coded = self.model
        return model.code_kl(self._read([prompt]))

    def surprise(
        self, pictures: Float[Tensor, "picture channel height width"], prompts: Sequence[str]
    ) -> Surprise | None:
        """For abilities with `likelihood`: see `family.Likely`; one prompt a picture, picture i with the seed i."""
        model: Likely = self.model
        parts = []
        for begin in range(0, len(pictures), WEIGHED_AT_ONCE):
            some = pictures[begin : begin + WEIGHED_AT_ONCE]
            words = self._read(prompts[begin : begin + len(some)])
            part = model.surprise(some, words, range(begin, begin + len(some)))
            if part is None:
                return None
            parts.append(part)
        return replace(parts[0], bits=torch.cat([part.bits.cpu() for part in parts]))

    def _read_anew(self, prompt: str) -> Words:
        with on_threads(self._threads):  # the same bytes for whoever asks, a worker that draws on one core, too
            return self.encoder.encode([prompt])

    def _against(self, negative: str, count: int) -> Words | None:
        return self._read([negative]).rows([0] * count) if negative else None

    def _read(self, prompts: Sequence[Prompt]) -> Words:
        """The prompts as the model takes them; one that learnt without captions takes none."""
        if not self.about.collection.captions:
            return self._read_one("").rows([0] * len(prompts))
        return Words.cat(
            [
                self._read_one(prompt.begin).towards(self._read_one(prompt.end), prompt.share)
                if isinstance(prompt, Blend)
                else self._read_one(prompt)
                for prompt in prompts
            ]
        )


def cut_note(token_limit: int) -> str:
    """What to say of a prompt that is too long."""
    return f"the prompt is longer than the {token_limit} tokens that are read; the end is cut"

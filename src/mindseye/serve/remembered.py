"""What was drawn of late, for those who ask again: the prompt cache.

**The same**: a picture depends on the model, its edits, the request and the seed alone, so who asks for the same gets
the picture that is there, byte for byte.

**Alike** (only where a least cosine was given): who names no seed takes any picture of the prompt, so one that was
drawn for other words of the same meaning will do. Found in three steps, each stricter: codes of the sentences (signs
of random projections, Charikar 2002) within the radius that nearly all pairs of that cosine keep; the cosine of the
sentences themselves; and the words that a sentence encoder hardly tells apart but a picture does (numbers, colours,
negations, sides), which must be the same. NIRVANA (Agarwal et al. 2024) goes on from a stored step of the nearest
prompt's drawing in place of showing its end; our pictures take too few steps for that to pay.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.painter import FamilyPainter
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request
from mindseye.observe.vocabulary import words_of
from mindseye.randomness import rng_at
from mindseye.recall.bits import pack
from mindseye.recall.index.numpy_index import NumpyIndex

BITS = 128
SURE = 3.0  # standard deviations of the distance of two codes that the radius allows for
NOT_OF_THE_PICTURE = ("seed", "count", "edits")  # fields of a request; the seed is in the key for itself
GUARDED = frozenset(
    "no not without never none nothing one two three four five six seven eight nine ten eleven twelve first second"
    " third single double triple half many few red orange yellow green blue purple violet pink brown black white grey"
    " gray golden gold silver left right up down above below over under inside outside open closed big small large"
    " little man woman men women boy girl male female light medium dark".split()
)

Key = tuple[object, ...]


@dataclass(frozen=True)
class Known:
    """A picture and what it was drawn for.

    Attributes:
        key: of the picture.
        kind: of all pictures that differ from it in prompt and seed only.
        picture: itself.
        sentence: of its prompt, of length 1; None where alike ones are not looked for.
    """

    key: Key
    kind: Key
    picture: Picture
    sentence: Float[np.ndarray, "width"] | None


class Remembered:
    """The last pictures; any thread may ask and add.

    Args:
        pictures: how many are kept; those that were asked for longest ago go first.
        alike: the least cosine of two prompts' sentences at which a picture of one will do for the other, or None.

    Attributes:
        same, alike_found: how many pictures were given from memory.
    """

    def __init__(self, pictures: int, alike: float | None = None) -> None:
        self.pictures, self.alike = pictures, alike
        self.same = self.alike_found = 0
        self._known: OrderedDict[Key, tuple[int, Known]] = OrderedDict()
        self._keys: dict[int, Key] = {}
        self._codes = NumpyIndex(BITS)
        self._planes: Float[np.ndarray, "width bit"] | None = None
        self._next = 0
        self._lock = threading.Lock()

    def find(self, imaginer: Imaginer, request: Request, seed: int) -> Picture | None:
        """The very picture, if it was drawn of late."""
        with self._lock:
            held = self._known.get(key(imaginer, request, seed))
            if held is None:
                return None
            self._known.move_to_end(held[1].key)
            self.same += 1
            return held[1].picture

    def find_alike(self, imaginer: Imaginer, request: Request, count: int) -> list[Picture]:
        """Up to `count` different pictures drawn for the same or alike words, the likest first; their stories say what
        they were drawn for, and for whom they will do."""
        sentence = self._sentence(imaginer, request.prompt)
        if sentence is None or self.alike is None:
            return []
        kind, guarded = kind_of(imaginer, request), guarded_words(request.prompt)
        with self._lock:
            [near] = self._codes.within(self._coded(sentence), radius(self.alike))
            likest: list[tuple[float, Known]] = []
            for number in near.ids.tolist():
                known = self._known[self._keys[number]][1]
                assert known.sentence is not None
                cosine = float(known.sentence @ sentence)
                if known.kind == kind and cosine >= self.alike and guarded_words(known.picture.story.prompt) == guarded:
                    likest.append((cosine, known))
            likest.sort(key=lambda each: -each[0])
            found = [known for _, known in likest[:count]]
            for known in found:
                self._known.move_to_end(known.key)
            self.alike_found += len(found)
        return [_for(known.picture, request.prompt) for known in found]

    def add(self, imaginer: Imaginer, request: Request, seed: int, picture: Picture) -> None:
        """Keeps a finished picture."""
        sentence = self._sentence(imaginer, request.prompt)
        known = Known(key(imaginer, request, seed), kind_of(imaginer, request), picture, sentence)
        with self._lock:
            if known.key in self._known or not self.pictures:
                return
            self._known[known.key] = self._next, known
            self._keys[self._next] = known.key
            if sentence is not None:
                self._codes.add(np.array([self._next]), self._coded(sentence))
            self._next += 1
            while len(self._known) > self.pictures:
                _, (number, old) = self._known.popitem(last=False)
                del self._keys[number]
                if old.sentence is not None:
                    self._codes.remove(np.array([number]))

    def __len__(self) -> int:
        return len(self._known)

    def _sentence(self, imaginer: Imaginer, prompt: str) -> Float[np.ndarray, "width"] | None:
        """The prompt's sentence vector by the model's own text encoder, of length 1; None where alike prompts are not
        looked for, or the model is a pipeline, whose encoders speak otherwise."""
        if self.alike is None or not isinstance(imaginer.painter, FamilyPainter):
            return None
        sentence = imaginer.painter.encoder.encode([prompt]).sentence[0].float().numpy()
        return np.asarray(sentence / max(float(np.linalg.norm(sentence)), 1e-12))

    def _coded(self, sentence: Float[np.ndarray, "width"]) -> np.ndarray:
        if self._planes is None:
            self._planes = rng_at(0, "remembered prompts").standard_normal((len(sentence), BITS))
        return pack(sentence[None] @ self._planes)


def key(imaginer: Imaginer, request: Request, seed: int) -> Key:
    """All that a picture depends on."""
    return (*kind_of(imaginer, request), request.prompt, seed)


def kind_of(imaginer: Imaginer, request: Request) -> Key:
    """All that it depends on but its prompt and its seed."""
    fields = [name for name in Request.model_fields if name not in (*NOT_OF_THE_PICTURE, "prompt")]
    values = (getattr(request, name) for name in fields)
    short = (hashlib.sha256(value).digest() if isinstance(value, bytes) else value for value in values)
    return (imaginer.name, imaginer.sha256, *(edit.label for edit in imaginer.edits), *short)


def guarded_words(prompt: str) -> Sequence[str]:
    """The words that must be the same: those of `GUARDED` and all with a digit, in order."""
    return [word for word in words_of(prompt) if word in GUARDED or any(letter.isdigit() for letter in word)]


def radius(cosine: float) -> int:
    """In how many bits the codes of two sentences of that cosine differ at most, but for one pair in a thousand.

    Each bit differs with probability angle / pi, for itself.
    """
    share = math.acos(cosine) / math.pi
    return min(BITS, math.ceil(BITS * share + SURE * math.sqrt(BITS * share * (1 - share))))


def _for(picture: Picture, prompt: str) -> Picture:
    story = picture.story
    if story.prompt == prompt:
        return picture
    note = f"drawn for {story.prompt!r} and shown for {prompt!r}, which means nearly the same"
    return replace(picture, story=story.model_copy(update={"notes": (*story.notes, note)}))

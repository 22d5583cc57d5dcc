"""A collection as hashers need it: every picture and every caption as the frozen encoders see them, once, ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray

from mindseye.collection.collection import Collection
from mindseye.files import cache_folder
from mindseye.observe.efficientnet import STAGES
from mindseye.observe.features import CaptionFeatures, caption_features
from mindseye.observe.pictures import PictureEncoder, PictureFeatures, picture_features, picture_patches
from mindseye.observe.text import TextEncoder
from mindseye.recall.companions import Companions
from mindseye.recall.hashers import Pairs
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.hashers.vtph import LAYOUT
from mindseye.recall.labels import label_table, telling, words_on

GRAINS = (1, 2, 3)  # tokens in a row

Log = Callable[[str], None]
Rows = NDArray[np.floating]


def plain(pictures: PictureFeatures, captions: CaptionFeatures) -> tuple[Rows, Rows]:
    """What a picture shows as a whole, and what a caption says as a whole."""
    return pictures.pooled.numpy(), captions.sentence.float().numpy()


def wide(pictures: PictureFeatures, captions: CaptionFeatures) -> tuple[Rows, Rows]:
    """The same with their parts: a picture's seven stages, and the strongest of a caption's tokens, pairs and threes.

    Each of them has length 1, so that none outweighs another.
    """
    ends = np.cumsum([stage.width for stage in STAGES])
    looks = [pictures.pooled.numpy(), *np.split(pictures.stages.numpy(), ends[:-1], axis=1)]
    said = [captions.sentence.float().numpy(), *(_strongest(captions, words) for words in GRAINS)]
    return _joined(looks), _joined(said)


def parts(pictures: PictureFeatures, captions: CaptionFeatures) -> tuple[Rows, Rows]:
    """The same with their parts in the row: every patch of a picture, the first 16 tokens of a caption; in float16.

    A shorter caption is filled with zeros.
    """
    width, begins, ends = captions.tokens.shape[1], captions.starts[:-1, None], captions.starts[1:, None]
    place = begins + torch.arange(LAYOUT.tokens)
    states = torch.cat([captions.tokens, captions.tokens.new_zeros(1, width)])  # the last one for places past an end
    tokens = states[torch.where(place < ends, place, len(states) - 1)]
    looks, said = plain(pictures, captions)
    assert pictures.patches is not None
    return (
        np.concatenate([looks, pictures.patches.flatten(1).numpy()], axis=1).astype(np.float16),
        np.concatenate([said, tokens.flatten(1).numpy()], axis=1).astype(np.float16),
    )


def _joined(parts: Sequence[Rows]) -> Rows:
    return np.concatenate([unit(part) for part in parts], axis=1).astype(np.float32)


def _strongest(captions: CaptionFeatures, words: int) -> Rows:
    """Of each caption the maximum, number by number, over the means of so many tokens in a row."""
    tokens, starts = captions.tokens.float().numpy(), captions.starts.tolist()
    strongest = np.zeros((len(starts) - 1, tokens.shape[1]), np.float32)
    sums = np.concatenate([np.zeros((1, tokens.shape[1])), np.cumsum(tokens, axis=0, dtype=np.float64)])
    for row, (begin, end) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
        if begin < end:
            width = min(words, end - begin)
            strongest[row] = ((sums[begin + width : end + 1] - sums[begin : end + 1 - width]) / width).max(0)
    return strongest


View = Callable[[PictureFeatures, CaptionFeatures], tuple[Rows, Rows]]

PLAIN = "plain"
VIEWS: dict[str, View] = {
    PLAIN: plain,
    "wide": wide,
    "companions": parts,
    "own pictures": parts,
}  # by what `READS` says


def collection_features(
    collection: Collection,
    text_encoder: TextEncoder,
    picture_encoder: PictureEncoder,
    log: Log = lambda line: None,
    view: View = plain,
) -> dict[str, Pairs]:
    """The features of every split, from the cache folder where they are there, with labels of its own.

    Args:
        collection: any; pictures without captions are looked at too.
        text_encoder: its mean token state stands for a caption.
        picture_encoder: its pooled features stand for a picture.
        log: called with a line of text now and then.
        view: what of the features is taken: `plain`, `wide` or `parts`.

    Raises:
        Unavailable: the cache cannot be written.
    """
    log(f"looking at {sum(map(len, collection.splits.values())):,} pictures with {picture_encoder.name} (done once)")
    return {
        name: _split_features(collection, name, text_encoder, picture_encoder, log, view) for name in collection.splits
    }


def seen_at(collection: Collection) -> tuple[int, int, bool]:
    """Edge in pixels, channels and pixel art: how the pictures of a collection are looked at."""
    info = collection.info
    return info["size_px"], 4 if info["transparent"] else 3, info["pixel_art"]


def _split_features(
    collection: Collection,
    name: str,
    text_encoder: TextEncoder,
    picture_encoder: PictureEncoder,
    log: Log,
    view: View,
) -> Pairs:
    def said(done: int, of: int) -> None:
        if done % 1000 < 8:
            log(f"looked at {done:,} of {of:,} pictures")

    split, cache = collection.splits[name], cache_folder() / "features"
    captions = [caption for captions in split.captions for caption in captions]
    picture_of = np.repeat(np.arange(len(split)), [len(captions) for captions in split.captions])
    read = nothing_said(text_encoder) if not captions else caption_features(text_encoder, captions, cache)
    arrays = split.arrays(*seen_at(collection))
    seen = picture_features(picture_encoder, arrays, cache, said)
    if view is parts:
        seen = replace(seen, patches=picture_patches(picture_encoder, arrays, cache, said))
    pictures, words = view(seen, read)
    return Pairs(pictures, words, picture_of, label_table(telling(words_on(collection, name)))[0])


class Queries:
    """Single captions and pictures, in the view that a hasher was fitted on.

    Args:
        text_encoder, picture_encoder: of that view.
        view: `plain`, `wide` or `parts`.
        companions: to stand beside captions, where the hasher reads such.
    """

    def __init__(
        self,
        text_encoder: TextEncoder,
        picture_encoder: PictureEncoder,
        view: View = plain,
        companions: Companions | None = None,
    ) -> None:
        self._text_encoder, self._picture_encoder = text_encoder, picture_encoder
        self._view, self._companions = view, companions

    def words(self, text: str) -> Rows:
        """[1, width]."""
        read = self._text_encoder.encode([text])
        tokens = read.tokens[read.mask]
        said = CaptionFeatures(tokens, torch.tensor([0, len(tokens)]), read.sentence, self._text_encoder.token_limit)
        _, words = self._view(self._seen(np.empty((0, 1, 1, 3), np.uint8)), said)
        return self._companions.completed(words) if self._companions else words

    def picture(self, pixels: UInt8[np.ndarray, "size size channel"]) -> Rows:
        """[1, width]."""
        return self._view(self._seen(pixels[None]), nothing_said(self._text_encoder))[0]

    def _seen(self, pictures: UInt8[np.ndarray, "picture size size channel"]) -> PictureFeatures:
        seen = self._picture_encoder.encode(pictures, at_once=1)
        return replace(seen, patches=self._picture_encoder.patches(pictures)) if self._view is parts else seen


def nothing_said(text_encoder: TextEncoder) -> CaptionFeatures:
    """The features of no captions."""
    empty = torch.zeros(0, text_encoder.width)
    return CaptionFeatures(empty, torch.zeros(1, dtype=torch.int64), empty, text_encoder.token_limit)

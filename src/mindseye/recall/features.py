"""A collection as hashers need it: every picture and every caption as the frozen encoders see them, once, ever."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mindseye.collection.collection import Collection, Split
from mindseye.files import cache_folder
from mindseye.observe.features import caption_features
from mindseye.observe.pictures import PictureEncoder, picture_features
from mindseye.observe.text import TextEncoder
from mindseye.recall.hashers import Pairs
from mindseye.recall.labels import label_table, word_labels

Log = Callable[[str], None]


def collection_features(
    collection: Collection, text_encoder: TextEncoder, picture_encoder: PictureEncoder, log: Log = lambda line: None
) -> dict[str, Pairs]:
    """The features of every split, from the cache folder where they are there, with the words of its own as labels.

    Args:
        collection: any; pictures without captions are looked at too.
        text_encoder: its mean token state stands for a caption.
        picture_encoder: its pooled features stand for a picture.
        log: called with a line of text now and then.

    Raises:
        Unavailable: the cache cannot be written.
    """
    log(f"looking at {sum(map(len, collection.splits.values())):,} pictures with {picture_encoder.name} (done once)")
    return {
        name: _split_features(split, text_encoder, picture_encoder, seen_at(collection), log)
        for name, split in collection.splits.items()
    }


def seen_at(collection: Collection) -> tuple[int, int, bool]:
    """Edge in pixels, channels and pixel art: how the pictures of a collection are looked at."""
    info = collection.info
    return info["size_px"], 4 if info["transparent"] else 3, info["pixel_art"]


def _split_features(
    split: Split, text_encoder: TextEncoder, picture_encoder: PictureEncoder, at: tuple[int, int, bool], log: Log
) -> Pairs:
    def said(done: int, of: int) -> None:
        if done % 1000 < 8:
            log(f"looked at {done:,} of {of:,} pictures")

    cache = cache_folder() / "features"
    captions = [caption for captions in split.captions for caption in captions]
    picture_of = np.repeat(np.arange(len(split)), [len(captions) for captions in split.captions])
    words = np.empty((0, text_encoder.width), np.float32)
    if captions:
        words = caption_features(text_encoder, captions, cache).sentence.float().numpy()
    pooled = picture_features(picture_encoder, split.arrays(*at), cache, said).pooled.numpy()
    return Pairs(pooled, words, picture_of, label_table(word_labels(split.captions))[0])

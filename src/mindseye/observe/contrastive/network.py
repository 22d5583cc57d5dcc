"""The towers of a matcher: pictures and captions to unit vectors of one space."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from mindseye.observe.contrastive.config import BagConfig, MatcherConfig, SentenceConfig
from mindseye.observe.pictures import PictureFeatures
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.observe.vocabulary import words_of

WORDS_READ = 24  # of a caption
PARTS_READ = 24  # of a word: itself and its first character n-grams
NGRAMS = (3, 4)  # characters, with a mark at either end of the word
CAPTIONS_AT_ONCE = 256


class SentenceTower(nn.Module):
    """An MLP on the sentence vector of a frozen text encoder."""

    def __init__(self, config: SentenceConfig, width: int, encoder: TextEncoder) -> None:
        super().__init__()
        self._encoder = encoder
        self.mlp = _mlp(config.text_width, config.hidden, width)

    def read(self, captions: Sequence[str]) -> Float[Tensor, "caption text_width"]:
        parts = [list(captions[at : at + CAPTIONS_AT_ONCE]) for at in range(0, len(captions), CAPTIONS_AT_ONCE)]
        return torch.cat([self._encoder.encode_together(part).sentence for part in parts])

    def forward(self, read: Float[Tensor, "caption text_width"]) -> Float[Tensor, "caption width"]:
        return F.normalize(self.mlp(F.normalize(read, dim=1) * read.shape[1] ** 0.5), dim=1)


class BagOfWords(nn.Module):
    """Word vectors, weighed by how much each word says, summed, and an MLP.

    A word's vector is the mean of its own and of those of its character n-grams (fastText, Bojanowski et al. 2017,
    section 3.2), so that an unknown word is read by its parts. The order of words is not read.
    """

    def __init__(self, config: BagConfig, width: int) -> None:
        super().__init__()
        self._places = {word: place for place, word in enumerate(config.words, start=1)}  # 0 stands for nothing
        self._buckets = config.buckets
        self.parts = nn.Embedding(1 + len(config.words) + config.buckets, config.word_width, padding_idx=0)
        self.weight = nn.Linear(config.word_width, 1)
        self.mlp = _mlp(config.word_width, config.hidden, width)

    def read(self, captions: Sequence[str]) -> Int[Tensor, "caption word part"]:
        """The places in the table of vectors of every word's parts; 0 where there is none."""
        rows = [[self._parts_of(word) for word in words_of(caption)[:WORDS_READ]] for caption in captions]
        longest = max((len(row) for row in rows), default=0) or 1
        places = torch.zeros(len(rows), longest, PARTS_READ, dtype=torch.int32)
        for row, words in enumerate(rows):
            for column, parts in enumerate(words):
                places[row, column, : len(parts)] = torch.tensor(parts, dtype=torch.int32)
        return places

    def _parts_of(self, word: str) -> list[int]:
        marked = f"<{word}>"
        grams = [marked[at : at + size] for size in NGRAMS for at in range(len(marked) - size + 1)]
        first = 1 + len(self._places)
        hashed = [first + zlib.crc32(gram.encode()) % self._buckets for gram in grams]
        own = [self._places[word]] if word in self._places else []
        return (own + hashed)[:PARTS_READ]

    def forward(self, read: Int[Tensor, "caption word part"]) -> Float[Tensor, "caption width"]:
        used = (read[..., 0] != 0).any(0).nonzero()
        longest = int(used.max()) + 1 if len(used) else 1
        read = read[:, :longest]
        table = self.parts.weight
        vectors = F.embedding_bag(read.flatten(0, 1).long(), table, mode="mean", padding_idx=0)
        vectors = vectors.view(len(read), longest, -1)
        absent = read[..., 0] == 0
        scores = self.weight(vectors).squeeze(-1).masked_fill(absent, -1e4)  # finite: a caption may have no word
        return F.normalize(self.mlp((scores.softmax(1)[..., None] * vectors).sum(1)), dim=1)


class PictureTower(nn.Module):
    """An MLP on the standardised features of a frozen picture encoder."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: MatcherConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(config.picture_width))
        self.register_buffer("deviation", torch.ones(config.picture_width))
        self.mlp = _mlp(config.picture_width, config.picture_hidden, config.width)

    def forward(self, features: Float[Tensor, "picture picture_width"]) -> Float[Tensor, "picture width"]:
        return F.normalize(self.mlp((features - self.mean) / self.deviation), dim=1)


class Matcher(nn.Module):
    """Both towers, and the learnt temperature of the training."""

    def __init__(self, config: MatcherConfig) -> None:
        super().__init__()
        self.config = config
        self.picture = PictureTower(config)
        self.text: SentenceTower | BagOfWords
        if isinstance(config.text, SentenceConfig):
            encoder = load_text_encoder(config.text.encoder, sha256=config.text.encoder_sha256)
            self.text = SentenceTower(config.text, config.width, encoder)
        else:
            self.text = BagOfWords(config.text, config.width)
        self.log_scale = nn.Parameter(torch.tensor(1 / 0.07).log())  # CLIP, section 2.5

    @torch.inference_mode()
    def similarity(self, pictures: PictureFeatures, captions: Sequence[str]) -> Float[Tensor, "picture caption"]:
        """How well each caption fits each picture: cosines, -1 to 1."""
        return self.of_pictures(pictures) @ self.of_captions(captions).T

    @torch.inference_mode()
    def of_pictures(self, pictures: PictureFeatures) -> Float[Tensor, "picture width"]:
        """Where the pictures lie in the common space: unit vectors."""
        return self.picture(joined(pictures))

    @torch.inference_mode()
    def of_captions(self, captions: Sequence[str]) -> Float[Tensor, "caption width"]:
        """Where the captions lie in the common space: unit vectors."""
        return self.text(self.text.read(captions)) if captions else torch.empty(0, self.config.width)


def joined(pictures: PictureFeatures) -> Float[Tensor, "picture 2064"]:
    """All that a matcher looks at: what the picture shows, and the colours, textures and parts that it consists of."""
    return torch.cat([pictures.pooled, pictures.stages], dim=1)


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))

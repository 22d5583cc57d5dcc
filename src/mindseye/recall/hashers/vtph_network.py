"""The network of VTPH: two transformers over tokens, and MITH's head, which both kinds share.

The whole of a picture, of a caption and of the retold caption are canonical coordinates, in which pictures and captions
agree as they do in CLIP's space. A caption's tokens go the way of its whole; a picture's patches have a matrix of their
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from mindseye.recall.hashers.cca_itq import Canonical, Moments

Matrix = NDArray[np.float64]

CONCEPTS = 8  # of each token: bits that it has a say in
TAP_DROPOUT = 0.2
WEAK = 0.1  # share of a drawn weight with which branches begin
EPSILON = 1e-12  # of the transformers' norms: prompted tokens are small


class Looks(NamedTuple):
    """Pictures: the whole and the patches."""

    whole: Float[Tensor, "row picture_width"]
    parts: Float[Tensor, "row patch patch_width"]


class Said(NamedTuple):
    """Captions: the whole and the tokens; the look of a companion picture; its retold caption, whole and tokens.

    A token of zeros is none, and a look without numbers no companion.
    """

    whole: Float[Tensor, "row word_width"]
    parts: Float[Tensor, "row token word_width"]
    look: Float[Tensor, "row look_width"]
    told: Float[Tensor, "row word_width"]
    told_parts: Float[Tensor, "row token word_width"]


class Values(NamedTuple):
    """Of rows: the values of the whole and of the parts, each -1 to 1, and what the first were read from."""

    whole: Float[Tensor, "row bit"]
    parts: Float[Tensor, "row bit"]
    read: Float[Tensor, "row width"]


class VtphNetwork(nn.Module):
    """Everything that is trained, and the canonical directions, which are not.

    It begins nearly as CCA-ITQ: the whole goes its own way past everything else, which is weak at first.

    Args:
        found: of the training pairs; its width is the width of all tokens.
        turned: from canonical coordinates to bits, a column a bit.
        patch_width: numbers of a patch.
        heads: of every attention; the width must divide by it.
        layers: of every transformer.
    """

    picture_mean: Tensor
    picture_directions: Tensor
    word_mean: Tensor
    word_directions: Tensor

    def __init__(self, found: Canonical, turned: Matrix, patch_width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.heads = heads
        for name, mean, directions in (
            ("picture", found.moments.picture_mean, found.a),
            ("word", found.moments.word_mean, found.b),
        ):
            self.register_buffer(f"{name}_mean", torch.from_numpy(mean).float())
            self.register_buffer(f"{name}_directions", torch.from_numpy(directions * found.correlation).float())
        width = len(found.correlation)
        self.patch = nn.Linear(patch_width, width)
        self.vap = nn.Linear(width, width, bias=False)
        self.tap = nn.Sequential(
            nn.Linear(width, width // 4), nn.ReLU(), nn.Dropout(TAP_DROPOUT), weakened(nn.Linear(width // 4, width))
        )
        self.looking = transformer(width, heads, layers)
        self.reading = transformer(width, heads, layers)
        self.head = MithHead(turned, heads, layers)

    @classmethod
    def of_weights(cls, weights: Mapping[str, Tensor], heads: int) -> VtphNetwork:
        """The network of these weights, ready to encode; the number of heads is not in them.

        Raises:
            KeyError, ValueError, RuntimeError: they are not of one such network.
        """
        pictures, words = (weights[f"{kind}_directions"].double().numpy() for kind in ("picture", "word"))
        width = pictures.shape[1]
        if not 1 <= heads <= width or width % heads:
            raise ValueError(f"{heads} heads do not share {width} numbers")
        none = np.zeros((0, width))
        moments = Moments(0, np.zeros(len(pictures)), np.zeros(len(words)), none, none, none)
        found = Canonical(moments, pictures, words, np.ones(width), none, none)
        layers = len({name.split(".")[2] for name in weights if name.startswith("looking.layers.")})
        with torch.random.fork_rng(devices=[]):  # it is made with weights by chance, which are then replaced
            network = cls(found, weights["head.bits.weight"].T.numpy(), weights["patch.weight"].shape[1], heads, layers)
        network.load_state_dict(dict(weights))
        return network.eval().requires_grad_(False)

    def pictures(self, looks: Looks) -> Values:
        """TE_i on [g^v; patches]."""
        parts, there = self.patch(F.normalize(looks.parts, dim=2)), present(looks.parts)
        return self._values(self.looking, self.seen(looks.whole), parts, there, looks.parts.shape[1])

    def words(self, said: Said) -> Values:
        """TE_t on [g^t'; prompted tokens; tokens of the retold caption]; the last are left out afterwards."""
        parts = self.heard(said.parts)
        if said.look.shape[1]:
            parts = self.vap(self.seen(said.look)).softmax(1)[:, None] * parts  # VAP: w = softmax(W g^v)
        tokens = torch.cat([parts, self.heard(said.told_parts)], dim=1)
        there = torch.cat([present(said.parts), present(said.told_parts)], dim=1)
        return self._values(self.reading, self.prompted(said.whole), tokens, there, said.parts.shape[1])

    def prompted(self, whole: Float[Tensor, "row word_width"]) -> Float[Tensor, "row width"]:
        """TAP: g^t' = g^t + MLP(g^t)."""
        heard = self.heard(whole)
        change: Tensor = self.tap(heard)
        return heard + change

    def seen(self, look: Float[Tensor, "row picture_width"]) -> Float[Tensor, "row width"]:
        """g^v: canonical coordinates of a picture, of length 1."""
        return F.normalize((F.normalize(look, dim=-1) - self.picture_mean) @ self.picture_directions, dim=-1)

    def heard(self, words: Float[Tensor, "*row word_width"]) -> Float[Tensor, "*row width"]:
        """The same of a caption or of its tokens: g^t and g^c."""
        return F.normalize((F.normalize(words, dim=-1) - self.word_mean) @ self.word_directions, dim=-1)

    def _values(self, over: nn.Module, whole: Tensor, parts: Tensor, there: Tensor, kept: int) -> Values:
        tokens = torch.cat([whole[:, None] * whole.shape[1] ** 0.5, parts], dim=1)  # as long as a norm makes it
        read = over(tokens, src_key_padding_mask=F.pad(~there, (1, 0), value=False))
        inner = self.head.inner(read[:, 0])
        local = self.head.parts(read[:, 1 : 1 + kept], there[:, :kept])
        return Values(self.head.bits(inner).tanh(), local, inner)


class MithHead(nn.Module):
    """The head of MITH (Liu et al. 2023), one for both kinds.

    The whole: two residual MLPs, a matrix, tanh. The parts: what each token says of each bit by the same head decides
    which tokens stand for which bit; those are averaged, one vector a bit, and a transformer over bits and a vector a
    bit of its own make a value of each.
    """

    position: Tensor

    def __init__(self, turned: Matrix, heads: int, layers: int) -> None:
        super().__init__()
        width, bits = turned.shape
        self.mlps = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), weakened(nn.Linear(width, width)))
            for _ in range(2)
        )
        self.bits = nn.Linear(width, bits, bias=False)
        self.bits.weight.data = torch.from_numpy(turned.T.copy()).float()
        self.over_bits = transformer(width, heads, layers)
        self.register_buffer("position", positions(bits, width) / width**0.5)
        self.bit_weight = nn.Parameter(WEAK * nn.init.normal_(torch.empty(bits, width)) / width**0.5)
        self.bit_bias = nn.Parameter(torch.zeros(bits))

    def inner(self, x: Float[Tensor, "*row width"]) -> Float[Tensor, "*row width"]:
        for mlp in self.mlps:
            x = x + mlp(x)
        return x

    def parts(
        self, tokens: Float[Tensor, "row token width"], there: Bool[Tensor, "row token"]
    ) -> Float[Tensor, "row bit"]:
        scores = self.bits(self.inner(tokens)).tanh().detach()
        by_bit: Tensor = self.over_bits(gathered(tokens, scores, there) + self.position)
        return ((by_bit * self.bit_weight).sum(2) + self.bit_bias).tanh()


def gathered(
    tokens: Float[Tensor, "row token width"], scores: Float[Tensor, "row token bit"], there: Bool[Tensor, "row token"]
) -> Float[Tensor, "row bit width"]:
    """A mean of tokens a bit, by the softmax of their scores for it; zeros for a bit that no token speaks of.

    A token speaks of at most 8 bits: those with its highest scores, where they are above 0.
    """
    top = scores.topk(min(CONCEPTS, scores.shape[2]), dim=2).indices
    spoken = torch.zeros_like(scores, dtype=torch.bool).scatter(2, top, True) & (scores > 0) & there[..., None]
    weights = scores.exp() * spoken  # scores are -1 to 1, so nothing overflows
    return (weights / weights.sum(1, keepdim=True).clamp(min=1e-12)).mT @ tokens


def present(tokens: Float[Tensor, "row token width"]) -> Bool[Tensor, "row token"]:
    """Which tokens are there."""
    return tokens.abs().amax(2) > 0


def positions(count: int, width: int) -> Float[Tensor, "place width"]:
    """Sines in the even columns, cosines in the odd ones (Vaswani et al. 2017)."""
    column = torch.arange(width)
    angle = torch.arange(count)[:, None] / 10_000 ** ((column - column % 2) / width)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())


def transformer(width: int, heads: int, layers: int) -> nn.TransformerEncoder:
    """Norms first, GELU, an inner width that is the outer one, and no dropout."""
    layer = nn.TransformerEncoderLayer(
        width, heads, width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True, layer_norm_eps=EPSILON
    )
    over = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
    for block in over.layers:
        assert isinstance(block, nn.TransformerEncoderLayer)
        weakened(block.self_attn.out_proj)
        weakened(block.linear2)
    return over


def weakened(last: nn.Linear) -> nn.Linear:
    """The last layer of a branch beside the straight way, made a tenth as strong as it was drawn."""
    last.weight.data.mul_(WEAK)
    last.bias.data.zero_()
    return last

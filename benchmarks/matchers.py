"""Two ways to tell whether words fit a picture, on real pictures: a model's DAMSM, and a matcher over a frozen encoder.

    python benchmarks/matchers.py emoji emoji > matchers.jsonl

Both learnt from the training split of the collection: DAMSM (in the model's thinker) with a picture encoder of its own,
word by word; the contrastive matcher, fitted here in a minute or two, on the whole picture as EfficientNet-Lite0 sees
it and the whole caption. Each picture has its own caption and 99 that do not fit it, the same for both. One JSON line
a split.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import mindseye
from mindseye.collection.collection import Split
from mindseye.observe.contrastive.judge import fit_judge
from mindseye.report.reference import refer
from mindseye.report.thinking import thinker_of
from mindseye.think.naming import mismatching, r_precision
from record import print_figure, say

PICTURES = 400  # of a split, at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="one with a thinker")
    parser.add_argument("collection")
    asked = parser.parse_args()
    imaginer, collection = mindseye.load(asked.model), mindseye.open_collection(asked.collection)
    thinker = thinker_of(imaginer)
    reference = refer(collection, imaginer.picture_format, say)
    matcher = fit_judge(collection, log=say)
    for name, split in collection.splits.items():
        rows = np.linspace(0, len(split), min(PICTURES, len(split)), endpoint=False).astype(int).tolist()
        choices = _choices(split, rows)
        pictures = split.arrays(thinker.size_px, thinker.channels, collection.info["pixel_art"], rows=rows)
        texts = sorted({text for captions in choices for text in captions})
        places = np.array([[texts.index(text) for text in captions] for captions in choices])
        scores = {
            "damsm": np.take_along_axis(thinker.match(thinker.look(pictures), thinker.read(texts)), places, axis=1),
            "contrastive": matcher.among(reference.features(pictures), choices),
        }
        blocks = [split.concepts[row] for row in rows]
        damsm, peer = (r_precision(score, encoder=who, generated_blocks=blocks) for who, score in scores.items())
        print_figure(
            f"R-precision of real pictures, {name}", damsm.value, peer.value, "contrastive matcher", "share",
            better="higher", n=len(rows), ours_interval=[damsm.low, damsm.high], peer_interval=[peer.low, peer.high],
        )  # fmt: skip


def _choices(split: Split, rows: Sequence[int]) -> list[list[str]]:
    """For each of these pictures its caption, and 99 captions of others in the split that do not fit it."""
    order = [*rows, *(row for row in range(len(split)) if row not in set(rows))]
    captions = [split.captions[row][0] for row in order]
    concepts, groups = ([kind[row] for row in order] for kind in (split.concepts, split.groups))
    wrong = mismatching(captions, concepts, groups, pictures=len(rows))
    return [[own, *(captions[other] for other in others)] for own, others in zip(captions, wrong, strict=False)]


if __name__ == "__main__":
    main()

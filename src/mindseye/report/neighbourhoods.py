"""Who is near whom: captions of one theme under a broad and under a narrow hasher, and pairs that share a bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from mindseye.recall.bits import distances
from mindseye.recall.hashers import Pairs, encode_words, fit_cca_itq
from mindseye.recall.hashers.ecc_snap import BCH_OF, BoundedBch, Decoder, HammingGroups
from mindseye.report.retrieval import Task

FEWEST = 5  # held-out captions of a theme


def theme_figures(task: Task, train: Pairs, bits: int, seed: int = 0) -> dict[str, Any] | None:
    """How far captions of one theme lie from each other, under a hasher of everything and under one of the theme alone.

    A broad hasher spends its bits on what tells themes apart, a narrow one on what tells things of its theme apart. So
    two captions are near each other or far by what the hasher has seen, and a distance is only said as a ratio: to the
    median distance between all held-out captions, under the same hasher.

    Args:
        task: the held-out captions are measured.
        train: what the hashers (CCA-ITQ) learn from; the narrow one from the pictures with the theme's label.
        bits: of the codes.
        seed: of the hashers.

    Returns:
        Plain JSON values: `captions` of the theme, `pairs` of them, the ratios `broad` and `narrow`; None where no
        theme has five held-out captions.
    """
    own = task.labels[task.held_out]
    theme = int(own.sum(0).argmax())
    within = np.flatnonzero(own[:, theme])
    learnt = np.flatnonzero(task.labels[~task.held_out][:, theme])
    if len(within) < FEWEST or len(learnt) < FEWEST:
        return None
    train = train.captioned()
    words = task.words[task.held_out]
    figures: dict[str, Any] = {"bits": bits, "captions": len(within), "pairs": len(within) * (len(within) - 1) // 2}
    figures |= {"theme": task.label_names[theme], "learnt": {"broad": len(train.pictures), "narrow": len(learnt)}}
    for kind, pairs in (("broad", train), ("narrow", train.rows(learnt))):
        codes = encode_words(fit_cca_itq(pairs, bits, seed), words)
        apart = distances(codes, codes)
        every = apart[np.triu_indices(len(apart), 1)]
        among = apart[np.ix_(within, within)][np.triu_indices(len(within), 1)]
        figures[kind] = round(float(among.mean() / max(np.median(every), 1)), 3)
    return figures


def bucket_figures(task: Task, train: Pairs, bits: Sequence[int], seed: int = 0) -> list[dict[str, Any]]:
    """Whether snapping brings what belongs together into one bucket, beside the first bits of a code as the bucket.

    Args:
        task: the held-out captions look for training pictures that share a label.
        train: what CCA-ITQ learns from.
        bits: widths of codes.
        seed: of CCA-ITQ.

    Returns:
        Plain JSON values, a row a width and code: `message` (bits that name a bucket), `failed` (the share of rows
        too far from every codeword), and of snapped buckets and of as many first bits: `recall` (the share of relevant
        pictures in the query's bucket) and `looked_at` (the share of all pictures there).
    """
    rows = []
    relevant = task.same_label[:, ~task.held_out]
    for width in bits:
        hasher = fit_cca_itq(train, width, seed)
        queries = (hasher.word_values(task.words[task.held_out]) >= 0).astype(np.uint8)
        pictures = (hasher.picture_values(task.pictures[~task.held_out]) >= 0).astype(np.uint8)
        decoders: list[Decoder] = [HammingGroups()]
        if width in BCH_OF:
            decoders.append(BoundedBch(*BCH_OF[width]))
        for decoder in decoders:
            asked, held = decoder.snap(queries), decoder.snap(pictures)
            message = asked.message.shape[1]
            snapped = _same(asked.message, held.message)
            first = _same(queries[:, :message], pictures[:, :message])
            rows.append(
                {
                    "code": decoder.name,
                    "bits": width,
                    "message": message,
                    "failed": round(float(np.concatenate([asked.failed, held.failed]).mean()), 4),
                    "snapped": _shares(snapped, relevant),
                    "first_bits": _shares(first, relevant),
                }
            )
    return rows


def _same(queries: UInt8[np.ndarray, "query bit"], rows: UInt8[np.ndarray, "row bit"]) -> Bool[np.ndarray, "query row"]:
    return np.asarray(distances(np.packbits(queries, axis=1), np.packbits(rows, axis=1)) == 0)


def _shares(same: Bool[np.ndarray, "query row"], relevant: Bool[np.ndarray, "query row"]) -> dict[str, float]:
    found = float((same & relevant).sum() / max(relevant.sum(), 1))
    return {"recall": round(found, 4), "looked_at": round(float(same.mean()), 5)}

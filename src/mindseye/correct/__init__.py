"""Correcting what a model believes, without training it again, and taking it back.

    solver.py       the one closed form of TIME and UCE, in float64
    prompts.py      which token of a source prompt stands for which of its destination
    entrances.py    the linear maps through which words enter a model
    methods.py      TIME and UCE: what the solver is asked for
    refact.py       ReFACT: one rank-one change of the text encoder
    memories.py     the MLPs of text encoders that it changes
    changes.py      what a method changes: of a model of ours, or of a pipeline
    pipelines.py    pipelines of the diffusers library
    debias.py       UCE's loop that makes shares of an attribute even
    evening.py      `even_out`: that loop on drawn pictures
    making.py       `correct`: one edit made, measured and kept
    ledger.py       edits of a model: listed, compared, exported, taken back
    beliefs.py      the prompts that an edit is measured with, and the figures
    tables.py       published sets of edits, from their CSV files
    teach/          new words from a few pictures

What an edit is on disk, and how a model draws with one, stands in `imagine/edits.py`.

`mindseye.correct` is this room and the verb at once: `mindseye.correct("emoji", "TIME", [("a rose", "a blue rose")],
"blue-rose")` calls `mindseye.correct.making.correct`. (Python binds a package's name in its parent, so a function could
not keep the name.)
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from mindseye.correct.making import correct

        return correct(*arguments, **options)


sys.modules[__name__].__class__ = _Verb

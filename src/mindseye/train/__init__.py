"""The training loop of every family, its run folder, checkpoints and engines.

`mindseye.train` is this room and the verb at once: `mindseye.train("diffusion", collection, "run")` calls
`mindseye.train.loop.train`. (Python binds a package's name in its parent, so a function could not keep the name.)
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from mindseye.train.loop import train

        return train(*arguments, **options)


sys.modules[__name__].__class__ = _Verb

"""mindseye: a picture-making mind of your own.

    import mindseye

    collection = mindseye.collect("my_pictures", "my_collection")   # read, clean, split
    facts = mindseye.inspect(collection)                            # what is in it
    mindseye.train("diffusion", collection, "my_run")               # the same call continues
    imaginer = mindseye.load("my_run/model")                        # or load("emoji"), the shipped model
    picture = imaginer.imagine(mindseye.Request(prompt="a smiling cat"))[0]
    found = mindseye.search(collection, "a red hat").hits           # pictures that fit words
    figures = mindseye.evaluate(imaginer, collection).facts         # how good it is
    mindseye.correct("emoji", "TIME", [("a rose", "a blue rose")], "blue-rose")       # what it believes
    mindseye.teach("emoji", "zorble", ["zorble.png"], "my_model")                     # a new word

Nothing heavy is imported before it is used: `import mindseye` takes milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindseye.collection.collect import collect
    from mindseye.collection.collection import Collection
    from mindseye.collection.opening import open_collection
    from mindseye.correct.making import correct
    from mindseye.correct.teach.making import teach, unteach
    from mindseye.correct.teach.recognising import recognise
    from mindseye.imagine.export import export_onnx
    from mindseye.imagine.frames.animate import animate
    from mindseye.imagine.imaginer import Imaginer, load
    from mindseye.imagine.request import Request
    from mindseye.recall.search import search
    from mindseye.report.compare import compare
    from mindseye.report.evaluate import evaluate
    from mindseye.report.inspect import inspect
    from mindseye.report.judging import judge
    from mindseye.train.loop import train

__version__ = "0.1.0"
__all__ = [
    "Collection",
    "Imaginer",
    "Request",
    "animate",
    "collect",
    "compare",
    "correct",
    "evaluate",
    "export_onnx",
    "inspect",
    "judge",
    "load",
    "open_collection",
    "recognise",
    "search",
    "teach",
    "train",
    "unteach",
]

_HOMES = {
    "Collection": "mindseye.collection.collection",
    "Imaginer": "mindseye.imagine.imaginer",
    "Request": "mindseye.imagine.request",
    "animate": "mindseye.imagine.frames.animate",
    "collect": "mindseye.collection.collect",
    "compare": "mindseye.report.compare",
    "correct": "mindseye.correct.making",
    "evaluate": "mindseye.report.evaluate",
    "export_onnx": "mindseye.imagine.export",
    "inspect": "mindseye.report.inspect",
    "judge": "mindseye.report.judging",
    "load": "mindseye.imagine.imaginer",
    "open_collection": "mindseye.collection.opening",
    "recognise": "mindseye.correct.teach.recognising",
    "search": "mindseye.recall.search",
    "teach": "mindseye.correct.teach.making",
    "train": "mindseye.train.loop",
    "unteach": "mindseye.correct.teach.making",
}


def __getattr__(name: str) -> Any:
    """Finds a public name in its room on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mindseye' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

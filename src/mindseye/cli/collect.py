"""`mindseye collect`: pictures and captions, read, cleaned, split and written as a collection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.cli.inspect import summary
from mindseye.errors import BadInput


def collect(
    source: Annotated[str, typer.Argument(help="A folder, zip or Parquet file of pictures, or a `datasets` name.")],
    collection: Annotated[Path, typer.Argument(help="The folder to make.")],
    no_captions: Annotated[
        bool, typer.Option("--no-captions", help="Keep all pictures and no caption: for a model without words.")
    ] = False,
    base_concepts: Annotated[
        bool,
        typer.Option(
            "--base-concepts",
            help="Of a collection that is there already: only concepts that `evaluate --few-shot` does not ask about.",
        ),
    ] = False,
    as_json: console.Json = False,
) -> None:
    """Prepare pictures with their captions.

    They are read, cleaned, split and written as Parquet, which `datasets` opens too.
    """
    import mindseye
    from mindseye.collection.concepts import write_base

    if base_concepts and no_captions:
        raise BadInput("--base-concepts and --no-captions do not go together", next_step="leave one out")
    if base_concepts:
        made = write_base(mindseye.open_collection(source), collection)
    else:
        made = mindseye.collect(source, collection, captions="none" if no_captions else "required", log=console.say)
    facts = mindseye.inspect(made)
    console.answer({"collection": str(collection), **facts}, summary(facts), as_json=as_json)

"""What a person changed in a prepared collection: pictures left out, and captions written anew.

It is a list beside the pictures, `by_hand.json`, and they stay as they were collected; so all of it can be taken back:

    {"left_out": ["cat.png"], "captions": {"dog.png": ["a brown dog"]}}

Whoever opens the collection has it as changed, with another fingerprint, and collecting again in the same place keeps
the list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mindseye import files
from mindseye.collection.captions import clean
from mindseye.errors import BadInput

LIST = "by_hand.json"
BY_HAND = "by hand"


class ByHand(BaseModel):
    """The list. Pictures are named by their files, as in the collection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left_out: frozenset[str] = Field(frozenset(), description="pictures that are as if they were not there")
    captions: dict[str, tuple[str, ...]] = Field({}, description="pictures with the captions that stand in for theirs")

    @classmethod
    def read(cls, folder: Path) -> ByHand:
        """The list of the collection in `folder`; empty where nothing was changed.

        Raises:
            BadInput: it is damaged.
        """
        try:
            return cls.model_validate_json((folder / LIST).read_bytes())
        except FileNotFoundError:
            return cls()
        except (OSError, ValidationError) as error:
            raise BadInput(
                f"{folder / LIST} cannot be read", why="it is damaged", next_step="mend it, or remove it to begin anew"
            ) from error

    def write(self, folder: Path) -> None:
        """Makes it the list of the collection in `folder`.

        Raises:
            Unavailable: the disk refuses.
        """
        files.write_json(folder / LIST, {"left_out": sorted(self.left_out), "captions": self.captions})

    def leaving_out(self, name: str) -> ByHand:
        """It, with this picture left out, too."""
        return self.model_copy(update={"left_out": self.left_out | {name}})

    def taking_back(self, name: str) -> ByHand:
        """It, with this picture as it was collected."""
        captions = {other: texts for other, texts in self.captions.items() if other != name}
        return ByHand(left_out=self.left_out - {name}, captions=captions)

    def captioned(self, name: str, texts: Iterable[str], collected: tuple[str, ...]) -> ByHand:
        """It, with these captions for this picture; those that it was collected with are no change.

        Raises:
            BadInput: a text is not usable, or none is left though the picture came with some.
        """
        found = clean(texts, BY_HAND)
        if found.problem or (collected and not found.captions):
            raise BadInput(
                found.problem or "a picture needs a caption", next_step="write one, or leave the picture out"
            )
        if found.captions == collected:
            return self.model_copy(update={"captions": self.taking_back(name).captions})
        return self.model_copy(update={"captions": {**self.captions, name: found.captions}})

    def applied(self, table: pa.Table) -> pa.Table:
        """The rows of a split that are not left out, with their captions."""
        names = table.column("file_name").to_pylist()
        if self.captions.keys() & set(names):
            columns = {column: table.column(column).to_pylist() for column in ("captions", "text", "source")}
            for row, name in enumerate(names):
                if name in self.captions:
                    captions = clean(self.captions[name], BY_HAND).captions
                    columns["captions"][row], columns["source"][row] = list(captions), BY_HAND
                    columns["text"][row] = captions[0] if captions else ""
            for column, values in columns.items():
                place, field = table.schema.get_field_index(column), table.schema.field(column)
                table = table.set_column(place, field, pa.array(values, field.type))
        return table.filter(pa.array([name not in self.left_out for name in names], pa.bool_()))

    def told(self, info: Mapping[str, Any], collected: Collection[str]) -> dict[str, Any]:
        """The exclusions and duplicate groups of a collection's record, as they are with this list.

        Args:
            info: the record.
            collected: the names of all pictures.
        """
        left_out = [{"file": name, "reason": f"left out {BY_HAND}"} for name in sorted(self.left_out & set(collected))]
        groups = [[name for name in group if name not in self.left_out] for group in info["duplicate_groups"]]
        return {
            "excluded": [*info["excluded"], *left_out],
            "duplicate_groups": [group for group in groups if len(group) > 1],
        }

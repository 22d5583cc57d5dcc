"""The part of a collection's page to clean it: leave pictures out, write captions anew, and take either back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mindseye.collection.builtin import is_builtin
from mindseye.collection.by_hand import ByHand
from mindseye.collection.collection import Collection, open_prepared
from mindseye.errors import BadInput, MindseyeError
from mindseye.report.html import data_uri
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import Card, as_cards, cards, heading, place_of, shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused, said

AT_ONCE = 48  # pictures that are shown, and more each time
EVERY, LEFT_OUT, ANEW = "all", "left out", "captioned anew"
MOST_CHARACTERS = 20_000  # of one picture's captions together

Place = tuple[str, int]  # of a picture as it was collected: its split, and its row there


@dataclass(frozen=True)
class Opened:
    """A collection as it was collected, and what was changed in it since."""

    collected: Collection
    by_hand: ByHand

    def __iter__(self) -> Iterator[Place]:
        return ((name, row) for name, split in self.collected.splits.items() for row in range(len(split)))

    def name(self, place: Place) -> str:
        """The file of a picture."""
        return self.collected.splits[place[0]].file_names[place[1]]

    def collected_captions(self, place: Place) -> tuple[str, ...]:
        """Those that a picture came with."""
        return self.collected.splits[place[0]].captions[place[1]]

    def captions(self, place: Place) -> tuple[str, ...]:
        """Those that it has now."""
        return self.by_hand.captions.get(self.name(place), self.collected_captions(place))

    def states(self, place: Place) -> list[str]:
        """What was changed of a picture."""
        name = self.name(place)
        return [LEFT_OUT] * (name in self.by_hand.left_out) + [ANEW] * (name in self.by_hand.captions)

    def fits(self, place: Place, words: str, which: str) -> bool:
        """Whether a picture is one of those that are looked for."""
        told = "\n".join([self.name(place), *self.captions(place)]).casefold()
        return words.casefold() in told and (which == EVERY or which in self.states(place))

    def uri(self, place: Place) -> str:
        """The picture inside a page."""
        return data_uri(self.collected.splits[place[0]].image(place[1]))

    def card(self, place: Place) -> Card:
        """The picture to be picked."""
        line = ": ".join([*self.states(place), next(iter(self.captions(place)), self.name(place))])
        return Card(self.uri(place), line, line, faded=LEFT_OUT in self.states(place))


def cleaning_part(rooms: Rooms, collection: gr.Dropdown) -> None:
    """Builds it, for the collection that is chosen."""
    one_at_a_time = threading.Lock()
    with gr.Column(elem_classes="part"):
        heading(
            "Clean it",
            "Leave pictures out and write captions anew. Everything stays in the collection's folder, so all of it can"
            " be taken back.",
        )
        with gr.Row(elem_classes="prompt-row"):
            words = gr.Textbox(
                label="Which pictures?", placeholder="all, or words of a caption or a file's name", max_lines=1,
                max_length=200, scale=5,
            )  # fmt: skip
            which = gr.Dropdown([EVERY, LEFT_OUT, ANEW], value=EVERY, label="Of these", scale=2, min_width=150)
            go = gr.Button("Show them", scale=1, min_width=130)
        status, found = shown(), cards()
        more = gr.Button("More", visible=False)
        with gr.Column(visible=False, elem_id="cleaned", elem_classes="picked") as bar:
            about = shown()
            texts = gr.Textbox(label="Captions, one a line", lines=2, max_lines=6, max_length=MOST_CHARACTERS)
            with gr.Row(elem_classes="acts"):
                save = gr.Button("Save captions", size="sm")
                out = gr.Button("Leave out", size="sm")
                back = gr.Button("Take back", size="sm")
                close = gr.Button("Close", size="sm")
    places, picked, count = gr.State([]), gr.State(None), gr.State(AT_ONCE)

    def listed(opened: Opened, text: str, kind: str, most: int) -> Updates:
        fitting = [place for place in opened if opened.fits(place, (text or "").strip(), kind)]
        label = "pictures of the collection"
        return {
            status: said(f"{len(fitting):,} of {len(list(opened)):,} pictures; pick one to change it"),
            found: as_cards([opened.card(place) for place in fitting[:most]], label=label),
            more: gr.update(visible=len(fitting) > most),
            places: fitting[:most],
            count: most,
        }

    def told(opened: Opened, place: Place) -> Updates:
        states = opened.states(place)
        return {
            bar: gr.update(visible=True),
            about: filled("collected.html", uri=opened.uri(place), name=opened.name(place), states=states),
            texts: "\n".join(opened.captions(place)),
            out: gr.update(visible=LEFT_OUT not in states),
            back: gr.update(visible=bool(states)),
            picked: place,
        }

    def look(name: str, text: str, kind: str, most: int = AT_ONCE) -> Updates:
        try:
            return {bar: gr.update(visible=False), **listed(_opened(rooms, name), text, kind, most)}
        except MindseyeError as error:
            return {status: refused(error), found: "", more: gr.update(visible=False), bar: gr.update(visible=False)}

    def look_further(name: str, text: str, kind: str, most: int) -> Updates:
        return look(name, text, kind, most + AT_ONCE)

    def pick(event: gr.EventData, there: list[Place], name: str) -> Updates:
        return told(_opened(rooms, name), there[place_of(event, there)])

    def changes(by: Callable[[Opened, Place, str], ByHand]) -> Callable[..., Updates]:
        def change(
            name: str, place: Place, written: str, text: str, kind: str, most: int, request: gr.Request
        ) -> Updates:
            try:
                rooms.check_may_change(request)
                with one_at_a_time:
                    opened = _opened(rooms, name)
                    opened = _changed(rooms, opened, by(opened, place, written))
            except MindseyeError as error:
                return {status: refused(error)}
            return {**listed(opened, text, kind, most), **told(opened, place)}

        return change

    def captioned(opened: Opened, place: Place, written: str) -> ByHand:
        name, collected = opened.name(place), opened.collected_captions(place)
        return opened.by_hand.captioned(name, (written or "").splitlines(), collected)

    wanted: list[Any] = [collection, words, which]
    lists: list[Any] = [status, found, more, places, count]
    tells: list[Any] = [bar, about, texts, out, back, picked]
    gr.on([go.click, words.submit, which.input], look, wanted, [*lists, bar], **QUICK)
    more.click(look_further, [*wanted, count], [*lists, bar], **QUICK)
    found.pick(pick, [places, collection], tells, **QUICK)
    for button, by in (
        (save, captioned),
        (out, lambda opened, place, _: opened.by_hand.leaving_out(opened.name(place))),
        (back, lambda opened, place, _: opened.by_hand.taking_back(opened.name(place))),
    ):
        button.click(changes(by), [collection, picked, texts, words, which, count], [*lists, *tells], **QUICK)
    close.click(lambda: gr.update(visible=False), None, bar, **QUICK)
    collection.change(
        lambda: {bar: gr.update(visible=False), found: "", status: "", more: gr.update(visible=False)}, None,
        [*lists, bar], **QUICK,
    )  # fmt: skip


def _opened(rooms: Rooms, name: str) -> Opened:
    collection = rooms.library.collection(name)
    if is_builtin(collection):
        raise BadInput(
            f"{name} comes with mindseye and stays as it is",
            next_step="clean a collection of your own: mindseye studio --collection FOLDER",
        )
    return Opened(open_prepared(collection.path, name=name, by_hand=ByHand()), ByHand.read(collection.path))


def _changed(rooms: Rooms, opened: Opened, by_hand: ByHand) -> Opened:
    """The collection with another list, for everybody who opens it and for the other pages.

    Raises:
        BadInput: no picture would be left to train on.
        Unavailable: the disk refuses.
    """
    path, name = opened.collected.path, opened.collected.name
    changed = open_prepared(path, name=name, by_hand=by_hand)
    by_hand.write(path)
    rooms.library.replace(changed)
    return Opened(opened.collected, by_hand)

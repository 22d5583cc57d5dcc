"""What is thought of pictures before they are handed out: the best of the candidates, and what each looks like."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.report.nearest import Beside, beside
from mindseye.report.thinking import choose, thinker_of
from mindseye.think.thinker import Thinker

log = logging.getLogger(__name__)


class Thinking:
    """The thinker of a model, and its training pictures, each where the model has it.

    Args:
        imaginer: the model.
    """

    def __init__(self, imaginer: Imaginer) -> None:
        self._imaginer = imaginer
        self._thinker: Thinker | None = None
        self._beside = _beside(imaginer)

    def thinker(self) -> Thinker:
        """What chooses among candidates, opened once.

        Raises:
            BadInput: the model has none.
        """
        if self._thinker is None:
            try:
                self._thinker = thinker_of(self._imaginer)
            except BadInput:  # whose message names folders
                raise BadInput(
                    f"think: {self._imaginer.name} has no thinker",
                    next_step="leave think out, or make one: mindseye think",
                    field="think",
                ) from None
        return self._thinker

    def shown(self, candidates: Sequence[Picture]) -> Picture:
        """The best of the candidates, with the nearest training pictures in its story.

        Raises:
            BadInput: there are several, and the model has no thinker.
        """
        picture = choose(self.thinker(), candidates) if len(candidates) > 1 else candidates[0]
        if self._beside is None:
            return picture
        try:
            return self._beside.told(picture)
        except MindseyeError as error:  # the picture encoder is not installed
            log.warning("stories of %s do not name the nearest training pictures: %s", self._imaginer.name, error.what)
            self._beside = None
            return picture


def _beside(imaginer: Imaginer) -> Beside | None:
    try:
        return beside(imaginer)
    except BadInput as error:
        log.warning("stories of %s do not name the nearest training pictures: %s", imaginer.name, error.what)
        return None

"""The partitions that ``cells compare`` scores on the same positions: read from files, or built from recipes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy, Partition
from whereshot.evaluate.best_possible import parse_recipe
from whereshot.foundation.errors import InputError


class ComparedPartitions:
    """The partitions to compare, by name: ``single`` levels, and ``products`` of several levels."""

    def __init__(self, waiting: Callable[[str], contextlib.AbstractContextManager[object]]) -> None:
        """Start without partitions. ``waiting`` shows a text to the user while a partition is built."""
        self.single: dict[str, Partition] = {}
        self.products: dict[str, Hierarchy] = {}
        self._waiting = waiting

    def add(self, name: str, levels: tuple[Partition, ...]) -> None:
        """Add each level, and the product of several levels. Raises InputError for a name that is there already."""
        if name in self.single or name in self.products:
            raise InputError(f"{name} is named twice")
        if len(levels) == 1:
            self.single[name] = levels[0]
            return
        self.single.update({f"{name}, level {number}": level for number, level in enumerate(levels)})
        self.products[name] = Hierarchy(levels)

    def build(self, recipes: Sequence[str], presets: Sequence[str], points: sphere.Points) -> None:
        """Build and add the partitions of recipes (kind:key=value) and presets (NAME:key=value) on points (n, 2)."""
        for text in recipes:
            kind, settings = parse_recipe(text)
            with self._waiting(f"building {text}"):
                self.add(text, (partition.build(kind, points, settings),))
        for text in presets:
            name, settings = parse_recipe(text)
            with self._waiting(f"building {text}"):
                self.add(text, partition.build_preset(name, points, settings))

    def add_product(self, text: str) -> None:
        """Add the product of the levels in ``text``: names of added partitions or files, joined by '+'."""
        names = [name.strip() for name in text.split("+")]
        levels = tuple(self.single[name] if name in self.single else partition.load(name) for name in names)
        self.products[text] = Hierarchy(levels)

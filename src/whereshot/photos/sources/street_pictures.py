"""Collect pictures of streets at sampled addresses: the steps that Street View and Mapillary share.

First the panoramas of each cell are searched, which is free. Then the cost of the pictures is shown, and the user must
confirm it. Then the pictures are downloaded, cell by cell. Each paid request is written to a list before it is sent, so
that neither a crash nor a second run can spend more than the budget.

    OUT/panoramas/        the panoramas found, a unit for each cell
    OUT/                  Records of the pictures, a unit for each cell; images/ holds them
    OUT/paid.jsonl        one line for each paid request
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import InputError, WhereshotError, require
from whereshot.foundation.jobs import Shards, shard_path
from whereshot.foundation.tables import REJECTS, rejects_table
from whereshot.photos.fetch.base import RefusedError
from whereshot.photos.reject_reasons import API_ERROR, OVER_BUDGET
from whereshot.photos.sources import base, row_conditions
from whereshot.photos.sources.addresses import Address, AddressUnit, Drawn, Sampling, draw
from whereshot.photos.sources.budget import Budget
from whereshot.photos.sources.seen_ids import SeenIds
from whereshot.photos.sources.street_provider import PANORAMAS, Provider, Viewpoint

NO_PANORAMA = "no panorama"
DUPLICATE_PANORAMA = "duplicate panorama"

AT_A_TIME = 16
MOST_FAILURES = 20
"""After this number of addresses in a row that the API cannot answer, the run stops; a later run continues."""


def collect_with_key(
    order: base.Order,
    model: type[Sampling],
    make: Callable[[Any, str, base.Order], Provider],
    variable: str,
    what: str,
) -> base.Collected:
    """Collect from a provider, which is made of its settings and of the key in an environment variable."""
    require("aiohttp", extra="fetch")
    from whereshot.photos.fetch.api import key_from

    settings = settings_of(model, order)
    return collect(order, settings, make(settings, key_from(variable, what), order))


def collect(order: base.Order, sampling: Sampling, provider: Provider) -> base.Collected:
    """Fill a folder with pictures at the addresses of files. See ``base.Collector``."""
    if order.budget_usd is not None and not order.budget_usd >= 0:
        raise InputError(f"--budget must not be negative; got {order.budget_usd}")
    conditions = row_conditions.parse(order.where)
    settings = {**sampling.model_dump(mode="json"), "where": [str(condition) for condition in conditions]}
    drawn = draw(order.inputs, sampling, order.track)
    if not drawn.cells:
        raise InputError(f"{', '.join(map(str, order.inputs))}: no address with a usable place in it")
    job, again = f"ingest {provider.name}", order.overwrite
    files = [*order.inputs, *(Path(text) for text in (sampling.cells, sampling.units) if text.endswith(".parquet"))]
    with (
        Shards(order.out, job, settings, files, overwrite=again) as shards,
        Shards(order.out / "panoramas", f"{job}: panoramas", settings, files, overwrite=again) as found,
        asyncio.Runner() as runner,
    ):
        work = _Job(order, provider, drawn, shards, found, conditions)
        runner.run(provider.__aenter__())
        try:
            cells = list(drawn.cells)
            for cell in order.track(cells, total=len(cells), what="looking for panoramas"):
                runner.run(work.look(cell))
            work.check_confirmed()
            for cell in order.track(cells, total=len(cells), what="taking pictures"):
                runner.run(work.take(cell))
        finally:
            runner.run(provider.__aexit__(None, None, None))
        return base.Collected(shards.summary(), work.notes())


def settings_of(model: type[settings_file.Settings], order: base.Order) -> Any:
    """Return settings from texts "key=value". Raises ConfigError."""
    given = {}
    for text in order.settings:
        key, sign, value = text.partition("=")
        if not sign:
            raise InputError(f"--set takes key=value; got {text!r}")
        given[key.strip()] = settings_file.toml_value(value)
    return settings_file.parse(given, model, name="--set")


class _Job:
    """One run over all cells."""

    def __init__(
        self,
        order: base.Order,
        provider: Provider,
        drawn: Drawn,
        shards: Shards,
        found: Shards,
        conditions: Sequence[row_conditions.Condition],
    ) -> None:
        self._order, self._provider, self._drawn = order, provider, drawn
        self._shards, self._found, self._conditions = shards, found, conditions
        self._units = {cell: f"{number:06d}" for number, cell in enumerate(drawn.cells)}
        self._images = order.out.absolute() / "images"
        self._budget = Budget(order.out, provider.price_usd, order.budget_usd)
        self._seen = SeenIds()
        for unit in found.done:
            self._seen.add(pq.read_table(shard_path(found.folder, unit), columns=["panorama"])["panorama"].to_pylist())
        self._failures = 0

    # --- panoramas

    async def look(self, cell: str) -> None:
        """Find as many panoramas in a cell as are wanted there; where a unit has too few, others of the cell help."""
        unit_name = self._units[cell]
        if unit_name in self._found.done:
            return
        units = self._drawn.cells[cell]
        rows: list[dict[str, Any]] = []
        rejects: list[tuple[str, None, str, str]] = []
        rest: dict[str, list[Address]] = {}
        for unit in units:
            rest[unit.name] = await self._fill(cell, unit, unit.wanted, list(unit.addresses), rows, rejects)
        views = len({row["panorama"] for row in rows})
        missing = sum(unit.wanted for unit in units) - views
        for unit in units:
            if missing > 0 and rest[unit.name]:
                before = len(rows)
                rest[unit.name] = await self._fill(cell, unit, missing, rest[unit.name], rows, rejects)
                missing -= (len(rows) - before) // self._provider.headings
        self._found.write(unit_name, pa.Table.from_pylist(rows, schema=PANORAMAS), rejects_table(rejects))

    async def _fill(
        self,
        cell: str,
        unit: AddressUnit,
        wanted: int,
        addresses: list[Address],
        rows: list[dict[str, Any]],
        rejects: list[tuple[str, None, str, str]],
    ) -> list[Address]:
        """Take panoramas for a unit, in the order of its addresses; the addresses that were not needed are returned."""
        while wanted > 0 and addresses:
            asked, addresses = addresses[: min(wanted, AT_A_TIME)], addresses[min(wanted, AT_A_TIME) :]
            views = await asyncio.gather(*(self._search_near(address) for address in asked))
            new = iter(self._seen.add([view.id for view in views if isinstance(view, Viewpoint)]))
            for address, view in zip(asked, views, strict=True):
                if isinstance(view, RefusedError):
                    rejects.append((address.id, None, API_ERROR, view.detail))
                elif view is None:
                    detail = f"none near ({address.latitude:g}, {address.longitude:g})"
                    rejects.append((address.id, None, NO_PANORAMA, detail))
                elif not next(new):
                    detail = f"{view.id} is that of an earlier address"
                    rejects.append((address.id, None, DUPLICATE_PANORAMA, detail))
                else:
                    rows += self._rows(cell, unit, address, view)
                    wanted -= 1
        return addresses

    async def _search_near(self, address: Address) -> Viewpoint | RefusedError | None:
        try:
            view = await self._provider.look(address)
        except RefusedError as error:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise WhereshotError(
                    f"the API failed for {self._failures} addresses in a row ({error.detail}); "
                    "the same command continues from here"
                ) from None
            return error
        self._failures = 0
        return view

    def _rows(self, cell: str, unit: AddressUnit, address: Address, view: Viewpoint) -> list[dict[str, Any]]:
        """Return a row for each heading; the first heading is random, and the same in every run."""
        count = self._provider.headings
        start = int.from_bytes(hashlib.blake2b(view.id.encode(), digest_size=2).digest(), "big") % 360
        rows = []
        for number in range(count):
            heading = (start + number * 360 / count) % 360
            row = {
                "id": view.id if count == 1 else f"{view.id}-{number}",
                "latitude": view.latitude,
                "longitude": view.longitude,
                "album": view.id,
                "panorama": view.id,
                "source": self._provider.name,
                "heading": heading,
                "cell": cell,
                "unit": unit.name,
                "address": address.id,
            }
            rows.append(row | view.columns)
        return rows

    # --- pictures

    def check_confirmed(self) -> None:
        """Raise InputError with an estimate of the cost where pictures have a price that the user has not confirmed."""
        left = sum(len(self._missing(cell)) for cell in self._drawn.cells)
        price = self._provider.price_usd
        if not left or not price:
            return
        cost = f"{left} pictures cost about {left * price:.2f} USD ({price * 1000:.2f} USD for 1,000)"
        if self._budget.spent_usd:
            cost += f"; {self._budget.spent_usd:.2f} USD are spent already"
        if not self._order.confirmed or self._order.budget_usd is None:
            lacking = "--yes and --budget USD" if not self._order.confirmed else "--budget USD"
            raise InputError(f"{cost}; none was requested yet: to continue, add {lacking}")
        self._order.notify(f"{cost}; the budget is {self._order.budget_usd:.2f} USD")

    def _missing(self, cell: str) -> list[dict[str, Any]]:
        """Return the rows of a cell whose pictures are not in the folder yet."""
        return [row for row in self._selected(cell)[0].to_pylist() if self._existing_file(row) is None]

    def _selected(self, cell: str) -> tuple[pa.Table, pa.Table]:
        table = pq.read_table(shard_path(self._found.folder, self._units[cell]))
        return row_conditions.select(table.cast(PANORAMAS), self._conditions)

    def _path(self, row: dict[str, Any]) -> Path:
        name = f"{row['id']} {row['heading']} {self._provider.variant}"
        digest = hashlib.blake2b(name.encode(), digest_size=12).hexdigest()
        return self._images / digest[:2] / f"{digest}.jpg"

    def _existing_file(self, row: dict[str, Any]) -> Path | None:
        path = self._path(row)
        return path if path.is_file() else None

    async def take(self, cell: str) -> None:
        """Download the pictures of a cell. The next run requests those that failed or exceeded the budget."""
        unit = self._units[cell]
        done = self._shards.done.get(unit)
        if done is not None and not {API_ERROR, OVER_BUDGET} & set(done.rejected):
            return
        table, unselected = self._selected(cell)
        outcomes: list[Path | RefusedError] = []
        rows = table.to_pylist()
        for start in range(0, len(rows), AT_A_TIME):
            outcomes += await asyncio.gather(*(self._taken(row) for row in rows[start : start + AT_A_TIME]))
        good = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Path)]
        kept = table.take(pa.array(good, pa.int64()))
        images = pa.array([str(outcomes[number]) for number in good], pa.string())
        kept = kept.set_column(kept.column_names.index("image"), "image", images)
        rejects = [
            (row["id"], None, OVER_BUDGET if outcome.reason == OVER_BUDGET else API_ERROR, outcome.detail)
            for row, outcome in zip(rows, outcomes, strict=True)
            if isinstance(outcome, RefusedError)
        ]
        lost = pa.concat_tables([rejects_table(rejects), unselected, self._lost_addresses(unit)])
        self._shards.write(unit, kept, lost)

    def _lost_addresses(self, unit: str) -> pa.Table:
        path = shard_path(self._found.folder, unit)
        path = path.parent / "rejects" / path.name
        return pq.read_table(path).cast(REJECTS) if path.is_file() else REJECTS.empty_table()

    async def _taken(self, row: dict[str, Any]) -> Path | RefusedError:
        path = self._existing_file(row)
        if path is not None:
            return path
        try:
            data = await self._provider.picture(row, self._budget)
        except RefusedError as error:
            return error
        path = self._path(row)
        output_files.make_folder(path.parent)
        output_files.write_bytes(path, data)
        return path

    def notes(self) -> tuple[str, ...]:
        """Return remarks on what is missing, and on the money that was spent."""
        notes = []
        short: dict[str, int] = defaultdict(int)
        for cell, units in self._drawn.cells.items():
            views = self._found.done[self._units[cell]].kept // self._provider.headings
            short[cell] = max(sum(unit.wanted for unit in units) - views, 0)
        if some := [cell for cell, count in short.items() if count]:
            notes.append(
                f"{len(some)} of {len(short)} cells have fewer panoramas than wanted, {sum(short.values())} in all"
            )
        if self._drawn.without_place or self._drawn.outside:
            notes.append(
                f"addresses left out: {self._drawn.without_place} without a usable place, "
                f"{self._drawn.outside} outside all cells"
            )
        rejected = [reason for written in self._shards.done.values() for reason in written.rejected.items()]
        dear = sum(count for reason, count in rejected if reason == OVER_BUDGET)
        if dear:
            notes.append(f"the budget ends before {dear} pictures; a larger --budget continues from here")
        if self._provider.price_usd:
            notes.append(f"{self._budget.spent_usd:.2f} USD spent in all runs")
        return tuple(notes)

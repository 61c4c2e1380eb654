"""The best that any model could do with a partition: every photo is given exactly its cell.

Partitions and known positions in; how many photos the cells hold, how evenly, and how far the answers are off, out.
Nothing is learnt: what is missing to 100 % is lost by the cells alone. A photo outside every cell is a miss at every
distance and half the Earth's circumference away, as in every score of this package.

A hierarchy answers with a cell c of its finest level, whose mass is the product over the levels l of the mass of the
cell P_l(c) that holds c's imagery centroid (Mueller-Budack et al. 2018, eq. 3). Let A_l(x) be photo x's own cell on
level l, A_n on the finest. Levels that do not nest contradict one another for some photos:

    torn(x)          = some level l has A_l(x) and P_l(A_n(x)), and they differ
    best(d)          = share of photos with an A_n(x) whose centroid is within d, and not torn(x)
    expected_loss(d) = share of photos with an A_n(x) whose centroid is within d, but torn(x)
    unused_bits      = H(A_1, ..., A_n) - H(A_n)
    left_bits        = H(X | A_1, ..., A_n) = sum over joint cells j of n_j / n log2 n_j

When each level is certain of the photo's own cell, the product of a torn photo is zero everywhere: its levels do not
meet in any finest cell. ``unused_bits`` is what the coarser levels still tell when the finest is known, which a product
over the finest cells cannot say; ``left_bits`` is what is left to be known: which of the photos that share all its
cells it is. Where levels nest and drop nothing, nobody is torn and no bit unused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.partition import Hierarchy, Partition
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.foundation import progress, settings_file
from whereshot.foundation.errors import InputError
from whereshot.foundation.tables import hashed_share

_OUTER_COMMA = re.compile(r",(?=\s*\w+\s*=)(?![^\[{]*[\]}])")
"""Before the next ``key=``, and in no list or inline table."""


@dataclass(frozen=True)
class Reach:
    """How near the best answers are: shares by distance; km over all photos (outside: half round the Earth)."""

    best_possible: dict[str, float]
    mean_km: float
    mean_km_kept: float | None
    median_km: float

    @classmethod
    def of(cls, answers: NDArray[np.float64], kept: NDArray[np.bool_], truth: sphere.Points) -> Reach:
        """Answers (n, 2) where ``kept`` (n,), against the truth (n, 2)."""
        km = np.full(len(truth), sphere.HALF_CIRCUMFERENCE_KM)
        km[kept] = sphere.distance_km(answers[kept], truth[kept])
        within = {str(d): float((kept & (km <= d)).mean()) for d in DISTANCES_KM}
        return cls(within, float(km.mean()), float(km[kept].mean()) if kept.any() else None, float(np.median(km)))


@dataclass(frozen=True)
class Best:
    """One partition on n positions."""

    name: str
    kind: str
    cells: int
    photos: int
    photos_kept: int
    entropy_bits: float
    area_km2: dict[str, float]
    centroid: Reach
    """Answering with the mean position of the photos that the cells were built from."""
    cell_center: Reach

    @property
    def evenness(self) -> float | None:
        """The entropy over that of as many cells with as many photos each; None for one cell."""
        return self.entropy_bits / float(np.log2(self.cells)) if self.cells > 1 else None

    def to_json(self) -> dict[str, Any]:
        """The document of the command contract; its best possible is that by imagery centroid."""
        document = asdict(self)
        centroid, cell_center = document.pop("centroid"), document.pop("cell_center")
        return {**document, "evenness": self.evenness, **centroid, "by_cell_center": cell_center}


@dataclass(frozen=True)
class BestProduct:
    """The product of a hierarchy on n positions; the module says what each figure means."""

    name: str
    cells: tuple[int, ...]
    photos: int
    photos_kept: int
    torn: float
    best_possible: dict[str, float]
    expected_loss: dict[str, float]
    unused_bits: float
    left_bits: float


@dataclass(frozen=True)
class PartitionComparison:
    """Partitions side by side on the same positions."""

    photos: int
    fitted: int | None
    seen: float | None
    """Share of the positions that also occur, to the last digit, among those that cells were fitted on."""
    partitions: tuple[Best, ...]
    hierarchies: tuple[BestProduct, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of the command contract."""
        return {
            "photos": self.photos,
            "fitted": self.fitted,
            "seen": self.seen,
            "partitions": [best.to_json() for best in self.partitions],
            "hierarchies": [asdict(best) for best in self.hierarchies],
        }

    def to_markdown(self) -> str:
        """Two tables to paste, and what they were made of."""
        return "\n\n".join(part for part in (self._of_partitions(), self._of_hierarchies(), self._protocol()) if part)

    def _of_partitions(self) -> str:
        heads = ["partition", "cells", "photos kept", "entropy, bits", "evenness", "area km², min / median / max"]
        heads += [f"{km} km" for km in DISTANCES_KM] + ["median km", "mean km of those kept"]
        rows = []
        for best in self.partitions:
            kept, even = best.photos_kept / best.photos, best.evenness
            row = [best.name, f"{best.cells:,}", f"{best.photos_kept:,} ({100 * kept:.1f} %)"]
            row += [f"{best.entropy_bits:.2f}", "" if even is None else f"{even:.3f}"]
            row.append(" / ".join(_short(best.area_km2[key]) for key in ("min", "median", "max")))
            by = (best.cell_center, best.centroid)
            row += [" / ".join(f"{100 * one.best_possible[str(km)]:.1f}" for one in by) for km in DISTANCES_KM]
            row.append(" / ".join(_short(one.median_km) for one in by))
            row.append(" / ".join("" if one.mean_km_kept is None else _short(one.mean_km_kept) for one in by))
            rows.append(row)
        return _table(heads, rows) if rows else ""

    def _of_hierarchies(self) -> str:
        heads = ["product of a hierarchy", "cells", "photos kept", "torn, %"]
        heads += [f"{km} km" for km in DISTANCES_KM] + ["unused bits", "bits left"]
        rows = []
        for best in self.hierarchies:
            kept = best.photos_kept / best.photos
            row = [best.name, " / ".join(f"{cells:,}" for cells in best.cells)]
            row += [f"{best.photos_kept:,} ({100 * kept:.1f} %)", f"{100 * best.torn:.2f}"]
            for km in map(str, DISTANCES_KM):
                row.append(f"{100 * best.best_possible[km]:.1f} (-{100 * best.expected_loss[km]:.1f})")
            rows.append([*row, f"{best.unused_bits:.3f}", f"{best.left_bits:.2f}"])
        return _table(heads, rows) if rows else ""

    def _protocol(self) -> str:
        lines = [
            f"Best possible share (%) of {self.photos:,} photos within each distance when every photo is given exactly "
            "its cell, by cell centre / by imagery centroid; photos outside every cell are misses. Entropy of the "
            "photos' cells; evenness: over that of equally full cells."
        ]
        if self.hierarchies:
            lines.append(
                "Products: by imagery centroid of the finest cell, in brackets the expected loss to photos whose own "
                "cells on the levels contradict one another (torn)."
            )
        if self.fitted is not None and self.seen is not None:
            lines.append(
                f"Cells built for this were fitted on {self.fitted:,} photos; {100 * self.seen:.1f} % of the "
                "scored positions occur among them, too."
            )
        return " ".join(lines)


def compare(
    partitions: Mapping[str, Partition],
    hierarchies: Mapping[str, Hierarchy],
    points: ArrayLike,
    fitted: ArrayLike | None = None,
    track: progress.Track = progress.silent,
) -> PartitionComparison:
    """Every partition and hierarchy on the same positions (n, 2); ``fitted`` (m, 2) are those cells were built from."""
    p = sphere.points(points)
    alone = track(partitions.items(), len(partitions), "comparing partitions")
    together = track(hierarchies.items(), len(hierarchies), "comparing hierarchies")
    return PartitionComparison(
        len(p),
        None if fitted is None else len(sphere.points(fitted)),
        None if fitted is None else share_seen(fitted, p),
        tuple(best_possible(name, one, p) for name, one in alone),
        tuple(best_product(name, one, p) for name, one in together),
    )


def best_possible(name: str, partition: Partition, points: ArrayLike) -> Best:
    """The best that the cells of a partition allow on positions (n, 2). Raises InputError without positions."""
    p = _some(points)
    label = partition.assign(p)
    kept = label >= 0
    area = partition.area_sr * sphere.EARTH_KM**2
    spread = {"min": area.min(), "median": np.median(area), "max": area.max()} if len(area) else {}
    return Best(
        name,
        partition.kind,
        len(partition),
        len(p),
        int(kept.sum()),
        entropy_bits(label[kept]),
        {key: float(value) for key, value in spread.items()},
        Reach.of(_at(partition.centers, label), kept, p),
        Reach.of(_at(partition.cell_centers, label), kept, p),
    )


def best_product(name: str, hierarchy: Hierarchy, points: ArrayLike) -> BestProduct:
    """The best that the product of a hierarchy allows on positions (n, 2), and what it loses where levels disagree."""
    p = _some(points)
    own = hierarchy.assign(p)
    finest, kept = own[:, -1], own[:, -1] >= 0
    parents = hierarchy.parents()
    expected = np.where(kept[:, None], parents[np.maximum(finest, 0)], -1) if len(parents) else np.full_like(own, -1)
    torn = ((own >= 0) & (expected >= 0) & (own != expected)).any(axis=1)
    near = Reach.of(_at(hierarchy.finest.centers, finest), kept & ~torn, p)
    lost = Reach.of(_at(hierarchy.finest.centers, finest), torn, p)
    joint = np.unique(own, axis=0, return_inverse=True)[1].ravel()
    return BestProduct(
        name,
        hierarchy.sizes,
        len(p),
        int(kept.sum()),
        float(torn.mean()),
        near.best_possible,
        lost.best_possible,
        entropy_bits(joint) - entropy_bits(finest),
        float(np.log2(len(p))) - entropy_bits(joint),
    )


def entropy_bits(labels: NDArray[np.int64]) -> float:
    """Shannon entropy in bits of how often each label occurs; 0 for no labels."""
    counts = np.unique(labels, return_counts=True)[1]
    share = counts / max(len(labels), 1)
    return max(0.0, float(-(share * np.log2(share)).sum()))


def split(points: ArrayLike, share: float, seed: int = 0) -> tuple[sphere.Points, sphere.Points]:
    """Positions (n, 2) in two random parts: (to fit on, held out); ``share`` is that of the first.

    Every row falls by the hash of its number. Raises InputError where a part is empty.
    """
    if not 0 < share < 1:
        raise InputError(f"the share to fit on must lie between 0 and 1; got {share:g}")
    p = sphere.points(points)
    first = hashed_share(np.arange(len(p)).astype(str), seed) < share
    if first.all() or not first.any():
        raise InputError(f"{len(p)} positions are too few to split; give others to fit on")
    return p[first], p[~first]


def share_seen(fitted: ArrayLike, held: ArrayLike) -> float:
    """The share of the positions ``held`` (n, 2) that are among ``fitted`` (m, 2), to the last digit."""
    known = set(map(tuple, sphere.points(fitted).tolist()))
    held = _some(held)
    return float(np.mean([tuple(point) in known for point in held.tolist()]))


def parse_recipe(text: str) -> tuple[str, dict[str, Any]]:
    """``kind:key=value,key=value`` as it is typed -> the kind and its settings. Raises InputError.

    >>> parse_recipe("s2:max=1000,min=5")
    ('s2', {'max': 1000, 'min': 5})
    """
    kind, _, rest = text.partition(":")
    settings = {}
    for part in _OUTER_COMMA.split(rest) if rest.strip() else []:
        key, sign, value = part.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise InputError(f"a partition to build is kind:key=value,key=value, as s2:max=1000,min=5; got {text!r}")
        settings[key.strip()] = settings_file.toml_value(value)
    return kind.strip(), settings


def _some(points: ArrayLike) -> sphere.Points:
    p = sphere.points(points)
    if len(p) == 0:
        raise InputError("no positions to compare partitions on")
    return p


def _at(centers: sphere.Points, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """The centre (n, 2) of each photo's cell; anything where it has none."""
    return centers[np.maximum(label, 0)] if len(centers) else np.zeros((len(label), 2))


def _short(value: float) -> str:
    """Three digits, thousands apart, no exponent."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    if value >= 0.001 or value == 0:
        return f"{value:.3g}"
    return f"{value:.6f}" if value >= 1e-6 else "< 0.000001"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows])

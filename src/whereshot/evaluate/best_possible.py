"""The best possible accuracy with a partition: every photo is answered with exactly its own cell.

It measures how many photos the cells contain, how evenly, and how large the errors are. No model is involved: the cells
alone cause all loss below 100 %. A photo outside of all cells is a miss at every distance, and its error is half the
circumference of the Earth, as in every score of this package.

A hierarchy answers with a cell c of its finest level. The mass of c is the product over the levels l of the mass of the
cell P_l(c) that contains the imagery centroid of c (Mueller-Budack et al. 2018, eq. 3). Let A_l(x) be the cell of photo
x on level l, and A_n its cell on the finest level. Where levels do not nest, the cells of some photos contradict each
other:

    torn(x)          = A_l(x) and P_l(A_n(x)) both exist and differ on some level l
    best(d)          = share of photos with an A_n(x) whose centroid is within d, and not torn(x)
    expected_loss(d) = share of photos with an A_n(x) whose centroid is within d, but torn(x)
    unused_bits      = H(A_1, ..., A_n) - H(A_n)
    left_bits        = H(X | A_1, ..., A_n) = sum over joint cells j of n_j / n log2 n_j

Where each level is certain of the photo's own cell, the product of a torn photo is zero in all finest cells.
``unused_bits`` is the information of the coarser levels beyond the finest level, which the product cannot express.
``left_bits`` is the information that is still missing: which of the photos with the same cells it is. Where levels nest
and contain the same photos, no photo is torn and no bit is unused.
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
"""A comma that separates settings: it comes before the next ``key=`` and is not inside a list or an inline table."""


@dataclass(frozen=True)
class Reach:
    """The errors of the best answers: shares by distance, mean and median in km.

    A photo outside of all cells has half the circumference of the Earth as its error; ``mean_km_kept`` leaves it out.
    """

    best_possible: dict[str, float]
    mean_km: float
    mean_km_kept: float | None
    median_km: float

    @classmethod
    def of(cls, answers: NDArray[np.float64], kept: NDArray[np.bool_], truth: sphere.Points) -> Reach:
        """Compute the errors of answers (n, 2) against the truth (n, 2). Photos that are not ``kept`` are misses."""
        km = np.full(len(truth), sphere.HALF_CIRCUMFERENCE_KM)
        km[kept] = sphere.distance_km(answers[kept], truth[kept])
        within = {str(d): float((kept & (km <= d)).mean()) for d in DISTANCES_KM}
        return cls(within, float(km.mean()), float(km[kept].mean()) if kept.any() else None, float(np.median(km)))


@dataclass(frozen=True)
class Best:
    """The best possible result of one partition on n positions."""

    name: str
    kind: str
    cells: int
    photos: int
    photos_kept: int
    entropy_bits: float
    area_km2: dict[str, float]
    centroid: Reach
    """The errors where the answer is the mean position of the photos that the cell was built from."""
    cell_center: Reach

    @property
    def evenness(self) -> float | None:
        """The entropy divided by the entropy of equally full cells; None for one cell."""
        return self.entropy_bits / float(np.log2(self.cells)) if self.cells > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Return a document of plain values. "best_possible" is for the imagery centroids."""
        document = asdict(self)
        centroid, cell_center = document.pop("centroid"), document.pop("cell_center")
        return {**document, "evenness": self.evenness, **centroid, "by_cell_center": cell_center}


@dataclass(frozen=True)
class BestProduct:
    """The best possible result of the product of a hierarchy on n positions; the module defines each number."""

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
    """Several partitions, compared on the same positions."""

    photos: int
    fitted: int | None
    seen: float | None
    """Share of the positions that are also, with all digits, among the positions that cells were built from."""
    partitions: tuple[Best, ...]
    hierarchies: tuple[BestProduct, ...]

    def to_json(self) -> dict[str, Any]:
        """Return a document of plain values."""
        return {
            "photos": self.photos,
            "fitted": self.fitted,
            "seen": self.seen,
            "partitions": [best.to_json() for best in self.partitions],
            "hierarchies": [asdict(best) for best in self.hierarchies],
        }

    def to_markdown(self) -> str:
        """Return two Markdown tables and a text that explains them."""
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
            f"Best possible share (%) of {self.photos:,} photos within each distance: every photo gets exactly its own "
            "cell. Left number: by cell centre; right number: by imagery centroid. Photos outside of all cells are "
            "misses. Evenness: the entropy divided by that of equally full cells."
        ]
        if self.hierarchies:
            lines.append(
                "Products: by imagery centroid of the finest cell. In brackets: the expected loss by photos whose own "
                "cells on the levels contradict each other (torn)."
            )
        if self.fitted is not None and self.seen is not None:
            lines.append(
                f"The cells were built on {self.fitted:,} photos; {100 * self.seen:.1f} % of the scored positions are "
                "also among them."
            )
        return " ".join(lines)


def compare(
    partitions: Mapping[str, Partition],
    hierarchies: Mapping[str, Hierarchy],
    points: ArrayLike,
    fitted: ArrayLike | None = None,
    track: progress.Track = progress.silent,
) -> PartitionComparison:
    """Compare partitions and hierarchies on positions (n, 2).

    ``fitted`` (m, 2) are the positions that the cells were built from, if they were built for this comparison.
    """
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
    """Return the best possible result of a partition on positions (n, 2). Raises InputError without positions."""
    p = _checked_points(points)
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
    """Return the best possible result of the product of a hierarchy on positions (n, 2). Raises InputError."""
    p = _checked_points(points)
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
    """Return the Shannon entropy in bits of the frequencies of labels (n,); 0 for no labels."""
    counts = np.unique(labels, return_counts=True)[1]
    share = counts / max(len(labels), 1)
    return max(0.0, float(-(share * np.log2(share)).sum()))


def split(points: ArrayLike, share: float, seed: int = 0) -> tuple[sphere.Points, sphere.Points]:
    """Divide positions (n, 2) at random into two parts: to build on (``share`` of them), and held out.

    The hash of its number decides the part of a row. Raises InputError where a part is empty.
    """
    if not 0 < share < 1:
        raise InputError(f"the share to fit on must lie between 0 and 1; got {share:g}")
    p = sphere.points(points)
    first = hashed_share(np.arange(len(p)).astype(str), seed) < share
    if first.all() or not first.any():
        raise InputError(f"{len(p)} positions are too few to split; give other positions to fit on")
    return p[first], p[~first]


def share_seen(fitted: ArrayLike, held: ArrayLike) -> float:
    """Return the share of the positions ``held`` (n, 2) that are, with all digits, among ``fitted`` (m, 2)."""
    known = set(map(tuple, sphere.points(fitted).tolist()))
    held = _checked_points(held)
    return float(np.mean([tuple(point) in known for point in held.tolist()]))


def parse_recipe(text: str) -> tuple[str, dict[str, Any]]:
    """Parse ``kind:key=value,key=value`` as a user types it; return the kind and its settings. Raises InputError.

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


def _checked_points(points: ArrayLike) -> sphere.Points:
    p = sphere.points(points)
    if len(p) == 0:
        raise InputError("no positions to compare partitions on")
    return p


def _at(centers: sphere.Points, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the centre (n, 2) of the cell of each photo; any value for photos without a cell."""
    return centers[np.maximum(label, 0)] if len(centers) else np.zeros((len(label), 2))


def _short(value: float) -> str:
    """Return a number with three digits, separated thousands and no exponent."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    if value >= 0.001 or value == 0:
        return f"{value:.3g}"
    return f"{value:.6f}" if value >= 1e-6 else "< 0.000001"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows])

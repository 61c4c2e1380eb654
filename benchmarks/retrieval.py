"""Nearest photos of a million, exactly, and of fewer by a graph.

    python benchmarks/retrieval.py > docs/results-retrieval.md

Features are random directions, the hardest case for a graph; ratios are to a plain product of matrices and argmax in
NumPy, run in turn with ours. One thread.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import MissingExtraError
from whereshot.models.nearest_photos import Exact, Graph

COMMAND = "OMP_NUM_THREADS=1 python benchmarks/retrieval.py > docs/results-retrieval.md"


def directions(count: int, dim: int, rng: np.random.Generator) -> NDArray[np.float32]:
    drawn = np.empty((count, dim), np.float32)
    for start in range(0, count, 50_000):
        part = rng.standard_normal((min(50_000, count - start), dim), dtype=np.float32)
        drawn[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return drawn


def best_of(run: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def plain(known: NDArray, asked: NDArray) -> NDArray:
    """Return the six nearest photos with the obvious code: all cosines in one product."""
    cosine = asked @ known.T
    best = np.argpartition(-cosine, 5, axis=1)[:, :6]
    return np.take_along_axis(best, np.argsort(-np.take_along_axis(cosine, best, 1), axis=1), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--in-graph", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    known, asked = directions(given.photos, given.dim, rng), directions(64, given.dim, rng)
    held = gigabytes()
    index = Exact(known)
    print(f"# Nearest photos\n\nMade by `{COMMAND}`.\n")
    print(f"The six nearest of {given.photos:,} photos with {given.dim} numbers each, exactly.\n")
    print("| asked at once | seconds a photo | NumPy's product and argpartition |\n|---:|---:|---:|")
    for count in (1, 64):
        ours = best_of(lambda count=count: index.nearest(asked[:count], 6), given.rounds)
        more = gigabytes() - held
        theirs = best_of(lambda count=count: plain(known, asked[:count]), given.rounds)
        print(f"| {count} | {ours / count:.3f} | {theirs / count:.3f} |", flush=True)
    print(f"\nThe features take {known.nbytes / 1e9:.2f} GB; searching took {more:.2f} GB more than making them did.\n")
    few = known[: given.in_graph]
    try:
        started = time.perf_counter()
        graph = Graph(few)
        built = time.perf_counter() - started
    except MissingExtraError as problem:
        print(f"No graph: {problem}")
        return
    exact = Exact(few)
    by_graph, by_all = (best_of(lambda one=one: one.nearest(asked, 6), given.rounds) / 64 for one in (graph, exact))
    same = np.mean(
        [
            len(np.intersect1d(*pair)) / 6
            for pair in zip(graph.nearest(asked, 6).rows, exact.nearest(asked, 6).rows, strict=True)
        ]
    )
    print(
        f"A graph of {given.in_graph:,} of them: built in {built:.0f} s, {1000 * by_graph:.2f} ms a photo (exact: "
        f"{1000 * by_all:.2f} ms), {100 * same:.1f} % of the six nearest found."
    )


if __name__ == "__main__":
    main()

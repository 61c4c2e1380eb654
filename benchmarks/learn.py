"""``learn`` on photos as if they were one person's library; prints docs/results-learn.md.

    python benchmarks/learn.py ../shared/data/photos > docs/results-learn.md

The model is learned from train.csv alone. test_a.csv, sunsets.csv and signs_dev.csv are looked at once, at the end:
nothing is chosen by them. The same figures come from five folds over ``group_id`` within train.csv.
"""

from __future__ import annotations

import functools
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from whereshot.earth import sphere
from whereshot.foundation import processes
from whereshot.foundation.progress import silent
from whereshot.foundation.tables import hashed_share
from whereshot.locate.geolocator import Geolocator
from whereshot.models import onnx_export, runtime
from whereshot.models.features import cached_features
from whereshot.models.readout import memory, whitening
from whereshot.models.readout.library import library_of
from whereshot.models.readout.prototypes import SAME_PLACE_KM, places_of
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.posterior.circles import around
from whereshot.posterior.decision import decide
from whereshot.posterior.prior import density_prior
from whereshot.training import learn, learn_holdout

KM = (1, 25, 200)
CONFIDENT = 0.9
DRAWS = 2000


def read(folder: Path, name: str) -> Records:
    return SOURCES["table"]([folder / f"{name}.csv"], {}, silent).records


def interval(hits: np.ndarray, cluster: np.ndarray) -> str:
    """Share in per cent with its 95 % interval, groups drawn together."""
    if len(hits) == 0:
        return "–"
    _, number = np.unique(cluster, return_inverse=True)
    total = np.bincount(number, hits)
    count = np.bincount(number)
    drawn = np.random.default_rng(0).integers(0, len(count), (DRAWS, len(count)))
    shares = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = 100 * np.quantile(shares, [0.025, 0.975])
    return f"{100 * hits.mean():.1f} ({low:.0f}–{high:.0f})"


def scores_of(posterior, factor: float, truth: np.ndarray) -> dict[str, np.ndarray]:
    """What each answer's scores are: errors, confidence to a city, circle, densities."""
    parts: dict[str, list] = {name: [] for name in ("error", "city", "inside", "nll")}
    for start in range(0, len(truth), 64):
        rows = slice(start, start + 64)
        one, own = posterior[rows], truth[rows]
        decided = decide(one)
        rings = around(one, decided)
        error = sphere.distance_km(decided, own)
        parts["error"].append(error)
        parts["city"].append(np.round(rings.mass_within(25 / factor), 4) >= CONFIDENT)
        parts["inside"].append(error <= rings.radius_km(0.9) * factor)
        parts["nll"].append(-one.log_density(own))
    return {name: np.concatenate(values) for name, values in parts.items()}


def row(label: str, one: dict[str, np.ndarray], cluster: np.ndarray) -> str:
    city, error = one["city"], one["error"]
    cells = [interval(error <= km, cluster) for km in KM]
    cells += [interval(city, cluster), interval(error[city] <= 25, cluster[city])]
    cells += [interval(city & (error > 25), cluster), interval(one["inside"], cluster), f"{one['nll'].mean():.2f}"]
    return f"| {label} | {len(error)} | " + " | ".join(cells) + " |"


HEAD = (
    "| photos | n | 1 km | 25 km | 200 km | confident to a city | of these right | confident and wrong | in 90 % "
    "circle | NLL |\n|---|---|---|---|---|---|---|---|---|---|"
)


def main(folder: Path) -> None:
    train = read(folder, "train")
    tests = {name: read(folder, name) for name in ("test_a", "sunsets", "signs_dev")}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "library"
        started = time.perf_counter()
        learned = learn.learn(train, out, cache=Path(scratch) / "cache")
        seconds = time.perf_counter() - started
        geolocator = Geolocator.load(out)
        model = geolocator.model.network_model.folder
        factor = geolocator.model.widening().factor
        settings = model.memory_settings
        print("# What `learn` makes of a library\n")
        print("`python benchmarks/learn.py ../shared/data/photos > docs/results-learn.md`\n")
        print(
            f"Learned from {learned.photos} photos of {learned.places} places in {seconds:.0f} s on "
            f"{processes.cores()} cores (other work ran beside it). Confidence, extents and radii are fitted on these "
            f"photos held out from themselves ({settings.photos['known']} with their place known, "
            f"{settings.photos['other']} with all within 25 km held out), for photos of which "
            f"{100 * settings.known_share:g} % show a known place. Nothing is chosen by the test tables. "
            "95 % intervals by bootstrap over groups. NLL in nats per steradian.\n"
        )
        print("## Photos that were not learned\n")
        print(HEAD)
        answers = {}
        readout = geolocator.model.network_model.readout()
        for name, records in tests.items():
            outputs, rows, _ = geolocator.model.network_model.outputs(records.strings("image"))
            order = np.argsort(rows)
            pooled = {key: value[order] for key, value in outputs.items()}
            answers[name] = (readout(pooled), pooled)
            print(row(name, scores_of(answers[name][0], factor, records.points), np.array(records.strings("group"))))
        exact_labels(tests["test_a"], answers["test_a"][0], factor, train)
        print("\n## Five folds over `group_id` within train.csv\n")
        print(
            "Each fold is answered by a library learned from the other four. Known: another group has a photo within "
            "300 m (label good to 1 km); other: nothing within 25 km.\n"
        )
        print(HEAD)
        folds(model)
        print("\n## The same photo in other clothes (test_a photos that were right)\n")
        clothes(geolocator, tests["test_a"], answers["test_a"][0])
        print("\n## A gallery of the 134 photos that may ship\n")
        shipped(model, train, tests, {name: outputs for name, (_, outputs) in answers.items()})
        print("\n## Fine-tuned features beside the start\n")
        features(folder, model, tests["test_a"], answers["test_a"][1])


def exact_labels(records: Records, posterior, factor: float, train: Records) -> None:
    """The photos whose place has a label that is good to 1 km."""
    distance, index = sphere.Nearest(train.points).query(records.points)
    good = (np.nan_to_num(train.numbers("accuracy_km"))[np.ravel(index)] <= 1) & (np.ravel(distance) < 1)
    one = scores_of(posterior[np.flatnonzero(good)], factor, records.points[good])
    print(row("test_a, labels good to 1 km", one, np.array(records.strings("group"))[good]))


def folds(model) -> None:
    table, pooled = model.photos, model.arrays["pooled"].astype(np.float32)
    points = model.training_points()
    group = np.array(table["group"].to_pylist())
    accuracy = table["accuracy_km"].to_numpy()
    prior, usual = density_prior(), model.usual
    fold = (hashed_share(group, 7) * 5).astype(int)
    parts, nearest = [], np.empty(len(points))
    for number in range(5):
        rest, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        settings = learn_holdout.fit_memory(
            pooled[rest], points[rest], accuracy[rest], group[rest].tolist(), prior, usual=usual
        )
        white = whitening.fit(pooled[rest], places_of(points[rest]), usual)
        library = library_of(white(pooled[rest]), points[rest], accuracy[rest])
        answer = memory.Memory(library, white, settings, prior)
        nearest[held] = sphere.Nearest(points[rest]).query(points[held])[0].ravel()
        for start in range(0, len(held), 64):
            rows = held[start : start + 64]
            one = scores_of(answer({"pooled": pooled[rows]}), settings.radius_factor["either"], points[rows])
            parts.append((rows, one))
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    joined = {name: np.concatenate([one[name] for _, one in parts])[order] for name in parts[0][1]}
    for label, of_kind in (
        ("all", np.ones(len(points), bool)),
        ("known", (nearest <= SAME_PLACE_KM) & (accuracy <= 1)),
        ("other", nearest > 25),
    ):
        print(row(label, {name: values[of_kind] for name, values in joined.items()}, group[of_kind]))


def clothes(geolocator: Geolocator, records: Records, posterior) -> None:
    paths = records.strings("image")
    before = decide(posterior)
    right = np.flatnonzero(sphere.distance_km(before, records.points) <= 25)
    changes = {
        "rotated by EXIF": lambda image: encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", orientation=6),
        "PNG": lambda image: encoded(image, "PNG"),
        "WebP": lambda image: encoded(image, "WEBP"),
        "half size": lambda image: encoded(image.resize((image.width // 2, image.height // 2)), "JPEG"),
    }
    print("| change | photos | first place within 25 km of before |\n|---|---|---|")
    for name, change in changes.items():
        pictures = [change(Image.open(paths[at]).convert("RGB")) for at in right]
        after = decide(geolocator.posterior(pictures)[0])
        same = sphere.distance_km(after, before[right]) <= 25
        print(f"| {name} | {len(right)} | {100 * same.mean():.1f} % |")


def encoded(image: Image.Image, form: str, orientation: int | None = None) -> bytes:
    written = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    image.save(written, form, exif=exif.tobytes(), **({"quality": 92} if form != "PNG" else {}))
    return written.getvalue()


def shipped(model, train: Records, tests: dict[str, Records], outputs: dict) -> None:
    """The prior alone and with a gallery of the photos that may ship, on photos that it was not fitted on."""
    use = dict(zip(train.strings("image"), train.strings("use"), strict=True))
    may = np.array([use[name] == "ship" for name in model.photos["image"].to_pylist()])
    pooled, points = model.arrays["pooled"].astype(np.float32), model.training_points()
    accuracy = model.photos["accuracy_km"].to_numpy()
    group = np.array(model.photos["group"].to_pylist())
    prior, usual = density_prior(), model.usual
    # half of the photos asked about shall show a known place: a stranger's are hardly ever of these
    settings = learn_holdout.fit_memory(
        pooled[may], points[may], accuracy[may], group[may].tolist(), prior, known_share=0.5, usual=usual
    )
    white = whitening.fit(pooled[may], places_of(points[may]), usual)
    answer = memory.Memory(library_of(white(pooled[may]), points[may], accuracy[may]), white, settings, prior)
    print("| photos | prior alone, NLL | with the gallery, NLL |\n|---|---|---|")
    asked = {"the rest of train.csv": ({"pooled": pooled[~may][::4]}, points[~may][::4])}
    asked |= {name: (outputs[name], records.points) for name, records in tests.items()}
    for name, (own, truth) in asked.items():
        alone = -prior.repeat(len(truth)).log_density(truth).mean()
        both = [
            -answer({"pooled": own["pooled"][at : at + 64]}).log_density(truth[at : at + 64])
            for at in range(0, len(truth), 64)
        ]
        print(f"| {name} | {alone:.3f} | {np.concatenate(both).mean():.3f} |")


def features(folder: Path, model, records: Records, outputs: dict) -> None:
    """Plain nearest neighbour with the features of compact and with those of the weights that it started from."""
    start = folder.parents[1] / "weights" / "mobilenetv2_100_torch_nohead.safetensors"
    if not start.is_file():
        print("The starting weights are not here.")
        return
    import torch

    from whereshot.models.networks import BackboneSettings, create

    torch.set_num_threads(1)
    table = model.photos
    network = create(BackboneSettings(name=model.description.backbone.name, weights=start))
    paths = table["image"].to_pylist()
    sources, settings = [*paths, *records.strings("image")], model.description.preprocess
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "start.onnx"
        written.write_bytes(onnx_export.to_onnx(onnx_export.of_photos(network, ["pooled"]), settings, ["pooled"]))
        make = functools.partial(runtime.OnnxCompute, str(written))
        own, _ = cached_features(sources, settings, "start", make, cache=Path(scratch), workers=2)
    points, group = model.training_points(), np.array(table["group"].to_pylist())
    pairs = {
        "the start": (own[: len(paths)], own[len(paths) :]),
        "compact": (model.arrays["pooled"].astype(np.float32), outputs["pooled"]),
    }
    known = sphere.Nearest(points)
    other = np.array([len(set(group[found])) > 1 for found in known.within(points, 1.0)])
    print(
        "| features | test_a, 25 km | train.csv by group, place known, 25 km | the same, whitened |\n|---|---|---|---|"
    )
    for name, (train, test) in pairs.items():
        plain = whitening.fit(train, np.arange(len(train)))
        a, b = plain(train), plain(test)
        hit = sphere.distance_km(points[(b @ a.T).argmax(axis=1)], records.points) <= 25
        white = whitening.fit(train, places_of(points))(train)
        held = [100 * leave_out(values, points, group)[other].mean() for values in (a, white)]
        print(f"| {name} | {100 * hit.mean():.1f} % | {held[0]:.1f} % | {held[1]:.1f} % |")
    weights = Path(__file__).parents[1] / "out" / "compact.safetensors"
    if weights.is_file():
        parity(load_file(weights), network, model, records, outputs)


def leave_out(features_: np.ndarray, points: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return whether the nearest photo of another group is within 25 km."""
    right = np.empty(len(points), bool)
    for start in range(0, len(points), 256):
        rows = slice(start, start + 256)
        cosine = features_[rows] @ features_.T
        cosine[group[rows, None] == group[None]] = -2
        right[rows] = sphere.distance_km(points[rows], points[cosine.argmax(axis=1)]) <= 25
    return right


def parity(weights: dict, network, model, records: Records, outputs: dict) -> None:
    """Compare the answers of the same library with torch and with ONNX Runtime."""
    import torch

    from whereshot.photos.batches import batches

    network.network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    by_torch = np.zeros_like(outputs["pooled"])
    with torch.inference_mode():
        for batch in batches(records.strings("image"), model.description.preprocess):
            by_torch[batch.rows] = network(torch.from_numpy(batch.crops)).numpy()
    readout = model.memory(density_prior())
    one, other = readout(outputs), readout({"pooled": by_torch})
    heavy = one.log_mass > np.log(1e-6)
    worst = np.abs(one.log_mass - other.log_mass)[heavy].max()
    same = (decide(one) == decide(other)).all(axis=1).sum()
    print(
        f"\nONNX Runtime beside torch, {len(records)} test photos: the same first place for {same}, log masses above "
        f"one in a million differ by at most {worst:.1e}."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Commands on partitions: cells build, show, export, compare, kinds and presets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whereshot.cli.base import (
    ColumnOption,
    FormatOption,
    SetOption,
    check_file,
    check_folder,
    pairs,
    print_json,
    read_records,
)
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, OutputError
from whereshot.report.answer_formats import CELL_ENDINGS, CELL_WRITERS, CellFormat, ReportFormat

if TYPE_CHECKING:
    from whereshot.earth import sphere
    from whereshot.earth.partition import Partition
    from whereshot.report.cell_atlas import Atlas

app = typer.Typer(no_args_is_help=True, help="Divide the Earth into cells.", rich_markup_mode=None)


CellsArgument = Annotated[Path, typer.Argument(help="Cells: a .parquet file, or a published CSV.", show_default=False)]
PresetOption = Annotated[str | None, typer.Option("--preset", help="Settings of a paper; see: cells presets.")]


@app.command("build")
def cells_build(
    out: Annotated[Path, typer.Option(help="The .parquet file to write; for several levels, a folder.")],
    inputs: Annotated[
        list[Path] | None, typer.Argument(help="Records, or tables with positions.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of partition; see: cells kinds.", show_default="s2")] = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    refine_on: Annotated[
        list[Path] | None, typer.Option(help="Positions that shape the cells, instead of the inputs.")
    ] = None,
    populate_with: Annotated[
        list[Path] | None, typer.Option(help="Positions to count in the cells, instead of the inputs.")
    ] = None,
    column: ColumnOption = None,
    form: FormatOption = "table",
) -> None:
    """Build a partition of the Earth from where photos were taken.

    The settings of each kind and their defaults: whereshot cells kinds. The settings of papers, some with several
    levels: whereshot cells presets; --set adds to them, as --set file=borders.geojson. A preset with several levels
    writes a folder with level-0.parquet (the coarsest), level-1.parquet, and so on.

    Presets: planet, geoestimation, geoestimation-coarse, geoestimation-middle, geoestimation-fine, deep-locations,
    delaunay-coarse, delaunay-fine, delaunay-fineP, osv5m-quadtree, denmark-129, california-2, world-admin1,
    pigeon, pigeotto.
    """
    from whereshot.earth import partition
    from whereshot.foundation import progress, settings_file

    if preset is not None and kind is not None:
        raise InputError("--preset sets the kind; leave --kind out")
    count = 1 if preset is None else partition.preset(preset).levels
    many = count > 1
    if many and (out.suffix == ".parquet" or out.is_file()):
        raise InputError(f"--out names a folder for the {count} levels of {preset}; got {out}")
    check_folder(out) if many else check_file(out, ".parquet")
    refine, populate = refine_on or inputs, populate_with or inputs
    if not refine or not populate:
        raise InputError("no positions: name tables, or both --refine-on and --populate-with")
    if inputs and refine_on and populate_with:
        raise InputError("--refine-on and --populate-with replace the tables; leave the tables out")
    points = _points(refine, column)
    counted = None if populate == refine else _points(populate, column)
    given = {key: settings_file.toml_value(value) for key, value in pairs(settings, "--set").items()}
    started = time.perf_counter()
    with progress.waiting(f"building {preset or kind or 's2'}"):
        if preset is not None:
            levels = partition.build_preset(preset, points, given, populate_with=counted)
        else:
            levels = (partition.build(kind or "s2", points, given, populate_with=counted),)
    seconds = time.perf_counter() - started
    if many:
        partition.save_levels(levels, out)
    else:
        levels[0].save(out)
    _print_built(levels, out, len(points if counted is None else counted), seconds, many, form)


def _print_built(
    levels: tuple[Partition, ...], out: Path, photos: int, seconds: float, many: bool, form: ReportFormat
) -> None:
    finest = levels[-1]
    document: dict[str, Any] = {
        "kind": finest.kind,
        "cells": len(finest),
        "photos": photos,
        "photos_kept": int(finest.counts.sum()),
        "seconds": round(seconds, 3),
    }
    if many:
        document["levels"] = [{"cells": len(one), "photos_kept": int(one.counts.sum())} for one in levels]
    notes = list(dict.fromkeys(note for one in levels for note in getattr(one, "notes", ())))
    if notes:
        document["notes"] = notes
    if form == "json":
        print_json(document)
    else:
        cells = " / ".join(str(len(one)) for one in levels)
        print(f"{cells} cells hold {document['photos_kept']} of {photos} photos; wrote {out} ({seconds:.2f} s)")
        for note in notes:
            print(f"  {note}")


@app.command("show")
def cells_show(
    cells: CellsArgument,
    out: Annotated[Path, typer.Option(help="Folder for all three, or one .png or .html file.", show_default=False)],
    zoom: Annotated[
        str | None,
        typer.Option(help="Centre and radius in km of the zoomed map, as LAT,LON,KM.", show_default="densest part"),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the pictures.", show_default="file's name")] = None,
) -> None:
    """Draw cells: a map of the world, a zoomed map, and a page with a map that moves. Nothing is downloaded.

    A folder gets world.png, zoom.png and cells.html. A .png file is the map of the world, with --zoom the zoomed one;
    an .html file is the page. PNG needs matplotlib: pip install '.[draw]' in the source folder.
    """
    from whereshot.foundation import errors
    from whereshot.report import cell_maps

    where = None if zoom is None else cell_maps.Zoom.parse(zoom)
    single = out.suffix.lower() in (".png", ".html")
    if single:
        check_file(out)
    elif out.suffix:
        raise InputError(f"--out names a folder, a .png or an .html file; got {out}")
    else:
        check_folder(out)
    if out.suffix.lower() == ".html" and zoom is not None:
        raise InputError("--zoom is for PNG; the page zooms by itself")
    if out.suffix.lower() != ".html":
        errors.require("matplotlib", extra="draw")
    atlas = _atlas(cells, title)
    if out.suffix.lower() == ".html":
        output_files.write_text(out, atlas.to_html())
    elif single and where is None:
        cell_maps.draw_world(atlas, out)
    elif single:
        cell_maps.draw_zoom(atlas, out, where)
    else:
        with output_files.new_files(out) as beside:
            cell_maps.draw_world(atlas, beside / "world.png")
            cell_maps.draw_zoom(atlas, beside / "zoom.png", where)
            output_files.write_text(beside / "cells.html", atlas.to_html())
    print(f"{atlas.facts}; wrote {out}" + ("" if single else ": world.png, zoom.png, cells.html"))


@app.command("export")
def cells_export(
    cells: CellsArgument,
    out: Annotated[Path, typer.Option(help="File to write.", show_default=False)],
    form: Annotated[
        CellFormat | None, typer.Option("--format", help="Format of the file.", show_default="by the file's ending")
    ] = None,
) -> None:
    """Write cells for other programs: GeoJSON (RFC 7946) or GeoParquet 1.1.

    One row per cell: its number, photos (count), imagery centroid (latitude, longitude), its own centre (cell_latitude,
    cell_longitude), area_km2, spread_km, the numbers of its neighbours, the names that its kind gives it, and its
    polygon, cut at the date line. Endings: .geojson and .json, .parquet and .geoparquet.
    """
    from whereshot.foundation import progress

    chosen = form or CELL_ENDINGS.get(out.suffix.lower())
    if chosen is None:
        known = ", ".join(CELL_ENDINGS)
        raise InputError(f"--out {out}: the ending is not that of a known format; known: {known}; or give --format")
    check_file(out)
    if out.exists() and out.samefile(cells):
        raise OutputError(f"{out}: the cells themselves; name another file")
    atlas = _atlas(cells, None)
    with progress.waiting("finding neighbours"):
        CELL_WRITERS[chosen](atlas, out)
    print(f"{atlas.facts}; wrote {out}")


CompareCellsArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="Cells: .parquet files, published CSVs, folders of levels.", show_default=False),
]
BuildOption = Annotated[
    list[str] | None,
    typer.Option(help="Partition to build, as kind:key=value,key=value (s2:max=1000). Repeatable."),
]
ComparePresetOption = Annotated[
    list[str] | None,
    typer.Option(help="Preset to build, as NAME or NAME:key=value; see: cells presets. Repeatable."),
]
ShareOption = Annotated[
    float | None,
    typer.Option("--split", help="Share of --on to build on, 0 to 1; the rest is scored.", show_default="0.5 if built"),
]
HierarchyOption = Annotated[
    list[str] | None,
    typer.Option(help="Files or builds, coarse to fine, joined by '+', to score as a product. Repeatable."),
]


@app.command("compare")
def cells_compare(
    on: Annotated[list[Path], typer.Option(help="Positions to score on: Records or tables.", show_default=False)],
    cells: CompareCellsArgument = None,
    build: BuildOption = None,
    preset: ComparePresetOption = None,
    fit_on: Annotated[list[Path] | None, typer.Option(help="Positions to build on.")] = None,
    share: ShareOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    hierarchy: HierarchyOption = None,
    column: ColumnOption = None,
    form: FormatOption = "table",
) -> None:
    """Compare partitions on the same positions: how many photos they hold, how evenly, and the best possible accuracy.

    Best possible: each photo gets exactly its own cell. The answer is the centre of the cell, or the mean position of
    the photos that the cell was built from. The cells alone cause all loss below 100 %. With --build and
    --preset the cells are built on --fit-on, or on a --split of --on, and everything is scored on the rest.

    The levels of a folder or preset, and of each --hierarchy, are also scored as a product. Where levels do not nest,
    the cells of a photo may contradict each other: then its product is zero everywhere (torn). The expected loss is the
    share of photos that are torn and would otherwise be within the distance.
    """
    from whereshot.earth import partition
    from whereshot.evaluate import best_possible
    from whereshot.evaluate.compared_partitions import ComparedPartitions
    from whereshot.foundation import progress

    if fit_on and share is not None:
        raise InputError("give either --fit-on or --split")
    if not (cells or build or preset):
        raise InputError("nothing to compare: name files of cells, or give --build or --preset")
    if (fit_on or share is not None) and not (build or preset):
        given = "--fit-on" if fit_on else "--split"
        raise InputError(f"{given} goes with --build or --preset; the cells in files are built already")
    scored, fitted = _points(on, column), None
    if fit_on:
        fitted = _points(fit_on, column)
    elif build or preset:
        fitted, scored = best_possible.split(scored, 0.5 if share is None else share, seed)
    compared = ComparedPartitions(progress.waiting)
    for path in cells or ():
        compared.add(str(path), partition.load_levels(path))
    compared.build(build or (), preset or (), scored if fitted is None else fitted)
    for text in hierarchy or ():
        compared.add_product(text)
    result = best_possible.compare(compared.single, compared.products, scored, fitted, progress.late_bar)
    if form == "json":
        print_json(result.to_json())
    else:
        print(result.to_markdown())


@app.command("kinds")
def cells_kinds(form: FormatOption = "table") -> None:
    """List the kinds of partitions and their settings for --set."""
    from whereshot.earth import partition

    kinds = [
        {
            "name": name,
            "settings": partition.settings_of(name),
            "about": " ".join((kind.settings.__doc__ or "").replace("``", "").split()),
        }
        for name, kind in partition.PARTITIONS.items()
    ]
    if form == "json":
        print_json({"kinds": kinds})
    else:
        print("\n".join(f"{kind['name']}: {kind['settings']}\n    {kind['about']}" for kind in kinds))


@app.command("presets")
def cells_presets(form: FormatOption = "table") -> None:
    """List the presets of cells build --preset, with their settings and sources."""
    from whereshot.earth.partition import PRESETS

    if form == "json":
        print_json({"presets": [{"name": name, **preset._asdict()} for name, preset in PRESETS.items()]})
        return
    for name, preset in PRESETS.items():
        levels = "; ".join(
            ", ".join(f"{key}={value}" for key, value in settings.items()) or "as it is" for settings in preset.settings
        )
        needs = f". Needs --set file=...: {preset.needs_file}" if preset.needs_file else ""
        print(f"{name}: {preset.kind} ({levels}). {preset.source}; {preset.published}{needs}")


def _points(paths: list[Path], column: list[str] | None) -> sphere.Points:
    """Return the positions (n, 2) of several tables, in order."""
    import numpy as np

    return np.concatenate([read_records(path, column).points for path in paths])


def _atlas(path: Path, title: str | None) -> Atlas:
    """Read one level of cells with its polygons. Raises InputError for a folder of several levels."""
    from whereshot.earth import partition
    from whereshot.foundation import progress
    from whereshot.report.cell_atlas import Atlas

    levels = partition.load_levels(path)
    if len(levels) > 1:
        raise InputError(f"{path}: a folder of {len(levels)} levels; name one of them, as {path / 'level-0.parquet'}")
    return Atlas.of(levels[0], title or path.stem, progress.late_bar)

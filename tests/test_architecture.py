"""The house: imports go downward, the import is light, and some things are nowhere in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "whereshot"

FLOORS = """
cli
server batch explain
report trial recalibrate scorecard exhibition refinement
claim cartography hub lookalikes search site
train geolocator learn export atlas
held_out
answer claimed_place features page card refine fitting training_photos
checkpoint runtime optimize dali rehearse run_settings
dataset model calibrate oracle predictions audit benchmark memory training_state schedules sampling distributed
prototypes encoded averaging
sources curate pack evidence readout evaluate areas conformal
fetch
places
gazetteer pooling posterior_map foreground
scene
partition posterior engine streaming augment retrieval
choice
spots
hills surfaces records preprocess emptiness cauchy adjacency delaunay borders whitening
triangles rings
s2 catalog learned_photos
sphere images config
position_columns
picture_data storage download coordinates csv_tables
output_files
output_failures output_streams
arrow errors progress processes quiet shipped own_stderr
"""
"""Who may import whom: a module imports from the lines below its own, never from its own line."""

FLOORS_INSIDE = {
    "server": """
running
app
streaming
batching examples
worker
answering multipart protocol security
allocation coarse gallery limits metrics models options origins pictures pool problems site tokens
""",
    "fetch": """
api
client
hosts robots verify
""",
    "sources": """
streetview mapillary flickr osv5m yfcc table folder
street archives
addresses
ids object_keys sidecars unread_files urlencoded where queries purse
""",
    "curate": """
run
steps
verify faces scene duplicates per_user_cell balance
hamming positions
hashes drawing
""",
    "engine": """
local spark
jobs
units
bzip2
""",
    "evaluate": """
comparison curves
grouped administrative
bootstrap naming
""",
    "evidence": """
text exif time neighbours reading fusion
names local_writing
cues language worldwide reader nature
""",
    "model": """
align auxiliary backbone classify mvmf
decode geoclip position_decoder
locations losses photo_density
""",
    "refine": """
posting_time user_album user_mean album_neighbours
learned
networks
""",
    "predictions": """
answers posteriors truth
joining
""",
    "scorecard": """
html latex markdown errors calibration hours world confusion collecting extremes tables
drawing
""",
    "partition": """
semantic
published regions voronoi density
s2cells quadtree clusters lookup
""",
}
"""Folders whose modules build on one another, between their base and their __init__; elsewhere siblings do not meet."""

FLOOR_OF = {name: -floor for floor, line in enumerate(FLOORS.strip().splitlines()) for name in line.split()}

WITHOUT_TORCH = (
    "posterior partition records sources curate engine evidence readout evaluate places geolocator"
    " learn memory rehearse"
)
"""Modules of which everything from a network's outputs to the answer is made: NumPy, and light to import."""

PATHS = sorted(PACKAGE.rglob("*.py"))
MODULES = {".".join(["whereshot", *path.relative_to(PACKAGE).with_suffix("").parts]): path for path in PATHS}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def top(module: str) -> str:
    """The module or folder directly under whereshot that a module belongs to: "" for whereshot itself."""
    return module.partition(".")[2].partition(".")[0]


def imports(module: str) -> Iterator[tuple[int, str]]:
    """(line, module of ours) of every import, also those inside functions."""
    is_package = MODULES[module].name == "__init__.py"
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name.split(".")[0] == "whereshot")
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                parts = module.split(".")
                inside = parts[: len(parts) - node.level + is_package]
                source = ".".join([*inside, *([source] if source else [])])
            if source.split(".")[0] == "whereshot":
                for name in node.names:  # a module, or a name out of the __init__ of source
                    yield node.lineno, f"{source}.{name.name}" if f"{source}.{name.name}" in MODULES else source


def rank(module: str) -> int:
    """The floor inside a folder: base below its siblings, __init__ above them."""
    if module.endswith(".__main__"):
        return 101
    if MODULES[module].name == "__init__.py":
        return 100
    if module.endswith(".base"):
        return 0
    lines = FLOORS_INSIDE.get(top(module), "").strip().splitlines()
    own = module.rpartition(".")[2]
    return next((len(lines) - number for number, line in enumerate(lines) if own in line.split()), 1)


def is_downward(module: str, target: str) -> bool:
    if top(module) == "":  # the face of the package may show anything of it
        return True
    if top(target) == "":  # and nothing in it may look at its face
        return False
    if top(module) == top(target):
        return rank(target) < rank(module)
    return FLOOR_OF[top(target)] < FLOOR_OF[top(module)]


def test_every_module_is_on_a_floor() -> None:
    assert {top(module) for module in MODULES} - {"", "__main__"} <= set(FLOOR_OF), "add it to a line of FLOORS"


READERS_OF_CSV = {
    "whereshot.csv_tables": "the one reader",
    "whereshot.curate.scene": "a published table with headings above its rows",
    "whereshot.hub.geoclip": "a table inside another package",
    "whereshot.partition.published": "published tables whose first lines are comments",
    "whereshot.predictions.base": "writes",
    "whereshot.report": "writes",
    "whereshot.sources.addresses": "reads compressed text row by row",
    "whereshot.sources.osv5m": "reads in portions, with the options of the one reader",
    "whereshot.sources.yfcc": "lines of a dump without quotation marks or a header",
}
"""Modules that import a module for CSV, each with its reason; all others use ``csv_tables``."""


def test_tables_have_one_reader() -> None:
    found = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and any(name.name in ("csv", "pyarrow.csv") for name in node.names)
    }
    assert found == set(READERS_OF_CSV)


def test_imports_go_downward() -> None:
    wrong = [
        f"{MODULES[module].relative_to(PACKAGE)}:{line} imports {target}"
        for module in MODULES
        for line, target in imports(module)
        if not is_downward(module, target)
    ]
    assert not wrong, "upward or to a sibling:\n" + "\n".join(wrong)


def test_the_check_of_imports_sees() -> None:
    """Known facts about known modules: were the walk blind, the test above would pass on anything."""
    seen = {(module, target) for module in MODULES for _, target in imports(module)}
    assert ("whereshot.sources.table", "whereshot.sources.base") in seen
    assert ("whereshot.sources", "whereshot.sources.folder") in seen
    assert ("whereshot.records", "whereshot.s2") in seen
    assert is_downward("whereshot.sources.table", "whereshot.sources.base")
    assert not is_downward("whereshot.sources.table", "whereshot.sources.folder")
    assert not is_downward("whereshot.sources.base", "whereshot.sources")
    assert not is_downward("whereshot.sphere", "whereshot.records")
    assert not is_downward("whereshot.errors", "whereshot.progress")
    assert not is_downward("whereshot.sphere", "whereshot")


def loaded(code: str) -> subprocess.CompletedProcess[str]:
    """A fresh process that runs the code and prints which heavy packages are loaded then."""
    heavy = "torch torchvision timm matplotlib onnxruntime pyspark duckdb fastapi typer rich sklearn"
    tail = f"\nimport sys\nprint(*sorted(set({heavy.split()}) & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)


def test_import_is_silent_and_light() -> None:
    result = loaded("import whereshot")
    assert result.stdout.split() == []
    assert result.stderr == ""


def test_the_way_to_the_answer_needs_no_torch() -> None:
    below = [name for name, floor in FLOOR_OF.items() if floor <= FLOOR_OF["posterior"]]
    wanted = [f"whereshot.{name}" for name in [*below, *WITHOUT_TORCH.split()]]
    present = sorted(
        {module for module in MODULES for name in wanted if module == name or module.startswith(name + ".")}
    )
    assert "whereshot.sources.table" in present
    result = loaded("\n".join(f"import {module}" for module in present))
    assert not {"torch", "torchvision", "timm", "matplotlib"} & set(result.stdout.split())
    assert result.stderr == ""


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_names_say_something(path: Path) -> None:
    assert not {"utils", "util", "common", "helpers", "helper", "core", "misc"} & set(
        path.relative_to(PACKAGE).with_suffix("").parts
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_docstring(module: str) -> None:
    assert ast.get_docstring(TREES[module])


PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}


def forbidden(tree: ast.Module) -> Iterator[str]:
    """What the house has nowhere: pickle in any dress, eval, and assert (which python -O drops)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert"
        elif isinstance(node, ast.Import):
            yield from (
                f"line {node.lineno}: import {name.name}" for name in node.names if name.name.split(".")[0] in PICKLES
            )
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if source.split(".")[0] in PICKLES:
                yield f"line {node.lineno}: from {source}"
            if source == "torch":
                yield from (f"line {node.lineno}: torch.{n.name}" for n in node.names if n.name in ("load", "save"))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "torch" and node.attr in ("load", "save"):
                yield f"line {node.lineno}: torch.{node.attr}"
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "__import__"):
                yield f"line {node.lineno}: {node.func.id}()"
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and getattr(keyword.value, "value", True):
                    yield f"line {node.lineno}: allow_pickle"


@pytest.mark.parametrize("module", MODULES)
def test_no_pickle_eval_or_assert(module: str) -> None:
    assert list(forbidden(TREES[module])) == []


@pytest.mark.parametrize(
    "code",
    [
        "assert x",
        "import pickle",
        "import os, pickle as p",
        "def f():\n    from pickle import loads",
        "torch.load('x')",
        "from torch import load",
        "f = torch.save",
        "eval('1')",
        "np.load('x', allow_pickle=True)",
    ],
)
def test_the_check_of_forbidden_things_sees(code: str) -> None:
    assert len(list(forbidden(ast.parse(code)))) == 1


def test_the_check_of_forbidden_things_lets_the_rest_through() -> None:
    assert list(forbidden(ast.parse("network.eval()\nnp.load('x', allow_pickle=False)\ntorch.compile(x)"))) == []


TESTED_ONE_BY_ONE = ("evidence",)
"""Folders each module of which has tests of its own; base and __init__ are tested in the one of the folder's name."""

TESTED = {top(module) for module in MODULES} - {"", "__main__"}
TESTED |= {module.rpartition(".")[2] for module in MODULES if top(module) in TESTED_ONE_BY_ONE} - {"base"}


@pytest.mark.parametrize("name", sorted(TESTED))
def test_every_module_has_its_tests(name: str) -> None:
    """Tests mirror modules: a folder of modules has at least the one file of its name."""
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


MOST_IGNORES = 25
"""More places than these where mypy is told to look away, and its word is worth nothing."""


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_every_ignored_type_has_its_reason() -> None:
    ignores = [
        (f"{path.relative_to(PACKAGE)}:{number}", line.partition("# type: ignore")[2])
        for path in PATHS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "# type: ignore" in line
    ]
    assert [place for place, rest in ignores if not re.fullmatch(r"\[[a-z-]+(,[a-z-]+)*\]  # \S.+", rest)] == []
    assert 0 < len(ignores) <= MOST_IGNORES

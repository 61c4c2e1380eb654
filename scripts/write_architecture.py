"""Write the table of districts in docs/architecture.md from the list of districts and their docstrings.

    python scripts/write_architecture.py

``DISTRICTS`` is the one list that states the order; ``tests/test_architecture.py`` holds the imports to it.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "whereshot"
PAGE = ROOT / "docs" / "architecture.md"
START, END = "<!-- districts: made by scripts/write_architecture.py -->", "<!-- end of districts -->"

DISTRICTS = (
    "foundation",
    "earth",
    "photos",
    "posterior",
    "models",
    "evidence",
    "locate",
    "evaluate",
    "training",
    "report",
    "server",
    "cli",
)
"""The folders of the package, the lowest first. A module imports only from its own district and lower ones."""


def purpose(district: str) -> str:
    """Return the first paragraph of the docstring of a district, on one line."""
    text = ast.get_docstring(ast.parse((PACKAGE / district / "__init__.py").read_text("utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def rooms(district: str) -> str:
    """Return the names of the modules and folders of a district, folders with a slash, in alphabetical order."""
    paths = sorted((PACKAGE / district).iterdir(), key=lambda path: path.stem)
    folders = [f"{path.name}/" for path in paths if (path / "__init__.py").is_file()]
    modules = [path.stem for path in paths if path.suffix == ".py" and not path.stem.startswith("_")]
    return " ".join(sorted([*modules, *folders]))


def table() -> str:
    """Return the Markdown table of all districts, the lowest first."""
    rows = [f"| `{name}` | {purpose(name)} | {rooms(name)} |" for name in DISTRICTS]
    return "\n".join(["| district | what it is for | rooms |", "|---|---|---|", *rows])


def page_with_table(page: str) -> str:
    """Return the text of the page with a fresh table between its two markers."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), "utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")

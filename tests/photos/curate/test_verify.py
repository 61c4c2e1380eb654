"""The step verify: what shows nothing or does not decode is refused, with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curating import clean, picture, rejects_of, saved, write_records
from whereshot.foundation.errors import InputError


def test_verify_refuses_what_shows_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [saved(tmp_path / "good.jpg", picture(1)), saved(tmp_path / "tiny.png", picture(1, (200, 63)))]
    grain = Image.fromarray(rng.normal(250, 2, (300, 400, 3)).clip(0, 255).astype(np.uint8))
    rows.append(saved(tmp_path / "cap.jpg", grain, quality=95))
    rows.append(saved(tmp_path / "cut.jpg", picture(2), quality=95))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-900])
    (tmp_path / "note.jpg").write_bytes(b"x" * 1024)
    rows.append({"id": "note", "image": str(tmp_path / "note.jpg")})
    source = write_records(tmp_path / "in.parquet", rows)
    assert clean(source, tmp_path / "out", verify={})["kept"] == 1
    why = rejects_of(tmp_path / "out")
    assert why["tiny"] == ("too small", f"{tmp_path}/tiny.png: 200 x 63; the shorter side must have 64 pixels")
    assert why["note"] == ("too small", f"{tmp_path}/note.jpg: 1024 bytes; photos have more than 1,024")
    assert why["cap"][0] == "blank" and why["cap"][1].endswith("of 255; 4 is least")
    assert why["cut"][0] == "unreadable picture" and why["cut"][1].startswith(f"{tmp_path}/cut.jpg: the picture is dam")
    assert clean(source, tmp_path / "small", verify={"min_side": 60})["kept"] == 2
    with pytest.raises(InputError, match="--min-side must be at least 1 pixel; got 0"):
        clean(source, tmp_path / "none", verify={"min_side": 0})

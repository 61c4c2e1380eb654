"""Every kind of model behind one protocol: loaded by name or folder, the same answers whole or in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whereshot.foundation.errors import InputError, ModelError
from whereshot.models import model_folder
from whereshot.models.model import BUILT_IN, Model, PriorModel, load_model
from whereshot.models.network_model import MODELS, LearnedModel, TrainedModel

KINDS = {"prior": PriorModel, "compact": PriorModel, "trained": TrainedModel, "learned": LearnedModel}


@pytest.fixture(scope="module")
def folders(tiny_model: Path, tiny_learned: Path) -> dict[str, str | Path]:
    return {"prior": "prior", "compact": "compact", "trained": tiny_model, "learned": tiny_learned}


@pytest.fixture(params=sorted(KINDS))
def model(request: pytest.FixtureRequest, folders: dict[str, str | Path]) -> Iterator[Model]:
    loaded = load_model(folders[request.param])
    assert type(loaded) is KINDS[request.param]
    yield loaded
    loaded.close()


def test_every_class_is_reached_by_a_name_or_a_readout() -> None:
    assert set(KINDS.values()) == {PriorModel, *MODELS.values()}
    assert set(BUILT_IN) == {"prior", "compact"}


def test_blocks_say_what_the_whole_says(model: Model, tiny: Path) -> None:
    photos: list[Any] = [tiny / "lima-0.png", None, tiny / "gone.jpg", tiny / "paris-1.png", tiny / "york-0.png"]
    posterior, rows, errors = model.posterior(photos)
    assert posterior is not None and rows.tolist() == [0, 3, 4]
    assert errors == {1: "the record names no image file", 2: f"{tiny / 'gone.jpg'}: no such file"}
    blocks = list(model.blocks(photos, 2))
    assert [block.start for block in blocks] == [0, *(block.stop for block in blocks[:-1])] and blocks[-1].stop == 5
    at = 0
    for block in blocks:
        for row in block.found.rows:
            assert block.found.posterior is not None and rows[at] == row
            own = block.found.posterior[int(np.flatnonzero(block.found.rows == row)[0])]
            np.testing.assert_allclose(own.mode(), posterior[at].mode())
            at += 1
        assert not block.empty.any() and len(block.empty) == len(block.found.rows)
    assert at == 3 and {**{k: v for b in blocks for k, v in b.found.errors.items()}} == errors


def test_a_model_knows_where_it_learned_and_what_it_is_made_of(model: Model) -> None:
    points = model.known_points()
    assert points.shape == (len(points), 2) and (len(points) > 0) == model.looks_at_pictures
    assert bool(model.hashes) == model.looks_at_pictures
    assert model.learned is not None and len(model.learned) == len(points)
    assert model.widening("seen").factor > 0 and model.widening().factor >= model.widening("unseen").factor


def test_the_prior_has_no_network() -> None:
    with pytest.raises(InputError, match=r"^compact has no network; load a model that was trained$"):
        load_model().network_model  # noqa: B018
    assert load_model("prior").described_by is None
    described = load_model().described_by
    assert described is not None and described.path == model_folder.find("compact")


def test_the_compact_model_by_its_folder_is_a_prior(tmp_path: Path) -> None:
    loaded = load_model(model_folder.find("compact"))
    assert isinstance(loaded, PriorModel) and loaded.name == "compact"


def test_models_that_cannot_be_loaded(folders: dict[str, str | Path]) -> None:
    with pytest.raises(ModelError, match=r"^nowhere: no such model folder$"):
        load_model("nowhere")
    with pytest.raises(InputError, match=r"^device 'toaster' cannot be used here"):
        load_model("prior", "toaster")

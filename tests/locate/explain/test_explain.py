"""What carried the answer: heat lies exactly where the answer comes from, and what is told fits the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from whereshot.cli import app
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.progress import silent
from whereshot.locate import explain
from whereshot.locate.explain import gradcam, overlay, rollout
from whereshot.locate.explain.base import HeatMap, grid_of, on_picture
from whereshot.locate.explain.occlusion import occlude
from whereshot.locate.geolocator import Geolocator
from whereshot.models import model_folder, networks
from whereshot.models.readout import gallery as gallery_readout
from whereshot.models.readout.gallery import Gallery
from whereshot.photos import preprocess
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.sources import SOURCES
from whereshot.training.learn import learn


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


# --- occlusion


@pytest.mark.parametrize("part", [(2, 3), (0, 0), (6, 8)])
def test_hiding_finds_the_one_part_that_matters(part: tuple[int, int]) -> None:
    """The answer hangs on whether one part of 7 x 9 is what it was, and on nothing else."""
    picture = noise(180, 140)
    row, column = part
    box = (column * 20, row * 20, column * 20 + 20, row * 20 + 20)
    own = np.asarray(picture.crop(box), float)

    def log_odds(pictures: Sequence[Image.Image]) -> NDArray:
        return np.array([-np.abs(np.asarray(one.crop(box), float) - own).mean() for one in pictures])

    heat = occlude(picture, log_odds).values
    assert heat.shape == (7, 9)
    assert np.unravel_index(heat.argmax(), heat.shape) == part
    others = np.delete(heat.ravel(), heat.argmax())
    assert others.max() < 0.15 * heat.max() and others.min() >= 0
    far = [abs(r - row) > 1 or abs(c - column) > 1 for r in range(7) for c in range(9)]
    assert (heat.ravel()[far] == 0).all()


def test_what_speaks_against_is_negative_and_work_is_counted() -> None:
    picture, counted = noise(70, 70), []

    def log_odds(pictures: Sequence[Image.Image]) -> NDArray:
        return np.array([np.abs(np.asarray(one.crop((0, 0, 10, 10)), float) - 127).mean() for one in pictures]) * -1

    def track(items: Any, total: int, what: str) -> Any:
        for item in items:
            counted.append(total)
            yield item

    heat = occlude(picture, log_odds, track=track).values
    assert heat[0, 0] == heat.min() < 0
    assert len(counted) == counted[0] == 49 + 36


# --- rollout


@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 9), st.integers(0, 10**6))
def test_rows_of_rolled_attention_sum_to_one(layers: int, heads: int, tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    attention = [rng.dirichlet(np.ones(tokens), (2, heads, tokens)) for _ in range(layers)]
    rolled = rollout.rollout(attention)
    assert rolled.shape == (2, tokens, tokens)
    np.testing.assert_allclose(rolled.sum(axis=-1), 1.0, rtol=1e-12)
    assert (rolled >= 0).all()


def test_attention_is_followed_from_layer_to_layer() -> None:
    """The first layer looks from 1 to 2, the second from 0 to 1: what 0 reads comes from 2 as well."""
    first, second = np.eye(3)[None, None].repeat(2, axis=0).astype(float).copy()
    first, second = first[None], second[None]
    first[0, 0, 1], second[0, 0, 0] = [0, 0, 1], [0, 1, 0]
    np.testing.assert_allclose(rollout.rollout([first, second])[0, 0], [0.5, 0.25, 0.25])


def test_fused_attention_is_switched_off_to_be_seen_and_on_again() -> None:
    backbone = networks.create(networks.BackboneSettings(name="test_vit"))
    vit = backbone.network
    crops = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(3))
    layers = [block.attn for block in vit.blocks]
    for layer in layers:
        layer.fused_attn = True
    with torch.inference_mode():
        before = vit(crops)
    with rollout.seen_attention(vit) as seen, torch.inference_mode():
        np.testing.assert_allclose(vit(crops), before, atol=1e-4)
    assert len(seen) == len(layers)
    assert all(torch.allclose(layer.sum(-1), torch.ones(())) for layer in seen)
    assert all(layer.fused_attn for layer in layers)
    with torch.inference_mode():
        vit(crops)
    assert len(seen) == len(layers)  # nobody listens any more
    heat = rollout.attend(vit, crops)
    assert heat.shape == (2, 10, 10) and (heat > 0).all() and (heat.sum(axis=(1, 2)) < 100).all()
    with pytest.raises(InputError, match=r"^rollout needs a vision transformer; take --method gradcam or occlusion$"):
        rollout.attend(networks.create(networks.BackboneSettings(name="test_efficientnet")).network, crops)


# --- Grad-CAM


class OnePatch(nn.Module):
    """A network of two channels: one is bright where the picture is, the other only where one patch of it is."""

    num_features = 2

    def forward_features(self, crops: torch.Tensor) -> torch.Tensor:
        bright = nn.functional.avg_pool2d(crops.mean(dim=1, keepdim=True), 32)
        only = torch.zeros_like(bright)
        only[..., 1, 4] = bright[..., 1, 4]
        return torch.cat([bright, only], dim=1)

    def forward_head(self, found: torch.Tensor) -> torch.Tensor:
        return found.mean(dim=(2, 3))


class Around(nn.Module):
    """What a network of ours has around such a body."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.network, self.scaling = body, nn.Identity()

    def from_features(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"features": features}


def test_the_gradient_finds_the_one_patch_that_matters() -> None:
    crops = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(3)) + 0.5
    heat = gradcam.camera(Around(OnePatch()), crops, lambda outputs: 3 * outputs["features"][0, 1])
    assert heat.shape == (1, 7, 7)
    assert np.flatnonzero(heat[0]).tolist() == [1 * 7 + 4]
    against = gradcam.camera(Around(OnePatch()), crops, lambda outputs: -outputs["features"][0, 1])
    assert (against == 0).all()


def test_networks_whose_channels_come_last() -> None:
    class Last(OnePatch):
        def forward_features(self, crops: torch.Tensor) -> torch.Tensor:
            return super().forward_features(crops).permute(0, 2, 3, 1)

        def forward_head(self, found: torch.Tensor) -> torch.Tensor:
            return found.mean(dim=(1, 2))

    crops = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(3)) + 0.5
    heat = gradcam.camera(Around(Last()), crops, lambda outputs: outputs["features"][0, 1])
    assert np.flatnonzero(heat[0]).tolist() == [1 * 7 + 4]
    vit = networks.create(networks.BackboneSettings(name="test_vit"))
    with pytest.raises(InputError, match=r"^gradcam needs a network with a map, and this one has tokens;"):
        gradcam.camera(Around(vit.network), torch.zeros(1, 3, 160, 160), lambda outputs: outputs["features"].sum())


def test_what_is_differentiated_is_what_is_answered(tiny_model: Path, tiny: Path) -> None:
    """The mixture in torch gives the mass that the NumPy readout gives, near and far."""
    locator = Geolocator.load(tiny_model, "cpu")
    outputs, *_ = locator.outputs([str(tiny / "lima-0.png")])
    posterior = locator.readout("mixture")(outputs)
    folder = locator.folder
    settings = folder.calibration.mixtures["mixture"]
    gallery = gallery_readout.with_settings(folder.gallery, settings.gallery)
    tensors = {name: torch.from_numpy(np.asarray(values)) for name, values in outputs.items()}
    for place in ([-12.05, -77.04], [48.85, 2.35]):
        center = np.array(place)
        log_mass = gradcam.log_mass_near(center, 25.0, folder.hierarchy, gallery, settings, locator.prior)
        wanted = posterior.mass_within(center[None], 25.0)[0]
        assert float(log_mass(tensors).exp()) == pytest.approx(wanted, rel=0.02, abs=1e-4)


# --- heat over the picture


def test_crops_lie_where_they_were_cut() -> None:
    """A hot patch of each crop, laid back on a wide picture."""
    settings = Preprocess(size=64, resize=64, crops=3)
    size = (192, 64)
    view = preprocess.fixed_view(size, settings)
    crops = np.zeros((3, 8, 8))
    crops[1, 2, 7] = 1.0  # the middle crop covers 64 to 128; its last column the pixels 120 to 128
    heat = on_picture(crops, view, size, (8, 24))
    assert heat.shape == (8, 24) and np.isfinite(heat).all()
    assert np.argwhere(heat > 0).tolist() == [[2, 15]]
    middle = Preprocess(size=64, resize=64)
    view = preprocess.fixed_view(size, middle)
    seen = on_picture(np.ones((1, 8, 8)), view, size, (8, 24))
    assert np.isnan(seen[:, :8]).all() and np.isnan(seen[:, 16:]).all() and (seen[:, 8:16] == 1).all()


@pytest.mark.parametrize(
    ("hot", "words"),
    [((0, 0), "at the top left"), ((4, 4), "in the middle"), ((8, 4), "at the bottom"), ((4, 8), "at the right")],
)
def test_where_it_is_in_words(hot: tuple[int, int], words: str) -> None:
    values = np.zeros((9, 9))
    values[hot] = 2.0
    values[0, 8] = -5.0
    assert HeatMap(values, "nats").where() == words
    assert HeatMap(np.zeros((3, 3)), "nats").where() == "nowhere"
    assert HeatMap(values, "nats").strongest == 5.0
    assert grid_of((400, 200), 7) == (7, 14) and grid_of((10, 1000), 7) == (21, 7)


def test_colours_lie_on_the_heat() -> None:
    values = np.zeros((4, 8))
    values[1, 6], values[2, 1] = 1.0, -1.0
    picture = Image.new("RGB", (800, 400), (128, 128, 128))
    sheet = overlay.draw(picture, HeatMap(values, "nats"), ["Hà Nội 東京 title"], [(10, 300, 60, 390)])
    drawn = np.asarray(sheet).astype(int)
    orange, purple, plain, frame = drawn[150, 650], drawn[250, 150], drawn[60, 400], drawn[300, 30]
    assert orange[0] > orange[2] + 60 and purple[2] > purple[1] + 30
    assert np.ptp(plain) < 8
    assert frame[2] > frame[0] + 150
    assert sheet.size[0] == 800 and sheet.size[1] > 430
    unseen = np.where(values == 0, np.nan, values)
    assert np.asarray(overlay.draw(picture, HeatMap(unseen, "nats"), []))[60, 400].mean() < plain.mean() - 30
    assert overlay.draw(Image.new("RGB", (3, 2)), None, ["nothing"]).size[0] == 480
    assert overlay._drawable("Hà Nội, Łódź, Ærø 東京") == "Ha Noi, Lodz, Aero ??"


# --- the command


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


@pytest.fixture(scope="module")
def learned(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    return learn(records, folder / "mine", workers=1, cache=folder / "cache").folder


@pytest.mark.parametrize("method", ["occlusion", "gradcam"])
def test_a_trained_model_is_explained(method: str, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "heat.png"
    found = run(
        tiny / "lima-0.png", "--model", tiny_model, "--method", method, "--out", out, "--format", "json", "--no-text"
    )
    assert found.exit_code == 0
    document = json.loads(found.stdout)
    assert document["method"] == method and document["place"]["latitude"] == pytest.approx(-12.05, abs=0.1)
    heat = document["heat"]
    assert len(heat["values"]) == heat["rows"] and len(heat["values"][0]) == heat["columns"]
    assert document["words"][0].startswith("The answer: -12.0") and document["evidence"] == []
    assert found.stderr.splitlines()[-1] == f"wrote {out}"
    with Image.open(out) as sheet:
        assert sheet.format == "PNG" and sheet.width >= 480


def test_a_candidate_is_explained(tiny: Path, tiny_model: Path) -> None:
    locator = Geolocator.load(tiny_model, "cpu")
    (prediction,) = locator.locate(str(tiny / "lima-0.png"), text=False)
    found = explain.explain(locator, str(tiny / "lima-0.png"), number=2, text=False)
    assert found.place == prediction.candidates[1]
    assert found.in_words()[0].startswith("Candidate 2: ")
    with pytest.raises(InputError, match=r"^there is no candidate 9\d\d: the answer has \d+"):
        explain.explain(locator, str(tiny / "lima-0.png"), number=999, text=False)


def test_a_vision_transformer_is_explained(tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = model_folder.ModelFolder(tiny_model)
    settings = networks.BackboneSettings(name="test_vit")
    backbone = networks.create(settings)
    network = networks.Network(
        backbone,
        networks.FeatureScaling(backbone.dim),
        folder.network().head.__class__(backbone.dim, folder.hierarchy, networks.HEADS["classify"].settings()),
    )
    features = np.random.default_rng(1).normal(size=(len(folder.gallery.points), backbone.dim))
    gallery = Gallery(features, folder.gallery.points, folder.gallery.accuracy_km)
    named = folder.description.backbone.model_copy(update={"name": "test_vit"})
    prepared = networks.default_preprocess(settings)
    described = folder.description.model_copy(update={"backbone": named, "preprocess": prepared})
    model_folder.write(tmp_path / "vit", described, network.eval(), folder.hierarchy, gallery, folder.calibration)
    found = run(tiny / "lima-0.png", "--model", tmp_path / "vit", "--method", "rollout", "--no-text")
    assert found.exit_code == 0 and "whatever the place: rollout is about the picture alone." in found.stdout


def test_a_learned_library_is_explained(tiny: Path, learned: Path) -> None:
    photo = tiny / "lima-0.png"
    found = explain.explain(Geolocator.load(learned), str(photo), text=False)
    assert found.heat is not None and np.isfinite(found.heat.values).all()
    refused = run(photo, "--model", learned, "--method", "gradcam")
    assert str(refused.exception) == "mine has its network for ONNX Runtime alone; take --method occlusion"


def test_where_the_picture_has_no_say(tmp_path: Path, tiny: Path) -> None:
    found = run(tiny / "lima-0.png", "--format", "json", "--out", tmp_path / "out.png")
    document = json.loads(found.stdout)
    assert document["heat"] is None
    assert document["why_no_heat"].startswith("compact has no visual posterior, and only what is read moves its answer")
    assert (tmp_path / "out.png").is_file()


def test_a_sign_is_framed(tmp_path: Path) -> None:
    sign = Path(__file__).parents[3] / "examples" / "village-sign.jpg"
    found = explain.explain(Geolocator.load(), str(sign))
    assert any("Altafulla" in line for line in found.in_words())
    drawn, picture = np.asarray(found.draw()).astype(int), np.asarray(found.picture).astype(int)
    blue = (drawn[..., 2] > 200) & (drawn[..., 0] < 20)
    rows, columns = np.nonzero(blue)
    middle = picture.shape[0] / 2 * drawn.shape[1] / picture.shape[1]
    assert blue.any() and abs(rows.mean() - middle) < 100 and abs(columns.mean() - drawn.shape[1] / 2) < 60


def test_mistakes_are_one_line(tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    photo = tiny / "lima-0.png"
    assert str(run(photo, "--method", "ocllusion").exception) == "no method 'ocllusion'; did you mean 'occlusion'?"
    assert str(run(photo, "--of", "0").exception) == "candidates are counted from 1; got 0"
    assert str(run(photo, "--out", "heat.jpg").exception) == "--out writes a .png file; got heat.jpg"
    assert "cannot be written" in str(run(photo, "--out", "/proc/none/heat.png").exception)
    assert isinstance(run(tmp_path / "gone.jpg").exception, ImageError)
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert "empty.jpg" in str(run(tmp_path / "empty.jpg", "--model", tiny_model).exception)
    refused = run(photo, "--model", tiny_model, "--method", "rollout")
    assert str(refused.exception) == "rollout needs a vision transformer; take --method gradcam or occlusion"

"""Maps for notebooks: well-formed, small, without a network, and no text can break out of them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from whereshot.posterior.base import Posterior
from whereshot.posterior.notebook_map import LARGEST_RADIUS, land_path, world_svg
from whereshot.posterior.prior import density_prior

HOSTILE = '<script>alert("1")</script> & \x00\x1b\udce9 </title>\'.jpg'
SVG = "{http://www.w3.org/2000/svg}"
LIMA, PARIS = (-12.05, -77.04), (48.85, 2.35)


def test_discs_lie_at_the_places_and_their_areas_are_the_masses() -> None:
    drawn = ElementTree.fromstring(world_svg(np.array([LIMA, PARIS]), np.array([0.64, 0.16]), "two"))
    discs = [{name: float(disc.attrib[name]) for name in ("cx", "cy", "r")} for disc in drawn.iter(f"{SVG}circle")]
    assert [(disc["cy"], disc["cx"]) for disc in discs] == [(12.05, -77.04), (-48.85, 2.35)]
    assert discs[0]["r"] == LARGEST_RADIUS * 0.8 and discs[0]["r"] == 2 * discs[1]["r"]


def test_a_hostile_title_stays_text() -> None:
    svg = world_svg(np.zeros((0, 2)), np.zeros(0), HOSTILE)
    title = ElementTree.fromstring(svg).findtext(f"{SVG}title")
    assert title is not None and title.startswith('<script>alert("1")</script> & ') and title.endswith("'.jpg")
    assert "<script" not in svg
    svg.encode("utf-8")


def test_land_lies_on_the_map() -> None:
    corners = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", land_path()), float)
    assert len(corners) > 1000
    assert (np.abs(corners) <= (180.05, 90.05)).all()


def test_a_posterior_shows_its_first_rows() -> None:
    shared = Posterior.from_mass([LIMA, PARIS], [[0.1, 0.9]] * 6, 10.0)
    own = Posterior.from_mass([[LIMA, PARIS], [PARIS, LIMA]], [[0.75, 0.25]] * 2, 10.0)
    html = shared._repr_html_()
    page = ElementTree.fromstring(html)
    assert len(list(page.iter(f"{SVG}svg"))) == 4
    assert "Row 0. Heaviest place: 48.8500, 2.3500 with 90 % of the mass." in html
    assert "2 more rows are not shown." in html and repr(shared) in html
    html = own._repr_html_()
    assert "Row 0. Heaviest place: -12.0500, -77.0400 with 75 %" in html and "Row 1. Heaviest place: 48.8500" in html
    assert "not shown" not in html


def test_the_largest_page_is_small_and_asks_for_nothing() -> None:
    html = density_prior().repeat(9)._repr_html_()
    assert len(html.encode("utf-8")) < 200_000
    assert set(re.findall(r"https?://[^\"'<> ]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in html and "href" not in html and "src=" not in html
    assert density_prior()[np.zeros(0, int)]._repr_html_().startswith("<div")

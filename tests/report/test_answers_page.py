"""The page of answers: whole in itself, safe, with every photo, and usable with a keyboard, on a phone and on paper."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import MakePicture
from html_pages import browse, drive
from whereshot.locate.geolocator import Geolocator, Located
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Evidence, ReadLine, SureOf
from whereshot.report import answers_page

EVIL = "</script><b>.jpg"
REMARK = "It knows no sights."


@pytest.fixture(scope="module")
def located(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[list[str], list[Located]]:
    """A photo of an evil name, one with a recorded position that is the same in all but EXIF, and a broken one."""
    evil = tmp_path_factory.mktemp("html") / EVIL
    evil.parent.mkdir()
    shutil.copy(tiny / "lima-0.png", evil)
    broken = evil.parent / "broken.jpg"
    broken.write_text("no picture")
    photos = [str(evil), str(tiny / "tokyo-0.png"), str(broken)]
    return photos, list(Geolocator.load().locate_each(photos, LocateOptions(text=False)))


@pytest.fixture(scope="module")
def page(located: tuple[list[str], list[Located]]) -> str:
    photos, answers = located
    predictions, posteriors = zip(*((one.prediction, one.posterior) for one in answers), strict=True)
    return answers_page.to_html(predictions, posteriors, "compact", photos, remark=REMARK)


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(text)


def test_html_asks_for_nothing_else(page: str) -> None:
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": "'unsafe-inline'",
        "img-src": "data:",
    }
    assert not re.findall(r"https?://|//[a-z]+\.[a-z]", page)
    assert not re.findall(r"""\b(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert not re.findall(r"@import|url\(", page)


def test_html_holds_every_photo(page: str, located: tuple[list[str], list[Located]]) -> None:
    photos, answers = located
    data = data_of(page)
    assert [photo["id"] for photo in data["photos"]] == photos
    assert data["remark"] == REMARK and data["credits"].startswith("Model: compact.")
    first, second, broken = data["photos"]
    answer = answers[0].prediction
    assert (first["title"], first["rest"]) == answer.headline() and first["position"] == answer.position_words()
    assert [first["state"], second["state"], broken["state"]] == ["unsure", "unsure", "failed"]
    assert first["only_prior"] and len(first["candidates"]) == 5
    assert first["countries"][0][0] == "United States"
    assert broken["error"] == answers[2].prediction.error
    assert broken["reason"] == "Not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
    assert first["places"] == second["places"] == 0 and len(data["places"]) == 1  # the same for all photos: stored once
    masses = [mass for _, _, mass, _ in data["places"][0]]
    assert 100 < len(masses) <= answers_page.PLACES_DRAWN
    assert masses == sorted(masses, reverse=True)
    assert len(data["borders"]) > 200 and len(data["names"]["countries"]) > 200


def test_the_recorded_position_and_the_answer_are_joined(located: tuple[list[str], list[Located]]) -> None:
    answer = located[1][0]
    latitude, longitude = answer.prediction.answered[:2]
    shown = replace(answer.prediction, recorded=(latitude + 1, longitude))
    (photo,) = data_of(answers_page.to_html([shown], [answer.posterior], "m"))["photos"]
    assert photo["apart"] == "110 km" and photo["camera"] == shown.recorded_words()
    np.testing.assert_allclose(photo["way"][0], [latitude + 1, longitude], atol=1e-3)
    np.testing.assert_allclose(photo["way"][-1], [latitude, longitude], atol=1e-3)


def test_many_photos_have_small_pictures_and_fewer_places(located: tuple[list[str], list[Located]]) -> None:
    photos, answers = located
    several = answers_page.SMALL_FROM
    predictions, posteriors = [answers[0].prediction] * several, [answers[0].posterior] * several
    data = data_of(answers_page.to_html(predictions, posteriors, "m", [photos[0]] * several))
    content = base64.b64decode(data["photos"][-1]["thumbnail"].removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(content)) as picture:
        assert max(picture.size) <= answers_page.SMALL_PIXELS
    assert len(data["photos"]) == several and len(data["places"][0]) <= answers_page.ALL_PLACES // several


def test_html_thumbnails_tell_nothing_about_the_photographer(
    located: tuple[list[str], list[Located]], jpeg_with_position: MakePicture, tmp_path: Path
) -> None:
    photo = jpeg_with_position(tmp_path / "own.jpg", 48.0, 2.0, make="SecretCamera")
    with Image.open(photo) as image:
        image.resize((900, 600)).save(tmp_path / "large.jpg", exif=image.getexif(), comment=b"secret words")
    answer = located[1][0]
    page = answers_page.to_html([answer.prediction], [answer.posterior], "prior", [str(tmp_path / "large.jpg")])
    address = data_of(page)["photos"][0]["thumbnail"]
    assert address.startswith("data:image/jpeg;base64,")
    content = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    assert b"secret" not in content.lower()
    with Image.open(io.BytesIO(content)) as thumbnail:
        assert thumbnail.size == (360, 240)
        assert not thumbnail.getexif()


def test_a_name_cannot_break_out(page: str) -> None:
    assert EVIL not in page
    assert "<b>" not in page
    assert page.count("</script>") == 2  # the data's own and the program's
    assert data_of(page)["photos"][0]["id"].endswith(EVIL)


def test_html_of_a_model_names_it(located: tuple[list[str], list[Located]]) -> None:
    answer = located[1][0]
    page = answers_page.to_html([answer.prediction], [answer.posterior], "<i>m</i>", [])
    assert data_of(page)["credits"].startswith("Model: <i>m</i>.")
    assert "<i>" not in page
    assert data_of(page)["photos"][0]["thumbnail"] is None


def test_html_opens_in_a_browser(page: str, located: tuple[list[str], list[Located]], tmp_path: Path) -> None:
    document, console = browse(page, tmp_path)
    assert console == ""
    shown = document[: document.index('<script type="application/json"')]
    assert "Where were these 3 photos taken?" in shown and REMARK in shown
    assert "<b>" not in shown
    assert shown.count('<button class="tile ') == 3
    assert "script&gt;&lt;b&gt;.jpg</span>" in shown  # its folder is called "<"
    assert '<span class="state">Not sure</span>' in shown
    assert '<span class="state">Not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)</span>' in shown


def test_one_photo_is_shown_without_an_overview(located: tuple[list[str], list[Located]], tmp_path: Path) -> None:
    answer = located[1][1]
    document, _ = browse(answers_page.to_html([answer.prediction], [answer.posterior], "m"), tmp_path)
    shown = document[: document.index('<script type="application/json"')]
    title, rest = answer.prediction.headline()
    unbroken = re.sub(r"(\d) (?=%)", "\\1&nbsp;", rest)
    assert f"<h2>{title}</h2><p>{unbroken}</p><p>{answer.prediction.position_words()}</p>" in shown
    assert "Likely places" in shown and '<div id="steps" class="steps" hidden' in shown


def test_filter_arrows_and_back(page: str, tmp_path: Path) -> None:
    found = drive(page, tmp_path, """
      const seen = {};
      seen.filters = [...document.getElementById("filters").children]
        .map(one => [one.textContent, one.disabled, one.getAttribute("aria-pressed")]);
      button("Failed").click(); await wait(); seen.failed = [visible(), text("status")];
      button("Unsure").click(); await wait(); seen.unsure = visible();
      tiles[0].focus(); press("ArrowRight"); await wait(); seen.focus = tiles.indexOf(document.activeElement);
      document.activeElement.click(); await wait();
      seen.opened = [text("title"), text("number"), visible(), location.hash];
      document.body.focus(); press("ArrowLeft"); await wait(); seen.left = text("number");
      seen.ends = [document.getElementById("before").disabled, document.getElementById("after").disabled];
      press("Escape"); await wait(); seen.back = [text("title"), visible(), tiles.indexOf(document.activeElement)];
      location.hash = "#3"; await wait();
      seen.address = [text("number"), document.querySelector("#answer .note").textContent];
      seen.hidden = document.getElementById("fit").hidden;
      return seen;
    """)  # fmt: skip
    assert found["filters"] == [
        ["All 3", False, "true"],
        ["Sure 0", True, "false"],
        ["Unsure 2", False, "false"],
        ["Failed 1", False, "false"],
    ]
    assert found["failed"] == [1, "1 of 3 photos"] and found["unsure"] == 2
    assert found["focus"] == 1
    assert found["opened"] == ["Where was it taken?", "2 of 2", 0, "#2"]
    assert found["left"] == "1 of 2" and found["ends"] == [True, False]
    assert found["back"] == ["Where were these 3 photos taken?", 2, 0]
    assert found["address"] == ["3 of 3", "Not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"]
    assert found["hidden"] is True  # the map has nothing to go to


def test_answer_and_recorded_position_are_both_in_view(
    located: tuple[list[str], list[Located]], tmp_path: Path
) -> None:
    answer = located[1][0]
    sure = replace(answer.prediction, radius_km=8.0, sure_of=SureOf("city", "London", "GB", 0.91))
    latitude, longitude = sure.answered[:2]
    for recorded in ((latitude + 0.5, longitude + 1), (latitude, longitude - 150), (-latitude, 179.9)):
        page = answers_page.to_html([replace(sure, recorded=recorded)], [answer.posterior], "m")
        spots = json.dumps([[latitude, longitude], recorded])
        found = drive(page, tmp_path, f"""
          const km = map.canvas.height / map.view.scale * 111 * Math.cos(unmercator(map.view.y) * Math.PI / 180);
          return {{ inside: {spots}.map(onScreen), km }};
        """)  # fmt: skip
        assert found["inside"] == [True, True], recorded
        assert found["km"] >= 150  # towns around the answer are in view


def test_the_map_is_darkest_where_most_of_the_probability_is(
    located: tuple[list[str], list[Located]], tmp_path: Path
) -> None:
    """One wide place that holds most, beside many small ones that hold little together."""
    answer = located[1][0]
    beside = [[41.4 + 0.004 * number, 2.2, 0.002, 1.0] for number in range(25)]
    places = [[41.14, 1.37, 0.95, 5.0], *beside]
    page = answers_page.to_html([replace(answer.prediction, radius_km=60.0)], [answer.posterior], "m")
    found = drive(page, tmp_path, f"""
      data.names.countries = data.names.towns = []; map.show(41.3, 1.8, 60); const {{ context, canvas }} = map;
      context.clearRect(0, 0, canvas.width, canvas.height); paintPlaces(map, {json.dumps(places)}, 1);
      const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
      const at = (lat, lon) => {{ const [x, y] = map.toScreen(lat, lon).map(Math.round);
        return pixels[4 * (y * canvas.width + x) + 3]; }};
      return {{ most: at(41.14, 1.37), little: at(41.45, 2.2), none: at(40.9, 2.2) }};
    """)  # fmt: skip
    assert found["most"] > 1.5 * found["little"] > 0 and found["none"] == 0


def test_photos_on_both_sides_of_the_date_line_lie_together(
    located: tuple[list[str], list[Located]], tmp_path: Path
) -> None:
    answer = located[1][0]
    page = answers_page.to_html([answer.prediction], [answer.posterior], "m")
    found = drive(page, tmp_path, """
      const across = lons => { map.fit(lons.map(lon => [0, lon]), 100); return map.canvas.width / map.view.scale; };
      return [across([-74, 2, 100, 140]), map.view.x, across([170, -170]), Math.abs(map.view.x)];
    """)  # fmt: skip
    assert found[0] < 290 and 20 < found[1] < 45  # from America over Africa to Japan, not over the Pacific
    assert found[2] < 40 and found[3] > 175


@pytest.mark.parametrize("address", ["", "#1", "#3"])
def test_a_phone_scrolls_down_only_and_a_screen_reader_meets_no_barrier(
    page: str, address: str, tmp_path: Path
) -> None:
    axe = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("needs `make web`, which installs axe")
    whole = page.replace("<aside>", f"<script>{axe.read_text('utf-8')}</script><aside>", 1)
    found = drive(whole, tmp_path, f"""
      location.hash = "{address}"; await wait(); const checked = await axe.run();
      const violations = checked.violations.map(one => [one.id, one.nodes[0].html]);
      return {{ fits: document.documentElement.scrollWidth <= innerWidth, violations }};
    """, "500,844")  # fmt: skip
    assert found == {"fits": True, "violations": []}


def test_words_of_other_scripts_have_their_own_direction_and_language(
    located: tuple[list[str], list[Located]], tmp_path: Path
) -> None:
    lines = [("Arabic", "شارع 12"), ("Thai", "ร้านอาหาร"), ("Kana", "カフェ"), ("Odia", "ଓଡ଼ିଆ")]
    read = tuple(ReadLine(script, text, 0.9, (0, 0, 9, 9)) for script, text in lines)
    item = Evidence("text/place", "გორი", "გორი (gori): the town Gori, Georgia", 3.0)
    shown = replace(located[1][0].prediction, writing=read, evidence=(item,))
    document, console = browse(answers_page.to_html([shown], [located[1][0].posterior], "m"), tmp_path)
    assert console == ""
    for tag, text in (("und-Arab", "شارع 12"), ("th", "ร้านอาหาร"), ("ja", "カフェ"), ("or", "ଓଡ଼ିଆ")):
        assert f'"<bdi lang="{tag}">{text}</bdi>".</p>' in document
    assert 'Read "<bdi lang="ka">გორი</bdi>": <bdi lang="ka">გორი</bdi> (gori): the town Gori' in document


def test_the_look_at_the_browsers_log_sees(page: str, tmp_path: Path) -> None:
    """Were the log not read, the test above would pass on any page."""
    broken = page.replace('"use strict";', '"use strict"; const nothing = null; nothing.length;')
    document, console = browse(broken, tmp_path)
    assert "Uncaught TypeError" in console
    assert "Where were these" not in document[: document.index('<script type="application/json"')]
    foreign = page.replace("<body>", '<body><img src="https://127.0.0.1:9/x.png">')
    assert "Content Security Policy" in browse(foreign, tmp_path)[1]

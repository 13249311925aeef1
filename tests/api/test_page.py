"""The page: its files, its settings, and that nothing comes from elsewhere."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from api.page import STATIC, PageOptions
from tests.api.makers import World


def test_settings_stand_in_the_page(tmp_path: Path) -> None:
    """Titles and bounds are in the HTML, escaped, for the script to read."""
    options = PageOptions({"ALFA": 'Alfa "&" Sons'}, "<b>Demo</b>", "updated_at", 3, 9)
    page = World(tmp_path, options).client.get("/").text
    found = re.search(r'data-settings="([^"]*)"', page)
    assert found is not None
    assert json.loads(html.unescape(found[1])) == {
        "titles": {"ALFA": 'Alfa "&" Sons'},
        "judgedBy": "updated_at",
        "amberSeconds": 3,
        "redSeconds": 9,
    }
    assert "&lt;b&gt;Demo&lt;/b&gt;" in page
    assert "{{" not in page


def test_every_file_the_page_names_is_served(tmp_path: Path) -> None:
    """Style, script and icon are there, with the type that browsers insist on."""
    client = World(tmp_path).client
    page = client.get("/").text
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert named == {"/static/weir.css", "/static/weir.js", "/static/weir.svg"}
    for path in named:
        assert client.get(path).status_code == 200
    assert client.get("/static/weir.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/index.html").status_code == 404


def test_every_link_of_the_page_leads_somewhere(tmp_path: Path) -> None:
    """The links for programs are real routes."""
    client = World(tmp_path).fill().client
    for path in re.findall(r'<a href="(/[^"]*)"', client.get("/").text):
        assert client.get(path).status_code == 200


def test_files_are_asked_for_again_but_not_sent_again(tmp_path: Path) -> None:
    """A browser keeps the files and asks whether they are still the same."""
    client = World(tmp_path).client
    for path in ("/", "/static/weir.css"):
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        known = {"If-None-Match": first.headers["etag"]}
        assert client.get(path, headers=known).status_code == 304


def test_the_policy_allows_only_the_page_itself(tmp_path: Path) -> None:
    """Scripts in the HTML, and anything from elsewhere, would not run."""
    policy = World(tmp_path).client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    """No file names another host: the page works without a network."""
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:https?:)?//[\w-]+\.[\w.]+", text) == []


def test_the_script_never_makes_a_number_of_an_amount() -> None:
    """Amounts are added as integers; only the height of a sparkline is a floating-point number."""
    script = (STATIC / "weir.js").read_text(encoding="utf-8")
    assert "parseFloat" not in script
    assert re.findall(r"Number\(([^)]*)\)", script) == ["entry.net - entry.before"]

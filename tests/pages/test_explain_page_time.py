"""The page of rows of numbers: time runs from left to right."""

import re

import numpy as np
import pytest
from report_pages import made, needs_browser

pytestmark = needs_browser


def points(page, kind, panel=0):
    """The points of each line of a panel, from what its paths say."""
    return [np.array(re.findall(r"(-?[\d.]+),(-?[\d.]+)", path), float)
            for path in page.locator(".panel").nth(panel).locator(f"path.{kind}").evaluate_all(
                "all => all.map(path => path.getAttribute('d'))")]


def same_line(drawn, numbers):
    """Are heights on the page those numbers, from top to bottom?"""
    return np.corrcoef(-drawn[:, 1], numbers)[0, 1] == pytest.approx(1, abs=1e-4)


def test_the_series_is_drawn_along_time(opened):
    page, columns = opened(of="numbers"), made("numbers")["columns"]
    assert page.locator(".panel").count() == 3
    for at, column in enumerate(columns):
        lines = points(page, "read", at)
        assert len(lines) == 2  # weight is always 1, so it is not drawn
        for unit, line in enumerate(lines):
            assert same_line(line, [row[unit] for row in column["inputs"]["x"]])
    dashes = page.locator(".panel").first.locator("path.read").evaluate_all(
        "all => all.map(path => path.getAttribute('stroke-dasharray'))")
    assert len(set(dashes)) == 2
    assert page.locator(".panel").first.locator(".dashes svg").count() == 2


def test_a_step_is_chosen_by_a_click_and_moved_by_keys(opened):
    page, column = opened(of="numbers"), made("numbers")["columns"][1]
    lane = page.locator(".panel").nth(1).locator("svg.lane").first
    wide = lane.bounding_box()["width"]
    lane.click(position={"x": wide * 10.5 / 40, "y": 20})
    assert page.locator("#word-title").inner_text() == "After step 110"
    marker = page.get_by_role("slider", name="east: step")
    marker.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#word-title").inner_text() == "After step 111"
    assert marker.get_attribute("aria-valuenow") == "11"
    unit = int(page.locator("#unit").input_value())
    assert f"unit {unit} {column['values']['z'][11][unit]:.2f}" in marker.get_attribute(
        "aria-valuetext")
    assert page.evaluate("document.activeElement.dataset.time") == "1"
    page.keyboard.press("End")
    assert page.locator("#word-title").inner_text() == "After step 139"
    read = page.locator("#values tbody tr").first.inner_text().split("\t")
    assert read[:2] == ["input x", f"{column['inputs']['x'][39][unit % 2]:.3f}".replace("-", "−")]


def test_what_a_swap_reads_instead_is_on_the_series(opened):
    page, (one, two, _) = opened(of="numbers"), made("numbers")["columns"]
    page.get_by_role("button", name="north → east before 120").click()
    band = page.locator(".panel").first.locator(".band").bounding_box()
    lane = page.locator(".panel").first.locator("svg.lane").first.bounding_box()
    assert band["x"] == pytest.approx(lane["x"], abs=1)
    assert band["width"] == pytest.approx(lane["width"] / 2, abs=1)
    first, _ = points(page, "instead")
    assert len(first) == 20 and same_line(first, [row[0] for row in two["inputs"]["x"][:20]])
    assert "read instead (thick lines): in north, east before 120" in page.locator(
        "#legend").inner_text()
    assert one["others"][0]["last"] == 19


def test_routes_along_time_stand_side_by_side(opened):
    page, column = opened(of="numbers"), made("numbers")["columns"][0]
    page.get_by_role("button", name="north → east before 120").click()
    steps = page.locator("#routes rect:not(.at)").evaluate_all(
        "all => all.map(x => x.getAttribute('x'))")
    assert len(set(steps)) == column["decided"] + 1
    still = page.locator("#routes rect.outside").first
    narrow = still.evaluate("x => x.getBBox().width") < 8  # then a line would be all to see
    assert (still.evaluate("x => getComputedStyle(x).stroke") == "none") == narrow
    page.locator("#routes rect:not(.at)").nth(5).dispatch_event("click")
    assert page.locator("#word-title").inner_text() == "After step 105"


def test_arrows_carry_the_numbers_that_are_read(opened):
    page, column = opened(of="numbers"), made("numbers")["columns"][0]
    x = column["inputs"]["x"][39]
    page.locator("#unit").fill("1")
    page.locator("#unit").press("Enter")
    live = page.locator("#diagram .live").all_text_contents()
    assert f"{x[1]:.2f}".replace("-", "−") in live and not any("139" in text for text in live)
    page.locator("#unit").fill("3")  # x has no such unit
    page.locator("#unit").press("Enter")
    assert f"{np.hypot(*x):.2f}" in page.locator("#diagram .live").all_text_contents()

"""How the page of a report looks: what is told where, and that a phone can show all of it."""

import re

import pytest
from report_pages import PHONE, made, needs_browser

pytestmark = needs_browser


def test_saturation_says_what_both_ways_mean(opened):
    page = opened()
    plots = page.locator("#saturation svg")
    assert "shut (lowest tenth)" in plots.first.inner_html()
    assert "open (highest tenth)" in plots.first.inner_html()
    assert "near −1 (lowest tenth)" in plots.nth(3).inner_html()  # the candidate: tanh


def test_routes_that_are_no_equation_look_and_are_told_so(opened):
    page = opened()
    keys = page.locator("#routes .key > span").evaluate_all(
        "all => all.map(x => [x.innerText, getComputedStyle(x.firstChild).backgroundColor])")
    colours = dict(keys)
    assert len(set(colours.values())) == len(keys) >= 4
    for name in ("carry", "later inputs"):  # a grey: red, green and blue are about the same
        rgb = [int(part) for part in re.findall(r"\d+", colours[name])]
        assert max(rgb) - min(rgb) < 20
    told = page.locator("#routes ul").inner_text()
    assert "carry: it stays in the state" in told
    assert "later inputs: the swapped word is still to be read" in told


def test_the_order_of_units_is_told_and_is_that_of_their_layer(opened):
    page = opened()
    told = page.locator("#legend")
    assert "what is lost without them (ablation), largest first" in told.inner_text()
    page.get_by_role("button", name="by number").click()
    assert "units in order of their number" in told.inner_text()
    page = opened(of="stack")
    assert "goes through them (routes)" in page.locator("#legend").inner_text()
    for layer, group in enumerate(made("stack")["units"]):
        ranked = sorted(range(9), key=lambda unit, group=group: -group["effect"][unit])
        assert page.evaluate(f"order(valueNamed('layer{layer}.f'))") == ranked


def test_the_chosen_line_of_the_ablation_still_has_its_bars(opened):
    page = opened()
    cell = page.locator("#ablation tr.chosen td.bar-cell").nth(1)
    bar = page.evaluate("tone('bar')")
    rgb = ", ".join(str(int(bar[at:at + 2], 16)) for at in (1, 3, 5))
    assert f"rgb({rgb})" in cell.evaluate("x => getComputedStyle(x).backgroundImage")
    for paint in cell.evaluate("x => [x, x.parentNode].map("
                               "y => getComputedStyle(y).backgroundColor)"):
        assert rgb not in paint


def test_tables_fill_their_cards(opened):
    page = opened()
    for where in ("#values", "#patching", "#carriers div", "#ablation"):
        assert page.locator(f"{where} table").first.evaluate(
            "x => x.offsetWidth >= x.parentNode.clientWidth - 1"), where


@pytest.mark.parametrize("of", ["ten", "stack", "numbers"])
def test_what_is_cut_fades_out_and_scrolls_by_itself(opened, of):
    page = opened(viewport=PHONE, of=of)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    cut = page.locator(".scroll").evaluate_all("""all => all.filter(
        x => x.scrollWidth > x.clientWidth + 1).map(x => '#' + x.id)""")
    assert {"#ablation", "#diagram"} <= set(cut) and "#equations" not in cut
    for where in cut:
        box = page.locator(where)
        assert "gradient" in box.evaluate("x => getComputedStyle(x).maskImage")
        assert box.get_attribute("tabindex") == "0"
        assert "scrolls sideways" in box.get_attribute("aria-label")
    page.locator("#ablation").evaluate("x => { x.scrollLeft = x.scrollWidth; }")
    page.wait_for_function(
        "getComputedStyle(document.getElementById('ablation')).maskImage === 'none'")
    left = page.locator("#ablation").evaluate("x => x.scrollLeft")
    page.locator("#ablation tbody tr").last.locator("td").last.click()
    assert page.locator("#ablation").evaluate("x => x.scrollLeft") == left > 0


def test_many_columns_fade_out_where_they_are_cut(opened):
    page = opened(of="ten")
    assert "gradient" in page.locator("#grid").evaluate("x => getComputedStyle(x).maskImage")
    page = opened()
    assert page.locator("#grid").evaluate("x => getComputedStyle(x).maskImage") == "none"


def test_a_phone_sees_all_of_it_without_scrolling_sideways(opened):
    page = opened(viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator("#grid").evaluate("x => x.scrollWidth <= x.clientWidth + 1")
    assert page.locator(".grid canvas").count() == 21  # one strip of each of both sentences
    page.get_by_role("button", name="all", exact=True).click()
    assert page.locator(".grid canvas").count() == 126

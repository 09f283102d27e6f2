"""The page of a report: what is clicked, or typed, is what is seen."""

import re

import numpy as np
import pytest
from report_pages import dark, lit, made, needs_browser, table, word

pytestmark = needs_browser


def test_a_word_shows_its_values_and_its_routes(opened, report):
    page, column = opened(), report["columns"][0]
    word(page, 0, 2).click()
    assert page.locator("#word-title").inner_text() == "After “cat”"
    unit = int(page.locator("#unit").input_value())
    shown = page.locator("#values tbody tr").first.inner_text().split("\t")
    assert shown[0] == "forget gate f" and shown[1] == f"{column['values']['f'][2][unit]:.3f}"
    assert "“cat” → “cats”" in page.locator("#routes-told").inner_text()
    page.locator("#routes-details summary").click()
    rows = page.locator("#routes-table tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].slice(1, -1).map(c => +c.innerText.replace('−', '-')))")
    assert len(rows) == column["decided"] - 1
    assert all(abs(sum(row) - 100) < 1 for row in rows)
    assert page.locator("#routes rect").count() > len(rows)


def test_a_gate_lights_its_equation_and_live_values(opened, report):
    page = opened()
    page.locator('.grid button[aria-label^="candidate g"]').first.click()
    assert lit(page) == ["g"]
    assert page.locator("#equations .lit").inner_text().startswith("g = tanh(")
    page.locator('#diagram g.node[data-box="c\'"]').click()
    assert lit(page) == ["c'"] and page.locator("#equations .lit").inner_text().startswith("c' =")
    step, unit = report["columns"][0]["decided"], int(page.locator("#unit").input_value())
    values = report["columns"][0]["values"]
    live = set(page.locator("#diagram .live").all_text_contents())
    expected = [values[k][step][unit] for k in "fug"] + [values["c"][step - 1][unit]]
    assert live == {f"{number:.2f}".replace("-", "−") for number in expected}


def test_a_swap_shows_what_it_changes(opened):
    page = opened()
    before = page.locator(".grid canvas").first.evaluate("c => c.toDataURL()")
    page.get_by_role("button", name="cat → cats").click()
    assert page.locator(".grid canvas").first.evaluate("c => c.toDataURL()") != before
    assert word(page, 0, 2).inner_text().startswith("cats")
    assert "the decision (◆) goes from" in page.locator("#preference").inner_text()


def test_what_is_kept_has_strips_and_a_half_life(opened, report):
    page, kept = opened(), report["columns"][0]["kept"]["c"]
    before = page.locator(".grid canvas").first.evaluate("c => c.toDataURL()")
    assert page.get_by_role("button", name="kept h").count() == 0  # h is written anew
    page.get_by_role("button", name="kept c", exact=True).click()
    assert page.locator(".grid canvas").count() == 21 and lit(page) == ["c'"]
    assert page.locator(".grid canvas").first.evaluate("c => c.toDataURL()") != before
    word(page, 0, 5).click()
    unit = int(page.locator("#unit").input_value())
    strip = page.locator('.grid canvas[aria-label^="kept c at ate"]').first
    said = strip.get_attribute("aria-label")
    assert f"unit {unit} {kept[5][unit]:.2f}, mean" in said
    row = page.locator("#values tbody tr").last.inner_text().split("\t")
    assert row[:2] == ["kept c", f"{kept[5][unit]:.3f}"]
    life = np.log(0.5) / np.log(kept[5][unit])
    assert f"after {life:.{int(life < 10)}f} words" in page.locator("#half-life").inner_text()
    page.get_by_role("button", name="what the swap changes").click()
    assert strip.get_attribute("aria-label") == said
    page.get_by_role("button", name="all", exact=True).click()
    assert page.locator(".grid canvas").count() == 126


def test_a_word_without_a_swap_says_why_and_what_to_do(opened):
    page, note = opened(), "#unswapped"
    word(page, 0, 5).click()
    told = page.locator(note).inner_text()
    assert "“ate” was not swapped" in told and "--swap ate=other" in told
    assert "those of “cat” → “cats”" in told
    word(page, 0, 9).click()
    assert "“full” comes after the decision" in page.locator(note).inner_text()
    word(page, 0, 2).click()
    assert page.locator(note).is_hidden()
    page = opened(of="numbers")
    assert page.locator(note).is_hidden()


def test_patching_and_carriers_are_the_numbers_of_the_report(opened, report):
    page = opened()
    found = report["columns"][0]["others"][0]["causes"]
    rows = page.locator("#patching tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].slice(1).map(c => +c.innerText.replace('−', '-')))")
    parts = [*found["patched"].values()]
    assert [row[:len(parts)] for row in rows] == [
        [pytest.approx(100 * part[at], abs=0.51) for part in parts] for at in range(len(rows))]
    assert page.locator("#patching th").first.inner_text() == "after" and len(rows) == 6
    page.locator('#patching button[title="cell state c"]').click()
    assert lit(page) == ["c'"]
    page.locator("#patching tbody tr").nth(2).locator("td").nth(3).click()
    assert lit(page) == ["g"] and page.locator("#word-title").inner_text() == "After “which”"
    group = found["carrying"][0]
    held = page.locator("#carriers tbody tr").first.inner_text().split("\t")
    first = group["sets"][0]
    assert held[:2] == [str(first["units"][0]), f"{100 * first['lost']:.0f} %"]
    page.locator("#carriers button").nth(1).click()
    assert page.locator("#unit").input_value() == str(group["sets"][1]["units"][1])
    word(page, 1, 2).click()
    assert page.locator("#patching tbody tr").count() == 1  # the verb comes at once


def test_ablation_of_a_task_says_what_is_held_and_what_is_lost(opened, report):
    page, found = opened(), report["ablation"]
    told = page.locator("#ablation-told").inner_text()
    assert found["held"] in told and "shares of right decisions" in told
    whole, random, *rows = table(page, "#ablation")
    assert whole[2:] == [pytest.approx(100 * share, abs=0.06) for share in found["whole"]]
    assert random[0] == f"a random unit, median of {len(found['controls'])}"
    ranked = sorted(range(32), key=lambda unit: -found["effect"][unit])
    assert [row[0] for row in rows] == [f"without unit {unit}" for unit in ranked[:8]]
    for unit, row in zip(ranked, rows, strict=False):
        assert row[1:] == [pytest.approx(found["effect"][unit], abs=0.006), *(
            pytest.approx(100 * share, abs=0.06) for share in found["without"][unit])]
    page.get_by_role("button", name="all 32 units").click()
    assert len(table(page, "#ablation")) == 34


def test_ablation_without_a_task_is_what_the_decisions_become(opened):
    page, found = opened(of="lstm"), made("lstm")["ablation"]
    told = page.locator("#ablation-told").inner_text()
    assert "at its mean over all columns" in told and "nats" in told
    assert "%" not in page.locator("#ablation").inner_text()
    assert "“was” rather than “were”" in page.locator("#ablation thead").inner_text()
    whole, *rows = table(page, "#ablation")
    assert whole[2:] == pytest.approx(found["whole"], abs=0.006)
    ranked = sorted(range(9), key=lambda unit: -found["effect"][unit])
    assert [row[0] for row in rows] == [f"without unit {unit}" for unit in ranked[:8]]
    for unit, row in zip(ranked, rows, strict=False):
        expected = [found["effect"][unit], *found["without"][unit]]
        assert row[1:] == pytest.approx(expected, abs=0.006)
    cell = page.locator("#ablation tbody tr").nth(1).locator("td").nth(1)
    change = found["without"][ranked[0]][0] - found["whole"][0]
    assert f"({'+' if change > 0 else '−'}{abs(change):.2f})" in cell.inner_text()
    start, end = (float(cell.evaluate(f"x => x.style.getPropertyValue('--{side}')")[:-1])
                  for side in ("from", "to"))
    assert (start == 50) == (change > 0) and start < end <= 100


def test_units_are_sorted_and_chosen_by_strip_dot_and_table(opened, report):
    page = opened()
    effect = report["units"][0]["effect"]
    ranked = sorted(range(32), key=lambda unit: -effect[unit])
    strip = page.locator(".grid canvas").nth(0)
    strip.click(position={"x": 1, "y": 5})
    assert page.locator("#unit").input_value() == str(ranked[0])
    page.get_by_role("button", name="by number").click()
    page.locator(".grid canvas").nth(0).click(position={"x": 1, "y": 5})
    assert page.locator("#unit").input_value() == "0"
    page.locator("#ablation tbody tr", has_text="without unit").nth(1).click()
    assert page.locator("#unit").input_value() == str(ranked[1])
    assert page.locator("#saturation svg").count() == len(report["saturation"])
    page.locator('#saturation .dot[data-unit="5"]').first.dispatch_event("click")
    assert page.locator("#unit").input_value() == "5"


def test_keys_do_what_the_mouse_does(opened):
    page = opened()
    word(page, 0, 2).focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#word-title").inner_text() == "After “,”"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.column") == "1"
    unit = page.locator("#unit").input_value()
    page.keyboard.press("]")
    assert page.locator("#unit").input_value() != unit
    page.locator('#diagram g.node[data-box="o"]').focus()
    page.keyboard.press("Enter")
    assert lit(page) == ["o"]


KEY = """at => at === document.body ? ''
    : at.dataset.key || at.dataset.box || at.id || at.tagName"""


def reachable(page):
    """The keys of all that the Tab key should reach."""
    return set(page.locator("button, input, [tabindex]").evaluate_all(
        f"all => all.filter(x => x.tabIndex >= 0 && x.getClientRects().length).map({KEY})"))


@pytest.mark.parametrize("of", ["learnt", "numbers"])
def test_nothing_loses_the_focus_when_it_is_used(opened, of):
    page, walked, lost = opened(of=of), [], []
    every = reachable(page)
    while True:
        page.keyboard.press("Tab")
        key = page.evaluate(f"({KEY})(document.activeElement)")
        if not key or key in walked[:1]:
            break
        walked.append(key)
        page.keyboard.press("Enter")
        after = page.evaluate(f"({KEY})(document.activeElement)")
        if after != key:
            lost.append((key, after))
            page.locator(f'[data-key="{key}"]').focus()
    assert lost == []
    missed = (every & reachable(page)) - set(walked)  # strips come and go as others are chosen
    assert all(key.startswith("value ") for key in missed) and len(walked) > 30


def test_what_is_chosen_is_said(opened, report):
    page = opened()
    word(page, 0, 2).click()
    unit = int(page.locator("#unit").input_value())
    value = report["columns"][0]["values"]["f"][2][unit]
    assert page.get_by_role("status").inner_text() == (
        f"After “cat”, forget gate f, unit {unit}: {value:.2f}")
    page.get_by_role("button", name="next unit").click()
    ranked = sorted(range(32), key=lambda at: -report["units"][0]["effect"][at])
    assert f"unit {ranked[1]}:" in page.get_by_role("status").inner_text()
    assert word(page, 0, 2).get_attribute("aria-label") == "cat, can be swapped"


def test_everything_that_can_be_reached_has_a_name(opened):
    page = opened()
    unnamed = page.evaluate("""() => [...document.querySelectorAll(
        'button, input, canvas[role=img], [role=button]')].filter(x => !(x.innerText ||
        x.getAttribute('aria-label') || x.closest('label'))).map(x => x.outerHTML)""")
    assert unnamed == []
    assert re.match(r"forget gate f at .*: unit \d+ 0\.\d\d, mean",
                    page.locator(".grid canvas").first.get_attribute("aria-label"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_reader_and_the_button(opened, scheme):
    page = opened(scheme=scheme)
    assert dark(page) == (scheme == "dark")
    before = page.locator(".grid canvas").first.evaluate("c => c.toDataURL()")
    page.locator("#theme").click()
    assert dark(page) != (scheme == "dark")
    assert page.locator(".grid canvas").first.evaluate("c => c.toDataURL()") != before

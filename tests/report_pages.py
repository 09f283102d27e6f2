"""Pages of reports in a real browser, without a network: what their tests share."""

import shutil
from functools import cache

import numpy as np
import pytest
from language_cells import language_cells

import rnngraph as rg
from rnngraph.demo.demonstration import STORED
from rnngraph.explain import Trained, explain_sentences, explain_series, trained, write_report
from rnngraph.tasks.agreement import MISSION
from rnngraph.tasks.vocabulary import vocabulary
from rnngraph.train.language_model import language_model, sizes_of

playwright = pytest.importorskip("playwright.sync_api")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="no chromium")]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIGNAL = """
cell Signal
input  x[2], weight[]
state  h[H]
param  W [H, 2+H] ~ uniform(1/sqrt(H))
z = sigmoid(W @ [x, h])        "update gate"
h' = z * h + (1 - z) * sum(x)  "hidden state"
output y = weight * sum(h')
"""


def language(name):
    """A model of words that has learnt nothing."""
    cell = language_cells()[name]
    bound = sizes_of(cell, 5, 9)
    model = language_model(cell, 100, embedding=5, hidden=9).compile()
    return Trained(cell.bind(None, **bound), model, model.init(), bound, vocabulary().words)


def signals():
    """Three rows of numbers."""
    cell = rg.parse(SIGNAL).bind(None, H=4)
    x = np.cumsum(np.random.default_rng(0).normal(size=(40, 3, 2)), 0).astype(np.float32)
    known = Trained(cell, cell.compile(), cell.compile().init(), {"H": 4})
    return explain_series(known, {"x": x, "weight": np.ones((40, 3), np.float32)},
                          output="y", times=[f"{100 + t}" for t in range(40)],
                          names=["north", "east", "south"])


@cache
def made(name):
    """The reports that pages are opened of."""
    if name == "numbers":
        return signals()
    if name == "learnt":
        return explain_sentences(trained(STORED), MISSION)
    if name == "ten":
        return explain_sentences(trained(STORED), [*MISSION, "The cats were full."] * 3)
    return explain_sentences(language(name), ["the cat , which ate , was full.",
                                              "the cats were full."])


@pytest.fixture(name="report", scope="module")
def report_fixture():
    return made("learnt")


@pytest.fixture(name="browser", scope="module")
def browser_fixture():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(name="file_of", scope="module")
def file_of_fixture(tmp_path_factory):
    """The page of a report, written once."""
    return cache(lambda name: write_report(
        made(name), tmp_path_factory.mktemp("page") / "report.html")[0])


@pytest.fixture(name="opened")
def opened_fixture(browser, file_of):
    """Opens a page with a viewport and colours; whatever goes wrong on it fails the test."""
    contexts, wrong = [], []

    def opened(viewport=WIDE, scheme="light", of="learnt"):
        context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: wrong.append(asked.url)
                if not asked.url.startswith(("file:", "data:")) else None)
        page.goto(file_of(of).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def word(page, column, step):
    return page.locator(f'button[data-column="{column}"][data-step="{step}"]')


def lit(page):
    return page.locator("#diagram g.node.lit").evaluate_all("all => all.map(x => x.dataset.box)")


def dark(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


def table(page, where):
    """The rows of a table without its head: the first cell, and numbers without what follows."""
    return page.locator(f"{where} tbody tr").evaluate_all("""rows => rows.map(row =>
        [...row.cells].map((cell, at) => at ? parseFloat(cell.innerText.replace('−', '-'))
                                            : cell.innerText))""")

"""Pages of reports in a real browser, without a network: what their tests share."""

import shutil
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
from language_cells import language_cells

import rnngraph as rg
from rnngraph.demo.demonstration import STORED
from rnngraph.explain import Trained, explain_sentences, explain_series, trained
from rnngraph.tasks.agreement import MISSION
from rnngraph.tasks.vocabulary import vocabulary
from rnngraph.train.language_model import language_model, sizes_of

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = [
    pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="no chromium"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="no playwright"),
]  # fmt: skip
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

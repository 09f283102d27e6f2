"""What tests of pages share: a browser, reports as files, and pages opened without a network."""

from functools import cache

import pytest
from report_pages import BROWSER, WIDE, made

from rnngraph.explain import write_report


@pytest.fixture(name="report", scope="module")
def report_fixture():
    return made("learnt")


@pytest.fixture(name="browser", scope="module")
def browser_fixture():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
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

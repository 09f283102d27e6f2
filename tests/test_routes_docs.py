"""docs/routes.md runs, and prints what it says."""

import contextlib
import io
import re

import pytest
from test_docs import DOCS, executed

NUMBER = re.compile(r"-?\d+\.\d+")
NEAR = {"rel": 0.1, "abs": 0.1}


def assert_alike(made, written):
    """The same words; and numbers as near as trainings on processors of different kinds end."""
    assert NUMBER.sub("#", made) == NUMBER.sub("#", written), "if so it should be: pytest --bless"
    for a, b in zip(NUMBER.findall(made), NUMBER.findall(written), strict=True):
        assert float(a) == pytest.approx(float(b), **NEAR), (a, b)


def test_the_page_on_routes_prints_what_it_says(bless):
    path, names = DOCS / "routes.md", {}

    def printed(code):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, str(path), "exec"), names)
        return "".join(f"{line.rstrip()}\n" for line in out.getvalue().rstrip().splitlines())

    made = executed(path.read_text(encoding="utf-8"), printed)
    if bless:
        path.write_text(made, encoding="utf-8")
    assert_alike(made, path.read_text(encoding="utf-8"))

"""docs/routes.md runs, and prints what it says."""

import contextlib
import io

from test_docs import DOCS, executed


def test_the_page_on_routes_prints_what_it_says(bless):
    path, names = DOCS / "routes.md", {}

    def printed(code):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, str(path), "exec"), names)
        return "".join(f"{line.rstrip()}\n" for line in out.getvalue().rstrip().splitlines())

    made = executed(path.read_text(encoding="utf-8"), printed)
    if bless:
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), "if so it should be: pytest --bless"

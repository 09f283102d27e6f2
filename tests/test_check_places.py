"""Places in values: what is not there is named as the text has it."""

from __future__ import annotations

import pytest

from rnngraph.check import check
from rnngraph.source import CellError, Source
from rnngraph.syntax import parse


@pytest.mark.parametrize(("equation", "message"), [
    ("x[-5:2]", "-5 is before the start of an axis of 3"),
    ("expand(x, S, axis=0)[0]", "[3] cannot be expanded to [3, 4]: along these axes that takes"),
])  # fmt: skip
def test_a_place_that_is_not_there_is_named_as_written(equation, message):
    with pytest.raises(CellError) as caught:
        check(parse(Source(f"cell C\ninput x[3], S[3, 4]\noutput y = {equation}")))
    assert message in str(caught.value)

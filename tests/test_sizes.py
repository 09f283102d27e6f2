"""Sizes: one canonical form, exact division, and a spelling a person would write."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnngraph.sizes import Size, SizeError, count

H, I, K = map(Size.symbol, "HIK")  # noqa: E741


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (H, "H"),
        (H + I, "H+I"),
        (I + H, "H+I"),
        (4 * H, "4*H"),
        (H * 4 + 0, "4*H"),
        (H - I, "H-I"),
        (I - H, "I-H"),
        (-H, "-H"),
        (1 - H, "1-H"),
        (H + 1, "H+1"),
        (H - 1, "H-1"),
        (H * I, "H*I"),
        (H * H, "H*H"),
        (H // 2, "H//2"),
        (3 * H // 2, "3*H//2"),
        ((H + I) // 2, "(H+I)//2"),
        (H + I // 2, "H+I//2"),
        (H // K, "H//K"),
        (H // (2 * K), "H//(2*K)"),
        (H // (K * I), "H//(I*K)"),
        (H // (K + 1), "H//(K+1)"),
        (8 // H, "8//H"),
        ((H + 1) // 2, "(H+1)//2"),
    ],
)
def test_spelling(size, text):
    assert str(size) == repr(size) == text
    assert eval(text, {"H": H, "I": I, "K": K}) == size


def test_constants_are_ints():
    assert H - H == 0 and type(H - H) is int
    assert (H + 3) - H == 3
    assert H // H == 1
    assert (2 * H + 2 * I) // (H + I) == 2
    assert H * 0 == 0


def test_division_is_exact():
    assert 4 * (H // 4) == H
    assert K * (H // K) == H
    assert (4 * H) // 4 == H
    assert (H // 2).bind({"H": 10}) == 5
    with pytest.raises(SizeError, match="5 does not divide by 2"):
        (H // 2).bind({"H": 5})
    with pytest.raises(SizeError, match="zero"):
        (H // K).bind({"K": 0})
    with pytest.raises(SizeError):
        H // 0


def test_bind():
    assert (H + I).bind({"H": 2, "I": 3}) == 5
    assert (H + I).bind({"H": 2}) == I + 2
    assert (H * H - I).bind({"H": I}) == I * I - I
    assert (H // (K + 1)).bind({"H": 6, "K": 2}) == 2
    with pytest.raises(SizeError):
        H.bind({"H": "seven"})


def test_symbols_and_solving():
    assert (H * I + K // 2).symbols() == {"H", "I", "K"}
    assert (H // (K + 1)).symbols() == {"H", "K"}
    assert (2 * H + I).solve("I") == -2 * H
    assert (2 * H - I).solve("H") == I // 2
    assert (H - 3).solve("H") == 3
    assert (H * I).solve("H") is None
    assert (H * H + H).solve("H") is None
    assert (I + 1).solve("H") is None


def test_hash_equality_and_pickle():
    assert len({H + I, I + H, (2 * H + 2 * I) // 2}) == 1
    assert H != I and H != 1 and H != "H"
    assert pickle.loads(pickle.dumps(H + I // 2)) == H + I // 2
    with pytest.raises(AttributeError):
        H.terms = ()


def test_growth_is_bounded():
    wide = sum((Size.symbol(f"A{i}") for i in range(12)), start=H)
    with pytest.raises(SizeError, match="too many"):
        wide * wide
    tall = H
    with pytest.raises(SizeError, match="too many factors"):
        for _ in range(10):
            tall = tall * tall
    large = H
    with pytest.raises(SizeError, match="too large"):
        for _ in range(100):
            large = large * 1000


def test_other_types_are_refused():
    for bad in (1.5, "H", None, True):
        with pytest.raises(TypeError):
            H + bad


def test_count():
    assert count(()) == 1
    assert count((2, 3)) == 6
    assert count((H, 2)) == 2 * H


dims = st.recursive(
    st.integers(-5, 5) | st.sampled_from([H, I, K]),
    lambda s: st.tuples(st.sampled_from("+-*"), s, s).map(lambda t: _combine(*t)),
    max_leaves=6,
)


def _combine(op, a, b):
    return a + b if op == "+" else a - b if op == "-" else a * b


@given(dims, dims, st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_arithmetic_agrees_with_ints(a, b, h, i, k):
    values = {"H": h, "I": i, "K": k}

    def value(d):
        return d.bind(values) if isinstance(d, Size) else d

    assert value(a + b) == value(a) + value(b)
    assert value(a - b) == value(a) - value(b)
    assert value(a * b) == value(a) * value(b)
    assert a + b == b + a and a * b == b * a
    assert (a - b == 0) == (a == b)
    assert eval(str(a), {"H": H, "I": I, "K": K}) == a

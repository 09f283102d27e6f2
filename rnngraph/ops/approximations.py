"""Elementary functions, written only in lane verbs, so that every backend computes the same ones.

Each function brings its argument into a short interval, evaluates a polynomial there, and puts
the result together again:

    exp(x)   = 2^n * e^r              n = nearest(x / ln 2), r = x - n ln 2, |r| <= ln(2) / 2
    expm1(x) = 2^n * (e^r - 1) + (2^n - 1)
    tanh(x)  = +- t / (t + 2)         t = expm1(2 |x|): no cancellation near 0
    sigmoid  = e / (e + 1)            e = exp(x), held where e + 1 = e, so that e / (e + 1) keeps
                                      its relative accuracy for x << 0, denormal results too
    log(x)   = n ln 2 + log(1 + f)    x = 2^n (1 + f), 1 + f in [sqrt(1/2), sqrt(2))
    sin, cos = +- sin(r), +- cos(r)   n = nearest(x / (pi/2)), r = x - n pi/2, |r| <= pi/4

ln 2 and pi/2 are subtracted in several pieces, all but the last so short that n times the piece is
exact (Cody and Waite, "Software Manual for the Elementary Functions", 1980); thus nothing here
relies on a fused multiply-add. The polynomials are our own fits: weighted least squares at the
Chebyshev nodes, in 400-bit arithmetic, the coefficients rounded to the precision one at a time
from the lowest and the rest fitted again. Worst error over all inputs, in units in the last place
(measured by tests/test_approximations.py and, in f32 over every float, tests/test_every_float.py):
exp 1.04, log 0.9, expm1 2.1, log1p 1.5, sigmoid 2.41, tanh 2.43; sin and cos 2.4 up to 1e4. NaN
gives NaN and infinities the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .lanes import Lanes, Real, Vector

INFINITY = float("inf")
NAN = float("nan")
LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class Numbers:
    """The constants of one precision; polynomials are in ascending powers."""

    exp: Sequence[float]  # (e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2
    tanh: Sequence[float]  # the same, -ln(2) / 4 <= r <= 3 ln(2) / 4
    log: Sequence[float]  # see `_log_near_one`
    sin: Sequence[float]  # (sin(r) / r - 1) / r^2 in r^2
    cos: Sequence[float]  # (cos(r) - 1 + r^2 / 2) / r^4 in r^2
    ln2: tuple[float, float]
    half_pi: Sequence[float]
    rounder: float  # 1.5 * 2^(mantissa bits): adding it rounds to an integer
    lowest: float  # exp is 0 from here down
    highest: float  # exp is infinite from here up
    settled: float  # e^x + 1 rounds to e^x from here up
    top: float  # the largest exponent of a finite number
    unseen: float  # 1 + x rounds to 1 below this


F32 = Numbers(
    exp=(
        0.4999999701976776, 0.16666541993618011, 0.041667524725198746, 0.008366675116121769,
        0.0013862412888556719,
    ),
    tanh=(
        0.5, 0.16666661202907562, 0.04166707023978233, 0.008334415033459663,
        0.001374747953377664, 0.00023315224098041654,
    ),
    log=(
        0.3333335518836975, -0.2500085234642029, 0.1999976634979248, -0.16621315479278564,
        0.14228099584579468, -0.13203458487987518, 0.12615187466144562, -0.07353802770376205,
    ),
    sin=(-0.16666653752326965, 0.008332115598022938, -0.0001950974838109687),
    cos=(0.04166664555668831, -0.001388730714097619, 2.4431799829471856e-05),
    ln2=(0.693145751953125, 1.42860682030941723212e-6),
    half_pi=(1.5703125, 0.00048351287841796875, 3.1385570764541626e-07, 6.07710062827671e-11),
    rounder=1.5 * 2.0**23,
    lowest=-104.0,
    highest=89.0,
    settled=20.0,
    top=127.0,
    unseen=2.0**-25,
)  # fmt: skip

F64 = Numbers(
    exp=(
        0.5000000000000006, 0.166666666666666, 0.041666666666573884, 0.00833333333338349,
        0.0013888888932266797, 0.00019841269731653646, 2.480150459110127e-05,
        2.755739662548985e-06, 2.7626267965548724e-07, 2.505712585771943e-08,
    ),
    tanh=(
        0.5, 0.1666666666666668, 0.0416666666666668, 0.008333333333309744,
        0.0013888888889512399, 0.00019841269946943734, 2.4801581646413832e-05,
        2.7557269449919404e-06, 2.7567652944419805e-07, 2.4749897367613408e-08,
        2.457424887947024e-09,
    ),
    log=(
        0.6666666666666737, 0.3999999999939863, 0.28571428745551214, 0.22222198273544116,
        0.1818357906686337, 0.1531368752092411, 0.14799487338447104,
    ),
    sin=(
        -0.1666666666666663, 0.008333333333321785, -0.00019841269829279132, 2.7557313500893515e-06,
        -2.505072714881444e-08, 1.5894945347135946e-10,
    ),
    cos=(
        0.04166666666666659, -0.0013888888888872282, 2.48015872883874e-05,
        -2.7557314046868597e-07, 2.0875682772885733e-09, -1.1357588437519386e-11,
    ),
    ln2=(0.69314718036912381649, 1.90821492927058770002e-10),
    half_pi=(1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21),
    rounder=1.5 * 2.0**52,
    lowest=-746.0,
    highest=710.0,
    settled=40.0,
    top=1023.0,
    unseen=2.0**-54,
)  # fmt: skip

NUMBERS: dict[Real, Numbers] = {"f32": F32, "f64": F64}


def exp(b: Lanes, x: Vector) -> Vector:
    """e^x; overflows to infinity, underflows gradually."""
    k = NUMBERS[b.real]
    n, r = _by_ln2(b, _clamp(b, x, k.lowest, k.highest))
    return b.scale(b.add(b.const(1.0), _expm1_near_zero(b, r, k.exp)), n)


def expm1(b: Lanes, x: Vector) -> Vector:
    """e^x - 1, accurate near 0; keeps the sign of zero."""
    k = NUMBERS[b.real]
    n, r = _by_ln2(b, _clamp(b, x, -2.0 * k.settled, k.highest))
    # 2^n itself overflows in the topmost binade of the results: there it enters in two factors.
    finite = b.minimum(b.const(k.top), n)
    y = _expm1_joined(b, finite, r, k.exp)
    return b.copysign(b.mul(y, b.power_of_two(b.sub(n, finite))), x)


def tanh(b: Lanes, x: Vector) -> Vector:
    """The hyperbolic tangent; keeps the sign of zero."""
    k = NUMBERS[b.real]
    a = b.minimum(b.const(k.settled), b.abs(b.add(x, x)))
    # n is 0 up to 3 ln(2) / 4: the sum of the two terms of expm1 loses most in the binade above
    # ln(2) / 2, just where the rounding of t + 2 costs most too.
    n = b.floor(b.fma(a, b.const(LOG2_E), b.const(0.25)))
    t = _expm1_joined(b, n, _without_ln2(b, a, n), k.tanh)
    return b.copysign(b.div(t, b.add(t, b.const(2.0))), x)


def sigmoid(b: Lanes, x: Vector) -> Vector:
    """1 / (1 + e^-x)."""
    k = NUMBERS[b.real]
    n, r = _by_ln2(b, _clamp(b, x, k.lowest, k.settled))
    e = b.scale(b.add(b.const(1.0), _expm1_near_zero(b, r, k.exp)), n)
    return b.div(e, b.add(e, b.const(1.0)))


def log(b: Lanes, x: Vector) -> Vector:
    """The natural logarithm: -inf at 0, NaN below."""
    m, n = b.split(x)
    y = _log_joined(b, b.sub(m, b.const(1.0)), n)
    return _log_limits(b, x, y)


def log1p(b: Lanes, x: Vector) -> Vector:
    """log(1 + x), accurate near 0: -inf at -1, NaN below; keeps the sign of zero."""
    k, one = NUMBERS[b.real], b.const(1.0)
    u = b.add(one, x)
    # What rounding 1 + x lost, whichever of the two is the larger (Knuth's two-sum).
    back = b.sub(u, one)
    lost = b.add(b.sub(x, back), b.sub(one, b.sub(u, back)))
    m, n = b.split(u)
    # For n near the top the lost part is too small to matter: a short power of two will do.
    small = b.mul(lost, b.power_of_two(b.maximum(b.const(-k.top + 1.0), b.neg(n))))
    y = _log_limits(b, u, _log_joined(b, b.add(b.sub(m, one), small), n))
    return b.select(b.lt(b.abs(x), b.const(k.unseen)), x, y)


def sin(b: Lanes, x: Vector) -> Vector:
    """The sine; for |x| beyond 2e4 (f32) or 1e6 (f64) only its range is right. NaN at infinity.

    Keeps the sign of zero.
    """
    n, s, c = _by_half_pi(b, x)
    return b.select(b.eq(x, b.const(0.0)), x, _quadrant(b, n, s, c))


def cos(b: Lanes, x: Vector) -> Vector:
    """The cosine, under the same conditions as `sin`."""
    n, s, c = _by_half_pi(b, x)
    return _quadrant(b, n, c, b.neg(s))


def power(b: Lanes, a: Vector, p: Vector) -> Vector:
    """a^p as exp(p log|a|) with the sign of C99's `pow`: a negative base needs an integral p.

    The relative error grows with the exponent of the result: about 2 + 2 |p log|a|| ulp.
    """
    one, size = b.const(1.0), b.abs(a)
    y = exp(b, b.mul(p, log(b, size)))
    # 1^p and (-1)^inf are 1, where the logarithm would make 0 * inf.
    y = b.select(b.mask_and(b.eq(size, one), b.eq(p, p)), one, y)
    integral = b.eq(b.floor(p), p)
    half = b.mul(p, b.const(0.5))
    odd = b.mask_and(integral, b.ne(b.floor(half), half))
    y = b.select(odd, b.copysign(y, a), y)
    below = b.mask_and(b.lt(a, b.const(0.0)), b.gt(a, b.const(-INFINITY)))
    y = b.select(b.mask_and(below, b.mask_not(integral)), b.const(NAN), y)
    return b.select(b.mask_or(b.eq(p, b.const(0.0)), b.eq(a, one)), one, y)


def mod(b: Lanes, x: Vector, y: Vector) -> Vector:
    """x - floor(x / y) y, in [0, y) for y > 0 and (y, 0] for y < 0; NaN for y = 0.

    The quotient is rounded, so the result is meaningful for |x / y| below 2^24 (f32), 2^53 (f64).
    """
    r = b.fma(b.neg(b.floor(b.div(x, y))), y, x)
    # The quotient may round up to the next integer, or a product rounded twice miss an end.
    zero = b.const(0.0)
    outside = b.lt(b.mul(r, b.copysign(b.const(1.0), y)), zero)
    r = b.select(outside, b.add(r, y), r)
    return b.select(b.ge(b.abs(r), b.abs(y)), b.sub(r, y), r)


def sign(b: Lanes, x: Vector) -> Vector:
    """-1, 0 or 1; zero and NaN stay themselves."""
    zero = b.const(0.0)
    return b.select(b.gt(x, zero), b.const(1.0), b.select(b.lt(x, zero), b.const(-1.0), x))


def _clamp(b: Lanes, x: Vector, low: float, high: float) -> Vector:
    return b.minimum(b.const(high), b.maximum(b.const(low), x))


def _horner(b: Lanes, coefficients: Sequence[float], x: Vector) -> Vector:
    y = b.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y = b.fma(y, x, b.const(c))
    return y


def _by_ln2(b: Lanes, x: Vector) -> tuple[Vector, Vector]:
    """(n, r) with x = n ln 2 + r."""
    k = NUMBERS[b.real]
    rounder = b.const(k.rounder)
    n = b.sub(b.fma(x, b.const(LOG2_E), rounder), rounder)
    return n, _without_ln2(b, x, n)


def _without_ln2(b: Lanes, x: Vector, n: Vector) -> Vector:
    """x - n ln 2."""
    high, low = NUMBERS[b.real].ln2
    return b.fma(n, b.const(-low), b.fma(n, b.const(-high), x))


def _expm1_near_zero(b: Lanes, r: Vector, coefficients: Sequence[float]) -> Vector:
    """e^r - 1 where `coefficients` fit."""
    return b.fma(b.mul(r, r), _horner(b, coefficients, r), r)


def _expm1_joined(b: Lanes, n: Vector, r: Vector, coefficients: Sequence[float]) -> Vector:
    """2^n e^r - 1, where 2^n is a normal number."""
    s = b.power_of_two(n)
    return b.fma(s, _expm1_near_zero(b, r, coefficients), b.sub(s, b.const(1.0)))


def _log_near_one(b: Lanes, f: Vector) -> tuple[Vector, Vector]:
    """log(1 + f) as a sum (large, small), f in [sqrt(1/2) - 1, sqrt(2) - 1).

    f32: f - f^2 / 2 + f^3 P(f). f64, where P would be long: with s = f / (2 + f) the logarithm is
    2 atanh(s) = 2 s + s^3 R(s^2), and 2 s = f - s f, = f - f^2 / 2 + s f^2 / 2, so that the
    rounding of the quotient s only touches the small terms.
    """
    k, half_square = NUMBERS[b.real], b.mul(b.mul(f, f), b.const(0.5))
    if b.real == "f32":
        cube = b.mul(b.mul(f, f), f)
        return f, b.fma(cube, _horner(b, k.log, f), b.neg(half_square))
    s = b.div(f, b.add(b.const(2.0), f))
    z = b.mul(s, s)
    tail = b.fma(z, _horner(b, k.log, z), half_square)
    return f, b.fma(s, tail, b.neg(half_square))


def _log_joined(b: Lanes, f: Vector, n: Vector) -> Vector:
    """n ln 2 + log(1 + f)."""
    high, low = NUMBERS[b.real].ln2
    large, small = _log_near_one(b, f)
    small = b.fma(n, b.const(low), small)
    return b.fma(n, b.const(high), b.add(large, small))


def _log_limits(b: Lanes, x: Vector, y: Vector) -> Vector:
    """`y` = log(x) where that is right, else what the logarithm is at 0, below, at inf and NaN."""
    zero, infinity = b.const(0.0), b.const(INFINITY)
    ordinary = b.mask_and(b.gt(x, zero), b.lt(x, infinity))
    below = b.select(b.lt(x, zero), b.const(NAN), x)
    return b.select(ordinary, y, b.select(b.eq(x, zero), b.const(-INFINITY), below))


def _by_half_pi(b: Lanes, x: Vector) -> tuple[Vector, Vector, Vector]:
    """(n mod 4, sin r, cos r) with x = n pi/2 + r."""
    k = NUMBERS[b.real]
    n = b.round_even(b.mul(x, b.const(0.6366197723675814)))
    r = x
    for piece in k.half_pi:
        r = b.fma(n, b.const(-piece), r)
    # Past the documented range r is anything; within it the rounding of n takes |r| up to 0.79.
    r = _clamp(b, r, -0.79, 0.79)
    z = b.mul(r, r)
    s = b.fma(b.mul(r, z), _horner(b, k.sin, z), r)
    tail = b.fma(b.mul(z, z), _horner(b, k.cos, z), b.mul(z, b.const(-0.5)))
    quarter = b.floor(b.mul(n, b.const(0.25)))
    return b.fma(quarter, b.const(-4.0), n), s, b.add(b.const(1.0), tail)


def _quadrant(b: Lanes, n: Vector, even: Vector, odd: Vector) -> Vector:
    """`even` or `odd` by the parity of n in 0..3, negated for the upper two."""
    one, two = b.const(1.0), b.const(2.0)
    upper = b.ge(n, two)
    y = b.select(b.eq(b.select(upper, b.sub(n, two), n), one), odd, even)
    return b.select(upper, b.neg(y), y)

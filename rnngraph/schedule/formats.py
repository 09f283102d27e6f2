"""Narrow formats: what weights and operands of products are rounded to where precision allows.

    word ::= 2 bf16 | 4 codes          32 bits, earlier elements in the lower bits

    bf16   the upper half of an f32, to nearest with ties to even; products of two are exact in
           f32, and are added pair by pair, the second of a pair before the first
    int8   weight row n: code * scale[n], codes -127..127, scale[n] = max |row| / 127
           operand: (code - 128) * scale, codes 1..255, scale = max |operand| / 127, row by row;
           sums of codes are exact integers, multiplied by both scales once

Elements that fill up the last word are 0 in the weights.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """How many elements a word holds, and whether codes have a scale."""

    per_word: int
    scaled: bool
    depth: int  # longer operands are left as they are

    def words(self, depth: int) -> int:
        """Words that hold ``depth`` elements."""
        return -(-depth // self.per_word)


# 32 bits hold sums of 255 * 127 up to that many
FORMATS = {"bf16": Format(2, False, 1 << 30), "int8": Format(4, True, 66311)}
PRECISIONS = ("f32", *FORMATS)

CODES = 127  # the largest code
ZERO = 128  # the operand's code of 0
# what is smaller than this all over counts as 0, so that its inverse is a number
SMALLEST = 2.0**-100

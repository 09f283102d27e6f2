"""The frame: all that one call hands to machine code, as 64-bit words in one piece of memory.

    frame  ::= head record* table
    head   ::= ITEMS FIELDS ARRAY STEPS ROWS THREADS TEAM READ WRITTEN
    record ::= DTYPE MODE PLACE OFFSET LINES BYTES STRIDE LIMIT RANK length*
    table  ::= pointer* VOUCHED                             in the order of the code's layout

Along with it goes a tuple of the call's arrays, one for each record. ``READ`` records are looked at
before the procedure runs, the ``WRITTEN`` ones after it. Machine code reads the arrays' own
headers, which is much cheaper than asking for them in Python, so that of an earlier call nothing
need be believed: each must be an ordinary C-ordered array (``ARRAY`` is the type, ``DTYPE`` the
object of its dtype) of ``RANK`` and lengths, whose integers, if there is a ``LIMIT``, lie below
it. Then, by its mode,

    POINT   table[PLACE] becomes the address of its elements
    ZERO    as POINT, and its BYTES become 0
    FILL    LINES of BYTES are copied to table[PLACE] + OFFSET; in the array they are STRIDE apart
    KEEP    after the run: BYTES are copied from table[PLACE] + OFFSET into the array

``ITEMS`` is where a tuple's items begin, ``FIELDS`` where NumPy's part of an array begins
(``PyArrayObject_fields`` of its C interface): data, number of axes, lengths, strides, base, dtype,
flags. ``TEAM`` is where the pool's ``enter`` is, for more than one of ``THREADS``. ``VOUCHED`` is 0
unless the caller vouches that all parameters are those of this frame's call before.
"""

from __future__ import annotations

ITEMS, FIELDS, ARRAY, STEPS, ROWS, THREADS, TEAM, READ, WRITTEN = range(9)
HEAD = 9
DTYPE, MODE, PLACE, OFFSET, LINES, BYTES, STRIDE, LIMIT, RANK = range(9)
MOST_AXES = 8
RECORD = 9 + MOST_AXES
POINT, ZERO, FILL, KEEP = range(4)
VOUCHED = "vouched parameters"  # what the table's last entry is called

# byte offsets in an array object: of its type before FIELDS, of the others after it
TYPE, DATA, AXES, LENGTHS, DESCRIPTOR, FLAGS = -8, 0, 8, 16, 40, 48
FLAGS_NEEDED = 0x101  # C-ordered and aligned

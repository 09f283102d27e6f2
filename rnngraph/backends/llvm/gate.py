"""The gate: the one function of a procedure that Python calls.

    i64 NAME_enter(ptr frame, ptr arrays)      0, or 1: an array is not what the frame says it is

It looks at the frame's arrays (``rnngraph.backends.frame`` has the grammar), runs the procedure,
alone or in a team, with denormals counting as 0, and copies what is to be kept. When an array
does not fit nothing has run.
"""

from __future__ import annotations

from llvmlite import ir

from .. import frame
from .denormals import flush, restore
from .emitter import I64, POINTER, Emitter, number

BIT, BYTE, INT32 = ir.IntType(1), ir.IntType(8), ir.IntType(32)
ENTER = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I64, I64])
MEMCPY, MEMSET = "llvm.memcpy.p0.p0.i64", "llvm.memset.p0.i64"


class Gate:
    """The gates of one module, and what they share."""

    def __init__(self, module: ir.Module, triple: str) -> None:
        self.module, self.triple = module, triple
        last = [I64, BIT]
        self.copy = _declared(module, MEMCPY, [POINTER, POINTER, *last])
        self.clear = _declared(module, MEMSET, [POINTER, BYTE, *last])
        self.read = self._write_read()

    def write(self, procedure: ir.Function) -> None:
        """Write ``NAME_enter`` for a procedure."""
        member = self._write_member(procedure)
        kind = ir.FunctionType(I64, [POINTER] * 2)
        function = ir.Function(self.module, kind, f"{procedure.name}_enter")
        e, b = _open(function)
        block, arrays = function.args
        read, written = (_word(b, block, place) for place in (frame.READ, frame.WRITTEN))
        records = _moved(b, block, number(frame.HEAD * 8))
        size = number(frame.RECORD * 8)
        table = _moved(b, records, b.mul(b.add(read, written), size))
        items = _moved(b, arrays, _word(b, block, frame.ITEMS))

        def entry(i: ir.Value) -> list[ir.Value]:
            fields = _moved(b, _word(b, items, i, POINTER), _word(b, block, frame.FIELDS))
            return [table, _moved(b, records, b.mul(i, size)), fields]

        def look(i: ir.Value) -> None:
            fits = b.call(self.read, [_word(b, block, frame.ARRAY), *entry(i)])
            _leave(b, b.not_(fits), number(1))

        e.loop(number(0), read, 1, look)
        before = flush(b, self.triple)
        self._run(b, procedure, member, block, table)
        restore(b, self.triple, before)
        e.loop(read, b.add(read, written), 1, lambda i: self._keep(b, *entry(i)))
        b.ret(number(0))

    def _run(
        self,
        b: ir.IRBuilder,
        procedure: ir.Function,
        member: ir.Function,
        block: ir.Value,
        table: ir.Value,
    ) -> None:
        steps, rows, threads = (_word(b, block, place)
                                for place in (frame.STEPS, frame.ROWS, frame.THREADS))  # fmt: skip
        with b.if_else(b.icmp_signed(">", threads, number(1))) as (several, one):
            with several:
                enter = b.inttoptr(_word(b, block, frame.TEAM), ENTER.as_pointer())
                b.call(enter, [b.bitcast(member, POINTER), table, steps, rows, threads])
            with one:
                alone = [number(0), number(1), ir.Constant(POINTER, None)]
                b.call(procedure, [table, steps, rows, *alone])

    def _write_member(self, procedure: ir.Function) -> ir.Function:
        """What each thread of a team enters by; the pool's own have no control word to keep."""
        function = ir.Function(self.module, procedure.function_type, f"{procedure.name}_member")
        function.linkage = "internal"
        _, b = _open(function)
        flush(b, self.triple)
        b.call(procedure, function.args)
        b.ret_void()
        return function

    # --- records ---------------------------------------------------------------------------

    def _write_read(self) -> ir.Function:
        """``read(ordinary array's type, table, record, array's fields) -> fits``."""
        kind = ir.FunctionType(BIT, [I64, *[POINTER] * 3])
        function = ir.Function(self.module, kind, "read_record")
        function.linkage = "internal"
        e, b = _open(function)
        ordinary, table, record, fields = function.args
        _refuse(b, b.icmp_signed("!=", _field(b, fields, frame.TYPE, I64), ordinary))
        dtype = _field(b, fields, frame.DESCRIPTOR, I64)
        _refuse(b, b.icmp_signed("!=", dtype, _word(b, record, frame.DTYPE)))
        rank = _word(b, record, frame.RANK)
        axes = b.sext(_field(b, fields, frame.AXES, INT32), I64)
        _refuse(b, b.icmp_signed("!=", axes, rank))
        needed = ir.Constant(INT32, frame.FLAGS_NEEDED)
        flags = b.and_(_field(b, fields, frame.FLAGS, INT32), needed)
        _refuse(b, b.icmp_signed("!=", flags, needed))
        count = self._look_at_lengths(e, fields, record, rank)
        data = _field(b, fields, frame.DATA, POINTER)
        self._look_at_integers(e, record, data, count)
        self._take(e, table, record, data)
        b.ret(ir.Constant(BIT, 1))
        return function

    def _look_at_lengths(
        self, e: Emitter, fields: ir.Value, record: ir.Value, rank: ir.Value
    ) -> ir.Value:
        """Refuse other lengths than the record's; how many elements there are."""
        b = e.builder
        lengths = _field(b, fields, frame.LENGTHS, POINTER)

        def axis(i: ir.Value, count: ir.Value) -> list[ir.Value]:
            length = _word(b, lengths, i)
            wanted = _word(b, record, b.add(i, number(frame.RANK + 1)))
            _refuse(b, b.icmp_signed("!=", length, wanted))
            return [b.mul(count, length)]

        return e.loop(number(0), rank, 1, axis, [number(1)])[0]

    def _look_at_integers(
        self, e: Emitter, record: ir.Value, data: ir.Value, count: ir.Value
    ) -> None:
        b, limit = e.builder, _word(e.builder, record, frame.LIMIT)
        with b.if_then(b.icmp_signed("!=", limit, number(0))):
            def element(i: ir.Value, most: ir.Value) -> list[ir.Value]:
                value = _word(b, data, i)
                return [b.select(b.icmp_unsigned(">", value, most), value, most)]

            most = e.loop(number(0), count, 1, element, [number(0)])[0]
            _refuse(b, b.icmp_unsigned(">=", most, limit))

    def _take(self, e: Emitter, table: ir.Value, record: ir.Value, data: ir.Value) -> None:
        """Do what the record's mode says."""
        b, mode = e.builder, _word(e.builder, record, frame.MODE)
        entry = b.gep(table, [_word(b, record, frame.PLACE)], source_etype=POINTER)
        with b.if_else(b.icmp_signed("==", mode, number(frame.FILL))) as (fill, point):
            with fill:
                self._fill(e, entry, record, data)
            with point:
                b.store(data, entry)
                with b.if_then(b.icmp_signed("==", mode, number(frame.ZERO))):
                    size = _word(b, record, frame.BYTES)
                    b.call(self.clear, [data, ir.Constant(BYTE, 0), size, ir.Constant(BIT, 0)])

    def _fill(self, e: Emitter, entry: ir.Value, record: ir.Value, data: ir.Value) -> None:
        b = e.builder
        lines, size, stride = (_word(b, record, place)
                               for place in (frame.LINES, frame.BYTES, frame.STRIDE))  # fmt: skip
        start = _moved(b, b.load(entry, typ=POINTER), _word(b, record, frame.OFFSET))

        def line(i: ir.Value) -> None:
            source, target = _moved(b, data, b.mul(i, stride)), _moved(b, start, b.mul(i, size))
            b.call(self.copy, [target, source, size, ir.Constant(BIT, 0)])

        e.loop(number(0), lines, 1, line)

    def _keep(self, b: ir.IRBuilder, table: ir.Value, record: ir.Value, fields: ir.Value) -> None:
        data = _field(b, fields, frame.DATA, POINTER)
        entry = b.gep(table, [_word(b, record, frame.PLACE)], source_etype=POINTER)
        source = _moved(b, b.load(entry, typ=POINTER), _word(b, record, frame.OFFSET))
        size = _word(b, record, frame.BYTES)
        b.call(self.copy, [data, source, size, ir.Constant(BIT, 0)])


def _open(function: ir.Function) -> tuple[Emitter, ir.IRBuilder]:
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    return Emitter(builder, "f32", None), builder  # type: ignore[arg-type]  # it uses no lanes


def _leave(b: ir.IRBuilder, condition: ir.Value, result: ir.Value) -> None:
    with b.if_then(condition, likely=False):
        b.ret(result)


def _refuse(b: ir.IRBuilder, condition: ir.Value) -> None:
    _leave(b, condition, ir.Constant(BIT, 0))


def _field(b: ir.IRBuilder, fields: ir.Value, offset: int, kind: ir.Type) -> ir.Value:
    return b.load(_moved(b, fields, number(offset)), typ=kind, align=4)


def _moved(b: ir.IRBuilder, pointer: ir.Value, size: ir.Value) -> ir.Value:
    return b.gep(pointer, [size], source_etype=BYTE)


def _word(
    b: ir.IRBuilder, pointer: ir.Value, place: int | ir.Value, kind: ir.Type = I64
) -> ir.Value:
    index = number(place) if isinstance(place, int) else place
    return b.load(b.gep(pointer, [index], source_etype=kind), typ=kind, align=8)


def _declared(module: ir.Module, name: str, arguments: list[ir.Type]) -> ir.Function:
    return ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)

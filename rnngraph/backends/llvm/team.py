"""Several threads for one call: they are made for it, meet at barriers, and end with it.

    void NAME_team(ptr table, i64 T, i64 B, i64 parts)      runs NAME in up to ``parts`` threads

The threads are the system's own, so nothing of Python is involved and no lock of it is held.
Between phases, and between kernels where a step is divided, members wait for each other by
spinning, which costs a fraction of a microsecond; if that takes long, they offer their core.
"""

from __future__ import annotations

from llvmlite import ir

from .emitter import I64, POINTER, Emitter, number

TABLE, STEPS, ROWS, PARTS, ARRIVED, GENERATION, WORDS = range(7)
INT32 = ir.IntType(32)
PATIENCE = 4096  # looks at a flag before a waiting thread offers its core
# the instruction that tells a processor that a thread only waits
HINT = ("llvm.aarch64.hint", [ir.Constant(INT32, 1)])
PAUSE = {"x86_64": ("llvm.x86.sse2.pause", []), "aarch64": HINT, "arm64": HINT}


def supported(triple: str) -> bool:
    """True where POSIX threads exist."""
    return not any(name in triple for name in ("windows", "wasm", "none"))


class Team:
    """The threads' functions in one module."""

    def __init__(self, module: ir.Module, triple: str) -> None:
        self.module, self.triple = module, triple
        self.yields = _declare(module, "sched_yield", INT32, [])
        self.barrier = self._write_barrier()

    # --- waiting -----------------------------------------------------------------------------

    def wait(self, emitter: Emitter, control: ir.Value, parts: ir.Value) -> None:
        """Continue only when all members have come here."""
        b = emitter.builder
        with b.if_then(b.icmp_signed(">", parts, number(1))):
            b.call(self.barrier, [control, parts])

    def _write_barrier(self) -> ir.Function:
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64])
        function = ir.Function(self.module, kind, "barrier")
        function.linkage = "internal"
        b = ir.IRBuilder(function.append_basic_block("entry"))
        control, parts = function.args
        generation = b.load_atomic(_word(b, control, GENERATION), "acquire", 8, typ=I64)
        before = b.atomic_rmw("add", _word(b, control, ARRIVED), number(1), "acq_rel")
        last = b.icmp_signed("==", b.add(before, number(1)), parts)
        with b.if_else(last) as (then, otherwise):
            with then:
                b.atomic_rmw("xchg", _word(b, control, ARRIVED), number(0), "monotonic")
                following = b.add(generation, number(1))
                b.atomic_rmw("xchg", _word(b, control, GENERATION), following, "release")
            with otherwise:
                self._spin(b, _word(b, control, GENERATION), generation)
        b.ret_void()
        return function

    def _spin(self, b: ir.IRBuilder, flag: ir.Value, old: ir.Value) -> ir.Value:
        """Look at ``flag`` until it is no longer ``old``; its new value."""
        before = b.block
        look, patient, after = (b.append_basic_block(n) for n in ("look", "patient", "after"))
        b.branch(look)
        b.position_at_end(look)
        tries = b.phi(I64)
        value = b.load_atomic(flag, "acquire", 8, typ=I64)
        b.cbranch(b.icmp_signed("==", value, old), patient, after)
        b.position_at_end(patient)
        self._pause(b)
        with b.if_then(b.icmp_signed(">", tries, number(PATIENCE))):
            b.call(self.yields, [])
        tries.add_incoming(number(0), before)
        tries.add_incoming(b.add(tries, number(1)), b.block)
        b.branch(look)
        b.position_at_end(after)
        return value

    def _pause(self, b: ir.IRBuilder) -> None:
        found = PAUSE.get(self.triple.split("-")[0])
        if found:
            name, arguments = found
            kinds = [x.type for x in arguments]
            b.call(_declare(self.module, name, ir.VoidType(), kinds), arguments)

    # --- threads -----------------------------------------------------------------------------

    def write(self, procedure: ir.Function) -> None:
        """Write ``NAME_team`` for a procedure."""
        worker = self._write_worker(procedure)
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, I64])
        function = ir.Function(self.module, kind, f"{procedure.name}_team")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        emitter = Emitter(builder, "f32", None)  # type: ignore[arg-type]  # it uses no lanes
        b = emitter.builder
        table, steps, rows, parts = function.args
        control = _block(b, WORDS)
        for place, value in ((STEPS, steps), (ROWS, rows), *((p, number(0)) for p in (3, 4, 5))):
            b.store(value, _word(b, control, place))
        b.store(table, _word(b, control, TABLE, POINTER))
        handles, arguments = _block(b, parts), _block(b, b.mul(parts, number(2)))
        made = self._start(emitter, worker, parts, control, handles, arguments)
        b.atomic_rmw("xchg", _word(b, control, PARTS), made, "release")
        b.call(procedure, [table, steps, rows, number(0), made, control])
        join = _declare(self.module, "pthread_join", INT32, [I64, POINTER])
        null = ir.Constant(POINTER, None)
        emitter.loop(number(1), made, 1, lambda i: self._join(b, join, handles, i, null))
        b.ret_void()

    def _join(
        self, b: ir.IRBuilder, join: ir.Function, handles: ir.Value, i: ir.Value, null: ir.Value
    ) -> None:
        b.call(join, [b.load(_word(b, handles, i), typ=I64), null])

    def _start(
        self,
        emitter: Emitter,
        worker: ir.Function,
        parts: ir.Value,
        control: ir.Value,
        handles: ir.Value,
        arguments: ir.Value,
    ) -> ir.Value:
        """Make the other members; the number there are in all, if the system gives fewer."""
        create = _declare(self.module, "pthread_create", INT32, [POINTER] * 4)
        b, null = emitter.builder, ir.Constant(POINTER, None)

        def member(i: ir.Value, made: ir.Value) -> list[ir.Value]:
            argument = _word(b, arguments, b.mul(made, number(2)), POINTER)
            b.store(control, argument)
            b.store(made, _word(b, argument, 1))
            failed = b.call(create, [_word(b, handles, made), null, worker, argument])
            good = b.icmp_signed("==", failed, ir.Constant(INT32, 0))
            return [b.add(made, b.zext(good, I64))]

        return emitter.loop(number(1), parts, 1, member, [number(1)])[0]

    def _write_worker(self, procedure: ir.Function) -> ir.Function:
        kind = ir.FunctionType(POINTER, [POINTER])
        function = ir.Function(self.module, kind, f"{procedure.name}_worker")
        function.linkage = "internal"
        b = ir.IRBuilder(function.append_basic_block("entry"))
        argument = function.args[0]
        control = b.load(argument, typ=POINTER)
        part = b.load(_word(b, argument, 1), typ=I64)
        # the gate opens when it is known how many members there are
        parts = self._spin(b, _word(b, control, PARTS), number(0))
        table = b.load(_word(b, control, TABLE, POINTER), typ=POINTER)
        steps, rows = (b.load(_word(b, control, place), typ=I64) for place in (STEPS, ROWS))
        b.call(procedure, [table, steps, rows, part, parts, control])
        b.ret(ir.Constant(POINTER, None))
        return function


def _block(b: ir.IRBuilder, words: int | ir.Value) -> ir.Value:
    """Words on the stack; llvmlite's typed pointer becomes one to anything by way of a number."""
    return b.inttoptr(b.ptrtoint(b.alloca(I64, words), I64), POINTER)


def _word(
    b: ir.IRBuilder, pointer: ir.Value, place: int | ir.Value, kind: ir.Type = I64
) -> ir.Value:
    """The address of one 64-bit word of a block."""
    index = number(place) if isinstance(place, int) else place
    return b.gep(pointer, [index], source_etype=kind)


def _declare(
    module: ir.Module, name: str, result: ir.Type, arguments: list[ir.Type]
) -> ir.Function:
    if name in module.globals:
        return module.globals[name]
    return ir.Function(module, ir.FunctionType(result, arguments), name)

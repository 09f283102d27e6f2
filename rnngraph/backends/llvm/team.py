"""Members of a team: where a procedure that several threads run waits for all of them.

The threads come from ``pool``. Between phases, and between kernels where a step is divided, members
wait for each other by spinning, which costs about a tenth of a microsecond; if that takes long,
they offer their core. Every member counts the barriers that it reached on a line of memory of its
own, and reads the others': a line has one writer, so the processor moves each just once.
"""

from __future__ import annotations

from llvmlite import ir

from .emitter import I64, POINTER, Emitter, number

LINE = 16  # words from one member's count to the next; those before the first are the pool's
INT32 = ir.IntType(32)
PATIENCE = 4096  # looks at a count before a waiting member offers its core
# the instruction that tells a processor that a thread only waits
HINT = ("llvm.aarch64.hint", [ir.Constant(INT32, 1)])
PAUSE = {"x86_64": ("llvm.x86.sse2.pause", []), "aarch64": HINT, "arm64": HINT}


def supported(triple: str) -> bool:
    """True where POSIX threads exist."""
    return not any(name in triple for name in ("windows", "wasm", "none"))


class Team:
    """The barrier of one module."""

    def __init__(self, module: ir.Module, triple: str) -> None:
        self.module, self.triple = module, triple
        self.yields = _declare(module, "sched_yield", INT32, [])
        self.barrier = self._write_barrier()

    def wait(
        self, emitter: Emitter, control: ir.Value, part: ir.Value, parts: ir.Value
    ) -> None:
        """Continue only when all members have come here."""
        b = emitter.builder
        with b.if_then(b.icmp_signed(">", parts, number(1))):
            b.call(self.barrier, [control, part, parts])

    def _write_barrier(self) -> ir.Function:
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        function = ir.Function(self.module, kind, "barrier")
        function.linkage = "internal"
        b = ir.IRBuilder(function.append_basic_block("entry"))
        emitter = Emitter(b, "f32", None)  # type: ignore[arg-type]  # it uses no lanes
        control, part, parts = function.args
        own = _count(b, control, part)
        reached = b.add(b.load(own, typ=I64), number(1))
        b.atomic_rmw("xchg", own, reached, "release")
        emitter.loop(
            number(0), parts, 1, lambda other: self._await(b, _count(b, control, other), reached)
        )
        b.ret_void()
        return function

    def _await(self, b: ir.IRBuilder, count: ir.Value, reached: ir.Value) -> None:
        """Look at a member's count until it is as far as this one's."""
        before = b.block
        look, patient, after = (b.append_basic_block(n) for n in ("look", "patient", "after"))
        b.branch(look)
        b.position_at_end(look)
        tries = b.phi(I64)
        value = b.load_atomic(count, "acquire", 8, typ=I64)
        b.cbranch(b.icmp_signed("<", value, reached), patient, after)
        b.position_at_end(patient)
        self._pause(b)
        with b.if_then(b.icmp_signed(">", tries, number(PATIENCE))):
            b.call(self.yields, [])
        tries.add_incoming(number(0), before)
        tries.add_incoming(b.add(tries, number(1)), b.block)
        b.branch(look)
        b.position_at_end(after)

    def _pause(self, b: ir.IRBuilder) -> None:
        found = PAUSE.get(self.triple.split("-")[0])
        if found:
            name, arguments = found
            kinds = [x.type for x in arguments]
            b.call(_declare(self.module, name, ir.VoidType(), kinds), arguments)


def _count(b: ir.IRBuilder, control: ir.Value, member: ir.Value) -> ir.Value:
    """The address of a member's count of barriers."""
    place = b.mul(b.add(member, number(1)), number(LINE))
    return b.gep(control, [place], source_etype=I64)


def _declare(
    module: ir.Module, name: str, result: ir.Type, arguments: list[ir.Type]
) -> ir.Function:
    if name in module.globals:
        return module.globals[name]
    return ir.Function(module, ir.FunctionType(result, arguments), name)

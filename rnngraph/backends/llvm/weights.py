"""Packing weights once per version of the parameters.

Every procedure keeps a copy of what its packed weights were made from. It compares, which costs
a fraction of packing, and packs again only what changed, so parameters may be new arrays or the
same ones changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

from ...schedule.grammar import Buffer, Role
from .emitter import I64, POINTER, Emitter, Stream, number
from .packing import HEADER

BIT = ir.IntType(1)


@dataclass(frozen=True)
class Packing:
    """A function that packs one group of weights, and what it reads and writes."""

    function: ir.Function
    streams: tuple[Stream, ...]
    sources: tuple[Buffer, ...]


def copy_name(label: str, source: Buffer) -> str:
    """The table entry of the copy of a weight's source that a procedure or phase keeps."""
    return f"copy {label} {source.name}"


def copy_size(source: Buffer) -> int:
    """Elements of such a copy, with its header."""
    return source.size + HEADER


def at_start(packing: Packing) -> bool:
    """True when all sources are the caller's arrays, known before the first phase."""
    return all(source.role is Role.GIVEN for source in packing.sources)


def write_refresh(module: ir.Module, open_emitter: Callable[[ir.Function], Emitter]) -> ir.Function:
    """``refresh(words, source, copy) -> changed``: compare, and renew the copy where it differs.

    The copy's header says whether it was ever made.
    """
    function = ir.Function(module, ir.FunctionType(BIT, [I64, POINTER, POINTER]), "refresh")
    function.linkage = "internal"
    emitter = open_emitter(function)
    words, source, copy = function.args
    changed = _differs(emitter, words, source, copy)
    with emitter.builder.if_then(changed):
        body = emitter.at(copy, number(HEADER))

        def move(i: ir.Value) -> None:
            emitter.store_scalar(emitter.load_scalar(emitter.at(source, i)), emitter.at(body, i))

        emitter.loop(number(0), words, 1, move)
        emitter.store_scalar(ir.Constant(emitter.format.element, 1.0), copy)
    emitter.builder.ret(changed)
    return function


def _differs(emitter: Emitter, words: ir.Value, source: ir.Value, copy: ir.Value) -> ir.Value:
    """Bits are compared, so that a NaN equals itself and -0.0 differs from 0.0."""
    b, lanes = emitter.builder, emitter.lanes(emitter.target.lanes(emitter.real))
    body = emitter.at(copy, number(HEADER))
    word = ir.IntType(emitter.format.bits)
    none, zero = ir.Constant(lanes.integer, [0] * lanes.width), ir.Constant(word, 0)
    whole = b.and_(words, number(-lanes.width))

    def difference(i: ir.Value, kind: ir.Type) -> ir.Value:
        x, y = (b.load(emitter.at(p, i), typ=kind, align=emitter.format.bytes)
                for p in (source, body))  # fmt: skip
        return b.xor(x, y)

    wide = emitter.loop(number(0), whole, lanes.width,
                        lambda i, seen: [b.or_(seen, difference(i, lanes.integer))],
                        [none])[0]  # fmt: skip
    rest = emitter.loop(whole, words, 1, lambda i, seen: [b.or_(seen, difference(i, word))], [zero])
    lanes_differ = b.bitcast(b.icmp_signed("!=", wide, none), ir.IntType(lanes.width))
    header = b.load(copy, typ=word, align=emitter.format.bytes)
    found = b.icmp_signed("!=", lanes_differ, ir.Constant(lanes_differ.type, 0))
    found = b.or_(found, b.icmp_signed("!=", rest[0], zero))
    return b.or_(found, b.icmp_signed("==", header, zero))


class Refresher:
    """Writes, into a procedure, the comparisons and the packing that they call for."""

    def __init__(
        self, emitter: Emitter, refresh: ir.Function, bases: dict[str, ir.Value], label: str
    ) -> None:
        self.emitter, self.refresh, self.bases, self.label = emitter, refresh, bases, label

    def compare(self, packings: Sequence[Packing]) -> dict[str, ir.Value]:
        """Whether each source changed, by buffer name."""
        sources = {s.name: s for packing in packings for s in packing.sources}
        return {name: self._changed(source) for name, source in sources.items()}

    def _changed(self, source: Buffer) -> ir.Value:
        copy = self.bases[copy_name(self.label, source)]
        words = number(source.size)
        return self.emitter.builder.call(self.refresh, [words, self.bases[source.name], copy])

    def pack(self, packing: Packing, changed: dict[str, ir.Value]) -> None:
        """Pack if any source changed."""
        builder = self.emitter.builder
        flag, *more = [changed[source.name] for source in packing.sources]
        for other in more:
            flag = builder.or_(flag, other)
        with builder.if_then(flag):
            pointers = [self.bases[name] for name, _ in packing.streams]
            builder.call(packing.function, [number(1), number(0), number(1), *pointers])

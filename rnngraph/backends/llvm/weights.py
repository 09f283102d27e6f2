"""Packing weights once per version of the parameters.

Every procedure keeps a digest of what its packed weights were made from. It reads the parameters
once more to compare, which costs a fraction of packing, and packs again only what changed, so
parameters may be new arrays or the same ones changed in place.

The digest is that of xxHash's rounds (Collet, https://xxhash.com) in many chains side by side, all
of which are kept: word after word, ``chain = rotate(chain ^ word, 13) * odd``. Every round is
one to one, so that a single number that changed always changes its chain; two that changed in the
same chain go unseen once in 2**32 times, and in different chains never.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import reduce

from llvmlite import ir

from ...schedule.grammar import Buffer, Role
from .emitter import I64, POINTER, Emitter, Stream, number
from .lanes import Splat

WORD = ir.IntType(32)
WORD_BYTES = 4
# elements before a digest: the first is not 0 once there is one, another is not 0 if it changed
HEADER, CHANGED = 16, 1
CHAINS = 8  # under way at once: a round takes several times as long as starting one
TURN, ODD = 13, 0x9E3779B1


@dataclass(frozen=True)
class Packing:
    """A function that packs one group of weights, and what it reads and writes."""

    function: ir.Function
    streams: tuple[Stream, ...]
    sources: tuple[Buffer, ...]


def digest_name(label: str, source: Buffer) -> str:
    """The table entry of the digest of a weight's source that a procedure or phase keeps."""
    return f"digest {label} {source.name}"


def digest_size(lanes: int) -> int:
    """Elements of a digest: its header, and chains of vectors of so many lanes."""
    return HEADER + CHAINS * lanes


def at_start(packing: Packing) -> bool:
    """True when all sources are the caller's arrays, known before the first phase."""
    return all(source.role is Role.GIVEN for source in packing.sources)


def write_refresh(module: ir.Module, open_emitter: Callable[[ir.Function], Emitter]) -> ir.Function:
    """``refresh(elements, source, digest)``: compare, and renew the digest.

    The digest's header says whether it was ever made, and whether that changed it.
    """
    kind = ir.FunctionType(ir.VoidType(), [I64, POINTER, POINTER])
    function = ir.Function(module, kind, "refresh")
    function.linkage = "internal"
    emitter = open_emitter(function)
    elements, source, digest = function.args
    words = emitter.mul(elements, number(emitter.format.bytes // WORD_BYTES))
    width = emitter.target.lanes("f32")
    _renew(emitter, digest, width, _chains(emitter, source, words, width))
    emitter.builder.ret_void()
    return function


def _chains(emitter: Emitter, source: ir.Value, words: ir.Value, width: int) -> list[ir.Value]:
    """All chains over a source: vectors of words in turn, and the words that are left in the
    first lane of the last."""
    b, vector = emitter.builder, ir.VectorType(WORD, width)
    whole = b.sub(words, b.srem(words, number(CHAINS * width)))

    def load(i: ir.Value, kind: ir.Type) -> ir.Value:
        return b.load(emitter.at(source, i, WORD), typ=kind, align=WORD_BYTES)

    def block(i: ir.Value, *chains: ir.Value) -> list[ir.Value]:
        places = [emitter.add(i, number(c * width)) for c in range(CHAINS)]
        return [_round(b, chain, load(place, vector))
                for chain, place in zip(chains, places, strict=True)]  # fmt: skip

    none = _filled(vector, 0)
    chains = emitter.loop(number(0), whole, CHAINS * width, block, [none] * CHAINS)
    lane = ir.Constant(WORD, 0)
    (rest,) = emitter.loop(whole, words, 1, lambda i, chain: [_round(b, chain, load(i, WORD))],
                           [b.extract_element(chains[-1], lane)])  # fmt: skip
    return [*chains[:-1], b.insert_element(chains[-1], rest, lane)]


def _round(b: ir.IRBuilder, chain: ir.Value, word: ir.Value) -> ir.Value:
    kind = chain.type
    met = b.xor(chain, word)
    turned = b.or_(b.shl(met, _filled(kind, TURN)), b.lshr(met, _filled(kind, 32 - TURN)))
    return b.mul(turned, _filled(kind, ODD))


def _filled(kind: ir.Type, value: int) -> ir.Constant:
    word = ir.Constant(WORD, value)
    return Splat(kind, word) if isinstance(kind, ir.VectorType) else word


def _renew(emitter: Emitter, digest: ir.Value, width: int, chains: Sequence[ir.Value]) -> None:
    """Store the chains, and note whether they differ from those that were there, if any were."""
    b, element = emitter.builder, emitter.format.element
    first = emitter.at(digest, number(HEADER))
    none = seen = _filled(chains[0].type, 0)
    for c, chain in enumerate(chains):
        place = emitter.at(first, number(c * width), WORD)
        seen = b.or_(seen, b.xor(chain, b.load(place, typ=chain.type, align=WORD_BYTES)))
        b.store(chain, place, align=WORD_BYTES)
    lanes = b.bitcast(b.icmp_signed("!=", seen, none), ir.IntType(width))
    differs = b.icmp_signed("!=", lanes, ir.Constant(lanes.type, 0))
    made, zero, one = emitter.load_scalar(digest), *(ir.Constant(element, v) for v in (0.0, 1.0))
    changed = b.or_(differs, b.fcmp_ordered("==", made, zero))
    emitter.store_scalar(one, digest)
    emitter.store_scalar(b.select(changed, one, zero), emitter.at(digest, number(CHANGED)))


class Refresher:
    """Writes, into a procedure, the comparisons and the packing that they call for."""

    def __init__(
        self,
        emitter: Emitter,
        refresh: ir.Function,
        bases: dict[str, ir.Value],
        label: str,
        member: tuple[ir.Value, ir.Value],
    ) -> None:
        """``member``: which of how many members of a team this is."""
        self.emitter, self.refresh, self.bases, self.label = emitter, refresh, bases, label
        self.member = member

    def compare(self, packings: Sequence[Packing]) -> None:
        """Note for each source whether it changed; the members of a team divide the sources."""
        sources = {s.name: s for packing in packings for s in packing.sources}
        for place, source in enumerate(sources.values()):
            with self._turn(place):
                words = [number(source.size), self.bases[source.name], self._digest(source)]
                self.emitter.builder.call(self.refresh, words)

    def pack(self, packings: Sequence[Packing]) -> None:
        """Pack where a source changed; the members divide the packings."""
        builder = self.emitter.builder
        for place, packing in enumerate(packings):
            with self._turn(place), builder.if_then(self._changed(packing)):
                pointers = [self.bases[name] for name, _ in packing.streams]
                builder.call(packing.function, [number(1), number(0), number(1), *pointers])

    def _turn(self, place: int) -> AbstractContextManager[object]:
        """What one member does, each of them in turn."""
        builder, (part, parts) = self.emitter.builder, self.member
        mine = builder.icmp_signed("==", builder.srem(number(place), parts), part)
        return builder.if_then(mine)  # type: ignore[no-any-return]

    def _changed(self, packing: Packing) -> ir.Value:
        emitter = self.emitter
        marks = [emitter.load_scalar(emitter.at(self._digest(source), number(CHANGED)))
                 for source in packing.sources]  # fmt: skip
        zero = ir.Constant(emitter.format.element, 0.0)
        flags = [emitter.builder.fcmp_ordered("!=", mark, zero) for mark in marks]
        return reduce(emitter.builder.or_, flags)

    def _digest(self, source: Buffer) -> ir.Value:
        return self.bases[digest_name(self.label, source)]

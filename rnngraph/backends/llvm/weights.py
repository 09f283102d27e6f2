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
from dataclasses import dataclass

from llvmlite import ir

from ...schedule.grammar import Buffer, Role
from .emitter import I64, POINTER, Emitter, Stream, number

BIT, WORD = ir.IntType(1), ir.IntType(32)
WORD_BYTES = 4
HEADER = 16  # elements before a digest; the first is not 0 once there is one
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
    """``refresh(elements, source, digest) -> changed``: compare, and renew the digest.

    The digest's header says whether it was ever made.
    """
    function = ir.Function(module, ir.FunctionType(BIT, [I64, POINTER, POINTER]), "refresh")
    function.linkage = "internal"
    emitter = open_emitter(function)
    elements, source, digest = function.args
    words = emitter.mul(elements, number(emitter.format.bytes // WORD_BYTES))
    width = emitter.target.lanes("f32")
    changed = _renewed(emitter, digest, width, _chains(emitter, source, words, width))
    emitter.builder.ret(changed)
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

    none = ir.Constant(vector, [0] * width)
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
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


def _renewed(
    emitter: Emitter, digest: ir.Value, width: int, chains: Sequence[ir.Value]
) -> ir.Value:
    """Store the chains; whether they differ from those that were there, if any were."""
    b, first = emitter.builder, emitter.at(digest, number(HEADER))
    none = ir.Constant(chains[0].type, [0] * width)
    seen = none
    for c, chain in enumerate(chains):
        place = emitter.at(first, number(c * width), WORD)
        seen = b.or_(seen, b.xor(chain, b.load(place, typ=chain.type, align=WORD_BYTES)))
        b.store(chain, place, align=WORD_BYTES)
    differs = b.bitcast(b.icmp_signed("!=", seen, none), ir.IntType(width))
    made = emitter.load_scalar(digest)
    emitter.store_scalar(ir.Constant(emitter.format.element, 1.0), digest)
    never = b.fcmp_ordered("==", made, ir.Constant(emitter.format.element, 0.0))
    return b.or_(b.icmp_signed("!=", differs, ir.Constant(differs.type, 0)), never)


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
        digest = self.bases[digest_name(self.label, source)]
        elements = number(source.size)
        return self.emitter.builder.call(self.refresh, [elements, self.bases[source.name], digest])

    def pack(self, packing: Packing, changed: dict[str, ir.Value]) -> None:
        """Pack if any source changed."""
        builder = self.emitter.builder
        flag, *more = [changed[source.name] for source in packing.sources]
        for other in more:
            flag = builder.or_(flag, other)
        with builder.if_then(flag):
            pointers = [self.bases[name] for name, _ in packing.streams]
            builder.call(packing.function, [number(1), number(0), number(1), *pointers])

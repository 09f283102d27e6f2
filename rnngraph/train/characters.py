"""What a trained character model is asked: nats per held-out character, and text of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..tasks.text import Streams, encode
from .loop import LOGITS, LOSS, Arrays, Model, reading


def nats_per_character(model: Model, params: Arrays, streams: Streams) -> float:
    """The mean of -ln p(character) over a held-out part, the state carried through it.

    Each of the parallel streams begins with a fresh state, so the number is a little too high
    rather than too low.
    """
    total, state = 0.0, None
    for index in range(len(streams)):
        y, state = model.run(params, streams.at(index).inputs, state,
                             outputs=(LOSS,))
        total += float(y[LOSS].sum(dtype=np.float64))
    return total / streams.targets


def sample(model: Model, params: Arrays, characters: str, *, length: int = 300, prime: str = "",
           temperature: float = 0.8, seed: int = 0) -> str:
    """`prime` and `length` characters drawn after it, from a seed.

    temperature scales the logits: 1 is the model's own distribution, 0 always takes the likeliest.
    An empty prime begins after a line end (or the first character, if there is none).
    Raises ValueError for a prime with characters that the model does not know.
    """
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}; it must be 0 or more")
    start = prime or ("\n" if "\n" in characters else characters[0])
    drawn = _draws(model, params, encode(start, characters), temperature, seed)
    return prime + "".join(characters[next(drawn)] for _ in range(length))


def _draws(model: Model, params: Arrays, start: np.ndarray, temperature: float, seed: int
           ) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    tokens, state = start[:, None], None
    while True:
        y, state = model.run(params, reading(tokens), state, outputs=(LOGITS,))
        choice = _choose(y[LOGITS][-1, 0], temperature, rng)
        yield choice
        tokens = np.full((1, 1), choice, start.dtype)


def _choose(logits: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    """One index drawn from softmax(logits / temperature), by the Gumbel-max trick."""
    if temperature == 0:
        return int(np.argmax(logits))
    return int(np.argmax(logits.astype(np.float64) / temperature + rng.gumbel(size=logits.shape)))

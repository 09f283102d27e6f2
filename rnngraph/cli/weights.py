"""``rnngraph weights``: parameters from and to modules of other packages, by a declared layout."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..adapters import LAYOUTS, Layout, from_state, save_state
from ..adapters.move import arranged, told
from ..adapters.spelling import places
from ..runtime.arrays import REAL
from .arguments import CELL_HELP, add_consts, consts_of, named_choices
from .files import Arrays, read_named, write_named
from .terminal import bold, dim, note

EPILOG = """\
Layers, directions and sizes are those that the arrays tell. Two biases become their sum; all else
keeps its bits. What was exported gives the same bits when it is imported again. Files are
.safetensors or .npz; .pt and .pth are read where PyTorch is installed, and nothing in them is run.
A checkpoint of 'rnngraph train' is exported like a file of parameters.

examples:
  rnngraph weights layouts                    what is known
  rnngraph weights layouts torch.LSTM         which gate lies where
  rnngraph weights import model.pt --from torch.LSTM -o params.safetensors
  rnngraph weights import big.safetensors --from torch.GRU --prefix encoder.rnn. -o params.npz
  rnngraph weights export params.safetensors --to torch.LSTM -o model.safetensors
"""
TENSORS = (".pt", ".pth")
NO_LAYOUT = "known layouts: rnngraph weights layouts"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``weights``."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add = partial(_action, actions)
    _add_move(add("import", "parameters of ours from a state dict", _import), "from")
    _add_move(add("export", "a state dict from parameters of ours", _export), "to")
    listing = add("layouts", "the layouts that are known, or one in full", _layouts)
    listing.add_argument("layout", nargs="?", type=_known, metavar="LAYOUT", help="one in full")


def _action(actions: Any, name: str, summary: str, act: Callable[[Namespace], int]) -> Any:
    action = actions.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    action.set_defaults(act=act)
    return action


def _add_move(action: ArgumentParser, way: str) -> None:
    action.add_argument("file", metavar="FILE", help="the arrays, by name")
    action.add_argument(
        f"--{way}", dest="layout", required=True, type=_known, metavar="LAYOUT", help=NO_LAYOUT
    )
    action.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=".safetensors or .npz"
    )
    action.add_argument(
        "--prefix", default="", help="what the module's names begin with in a larger model"
    )
    action.add_argument(
        "--cell", default="", metavar="CELL", help=f"one with the layout's parameters: {CELL_HELP}"
    )
    add_consts(action)
    if way == "from":
        action.add_argument("--dtype", choices=[*REAL], help="default: that of the arrays")


def _known(name: str) -> str:
    return named_choices(name, LAYOUTS, "layout")


def run(args: Namespace) -> int:
    """Do what was asked."""
    done: int = args.act(args)
    return done


# --- actions -----------------------------------------------------------------------------------


def _import(args: Namespace) -> int:
    compiled, params = from_state(
        _read(args.file), args.layout, prefix=args.prefix, consts=consts_of(args),
        dtype=args.dtype, cell=args.cell,
    )  # fmt: skip
    write_named(args.output, params)
    _say(args.output, params, f"{compiled.graph.title}, {compiled.dtype}")
    return 0


def _export(args: Namespace) -> int:
    layout = LAYOUTS[args.layout]
    found = read_named(args.file, "params")
    ours = {name: array for name, array in found.items()
            if name.rpartition(".")[2] in layout.params}  # fmt: skip
    if others := [name for name in found if name not in ours]:
        note(f"note: not exported from '{args.file}': {', '.join(others)}")
    there = places(ours)
    layers = 1 + max((place.layer or 0 for place in there), default=0)
    cell = arranged(args.cell or layout.cell, layers, any(place.way for place in there))
    wide = any(array.dtype.itemsize > 4 for array in ours.values())
    consts = consts_of(args)
    compiled = told(cell, ours, "f64" if wide else "f32", consts)
    theirs = save_state(compiled, ours, layout, prefix=args.prefix, consts=consts)
    write_named(args.output, theirs)
    _say(args.output, theirs, args.layout)
    return 0


def _layouts(args: Namespace) -> int:
    if args.layout:
        print("\n".join(_in_full(args.layout, LAYOUTS[args.layout])))
        return 0
    width = max(map(len, LAYOUTS))
    for name, layout in LAYOUTS.items():
        print(f"{bold(name.ljust(width))}  {layout.cell}{dim(_needs(layout))}")
    return 0


def _needs(layout: Layout) -> str:
    wanted = [f"{name}={value}" for name, value in layout.arguments.items()]
    wanted += [f"--const {name}=..." for name in layout.consts]
    return f"  ({', '.join(wanted)})" if wanted else ""


def _in_full(name: str, layout: Layout) -> list[str]:
    width = max(map(len, layout.params))
    return [
        f"{name}, cell {layout.cell}{_needs(layout)}",
        *(f"  {ours.ljust(width)} = {text}" for ours, text in layout.params.items()),
        *(f"  {block} must be {value}" for block, value in layout.fixed.items()),
    ]


def _say(path: str, arrays: Arrays, what: str) -> None:
    numbers = sum(array.size for array in arrays.values())
    note(f"wrote {path}: {len(arrays)} arrays, {numbers:,} numbers ({what})")


def _read(path: str) -> Mapping[str, Any]:
    """Arrays or tensors by name. Raises OSError, ImportError, or ValueError naming the file."""
    if Path(path).suffix.lower() not in TENSORS:
        return read_named(path, "params")
    try:
        import torch
    except ImportError:
        raise ImportError(
            f"'{path}' needs PyTorch to be read; without it, save the state dict as .safetensors"
        ) from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # PyTorch raises anything at a file that is none of its own
        kind = type(error).__name__
        raise ValueError(f"'{path}' is no file of tensors alone ({kind}); save a state dict") \
            from None  # fmt: skip
    if not isinstance(found, Mapping):
        raise ValueError(f"'{path}' holds {type(found).__name__}, expected a state dict")
    return found

"""The house: modules import only downwards, passes never each other, nothing hides an import.

A new room has to be entered here, at its floor. Imports for the type checker alone are free.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "rnngraph"

# from the ground up; rooms of one floor do not see each other
FLOORS = [
    ["source", "sizes", "settings", "extras", "files", "progress", "ops", "library"],
    ["entries"],
    ["syntax", "graph", "widths"],
    ["check", "verify", "rewrite", "activity", "components", "catalogue", "latex"],
    ["recurrence"],
    ["passes", "diagram"],
    ["schedule"],
    ["backends"],
    ["runtime"],
    ["compile"],
    # the faces, themselves one on top of the other
    ["compiled", "views", "inference"],
    ["cell"],
    ["arrangement"],
    ["inspect", "adapters"],
    ["tasks", "bench"],
    ["train", "comparison"],
    ["explain", "learn"],
    ["demo", "characters", "gallery"],
    ["cli"],
    ["__init__", "__main__"],
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}

# packages that are large or optional are imported when first needed
HEAVY = {"llvmlite", "networkx", "graphviz", "graphviz_pure", "pygraphviz", "matplotlib", "rich",
         "safetensors", "h5py", "pandas", "xarray", "torch", "torchrecurrent", "jax", "onnx",
         "onnxruntime"}  # fmt: skip
# and so are rooms that need such a package at once
HEAVY_ROOMS = ("rnngraph.backends.llvm", "rnngraph.bench")
LAZY = {"__init__"}  # what `import rnngraph` offers is imported when it is asked for

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ("rnngraph", *parts)


def imports(path: Path):
    """(module, is at the top of the file) for every import that runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for inner in ast.walk(node):
            for module in targets(inner, name_of(path)[:-1]):
                yield module, inner is node


def targets(node: ast.AST, package: tuple[str, ...]):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = ".".join([*base, *([node.module] if node.module else [])])
    if all(alias.name.startswith("__") for alias in node.names):
        return []  # such as __version__, which is there before anything is imported
    folder = PACKAGE.parent.joinpath(*module.split("."))
    submodules = [a.name for a in node.names if (folder / a.name).is_dir()
                  or (folder / f"{a.name}.py").exists()]  # fmt: skip
    return [f"{module}.{name}" for name in submodules] or [module]


def room(module: str) -> str:
    return [*module.split("."), "__init__"][1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(name_of(path)[1:]))
def test_imports_go_down(path):
    here = room(".".join(name_of(path)))
    assert here in FLOOR, f"enter '{here}' in FLOORS"
    for module, _ in imports(path):
        there = room(module)
        if not module.startswith("rnngraph") or there == here:
            continue
        allowed = here in LAZY or FLOOR[there] < FLOOR[here]
        assert allowed, f"{'.'.join(name_of(path))} imports {module}, which is not below it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(name_of(path)[1:]))
def test_no_import_hides_in_a_function(path):
    if room(".".join(name_of(path))) in LAZY:
        return
    for module, at_top in imports(path):
        heavy = module.split(".")[0] in HEAVY or module.startswith(HEAVY_ROOMS)
        assert at_top or heavy, f"{'.'.join(name_of(path))} hides an import of {module}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "passes").rglob("*.py")),
                         ids=lambda path: ".".join(name_of(path)[1:]))  # fmt: skip
def test_a_pass_never_imports_a_pass(path):
    own = name_of(path)[:3]
    for module, _ in imports(path):
        parts = tuple(module.split("."))
        if parts[:2] == ("rnngraph", "passes"):
            assert parts[:3] == own, f"{'.'.join(own)} imports {module}"


def test_the_table_holds_what_is_there():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert set(FLOOR) - rooms == set(), "FLOORS names rooms that are gone"


@pytest.mark.parametrize(("line", "expected"), [
    ("import rnngraph.cell", ["rnngraph.cell"]),
    ("from ..graph import Node", ["rnngraph.graph"]),
    ("from . import pin", ["rnngraph.passes.pin"]),
    ("from .pin import pin", ["rnngraph.passes.pin"]),
    ("x = 1", []),
])  # fmt: skip
def test_imports_are_understood(line, expected):
    assert targets(ast.parse(line).body[0], ("rnngraph", "passes")) == expected

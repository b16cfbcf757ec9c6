"""The part of Jinja and dbt that a model may use, read without running it.

Allowed are `ref`, `source`, `config`, `var`, `is_incremental` with constant
arguments, `this`, `if` and comments. Anything else of dbt or Jinja (macros,
loops, filters, `run_query`, `target`, ...) is refused by name and line, so
that no file means one thing to dbt and another to us. In what a model does for
a build by change alone, which dbt never renders, `replaced` and `written` are
the rows of another model as they were before this build and as they are now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from b24_pipeline.errors import ModelError

ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False)

BY_CHANGE = "by_change"
"""The variable that tells a model or test whether only what changed is looked at."""

REFERENCES = frozenset({"ref", "replaced", "written", "differences"})
FUNCTIONS = REFERENCES | {"source", "config", "var", "is_incremental"}
VALUES = frozenset({"this"})
SYNTAX = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Call,
    nodes.Keyword,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
)


@dataclass
class Uses:
    """What one file asks of the project; `compared` are the refs of which it asks for what was replaced or written."""

    refs: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    # those without a default
    variables: list[str] = field(default_factory=list)
    config: dict[str, object] = field(default_factory=dict)


def read_uses(text: str, path: Path) -> Uses:
    """Find every ref, source, var and config of a file; ModelError for anything unsupported."""
    tree = _parse(text, path)
    found = [
        tree,
        *tree.find_all(nodes.Node),
    ]  # walked once: Dagster reads every model at each start of a run
    calls = [node for node in found if isinstance(node, nodes.Call)]
    _refuse_unknown_syntax(found, calls, path)
    uses = Uses()
    for call in calls:
        _record(uses, call, path)
    return uses


def _parse(text: str, path: Path) -> nodes.Template:
    try:
        return ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise ModelError(f"{path}: line {error.lineno}: not supported: {error.message}") from error


def _refuse_unknown_syntax(found: Sequence[nodes.Node], calls: Sequence[nodes.Call], path: Path) -> None:
    called = {id(call.node) for call in calls}
    for node in found:
        if not isinstance(node, SYNTAX):
            raise _unsupported(path, node, f"Jinja's {type(node).__name__.lower()}")
        if isinstance(node, nodes.Name) and id(node) not in called and node.name not in VALUES:
            raise _unsupported(path, node, f"the name {node.name!r}")


def _record(uses: Uses, call: nodes.Call, path: Path) -> None:
    if not isinstance(call.node, nodes.Name) or call.node.name not in FUNCTIONS:
        raise _unsupported(path, call, f"calling {getattr(call.node, 'name', 'an expression')!r}")
    arguments = _constants(call, path)
    match call.node.name, arguments:
        case function, [str(name)] if function in REFERENCES and not call.kwargs:
            uses.refs.append(name)
            if function != "ref":
                uses.compared.append(name)
        case "source", [str(group), str(table)] if not call.kwargs:
            uses.sources.append((group, table))
        case "var", [str(name)] if not call.kwargs:
            uses.variables.append(name)
        case "var", [str(_), _] if not call.kwargs:
            pass  # it has a value wherever it is set nowhere
        case "config", []:
            uses.config |= {keyword.key: _constant(keyword.value, path) for keyword in call.kwargs}
        case "is_incremental", [] if not call.kwargs:
            pass
        case name, _:
            raise _unsupported(path, call, f"{name}() with these arguments")


def _constants(call: nodes.Call, path: Path) -> list[object]:
    if call.dyn_args is not None or call.dyn_kwargs is not None:
        raise _unsupported(path, call, "* or ** in a call")
    return [_constant(argument, path) for argument in call.args]


def _constant(node: nodes.Expr, path: Path) -> object:
    try:
        return node.as_const()
    except nodes.Impossible:
        raise _unsupported(path, node, "an argument that is no constant") from None


def _unsupported(path: Path, node: nodes.Node, construct: str) -> ModelError:
    return ModelError(
        f"{path}: line {node.lineno}: {construct} is not supported; "
        "a model may use ref, source, config, var, is_incremental, this and if"
    )

"""Which models to build: dbt's way of naming some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from b24_pipeline.errors import UsageError
from b24_pipeline.models.model import Model


def select_models(models: Mapping[str, Model], select: str | None) -> list[str]:
    """Names in building order. `+name` takes what it reads, `name+` what reads it, both to the end.

    Raises UsageError for a name that is neither a model nor a layer.
    """
    if select is None:
        return list(models)
    chosen: set[str] = set()
    for word in select.split():
        chosen |= _selected(models, word)
    return [name for name in models if name in chosen]


def parted(select: str, ours: Mapping[str, Model], own: Mapping[str, Model]) -> tuple[str | None, str | None]:
    """The words of a selection that name models of ours, and those that name models of the operator's.

    None for those of which no word is. Raises UsageError for a name that is in neither.
    """
    select_models({**ours, **own}, select)
    known = {name for model in ours.values() for name in (model.name, model.layer)}
    words: dict[bool, list[str]] = {True: [], False: []}
    for word in select.split():
        words[word.strip("+") in known].append(word)
    return " ".join(words[True]) or None, " ".join(words[False]) or None


def names_in(select: str) -> list[str]:
    """What the words of a selection name themselves, without what these read or what reads them."""
    return [word.strip("+") for word in select.split()]


def _selected(models: Mapping[str, Model], word: str) -> set[str]:
    name = word.strip("+")
    named = {model.name for model in models.values() if name in (model.name, model.layer)}
    if not named:
        layers = dict.fromkeys(model.layer for model in models.values())
        raise UsageError(
            f"no model or layer is called {name!r}; known: {', '.join([*layers, *sorted(models)])}"
        )
    chosen = set(named)
    if word.startswith("+"):
        chosen |= _closure(named, lambda each: models[each].depends_on)
    if word.endswith("+"):
        chosen |= _closure(named, lambda each: _readers(models, each))
    return chosen


def _readers(models: Mapping[str, Model], name: str) -> list[str]:
    return [model.name for model in models.values() if name in model.depends_on]


def _closure(start: set[str], neighbours: Callable[[str], Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(neighbours(name))
    return seen

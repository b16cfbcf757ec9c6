"""Gives our assets other keys, groups and tags, for a project of Dagster that they are embedded into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

Asset = dg.AssetsDefinition | dg.AssetSpec
Translate = Callable[[dg.AssetSpec], dg.AssetSpec]


@dataclass(frozen=True)
class Translated:
    """The assets and checks as a project sees them; `keys` are those that changed, ours and theirs as `a/b`."""

    assets: Sequence[Asset]
    checks: Sequence[dg.AssetChecksDefinition]
    keys: Mapping[str, str]


def translated(
    assets: Sequence[Asset], checks: Sequence[dg.AssetChecksDefinition], translate: Translate
) -> Translated:
    """The assets by `translate`, which is asked once for each; their dependencies and checks follow them.

    Raises dg.DagsterInvalidDefinitionError where two assets get one key.
    """
    ours = [
        spec for asset in assets for spec in ([asset] if isinstance(asset, dg.AssetSpec) else asset.specs)
    ]
    specs = {spec.key: translate(spec) for spec in ours}
    _refuse_same_keys(specs)
    keys = {key: spec.key for key, spec in specs.items() if spec.key != key}
    return Translated(
        [_asset(asset, specs, keys) for asset in assets],
        [check.with_attributes(asset_key_replacements=keys) for check in checks],  # type: ignore[misc] # same class
        {key.to_user_string(): theirs.to_user_string() for key, theirs in keys.items()},
    )


def _asset(
    asset: Asset, specs: Mapping[dg.AssetKey, dg.AssetSpec], keys: Mapping[dg.AssetKey, dg.AssetKey]
) -> Asset:
    if isinstance(asset, dg.AssetSpec):
        spec = specs[asset.key]
        deps = [dep._replace(asset_key=keys.get(dep.asset_key, dep.asset_key)) for dep in spec.deps]
        return spec.replace_attributes(deps=deps)
    with_our_keys = asset.map_asset_specs(lambda spec: specs[spec.key].replace_attributes(key=spec.key))
    return with_our_keys.with_attributes(asset_key_replacements=keys)


def _refuse_same_keys(specs: Mapping[dg.AssetKey, dg.AssetSpec]) -> None:
    by_theirs: dict[dg.AssetKey, dg.AssetKey] = {}
    for key, spec in specs.items():
        other = by_theirs.setdefault(spec.key, key)
        if other != key:
            raise dg.DagsterInvalidDefinitionError(
                f"the translation calls both {other.to_user_string()} and {key.to_user_string()}"
                f" {spec.key.to_user_string()}: every asset needs a key of its own"
            )

"""Whether a published composite is made of what is available now.

A composite's item says what it was made of: for each date the identity of its merges, which holds the scenes, their
versions and how they are warped, and one identity of everything else that decides its pixels (the recipe: definition,
parameters, algorithms). Search computes the same of what it finds, so that a look at one item tells whether the unit is
stale, and why, without a pixel being read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from stratocube.cube.identity import identity
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.products import blend_activity_id, composite_activity_id, composite_item_key, unit_blends

INPUTS = "stratocube:inputs"
RECIPE = "stratocube:recipe"

_CHARACTERS = 16
"""Of an identity: enough to tell two states of one date apart, and a year of dates stays below 10 KB."""

Merges = Mapping[str, Mapping[str, str]]
"""Identities of a unit's merges by date (ISO 8601) and band."""


@dataclass(frozen=True)
class Staleness:
    """How what is available differs from what is published."""

    published: bool = True
    new: tuple[str, ...] = ()
    """Dates (ISO 8601) with scenes now and none then."""
    gone: tuple[str, ...] = ()
    """Dates with scenes then and none now."""
    changed: tuple[str, ...] = ()
    """Dates with other scenes, or other versions of them."""
    recipe: bool = False
    """Definition, parameters or algorithms differ."""
    unrecorded: bool = False
    """The item does not say what it was made of."""

    @property
    def stale(self) -> bool:
        """Whether a build would publish something else than what is published."""
        return self.published and bool(self.new or self.gone or self.changed or self.recipe or self.unrecorded)

    def to_json(self) -> dict[str, Any]:
        """For the unit's record: ``stale``, ``published``, and the reasons there are."""
        reasons = {"new": list(self.new), "gone": list(self.gone), "changed": list(self.changed)}
        flags = {"recipe": self.recipe, "unrecorded": self.unrecorded}
        return {
            "stale": self.stale,
            "published": self.published,
            **{name: value for name, value in {**reasons, **flags}.items() if value},
        }

    @classmethod
    def between(cls, item: Mapping[str, Any] | None, inputs: Mapping[str, str], recipe: str) -> Self:
        """Of a published item (None: there is none) and what is available."""
        if item is None:
            return cls(published=False)
        properties = item.get("properties", {})
        then = properties.get(INPUTS)
        if not isinstance(then, Mapping):
            return cls(unrecorded=True)
        return cls(
            new=tuple(sorted(inputs.keys() - then.keys())),
            gone=tuple(sorted(then.keys() - inputs.keys())),
            changed=tuple(sorted(day for day in inputs.keys() & then.keys() if inputs[day] != then[day])),
            recipe=properties.get(RECIPE) != recipe,
        )


def input_properties(stack: Stack, unit: UnitPlan) -> dict[str, Any]:
    """What a composite's item says of its inputs."""
    dates = stack.work.read_json(BuildKeys(unit.plan.build_id).dates(str(unit.unit)))
    merges = {entry["date"]: entry["merges"] for entry in dates}
    return {INPUTS: inputs_of(merges), RECIPE: recipe_of(unit)}


def ends_unit(stack: Stack, unit: UnitPlan, merges: Merges) -> bool:
    """Record how stale the unit is, where its build looks for that.

    Returns:
        Whether there is nothing more to do for the unit: its build is a dry run, or the unit is not stale.
    """
    options, build_id, unit_id = unit.plan.options, unit.plan.build_id, str(unit.unit)
    if options.skip_current and unit.plan.definition.composite_function == "IDT":
        return not merges
    if not (options.only_stale or options.skip_current):
        return False
    found = stack.products.read_versioned_json(composite_item_key(unit))
    staleness = Staleness.between(found[0] if found else None, inputs_of(merges), recipe_of(unit))
    stack.builds.set_staleness(build_id, unit_id, staleness.to_json())
    if options.skip_current and not staleness.published:
        # What was never published is built, as soon as there is a scene to make it of.
        return not merges
    return options.dry_run or not staleness.stale


def inputs_of(merges: Merges) -> dict[str, str]:
    """By date, one identity of all merges of the date."""
    return {day: identity("inputs", of_day)[:_CHARACTERS] for day, of_day in sorted(merges.items())}


def recipe_of(unit: UnitPlan) -> str:
    """Identity of the composite but for its inputs."""
    blends = {blend.band: blend_activity_id(unit, blend, ()) for blend in unit_blends(unit)}
    return composite_activity_id(unit, blends)[:_CHARACTERS]

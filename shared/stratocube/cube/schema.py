"""What the request models have in common: strict fields, safe names, and errors a caller can act on."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from stratocube.errors import InvalidRequest

MAX_METADATA_BYTES: Final = 65_536
"""Free-form metadata is copied into every STAC item's collection: a page of text, not a data set."""

_MAX_METADATA_DEPTH: Final = 32
_SHOWN: Final = 60


class StrictModel(BaseModel):
    """Base of everything parsed from a caller: immutable, and a field it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Self:
        """The checked value of a JSON object.

        Raises:
            InvalidRequest: naming the first field at fault (``bands.2.nodata``), the reason and the remedy.
        """
        if not isinstance(mapping, Mapping):
            raise InvalidRequest(f"must be a JSON object, got {shown(mapping)}")
        try:
            return cls.model_validate(dict(mapping))
        except ValidationError as error:
            raise _invalid_request(error, cls) from None

    def to_json(self) -> dict[str, Any]:
        """The JSON form, without fields that were not given: ``parse(x.to_json()) == x``."""
        return self.model_dump(mode="json", exclude_unset=True)


def refuse(code: str, message: str) -> PydanticCustomError:
    """An error for a pydantic validator to raise: the field is known from where it is raised."""
    return PydanticCustomError("stratocube_" + code, "{message}", {"message": message})


def at(error: InvalidRequest, field: str) -> InvalidRequest:
    """The same error, one level further out: its field below ``field``."""
    return InvalidRequest(error.reason, field=f"{field}.{error.field}" if error.field else field)


def _no_bool(value: object) -> object:
    # pydantic reads true as 1: in a band definition that is a slip, not a number
    if isinstance(value, bool):
        raise refuse("number", f"must be a number, got {shown(value)}")
    return value


def _bool(value: object) -> object:
    if not isinstance(value, bool):
        raise refuse("flag", f"must be true or false, got {shown(value)}")
    return value


def plain_json(value: object) -> dict[str, Any]:
    """A JSON object of bounded size and depth, as it is: the check of every free-form field."""
    if not isinstance(value, dict):
        raise refuse("object", f"must be a JSON object, got {shown(value)}")
    _check_depth(value)
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise refuse("json", "must hold plain JSON: text, finite numbers, lists and objects only") from None
    if len(text) > MAX_METADATA_BYTES:
        raise refuse("size", f"is {len(text)} characters of JSON, at most {MAX_METADATA_BYTES} are kept: shorten it")
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(_MAX_METADATA_DEPTH):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, (list, tuple)):
                inner.extend(item)
        if not inner:
            return
        level = inner
    raise refuse("depth", f"is nested more than {_MAX_METADATA_DEPTH} levels deep: flatten it")


MAX_VERSION: Final = 999
"""Three digits: the legacy path form writes ``v001``."""

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
_DOTTED: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_TILE: Final = r"^[0-9]{6}$"

Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool)]

MAX_COST: Final = 10_000_000
"""US dollars a request may allow. Whoever would allow more sets no limit."""
Flag = Annotated[bool, BeforeValidator(_bool)]
Text = Annotated[str, StringConstraints(max_length=4096)]
Version = Annotated[Whole, Field(ge=1, le=MAX_VERSION)]
CubeName = Annotated[str, StringConstraints(pattern=_NAME, max_length=64)]
"""Becomes part of S3 keys, file names and item ids: letters, digits, hyphen, underscore."""
GridName = Annotated[str, StringConstraints(pattern=_NAME, max_length=64)]
BandName = Annotated[str, StringConstraints(pattern=_NAME, max_length=32)]
SourceName = Annotated[str, StringConstraints(pattern=_DOTTED, max_length=128)]
"""A collection, secret or asset name somebody else chose: dots are usual there."""
TileId = Annotated[str, StringConstraints(pattern=_TILE)]
Metadata = Annotated[dict[str, Any], BeforeValidator(plain_json)]


_PATTERN_REMEDY: Final = {
    _NAME: "use letters, digits, hyphen and underscore, beginning with a letter or digit",
    _DOTTED: "use letters, digits, dot, hyphen and underscore, beginning with a letter or digit",
    _TILE: "a tile id is three digits of column and three of row, such as 011009",
}


_MESSAGES: Final = {
    "missing": "is required",
    "literal_error": "must be one of {expected}, got {given}",
    "tuple_type": "must be a list, got {given}",
    "dict_type": "must be an object, got {given}",
    "model_type": "must be an object, got {given}",
    "string_type": "must be text, got {given}",
    "string_too_long": "must be at most {max_length} characters, got {given}",
    "too_short": "must hold at least {min_length}, got {actual_length}",
    "too_long": "must hold at most {max_length}",
    "int_type": "must be a whole number, got {given}",
    "int_parsing": "must be a whole number, got {given}",
    "int_parsing_size": "must be a whole number, got {given}",
    "int_from_float": "must be a whole number, got {given}",
    "float_type": "must be a number, got {given}",
    "float_parsing": "must be a number, got {given}",
    "finite_number": "must be a finite number, got {given}",
    "greater_than": "must be larger than {gt}, got {given}",
    "greater_than_equal": "must be {ge} or more, got {given}",
    "less_than_equal": "must be {le} or less, got {given}",
}
"""pydantic's error types in the words of this project."""


def _invalid_request(error: ValidationError, model: type[BaseModel]) -> InvalidRequest:
    """The first error of a validation as one a caller can act on; the others are named."""
    details = error.errors(include_url=False)
    first, rest = details[0], details[1:]
    message = _message(first, model)
    # a list that is short because entries of it were refused is no second fault
    others = [name for name in dict.fromkeys(map(_field, rest)) if name and not _field(first).startswith(name)]
    if others:
        message += f" (also at fault: {', '.join(others[:5])})"
    return InvalidRequest(message, field=_field(first))


def _field(detail: ErrorDetails) -> str:
    return ".".join(str(part)[:64] for part in detail["loc"])


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context, given = detail["type"], detail.get("ctx") or {}, shown(detail["input"])
    if kind.startswith("stratocube_"):
        return detail["msg"]
    if kind == "extra_forbidden":
        return _unknown(str(detail["loc"][-1]), known=fields_below(model, detail["loc"][:-1]))
    if kind == "string_pattern_mismatch":
        return f"{_PATTERN_REMEDY.get(context['pattern'], 'has a form that is not allowed')}, got {given}"
    form = _MESSAGES.get(kind)
    if form is None:
        return f"{detail['msg']}, got {given}"
    return form.format(given=given, **context)


def _unknown(name: str, *, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"unknown field: did you mean {close[0]!r}?"
    return f"unknown field: leave it out (known are {', '.join(sorted(known))})"


def fields_below(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The names a JSON object at ``location`` below a model may hold, as far as the model says."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int) or current is None:
            continue
        info = current.model_fields.get(part)
        current = _model_in(info.annotation) if info is not None else None
    return [] if current is None else list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _model_in(arg))), None)


def shown(value: object) -> str:
    """A value as an error message may show it: short, and never the inside of an object."""
    if isinstance(value, int) and value.bit_length() > _SHOWN:
        return "a very large number"
    if isinstance(value, (dict, list, tuple)):
        return f"a list of {len(value)}" if isinstance(value, (list, tuple)) else "an object"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

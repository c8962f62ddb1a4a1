"""TOML text -> ExperimentSpec, or one sentence that names the key that is wrong.

Knows no training. The only place where an experiment's file is opened.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from medres.errors import SpecError
from medres.training.spec import SCHEMA_VERSION, ExperimentSpec

KIND = "experiment"


def read_experiment(path: Path | str) -> ExperimentSpec:
    """Read and check an experiment's TOML file.

    Args:
        path: the file.

    Returns:
        The experiment.

    Raises:
        SpecError: `E_SPEC_FORMAT` where it is no TOML, `E_SPEC_UNKNOWN_KEY` for a key that is not known,
            `E_SPEC` for a value that is not valid or missing.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = f"the {KIND} file must be readable text, got {type(error).__name__}"
        raise SpecError("E_SPEC_FORMAT", told, "check the path of the TOML file") from None
    return parse_experiment(text)


def parse_experiment(text: str) -> ExperimentSpec:
    """Check an experiment's TOML text.

    Args:
        text: TOML.

    Returns:
        The experiment.

    Raises:
        SpecError: as `read_experiment`.

    Example:
        >>> try:
        ...     parse_experiment("epochs = 3")
        ... except SpecError as error:
        ...     error.code
        'E_SPEC_UNKNOWN_KEY'
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError("E_SPEC_FORMAT", f"the {KIND} file must be TOML: {error}") from None
    _check_version(values.get("schema_version", SCHEMA_VERSION))
    try:
        return ExperimentSpec.model_validate(values)
    except ValidationError as error:
        raise _explain(error) from None


def _check_version(found: Any) -> None:
    """Refuse a file of a newer form before its keys are called unknown."""
    if not isinstance(found, int) or not 1 <= found <= SCHEMA_VERSION:
        told = f"schema_version of the {KIND} file must be 1 to {SCHEMA_VERSION}, got {str(found)[:20]!r}"
        raise SpecError("E_SPEC_VERSION", told)


def _explain(error: ValidationError) -> SpecError:
    """Turn pydantic's list of faults into one sentence: an unknown key first, else the first fault."""
    faults = error.errors(include_url=False)
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    fault = (unknown or faults)[0]
    place = ".".join(str(part) for part in fault["loc"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if unknown:
        known = _known_keys(tuple(fault["loc"][:-1]))
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        cure = f"did you mean {near[0]!r}? known keys: " if near else "known keys: "
        return SpecError("E_SPEC_UNKNOWN_KEY", f"the {KIND} file has no key {place!r}{more}", cure + ", ".join(known))
    told = fault["msg"].removeprefix("Value error, ")
    is_told = fault["type"] == "missing" or ", got " in told or isinstance(fault["input"], dict)  # a whole table
    got = "" if is_told else f", got {str(fault['input'])[:60]!r}"
    return SpecError("E_SPEC", f"{KIND} key {place or 'as a whole'!r}: {told}{got}{more}")


def _known_keys(place: tuple[Any, ...]) -> list[str]:
    """List the keys that a table of the file may have; a union's tables are told apart by their kind."""
    model: Any = ExperimentSpec
    for part in place:
        model = _step(model, str(part))
    return list(model.model_fields)


def _step(model: Any, part: str) -> Any:
    """Go from a spec to the spec of one of its fields, or into the branch of a union whose kind is named."""
    if part in getattr(model, "model_fields", {}):
        model = model.model_fields[part].annotation
        options = _models_in(model)
        return options[0] if len(options) == 1 else model
    branches = [option for option in _models_in(model) if option.model_fields["kind"].default == part]
    return branches[0] if branches else model


def _models_in(annotation: Any) -> list[Any]:
    """Find the specs among an annotation's alternatives."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models_in(inner)]

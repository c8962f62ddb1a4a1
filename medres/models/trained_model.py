"""A TrainedModel folder <-> TrainedModel: weights and all that is needed to use them, proved by digests.

Knows files and shapes; knows no scan. Nothing that is missing is filled with a default: what is absent is None, and
what needs it says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from medres.errors import ModelError
from medres.models.card import write_model_card
from medres.models.folder import WEIGHTS, sha256, write_folder
from medres.models.scope import ScopeSpec
from medres.models.skeleton import build_loaded_network, check_weights
from medres.models.spec import SCHEMA_VERSION, TrainedModelSpec
from medres.preprocessing.spec import Frozen

DESCRIPTION = "trained_model.json"
CARD = "MODEL_CARD.md"
MEMBERS = "members"

Spec = TypeVar("Spec", bound=Frozen)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model as it was saved, every digest checked.

    Attributes:
        folder: where it lies.
        spec: the content of `trained_model.json`.
        digest: SHA-256 (hex) of `trained_model.json`, and through it of every file.
        state_dict: the weights by name.
        scope: `scope.json`, or None.
        training_data: `training_data.json`, or None.
        explanation: `explanation.json`, or None.
        golden: `golden.json`, or None.
        members: of an ensemble, in order, each a whole model; its `state_dict` is then empty.
    """

    folder: Path
    spec: TrainedModelSpec
    digest: str
    state_dict: Mapping[str, Tensor]
    scope: dict[str, Any] | None
    training_data: dict[str, Any] | None
    explanation: dict[str, Any] | None
    golden: dict[str, Any] | None
    members: tuple[TrainedModel, ...] = ()

    def read_file(self, name: str) -> bytes:
        """Read a file that belongs to the model, such as "validation.csv", and check it once more.

        Args:
            name: a key of `spec.files`.

        Returns:
            Its bytes.

        Raises:
            ModelError: E_MODEL_MISSING when the model has no such file, E_MODEL_DIGEST when it was altered.
        """
        if name not in self.spec.files:
            raise ModelError("E_MODEL_MISSING", f"this model was saved without {name}", "train it again, or do without")
        return _read_checked(self.folder, name, self.spec.files[name])


def save_trained_model(
    folder: Path,
    spec: TrainedModelSpec,
    state_dict: Mapping[str, Tensor],
    extras: Mapping[str, bytes | dict[str, Any]] | None = None,
) -> TrainedModel:
    """Write a TrainedModel folder, whole or not at all, and read it back.

    Args:
        folder: where it goes; an older TrainedModel there is replaced.
        spec: its description; `files` is filled here.
        state_dict: the weights by name.
        extras: further files by name, bytes or JSON: "scope.json", "golden.json", "training_data.json", ...

    Returns:
        The model as loaded from the disk.

    Raises:
        ModelError: E_MODEL_SHAPE when weights and spec disagree.
        StoreError: E_DISK_FULL or E_WRITE; nothing half-written stays.
    """
    check_weights(spec.network, state_dict)
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state_dict.items()}
    return _write(folder, spec, {WEIGHTS: safetensors.torch.save(plain)} | _to_bytes(extras))


def save_ensemble(
    folder: Path,
    spec: TrainedModelSpec,
    members: Sequence[TrainedModel],
    extras: Mapping[str, bytes | dict[str, Any]] | None = None,
) -> TrainedModel:
    """Write several TrainedModels as one, whole or not at all, and read it back.

    Args:
        folder: where it goes; an older TrainedModel there is replaced.
        spec: its description; `members` and `files` are filled here.
        members: models of the same labels, modality and channels; copied into `members/0`, `members/1`, ...
        extras: further files by name, bytes or JSON.

    Returns:
        The ensemble as loaded from the disk.

    Raises:
        ModelError: E_MODEL_MEMBERS when members do not belong together.
        StoreError: E_DISK_FULL or E_WRITE; nothing half-written stays.
    """
    check_members(spec, members)
    spec = spec.model_copy(update={"members": {str(n): member.digest for n, member in enumerate(members)}})
    return _write(folder, spec, _to_bytes(extras), _member_files(members))


def _member_files(members: Sequence[TrainedModel]) -> dict[str, bytes]:
    """Read every file of the members, checked, under their new names."""
    found: dict[str, bytes] = {}
    for number, member in enumerate(members):
        place = f"{MEMBERS}/{number}"
        found |= {f"{place}/{name}": member.read_file(name) for name in member.spec.files}
        found[f"{place}/{DESCRIPTION}"] = _read_checked(member.folder, DESCRIPTION, member.digest)
    return found


def check_members(spec: TrainedModelSpec, members: Sequence[TrainedModel]) -> None:
    """Refuse members that do not answer the same question about the same kind of scan.

    Args:
        spec: of the ensemble.
        members: to check.

    Raises:
        ModelError: E_MODEL_MEMBERS.
    """
    if len(members) < 2 or any(member.members for member in members):
        nested = sum(bool(member.members) for member in members)
        told = f"an ensemble needs 2 plain members or more, got {len(members)} ({nested} of them ensembles)"
        raise ModelError("E_MODEL_MEMBERS", told)
    for name in ("label_names", "positive_label", "modality"):
        _compare_members(name, getattr(spec, name), [getattr(member.spec, name) for member in members])
    shown = [member.spec.preprocessing for member in members]
    _compare_members("channels", spec.preprocessing.channels, [one.channels for one in shown])
    _compare_members("kind of scan", spec.preprocessing.is_for_pictures, [one.is_for_pictures for one in shown])


def _compare_members(name: str, wanted: Any, found: Sequence[Any]) -> None:
    other = sum(value != wanted for value in found)
    if other:
        what = name.replace("_", " ")
        told = f"members must have the {what} of the ensemble, got {other} of {len(found)} with others"
        raise ModelError("E_MODEL_MEMBERS", told)


def extend_trained_model(model: TrainedModel, extras: Mapping[str, bytes | dict[str, Any]]) -> TrainedModel:
    """Add files to a TrainedModel folder, or replace some; its digest changes, its weights do not.

    Args:
        model: as loaded.
        extras: files by name, bytes or JSON, such as "evaluation.json" or "explanation.json".

    Returns:
        The model as loaded again.
    """
    kept = {name: model.read_file(name) for name in model.spec.files if name != CARD}
    return _write(model.folder, model.spec, kept | _to_bytes(extras), _member_files(model.members))


def _write(
    folder: Path, spec: TrainedModelSpec, files: dict[str, bytes], below: Mapping[str, bytes] | None = None
) -> TrainedModel:
    """Write files, card and description, and the files of members below."""
    files = dict(files)
    files.setdefault(CARD, write_model_card(spec, files).encode())
    spec = TrainedModelSpec.model_validate(
        spec.model_dump() | {"files": {name: sha256(content) for name, content in sorted(files.items())}}
    )
    described = {DESCRIPTION: _to_json(spec.model_dump(mode="json"))}
    write_folder(folder, {**files, **described, **(below or {})}, marker=DESCRIPTION)
    return load_trained_model(folder)


def load_trained_model(folder: Path) -> TrainedModel:
    """Read a TrainedModel folder and prove that it is the one that was saved.

    Args:
        folder: with `trained_model.json`.

    Returns:
        The model; optional files that it was saved without are None.

    Raises:
        ModelError: E_MODEL_MISSING, E_MODEL_SCHEMA, E_MODEL_DIGEST or E_MODEL_SHAPE.
    """
    folder = Path(folder)
    text = _read_description(folder)
    spec = _parse_spec(text)
    found = {name: _read_checked(folder, name, digest) for name, digest in spec.files.items()}
    members = _load_members(folder, spec)
    state_dict = {} if members else _parse_weights(found)
    if not members:
        check_weights(spec.network, state_dict)
    names = ("scope", "training_data", "explanation", "golden")
    optional = {name: _parse_json(found.get(f"{name}.json")) for name in names}
    if optional["scope"] is not None:
        _validate(ScopeSpec, optional["scope"], "scope.json")
    return TrainedModel(
        folder=folder, spec=spec, digest=sha256(text), state_dict=state_dict, members=members, **optional
    )


def read_spec(folder: Path) -> TrainedModelSpec:
    """Read what a TrainedModel folder says of itself, without weights and without proof.

    Args:
        folder: with `trained_model.json`.

    Returns:
        Its description, such as for a list of models.

    Raises:
        ModelError: E_MODEL_MISSING or E_MODEL_SCHEMA.
    """
    return _parse_spec(_read_description(Path(folder)))


def _read_description(folder: Path) -> bytes:
    return _read(folder, DESCRIPTION, "the folder has no trained_model.json", None)


def _load_members(folder: Path, spec: TrainedModelSpec) -> tuple[TrainedModel, ...]:
    """Load the members of an ensemble and prove that they are its own; () for a plain model."""
    members = tuple(load_trained_model(folder / MEMBERS / name) for name in spec.members)
    for (name, digest), member in zip(spec.members.items(), members, strict=True):
        if member.digest != digest:
            start = f"starts with {member.digest[:8]} instead of {digest[:8]}"
            raise ModelError("E_MODEL_DIGEST", f"the SHA-256 of member {name} {start}")
    if members:
        check_members(spec, members)
    return members


def build_trained_network(model: TrainedModel) -> nn.Module:
    """Build the model's network with its weights, in eval mode.

    Args:
        model: as loaded.

    Returns:
        A module; gradients are off for its parameters. An ensemble has none of its own: ask its members.
    """
    return build_loaded_network(model.spec.network, model.state_dict)


def _to_bytes(extras: Mapping[str, bytes | dict[str, Any]] | None) -> dict[str, bytes]:
    """Write what is not yet bytes as JSON."""
    return {name: part if isinstance(part, bytes) else _to_json(part) for name, part in (extras or {}).items()}


def _to_json(content: Mapping[str, Any]) -> bytes:
    """Write JSON that reads well and is the same every time."""
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _read(folder: Path, name: str, missing: str, cure: str | None) -> bytes:
    """Read one file, or say that it is not there."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ModelError("E_MODEL_MISSING", missing, cure) from None
    except OSError as fault:
        raise ModelError("E_MODEL_MISSING", f"{name} cannot be read ({fault.strerror})", cure) from None


def _read_checked(folder: Path, name: str, digest: str) -> bytes:
    """Read one file and compare its digest."""
    content = _read(folder, name, f"the model's file {name} is missing", "copy the model folder again")
    if sha256(content) != digest:
        start = f"starts with {sha256(content)[:8]} instead of {digest[:8]}"
        raise ModelError("E_MODEL_DIGEST", f"the SHA-256 of {name} ({len(content)} bytes) {start}")
    return content


def _parse_spec(text: bytes) -> TrainedModelSpec:
    """Read the description of this version."""
    content = _parse_json(text) or {}
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ModelError("E_MODEL_SCHEMA", f"schema_version must be {SCHEMA_VERSION}, got {version!r}")
    return _validate(TrainedModelSpec, content, DESCRIPTION)


def _validate(kind: type[Spec], content: dict[str, Any], name: str) -> Spec:
    """Read a description as a spec; one sentence names the first fault."""
    try:
        return kind.model_validate(content)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or name
        raise ModelError("E_MODEL_SCHEMA", f"{place}: {first['msg']} ({fault.error_count()} fault(s) in all)") from None


def _parse_json(text: bytes | None) -> dict[str, Any] | None:
    """Read a JSON object; None stays None."""
    if text is None:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError("E_MODEL_SCHEMA", f"a description of {len(text)} bytes is not JSON") from None
    if not isinstance(content, dict):
        raise ModelError("E_MODEL_SCHEMA", f"a description must be a JSON object, got a {type(content).__name__}")
    return content


def _parse_weights(files: Mapping[str, bytes]) -> dict[str, Tensor]:
    """Read the weights from bytes whose digest was checked."""
    if WEIGHTS not in files:
        raise ModelError("E_MODEL_SCHEMA", f"files must name {WEIGHTS}, got {len(files)} other file(s)")
    try:
        return safetensors.torch.load(files[WEIGHTS])
    except SafetensorError:
        raise ModelError("E_WEIGHTS_FILE", f"{WEIGHTS} ({len(files[WEIGHTS])} bytes) is no safetensors file") from None

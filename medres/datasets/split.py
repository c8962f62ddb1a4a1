"""Manifest -> Split: train, validation and test, folds, or nested folds; a patient never stands in two.

Opens no scan. The split depends on what the manifest says and on the seed, never on the order of its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.stratify import UNBALANCED, assign_parts, connected_groups
from medres.errors import DatasetError

Kind = Literal["parts", "folds", "nested"]
LEAK_GROUP = "leak_group"  # column that `medres audit --fix groups` writes; always kept together


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows are learnt from and which judged by.

    Attributes:
        parts: name to row keys: train, validation, test; or fold_0, fold_1, ...; nested: also fold_0/inner_0, ...,
            which share out what fold_0 leaves.
        manifest_digest: of the manifest it was made for.
        seed: None where the split was imported.
        method: how it was made, in words.
        kind: "parts", "folds" or "nested".
        grouped_by: columns whose values stay together.
        balance: part to rows, patients and share of each label.
        notes: where the groups made a balance impossible, in words.
    """

    parts: Mapping[str, tuple[str, ...]]
    manifest_digest: str
    seed: int | None = None
    method: str = ""
    kind: Kind = "parts"
    grouped_by: tuple[str, ...] = ()
    balance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def rows(self, manifest: Manifest, part: str) -> tuple[ManifestRow, ...]:
        """Give the rows of a part, in the split's order.

        Args:
            manifest: the one it was made for.
            part: a name in `parts`.

        Raises:
            DatasetError: `E_SPLIT_FORMAT` for an unknown part, `E_SPLIT_DIGEST` for another manifest.
        """
        if part not in self.parts:
            raise DatasetError(
                "E_SPLIT_FORMAT", f"part must be one of {', '.join(self.parts)}, got {part!r}", "name one of them"
            )
        check_digest(self, manifest)
        return tuple(manifest.by_key[key] for key in self.parts[part])

    @property
    def fold_names(self) -> tuple[str, ...]:
        """Names of the (outer) folds; empty for a split into parts."""
        return tuple(name for name in self.parts if self.kind != "parts" and "/" not in name)

    def fold(self, number: int, inner: int | None = None) -> Split:
        """Turn one fold into train, validation and test.

        Args:
            number: the fold that is the test part, from 0.
            inner: the inner fold that is the validation part; None takes inner fold 0 of a nested split, and the next
                fold of a plain one.

        Raises:
            DatasetError: `E_SPLIT_FORMAT` where there is no such fold, or no fold is left to train on.
        """
        names = self.fold_names
        if not 0 <= number < len(names):
            raise DatasetError(
                "E_SPLIT_FORMAT", f"fold must be 0 to {len(names) - 1}, got {number}", "name one of them"
            )
        test = names[number]
        rest = (
            [n for n in self.parts if n.startswith(f"{test}/")]
            if self.kind == "nested"
            else [n for n in names if n != test]
        )
        if self.kind != "nested" and len(rest) < 2:
            told = f"folds must be at least 3 to train on one, validate on one and test on one, got {len(names)}"
            raise DatasetError("E_SPLIT_FORMAT", told, "medres split --folds 5 makes five")
        chosen = (inner or 0) if self.kind == "nested" else number % len(rest) if inner is None else inner
        if not 0 <= chosen < len(rest):
            raise DatasetError(
                "E_SPLIT_FORMAT", f"inner fold must be 0 to {len(rest) - 1}, got {chosen}", "name one of them"
            )
        train = tuple(key for n in rest if n != rest[chosen] for key in self.parts[n])
        parts = {"train": train, "validation": self.parts[rest[chosen]], "test": self.parts[test]}
        method = f"{self.method}; fold {number}, validation {rest[chosen]}"
        return Split(parts, self.manifest_digest, self.seed, method, "parts", self.grouped_by)


def check_digest(split: Split, manifest: Manifest) -> None:
    """Refuse a split that was made for another manifest.

    Args:
        split: to check.
        manifest: to check it against.

    Raises:
        DatasetError: `E_SPLIT_DIGEST`, with the numbers of keys that differ.
    """
    if split.manifest_digest == manifest.digest:
        return
    keys = {key for part in split.parts.values() for key in part}
    gone, new = len(keys - manifest.by_key.keys()), len(manifest.by_key.keys() - keys)
    raise DatasetError(
        "E_SPLIT_DIGEST",
        f"the split must be of this manifest (digest {manifest.digest[:12]}), got one of {split.manifest_digest[:12]}: "
        f"{gone} of its scans are not here, {new} scans here are not in it, the others changed in label, group or note",
    )


def build_split(
    manifest: Manifest,
    *,
    test: float = 0.2,
    validation: float = 0.2,
    folds: int = 0,
    inner_folds: int = 0,
    group_columns: Sequence[str] = (),
    seed: int = 0,
) -> Split:
    """Split by patient, stratified by label.

    Args:
        manifest: with patients.
        test: share of the rows, in [0, 1); read when `folds` is 0; a share of 0 leaves the part out.
        validation: the same.
        folds: k folds instead of three parts; 0 for parts.
        inner_folds: folds within what each fold leaves (nested); 0 for none.
        group_columns: further columns whose values stay together, such as ("site",).
        seed: same seed, same split.

    Returns:
        The split, with the balance achieved and notes where the groups made a balance impossible.

    Raises:
        DatasetError: `E_SPLIT_TOO_FEW`, `E_MANIFEST_COLUMN` or `E_SPLIT_FORMAT`.

    Example:
        >>> from pathlib import Path
        >>> rows = [ManifestRow(n, f"p{n // 2}", {"image": Path(f"{n}.png")}, "ab"[n % 2]) for n in range(20)]
        >>> split = build_split(Manifest(tuple(rows), Path(".")), test=0.2, validation=0.2, seed=0)
        >>> {name: len(keys) for name, keys in split.parts.items()}
        {'train': 12, 'validation': 4, 'test': 4}
    """
    shares = _wanted_shares(test, validation, folds, inner_folds)
    grouping = _grouping(manifest, group_columns)
    rows = tuple(sorted(manifest.rows, key=lambda row: row.key))
    parts = _share_out(rows, grouping, shares, seed)
    kind: Kind = "parts"
    if folds:
        kind = "nested" if inner_folds else "folds"
        for number, name in enumerate(tuple(parts) if inner_folds else ()):
            rest = tuple(row for other in shares if other != name for row in parts[other])
            inner = {f"{name}/inner_{k}": 1 / inner_folds for k in range(inner_folds)}
            parts |= _share_out(tuple(sorted(rest, key=lambda r: r.key)), grouping, inner, seed + 1 + number)
    keys = {name: tuple(row.key for row in members) for name, members in parts.items()}
    balance = {name: describe_part(members) for name, members in parts.items()}
    method = f"stratified by label, grouped by {', '.join(grouping)}; largest groups first, chi-square distance"
    return Split(
        keys, manifest.digest, seed, method, kind, grouping, balance, _balance_notes(balance, shares, len(rows))
    )


def _wanted_shares(test: float, validation: float, folds: int, inner_folds: int) -> dict[str, float]:
    if folds:
        if folds < 2 or inner_folds == 1 or inner_folds < 0:
            raise DatasetError(
                "E_SPLIT_FORMAT",
                f"folds must be at least 2, got {folds} and {inner_folds} inner ones",
                "ask for 2 or more",
            )
        return {f"fold_{k}": 1 / folds for k in range(folds)}
    if inner_folds:
        raise DatasetError(
            "E_SPLIT_FORMAT", f"inner folds need outer ones, got 0 and {inner_folds}", "give --folds too"
        )
    if not (0 <= test < 1 and 0 <= validation < 1 and test + validation < 1):
        raise DatasetError(
            "E_SPLIT_FORMAT",
            f"shares must lie in [0, 1) and leave something to train on, got {test} and {validation}",
            "lower --test or --validation",
        )
    shares = {"train": 1 - test - validation, "validation": validation, "test": test}
    return {name: share for name, share in shares.items() if share > 0}


def _grouping(manifest: Manifest, group_columns: Sequence[str]) -> tuple[str, ...]:
    if not manifest.has_patients:
        raise DatasetError("E_MANIFEST_COLUMN", "a split needs patient_id, got a manifest without it")
    for column in group_columns:
        if not any(row.value(column) for row in manifest.rows):
            raise DatasetError(
                "E_MANIFEST_COLUMN",
                f"the column to group by must be filled, got nothing in {column!r}",
                "name a column of the manifest",
            )
    own = (LEAK_GROUP,) if LEAK_GROUP in manifest.columns else ()
    return tuple(dict.fromkeys(("patient_id", *own, *group_columns)))


def group_rows(rows: Sequence[ManifestRow], grouping: Sequence[str]) -> NDArray[np.int64]:
    """Number the groups that must stay together.

    Args:
        rows: to group.
        grouping: columns; rows that share a value of any of them belong together, empty values join nothing.

    Returns:
        (n,) group numbers.
    """
    keys = (tuple((column, row.value(column)) for column in grouping if row.value(column)) for row in rows)
    return connected_groups(keys)


def _share_out(
    rows: Sequence[ManifestRow], grouping: Sequence[str], shares: Mapping[str, float], seed: int
) -> dict[str, list[ManifestRow]]:
    groups = group_rows(rows, grouping)
    names = sorted({row.label for row in rows})
    label = {name: index for index, name in enumerate(names)}
    counts = np.zeros((int(groups.max()) + 1, len(names)), np.int64)
    np.add.at(counts, (groups, np.array([label[row.label] for row in rows])), 1)
    _check_enough(counts, names, len(shares))
    part_of_group = assign_parts(counts, tuple(shares.values()), seed)
    parts: dict[str, list[ManifestRow]] = {name: [] for name in shares}
    order = tuple(shares)
    for row, group in zip(rows, groups, strict=True):
        parts[order[part_of_group[group]]].append(row)
    return parts


def _check_enough(counts: NDArray[np.int64], names: Sequence[str], parts: int) -> None:
    if len(counts) < parts:
        raise DatasetError(
            "E_SPLIT_TOO_FEW", f"there must be a patient (or group) for each of {parts} parts, got {len(counts)}"
        )
    for name, groups in zip(names, (counts > 0).sum(axis=0), strict=True):
        if groups < parts:
            raise DatasetError(
                "E_SPLIT_TOO_FEW",
                f"label {name!r} must have a patient (or group) for each of {parts} parts, got {groups}",
            )


def describe_part(rows: Sequence[ManifestRow]) -> dict[str, Any]:
    """Count a part's rows, patients and labels.

    Args:
        rows: of the part.

    Returns:
        {"rows": n, "patients": n, "labels": {label: n}}.
    """
    labels: dict[str, int] = defaultdict(int)
    for row in rows:
        labels[row.label] += 1
    patients = len({row.patient_id for row in rows} - {""})
    return {"rows": len(rows), "patients": patients, "labels": dict(sorted(labels.items()))}


def _balance_notes(balance: Mapping[str, Any], shares: Mapping[str, float], total: int) -> tuple[str, ...]:
    overall: dict[str, int] = defaultdict(int)
    for name in shares:
        for label, count in balance[name]["labels"].items():
            overall[label] += count
    notes = []
    for name, share in shares.items():
        held = balance[name]
        if abs(held["rows"] / total - share) > UNBALANCED:
            notes.append(
                f"{name} holds {held['rows'] / total:.0%} of the rows, wanted {share:.0%}: the groups are too large"
            )
        for label, count in overall.items():
            got = held["labels"].get(label, 0) / max(1, held["rows"])
            if abs(got - count / total) > UNBALANCED:
                notes.append(f"{label} makes {got:.0%} of {name} and {count / total:.0%} overall: no better was found")
    return tuple(notes)

"""Folders -> evaluations, audits and manifests that medres wrote there: what each is, and its main numbers.

Knows the files' own words; knows no scan. Nothing is opened that is too large or of another kind, and nothing from
inside a manifest but counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medres.datasets.manifest import read_manifest
from medres.errors import MedresError
from medres.results.evaluation_tables import say_name

LARGEST = 50 * 2**20  # bytes of a document
DEEPEST = 4  # folders below the one that is searched
MOST_FOLDERS = 2000
EVALUATION, AUDIT, MANIFEST = "evaluation.json", "audit.json", "manifest.csv"
PAGES = {EVALUATION: "report.html", AUDIT: "audit.html"}
KINDS = {EVALUATION: "evaluation", AUDIT: "audit", MANIFEST: "manifest"}


@dataclass(frozen=True)
class Document:
    """Something that medres wrote about data or a model.

    Attributes:
        kind: "evaluation", "audit" or "manifest".
        title: what it is about.
        facts: by name, in their order; text.
        numbers: by name, in words: (value, lower, upper, n), each None where it is undefined.
        model_digest: of the model it is about, or "".
        page: its HTML report beside it, or None.
        plots: PNG files beside it, by name.
    """

    kind: str
    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, tuple[float | None, float | None, float | None, int | None]] = field(default_factory=dict)
    model_digest: str = ""
    page: Path | None = None
    plots: tuple[Path, ...] = ()


def find_documents(folders: Iterable[Path]) -> tuple[Document, ...]:
    """Look for documents in folders and below them.

    Args:
        folders: where to look; links are not followed.

    Returns:
        Each document once: evaluations first.
    """
    paths = sorted({path for folder in folders for path in _files(folder.resolve())})
    found = [one for one in map(_read, paths) if one is not None]
    return tuple(sorted(found, key=lambda one: (list(KINDS.values()).index(one.kind), one.title)))


def _files(folder: Path) -> Iterator[Path]:
    queue, seen = [(folder, 0)], 0
    while queue and seen < MOST_FOLDERS:
        place, depth = queue.pop(0)
        seen += 1
        try:
            entries = sorted(place.iterdir())
        except OSError:
            continue
        yield from (path for path in entries if path.name in KINDS and path.is_file() and not path.is_symlink())
        if depth < DEEPEST:
            queue += [(path, depth + 1) for path in entries if path.is_dir() and not path.is_symlink()]


def _read(path: Path) -> Document | None:
    """Read one file; None where it is not what its name says."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        return _manifest(path) if path.name == MANIFEST else _json(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MedresError):
        return None


def _json(path: Path) -> Document | None:
    told = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        return None
    page = path.with_name(PAGES[path.name])
    found = page if page.is_file() else None
    if path.name == AUDIT:
        return _audit(told, found)
    return _evaluation(told, found, tuple(sorted(path.parent.glob("*.png")))) if told["kind"] == "evaluation" else None


def _evaluation(told: Mapping[str, Any], page: Path | None, plots: tuple[Path, ...]) -> Document:
    model, data = told.get("model") or {}, told["data"]
    facts = {
        "Model": " ".join(str(model.get(name, "")) for name in ("name", "version")).strip() or "scores without a model",
        "Scans": f"{data['n']} ({data['n_positive']} with {data.get('positive', 'the finding')})",
        "Patients": str(data.get("n_patients") or "not known"),
        "Source": str(data.get("source", "")),
    }
    numbers = {
        say_name(str(name)): (one.get("value"), one.get("lower"), one.get("upper"), one.get("n"))
        for name, one in told["headline"].items()
        if isinstance(one, dict)
    }
    title, digest = str(told.get("title") or facts["Model"]), str(model.get("digest", ""))
    return Document("evaluation", title, facts, numbers, digest, page, plots)


def _audit(told: Mapping[str, Any], page: Path | None) -> Document:
    counts = {name.replace("_", " ").capitalize(): str(value) for name, value in told.items() if _is_count(value)}
    lists = {name.replace("_", " ").capitalize(): str(len(one)) for name, one in told.items() if isinstance(one, list)}
    return Document("audit", "Audit of a manifest", counts | lists, page=page)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _manifest(path: Path) -> Document:
    manifest = read_manifest(path, need_patients=False, check_files=False)
    labels = Counter(row.label or "none" for row in manifest.rows)
    facts = {
        "Scans": str(len(manifest.rows)),
        "Patients": str(len({row.patient_id for row in manifest.rows})),
        "Labels": ", ".join(f"{count} {label}" for label, count in sorted(labels.items())),
        "Modality": ", ".join(sorted({row.modality or "not given" for row in manifest.rows})),
    }
    return Document("manifest", "Manifest", facts)

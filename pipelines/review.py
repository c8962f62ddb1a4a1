"""medres review verify, medres review export: the trail proved; readings as a manifest and a report of agreement."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from medres.errors import StoreError
from medres.io.privacy import load_site_key
from medres.results.writing import replacing
from medres.review.decisions import progress_of
from medres.review.export import agreement_report, export_manifest, with_pseudonyms
from medres.review.store import FILE, ReviewStore
from medres.review.trail import read_head
from medres.review.worklist import open_worklist
from pipelines.console import EXIT_OK, say


def run(action: str, **options: Any) -> int:
    """Do what was asked for: "verify" or "export"."""
    return verify(**options) if action == "verify" else export(**options)


def verify(store: str, head: str | None = None, key_file: Path | None = None) -> int:
    """Prove a trail and print its head, to be kept elsewhere.

    Args:
        store: results folder, review file or database URL.
        head: printed earlier; the trail must still hold it.
        key_file: the site's key; None takes its own.

    Returns:
        Exit status.
    """
    known = read_head(head) if head else None
    with closing(_open(store, key_file)) as opened:
        today = opened.verify(known)
    entries = "1 entry" if today.count == 1 else f"{today.count} entries"
    say(f"{entries}, none changed, removed or cut off" + (" since the head that was given" if head else ""))
    say(f"head: {today}")
    return EXIT_OK


def export(store: str, folder: Path | None, out: Path, key_file: Path | None = None) -> int:
    """Write manifest.csv and agreement.json from readings; the trail is proved first.

    Args:
        store: results folder, review file or database URL.
        folder: results or scans that were read; None takes `store` where it is a results folder.
        out: folder to write into.
        key_file: the site's key; None takes its own.

    Returns:
        Exit status.
    """
    with closing(_open(store, key_file)) as opened:
        opened.verify()
        progress = progress_of(opened.entries())
    report = agreement_report(with_pseudonyms(progress, load_site_key(key_file)))
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "agreement.json", "the agreement report") as draft:
        draft.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    done = export_manifest(open_worklist(folder or Path(store)), progress, out / "manifest.csv")
    say(f"manifest.csv: {done.rows} scans; left out: {done.unsure} unsure, {done.disputed} disputed")
    if done.unknown:
        say(f"{done.unknown} studies with a reading are not in this folder")
    if done.without_patient:
        say(f"{done.without_patient} scans name no patient: each counts as a patient of its own, check before a split")
    readers = len(report["readers"])
    say(f"agreement.json: {readers} reader{'' if readers == 1 else 's'}")
    return EXIT_OK


def _open(store: str, key_file: Path | None) -> ReviewStore:
    """Open a store that is there already; nothing is made by looking."""
    if "://" in store:
        return ReviewStore(store, load_site_key(key_file))
    path = Path(store)
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise StoreError("E_REVIEW_EMPTY", "there is no review store at this place")
    return ReviewStore(path, load_site_key(key_file))

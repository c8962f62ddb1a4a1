"""`medres weights`: sources of starting weights -> files that are proved, and tables of what loading would give."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from medres.errors import MedresError, ModelError
from medres.models.download import VARIABLE, fetch, find_start, find_weights, known_digest, weights_folder
from medres.models.registry import build_network
from medres.models.sources import SOURCES, find_source
from medres.models.spec import NetworkSpec
from medres.models.transfer import LoadingRecord, check_numbers, check_record, match_weights
from medres.models.weight_file import WeightFile, open_weights
from pipelines import console

FULL_DIGEST = 64  # hex digits of a SHA-256


def run(action: str, names: list[str] | None = None, **options: Any) -> int:
    """Do one of list, fetch, verify and inspect."""
    if action == "list":
        return say_sources()
    if action == "fetch":
        return fetch_all(names or [])
    return verify_all(names or []) if action == "verify" else inspect(names[0] if names else "", **options)


def say_sources() -> int:
    """List the sources, and where fetched files are kept."""
    folder = weights_folder()
    rows = [
        [
            source.name,
            f"{source.network} {source.spatial_dims}D",
            "yes" if (folder / source.file_name).is_file() else "no",
            _say_digest(known_digest(source)),
            source.citation,
        ]
        for source in SOURCES.values()
    ]
    console.table("", ["name", "network", "here", "SHA-256", "paper"], rows)
    for layout, licence, expects in dict.fromkeys((s.layout, s.licence, s.expects) for s in SOURCES.values()):
        console.say(f"{layout} layout: expects {expects}")
        console.say(f"  licence: {licence}")
    console.say(f"files are kept in the folder that {VARIABLE} names, else in the user's cache (medres/weights)")
    return console.EXIT_OK


def fetch_all(names: list[str]) -> int:
    """Fetch one after the other; all names are looked up first."""
    for source in [find_source(name) for name in names]:
        before = known_digest(source)
        with console.progress(source.name) as advance:
            path = fetch(source, lambda done, total: advance(done >> 20, (total or done) >> 20, "MiB"))
        pinned = "" if before else ", pinned now: no digest is published, it must stay this one"
        console.say(f"{source.name}: {path.name}, SHA-256 {known_digest(source)}{pinned}")
        console.say(f"  licence: {source.licence}")
    return console.EXIT_OK


def verify_all(names: list[str]) -> int:
    """Prove each file that is here, or each that is named."""
    chosen = [find_source(name) for name in names]
    if not names:
        chosen = [source for source in SOURCES.values() if (weights_folder() / source.file_name).is_file()]
    failed = 0
    for source in chosen:
        try:
            find_weights(source)
            console.say(f"{source.name}: as published or pinned, SHA-256 {_say_digest(known_digest(source))}")
        except MedresError as fault:
            failed += 1
            console.say_error(fault)
    console.say(f"{len(chosen) - failed} of {len(chosen)} files are what they should be")
    return console.EXIT_SOME_REFUSED if failed else console.EXIT_OK


def inspect(name: str, network: str | None, **options: Any) -> int:
    """Say what a file holds; with a network, what it would get from it."""
    path = find_start(name, Path())
    found = open_weights(path)
    sizes = sum(tensor.numel() for tensor in found.tensors.values())
    kinds = Counter(name.split(".")[0] for name in found.tensors)
    console.say(f"layout    {found.layout}, convolutions in {found.spatial_dims or 'no'}D")
    console.say(f"SHA-256   {found.digest}")
    part = f" in its part {found.part}" if found.part else ""
    console.say(f"holds     {len(found.tensors)} tensors, {sizes:,} numbers{part}")
    console.say(f"parts     {', '.join(f'{part} ({count})' for part, count in kinds.items())}")
    return console.EXIT_OK if network is None else _show_loading(found, network, options)


def _show_loading(found: WeightFile, name: str, options: dict[str, Any]) -> int:
    """Draw the table of what loading would do, then say whether it would be refused."""
    carry = options["carry"]
    built = build_network(_spec(found, name, options))
    record, fitted = match_weights(built, found, carry=carry)
    say_loading(record)
    check_record(record, built)
    check_numbers(fitted)
    console.say(f"{name} would start from this file")
    return console.EXIT_OK


def _spec(found: WeightFile, name: str, options: dict[str, Any]) -> NetworkSpec:
    """Describe the network that is asked for."""
    carry = options["carry"]
    if carry not in (None, "inflate", "acs"):
        raise ModelError("E_USAGE", f"--carry must be inflate or acs, got {carry!r}", "use --carry inflate")
    facts = {key: options[key] for key in ("shortcut", "stem", "width")}
    dims = options["dims"] or (3 if carry else found.spatial_dims or 2)
    counts = {"in_channels": options["channels"], "label_count": options["labels"]}
    try:
        return NetworkSpec.model_validate(
            facts | counts | {"name": name, "spatial_dims": dims, "convolution": "acs" if carry == "acs" else "plain"}
        )
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "network"
        raise ModelError("E_USAGE", f"{place}: {first['msg']}, got {first['input']!r}"[:200], "see --help") from None


def say_loading(record: LoadingRecord) -> None:
    """Show what starting weights gave, or would give."""
    rows = [[what, str(count), names] for what, count, names in record.rows()]
    title = f"starting weights ({record.layout} layout): {100 * record.coverage:.1f} % of the backbone"
    console.table(title, ["", "names", "which"], rows)


def _say_digest(digest: str) -> str:
    """Say how much of a digest is known."""
    if not digest:
        return "pinned when fetched"
    return f"{digest[:12]}..." if len(digest) == FULL_DIGEST else f"{digest} (its first digits)"

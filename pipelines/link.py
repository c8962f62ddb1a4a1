"""medres link: a pseudonym -> the patient it stands for, on this site's machine only."""

from __future__ import annotations

from pathlib import Path

from medres.io.privacy import find_link, load_site_key
from pipelines.console import EXIT_OK, EXIT_SOME_REFUSED, err, say


def run(key: str, key_file: Path | None) -> int:
    """Print the identifier behind a pseudonym; exit status 3 where this site never saw it."""
    site_key = load_site_key(key_file)
    identifier = find_link(site_key, key)
    if identifier is None:
        err.print(f"no patient of this site (key {site_key.fingerprint}) has this pseudonym", markup=False)
        return EXIT_SOME_REFUSED
    say(identifier)
    return EXIT_OK

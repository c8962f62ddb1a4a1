"""The viewer: asks and draws; every computation lives in medres."""

"""A room of the house; see medres/__init__.py."""

"""Commands: each a short recipe of medres calls. `cli.py` registers them; configs/ holds experiments."""

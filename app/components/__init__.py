"""What stands on a page and is ours: the reading canvas."""

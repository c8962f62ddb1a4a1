"""A folder of studies -> one row for each series."""

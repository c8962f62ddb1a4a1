"""One row per series, and what was decided about it: SQLite, exported as CSV, Parquet and JSON."""

from medres.ledger.export import export_csv, export_json, export_parquet
from medres.ledger.row import STATUSES, LedgerRow, Status
from medres.ledger.store import Ledger

__all__ = ["STATUSES", "Ledger", "LedgerRow", "Status", "export_csv", "export_json", "export_parquet"]

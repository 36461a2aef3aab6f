"""The store on SQLite (default) or PostgreSQL (to scale): one schema, one behaviour."""

from beffroi.adapters.sql.store import SqlStore, open_store, restore_store

__all__ = ["SqlStore", "open_store", "restore_store"]

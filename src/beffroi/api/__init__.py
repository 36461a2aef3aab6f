"""The management API: who may read and do what with the hub over HTTP. Knows nothing of pages."""

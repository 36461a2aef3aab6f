"""Reports of inhabitants: received, read, answered, made safe. See docs/reports.md."""

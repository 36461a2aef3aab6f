"""From findings to alarms that people handle: none lost, none closed without a decision."""

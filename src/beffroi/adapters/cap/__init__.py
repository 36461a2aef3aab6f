"""Alerts of authorities as signed XML: Common Alerting Protocol 1.2 with XML Signature."""

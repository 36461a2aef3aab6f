"""Consultations of inhabitants whose count anybody can do again."""

"""Carries notices: into a file that always works, and by SMTP when a server is configured."""

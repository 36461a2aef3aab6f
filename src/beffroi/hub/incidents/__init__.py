"""The incident desk: procedure sheets, clocks of legal deadlines, drafts of notices, exercises."""

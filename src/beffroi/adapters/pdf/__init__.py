"""Papers as PDF by typst, set in a child process with limits."""

"""Photos of strangers, decoded in a process that can do nothing else."""

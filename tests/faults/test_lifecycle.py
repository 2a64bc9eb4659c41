"""Ordinary and violent ends of a process: what is written, what may be lost, and what the file says of it."""

"""Threads, tasks, signal handlers and finalisers end spans at any moment; every one is accounted for."""

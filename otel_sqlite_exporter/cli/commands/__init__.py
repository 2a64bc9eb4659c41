"""One module for each command, with a click command named ``command``; loaded when it is run."""

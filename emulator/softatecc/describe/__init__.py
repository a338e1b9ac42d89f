"""The chip in words: what a command asks, what a configuration permits, what a trace tells."""

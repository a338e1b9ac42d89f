"""A software ATECC608A: the chip as its bus sees it, and a trace of why it answered so."""

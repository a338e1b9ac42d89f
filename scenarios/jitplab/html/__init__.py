"""Pages for a browser: self-contained, without a script, without a request; readable in light and dark."""

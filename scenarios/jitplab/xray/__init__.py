"""The X-ray: where every byte of a certificate came from, and what is wrong with those that differ."""

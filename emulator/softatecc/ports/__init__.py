"""Shells that serve parts to programs nobody modified: TCP, `/dev/i2c-N`, kit protocol.

Rules of this folder:
1. Everything listens on the loopback address alone.
2. A client that sends nonsense, too little or too fast gets its own connection closed and nothing else.
3. What a part changed for good is on disk before the client reads the answer.
"""

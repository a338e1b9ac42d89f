"""State that survives: registries, retained messages and persistent sessions in one SQLite file.

Rules of this package:
1. What is told in one turn of the event loop is written by one commit, before any of it is acknowledged.
2. A file that is damaged, foreign, newer than this version or in use is refused with one sentence.
3. Without ``--state`` nothing of this is loaded.
"""

"""A small Django site for tests/bench/memory.py: entries with tags in SQLite, pages from templates, a form, sessions, and
Django's own admin and authentication. JOURNAL_DB names the database; `python -m journal.make_data` fills it.
"""

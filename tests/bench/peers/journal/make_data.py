"""python -m journal.make_data: a new database at $JOURNAL_DB with 500 entries, the same ones every time."""

import os

import django


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "journal.settings")
    django.setup()
    from django.core.management import call_command

    from journal.models import Entry, Tag

    call_command("migrate", run_syncdb=True, verbosity=0)
    tags = [Tag.objects.create(name=name) for name in ("garden", "kitchen", "travel", "work", "weather")]
    Entry.objects.bulk_create(
        Entry(title=f"Entry {number}", text=f"What happened on day {number}. " * 20) for number in range(1, 501)
    )
    for found in Entry.objects.all():
        found.tags.set([tags[found.pk % 5], tags[found.pk // 5 % 5]])


main()

"""The words that the notes are made of: topics with their things, places and doings, and the
patterns that are filled with them."""

TOPICS = {
    "garden": {
        "things": [
            "tomatoes", "the beans", "runner beans", "garlic", "the compost heap", "the pear tree",
            "chard", "the rain barrel", "potatoes", "the herb bed", "raspberries",
            "the cold frame",
        ],
        "places": [
            "behind the shed", "along the south wall", "in the raised bed", "next to the path",
            "under the window",
        ],
        "doings": [
            "watered", "pruned", "moved", "mulched", "weeded around", "covered", "thinned out",
        ],
        "findings": [
            "came up two weeks late", "did better than last year", "had slugs again",
            "needs more sun", "survived the frost", "should have been tied up earlier",
            "liked the rain",
        ],
    },
    "kitchen": {
        "things": [
            "the sourdough", "lentil soup", "plum cake", "the rye loaf", "pickled cucumbers",
            "potato salad", "the apple sauce", "flat bread", "leek tart", "the stock",
            "quince jelly", "barley risotto",
        ],
        "places": [
            "in the small oven", "in the heavy pot", "overnight in the cellar",
            "on the lowest rack", "with a lid on",
        ],
        "doings": [
            "baked", "salted", "tried", "halved the recipe for", "warmed up", "kneaded", "tasted",
        ],
        "findings": [
            "needs ten minutes more", "was too salty", "is best on the second day",
            "turned out flat", "got praise from everybody", "wants less sugar", "keeps for a week",
        ],
    },
    "bicycle": {
        "things": [
            "the rear brake", "the chain", "the blue bicycle", "the dynamo", "the front tyre",
            "the saddle", "the gear cable", "the bottom bracket", "the luggage rack",
            "the headset", "a spoke", "the bell",
        ],
        "places": [
            "in the yard", "at the co-op workshop", "on the way home", "before the tour",
            "at the ferry",
        ],
        "doings": [
            "cleaned", "adjusted", "replaced", "greased", "tightened", "patched", "took apart",
        ],
        "findings": [
            "creaks only when it is wet", "is fine again", "was worn out",
            "came loose after a day", "costs less than I thought", "needs the 15 mm spanner",
            "runs without a sound",
        ],
    },
    "computing": {
        "things": [
            "the backup script", "the mail server", "the old laptop", "the router",
            "the photo archive", "the cron job", "the database dump", "the web server",
            "the printer", "the monitoring", "the disk", "the certificate",
        ],
        "places": [
            "on the small machine", "over ssh", "in the test system", "during lunch",
            "from the train",
        ],
        "doings": [
            "restarted", "upgraded", "measured", "rewrote", "debugged", "documented", "moved",
        ],
        "findings": [
            "was waiting for DNS", "is twice as fast now", "had filled the disk",
            "needs a timeout", "worked the first time", "logged to the wrong file",
            "ran as root for no reason",
        ],
        "code": [
            "df -h /srv | tail -1", "journalctl -u backup --since yesterday",
            "rsync -a --delete photos/ attic:photos/", "sqlite3 notes.db 'PRAGMA integrity_check'",
            "find . -size +100M -mtime +90",
            "for f in *.jpg; do\n    exiftool -q \"$f\" || echo \"$f\"\ndone",
        ],
    },
    "walks": {
        "things": [
            "the ridge path", "the long way round the lake", "the old railway line", "the valley",
            "the lighthouse", "the forest loop", "the quarry", "the chapel on the hill",
            "the moor", "the river bank", "the ferry", "the view from the tower",
        ],
        "places": [
            "in thick fog", "with the children", "after the rain", "from the station",
            "before breakfast",
        ],
        "doings": [
            "walked", "found", "missed", "photographed", "sketched", "showed Ida", "came back to",
        ],
        "findings": [
            "is steeper than the map says", "was full of cranes", "takes three hours with a rest",
            "is closed until May", "had no soul on it", "ends at a good café", "floods in spring",
        ],
    },
    "books": {
        "things": [
            "the history of salt", "that novel about the lighthouse", "the essays",
            "the atlas of lost cities", "the book on knots", "the biography", "the second volume",
            "the field guide", "the letters", "the crime novel", "the poems",
            "the handbook of repair",
        ],
        "places": ["on the train", "in two evenings", "by the stove", "out loud", "in the library"],
        "doings": ["read", "finished", "gave up on", "lent out", "borrowed", "started", "reread"],
        "findings": [
            "drags in the middle", "has wonderful maps", "is funnier than expected",
            "ends too early", "should be read slowly", "was due back last week",
            "made me look things up",
        ],
    },
}

# {Thing} is {thing} with a capital.
TITLES = [
    "{Thing}, {when}", "What I learned about {thing}", "{Thing} again", "Notes on {thing}",
    "{Doing} {thing}", "Why {thing} {finding}", "{Thing} {place}", "To do: {thing}",
    "{When}: {thing}",
]
WHENS = [
    "early spring", "late summer", "first try", "second try", "a year later", "this week",
    "in the rain", "in short",
]
SENTENCES = [
    "This morning I {doing} {thing} {place}.", "{Thing} {finding}.",
    "I {doing} {thing}, and {thing2} {finding}.", "It turned out that {thing} *{finding}*.",
    "Last time {thing} {place} **{finding}**, so I {doing} {thing2} instead.",
    "Mira says {thing} {finding}; I am not so sure.",
    "{number} minutes for {thing}, {number2} for {thing2}.",
    "Next time: {thing} first, then {thing2}.", "Nobody had {doing} {thing} since autumn.",
    "If {thing} {finding}, look at {thing2} before anything else.",
    "I still wonder why {thing2} {finding}.",
    "Wrote it down: `{number}` before, `{number2}` after.",
    "Cost: {number} euros, mostly for {thing}.",
    "See also https://notes.example/{tag}/{number} for how {thing} was done before.",
]
ITEMS = [
    "{thing}, {place}", "ask Jonas about {thing}", "{number} × {thing2}", "{thing}: **{finding}**",
    "{doing} {thing}",
]

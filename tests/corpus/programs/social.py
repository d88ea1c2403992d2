"""Computes what `social.md` answers: `social.py` writes it, `social.py --check` compares."""

import math
import random
from datetime import datetime, timedelta, timezone

from computed import (
    BAD_RANGE, F32, NOTHING, NOT_AN_ID, NOT_A_DATE, NO_NODE, Case, Graph, Id, aggregated, error, grouped,
    intersection, missing, mistyped, no_query, ordered, out_of_range, taken, unfit,
)

rng = random.Random(7041)
case = Case(__file__)
graph = Graph({
    "User": {
        "handle": None, "name": None, "bio": None, "city": None, "born": None, "verified": False, "hidden": False,
        "karma": 0, "langs": None,
    },
    "Post": {
        "slug": None, "text": None, "at": None, "views": 0, "pinned": False, "lang": "en", "heat": None,
    },
    "Comment": {"key": None, "text": None, "at": None, "edited": False},
    "Hashtag": {"name": None, "uses": 0},
    "Taste": {"data": None, "handle": None, "weight": F32(1)},
    "Follows": {"since": None, "close": False},
    "Blocks": {"reason": "none given"},
    "Wrote": {},
    "Commented": {},
    "On": {},
    "Answers": {},
    "Likes": {"at": None, "weight": 1},
    "Tagged": {},
    "Mentions": {},
    "HasTaste": {},
})


def choose(values):
    return values[rng.randrange(len(values))]


def sample(values, count):
    """Some of the values, each once."""
    values = list(values)
    return [values.pop(rng.randrange(len(values))) for _ in range(min(count, len(values)))]


def shown(moment):
    """An instant as it is answered."""
    fraction = f".{moment.microsecond // 1000:03}" if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"


def instant(text):
    """What a request says, as it is answered: a day, an instant with an offset, or seconds."""
    if isinstance(text, int):
        return shown(datetime.fromtimestamp(text, timezone.utc))
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return shown(moment.astimezone(timezone.utc))


def written(moment):
    """The instant in one of the forms that a request may have."""
    form = rng.randrange(4)
    if form == 0 and not moment.microsecond:
        return int(moment.timestamp())
    if form == 1:
        return moment.astimezone(timezone(timedelta(hours=2))).isoformat(
            timespec="milliseconds" if moment.microsecond else "seconds"
        )
    return shown(moment).replace("+00:00", "Z") if form == 2 else shown(moment)


def find(label, field, value):
    return next((item for item in graph.all(label) if item[field] == value), None)


def user(handle):
    return find("User", "handle", handle)


def post(slug):
    return find("Post", "slug", slug)


def users_of(handles):
    return [u for u in graph.all("User") if u["handle"] in handles]


def of(item, label):
    """Out of an item that may be missing."""
    return graph.out(item, label) if item else []


def to(item, label):
    return graph.into(item, label) if item else []


def handles(users):
    return [u["handle"] for u in users]


def slugs(posts):
    return [p["slug"] for p in posts]


def each(items, field):
    """One field of what a nested traversal gives."""
    return [{field: item[field]} for item in items]


def total(values):
    return sum(value for value in values if value is not None)


def mean(values):
    return sum(values) / len(values) if values else None


def latest(posts):
    return ordered(ordered(posts, lambda p: p["slug"]), lambda p: p["at"], descending=True)


def by(items, field, descending=False):
    return ordered(items, lambda item: item[field], descending)


# The archive.

CITIES = ["Oslo", "Rome", "Łódź", "Bern", "Porto", "東京"]
NAMES = ["Ann", "Bo", "Cy", "Di", "Eve", "Finn", "Gül", "Hà", "Ines", "Jörg", "Kai", "Lea", "Mia", "Noé", "Ola"]
LAST = ["Berg", "Silva", "Nowak", "Conti", "Meier", "Sato", "Lund"]
LANGS = ["en", "no", "it", "pl", "ja"]
TAGS = ["graphs", "news", "food", "größe", "東京", "music", "rust", "sql", "travel", "cats", "dogs", "rare"]
WORDS = "today the new graph of my city is a good start for all who like slow food and fast trains under rain".split()
START = datetime(2024, 3, 1, 8, tzinfo=timezone.utc)

people = []
for number in range(64):
    name = choose(NAMES)
    people.append({
        "handle": f"{name.lower()}{number:02}",
        "name": f"{name} {choose(LAST)}",
        "bio": " ".join(sample(WORDS, 4)),
        "home": {"city": choose(CITIES), "langs": sample(LANGS, rng.randrange(0, 4))},
        "born": f"{rng.randrange(1960, 2008)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "follows": [],
    })
everyone = [row["handle"] for row in people]
# The last three have and do nothing.
active = everyone[:61]
for row in people[:61]:
    others = [handle for handle in active if handle != row["handle"]]
    # Some are followed by many.
    chosen = sample(others[:10], rng.randrange(0, 4)) + sample(others[10:], rng.randrange(0, 6))
    row["follows"] = [
        {
            "handle": handle,
            "since": f"202{rng.randrange(0, 4)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            "close": rng.random() < 0.2,
        }
        for handle in chosen
    ]

post_rows = []
moment = START
for number in range(110):
    # Some are written in the same instant.
    if rng.random() < 0.85:
        moment += timedelta(minutes=rng.randrange(1, 300), milliseconds=choose([0, 0, 250]))
    post_rows.append({
        "author": choose(active[:40]),
        "slug": f"p{(number * 43) % 110:03}",
        "text": " ".join(sample(WORDS, rng.randrange(3, 9))),
        "at": written(moment),
        "views": choose([0, rng.randrange(1, 5000), rng.randrange(1, 500)]) if number % 5 else rng.randrange(1, 90),
        "lang": choose(LANGS),
        "heat": rng.randrange(0, 11) / 10,
        "tags": sample(TAGS[:11], choose([0, 1, 1, 2, 3])),
        "mentions": sample(active, choose([0, 0, 1, 2])),
    })

comment_rows = []
on_post = {}
for number in range(150):
    row = choose(post_rows[:60])
    moment = START + timedelta(days=3, minutes=number * 11)
    earlier = on_post.setdefault(row["slug"], [])
    comment_rows.append({
        "key": f"c{number:03}",
        "author": choose(active),
        "post": row["slug"],
        "text": " ".join(sample(WORDS, 4)),
        "at": written(moment),
        "answers": [choose(earlier)] if earlier and rng.random() < 0.65 else [],
    })
    earlier.append(f"c{number:03}")

like_rows = []
moment = START + timedelta(days=10)
for handle in active:
    likes = []
    for row in sample(post_rows, choose([0, 3, 6, 9, 12])):
        moment += timedelta(seconds=rng.randrange(1, 4000))
        likes.append({"slug": row["slug"], "at": written(moment), "weight": choose([1, 1, 1, 2, 3, 5])})
    if likes:
        like_rows.append({"handle": handle, "likes": likes})


def vector():
    return [rng.randrange(-32, 33) / 8 for _ in range(4)]


taste_rows = [{"handle": handle, "vector": vector()} for handle in active[:30]]

SIZES = {"users": "User", "posts": "Post", "comments": "Comment", "tags": "Hashtag", "tastes": "Taste"}
EDGES = {
    "follows": "Follows", "blocks": "Blocks", "wrote": "Wrote", "commented": "Commented", "on": "On",
    "answers": "Answers", "likes": "Likes", "tagged": "Tagged", "mentions": "Mentions", "tastes": "HasTaste",
}


def ask_summary():
    posts, users = graph.all("Post"), graph.all("User")
    if not posts or not users:
        case.refuse("summary", {}, *NOTHING)
        return
    first = by(by(posts, "slug"), "at")[0]
    best = by(by(users, "handle"), "karma", descending=True)[0]
    case.ask("summary", {}, {"response": {
        "sizes": {key: len(graph.all(label)) for key, label in SIZES.items()},
        "edges": {key: len(graph.all(label)) for key, label in EDGES.items()},
        "views": total(p["views"] for p in posts),
        "ends": [first["slug"], best["handle"]],
    }})


ask_summary()
case.ask("cities", {}, {
    "users": {"Group": {}}, "pairs": {"Group": {}}, "close": {"Group": {}}, "blocks": {"Group": {}},
})
case.ask("rates", {}, {"posts": []})

for row in people:
    graph.add(
        "User", handle=row["handle"], name=row["name"], bio=row["bio"], city=row["home"]["city"],
        langs=row["home"]["langs"], born=instant(row["born"]),
    )
for row in people:
    for follow in row["follows"]:
        graph.add(
            "Follows", user(row["handle"]), user(follow["handle"]), since=instant(follow["since"]),
            close=follow["close"],
        )
# The last one follows somebody who is not there: nothing is kept.
stray = {**people[-1], "follows": [{"handle": "nobody", "since": "2024-01-01", "close": False}]}
case.refuse("load_users", {"rows": [*people[:2], stray]}, *NOTHING)
case.refuse("summary", {}, *NOTHING)
case.refuse("load_users", {"rows": [people[63], people[63]]}, *taken("handle"))
homeless = {**people[63], "home": {"city": "Oslo"}}
case.refuse("load_users", {"rows": [people[62], homeless]}, *missing("rows.home.langs"))
tongues = {**people[63], "home": {"city": "Oslo", "langs": "en"}}
case.refuse("load_users", {"rows": [tongues]}, *mistyped("rows.home.langs", "array", "string"))
case.ask("load_users", {"rows": people}, {"users": len(people), "follows": len(graph.all("Follows"))})

for row in post_rows:
    new = graph.add(
        "Post", slug=row["slug"], text=row["text"], at=instant(row["at"]), views=row["views"], lang=row["lang"],
        heat=F32(row["heat"]),
    )
    graph.add("Wrote", user(row["author"]), new)
    for word in row["tags"]:
        graph.add("Tagged", new, find("Hashtag", "name", word) or graph.add("Hashtag", name=word))
    for mentioned in users_of(row["mentions"]):
        graph.add("Mentions", new, mentioned)
case.ask("load_posts", {"rows": post_rows}, {
    "posts": len(post_rows), "tags": len(graph.all("Hashtag")), "tagged": len(graph.all("Tagged")),
    "mentions": len(graph.all("Mentions")),
})
case.refuse("load_posts", {"rows": [{**post_rows[0], "slug": "new", "views": -1}]}, *out_of_range("rows.views", "U64", -1))
case.refuse("load_posts", {"rows": [{**post_rows[0], "slug": "new"}, post_rows[7]]}, *taken("slug"))

for row in comment_rows:
    new = graph.add("Comment", key=row["key"], text=row["text"], at=instant(row["at"]))
    graph.add("Commented", user(row["author"]), new)
    graph.add("On", new, post(row["post"]))
    for key in row["answers"]:
        graph.add("Answers", new, find("Comment", "key", key))
case.ask("load_comments", {"rows": comment_rows}, {"comments": len(comment_rows), "answers": len(graph.all("Answers"))})

for row in like_rows:
    for like in row["likes"]:
        graph.add("Likes", user(row["handle"]), post(like["slug"]), at=instant(like["at"]), weight=like["weight"])
weights = [like["weight"] for like in graph.all("Likes")]
case.ask("load_likes", {"rows": like_rows}, {"likes": len(weights), "weight": sum(weights)})
case.duplicate_edge(
    "load_likes", {"rows": [like_rows[3]]}, "Likes", user(like_rows[3]["handle"]).id,
    post(like_rows[3]["likes"][0]["slug"]).id,
)
case.refuse("load_likes", {"rows": [{"handle": active[0], "likes": [{"slug": "none", "at": 0, "weight": 1}]}]}, *NOTHING)

case.ask("alike_followed", {"handle": active[0], "vector": [1.0, 0.0, 0.0, 0.0], "k": 3}, {"near": [], "only": []})
for row in taste_rows:
    graph.add("HasTaste", user(row["handle"]), graph.add("Taste", data=row["vector"], handle=row["handle"]))
case.ask("load_tastes", {"rows": taste_rows}, {"data": len(taste_rows)})
case.refuse(
    "load_tastes", {"rows": [{"handle": active[40], "vector": [1, 2, 3]}]}, 400,
    error("Graph error: Invalid vector length: 3, expected 4"),
)
ask_summary()


# The questions.


def ask_feed(handle, before, count):
    posts = [p for u in of(user(handle), "Follows") for p in graph.out(u, "Wrote") if p["at"] < instant(before)]

    def comments(p):
        return [
            {
                "text": c["text"], "by": {"name": graph.into(c, "Commented")[0]["name"]},
                "answers": len(graph.into(c, "Answers")),
            }
            for c in by(graph.into(p, "On"), "key", descending=True)[:2]
        ]

    case.ask("feed", {"handle": handle, "before": before, "count": count}, {"posts": [
        {
            **p.only("slug", "at"),
            "by": graph.into(p, "Wrote")[0].only("handle", "verified"),
            "likes": len(graph.into(p, "Likes")),
            "tags": each(graph.out(p, "Tagged"), "name"),
            "comments": comments(p),
        }
        for p in latest(posts)[:count]
    ]})


def ask_quiet_feed(handle, count):
    posts = [
        p
        for u in of(user(handle), "Follows")
        if u["hidden"] is not True and handle not in handles(graph.out(u, "Blocks"))
        for p in graph.out(u, "Wrote")
        if all(handle not in handles(graph.into(m, "Blocks")) for m in graph.out(p, "Mentions"))
    ]
    case.ask("quiet_feed", {"handle": handle, "count": count}, {
        "total": len(posts), "latest": slugs(latest(posts)[:count]), "langs": {"Group": grouped(posts, "lang")},
    })


def ask_close_feed(handle):
    follows = graph.out_edges(user(handle), "Follows") if user(handle) else []
    posts = [p for f in follows if f["close"] for p in graph.out(f.end, "Wrote")]
    case.ask("close_feed", {"handle": handle}, {"posts": [
        {"slug": p["slug"], "by": each(graph.into(p, "Wrote"), "handle")} for p in by(posts, "slug", descending=True)
    ]})


def ask_mentions(handle, since):
    posts = [p for p in to(user(handle), "Mentions") if p["at"] >= instant(since)]
    case.ask("mentions", {"handle": handle, "since": since}, {"posts": [
        {
            **p.only("slug", "at"),
            "others": each([u for u in graph.out(p, "Mentions") if u["handle"] != handle], "handle"),
        }
        for p in by(posts, "slug")
    ]})


def writer_of(comment):
    """The writer, of whom only the handle is asked; nobody if the writer is gone."""
    writers = graph.into(comment, "Commented")
    return {"handle": writers[0]["handle"] if writers else None}


def ask_post(slug):
    p = post(slug)
    if p is None:
        case.refuse("post", {"slug": slug}, *NOTHING)
        return
    likes = graph.in_edges(p, "Likes")
    thread = [c for c in graph.into(p, "On") if not graph.out(c, "Answers")]
    case.ask("post", {"slug": slug}, {"post": {
        "by": [u.only("handle", "name") for u in graph.into(p, "Wrote")],
        "tags": each(by(graph.out(p, "Tagged"), "name"), "name"),
        "likes": [
            {**l.only("at", "weight"), "who": l.start.only("handle", "city")}
            for l in by(likes, "at", descending=True)[:3]
        ],
        "weight": total(l["weight"] for l in likes),
        "mean": mean([l["weight"] for l in likes]),
        "thread": [
            {
                "key": c["key"],
                "by": writer_of(c),
                "answers": [
                    {
                        "key": a["key"],
                        "by": writer_of(a),
                        "answers": [
                            {"key": b["key"], "answers": len(graph.into(b, "Answers"))}
                            for b in graph.into(a, "Answers")
                        ],
                    }
                    for a in by(graph.into(c, "Answers"), "key")
                ],
            }
            for c in by(thread, "key")
        ],
        **p.whole(),
    }})


def ask_profile(handle, viewer):
    u = user(handle)
    if u is None:
        case.refuse("profile", {"handle": handle, "viewer": viewer}, *NOTHING)
        return
    posts = graph.out(u, "Wrote")
    last = latest(posts)
    case.ask("profile", {"handle": handle, "viewer": viewer}, {"user": {
        "name": u["name"],
        "home": u.only("city", "langs"),
        "posts": len(posts),
        "followers": len(graph.into(u, "Follows")),
        "following": len(graph.out(u, "Follows")),
        "liked": total(l["weight"] for p in posts for l in graph.in_edges(p, "Likes")),
        "followed": viewer in handles(graph.into(u, "Follows")),
        "follows_you": viewer in handles(graph.out(u, "Follows")),
        "latest": last[0].only("slug", "at") if last else {"slug": None, "at": None},
        "pinned": each([p for p in posts if p["pinned"]], "slug"),
    }})


def ask_followers(handle, start, end):
    users = by(by(to(user(handle), "Follows"), "handle"), "city")[start:end]
    rest = ("handle", "name", "city", "born", "verified", "hidden", "karma", "langs")
    answer = {"users": [u.only(*rest) for u in users]}
    case.ask("followers", {"handle": handle, "start": start, "end": end}, answer)


def ask_friends(handle):
    me = user(handle)
    friends = [u for u in of(me, "Follows") if me in graph.out(u, "Follows")]
    fans = [u for u in to(me, "Follows") if me not in graph.into(u, "Follows")]
    case.ask("friends", {"handle": handle}, {"friends": handles(by(friends, "handle")), "fans": len(fans)})


def ask_mutual(wanted):
    users = users_of(wanted)
    liked = [[p for p in graph.out(u, "Likes") if p["lang"] == "en"] for u in users]
    case.ask("mutual", {"handles": wanted}, {
        "followed": handles(intersection([graph.out(u, "Follows") for u in users])),
        "followers": handles(intersection([graph.into(u, "Follows") for u in users])),
        "liked": slugs(intersection(liked)),
    })


def ask_mutual_friends(a, b):
    def followed_by_all_followed(u):
        return intersection([graph.out(v, "Follows") for v in graph.out(u, "Follows")])

    friends = intersection([followed_by_all_followed(u) for u in users_of([a, b])])
    both = [
        u for u in of(user(a), "Follows") if b in handles(graph.into(u, "Follows")) and u["handle"] != b
    ]
    answer = {"friends": handles(friends), "both": handles(both), "number": len(both)}
    case.ask("mutual_friends", {"a": a, "b": b}, answer)


def ask_suggest(handle, count):
    def shared(u):
        return sum(handle in handles(graph.into(f, "Follows")) for f in graph.into(u, "Follows"))

    def fits(u):
        return (
            u["handle"] != handle
            and shared(u) > 0
            and handle not in handles(graph.into(u, "Follows"))
            and handle not in handles(graph.into(u, "Blocks"))
            and handle not in handles(graph.out(u, "Blocks"))
        )

    users = ordered(by([u for u in graph.all("User") if fits(u)], "handle"), shared, descending=True)[:count]
    answer = {"users": [{"handle": u["handle"], "shared": shared(u)} for u in users]}
    case.ask("suggest", {"handle": handle, "count": count}, answer)


def ask_friends_of_friends(handle):
    users = [v for u in of(user(handle), "Follows") for v in graph.out(u, "Follows") if v["handle"] != handle]
    case.ask("friends_of_friends", {"handle": handle}, {
        "by_handle": {"Group": grouped(users, "handle")}, "by_city": {"Count": grouped(users, "city", "verified")},
    })


def ask_balance():
    counts = [(u, len(graph.out(u, "Follows")), len(graph.into(u, "Follows"))) for u in graph.all("User")]
    case.ask("balance", {}, {
        "more": sum(out > into for _, out, into in counts),
        "same": [u["handle"] for u, out, into in counts if out == into],
        "famous": sum(into >= 2 * out for _, out, into in counts),
    })


def ask_silent():
    users = graph.all("User")
    case.ask("silent", {}, {
        "users": [
            u["handle"]
            for u in users
            if not graph.out(u, "Wrote") and not graph.out(u, "Commented") and not graph.out(u, "Likes")
        ],
        "ghosts": [u["handle"] for u in users if not graph.out(u, "Wrote") and not graph.into(u, "Follows")],
    })


def ask_in_city(city, **more):
    body = {"city": city, **more}
    here = [u for u in graph.all("User") if u["city"] == city]
    if not here:
        case.refuse("in_city", body, *NOTHING)
        return
    lang, since = more.get("lang"), more.get("since")
    found = [
        u
        for u in here
        if (lang is not None and lang in (u["langs"] or []))
        or (since is not None and u["born"] is not None and u["born"] > instant(since))
    ]
    case.ask("in_city", body, {
        "users": [u.only("handle", "langs", "born") for u in by(found, "handle", descending=True)],
        "oldest": here[0]["handle"],
    })


def ask_cities():
    follows, blocks = graph.all("Follows"), graph.all("Blocks")
    reasons = {}
    for b in blocks:
        group = reasons.setdefault(f"Blocks_{b['reason']}", {
            "values": {"label": "Blocks", "reason": b["reason"]}, "count": 0,
        })
        group["count"] += 1
    case.ask("cities", {}, {
        "users": {"Group": grouped(graph.all("User"), "city")},
        "pairs": {"Group": grouped([f.end for f in follows if f.start["city"] == "Oslo"], "city")},
        "close": {"Group": grouped(follows, "close")},
        "blocks": {"Group": reasons},
    })


def ask_trending(since, until, count):
    def lately(posts):
        return [p for p in posts if instant(since) <= p["at"] < instant(until)]

    def uses(tag):
        return len(lately(graph.into(tag, "Tagged")))

    tags = ordered(by(graph.all("Hashtag"), "name"), uses, descending=True)[:count]
    case.ask("trending", {"since": since, "until": until, "count": count}, {
        "tags": [
            {
                "name": t["name"],
                "posts": uses(t),
                "likes": sum(len(graph.into(p, "Likes")) for p in graph.into(t, "Tagged")),
                "writers": sum(len(graph.into(p, "Wrote")) for p in graph.into(t, "Tagged")),
            }
            for t in tags
        ],
        "counts": {"Group": grouped([t for p in lately(graph.all("Post")) for t in graph.out(p, "Tagged")], "name")},
    })


def ask_tag(name, start, end):
    posts = by(to(find("Hashtag", "name", name), "Tagged"), "slug")
    page = posts[start:end]
    others = [t for p in posts for t in graph.out(p, "Tagged") if t["name"] != name]
    case.ask("tag", {"name": name, "start": start, "end": end}, {
        "posts": [p.only("slug", "views") for p in page],
        "views": total(p["views"] for p in posts),
        "langs": {"Group": aggregated(page, "lang")},
        "with": {"Group": grouped(others, "name")},
    })


def ask_engagement(least):
    def likes(p):
        return len(graph.into(p, "Likes"))

    def points(p):
        return likes(p) * 3 + len(graph.into(p, "On"))

    posts = [p for p in graph.all("Post") if p["views"] > least]
    case.ask("engagement", {"least": least}, {"posts": [
        {
            "slug": p["slug"], "points": points(p), "rate": likes(p) * 1.0 / p["views"],
            "whole": likes(p) * 100 // p["views"],
        }
        for p in ordered(by(posts, "slug"), points, descending=True)[:6]
    ]})


def ask_rates():
    posts = graph.all("Post")
    if any(p["views"] == 0 for p in posts):
        case.refuse("rates", {}, 400, error("Graph error: Division by zero"))
    else:
        case.ask("rates", {}, {"posts": [
            {"slug": p["slug"], "rate": len(graph.into(p, "Likes")) // p["views"]} for p in posts
        ]})


def ask_hot(least, exactly):
    posts = [p for p in graph.all("Post") if p["heat"] is not None]
    hot = ordered(by([p for p in posts if p["heat"] > F32(least)], "slug"), lambda p: p["heat"], descending=True)
    case.ask("hot", {"least": least, "exactly": exactly}, {
        "hot": [{**p.only("slug", "heat"), "half": float(p["heat"]) / 2.0} for p in hot],
        "double": slugs(p for p in posts if float(p["heat"]) * 2 == exactly),
    })


def ask_liked_by_all(wanted):
    posts = intersection([graph.out(u, "Likes") for u in users_of(wanted)])
    case.ask("liked_by_all", {"handles": wanted}, {"posts": slugs(posts)})


def ask_own_likes():
    likes = by([l for l in graph.all("Likes") if l["weight"] >= 5], "at", descending=True)
    case.ask("own_likes", {}, {"likes": [
        {
            **l.only("at", "weight"),
            "who": {"handle": l.start["handle"]},
            "post": {"slug": l.end["slug"], "by": each(graph.into(l.end, "Wrote"), "handle")},
        }
        for l in likes
    ]})


def ask_said(part):
    comments = by([c for c in graph.all("Comment") if part in c["text"]], "key")
    case.ask("said", {"part": part}, {
        "posts": slugs(p for p in graph.all("Post") if part in p["text"]),
        "comments": [{"key": c["key"], "on": each(graph.out(c, "On"), "slug")} for c in comments],
    })


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


def near(tastes, vector, k):
    """The most similar ones, which are clearly apart in what they are."""
    ranked = sorted(tastes, key=lambda t: -cosine(t["data"], vector))
    likeness = [cosine(t["data"], vector) for t in ranked[: k + 1]]
    assert all(a - b > 1e-4 for a, b in zip(likeness, likeness[1:])), "the tastes are too near each other"
    return ranked[:k]


def ask_alike(handle, k):
    mine = of(user(handle), "HasTaste")
    if not mine:
        case.refuse("alike", {"handle": handle, "k": k}, *NOTHING)
        return
    found = near(graph.all("Taste"), mine[0]["data"], k)
    users = [u for t in found if t["handle"] != handle for u in graph.into(t, "HasTaste")]
    case.ask("alike", {"handle": handle, "k": k}, {"near": handles(found), "users": [u["name"] for u in users]})


def ask_alike_followed(handle, vector, k):
    followed = [t for u in of(user(handle), "Follows") for t in graph.out(u, "HasTaste")]
    found = handles(near(followed, vector, k))
    answer = {"near": found, "only": found}
    case.ask("alike_followed", {"handle": handle, "vector": vector, "k": k}, answer)


popular = handles(ordered(graph.all("User"), lambda u: len(graph.into(u, "Follows")), descending=True))
reader = handles(ordered(graph.all("User"), lambda u: len(graph.out(u, "Follows")), descending=True))[0]
lonely = everyone[63]
commented = slugs(ordered(graph.all("Post"), lambda p: len(graph.into(p, "On")), descending=True))


def questions():
    """What is asked again after the changes."""
    ask_feed(reader, "2024-03-20", 3)
    ask_quiet_feed(reader, 5)
    ask_close_feed(reader)
    ask_post(commented[0])
    ask_friends(popular[0])
    ask_suggest(reader, 4)
    ask_balance()
    ask_cities()
    ask_own_likes()
    ask_summary()


questions()
ask_feed(reader, "2024-03-05T12:00:00+05:30", 2)
ask_feed(reader, 1709300000, 2)
ask_feed(lonely, "2024-04-01", 5)
ask_feed("nobody", "2024-04-01", 5)
case.refuse("feed", {"handle": reader, "before": "2024-04-01", "count": -1}, *BAD_RANGE)
case.refuse("feed", {"handle": reader, "before": "2024-04-01"}, *missing("count"))
case.refuse("feed", {"handle": reader, "before": True, "count": 1}, *mistyped("before", "Date", "boolean"))
ask_quiet_feed("nobody", 3)
ask_close_feed(lonely)
mentioned = handles(ordered(graph.all("User"), lambda u: len(graph.into(u, "Mentions")), descending=True))[0]
ask_mentions(mentioned, "2024-03-01")
ask_mentions(mentioned, "2024-03-10T00:00:00Z")
ask_mentions(lonely, "2024-03-01")
ask_post(commented[1])
ask_post(next(p["slug"] for p in graph.all("Post") if not graph.into(p, "Likes")))
ask_post("none")
ask_profile(popular[0], graph.into(user(popular[0]), "Follows")[0]["handle"])
ask_profile(popular[1], graph.out(user(popular[1]), "Follows")[0]["handle"])
ask_profile(lonely, popular[0])
ask_profile("nobody", popular[0])
ask_followers(popular[0], 0, 3)
ask_followers(popular[0], 3, 2)
case.refuse("followers", {"handle": popular[0], "start": 0, "end": -2147483648}, *BAD_RANGE)
case.refuse("followers", {"handle": popular[0], "start": 0, "end": 2147483648}, *out_of_range("end", "I32", 2147483648))
for handle in (reader, lonely, "nobody"):
    ask_friends(handle)
ask_mutual(popular[:2])
ask_mutual([popular[3], popular[1], popular[3]])
ask_mutual([popular[0], lonely])
ask_mutual(["nobody"])
ask_mutual([])
ask_mutual_friends(popular[0], popular[1])
ask_mutual_friends(reader, reader)
single = next(u["handle"] for u in graph.all("User") if len(graph.out(u, "Follows")) == 1)
ask_mutual_friends(single, single)
ask_mutual_friends("nobody", "nobody")
ask_suggest(popular[0], 3)
ask_suggest(lonely, 3)
ask_friends_of_friends(reader)
ask_friends_of_friends(lonely)
ask_silent()
ask_in_city("Oslo", lang="no")
ask_in_city("東京", since="2000-01-01")
ask_in_city("Łódź", lang="pl", since=None)
ask_in_city("Łódź")
ask_in_city("Paris", lang="fr")
wanted = [everyone[9], everyone[2], "nobody", everyone[30]]
found = users_of(wanted)
case.ask("ids", {"handles": wanted}, {"users": [u.id for u in found], "posts": [graph.all("Post")[0].id]}, keep="ids")
case.ask(
    "by_ids",
    {
        "ids": ["${ids.users.2}", "00000000-0000-0000-0000-000000000000", "${ids.users.0}", "${ids.users.2}"],
        "one": "${ids.users.1}",
    },
    {"users": handles([found[2], found[0], found[2]]), "single": found[1].only("handle", "city")},
)
case.ask(
    "by_ids", {"ids": [], "one": "${ids.users.0}"}, {"users": [], "single": found[0].only("handle", "city")}
)
# A post is no user.
case.ask(
    "by_ids", {"ids": ["${ids.posts.0}"], "one": "${ids.users.0}"},
    {"users": [], "single": found[0].only("handle", "city")},
)
case.refuse("by_ids", {"ids": ["${ids.users.0}"], "one": "${ids.posts.0}"}, *NO_NODE)
case.refuse("by_ids", {"ids": ["x"], "one": "${ids.users.0}"}, *mistyped("ids", "ID", NOT_AN_ID))
for handle in taste_rows[0]["handle"], taste_rows[7]["handle"], lonely, "nobody":
    ask_alike(handle, 4)
ask_alike(taste_rows[3]["handle"], 0)
case.refuse("alike", {"handle": active[0], "k": -1}, 400, error("Graph error: k must be non-negative"))
ask_alike_followed(reader, [1.5, -0.5, 2.25, 0.125], 3)
ask_alike_followed(reader, [-1, 0.5, 0, 2], 50)
ask_alike_followed("nobody", [-1, 0.5, 0, 2], 2)
ask_trending("2024-03-01", "2024-03-10", 4)
ask_trending("2024-03-05T10:00:00Z", "2024-03-05T22:30:00+01:00", 2)
ask_trending("2024-03-09", "2024-03-02", 1)
tagged = [t["name"] for t in ordered(graph.all("Hashtag"), lambda t: len(graph.into(t, "Tagged")))]
ask_tag(tagged[-1], 0, 3)
ask_tag(tagged[0], 0, 1)
ask_tag("東京", 1, 2)
ask_tag("none", 0, 10)
case.refuse("tag", {"name": "rust", "start": 0, "end": 256}, *out_of_range("end", "U8", 256))
ask_engagement(0)
ask_engagement(4000)
ask_engagement(2**64 - 1)
case.refuse("engagement", {"least": 2**64}, *out_of_range("least", "U64", 2**64))
ask_rates()
ask_hot(0.9, 1.0)
ask_hot(0.8, 0.6)
ask_hot(2, 2)
likers = [row["handle"] for row in like_rows if len(row["likes"]) > 8]
ask_liked_by_all(likers[:2])
ask_liked_by_all(likers[2:3])
ask_liked_by_all(likers[:5])
ask_said("slow food")
ask_said("Slow")
case.refuse("search", {"q": "x"}, *no_query("search"))


# What people do.


def join(handle, name, city, langs, **more):
    profile = {"handle": handle, "name": name, "home": {"city": city, "langs": langs}}
    new = graph.add(
        "User", handle=handle, name=name, city=city, langs=langs, bio=more.get("bio"),
        born=instant(more["born"]) if "born" in more else None,
    )
    whole = new.whole()
    del whole["id"]
    case.ask("join", {"profile": profile, **more}, {"user": whole})


join("zoë", "Zoë \\ \"Z\"", "Vaduz", [], born="2001-02-03")
join("neo", "", "Oslo", ["en", "en"], bio="tab\there")
case.refuse("join", {"profile": {"handle": "neo", "name": "N", "home": {"city": "Oslo", "langs": []}}}, *taken("handle"))
case.refuse("join", {"profile": {"handle": "neo2", "name": "N", "home": {"city": "Oslo"}}}, *missing("profile.home.langs"))
case.refuse("join", {"profile": {"handle": "neo2", "name": "N"}}, *missing("profile.home"))
case.refuse("join", {"profile": "neo2"}, *mistyped("profile", "object", "string"))
case.refuse("join", {"born": "2001-02-03"}, *missing("profile"))


def follow(handle, other, since, **more):
    body = {"handle": handle, "other": other, "since": since, **more}
    u, v = user(handle), user(other)
    if not u or not v or handle in handles(graph.out(v, "Blocks")):
        case.refuse("follow", body, *NOTHING)
        return
    if v in graph.out(u, "Follows"):
        case.duplicate_edge("follow", body, "Follows", u.id, v.id)
        return
    new = graph.add("Follows", u, v, since=instant(since), close=more.get("close"))
    case.ask("follow", body, {"follow": {**new.only("since", "close"), "followers": len(graph.into(v, "Follows"))}})


follow("zoë", popular[0], "2024-04-01")
follow("zoë", popular[1], "2024-04-01T01:00:00+02:00", close=True)
follow("zoë", popular[1], "2024-04-02")
follow("zoë", "zoë", "2024-04-02", close=None)
follow("zoë", "nobody", "2024-04-02")
follow("nobody", "zoë", "2024-04-02")
follow("neo", "zoë", "2024-04-02")
ask_friends("zoë")


def block(handle, other, **more):
    body = {"handle": handle, "other": other, **more}
    u, v = user(handle), user(other)
    if not u or not v:
        case.refuse("block", body, *NOTHING)
        return
    if v in graph.out(u, "Blocks"):
        case.duplicate_edge("block", body, "Blocks", u.id, v.id)
        return
    new = graph.add("Blocks", u, v, reason=more.get("reason"))
    graph.drop(*[f for f in graph.all("Follows") if (f.start, f.end) in ((u, v), (v, u))])
    case.ask("block", body, {
        "reason": new["reason"], "blocks": handles(graph.out(u, "Blocks")), "follows": len(graph.out(u, "Follows")),
        "followers": len(graph.into(u, "Follows")),
    })


block("zoë", "neo", reason="spam")
block("zoë", "neo")
block("zoë", "nobody")
follow("neo", "zoë", "2024-04-03")
follow("zoë", "neo", "2024-04-03")
read = of(user(reader), "Follows")
block(read[1]["handle"], reader)
block(reader, mentioned, reason="spam")
block(reader, read[0]["handle"], reason="too, much")
follow(reader, read[1]["handle"], "2024-04-03")


def unfollow(handle, other):
    u = user(handle)
    graph.drop(*[f for f in graph.all("Follows") if f.start["handle"] == handle and f.end["handle"] == other])
    case.ask("unfollow", {"handle": handle, "other": other}, {"data": len(of(u, "Follows"))})


unfollow("zoë", "zoë")
unfollow("zoë", "zoë")
unfollow(reader, read[2]["handle"])
unfollow("nobody", "zoë")


def follow_city(handle, city, since):
    me = user(handle)
    others = [
        u
        for u in graph.all("User")
        if u["city"] == city and u["handle"] != handle and handle not in handles(graph.into(u, "Follows"))
    ]
    if not me:
        case.refuse("follow_city", {"handle": handle, "city": city, "since": since}, *NOTHING)
        return
    for u in others:
        graph.add("Follows", me, u, since=instant(since))
    answer = {"follows": [{"close": False, "to": {"handle": u["handle"]}} for u in others]}
    case.ask("follow_city", {"handle": handle, "city": city, "since": since}, answer)


follow_city("zoë", "Porto", "2024-04-03")
follow_city("zoë", "Porto", "2024-04-03")
follow_city("neo", "Vaduz", "2024-04-03")
follow_city("nobody", "Porto", "2024-04-03")


def welcome(handle, city, since):
    me = user(handle)
    body = {"handle": handle, "city": city, "since": since}
    here = [u for u in graph.all("User") if u["city"] == city]
    twice = next((u for u in here if me in graph.out(u, "Follows")), None)
    if twice:
        case.duplicate_edge("welcome", body, "Follows", twice.id, me.id)
        return
    for u in here:
        graph.add("Follows", u, me, since=instant(since), close=True)
    case.ask("welcome", body, {"number": len(here), "user": len(graph.into(me, "Follows"))})


welcome("zoë", "Bern", 1712102400)
welcome("zoë", "Bern", 1712102400)
welcome("zoë", "Paris", 1712102400)
welcome("neo", "Vaduz", 1712102400)
ask_friends("zoë")
ask_close_feed("zoë")
ask_profile("zoë", "neo")
ask_silent()
questions()


def write(author, slug, text, at, tags, **more):
    body = {"author": author, "slug": slug, "text": text, "at": at, "tags": tags, **more}
    if not user(author):
        case.refuse("write", body, *NOTHING)
        return
    if post(slug):
        case.refuse("write", body, *taken("slug"))
        return
    if len(set(tags)) < len(tags):
        word = next(word for index, word in enumerate(tags) if word in tags[:index])
        tag = find("Hashtag", "name", word)
        case.duplicate_edge("write", body, "Tagged", Id(), tag.id if tag else Id())
        return
    new = graph.add("Post", slug=slug, text=text, at=instant(at), lang=more.get("lang"))
    graph.add("Wrote", user(author), new)
    for word in tags:
        graph.add("Tagged", new, find("Hashtag", "name", word) or graph.add("Hashtag", name=word))
    answer = {**new.only("slug", "at", "views", "lang", "heat"), "tags": each(graph.out(new, "Tagged"), "name")}
    case.ask("write", body, {"post": answer})


write("zoë", "z1", "first \"words\"\nof Zoë 🎈", "2024-04-03T10:00:00.5Z", ["news", "vaduz", "cats"])
write("zoë", "z2", "slow food again", "2024-04-03T10:00:00Z", [], lang="de")
write("zoë", "z2", "again", "2024-04-04", ["once"])
write("neo", "n1", "twice", "2024-04-04", ["fresh", "news", "fresh"])
write("neo", "n1", "twice", "2024-04-04", ["news", "news"])
write("nobody", "n1", "none", "2024-04-04", ["fresh"])
case.refuse("write", {"author": "zoë", "slug": "z3", "text": "x", "at": "2024-04-31", "tags": []}, *mistyped("at", "Date", NOT_A_DATE))
ask_tag("vaduz", 0, 5)
ask_tag("fresh", 0, 5)
ask_trending("2024-04-01", "2024-05-01", 3)
ask_feed("neo", "2024-05-01", 2)
ask_said("slow food")


def edit(slug, **more):
    p = post(slug)
    if p is None:
        case.refuse("edit", {"slug": slug, **more}, *NOTHING)
        return
    given = {key: F32(value) if key == "heat" else value for key, value in more.items() if value is not None}
    p.fields.update(given)
    case.ask("edit", {"slug": slug, **more}, {"post": p.only("text", "lang", "heat")})


edit("z1", heat=0.95)
edit("z1", text="", lang=None)
edit("z1")
edit("none", text="x")
edit("p007", lang="no", heat=1)
case.refuse("edit", {"slug": "z1", "heat": 1e39}, *out_of_range("heat", "F32", "1e39"))
ask_hot(0.9, 2.0)


def view(slug, times):
    p = post(slug)
    before = p["views"]
    if not 0 <= before + times < 2**64:
        case.refuse("view", {"slug": slug, "times": times}, *unfit("views", before + times, "U64"))
        return
    p.fields["views"] += times
    case.ask("view", {"slug": slug, "times": times}, {"before": before, "after": p["views"]})


view("z1", 3)
view("z1", -3)
view("z1", -1)
for p in graph.all("Post"):
    if p["views"] == 0 and p["slug"] != "z1":
        p.fields["views"] = 1
        case.ask("view", {"slug": p["slug"], "times": 1}, {"before": 0, "after": 1})
ask_rates()
view("z1", 2**63 - 1)
view("z1", 2**63 - 1)
view("z1", 2)
view("z1", 1)
ask_rates()
ask_engagement(10**18)
ask_tag("vaduz", 0, 5)


def react(handle, slug, at, **more):
    u, p = user(handle), post(slug)
    like = next((l for l in graph.out_edges(u, "Likes") if l.end is p), None)
    weight = more.get("weight")
    if like:
        like.fields.update(at=instant(at), **({} if weight is None else {"weight": weight}))
    else:
        like = graph.add("Likes", u, p, at=instant(at), weight=weight)
    body = {"handle": handle, "slug": slug, "at": at, **more}
    case.ask("react", body, {"like": like.only("at", "weight"), "post": len(graph.into(p, "Likes"))})


react("zoë", "p007", "2024-04-05", weight=5)
react("zoë", "p007", "2024-04-06")
react("neo", "p007", "2024-04-05T10:00:00Z")
react("neo", "p007", "2024-04-05T09:00:00Z", weight=255)
case.refuse("react", {"handle": "neo", "slug": "p007", "at": "2024-04-05", "weight": 256}, *out_of_range("weight", "U8", 256))
case.refuse("react", {"handle": "neo", "slug": "none", "at": "2024-04-05"}, *NOTHING)


def like(handle, slug, at):
    u, p = user(handle), post(slug)
    if p in graph.out(u, "Likes"):
        case.duplicate_edge("like", {"handle": handle, "slug": slug, "at": at}, "Likes", u.id, p.id)
        return
    graph.add("Likes", u, p, at=instant(at))
    likes = graph.in_edges(p, "Likes")
    answer = {"likes": len(likes), "weight": total(l["weight"] for l in likes)}
    case.ask("like", {"handle": handle, "slug": slug, "at": at}, answer)


like("neo", "p007", "2024-04-06")
like("neo", "z2", "2024-04-06")
like(popular[0], "z2", "2024-04-06T00:00:01Z")


def unlike(handle, slug):
    likes = [l for l in graph.out_edges(user(handle), "Likes") if l.end["slug"] == slug] if user(handle) else []
    graph.drop(*likes)
    case.ask("unlike", {"handle": handle, "slug": slug}, {"likes": len(likes)})


unlike("neo", "p007")
unlike("neo", "p007")
unlike("nobody", "p007")
like("neo", "p007", "2024-04-07")
ask_post("p007")


def pin(handle, slug):
    mine = of(user(handle), "Wrote")
    if slug not in slugs(mine):
        case.refuse("pin", {"handle": handle, "slug": slug}, *NOTHING)
        return
    for p in mine:
        p.fields["pinned"] = p["slug"] == slug
    case.ask("pin", {"handle": handle, "slug": slug}, {"posts": [{"slug": slug, "pinned": True}]})


pin("zoë", "z1")
pin("zoë", "z2")
pin("zoë", "p007")
ask_profile("zoë", "neo")
pin("neo", "z2")


def rename(handle, new):
    u = user(handle)
    if not u:
        case.refuse("rename", {"handle": handle, "new": new}, *NOTHING)
        return
    if user(new) not in (None, u):
        case.refuse("rename", {"handle": handle, "new": new}, *taken("handle"))
        return
    u.fields["handle"] = new
    answer = {"handle": new, "posts": len(graph.out(u, "Wrote"))}
    case.ask("rename", {"handle": handle, "new": new}, {"user": answer})


rename("neo", "zoë")
rename("neo", "neo")
rename("neo", "Neo")
rename("neo", "trinity")
ask_profile("Neo", "zoë")
join("neo", "Another", "Vaduz", ["en"])
rename("Neo", "neo")
# Two of a city: the second one's name is taken by the first.
case.refuse("same_handle", {"city": "Vaduz", "handle": "one"}, *taken("handle"))
ask_profile("one", "zoë")
case.refuse("same_handle", {"city": "Paris", "handle": "one"}, *NOTHING)
ask_friends("zoë")


def without_id(item):
    return {key: value for key, value in item.whole().items() if key != "id"}


def swap(a, b):
    one, two = user(a), user(b)
    if not one or not two:
        case.refuse("swap", {"a": a, "b": b}, *NOTHING)
        return
    if one is not two:
        one.fields["handle"], two.fields["handle"] = b, a
    case.ask("swap", {"a": a, "b": b}, {"response": {
        "before": [one["name"], two["name"]],
        "now": [u.only("handle", "name") for u in users_of([a, b])],
        "found": user(a)["name"],
    }})


swap(popular[4], popular[5])
ask_profile(popular[4], popular[5])
swap(popular[4], popular[4])
swap(popular[4], "nobody")
swap("", popular[4])
swap(popular[5], popular[4])


def rejoin(handle, **more):
    old = user(handle)
    graph.drop(old)
    new = graph.add("User", **{
        **old.only("handle", "name", "city", "born", "langs"), "karma": max(old["karma"], 1), "bio": more.get("bio"),
    })
    case.ask("rejoin", {"handle": handle, **more}, {"response": {
        "old": without_id(old), "new": without_id(new), "followers": [0, 0], "gone": True,
    }})


quiet = [u["handle"] for u in graph.all("User") if not graph.out(u, "Wrote") and graph.into(u, "Follows")]
rejoin(quiet[-1], bio="back")
rejoin(quiet[-1])
case.refuse("rejoin", {"handle": "nobody"}, *NOTHING)
ask_friends(quiet[-1])


def refollow(handle, since):
    u = user(handle)
    follows = graph.out_edges(u, "Follows")
    graph.drop(*follows)
    close = bool(graph.into(u, "Follows"))
    for f in follows:
        graph.add("Follows", u, f.end, since=instant(since), close=close)
    case.ask("refollow", {"handle": handle, "since": since}, {
        "close": {"Group": grouped(graph.out_edges(u, "Follows"), "close", "since")},
        "before": len(follows), "after": len(follows),
    })


refollow(reader, "2024-04-08")
refollow(lonely, "2024-04-08")
case.refuse("refollow", {"handle": "nobody", "since": "2024-04-08"}, *NOTHING)
ask_suggest(reader, 3)
ask_close_feed(reader)


def hide_one(city, karma):
    u = next((u for u in graph.all("User") if u["city"] == city and not u["hidden"]), None)
    if u:
        u.fields.update(hidden=True, karma=karma)
    else:
        u = graph.add("User", hidden=True, karma=karma)
    hidden = sum(u["hidden"] for u in graph.all("User"))
    answer = {"user": u.only("handle", "city", "hidden", "karma"), "data": hidden}
    case.ask("hide_one", {"city": city, "karma": karma}, answer)


hide_one("Rome", -3)
hide_one("Rome", -4)
# Nobody is there: a user without a name is made.
hide_one("Atlantis", 5)
hide_one("Atlantis", 6)
ask_quiet_feed(reader, 4)
ask_in_city("Rome", since="1900-01-01")


def ask_mentioned_by_followed(handle):
    u = user(handle)

    def younger(f):
        return any(g["born"] and f["born"] and g["born"] > f["born"] for g in graph.out(f, "Follows"))

    case.ask("mentioned_by_followed", {"handle": handle}, {"user": {"handle": handle, "followed": [
        {
            "handle": f["handle"],
            "same_city": f["city"] == u["city"],
            "younger": younger(f),
            "back": graph.out(f, "Follows").count(u),
            "posts": [
                {
                    "slug": p["slug"],
                    "by": f["handle"],
                    "to": each([m for m in graph.out(p, "Mentions") if m["city"] != f["city"]], "handle"),
                    "liked": u in graph.into(p, "Likes"),
                }
                for p in by(graph.out(f, "Wrote"), "slug") if graph.out(p, "Mentions")
            ],
        }
        for f in by(graph.out(u, "Follows"), "handle")
    ]}})


ask_mentioned_by_followed(reader)
ask_mentioned_by_followed("zoë")
ask_mentioned_by_followed(lonely)


def award(rows, **more):
    body = {"rows": [{"handle": handle, "points": points} for handle, points in rows], **more}
    if not all(user(handle) for handle, _ in rows):
        case.refuse("award", body, *NOTHING)
        return
    for handle, points in rows:
        u = user(handle)
        if u["karma"] + points >= 2**63:
            case.refuse("award", body, *unfit("karma", u["karma"] + points, "I64"))
            return
        u.fields["karma"] += points
        if more.get("verified") is not None:
            u.fields["verified"] = more["verified"]
    top = by(by(graph.all("User"), "handle"), "karma", descending=True)[:3]
    case.ask("award", body, {"top": [u.only("handle", "karma", "verified") for u in top]})


award([("zoë", 5), (popular[0], 9), ("zoë", 2)], verified=True)
award([(popular[3], -4), ("neo", 7)])
award([("zoë", 100), ("nobody", 1)])
award([])
award([("neo", 2**63 - 1)])
award([("zoë", -7), (popular[0], 0)], verified=False)
ask_friends_of_friends("zoë")

uses = {t: len(graph.into(t, "Tagged")) for t in graph.all("Hashtag")}
for t, n in uses.items():
    t.fields["uses"] = n
case.ask("count_tags", {}, {"before": 0, "after": sum(uses.values()), "most": max(uses.values())})
case.ask("count_tags", {}, {"before": sum(uses.values()), "after": sum(uses.values()), "most": max(uses.values())})


def retaste(handle, vector, **more):
    taste = find("Taste", "handle", handle)
    weight = None if more.get("weight") is None else F32(more["weight"])
    vector = [float(x) for x in vector]
    if taste:
        taste.fields.update(data=vector, **({} if weight is None else {"weight": weight}))
    else:
        taste = graph.add("Taste", handle=handle, data=vector, weight=weight)
    answer = taste.only("handle", "data", "weight")
    case.ask("retaste", {"handle": handle, "vector": vector, **more}, {"taste": answer})


retaste(taste_rows[0]["handle"], taste_rows[7]["vector"][:3] + [7.5], weight=0.1)
retaste("zoë", [1, -2, 0.5, 0.25])
retaste("zoë", [1, -2, 0.5, -0.25], weight=None)
case.refuse("retaste", {"handle": "zoë", "vector": [1, 2]}, 400, error("Graph error: Invalid vector length: 2, expected 4"))
ask_alike(taste_rows[0]["handle"], 3)
ask_alike(taste_rows[7]["handle"], 5)
ask_alike("zoë", 3)
ask_alike_followed("zoë", [1, -2, 0.5, -0.125], 4)
ask_summary()


def delete_post(slug):
    p = post(slug)
    if p:
        graph.drop(*graph.into(p, "On"))
        graph.drop(p)
    case.ask("delete_post", {"slug": slug}, None)


delete_post(commented[0])
delete_post(commented[0])
ask_post(commented[0])
ask_summary()


def delete_user(handle):
    u = user(handle)
    if u:
        graph.drop(*[c for p in graph.out(u, "Wrote") for c in graph.into(p, "On")])
        graph.drop(*graph.out(u, "Wrote"))
        graph.drop(*graph.out(u, "Commented"))
        graph.drop(*graph.out(u, "HasTaste"))
        graph.drop(u)
    case.ask("delete_user", {"handle": handle}, {"data": "gone"})


delete_user(popular[0])
delete_user(popular[0])
delete_user(lonely)
ask_profile(popular[0], "zoë")
ask_summary()
ask_alike(taste_rows[7]["handle"], 5)


def drop_user(handle):
    u = user(handle)
    if not u:
        case.refuse("drop_user", {"handle": handle}, *NOTHING)
        return
    graph.drop(u)
    orphans = slugs(p for p in graph.all("Post") if not graph.into(p, "Wrote"))
    case.ask("drop_user", {"handle": handle}, {"user": u["name"], "orphans": orphans})


writers = handles(ordered(graph.all("User"), lambda u: len(graph.out(u, "Wrote")), descending=True))
drop_user(writers[0])
drop_user(writers[0])
drop_user("zoë")
ask_alike_followed("neo", [1, -2, 0.5, -0.125], 2)
orphan = next(p for p in graph.all("Post") if not graph.into(p, "Wrote") and graph.into(p, "On"))
ask_post(orphan["slug"])
join("zoë", "Zoë again", "Bern", ["pl"])
ask_friends("zoë")
ask_in_city("Vaduz", lang="en")


def sweep():
    graph.drop(*[p for p in graph.all("Post") if not graph.into(p, "Wrote")])
    graph.drop(*[c for c in graph.all("Comment") if not graph.into(c, "Commented") or not graph.out(c, "On")])
    graph.drop(*[t for t in graph.all("Hashtag") if not graph.into(t, "Tagged")])
    case.ask("sweep", {}, {key: len(graph.all(SIZES[key])) for key in ("posts", "comments", "tags")})


sweep()
sweep()
if reader == writers[0]:
    raise AssertionError("the reader is gone")
ask_trending("2024-03-01", "2025-01-01", 3)
ask_mutual(popular[1:3])
ask_silent()
questions()

case.main()

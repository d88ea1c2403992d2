"""Computes what `memory.md` must answer, with lists and brute force."""

import datetime
import itertools
import math
import random

from computed import BAD_RANGE, F32, NOTHING, NO_PATH, Case, Id, error, missing, mistyped, out_of_range, taken

rng = random.Random(77003)
case = Case(__file__)
NEGATIVE_K = (400, error("Graph error: k must be non-negative"))
DIMENSION = 12

# ---------------------------------------------------------------------------------------------------------------------
# What is searched: distances, words.


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def cosine(a, b):
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def apart(scores, least):
    """Scores that decide an order must not be so close that rounding could turn them around."""
    for one_score, next_score in itertools.pairwise(scores):
        assert abs(one_score - next_score) > least, (one_score, next_score)


def nearest(memories, vector, k):
    """The k nearest by cosine distance, each with its distance."""
    vector = [F32(x) for x in vector]
    found = sorted(((1 - cosine(vector, m["data"]), m) for m in memories), key=lambda pair: pair[0])
    apart([distance for distance, _ in found[: k + 1]], 1e-6)
    return found[:k]


def tokens(text):
    """Lower-cased runs of letters and digits of three bytes and more."""
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return [word for word in words if len(word.encode()) > 2]


def text_of(value):
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def by_words(nodes, fields, text, k):
    """The k nodes whose fields fit a text best (Okapi BM25)."""
    bags = [tokens(" ".join(text_of(node[field]) for field in fields)) for node in nodes]
    mean = sum(len(bag) for bag in bags) / max(1, len(bags))
    found = []
    for node, bag in zip(nodes, bags):
        score, profile = 0, []
        for word in tokens(text):
            holders = sum(word in other for other in bags)
            times = bag.count(word)
            idf = math.log((len(bags) - holders + 0.5) / (holders + 0.5) + 1)
            score += idf * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * len(bag) / mean))
            profile.append((times, len(bag)))
        if score:
            found.append((score, node, profile))
    found.sort(key=lambda hit: -hit[0])
    for (a, _, p), (b, _, q) in itertools.pairwise(found[: k + 1]):
        assert p == q or abs(a - b) > 1e-5, "too close"
    return [node for _, node, _ in found[:k]]


# ---------------------------------------------------------------------------------------------------------------------
# The graph: lists in the order in which things were made; edges with their ends and fields.

agents, sessions, messages, entities, facts, memories = [], [], [], [], [], []
held, said, replies, mentions, supports, about, supersedes, relates, recalls = ([] for _ in range(9))
EDGES = [held, said, replies, mentions, supports, about, supersedes, relates, recalls]


def join(edges, start, end, **fields):
    edges.append({"id": Id(), "from": start, "to": end, **fields})


def drop(kind, items):
    gone = {id(item) for item in items}
    kind[:] = [item for item in kind if id(item) not in gone]
    for edges in EDGES:
        edges[:] = [edge for edge in edges if id(edge["from"]) not in gone and id(edge["to"]) not in gone]


def out_edges(edges, item):
    return [edge for edge in edges if edge["from"] is item]


def in_edges(edges, item):
    return [edge for edge in edges if edge["to"] is item]


def out(edges, *items):
    return [edge["to"] for item in items for edge in out_edges(edges, item)]


def into(edges, *items):
    return [edge["from"] for item in items for edge in in_edges(edges, item)]


def find(items, **wanted):
    (field, value), = wanted.items()
    return next((item for item in items if item[field] == value), None)


def pick(item, *fields):
    return {field: item[field] for field in fields}


def values(items, field):
    return [item[field] for item in items]


def named(items, field):
    return [{field: item[field]} for item in items]


def group(items, field):
    groups = {}
    for item in items:
        value = item[field]
        key = "null" if value is None else str(value)
        there = groups.setdefault(key, {"values": {} if value is None else {field: value}, "count": 0})
        there["count"] += 1
    return groups


def mean(numbers):
    return sum(numbers) / len(numbers) if numbers else None


def rounded(value):
    scaled = value * 1000
    assert abs(scaled - math.floor(scaled) - 0.5) > 1e-6, "a last bit would decide"
    return math.floor(scaled + 0.5) / 1000


def day_of(text):
    return f"{text}T00:00:00+00:00"


# ---------------------------------------------------------------------------------------------------------------------
# The data.

PEOPLE = ["Ada", "Björn", "Chloé", "Dmitri", "Esther", "Farid", "Greta", "Hugo"]
PLACES = ["Lisbon", "Oslo", "Kyoto", "Zürich"]
PROJECTS = ["Aurora", "Beacon", "Cobalt", "Delta"]
TOOLS = ["Compass", "Lathe", "Prism", "Sextant"]
KIND = {name: kind for kind, names in
        {"person": PEOPLE, "place": PLACES, "project": PROJECTS, "tool": TOOLS}.items() for name in names}
NAMES = list(KIND)
VERBS = "met called visited praised rebuilt shipped borrowed measured painted doubted".split()
WORDS = "yesterday budget deadline harbour winter lantern meeting invoice schedule garden ticket rehearsal".split()
TOPICS = ["travel", "planning", "repairs", "small talk"]
PREDICATES = ["lives in", "works on", "owns", "likes"]


def direction(rest=None, noise=1.0):
    rest = rest or [0] * DIMENSION
    return [round(x + rng.gauss(0, noise), 3) for x in rest]


CENTRES = {predicate: direction() for predicate in PREDICATES}
clock = datetime.datetime(2024, 1, 8, 9, 0, tzinfo=datetime.timezone.utc)


def instant(moment):
    return moment.isoformat()


def write_message(slug, turn, moment):
    spoken = rng.sample(NAMES, rng.randrange(0, 4))
    words = [rng.choice(WORDS) for _ in range(rng.randrange(3, 9))]
    for name in spoken:
        words[rng.randrange(len(words)):0] = [name, rng.choice(VERBS)]
    return {
        "key": f"{slug}-m{turn}",
        "turn": turn,
        "role": "user" if turn % 2 == 0 else rng.choice(["assistant", "assistant", "tool"]),
        "text": " ".join(words) + rng.choice([".", "?", "!"]),
        "at": instant(moment),
        "tokens": rng.randrange(5, 60),
        "mentions": [{"name": name, "times": rng.randrange(1, 4)} for name in spoken],
    }


# ---------------------------------------------------------------------------------------------------------------------
# Requests, with what they do here and must do there.


def overview():
    graph = {"agents": agents, "sessions": sessions, "messages": messages, "entities": entities, "facts": facts}
    edges = {"mentions": mentions, "replies": replies, "supports": supports, "about": about, "relations": relates}
    answer = {
        "graph": {key: len(items) for key, items in graph.items()},
        "edges": {key: len(items) for key, items in edges.items()},
        "memories": len(memories),
        "list": [sum(f["pinned"] for f in facts), sum(bool(into(supersedes, f)) for f in facts)],
    }
    case.ask("overview", {}, {"response": answer})


def add_agent(name, **fields):
    agent = {"name": name, "persona": "plain", "half_life": 30.0} | fields
    agent["half_life"] = float(agent["half_life"])
    agents.append(agent)
    case.ask("add_agent", {"name": name, **fields}, {"agent": {"label": "Agent", **agent}})


def begin(name, rows):
    agent = find(agents, name=name)
    for row in rows:
        sessions.append({**row, "ended": None, "summary": None})
        join(held, agent, sessions[-1])
    case.ask("begin", {"agent": name, "sessions": rows}, {"owner": len(out(held, agent))})


def say(slug, rows):
    session = find(sessions, slug=slug)
    for row in rows:
        message = {"id": Id(), **pick(row, "key", "role", "text", "at", "tokens")}
        messages.append(message)
        join(said, session, message, turn=row["turn"])
        for mention in row["mentions"]:
            entity = find(entities, name=mention["name"])
            if entity is None:
                entity = {"id": Id(), "name": mention["name"], "kind": "unknown", "aliases": None, "mentions": 0}
                entities.append(entity)
            entity["last_seen"] = row["at"]
            join(mentions, message, entity, times=mention["times"])
            entity["mentions"] += mention["times"]
    case.ask("say", {"slug": slug, "messages": rows}, {"session": len(out(said, session))})


ENTITY = ("name", "kind", "aliases", "mentions", "last_seen")


def describe_entity(name, kind, aliases):
    entity = find(entities, name=name)
    if entity is None:
        entity = {"id": Id(), "name": name, "mentions": 0, "last_seen": None}
        entities.append(entity)
    entity |= {"kind": kind, "aliases": aliases}
    body = {"name": name, "kind": kind, "aliases": aliases}
    case.ask("describe_entity", body, {"entity": {"label": "Entity", **pick(entity, *ENTITY)}})


def relate(rows):
    for row in rows:
        start, end = find(entities, name=row["from"]), find(entities, name=row["to"])
        edge = next((e for e in out_edges(relates, start) if e["to"] is end), None)
        if edge is None:
            join(relates, start, end)
            edge = relates[-1]
        edge |= pick(row, "kind", "strength", "since")
    case.ask("relate", {"rows": rows}, {"data": len(relates)})


def learn(rows):
    for row in rows:
        fact = {"id": Id(), **pick(row, "key", "predicate", "object", "confidence", "day"), "valid_from": row["from"]}
        facts.append(fact | {"valid_to": None, "uses": 0, "pinned": False})
        memory = {"key": row["key"], "kind": "fact", "importance": row["confidence"], "day": row["day"], "uses": 0}
        memories.append(memory | {"data": [F32(x) for x in row["vector"]]})
        join(about, facts[-1], find(entities, name=row["about"]))
        join(recalls, facts[-1], memories[-1])
        for source in row["sources"]:
            join(supports, find(messages, key=source["message"]), facts[-1], weight=source["weight"])
    case.ask("learn", {"facts": rows}, {"data": len(facts)})


def supersede(old, new, at):
    former, present = find(facts, key=old), find(facts, key=new)
    former["valid_to"] = at
    join(supersedes, present, former, at=at)
    answer = {
        "former": {"key": old, "valid_from": day_of(former["valid_from"]), "valid_to": day_of(at)},
        "present": {"key": new, "replaces": len(out(supersedes, present))},
    }
    case.ask("supersede", {"old": old, "new": new, "at": at}, answer)


def touch(keys):
    for key in keys:
        find(facts, key=key)["uses"] += 1
    case.ask("touch", {"keys": keys}, {"data": sum(values(facts, "uses"))})


def reinforce(keys, factor):
    touched = [fact for fact in facts if fact["key"] in keys]
    for fact in touched:
        fact["confidence"] = min(1.0, fact["confidence"] * factor)
    answer = {"data": [pick(fact, "key", "confidence") for fact in touched]}
    case.ask("reinforce", {"keys": keys, "factor": factor}, answer)


def correct(key, **fields):
    fact = find(facts, key=key)
    fact |= fields
    case.ask("correct", {"key": key, **fields}, {"fact": pick(fact, "predicate", "object", "confidence")})


def pin(key, pinned):
    find(facts, key=key)["pinned"] = pinned
    case.ask("pin", {"key": key, "pinned": pinned}, {"fact": pinned})


MEMORY = ("key", "kind", "importance", "day", "uses")


def remember(key, kind, importance, day, vector):
    memory = find(memories, key=key)
    if memory is None:
        memory = {"key": key, "uses": 0}
        memories.append(memory)
    memory |= {"kind": kind, "importance": float(importance), "day": day, "data": [F32(x) for x in vector]}
    body = {"key": key, "kind": kind, "importance": importance, "day": day, "vector": vector}
    case.ask("remember", body, {"memory": {"label": "Memory", **pick(memory, *MEMORY)}})


def agent(name):
    there = sorted(out(held, find(agents, name=name)), key=lambda s: s["started"], reverse=True)
    shown = [
        {**pick(s, "slug", "topic"), "messages": len(out(said, s)), "tokens": sum(values(out(said, s), "tokens"))}
        for s in there
    ]
    latest = pick(there[0], "slug", "started") if there else {"slug": None, "started": None}
    answer = {**pick(find(agents, name=name), "name", "persona"), "sessions": shown, "latest": latest}
    case.ask("agent", {"name": name}, {"agent": answer})


def transcript(slug, start, end):
    lines = sorted(out_edges(said, find(sessions, slug=slug)), key=lambda edge: edge["turn"])[start:end]
    shown = [
        {"turn": e["turn"], "said": pick(e["to"], "role", "text"), "names": named(out(mentions, e["to"]), "name")}
        for e in lines
    ]
    case.ask("transcript", {"slug": slug, "start": start, "end": end}, {"said": shown})


def last_said(slug, role):
    there = [m for m in out(said, find(sessions, slug=slug)) if m["role"] == role]
    body = {"slug": slug, "role": role}
    if there:
        case.ask("last_said", body, {"message": pick(max(there, key=lambda m: m["at"]), "key", "text", "at")})
    else:
        case.refuse("last_said", body, *NOTHING)


def between(start, end, **role):
    wanted = role.get("role")
    there = [m for m in messages if start <= m["at"] < end and wanted in (None, m["role"])]
    there.sort(key=lambda m: m["at"])
    case.ask("between", {"from": start, "to": end, **role}, {"messages": [pick(m, "key", "at") for m in there]})


def thread(key):
    message = find(messages, key=key)
    answer = {
        "text": message["text"],
        "answers": [pick(m, "key", "role") for m in out(replies, message)],
        "answered_by": [{"key": m["key"], "then": named(into(replies, m), "key")} for m in into(replies, message)],
    }
    case.ask("thread", {"key": key}, {"message": answer})


def open_sessions(topics):
    there = [pick(s, "slug", "ended") for s in sessions if s["ended"] is None and s["topic"] in topics]
    case.ask("open_sessions", {"topics": topics}, {"sessions": there})


def long_sessions(least):
    sizes = [(s["slug"], values(out(said, s), "tokens")) for s in sessions]
    sizes = sorted((row for row in sizes if sum(row[1]) >= least), key=lambda row: -sum(row[1]))
    shown = [
        {"slug": slug, "tokens": sum(t), "mean": mean(t), "most": max(t, default=None), "least": min(t, default=None)}
        for slug, t in sizes
    ]
    case.ask("long_sessions", {"least": least}, {"sessions": shown})


def roles():
    answer = {"roles": {"Group": group(messages, "role")}, "counts": {"Count": group(sessions, "topic")}}
    case.ask("roles", {}, answer)


def entity(name):
    card = find(entities, name=name)
    there = into(mentions, card)
    answer = {
        **pick(card, "name", "kind", "aliases", "mentions"),
        "facts": [pick(f, "predicate", "object") for f in sorted(into(about, card), key=lambda f: f["key"])],
        "knows": [
            {**pick(e, "kind", "strength"), "whom": pick(e["to"], "name")} for e in out_edges(relates, card)
        ],
        "known_by": sorted(named(into(relates, card), "name"), key=lambda row: row["name"]),
        "last": pick(max(there, key=lambda m: m["at"]), "key", "at") if there else {"key": None, "at": None},
    }
    case.ask("entity", {"name": name}, {"entity": answer})


def known_as(alias):
    there = [e["name"] for e in entities if e["name"] == alias or alias in (e["aliases"] or [])]
    case.ask("known_as", {"alias": alias}, {"entities": there})


def most_mentioned(n, kinds):
    there = sorted((e for e in entities if e["kind"] in kinds), key=lambda e: e["name"])
    there.sort(key=lambda e: -e["mentions"])
    shown = [pick(e, "name", "mentions", "last_seen") for e in there[:n]]
    case.ask("most_mentioned", {"n": n, "kinds": kinds}, {"entities": shown})


def of_kind(kind):
    there = [{"id": e["id"], "label": "Entity", **pick(e, *ENTITY)} for e in entities if e["kind"] == kind]
    groups = {kind: {"values": there, "count": len(there)}} if there else {}
    case.ask("of_kind", {"kind": kind}, {"data": {"Group": groups}})


def together(names):
    there = [e for e in entities if e["name"] in names]
    both = [m["key"] for m in messages if there and all(m in into(mentions, e) for e in there)]
    case.ask("together", {"names": names}, {"messages": sorted(both)})
    return both


def beside(name):
    others = out(mentions, *into(mentions, find(entities, name=name)))
    case.ask("beside", {"name": name}, {"others": {"Group": group([e for e in others if e["name"] != name], "name")}})


def relations(kind, since):
    shown = [
        {"from": pick(e["from"], "name"), "to": pick(e["to"], "name"), "strength": e["strength"]}
        for e in relates
        if e["kind"] == kind and e["since"] >= since
    ]
    case.ask("relations", {"kind": kind, "since": since}, {"relations": shown})


def friends_of_friends(name):
    start = find(entities, name=name)
    found = [e for e in out(relates, *out(relates, start)) if e["name"] != name and start not in into(relates, e)]
    case.ask("friends_of_friends", {"name": name}, {"found": values(found, "name")})


def shown_entity(e):
    return {"id": e["id"], "label": "Entity", **pick(e, *ENTITY)}


def closest(start, end):
    """All simple paths, cheapest first."""
    found = []

    def walk(path, cost):
        here = path[-1]["to"] if path else start
        if here is end:
            found.append((cost, list(path)))
            return
        if found and cost > min(found, key=lambda f: f[0])[0] + 0.2:
            return
        for edge in out_edges(relates, here):
            if edge["to"] is not start and all(step["to"] is not edge["to"] for step in path):
                walk([*path, edge], cost + 1.0 - edge["strength"])

    walk([], 0.0)
    body = {"from": start["name"], "to": end["name"]}
    if not found:
        case.refuse("closest", body, *NO_PATH)
        return 0
    found.sort(key=lambda f: f[0])
    apart([cost for cost, _ in found[:2]], 1e-9)
    path = found[0][1]
    edges = [
        {"id": e["id"], "label": "Relates", "from_node": e["from"]["id"], "to_node": e["to"]["id"]}
        | {**pick(e, "kind", "strength"), "since": day_of(e["since"])}
        for e in path
    ]
    case.ask("closest", body, {"path": [[[shown_entity(e) for e in [start, *values(path, "to")]], edges]]})
    return len(path)


def linked(a, b):
    start, end = find(entities, name=a), find(entities, name=b)
    there = end in out(relates, start)
    case.ask("linked", {"from": a, "to": b}, {"there": there, "data": there and start in out(relates, end)})


def valid(fact, at):
    return fact["valid_from"] <= at and not (fact["valid_to"] and fact["valid_to"] <= at)


def facts_at(name, at):
    there = sorted((f for f in into(about, find(entities, name=name)) if valid(f, at)), key=lambda f: f["key"])
    case.ask("facts_at", {"name": name, "at": at}, {"facts": [pick(f, "predicate", "object") for f in there]})


def history(name, predicate):
    there = [f for f in into(about, find(entities, name=name)) if f["predicate"] == predicate]
    there.sort(key=lambda f: (f["valid_from"], f["key"]))
    shown = [
        {
            "object": f["object"],
            "from": day_of(f["valid_from"]),
            "to": f["valid_to"] and day_of(f["valid_to"]),
            "replaced_by": [{"key": pick(e["from"], "key"), "at": day_of(e["at"])} for e in in_edges(supersedes, f)],
        }
        for f in there
    ]
    case.ask("history", {"name": name, "predicate": predicate}, {"facts": shown})


def provenance(key):
    fact = find(facts, key=key)
    given = sorted(in_edges(supports, fact), key=lambda e: -e["weight"])
    shown = [
        {"weight": F32(e["weight"]), "message": pick(e["from"], "key")}
        | {"session": named(into(said, e["from"]), "topic")}
        for e in given
    ]
    answer = {
        "about": [pick(e, "name", "kind") for e in out(about, fact)],
        "weight": F32(sum(values(given, "weight"))) if given else 0,
        "sources": shown,
    }
    case.ask("provenance", {"key": key}, {"fact": answer})


def unsupported(least):
    there = [f["key"] for f in facts if not into(supports, f) and f["confidence"] >= least]
    case.ask("unsupported", {"least": least}, {"facts": there})


def agent_facts(name):
    there = out(supports, *out(said, *out(held, find(agents, name=name))))
    answer = {
        "predicates": {"Group": group(there, "predicate")},
        "number": len(there),
        "mean": mean(values(there, "uses")),
    }
    case.ask("agent_facts", {"name": name}, answer)


def strength(fact, today, half_life):
    return fact["confidence"] * 0.5 ** ((today - fact["day"]) / half_life)


def strongest(today, half_life, n):
    there = sorted(facts, key=lambda f: -strength(f, today, half_life))
    apart([strength(f, today, half_life) for f in there[: n + 1]], 1e-12)
    shown = [
        {"key": f["key"], "strength": rounded(strength(f, today, half_life)), "age": today - f["day"]}
        for f in there[:n]
    ]
    case.ask("strongest", {"today": today, "half_life": half_life, "n": n}, {"facts": shown})


def fading(today, least):
    def kept(fact):
        return fact["confidence"] * math.exp((fact["day"] - today) / 40.0)

    assert all(abs(kept(f) - least) > 1e-9 for f in facts)
    keys = [f["key"] for f in facts if kept(f) < least and not f["pinned"]]
    case.ask("fading", {"today": today, "least": least}, {"number": len(keys), "keys": keys})


def salient(today):
    def value(fact):
        return math.log(1 + fact["uses"]) * fact["confidence"] + 1.0 / (1 + abs(today - fact["day"]))

    there = sorted((f for f in facts if f["uses"] > 0), key=lambda f: -value(f))
    apart([value(f) for f in there], 1e-12)
    shown = []
    for fact in there:
        age = today - fact["day"]
        weeks = int(age / 7)
        shown.append({**pick(fact, "key", "uses"), "weeks": weeks, "rest": age - 7 * weeks})
    case.ask("salient", {"today": today}, {"facts": shown})


def recall(vector, k):
    there = [pick(m, "key", "kind") for _, m in nearest(memories, vector, k)]
    case.ask("recall", {"vector": vector, "k": k}, {"memories": there})


def recall_kind(vector, k, kind, since):
    among = [m for m in memories if m["kind"] == kind and m["day"] is not None and m["day"] >= since]
    body = {"vector": vector, "k": k, "kind": kind, "since": since}
    case.ask("recall_kind", body, {"memories": [m["key"] for _, m in nearest(among, vector, k)]})


def recall_valid(vector, k, at):
    there = into(recalls, *[m for _, m in nearest(memories, vector, k)])
    shown = [
        {"key": f["key"], "about": {"name": next(iter(values(out(about, f), "name")), None)}}
        for f in there
        if valid(f, at)
    ]
    case.ask("recall_valid", {"vector": vector, "k": k, "at": at}, {"facts": shown})


def recall_about(name, vector, k):
    among = out(recalls, *into(about, find(entities, name=name)))
    there = [m["key"] for _, m in nearest(among, vector, k)]
    case.ask("recall_about", {"name": name, "vector": vector, "k": k}, {"memories": there})


def recall_supported(vector, k, topic):
    def fits(memory):
        return topic in values(into(said, *into(supports, *into(recalls, memory))), "topic")

    there = [m["key"] for _, m in nearest([m for m in memories if fits(m)], vector, k)]
    case.ask("recall_supported", {"vector": vector, "k": k, "topic": topic}, {"memories": there})


def recall_weighed(vector, today):
    def value(pair):
        distance, memory = pair
        return 0.75 * (1 - distance) + 0.25 * (memory["importance"] * 0.5 ** ((today - memory["day"]) / 30.0))

    found = nearest(memories, vector, 10)
    dated = sorted((pair for pair in found if pair[1]["day"] is not None), key=value, reverse=True)
    apart([value(pair) for pair in dated], 1e-6)
    there = dated + [pair for pair in found if pair[1]["day"] is None]
    shown = [{"key": m["key"], "age": None if m["day"] is None else today - m["day"]} for _, m in there]
    case.ask("recall_weighed", {"vector": vector, "today": today}, {"memories": shown})


def recall_varied(vector, weight):
    left, picked = nearest(memories, vector, 12), []
    while left:

        def value(pair):
            if not picked:
                return 1 - pair[0]
            nearness = max([0] + [cosine(pair[1]["data"], other["data"]) for _, other in picked])
            return weight * (1 - pair[0]) - (1 - weight) * nearness

        left.sort(key=value, reverse=True)
        apart([value(pair) for pair in left[:2]], 1e-6)
        picked.append(left.pop(0))
    there = [m["key"] for _, m in picked[:6]]
    case.ask("recall_varied", {"vector": vector, "lambda": weight}, {"memories": there})


MESSAGE = ("key", "role", "text", "at", "tokens")


def context(vector, text):
    known = into(recalls, *[m for _, m in nearest(memories, vector, 3)])
    heard = by_words(messages, MESSAGE, text, 3)
    answer = {
        "facts": [
            {**pick(f, "key", "predicate", "object"), "about": named(out(about, f), "name")} for f in known
        ],
        "messages": [{"key": m["key"], "session": pick(into(said, m)[0], "slug", "topic")} for m in heard],
        "entities": {
            "of_facts": values(out(about, *known), "name"),
            "of_messages": values(out(mentions, *heard), "name"),
        },
    }
    case.ask("context", {"vector": vector, "text": text}, {"response": answer})


def search_messages(text, k, **role):
    there = [m["key"] for m in by_words(messages, MESSAGE, text, k) if role.get("role") in (None, m["role"])]
    case.ask("search_messages", {"text": text, "k": k, **role}, {"messages": there})


def search_entities(text):
    there = [pick(e, "name", "kind") for e in by_words(entities, ENTITY, text, 5)]
    case.ask("search_entities", {"text": text}, {"entities": there})


# ---------------------------------------------------------------------------------------------------------------------
# Agents, sessions, messages.

overview()
recall(direction(), 3)
search_messages("budget", 3)
add_agent("Orla", persona="curious", half_life=20.5)
add_agent("Pim")
add_agent("Quill", half_life=90)
add_agent("Rook", persona="terse")
case.refuse("add_agent", {"name": "Pim", "persona": "second"}, *taken("name"))
case.refuse("add_agent", {"name": "Sol", "half_life": "long"}, *mistyped("half_life", "F64", "string"))
agent("Pim")
case.refuse("agent", {"name": "Sol"}, *NOTHING)

slots = []
for number in range(18):
    slot = {"slug": f"s{number:02}", "topic": rng.choice(TOPICS), "started": instant(clock)}
    clock += datetime.timedelta(days=rng.randrange(1, 9), minutes=rng.randrange(1, 600))
    slots.append((rng.choice(["Orla", "Orla", "Pim", "Quill"]), slot))
for name in ("Orla", "Pim", "Quill"):
    begin(name, [slot for owner, slot in slots if owner == name])
case.refuse("begin", {"agent": "Sol", "sessions": [slots[0][1]]}, *NOTHING)
fresh = {"slug": "s99", "topic": "travel", "started": "2024-09-01"}
case.refuse("begin", {"agent": "Rook", "sessions": [fresh, slots[0][1]]}, *taken("slug"))
case.refuse("begin", {"agent": "Rook", "sessions": [{"slug": "s99", "topic": "travel"}]}, *missing("sessions.started"))
overview()
say("s17", [])
case.refuse("last_said", {"slug": "s17", "role": "user"}, *NOTHING)
for _, slot in sorted(slots, key=lambda pair: pair[1]["slug"])[:17]:
    moment = datetime.datetime.fromisoformat(slot["started"])
    rows = []
    for turn in range(rng.randrange(4, 14)):
        moment += datetime.timedelta(seconds=rng.randrange(20, 4000))
        rows.append(write_message(slot["slug"], turn, moment))
    say(slot["slug"], rows)
line = {**rows[0], "key": "lost", "mentions": []}
case.refuse("say", {"slug": "nowhere", "messages": [line]}, *NOTHING)
case.refuse("say", {"slug": "s17", "messages": [line, rows[0]]}, *taken("key"))
many = [{"name": "Zoë", "times": 256}]
case.refuse("say", {"slug": "s17", "messages": [{**line, "mentions": many}]},
            *out_of_range("messages.mentions.times", "U8", 256))
overview()
search_entities("Zoë")

pairs = []
for session in sessions:
    for before, after in itertools.pairwise(out(said, session)):
        if rng.random() < 0.7:
            pairs.append({"to": before["key"], "with": after["key"]})
        if rng.random() < 0.2:
            other = rng.choice(out(said, session))
            if other not in (before, after) and {"to": other["key"], "with": after["key"]} not in pairs:
                pairs.append({"to": other["key"], "with": after["key"]})
for pair in pairs:
    join(replies, find(messages, key=pair["with"]), find(messages, key=pair["to"]))
assert len({(p["to"], p["with"]) for p in pairs}) == len(pairs)
case.ask("reply", {"pairs": pairs}, {"data": len(replies)})
again = replies[3]
case.duplicate_edge("reply", {"pairs": [pairs[3]]}, "Replies", again["from"]["id"], again["to"]["id"])
for pair in pairs[::31]:
    thread(pair["to"])
thread(messages[-1]["key"])
case.refuse("thread", {"key": "lost"}, *NOTHING)
for name in ("Orla", "Pim", "Quill"):
    agent(name)
transcript("s00", 0, 100)
transcript("s05", 2, 4)
transcript("s05", 4, 2)
transcript("s17", 0, 5)
transcript("nowhere", 0, 5)
for slug, role in (("s03", "user"), ("s04", "assistant"), ("s05", "critic"), ("nowhere", "user")):
    last_said(slug, role)
start, end = messages[20]["at"], messages[33]["at"]
between(start, end)
between(start, end, role="assistant")
between(end, start)
case.refuse("between", {"from": "soon", "to": end}, *mistyped(
    "from", "Date", "a string that is no date (`2024-05-01` or `2024-05-01T12:00:00Z`)"))
roles()
for least in (0, 250, 10000):
    long_sessions(least)

# Sessions end, and are opened again.

for session in sessions[::2]:
    ended = {"ended": max([session["started"], *values(out(said, session), "at")])}
    if rng.random() < 0.6:
        ended["summary"] = f"On {session['topic']}: {len(out(said, session))} messages."
    session |= ended
    case.ask("finish", {"slug": session["slug"], **ended}, {"session": pick(session, "slug", "ended", "summary")})
open_sessions(TOPICS[:2])
open_sessions(TOPICS)
open_sessions([])
sessions[2] |= {"ended": None, "summary": None}
case.ask("reopen", {"slug": sessions[2]["slug"]}, {"session": pick(sessions[2], "topic", "ended", "summary")})
case.refuse("reopen", {"slug": "nowhere"}, *NOTHING)
case.refuse("finish", {"slug": "nowhere", "ended": "2024-09-01"}, *NOTHING)
open_sessions(TOPICS[2:])

# Entities and their relations.

case.ask("kinds", {}, {"data": {"Group": group(entities, "kind")}})
for name in NAMES[:-2]:
    describe_entity(name, KIND[name], rng.sample(["the " + KIND[name], name[:3], name.upper(), "Schätzchen"], 2))
describe_entity("Vault", "place", [])
case.ask("kinds", {}, {"data": {"Group": group(entities, "kind")}})
of_kind("unknown")
of_kind("project")
of_kind("animal")
for alias in ("Ada", "the tool", "Schätzchen", "OSLO", "oslo", ""):
    known_as(alias)
most_mentioned(5, ["person", "place"])
most_mentioned(255, ["tool", "unknown"])
most_mentioned(3, [])
case.refuse("most_mentioned", {"n": 256, "kinds": []}, *out_of_range("n", "U8", 256))
search_entities("the person")
search_entities("Björn schätzchen LISBON")
search_entities("place Vault 2024")
rows = []
for _ in range(70):
    start, end = rng.sample(NAMES, 2)
    strength_now = round(rng.uniform(0.05, 0.99), 4)
    since = f"202{rng.randrange(0, 5)}-0{rng.randrange(1, 10)}-1{rng.randrange(0, 10)}"
    kind = rng.choice(["friend", "colleague", "part of"])
    if end != "Sextant":
        rows.append({"from": start, "to": end, "kind": kind, "strength": strength_now, "since": since})
relate(rows)
relate([{**rows[0], "strength": 0.015625}, {**rows[1], "from": rows[1]["to"], "to": rows[1]["from"], "kind": "friend"}])
relate([])
case.refuse("relate", {"rows": [rows[0], {**rows[1], "to": "nobody"}]}, *NOTHING)
for kind, since in (("friend", "2020-01-01"), ("part of", "2023-05-05"), ("enemy", "2020-01-01")):
    relations(kind, since)
for name in ("Ada", "Oslo", "Prism", "Vault"):
    friends_of_friends(name)
case.refuse("friends_of_friends", {"name": "nobody"}, *NOTHING)
linked(rows[1]["from"], rows[1]["to"])
linked("Ada", "Vault")
linked(rows[0]["from"], rows[0]["to"])
case.refuse("linked", {"from": "Ada", "to": "nobody"}, *NOTHING)
shown = 0
for start, end in itertools.permutations(NAMES, 2):
    if shown < 5 and rng.random() < 0.06:
        shown += closest(find(entities, name=start), find(entities, name=end)) > 1
closest(find(entities, name="Ada"), find(entities, name="Sextant"))
closest(find(entities, name="Oslo"), find(entities, name="Oslo"))
both = 0
for names in itertools.combinations(NAMES, 2):
    if both < 5 and any(len({n["name"] for n in out(mentions, m)} & set(names)) == 2 for m in messages):
        both += len(together(list(names)))
together(["Ada", "nobody"])
together(["Ada", "Vault"])
together([])
for name in ("Ada", "Kyoto", "Vault", "nobody"):
    beside(name)

# Facts: where they come from, how long they hold.

TODAY = 400
learned = []
for number in range(84):
    predicate = PREDICATES[number % 4]
    holders = PEOPLE if predicate in ("lives in", "works on") else PEOPLE[:4] + TOOLS
    targets = {"lives in": PLACES, "works on": PROJECTS, "owns": TOOLS, "likes": WORDS}[predicate]
    sources = rng.sample(messages, rng.choice([0, 1, 1, 2, 3]))
    weights = rng.sample(range(1, 17), len(sources))
    learned.append({
        "key": f"f{number:02}",
        "about": rng.choice(holders),
        "predicate": predicate,
        "object": rng.choice(targets),
        "confidence": round(rng.uniform(0.2, 1.0), 3),
        "day": rng.randrange(100, TODAY),
        "from": f"2023-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "sources": [{"message": m["key"], "weight": w / 4} for m, w in zip(sources, weights)],
        "vector": direction(CENTRES[predicate], 0.35),
    })
for start in range(0, 84, 28):
    learn(learned[start : start + 28])
new = {**learned[0], "key": "new", "sources": []}
case.refuse("learn", {"facts": [new, learned[0]]}, *taken("key"))
case.refuse("learn", {"facts": [{**new, "about": "nobody"}]}, *NOTHING)
case.refuse("learn", {"facts": [{**new, "sources": [{"message": "lost", "weight": 1}]}]}, *NOTHING)
twice = [{"message": messages[0]["key"], "weight": 1}] * 2
case.duplicate_edge("learn", {"facts": [{**new, "sources": twice}]}, "Supports", messages[0]["id"], Id())
WRONG_LENGTH = (400, error("Graph error: Invalid vector length: 2, expected 12"))
case.refuse("learn", {"facts": [{**new, "vector": [1, 2]}]}, *WRONG_LENGTH)
case.refuse("learn", {"facts": [{**new, "vector": None}]}, *mistyped("facts.vector", "array", "null"))
overview()
for key in ("f00", "f01", "f02", "f03", "f07", "f09"):
    provenance(key)
case.refuse("provenance", {"key": "lost"}, *NOTHING)
for least in (0.0, 0.75, 1.5):
    unsupported(least)
for name in ("Orla", "Pim", "Rook", "nobody"):
    agent_facts(name)
for person in PEOPLE[:5]:
    there = sorted((f for f in into(about, find(entities, name=person)) if f["predicate"] == "lives in"),
                   key=lambda f: (f["valid_from"], f["key"]))
    for old, fact in itertools.pairwise(there):
        supersede(old["key"], fact["key"], fact["valid_from"])
    history(person, "lives in")
    for at in ("2023-03-15", "2023-07-01", "2024-02-01"):
        facts_at(person, at)
old = supersedes[0]
body = {"old": old["to"]["key"], "new": old["from"]["key"], "at": "2024-01-01"}
case.duplicate_edge("supersede", body, "Supersedes", old["from"]["id"], old["to"]["id"])
case.refuse("supersede", {"old": "lost", "new": "f00", "at": "2024-01-01"}, *NOTHING)
case.refuse("supersede", {"old": "f00", "new": "lost", "at": "2024-01-01"}, *NOTHING)
history("Ada", "envies")
history("nobody", "owns")
facts_at("nobody", "2024-01-01")
for name in ("Ada", "Björn", "Sextant", "Vault", "Aurora"):
    entity(name)
case.refuse("entity", {"name": "ada"}, *NOTHING)

# How strong they are, used and unused.

for today, half_life, n in ((TODAY, 30.0, 8), (TODAY, 365.25, 5), (TODAY - 150, 45, 4), (TODAY, 30.0, 0)):
    strongest(today, half_life, n)
body = {"today": TODAY, "half_life": 0, "n": 3}
case.refuse("strongest", body, 400, error("Graph error: Division by zero"))
case.refuse("strongest", {**body, "half_life": 30, "n": -1}, *BAD_RANGE)
salient(TODAY)
touch(["f01", "f01", "f02", "f30", "f31"])
touch(["f01", "f60", "f30", "f77"])
touch([])
case.refuse("touch", {"keys": ["f05", "lost"]}, *NOTHING)
salient(TODAY)
salient(150)
agent_facts("Orla")
pin("f02", True)
pin("f20", True)
pin("f21", True)
pin("f21", False)
case.refuse("pin", {"key": "f02", "pinned": "yes"}, *mistyped("pinned", "Boolean", "string"))
case.refuse("pin", {"key": "lost", "pinned": True}, *NOTHING)
reinforce(["f10", "f11", "lost", "f12"], 1.25)
reinforce(["f10", "f40"], 0.3)
reinforce([], 2)
correct("f13", confidence=0.875)
correct("f13", object="lighthouse")
correct("f13")
case.refuse("correct", {"key": "lost", "object": "x"}, *NOTHING)
strongest(TODAY, 60, 6)
for today, least in ((TODAY, 0.05), (TODAY, 0.2), (100, 0.1)):
    fading(today, least)

# Recalled.

for number in range(24):
    predicate = PREDICATES[number % 4]
    vector = direction(CENTRES[predicate], 0.5)
    remember(f"e{number:02}", rng.choice(["episode", "habit"]), round(rng.random(), 3), rng.randrange(200, 400), vector)
ASKED = {predicate: direction(CENTRES[predicate], 0.15) for predicate in PREDICATES}
for predicate, vector in ASKED.items():
    recall(vector, 6)
    recall_kind(vector, 4, "episode", 250)
    recall_valid(vector, 8, "2023-08-01")
    recall_weighed(vector, TODAY)
vector = ASKED["owns"]
recall(vector, 0)
recall(vector, 5000)
case.refuse("recall", {"vector": vector, "k": -2}, *NEGATIVE_K)
case.refuse("recall", {"vector": [1, 2], "k": 2}, *WRONG_LENGTH)
recall_kind(vector, 3, "fact", 390)
recall_kind(vector, 3, "dream", 0)
recall_valid(vector, 6, "2020-01-01")
for name in ("Ada", "Lathe", "Vault", "nobody"):
    recall_about(name, vector, 3)
for topic in (*TOPICS, "silence"):
    recall_supported(vector, 4, topic)
for weight in (0.25, 0.6, 1.0):
    recall_varied(vector, weight)
vectors = [direction(CENTRES["likes"], 0.05) for _ in range(3)]
for loose in vectors:
    blank = {"key": None, "kind": None, "importance": 0.5, "day": None, "uses": 0}
    memories.append({**blank, "data": [F32(x) for x in loose]})
shown = [pick(m, "kind", "importance", "uses") for m in memories[-3:]]
case.ask("remember_all", {"vectors": vectors}, {"memories": shown, "data": len(memories)})
case.ask("remember_all", {"vectors": []}, {"memories": [], "data": len(memories)})
recall(ASKED["likes"], 5)
recall_kind(ASKED["likes"], 5, "fact", -1)
recall_weighed(ASKED["likes"], TODAY + 30)
remember("e00", "moved", 1, 399, [-x for x in ASKED["owns"]])
recall([-x for x in vector], 1)
recall_kind(vector, 100, "moved", 0)
case.refuse("remember", {"key": "e00", "kind": "x", "importance": 1, "day": 1, "vector": [1, 2]}, *WRONG_LENGTH)
search_messages("budget meeting", 6)
search_messages("Ada visited Oslo", 5, role="user")
search_messages("ADA", 400, role="assistant")
search_messages("s05", 20)
search_messages("Björn zürich", 4)
search_messages("on at", 5)
case.refuse("search_messages", {"text": "Ada", "k": 65536}, *out_of_range("k", "U16", 65536))
for predicate, text in (("lives in", "Lisbon harbour"), ("works on", "Aurora deadline"), ("likes", "...")):
    context(ASKED[predicate], text)

# Renamed, merged, forgotten.

find(entities, name="Compass")["name"] = "Astrolabe"
number = find(entities, name="Astrolabe")["mentions"]
renamed = {"entity": {"name": "Astrolabe", "mentions": number}}
case.ask("rename_entity", {"name": "Compass", "new_name": "Astrolabe"}, renamed)
case.refuse("rename_entity", {"name": "Astrolabe", "new_name": "Lathe"}, *taken("name"))
case.refuse("rename_entity", {"name": "Compass", "new_name": "Compass"}, *NOTHING)
case.ask("rename_entity", {"name": "Astrolabe", "new_name": "Astrolabe"}, renamed)
case.refuse("entity", {"name": "Compass"}, *NOTHING)
search_entities("compass astrolabe")
for keep, gone in (("Ada", "Esther"), ("Vault", "Kyoto")):
    kept, lost = find(entities, name=keep), find(entities, name=gone)
    for edge in in_edges(mentions, lost):
        join(mentions, edge["from"], kept, times=edge["times"])
    kept["mentions"] += lost["mentions"]
    drop(entities, [lost])
    answer = {**pick(kept, "name", "mentions"), "edges": len(in_edges(mentions, kept))}
    case.ask("merge_entities", {"keep": keep, "gone": gone}, {"data": answer})
case.refuse("merge_entities", {"keep": "Ada", "gone": "Ada"}, *NOTHING)
case.refuse("merge_entities", {"keep": "Ada", "gone": "Esther"}, *NOTHING)
beside("Vault")
entity("Ada")
recall_valid(ASKED["lives in"], 8, "2023-12-01")
together(["Ada", "Oslo"])
overview()


def forget_session(slug):
    for session in [s for s in sessions if s["slug"] == slug]:
        drop(messages, out(said, session))
        drop(sessions, [session])
    case.ask("forget_session", {"slug": slug}, {"sessions": len(sessions), "messages": len(messages)})


for slug in ("s01", "s05", "s05", "s17", "nowhere"):
    forget_session(slug)
agent(slots[5][0])
search_messages("Björn zürich", 4)
search_messages("s05", 20)
transcript("s05", 0, 9)
unsupported(0.5)
recall_supported(vector, 4, "travel")


def forget_entity(name):
    there = find(entities, name=name)
    known = into(about, there)
    drop(memories, out(recalls, *known))
    drop(facts, known)
    drop(entities, [there])
    answer = {"facts": len(facts), "entities": len(entities), "memories": len(memories)}
    case.ask("forget_entity", {"name": name}, answer)


recall(vector, 4)
forget_entity("Hugo")
recalled = into(recalls, *[m for _, m in nearest([m for m in memories if m["kind"] == "fact"], vector, 1)])
forget_entity(out(about, *recalled)[0]["name"])
forget_entity("nobody")
recall(vector, 4)
case.ask("kinds", {}, {"data": {"Group": group(entities, "kind")}})


def expire(before):
    old = [f for f in facts if f["valid_to"] and f["valid_to"] < before and not f["pinned"]]
    drop(memories, out(recalls, *old))
    drop(facts, old)
    case.ask("expire", {"before": before}, {"number": len(old)})


outdated = next(f for f in facts if f["valid_to"])
pin(outdated["key"], True)
for before in ("2020-01-01", "2023-09-01", "2030-01-01", "2030-01-01"):
    expire(before)
for person in PEOPLE[:3]:
    history(person, "lives in")


def prune(today, half_life, least):
    def faded(memory):
        if memory["day"] is None:
            return False
        left = memory["importance"] * 0.5 ** ((today - memory["day"]) / half_life)
        assert abs(left - least) > 1e-9
        return left < least and not any(values(into(recalls, memory), "pinned"))

    drop(memories, [m for m in memories if faded(m)])
    case.ask("prune", {"today": today, "half_life": half_life, "least": least}, {"data": len(memories)})


case.refuse("prune", {"today": TODAY, "half_life": 0, "least": 0.1}, 400, error("Graph error: Division by zero"))
prune(TODAY, 30, 0.0)
prune(TODAY, 30, 0.02)
recall(ASKED["works on"], 6)
prune(TODAY + 60, 20.5, 0.25)
for wanted in ASKED.values():
    recall(wanted, 5)
recall_weighed(vector, TODAY)
context(ASKED["lives in"], "garden ticket")
overview()

case.main()

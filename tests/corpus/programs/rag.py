"""Computes what `rag.md` must answer, with lists and brute force."""

import itertools
import math
import random

from computed import F32, NOTHING, NO_PATH, Case, Id, error, missing, mistyped, taken

rng = random.Random(20240611)
case = Case(__file__)
NEGATIVE_K = (400, error("Graph error: k must be non-negative"))

# ---------------------------------------------------------------------------------------------------------------------
# What is searched: distances, words.


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def cosine(a, b):
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def apart(scores, least):
    """Scores that decide an order must not be so close that rounding to 32 bits could turn them around."""
    for one, next_one in itertools.pairwise(scores):
        assert abs(one - next_one) > least, (one, next_one)


def nearest(embeddings, vector, k):
    """The k nearest by cosine distance, each with its distance."""
    vector = [F32(x) for x in vector]
    found = sorted(((1 - cosine(vector, e["data"]), e) for e in embeddings), key=lambda pair: pair[0])
    apart([distance for distance, _ in found[: k + 1]], 1e-6)
    return found[:k]


def diversify(found, weight, alike):
    """Maximal marginal relevance over what a search found."""
    left, picked = list(found), []
    while left:

        def value(pair):
            relevance = 1 - pair[0]
            if not picked:
                return relevance
            nearness = max([0] + [alike(pair[1]["data"], other["data"]) for _, other in picked])
            return weight * relevance - (1 - weight) * nearness

        left.sort(key=value, reverse=True)
        apart([value(pair) for pair in left[:2]], 1e-6)
        picked.append(left.pop(0))
    return [e for _, e in picked]


ALIKE = {
    "cosine": cosine,
    "euclidean": lambda a, b: math.exp(-math.dist(a, b)),
    "dotproduct": dot,
}


def tokens(text):
    """Lower-cased runs of letters and digits of three bytes and more."""
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return [word for word in words if len(word.encode()) > 2]


def by_words(nodes, fields, text, k):
    """The k nodes whose fields fit a text best (Okapi BM25), each with its score."""
    bags = [tokens(" ".join(str(node[field]) for field in fields)) for node in nodes]
    if not bags:
        return []
    mean = sum(len(bag) for bag in bags) / len(bags)
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
    return [(score, node) for score, node, _ in found[:k]]


# ---------------------------------------------------------------------------------------------------------------------
# The data.

TOPICS = {
    "storage": "page tree write sync journal snapshot block cache flush segment".split(),
    "vectors": "cosine neighbour cluster layer recall distance dimension kernel quantise probe".split(),
    "graphs": "vertex edge path degree walk hop triangle community bridge spanning".split(),
    "language": "token grammar parser stemming corpus sentence phrase alphabet accent vowel".split(),
    "network": "packet socket latency router retry backoff handshake cipher proxy gateway".split(),
    "weather": "rain wind front pressure cloud humidity storm frost season barometer".split(),
}
COMMON = {
    "en": "the with from over when each than more there between".split(),
    "de": "und für über wenn jede größer dort zwischen während häufig".split(),
    "fr": "avec après lorsque chaque très où entre déjà être même".split(),
}
KINDS = ["guide", "paper", "note"]
DIMENSION = 16


def direction(rest=None, noise=1.0):
    rest = rest or [0] * DIMENSION
    return [round(x + rng.gauss(0, noise), 3) for x in rest]


CENTRES = {topic: direction() for topic in TOPICS}
SOURCES = [
    ("press", "University Press", 0.875),
    ("blog", "Daily Notes", 0.25),
    ("wiki", "Open Wiki", 0.625),
    ("archive", "Old Archive", 0.5),
    ("vendor", "Vendor Manuals", 0.375),
]


def write_chunk(key, position, topic, lang, middle):
    length = rng.randrange(9, 22)
    words = [rng.choice(TOPICS[topic] if rng.random() < 0.55 else COMMON[lang]) for _ in range(length)]
    if rng.random() < 0.3:
        words[rng.randrange(length)] = rng.choice(TOPICS[rng.choice(list(TOPICS))])
    text = " ".join(words).capitalize() + "."
    return {
        "key": key,
        "position": position,
        "text": text,
        "tokens": rng.randrange(60, 160),
        "vector": direction(middle, 0.25),
    }


def write_document(number, topic, source):
    lang = rng.choice(["en", "en", "de", "fr"])
    slug = f"{topic[:3]}-{number:02}"
    middle = direction(CENTRES[topic], 0.3)
    word, other = rng.sample(TOPICS[topic], 2)
    return {
        "slug": slug,
        "title": f"{word.capitalize()} and {other}",
        "lang": lang,
        "kind": rng.choice(KINDS),
        "published": f"20{rng.randrange(21, 25)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "tags": rng.sample([topic, *KINDS, "draft", "review", "été"], rng.randrange(0, 4)),
        "chunks": [write_chunk(f"{slug}/{p}", p, topic, lang, middle) for p in range(rng.randrange(2, 6))],
        "topic": topic,
        "source": source,
    }


# ---------------------------------------------------------------------------------------------------------------------
# The store: lists in the order in which things were made; edges as pairs, with their fields.


class Store:
    def __init__(self):
        self.sources, self.documents, self.chunks, self.embeddings, self.questions = [], [], [], [], []
        self.published, self.has_chunk, self.next, self.embedded, self.cites, self.answers = [], [], [], [], [], []

    def edges(self):
        return [self.published, self.has_chunk, self.next, self.embedded, self.cites, self.answers]

    def drop(self, kind, items):
        items = [id(item) for item in items]
        kind[:] = [item for item in kind if id(item) not in items]
        for edges in self.edges():
            edges[:] = [edge for edge in edges if id(edge["from"]) not in items and id(edge["to"]) not in items]

    def add_chunk(self, document, chunk):
        fields = ("key", "position", "text", "tokens")
        node = {"id": Id(), **{field: chunk[field] for field in fields}}
        embedding = {
            "key": chunk["key"],
            "lang": document["lang"],
            "position": chunk["position"],
            "model": "mini-16",
            "data": [F32(x) for x in chunk["vector"]],
        }
        self.chunks.append(node)
        self.embeddings.append(embedding)
        self.has_chunk.append({"from": document, "to": node})
        self.embedded.append({"from": node, "to": embedding})

    def ingest(self, source, documents):
        for written in documents:
            fields = ("slug", "title", "lang", "kind", "published", "tags")
            document = {"id": Id(), **{field: written[field] for field in fields}, "revision": 1, "status": "live"}
            self.documents.append(document)
            self.published.append({"from": source, "to": document})
            for chunk in written["chunks"]:
                self.add_chunk(document, chunk)

    def forget_chunks(self, document):
        chunks = out(self.has_chunk, document)
        self.drop(self.embeddings, [e for chunk in chunks for e in out(self.embedded, chunk)])
        self.drop(self.chunks, chunks)


def out(edges, item):
    return [edge["to"] for edge in edges if edge["from"] is item]


def into(edges, item):
    return [edge["from"] for edge in edges if edge["to"] is item]


def one(items, **wanted):
    (field, value), = wanted.items()
    return next(item for item in items if item[field] == value)


def date(day):
    return f"{day}T00:00:00+00:00"


def pick(item, *fields):
    return {field: item[field] for field in fields}


def values(items, field):
    return [item[field] for item in items]


def group(items, *fields):
    groups = {}
    for item in items:
        key = "_".join("null" if item[field] is None else str(item[field]) for field in fields)
        there = groups.setdefault(key, {"values": {f: item[f] for f in fields if item[f] is not None}, "count": 0})
        there["count"] += 1
    return groups


def document_of(chunk):
    return into(store.has_chunk, chunk)[0]


def chunks_of(embeddings):
    return [chunk for e in embeddings for chunk in into(store.embedded, e)]


def citation_counts(document):
    return len(into(store.cites, document))


def lengths_of(document):
    return values(out(store.has_chunk, document), "tokens")


store = Store()
WRITTEN = []
for number in range(40):
    topic = list(TOPICS)[number % len(TOPICS)]
    WRITTEN.append(write_document(number, topic, SOURCES[rng.choice([0, 0, 1, 2, 2, 3])][0]))

# ---------------------------------------------------------------------------------------------------------------------
# Answers that are asked for several times.


def counts():
    answer = {
        "sources": store.sources,
        "documents": store.documents,
        "chunks": store.chunks,
        "embeddings": store.embeddings,
        "owned": store.has_chunk,
        "embedded": store.embedded,
        "following": store.next,
        "citations": store.cites,
        "ratings": store.answers,
    }
    case.ask("counts", {}, {key: len(items) for key, items in answer.items()})


def near(vector, k):
    hits = [e for _, e in nearest(store.embeddings, vector, k)]
    case.ask("near", {"vector": vector, "k": k}, {"hits": values(hits, "key")})


def near_chunks(vector, k):
    chunks = chunks_of(e for _, e in nearest(store.embeddings, vector, k))
    shown = [{**pick(c, "key", "text"), "document": pick(document_of(c), "slug", "lang")} for c in chunks]
    case.ask("near_chunks", {"vector": vector, "k": k}, {"chunks": shown})


def near_in(vector, k, lang):
    hits = [e for _, e in nearest([e for e in store.embeddings if e["lang"] == lang], vector, k)]
    case.ask("near_in", {"vector": vector, "k": k, "lang": lang}, {"hits": [pick(e, "key", "lang") for e in hits]})


def near_then_in(vector, k, lang):
    hits = [e["key"] for _, e in nearest(store.embeddings, vector, k) if e["lang"] == lang]
    case.ask("near_then_in", {"vector": vector, "k": k, "lang": lang}, {"hits": hits})


def near_documents(vector, k):
    documents = [document_of(c) for c in chunks_of(e for _, e in nearest(store.embeddings, vector, k))]
    answer = {"slugs": values(documents, "slug"), "groups": {"Group": group(documents, "lang", "status")}}
    case.ask("near_documents", {"vector": vector, "k": k}, answer)


CHUNK_TEXT = ("key", "position", "text", "tokens")


def words(text, k):
    hits = by_words(store.chunks, CHUNK_TEXT, text, k)
    case.ask("words", {"text": text, "k": k}, {"hits": [chunk["key"] for _, chunk in hits]})


def page(slug):
    document = one(store.documents, slug=slug)
    chunks = sorted(out(store.has_chunk, document), key=lambda c: c["position"])
    answer = {
        "title": document["title"],
        "source": pick(into(store.published, document)[0], "slug", "trust"),
        "chunks": [pick(c, "key", "tokens") for c in reversed(chunks)],
        "cites": [{"slug": s} for s in sorted(values(out(store.cites, document), "slug"))],
        "cited_by": citation_counts(document),
        "first": {"text": chunks[0]["text"] if chunks else None},
    }
    case.ask("page", {"slug": slug}, {"document": answer})


def whole_document(slug):
    document = {key: value for key, value in one(store.documents, slug=slug).items() if key != "id"}
    shown = {"label": "Document", **document, "published": date(document["published"])}
    case.ask("document", {"slug": slug}, {"document": shown})


def list_documents(**wanted):
    def fits(document):
        return (
            wanted.get("lang") in (None, document["lang"])
            and wanted.get("kind") in (None, document["kind"])
            and (wanted.get("since") is None or document["published"] >= wanted["since"])
            and (wanted.get("tag") is None or wanted["tag"] in document["tags"])
        )

    case.ask("list_documents", wanted, {"documents": [d["slug"] for d in store.documents if fits(d)]})


def most_cited(n):
    documents = sorted(sorted(store.documents, key=lambda d: d["slug"]), key=citation_counts, reverse=True)[:n]
    shown = [
        {
            "slug": d["slug"],
            "times": citation_counts(d),
            "weight": sum(edge["weight"] for edge in store.cites if edge["to"] is d),
        }
        for d in documents
    ]
    case.ask("most_cited", {"n": n}, {"documents": shown})


def lengths(lang):
    shown = []
    for document in store.documents:
        if document["lang"] == lang:
            sizes = lengths_of(document)
            mean, longest = (sum(sizes) / len(sizes), max(sizes)) if sizes else (None, None)
            row = {"slug": document["slug"], "chunks": len(sizes), "tokens": sum(sizes), "mean": mean}
            shown.append({**row, "longest": longest})
    case.ask("lengths", {"lang": lang}, {"documents": shown})


def longer_than(least):
    documents = [d for d in store.documents if sum(lengths_of(d)) > least]
    longest = sorted(documents, key=lambda d: sum(lengths_of(d)), reverse=True)[:2]
    answer = {"number": len(documents), "longest": [pick(d, "slug", "revision") for d in longest]}
    case.ask("longer_than", {"tokens": least}, answer)


def ratings(least):
    shown = []
    for chunk in sorted(store.chunks, key=lambda c: c["key"]):
        given = [edge for edge in store.answers if edge["from"] is chunk]
        stars = values(given, "rating")
        if len(stars) >= least:
            row = {"key": chunk["key"], "ratings": len(stars)}
            row |= {"mean": sum(stars) / len(stars), "worst": min(stars)} if stars else {"mean": None, "worst": None}
            shown.append({**row, "unhelpful": sum(not edge["helpful"] for edge in given)})
    case.ask("ratings", {"least": least}, {"chunks": shown})


def languages():
    answer = {
        "documents": {"Group": group(store.documents, "lang")},
        "kinds": {"Group": group(store.documents, "lang", "kind")},
        "embeddings": {"Count": group(store.embeddings, "lang")},
    }
    case.ask("languages", {}, answer)


def standing():
    def made(source):
        return len(out(store.published, source))

    def citing(source):
        return sum(citation_counts(d) for d in out(store.published, source))

    ordered = sorted(store.sources, key=lambda s: s["trust"] * made(s), reverse=True)
    shown = [
        {"slug": s["slug"], "documents": made(s), "standing": s["trust"] * math.sqrt(citing(s)), "label": "Source"}
        | pick(s, "name", "trust")
        for s in ordered
    ]
    case.ask("standing", {}, {"sources": shown})


def asked(text):
    shown = []
    for _, question in by_words(store.questions, ("slug", "text"), text, 3):
        given = [edge for edge in store.answers if edge["to"] is question and edge["helpful"]]
        given.sort(key=lambda edge: -edge["rating"])
        answers = [{"rating": e["rating"], "chunk": {"key": e["from"]["key"]}} for e in given]
        shown.append({"slug": question["slug"], "answers": answers})
    case.ask("asked", {"text": text}, {"questions": shown})


def shown_chunk(chunk):
    return {"id": chunk["id"], "label": "Chunk", **pick(chunk, *CHUNK_TEXT)}


def shown_document(d):
    fields = ("slug", "title", "lang", "kind", "published", "tags", "revision", "status")
    return {"id": d["id"], "label": "Document", **pick(d, *fields), "published": date(d["published"])}


# ---------------------------------------------------------------------------------------------------------------------
# An empty store.

ANYWHERE = direction()
counts()
near(ANYWHERE, 3)
words("vertex", 3)
languages()
case.ask("standing", {}, {"sources": []})
case.refuse("document", {"slug": "sto-00"}, *NOTHING)
case.refuse("nearest", {"vector": ANYWHERE}, *NOTHING)

# Sources and documents.

rows = [{"slug": slug, "name": name, "trust": trust} for slug, name, trust in SOURCES[:4]]
store.sources = [dict(row) for row in rows]
case.ask("add_sources", {"rows": rows}, {"data": 4})
case.refuse("add_sources", {"rows": [{"slug": "new", "name": "New", "trust": 1}, rows[0]]}, *taken("slug"))
case.refuse("add_sources", {"rows": [{"slug": "new", "name": "New"}]}, *missing("rows.trust"))
store.sources.append({"slug": "vendor", "name": "Vendor Manuals", "trust": 0.5})
case.ask("add_source", {"slug": "vendor", "name": "Vendor Manuals"}, {"source": dict(store.sources[4])})
case.refuse("add_source", {"slug": "vendor", "name": "Again", "trust": 0.1}, *taken("slug"))
case.refuse("add_source", {"slug": "new", "name": "New", "trust": "high"}, *mistyped("trust", "F64", "string"))

for slug in ("press", "blog", "wiki", "archive"):
    written = [d for d in WRITTEN if d["source"] == slug]
    store.ingest(one(store.sources, slug=slug), written)
    sent = [{key: value for key, value in d.items() if key not in ("topic", "source")} for d in written]
    case.ask("ingest", {"source": slug, "documents": sent}, {"origin": len(written)})

extra = {**sent[0], "slug": "extra", "chunks": []}
case.ask("ingest", {"source": "press", "documents": []}, {"origin": len(out(store.published, store.sources[0]))})
case.refuse("ingest", {"source": "nobody", "documents": [extra]}, *NOTHING)
case.refuse("ingest", {"source": "press", "documents": [extra, {**sent[0], "chunks": []}]}, *taken("slug"))
case.refuse("ingest", {"source": "press", "documents": [{**extra, "chunks": sent[0]["chunks"]}]}, *taken("key"))
short = {"key": "extra/0", "position": 0, "text": "Short.", "tokens": 1, "vector": [1, 2, 3]}
WRONG_LENGTH = (400, error("Graph error: Invalid vector length: 3, expected 16"))
case.refuse("ingest", {"source": "press", "documents": [{**extra, "chunks": [short]}]}, *WRONG_LENGTH)
unfinished = [{key: short[key] for key in short if key != "vector"}]
case.refuse(
    "ingest", {"source": "press", "documents": [{**extra, "chunks": unfinished}]}, *missing("documents.chunks.vector")
)
counts()

pairs = []
for document in store.documents:
    for before, after in itertools.pairwise(out(store.has_chunk, document)):
        pairs.append({"before": before["key"], "after": after["key"]})
        store.next.append({"id": Id(), "from": before, "to": after})
case.ask("link_chunks", {"pairs": pairs}, {"data": len(store.next)})
first = store.next[0]
case.duplicate_edge("link_chunks", {"pairs": pairs[:1]}, "Next", first["from"]["id"], first["to"]["id"])
case.refuse("link_chunks", {"pairs": [{"before": pairs[0]["after"], "after": "nowhere"}]}, *NOTHING)

# Citations: a second one of a pair changes the first.

pairs, cited = [], {}
for _ in range(110):
    a, b = rng.sample(store.documents, 2)
    weight = rng.randrange(1, 65) / 16
    pairs.append({"from": a["slug"], "to": b["slug"], "weight": weight})
    if (a["slug"], b["slug"]) in cited:
        cited[a["slug"], b["slug"]]["weight"] = weight
    else:
        cited[a["slug"], b["slug"]] = {"id": Id(), "from": a, "to": b, "weight": weight}
        store.cites.append(cited[a["slug"], b["slug"]])
pairs.append({**pairs[0], "weight": 3.75})
store.cites[0]["weight"] = 3.75
case.ask("cite", {"pairs": pairs}, {"data": len(store.cites)})
pairs = itertools.permutations(store.documents, 2)
a, b = next((a, b) for a, b in pairs if (a["slug"], b["slug"]) not in cited)
store.cites.append({"id": Id(), "from": a, "to": b, "weight": 1.0})
case.ask("cite_once", {"from": a["slug"], "to": b["slug"]}, {"citation": 1.0})
case.duplicate_edge("cite_once", {"from": a["slug"], "to": b["slug"]}, "Cites", a["id"], b["id"])
case.refuse("cite_once", {"from": a["slug"], "to": "nowhere"}, *NOTHING)
most_cited(6)
most_cited(0)


def uncited(kind):
    slugs = [
        d["slug"] for d in store.documents if d["kind"] == kind and not citation_counts(d) and out(store.cites, d)
    ]
    case.ask("uncited", {"kind": kind}, {"documents": slugs})


def cited_by_all(slugs):
    citing = [d for d in store.documents if d["slug"] in slugs]
    shared = [d["slug"] for d in store.documents if citing and all(d in out(store.cites, c) for c in citing)]
    case.ask("cited_by_all", {"slugs": slugs}, {"documents": sorted(shared)})
    return shared


for kind in KINDS:
    uncited(kind)
shared = 0
for a, b in itertools.combinations(store.documents, 2):
    if any(d in out(store.cites, b) for d in out(store.cites, a)) and shared < 2:
        shared += len(cited_by_all([a["slug"], b["slug"], "nowhere"]))
cited_by_all([store.documents[0]["slug"]])
cited_by_all([])
cited_by_all(values(store.documents[:9], "slug"))

for least in (3.5, 4.5):
    strong = sorted((edge for edge in store.cites if edge["weight"] >= least), key=lambda edge: -edge["weight"])
    shown = [
        {"from": {"slug": e["from"]["slug"]}, "to": {"slug": e["to"]["slug"]}, "weight": e["weight"]} for e in strong
    ]
    case.ask("strong_citations", {"least": least}, {"citations": shown})
standing()


def cheapest(start, end):
    """The path of the least cost, of all simple ones that are not dearer than the best so far."""
    best = []

    def walk(node, path, cost):
        if best and cost > best[0][0] + 1e-9:
            return
        if node is end:
            best.append((cost, list(path)))
            best.sort(key=lambda found: found[0])
            return
        for edge in store.cites:
            if edge["from"] is node and edge["to"] is not start and all(e["to"] is not edge["to"] for e in path):
                path.append(edge)
                walk(edge["to"], path, cost + 1.0 / edge["weight"])
                path.pop()

    walk(start, [], 0.0)
    apart([cost for cost, _ in best[:2]], 1e-9)
    return best[0][1] if best else None


found = 0
for start, end in ((start, end) for start in store.documents[:30:6] for end in store.documents[3::9]):
    path = cheapest(start, end)
    body = {"from": start["slug"], "to": end["slug"]}
    if path is None:
        case.refuse("citation_path", body, *NO_PATH)
    elif len(path) > 2 and found < 4:
        found += 1
        nodes = [shown_document(d) for d in [start, *(edge["to"] for edge in path)]]
        edges = [
            {"id": e["id"], "label": "Cites", "from_node": e["from"]["id"], "to_node": e["to"]["id"]}
            | {"weight": e["weight"]}
            for e in path
        ]
        case.ask("citation_path", body, {"path": [[nodes, edges]]})
case.refuse("citation_path", {"from": "nowhere", "to": store.documents[0]["slug"]}, *NOTHING)

# Reading: documents, lists, chunks and what stands beside them.

for document in store.documents[::11]:
    whole_document(document["slug"])
    page(document["slug"])
case.refuse("page", {"slug": "nowhere"}, *NOTHING)
case.refuse("page", {}, *missing("slug"))
PAGES = [("press", 0, 5), ("press", 3, 6), ("wiki", 2, 1000), ("vendor", 0, 3), ("nobody", 0, 3), ("blog", 4, 2)]
for source, start, end in PAGES:
    documents = out(store.published, next((s for s in store.sources if s["slug"] == source), None))
    documents = sorted(sorted(documents, key=lambda d: d["slug"]), key=lambda d: d["published"], reverse=True)
    shown = [{"slug": d["slug"], "published": date(d["published"])} for d in documents[start:end]]
    case.ask("documents_of", {"source": source, "start": start, "end": end}, {"documents": shown})
list_documents()
list_documents(lang="de")
list_documents(lang="en", kind="paper")
list_documents(since="2023-06-01", tag="review")
list_documents(lang="fr", kind="note", since="2021-01-01", tag="été")
list_documents(lang=None, kind="guide", tag="weather")
list_documents(lang="xx")
case.refuse("list_documents", {"lang": 5}, *mistyped("lang", "String", "number"))
for kind in KINDS:
    oldest = one(store.documents, kind=kind)
    number = sum(d["kind"] == kind for d in store.documents)
    case.ask("of_kind", {"kind": kind}, {"oldest": pick(oldest, "slug", "kind"), "data": number})
case.refuse("of_kind", {"kind": "poem"}, *NOTHING)
for part, langs in ((" and ", ["de", "fr"]), ("e and", ["en"]), ("", ["fr"]), ("E and", ["en"]), (" and ", [])):
    shown = [pick(d, "title", "lang") for d in store.documents if part in d["title"] and d["lang"] in langs]
    shown.sort(key=lambda row: row["title"])
    case.ask("titled", {"part": part, "langs": langs}, {"documents": shown})


def neighbours(key):
    chunk = one(store.chunks, key=key)
    answer = {
        "position": chunk["position"],
        "before": [pick(c, "key") for c in into(store.next, chunk)],
        "after": [{"key": c["key"], "words": c["tokens"]} for c in out(store.next, chunk)],
    }
    case.ask("neighbours", {"key": key}, {"chunk": answer})


for chunk in store.chunks[:4]:
    neighbours(chunk["key"])
case.refuse("neighbours", {"key": "nowhere"}, *NOTHING)


def reading(start, end):
    path = [start]
    while path[-1] is not end:
        after = out(store.next, path[-1])
        if not after:
            case.refuse("reading", {"from": start["key"], "to": end["key"]}, *NO_PATH)
            return
        path.append(after[0])
    edges = [edge for a in path for edge in store.next if edge["from"] is a and edge["to"] in path]
    shown = [
        {"id": e["id"], "label": "Next", "from_node": e["from"]["id"], "to_node": e["to"]["id"]} for e in edges
    ]
    case.ask("reading", {"from": start["key"], "to": end["key"]}, {"path": [[[shown_chunk(c) for c in path], shown]]})


long = max(store.documents, key=lambda d: len(out(store.has_chunk, d)))
parts = out(store.has_chunk, long)
reading(parts[0], parts[-1])
reading(parts[1], parts[1])
reading(parts[-1], parts[0])
reading(parts[0], store.chunks[0] if store.chunks[0] not in parts else store.chunks[-1])
for lang in ("de", "fr", "xx"):
    lengths(lang)
for least in (0, 350, 480, 100000, -1):
    longer_than(least)
languages()

# Near a question: each topic, every language.

ASKED = {topic: direction(CENTRES[topic], 0.1) for topic in TOPICS}
for topic, vector in ASKED.items():
    near(vector, 7)
    near_documents(vector, 9)
    near_in(vector, 4, rng.choice(list(COMMON)))
    best = nearest(store.embeddings, vector, 5)[0][1]
    case.ask("nearest", {"vector": vector}, {"best": pick(best, "key", "model", "position")})
vector = ASKED["vectors"]
near_chunks(vector, 3)
near(vector, 0)
near([2 * x for x in vector], 5)
near([-x for x in vector], 5)
near(vector, 10000)
near_in(vector, 3, "xx")
for lang in COMMON:
    near_then_in(vector, 10, lang)
case.refuse("near", {"vector": vector, "k": -1}, *NEGATIVE_K)
case.refuse("near", {"vector": [1, 2, 3], "k": 5}, *WRONG_LENGTH)
case.refuse("near", {"vector": [1, "2"], "k": 5}, *mistyped("vector", "F64", "string"))
case.refuse("near", {"vector": vector}, *missing("k"))
for farthest in (0.02, 0.1, 0.25, 0):
    hits = [e["key"] for d, e in nearest(store.embeddings, vector, 1000) if d < farthest]
    assert all(abs(d - farthest) > 1e-6 for d, _ in nearest(store.embeddings, vector, 1000))
    body = {"vector": vector, "farthest": farthest}
    case.ask("near_enough", body, {"keys": hits, "number": len(hits)})
for source in ("press", "blog", "vendor"):
    among = [e for e in store.embeddings for c in into(store.embedded, e)
             if into(store.published, document_of(c))[0]["slug"] == source]
    hits = [e["key"] for _, e in nearest(among, vector, 5)]
    case.ask("near_of_source", {"vector": vector, "k": 5, "source": source}, {"hits": hits})
for since, but in (("2023-01-01", ["de"]), ("2022-06-15", []), ("2021-01-01", ["en", "fr"]), ("2030-01-01", [])):
    among = [
        e for e in store.embeddings for c in into(store.embedded, e)
        if document_of(c)["published"] >= since and e["lang"] not in but and e["position"] <= 2
    ]
    hits = [e["key"] for _, e in nearest(among, vector, 6)]
    case.ask("near_since", {"vector": vector, "k": 6, "since": since, "but": but}, {"hits": hits})
for topic in ("graphs", "weather"):
    best = chunks_of(e for _, e in nearest(store.embeddings, ASKED[topic], 2))
    shown = [
        {
            "key": c["key"],
            "before": [pick(x, "key", "position") for x in into(store.next, c)],
            "after": [pick(y, "key") for x in out(store.next, c) for y in out(store.next, x)],
        }
        for c in best
    ]
    case.ask("near_and_beyond", {"vector": ASKED[topic]}, {"best": shown})
for key in (store.chunks[5]["key"], store.chunks[50]["key"]):
    seed = one(store.embeddings, key=key)
    hits = [e["key"] for _, e in nearest(store.embeddings, seed["data"], 6) if e is not seed]
    case.ask("similar", {"key": key, "k": 6}, {"hits": hits})
case.refuse("similar", {"key": "nowhere", "k": 6}, *NOTHING)
for slug in (long["slug"], "nowhere"):
    among = [e for e in store.embeddings if e["key"].startswith(slug + "/")]
    for k in (2, 100):
        hits = [e["key"] for _, e in nearest(among, vector, k)]
        case.ask("within", {"slug": slug, "vector": vector, "k": k}, {"hits": hits})
OTHER_LENGTH = (400, error("Graph error: Invalid vector length: 3, expected 16"))
case.refuse("within", {"slug": long["slug"], "vector": [1, 2, 3], "k": 2}, *OTHER_LENGTH)
case.ask("within", {"slug": "nowhere", "vector": [1, 2, 3], "k": 2}, {"hits": []})

# Reranked.

mixed = [round((a + b) / 2, 3) for a, b in zip(CENTRES["storage"], CENTRES["network"])]
for k, start, end in ((60, 0, 4), (1, 4, 8), (0.5, 10, 30)):
    hits = [e["key"] for _, e in nearest(store.embeddings, mixed, 12)][start:end]
    case.ask("by_rank", {"vector": mixed, "k": k, "start": start, "end": end}, {"hits": hits})
body = {"vector": mixed, "k": 0, "start": 0, "end": 3}
case.refuse("by_rank", body, 400, error("Graph error: `k` of RerankRRF must be above 0"))
body = {"vector": mixed, "k": 60, "start": 0, "end": -3}
case.refuse("by_rank", body, 400, error("Graph error: range bounds must be non-negative"))
for distance, alike in ALIKE.items():
    for weight in (0.0, 0.35, 0.7, 1.0):
        hits = diversify(nearest(store.embeddings, mixed, 12), weight, alike)
        body = {"vector": mixed, "k": 12, "lambda": weight, "distance": distance}
        case.ask("diverse", body, {"hits": values(hits, "key")})
body = {"vector": mixed, "k": 12, "lambda": 1.25, "distance": "cosine"}
case.refuse("diverse", body, 400, error("Graph error: `lambda` of RerankMMR must be from 0 to 1"))
case.ask("diverse", {**body, "k": 0, "lambda": 0.5}, {"hits": []})
hits = diversify(nearest(store.embeddings, mixed, 20), 0.3, cosine)[:5]
titles = [document_of(c)["title"] for c in chunks_of(hits)]
case.ask("diverse_documents", {"vector": mixed}, {"documents": titles})

# By words.

words("vertex", 6)
words("Latency, ROUTER and retry?", 6)
words("für über größer", 5)
words("snapshot snapshot flush", 5)
words("a of 12 -", 5)
words("", 5)
words("cosine cosine recall", 0)
words("zeppelin", 5)
words(str(next(c["tokens"] for c in store.chunks if c["tokens"] > 99)), 100)
words("wea storm", 4)
case.refuse("words", {"text": "storm", "k": -1}, *NEGATIVE_K)
case.refuse("words", {"text": ["storm"], "k": 1}, *mistyped("text", "String", "array"))
for text, lang in (("packet frost", "en"), ("packet frost", "de"), ("packet frost", "xx")):
    hits = by_words(store.chunks, CHUNK_TEXT, text, 1000)
    hits = [c["key"] for _, c in hits if document_of(c)["lang"] == lang]
    case.ask("words_in", {"text": text, "lang": lang}, {"hits": hits})
hits = [document_of(c) for _, c in by_words(store.chunks, CHUNK_TEXT, "grammar cipher", 12)]
case.ask("words_documents", {"text": "grammar cipher", "k": 12}, {"documents": {"Group": group(hits, "slug")}})
for least in (1.5, 3.25):
    hits = by_words(store.chunks, CHUNK_TEXT, "degree walk hop", 50)
    assert all(abs(score - least) > 1e-4 for score, _ in hits)
    hits = sorted((c["key"] for score, c in hits if score >= least), reverse=True)
    case.ask("words_beyond", {"text": "degree walk hop", "least": least}, {"hits": hits})
for text, topic, k in (("cosine recall", "vectors", 20), ("cosine recall", "weather", 8), ("", "graphs", 2)):
    close = chunks_of(e for _, e in nearest(store.embeddings, ASKED[topic], k))
    found = [c for _, c in by_words(store.chunks, CHUNK_TEXT, text, k)]
    answer = {"near": values(close, "key"), "words": values(found, "key")}
    answer["both"] = [c["key"] for c in found if c["key"] in answer["near"]]
    case.ask("hybrid", {"text": text, "vector": ASKED[topic], "k": k}, answer)

# Questions, and how well chunks answer them.

QUESTIONS = {
    "why-rain": "Why does rain follow a falling barometer?",
    "what-hop": "What is a hop, and what is a degree?",
    "how-flush": "How long does a flush take when the journal is full?",
    "which-cipher": "Which cipher does the handshake choose?",
}
asked("flush")
for slug, text in QUESTIONS.items():
    question = {"slug": slug, "text": text}
    store.questions.append(question)
    stars = rng.sample(range(-9, 10), 6)
    given = [{"key": rng.choice(store.chunks[:12])["key"], "rating": star} for star in stars]
    for row in given:
        chunk = one(store.chunks, key=row["key"])
        store.answers.append({"from": chunk, "to": question, "rating": row["rating"], "helpful": True})
    case.ask("rate", {"slug": slug, "text": text, "ratings": given}, {"question": {"text": text, "ratings": 6}})
question, text = store.questions[1], "What is a hop, exactly?"
question["text"] = text
case.ask("rate", {"slug": "what-hop", "text": text, "ratings": []}, {"question": {"text": text, "ratings": 6}})
case.refuse("rate", {"slug": "lost", "text": "", "ratings": [{"key": "nowhere", "rating": 1}]}, *NOTHING)
asked("hop degree")
asked("flush journal")
ratings(3)
ratings(100)
for edge in store.answers:
    edge["helpful"] = edge["rating"] >= 0
case.ask("judge_ratings", {"below": 0}, {"rating": False})
case.refuse("judge_ratings", {"below": -100}, *NOTHING)
asked("handshake")
asked("the degree")
ratings(2)

# Documents come again, change, and go.

document = one(store.documents, slug=store.documents[2]["slug"])
topic = next(d["topic"] for d in WRITTEN if d["slug"] == document["slug"])
fresh = [write_chunk(f"{document['slug']}/{p}", p, topic, document["lang"], CENTRES["weather"]) for p in (0, 1, 7)]
body = {"slug": document["slug"], "title": "Second edition", "chunks": fresh}
case.refuse("reingest", {**body, "slug": "nowhere"}, *NOTHING)
case.refuse("reingest", {**body, "chunks": [fresh[0], short]}, *WRONG_LENGTH)
case.refuse("reingest", {**body, "chunks": [fresh[0], fresh[0]]}, *taken("key"))
case.refuse("reingest", {**body, "chunks": [fresh[0], {**fresh[1], "key": store.chunks[-1]["key"]}]}, *taken("key"))
page(document["slug"])
near(fresh[0]["vector"], 3)


def reingest(document, title, chunks):
    store.forget_chunks(document)
    document.update(title=title, revision=document["revision"] + 1)
    for chunk in chunks:
        store.add_chunk(document, chunk)
    answer = {**pick(document, "slug", "title", "revision"), "chunks": [pick(c, "key") for c in chunks]}
    case.ask("reingest", {"slug": document["slug"], "title": title, "chunks": chunks}, {"document": answer})


reingest(document, "Second edition", fresh)
page(document["slug"])
whole_document(document["slug"])
near(fresh[0]["vector"], 3)
near_chunks(ASKED["weather"], 4)
words(fresh[2]["text"], 4)
reingest(document, "Empty edition", [])
page(document["slug"])
lengths(document["lang"])
reingest(document, "Fourth edition", fresh[1:])
neighbours(fresh[1]["key"])
words(fresh[2]["text"], 4)
counts()

embedding = one(store.embeddings, key=store.chunks[0]["key"])
moved = direction(CENTRES["graphs"], 0.1)
near(moved, 3)


def reembed(key, vector, model=None):
    there = [e for e in store.embeddings if e["key"] == key]
    if not there:
        there = [{"key": key, "lang": None, "position": None, "model": "mini-16"}]
        store.embeddings += there
    there[0]["data"] = [F32(x) for x in vector]
    if model:
        there[0]["model"] = model
    body = {"key": key, "vector": vector} | ({"model": model} if model else {})
    case.ask("reembed", body, {"embedding": pick(there[0], "key", "lang", "position", "model", "data")})


reembed(embedding["key"], moved, "maxi-16")
near(moved, 3)
near_chunks(moved, 2)
case.ask("embedding", {"key": embedding["key"]}, {"embedding": [pick(embedding, "key", "lang", "position", "data")]})
reembed("loose", [round(x + 0.01, 3) for x in moved])
near(moved, 3)
near_chunks(moved, 2)
reembed("loose", [-x for x in moved])
near(moved, 3)
near([-x for x in moved], 1)
case.refuse("reembed", {"key": "loose", "vector": [1, 2, 3]}, *WRONG_LENGTH)
case.ask("embedding", {"key": "nowhere"}, {"embedding": []})
languages()
counts()


def change_document(slug, **fields):
    document = one(store.documents, slug=slug)
    document.update({key: value for key, value in fields.items() if value is not None})
    case.ask("change_document", {"slug": slug, **fields}, {"document": pick(document, "title", "kind", "tags")})


slug = store.documents[4]["slug"]
change_document(slug, title="Changed “title”", kind="poem")
change_document(slug, tags=["neu", "été"])
change_document(slug)
change_document(slug, kind=None, tags=[])
case.refuse("change_document", {"slug": "nowhere", "kind": "poem"}, *NOTHING)
case.ask("of_kind", {"kind": "poem"}, {"oldest": {"slug": slug, "kind": "poem"}, "data": 1})
list_documents(kind="poem")

key, text = store.chunks[8]["key"], "A zeppelin over the spanning bridge."
store.chunks[8]["text"] = text
case.ask("rewrite_chunk", {"key": key, "text": text}, {"chunk": {"key": key, "text": text}})
words("zeppelin bridge", 3)
case.refuse("rewrite_chunk", {"key": "nowhere", "text": text}, *NOTHING)


def delete_document(slug):
    for document in [d for d in store.documents if d["slug"] == slug]:
        store.forget_chunks(document)
        store.drop(store.documents, [document])
    case.ask("delete_document", {"slug": slug}, None)


slug = document_of(chunks_of([nearest(store.embeddings, ASKED["network"], 1)[0][1]])[0])["slug"]
near(ASKED["network"], 4)
delete_document(slug)
near(ASKED["network"], 4)
words("packet cipher", 5)
most_cited(3)
case.refuse("document", {"slug": slug}, *NOTHING)
delete_document(slug)
delete_document("nowhere")
counts()

for lang in ("de", "xx"):
    near_in(ASKED["storage"], 5, lang)
    gone = [e for _, e in nearest([e for e in store.embeddings if e["lang"] == lang], ASKED["storage"], 3)]
    store.drop(store.chunks, chunks_of(gone))
    store.drop(store.embeddings, gone)
    case.ask("delete_matching", {"vector": ASKED["storage"], "lang": lang}, None)
near_in(ASKED["storage"], 5, "de")
counts()


def unembedded():
    loose = [c["key"] for c in store.chunks if not out(store.embedded, c)]
    case.ask("unembedded", {}, {"chunks": loose})


unembedded()


def archive_before(day):
    old = [d for d in store.documents if d["published"] < day and d["status"] == "live"]
    body = {"date": day}
    if not old:
        case.refuse("archive_before", body, *NOTHING)
        return
    for document in old:
        document["status"] = "archived"
    archived = sum(d["status"] == "archived" for d in store.documents)
    case.ask("archive_before", body, {"first": old[0]["slug"], "data": archived})


archive_before("2000-01-01")
archive_before("2022-03-01")
archive_before("2022-03-01")
archive_before("2022-11-11")
near_documents(ASKED["language"], 12)
archived = [d for d in store.documents if d["status"] == "archived"]
for document in archived:
    store.forget_chunks(document)
store.drop(store.documents, archived)
case.ask("purge_archived", {}, {"data": "purged"})
case.ask("purge_archived", {}, {"data": "purged"})
near_documents(ASKED["language"], 12)
for topic in TOPICS:
    near(ASKED[topic], 4)
words("vertex edge path", 5)
words("grammar parser", 5)
list_documents()
most_cited(4)
standing()
languages()
unembedded()
store.drop(store.chunks, [c for c in store.chunks if not out(store.embedded, c)])
case.ask("forget_unembedded", {}, {"data": len(store.chunks)})
counts()

case.main()

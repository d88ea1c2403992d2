"""What the scripts of this folder share: the block `http computed` of a case, JSON as the answers hold it, and a plain graph.

    case = Case(__file__)
    case.ask("user", {"email": "ann@example.com"}, {"user": {"name": "Ann"}})
    case.refuse("user", {}, *missing("email"))
    case.main()
"""

import json
import struct
import sys
from pathlib import Path

FENCE = "```http computed\n"


class Id:
    """An id that the server chooses. It is shown by its place among those that appear: `<id 1>`, `<id 2>` …"""


class Raw(str):
    """Text that goes into a request as it is, for bodies that are not JSON."""


class F32(float):
    """A number of 32 bits: printed with as few digits as read back as the same 32 bits."""

    def __new__(cls, value):
        return float.__new__(cls, struct.unpack("f", struct.pack("f", value))[0])


def number(value):
    """A number with a point as it is printed: the shortest text that gives it back."""
    text = repr(float(value))
    if isinstance(value, F32):
        bits = struct.pack("f", value)
        texts = (f"{float(value):.{digits}g}" for digits in range(1, 10))
        text = repr(float(next(text for text in texts if struct.pack("f", float(text)) == bits)))
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def dump(value, shown=None):
    """JSON without spaces, keys in the order of the dictionary. `shown` holds the ids that have appeared."""
    if isinstance(value, Id):
        if value not in shown:
            shown[value] = len(shown) + 1
        return f'"<id {shown[value]}>"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(str(key))}:{dump(item, shown)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dump(item, shown) for item in value) + "]"
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def error(text, code="GRAPH_ERROR"):
    return {"error": text, "code": code}


# Refusals: a status and a body.
NOTHING = (404, error("Graph error: No value found"))
NO_NODE = (404, error("Node not found"))
NO_PATH = (404, error("Shortest path not found"))
BAD_RANGE = (400, error("Graph error: range bounds must be non-negative"))

NO_EDGE = (404, error("Edge not found"))

# What was found where another value was expected.
NOT_WHOLE = "a number that is no whole number, or out of range"
NOT_A_DATE = "a string that is no date (`2024-05-01` or `2024-05-01T12:00:00Z`)"
NOT_AN_ID = "a string that is no UUID"


def no_query(name):
    return 404, error(f"Couldn't find `{name}` of type Query", "NOT_FOUND")


def missing(field):
    return 400, error(f"Decode error: missing field `{field}`")


def mistyped(field, expected, got):
    return 400, error(f"Decode error: field `{field}`: expected {expected}, got {got}")


def out_of_range(field, expected, got):
    return mistyped(field, expected, f"{got}, which is out of range")


def unfit(field, value, kind):
    """A value that is found not to fit its field when it is written."""
    return 400, error(f"Graph error: field `{field}`: {value} does not fit {kind}")


def taken(field):
    return 409, error(f"Duplicate key on unique index: {field}")


class Item:
    """A node or, with two ends, an edge."""

    def __init__(self, label, fields, start=None, end=None):
        self.id, self.label, self.fields, self.start, self.end = Id(), label, fields, start, end

    def __getitem__(self, field):
        return self.fields[field]

    def whole(self):
        """All of it, as an answer shows it."""
        ends = {"from_node": self.start.id, "to_node": self.end.id} if self.start else {}
        return {"id": self.id, "label": self.label, **ends, **self.fields}

    def only(self, *names):
        """Some of its fields."""
        return {name: self.fields[name] for name in names}


class Graph:
    """Items in the order in which they were made. `types` holds the fields of each type with their defaults, or None."""

    def __init__(self, types):
        self.types, self.items = types, []

    def add(self, label, start=None, end=None, **fields):
        assert fields.keys() <= self.types[label].keys(), fields
        given = {name: value for name, value in fields.items() if value is not None}
        self.items.append(Item(label, {**self.types[label], **given}, start, end))
        return self.items[-1]

    def drop(self, *items):
        """Takes items away and, with nodes, their edges."""
        gone = {id(item) for item in items}
        self.items = [
            item
            for item in self.items
            if not ({id(item), id(item.start), id(item.end)} & gone)
        ]

    def all(self, label):
        return [item for item in self.items if item.label == label]

    def out_edges(self, node, *labels):
        return [item for item in self.items if item.start is node and (not labels or item.label in labels)]

    def in_edges(self, node, *labels):
        return [item for item in self.items if item.end is node and (not labels or item.label in labels)]

    def out(self, node, label):
        return [edge.end for edge in self.out_edges(node, label)]

    def into(self, node, label):
        """The nodes that edges to the node come from."""
        return [edge.start for edge in self.in_edges(node, label)]


def ordered(items, key, descending=False):
    """Sorted, equal ones as they were; what has no key is the least."""
    return sorted(items, key=lambda item: (key(item) is not None, key(item) or 0), reverse=descending)


def grouped(items, *fields):
    """What GROUP_BY answers within its tag."""
    groups = {}
    for item in items:
        values = [item[field] for field in fields]
        name = "_".join(text(value) for value in values)
        given = {field: value for field, value in zip(fields, values) if value is not None}
        groups.setdefault(name, {"values": given, "count": 0})["count"] += 1
    return groups


def aggregated(items, *fields):
    """What AGGREGATE_BY answers within its tag."""
    groups = {}
    for item in items:
        group = groups.setdefault("_".join(text(item[field]) for field in fields), {"values": [], "count": 0})
        if all(item.id is not value["id"] for value in group["values"]):
            group["values"].append(item.whole())
        group["count"] += 1
    return groups


def text(value):
    """A value as a part of the key of a group."""
    return value if isinstance(value, str) else dump(value)


def intersection(results):
    """What is in every list, each once, in the order of the shortest."""
    if not results:
        return []
    common = [item for item in min(results, key=len) if all(item in result for result in results)]
    return list(dict.fromkeys(common))


class Case:
    """The requests of a case, with what they must answer."""

    def __init__(self, script):
        self.file = Path(script).with_suffix(".md")
        self.lines = []
        self.shown = {}

    def ask(self, query, body, answer, keep=None, status=200):
        """A request and its answer. Behind `keep`, later requests find the answer: `${keep.path.0}`."""
        text = body if isinstance(body, Raw) else json.dumps(body, ensure_ascii=False, separators=(", ", ": "))
        name = f"{keep}: " if keep else ""
        self.lines.append(f"{name}{query} {text}\n{status} {dump(answer, self.shown)}\n")

    def refuse(self, query, body, status, answer):
        """A request that is an error."""
        self.ask(query, body, answer, status=status)

    def duplicate_edge(self, query, body, kind, start, end):
        """A request that would make a second edge of a UNIQUE type between two items."""
        ids = "->".join(dump(item, self.shown).strip('"') for item in (start, end))
        self.refuse(query, body, *taken(f"{kind}:{ids}"))

    def main(self):
        """Writes the block of the case beside the script or, with `--check`, tells whether it is as computed."""
        before = self.file.read_text(encoding="utf-8")
        block = FENCE + "\n".join(self.lines) + "```\n"
        start = before.find(FENCE)
        if start < 0:
            after = before.rstrip("\n") + "\n\n" + block
        else:
            end = before.index("\n```\n", start + len(FENCE) - 1) + len("\n```\n")
            after = before[:start] + block + before[end:]
        if "--check" in sys.argv[1:]:
            if before != after:
                sys.exit(f"{self.file.name} is not as computed: run {Path(sys.argv[0]).name}")
        elif before != after:
            self.file.write_text(after, encoding="utf-8")

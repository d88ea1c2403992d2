"""Computes what `code.md` answers: `code.py` writes it, `code.py --check` compares."""

import math
import random
import re
from collections import deque

from computed import (
    BAD_RANGE, F32, NOTHING, NO_PATH, Case, Graph, aggregated, error, grouped, intersection, missing, mistyped,
    no_query, ordered, out_of_range, taken, unfit,
)

rng = random.Random(90125)
case = Case(__file__)
graph = Graph({
    "Repo": {"name": None, "url": None, "stars": 0, "archived": False, "topics": None, "seen": None},
    "Module": {"path": None, "open": True, "owner": "nobody"},
    "File": {"path": None, "lang": "rust", "lines": None, "hash": None, "seen": None},
    "Function": {
        "path": None, "name": None, "doc": None, "lines": None, "complexity": 1, "open": False, "seen": None,
    },
    "Type": {"path": None, "kind": None, "doc": None},
    "Test": {"name": None, "passed": None, "millis": None, "runs": 0, "added": "<now>"},
    "Snippet": {"data": None, "path": None, "size": None},
    "DependsOn": {"wanted": "*", "dev": False},
    "Holds": {"seen": None},
    "Has": {"seen": None},
    "Defines": {"line": None},
    "Declares": {"line": None},
    "Imports": {"names": None, "weight": F32(1)},
    "Calls": {"times": 1, "hot": False},
    "Takes": {"place": None},
    "Covers": {"hits": 1},
    "Describes": {},
})


def choose(values):
    return values[rng.randrange(len(values))]


def sample(values, count):
    """Some of the values, each once."""
    values = list(values)
    return [values.pop(rng.randrange(len(values))) for _ in range(min(count, len(values)))]


def midnight(day):
    return f"{day}T00:00:00+00:00"


def find(label, path):
    """The item that is found by its key, which is its first field."""
    return next((item for item in graph.all(label) if next(iter(item.fields.values())) == path), None)


def repo(name):
    return find("Repo", name)


def module(path):
    return find("Module", path)


def file(path):
    return find("File", path)


def function(path):
    return find("Function", path)


def upsert(label, key, **fields):
    """The node of that key, with the fields that are given."""
    item = find(label, key)
    if item is None:
        return graph.add(label, **fields)
    item.fields.update({name: value for name, value in fields.items() if value is not None})
    return item


def upsert_edge(label, start, end, **fields):
    edge = next((edge for edge in graph.out_edges(start, label) if edge.end is end), None)
    if edge is None:
        return graph.add(label, start, end, **fields)
    edge.fields.update({name: value for name, value in fields.items() if value is not None})
    return edge


def out(items, label):
    return [end for item in items for end in graph.out(item, label)]


def into(items, label):
    return [start for item in items for start in graph.into(item, label)]


def some(item):
    return [] if item is None else [item]


def paths(items):
    return [item["path"] for item in items]


def names(items):
    return [item["name"] for item in items]


def each(items, field):
    """One field of what a nested traversal gives."""
    return [{field: item[field]} for item in items]


def by(items, field, descending=False):
    return ordered(items, lambda item: item[field], descending)


def total(items, field):
    return sum(item[field] for item in items if item[field] is not None)


def mean(values):
    return sum(values) / len(values) if values else None


# The code.

VERBS = ["parse", "emit", "check", "load", "store", "merge", "find", "drop", "render", "hash"]
NOUNS = ["token", "plan", "graph", "index", "page", "query", "node", "schema", "lock", "cache"]
DOC = (
    "reads writes every stored item once and gives the first error when nothing fits a buffer is reused between calls "
    "never blocks holds the lock while pages are flushed walks the tree in order returns early for empty input "
    "compares bytes without allocation keeps ids stable across restarts"
).split()
RARE = ["quadratic", "deprecated", "unsafe", "heuristic", "snapshot", "Größe", "überlauf", "lexer", "b-tree", "utf8"]
KINDS = ["struct", "enum", "trait"]
REPOS = {
    "engine": ["database", "rust"],
    "compiler": ["language", "rust"],
    "cli": ["tool"],
    "site": [],
}


def words(count):
    text = [choose(DOC) for _ in range(count)]
    if rng.random() < 0.35:
        text.insert(rng.randrange(len(text)), choose(RARE))
    return " ".join(text).capitalize() + "."


used = set()


def function_row(place):
    while True:
        name = f"{choose(VERBS)}_{choose(NOUNS)}"
        path = f"{place}::{name}"
        if path not in used:
            used.add(path)
            break
    return {
        "path": path, "name": name, "doc": words(rng.randrange(3, 14)), "lines": rng.randrange(3, 240),
        "complexity": choose([1, 1, 2, 2, 3, 4, 5, 7, 9, 12]), "open": rng.random() < 0.3,
    }


code = {}
for name in REPOS:
    code[name] = []
    for module_name in sample(NOUNS, 4):
        place = f"{name}::{module_name}"
        files = []
        for number in range(rng.randrange(1, 4)):
            files.append({
                "path": f"{name}/src/{module_name}/{'mod' if number == 0 else VERBS[number]}.rs",
                "lines": rng.randrange(20, 900),
                "hash": f"{rng.randrange(2**32):08x}",
                "functions": [function_row(place) for _ in range(rng.randrange(2, 8))],
                "types": [
                    {"path": f"{place}::{noun.capitalize()}{number}", "kind": choose(KINDS), "doc": words(5)}
                    for noun in sample(NOUNS, rng.randrange(0, 3))
                ],
            })
        code[name].append({"path": place, "files": files})


def rows_of(kind, repos=tuple(REPOS)):
    return [row for name in repos for m in code[name] for f in m["files"] for row in f[kind]]


TOTALS = {
    "repos": "Repo", "modules": "Module", "files": "File", "functions": "Function", "types": "Type", "tests": "Test",
    "snippets": "Snippet", "holds": "Holds", "has": "Has", "defines": "Defines", "declares": "Declares",
    "imports": "Imports", "calls": "Calls", "takes": "Takes", "covers": "Covers", "describes": "Describes",
    "depends": "DependsOn",
}


def ask_totals():
    case.ask("totals", {}, {key: len(graph.all(label)) for key, label in TOTALS.items()})


def index(name, at, modules=None, **more):
    modules = code[name] if modules is None else modules
    url = f"https://example.com/{name}.git"
    seen = midnight(at)
    home = upsert("Repo", name, name=name, url=url, topics=more.get("topics"), seen=seen)
    for m in modules:
        of = upsert("Module", m["path"], path=m["path"])
        upsert_edge("Holds", home, of, seen=seen)
        for f in m["files"]:
            known = upsert("File", f["path"], path=f["path"], lines=f["lines"], hash=f["hash"], seen=seen)
            upsert_edge("Has", of, known, seen=seen)
            for row in f["functions"]:
                new = upsert("Function", row["path"], **row, seen=seen)
                upsert_edge("Defines", known, new, line=row["lines"])
            for row in f["types"]:
                upsert_edge("Declares", known, upsert("Type", row["path"], **row), line=1)
    held = graph.out(home, "Holds")
    files = out(held, "Has")
    case.ask("index", {"repo": name, "url": url, "at": at, "modules": modules, **more}, {
        "modules": len(held), "files": len(files), "functions": len(out(files, "Defines")),
        "types": len(out(files, "Declares")),
    })


ask_totals()
case.ask("dead", {}, {"dead": [], "only_tested": [], "leaves": 0, "unused_types": {"Group": {}}})
case.ask("search", {"q": "lock", "k": 5}, {"hits": []})
case.ask("similar", {"vector": [1.0, 0.5], "k": 3}, {"near": [], "functions": []})
for name, topics in REPOS.items():
    index(name, "2024-03-01", **({"topics": topics} if name != "site" else {}))
request = {"repo": "engine", "url": "x", "at": "2024-03-02"}
half = {"path": "engine::new", "files": [{"path": "n.rs", "lines": 1, "hash": "0", "types": [], "functions": [{
    "path": "engine::new::f", "name": "f", "lines": 1, "complexity": 1, "open": True,
}]}]}
case.refuse("index", {**request, "modules": [half]}, *missing("modules.files.functions.doc"))
half["files"][0]["functions"][0].update(doc="d", complexity=256)
case.refuse("index", {**request, "modules": [half]}, *out_of_range("modules.files.functions.complexity", "U8", 256))
half["files"][0]["functions"][0].update(complexity="high")
case.refuse("index", {**request, "modules": [half]}, *mistyped("modules.files.functions.complexity", "U8", "string"))
case.refuse("index", {**request, "modules": {}}, *mistyped("modules", "array", "object"))
case.refuse("index", {"repo": "engine", "url": "x", "modules": []}, *missing("at"))
ask_totals()

every = [row["path"] for row in rows_of("functions")]
types = [row["path"] for row in rows_of("types")]
# Hubs, which many call; the last fifth is called by nobody of them.
hubs = sample(every, 12)
called = [path for index_, path in enumerate(every) if index_ % 5]


def call_row(path):
    callees = sample(hubs, rng.randrange(0, 3)) + sample(called, rng.randrange(0, 4))
    callees = list(dict.fromkeys(callees))
    if rng.random() < 0.08:
        callees = list(dict.fromkeys([*callees, path]))
    return {
        "caller": path,
        "calls": [{"callee": callee, "times": choose([1, 1, 2, 3, 8, 40])} for callee in callees],
        "takes": [choose(types) for _ in range(choose([0, 0, 1, 2, 3]))],
    }


def put_calls(rows):
    for row in rows:
        caller = function(row["caller"])
        for call in row["calls"]:
            upsert_edge("Calls", caller, function(call["callee"]), times=call["times"])
        graph.drop(*graph.out_edges(caller, "Takes"))
        for place, path in enumerate(row["takes"]):
            graph.add("Takes", caller, find("Type", path), place=place)
    calls = graph.all("Calls")
    case.ask("put_calls", {"rows": rows}, {
        "calls": len(calls), "times": total(calls, "times"), "takes": len(graph.all("Takes")),
    })


call_rows = [row for row in map(call_row, every) if row["calls"] or row["takes"]]
put_calls(call_rows)
case.refuse("put_calls", {"rows": [{**call_rows[0], "takes": []}, {**call_rows[1], "takes": ["none"]}]}, *NOTHING)

modules = [m["path"] for name in REPOS for m in code[name]]


def put_imports(rows):
    for row in rows:
        for group in row["imports"]:
            for path in group:
                for goal in some(module(path)):
                    graph.add("Imports", module(row["module"]), goal, names=group, weight=F32(row["weight"]))
    case.ask("put_imports", {"rows": rows}, {"data": len(graph.all("Imports"))})


import_rows = []
for number, path in enumerate(modules):
    # The later ones import earlier ones; a few the other way round; the last two are imported by nobody.
    goals = sample(modules[:number], rng.randrange(0, 4)) if number < 14 else [modules[number - 14]]
    if number % 5 == 0:
        goals += sample([m for m in modules[number + 1 : 14] if m not in goals], 1)
    cut = rng.randrange(0, len(goals) + 1)
    import_rows.append({
        "module": path, "imports": [goals[:cut], [*goals[cut:], "std::fs"]], "weight": rng.randrange(1, 20) / 2,
    })
put_imports(import_rows)
first = next(row for row in import_rows if row["imports"][0])
case.duplicate_edge(
    "put_imports", {"rows": [{**first, "weight": 9}]}, "Imports", module(first["module"]).id,
    module(first["imports"][0][0]).id,
)
case.refuse("put_imports", {"rows": [{**first, "imports": ["std"]}]}, *mistyped("rows.imports", "array", "string"))

needs = [("cli", "engine"), ("cli", "compiler"), ("compiler", "engine"), ("site", "compiler"), ("site", "cli")]
for start, end in needs:
    graph.add("DependsOn", repo(start), repo(end))
case.ask("put_dependencies", {"rows": [{"repo": start, "on": end} for start, end in needs]}, {"data": len(needs)})


def want(start, end, wanted, **more):
    need = upsert_edge("DependsOn", repo(start), repo(end), wanted=wanted, dev=more.get("dev"))
    answer = {**need.only("wanted", "dev"), "from": {"name": start}, "to": {"name": end}}
    case.ask("want", {"repo": start, "on": end, "wanted": wanted, **more}, {"need": answer})


want("cli", "engine", "^1.2")
want("cli", "compiler", "=0.9", dev=True)
want("site", "engine", "^1.2", dev=None)
case.refuse("want", {"repo": "site", "on": "none", "wanted": "1"}, *NOTHING)


def put_tests(rows):
    for row in rows:
        before = [t for t in graph.all("Test") if t["name"] == row["name"]]
        runs = total(before, "runs") + 1
        test = upsert("Test", row["name"], name=row["name"], passed=row["passed"], millis=row["millis"], runs=runs)
        graph.drop(*graph.out_edges(test, "Covers"))
        for f in [f for f in graph.all("Function") if f["path"] in row["covers"]]:
            graph.add("Covers", test, f)
    answer = {"tests": len(graph.all("Test")), "covers": len(graph.all("Covers"))}
    case.ask("put_tests", {"rows": rows}, answer)


def test_row(number):
    return {
        "name": f"t{number:02}_{choose(VERBS)}", "passed": rng.random() < 0.8, "millis": rng.randrange(1, 4000) / 4,
        "covers": sample(every, choose([0, 1, 2, 3])),
    }


test_rows = [test_row(number) for number in range(40)]
put_tests(test_rows)
# Run again: other results, and one of them covers what is not there.
put_tests([{**test_rows[3], "passed": False, "millis": 1.5}, {**test_rows[4], "covers": ["none", every[0]]}])


def put_snippets(rows):
    for row in rows:
        goal = function(row["path"])
        snippet = next((s for s in graph.all("Snippet") if s["path"] == row["path"]), None)
        vector = [float(x) for x in row["vector"]]
        if snippet:
            snippet.fields.update(data=vector, size=row["size"])
        else:
            snippet = graph.add("Snippet", data=vector, path=row["path"], size=row["size"])
        graph.drop(*graph.out_edges(snippet, "Describes"))
        graph.add("Describes", snippet, goal)
    answer = [len(graph.all("Snippet")), len(graph.all("Describes"))]
    case.ask("put_snippets", {"rows": rows}, {"data": answer})


snippet_rows = [
    {"path": path, "size": rng.randrange(-5, 300), "vector": [rng.randrange(-24, 25) / 8 for _ in range(5)]}
    for path in sample(every, 28)
]
put_snippets(snippet_rows)
put_snippets([{**snippet_rows[2], "size": 7, "vector": [1, -1, 0.5, 2, 0.25]}])
case.refuse(
    "put_snippets", {"rows": [{**snippet_rows[3], "vector": [1, 2]}]}, 400,
    error("Graph error: Invalid vector length: 2, expected 5"),
)
case.refuse("put_snippets", {"rows": [{**snippet_rows[3], "path": "none"}]}, *NOTHING)
ask_totals()


# Who calls what.


def ask_function(path):
    f = function(path)
    if f is None:
        case.refuse("function", {"path": path}, *NOTHING)
        return
    files = graph.into(f, "Defines")
    case.ask("function", {"path": path}, {"function": {
        "name": f["name"],
        "size": {**f.only("lines", "complexity"), "per_line": f["complexity"] / (f["lines"] * 1.0)},
        "file": files[0].only("path", "lang") if files else {"path": None, "lang": None},
        "repo": each(into(into(files, "Has"), "Holds"), "name"),
        "calls": [
            {"times": c["times"], "to": c.end.only("path", "open"), "from": f["name"]}
            for c in by(graph.out_edges(f, "Calls"), "times", descending=True)
        ],
        "callers": [
            {"path": c["path"], "tests": len(graph.into(c, "Covers"))} for c in by(graph.into(f, "Calls"), "path")
        ],
        "simpler": sum(c["complexity"] < f["complexity"] for c in graph.out(f, "Calls")),
        "recursive": f in graph.out(f, "Calls"),
        "takes": [
            {"place": t["place"], "type": {"path": t.end["path"]}} for t in by(graph.out_edges(f, "Takes"), "place")
        ],
        "tested": any(t["passed"] for t in graph.into(f, "Covers")),
    }})


def ask_callers(path):
    one = into(some(function(path)), "Calls")
    two = into(one, "Calls")
    three = into(two, "Calls")
    case.ask("callers", {"path": path}, {
        "one": paths(one), "two": {"Group": grouped(two, "path")}, "three": len(three),
        "open": {"Count": grouped([f for f in three if f["open"]], "name")},
    })


def ask_callees(path, hot):
    def hot_ones(functions):
        return [c.end for f in functions for c in graph.out_edges(f, "Calls") if c["times"] >= hot]

    one = hot_ones(some(function(path)))
    two = hot_ones(one)
    answer = {"one": paths(one), "two": paths(two), "three": len(hot_ones(two))}
    case.ask("callees", {"path": path, "hot": hot}, answer)


def ask_called_by_all(wanted):
    functions = [f for f in graph.all("Function") if f["path"] in wanted]
    callers = [[c for c in graph.into(f, "Calls") if c["open"] is False] for f in functions]
    case.ask("called_by_all", {"paths": wanted}, {
        "callees": paths(intersection([graph.out(f, "Calls") for f in functions])),
        "callers": paths(intersection(callers)),
    })


def ask_dead():
    functions = graph.all("Function")
    uncalled = [f for f in functions if not f["open"] and not graph.into(f, "Calls")]
    unused = [t for t in graph.all("Type") if not graph.into(t, "Takes")]
    case.ask("dead", {}, {
        "dead": paths(by([f for f in uncalled if not graph.into(f, "Covers")], "path")),
        "only_tested": paths(f for f in uncalled if graph.into(f, "Covers")),
        "leaves": sum(not graph.out(f, "Calls") and len(graph.into(f, "Calls")) >= 3 for f in functions),
        "unused_types": {"Group": grouped(unused, "kind")},
    })


def ask_self_calls():
    case.ask("self_calls", {}, {"functions": [
        {
            "path": f["path"],
            "self": each([c for c in graph.out_edges(f, "Calls") if c.end is f], "times"),
            "back": each([g for g in graph.out(f, "Calls") if f in graph.out(g, "Calls") and g is not f], "path"),
        }
        for f in graph.all("Function")[:12]
    ]})


def ask_fan_in(start, end):
    def times(f):
        return [c["times"] for c in graph.in_edges(f, "Calls")]

    functions = by(graph.all("Function"), "path")
    case.ask("fan_in", {"start": start, "end": end}, {
        "by_callers": [
            {"path": f["path"], "callers": len(times(f))}
            for f in ordered(functions, lambda f: len(times(f)), descending=True)[start:end]
        ],
        "by_times": [
            {
                "path": f["path"], "times": sum(times(f)), "most": max(times(f), default=None), "mean": mean(times(f)),
            }
            for f in ordered(functions, lambda f: sum(times(f)), descending=True)[start:end]
        ],
    })


def walked(edges, start):
    return [[node.whole() for node in [start, *(edge.end for edge in edges)]], [edge.whole() for edge in edges]]


def fewest(start, goal, label):
    """The path of the fewest edges that is found first. Nothing if there is none."""
    known, queue = {id(start): []}, deque([start])
    while queue:
        node = queue.popleft()
        if node is goal:
            return walked(known[id(node)], start)
        for edge in graph.out_edges(node, label):
            if id(edge.end) not in known:
                known[id(edge.end)] = [*known[id(node)], edge]
                queue.append(edge.end)
    return None


def least(start, goal, label, weight):
    """The path of the least weight; whether it is the only one."""
    far = {id(start): 0.0}
    edges = [(edge, float(weight(edge))) for edge in graph.all(label)]
    changed = True
    while changed:
        changed = False
        for edge, w in edges:
            known = far.get(id(edge.start), math.inf) + w
            if known < far.get(id(edge.end), math.inf):
                far[id(edge.end)] = known
                changed = True
    if id(goal) not in far:
        return None, True
    walk, node = [], goal
    while node is not start:
        last = [
            edge
            for edge in graph.in_edges(node, label)
            if far.get(id(edge.start), math.inf) + weight(edge) < far[id(node)] + 1e-6
        ]
        if len(last) != 1:
            return None, False
        walk.insert(0, last[0])
        node = last[0].start
    return walked(walk, start), True


def heat(call):
    return 1000 / call["times"] + call.end["complexity"] ** 2


def ask_call_path(start, end):
    body = {"from": start, "to": end}
    if not function(start) or not function(end):
        case.refuse("call_path", body, *NOTHING)
        return
    path = fewest(function(start), function(end), "Calls")
    if path:
        case.ask("call_path", body, {"fewest": path})
    else:
        case.refuse("call_path", body, *NO_PATH)


def ask_hot_path(start, end):
    """Asks unless there are two paths of the least weight; tells whether it did."""
    path, only = least(function(start), function(end), "Calls", heat)
    body = {"from": start, "to": end}
    if path:
        case.ask("hot_path", body, {"path": [path]})
    elif only:
        case.refuse("hot_path", body, *NO_PATH)
    return only


def ask_named(name):
    functions = [f for f in graph.all("Function") if f["name"] == name]
    if not functions:
        case.refuse("named", {"name": name}, *NOTHING)
        return
    case.ask("named", {"name": name}, {
        "oldest": functions[0]["path"],
        "all": [
            {"path": f["path"], "at": each(into(graph.into(f, "Defines"), "Has"), "path")} for f in functions
        ],
    })


# Modules, files and repositories.


def ask_module(path):
    m = module(path)
    if m is None:
        case.refuse("module", {"path": path}, *NOTHING)
        return
    files = graph.out(m, "Has")
    functions = out(files, "Defines")
    tested = sum(bool(graph.into(f, "Covers")) for f in functions)
    case.ask("module", {"path": path}, {"module": {
        "owner": m["owner"],
        "files": [
            {"label": "File", **f.only("path", "lang", "lines")} for f in by(files, "lines", descending=True)
        ],
        "by_lang": {"Group": grouped(files, "lang")},
        "functions": len(functions),
        "open": each([f for f in functions if f["open"]], "name"),
        "lines": total(files, "lines"),
        "imports": [
            {**i.only("names", "weight"), "path": {"path": i.end["path"]}} for i in graph.out_edges(m, "Imports")
        ],
        "importers": each(by(graph.into(m, "Imports"), "path"), "path"),
        "cycle": each([n for n in graph.out(m, "Imports") if m in graph.out(n, "Imports")], "path"),
        "tested": 100 * tested // max(1, len(functions)),
    }})


def functions_of(name):
    return out(out(out(some(repo(name)), "Holds"), "Has"), "Defines")


def ask_complexities(name):
    functions = functions_of(name)
    complexities = [f["complexity"] for f in functions]
    case.ask("complexities", {"repo": name}, {
        "groups": {"Group": grouped(by(functions, "complexity"), "complexity")},
        "worst": {"Count": aggregated([f for f in functions if f["complexity"] >= 9], "open")},
        "mean": mean(complexities),
        "most": max(complexities, default=None),
        "lines": total(functions, "lines"),
    })


def ask_called_modules(path):
    called = into(into(out(out(out(some(module(path)), "Has"), "Defines"), "Calls"), "Defines"), "Has")
    answer = {"number": len(called), "called": {"Group": aggregated(called, "owner")}}
    case.ask("called_modules", {"path": path}, answer)


def ask_import_path(start, end):
    """Asks unless there are two lightest paths; tells whether it did."""
    body = {"from": start, "to": end}
    if not module(start) and module(end):
        case.ask("import_path", body, {"fewest": 0, "lightest": []})
        return True
    path, only = least(module(start), module(end), "Imports", lambda i: float(i["weight"]))
    if path:
        case.ask("import_path", body, {"fewest": 1, "lightest": [path]})
    elif only:
        case.refuse("import_path", body, *NO_PATH)
    return only


def ask_importing(name):
    edges = [i for i in graph.all("Imports") if name in i["names"] and i["weight"] < 4]
    case.ask("importing", {"name": name}, {"edges": [
        {"weight": i["weight"], "from": {"path": i.start["path"]}, "to": {"path": i.end["path"]}} for i in edges
    ]})


def ask_repos(**body):
    topic, stars = body.get("topic"), body.get("least")
    repos = [
        r
        for r in graph.all("Repo")
        if (topic is not None and topic in (r["topics"] or [])) or (stars is not None and r["stars"] >= stars)
    ]
    case.ask("repos", body, {"repos": [r.only("name", "topics", "stars", "archived") for r in repos]})


def ask_needs(name):
    direct = out(some(repo(name)), "DependsOn")
    edges = graph.out_edges(repo(name), "DependsOn") if repo(name) else []
    case.ask("needs", {"repo": name}, {
        "direct": names(direct),
        "further": {"Group": grouped(out(direct, "DependsOn"), "name")},
        "users": names(r for r in into(some(repo(name)), "DependsOn") if not r["archived"]),
        "wanted": {"Group": grouped(edges, "wanted", "dev")},
    })


def ask_way_to(start, end):
    path = fewest(repo(start), repo(end), "DependsOn")
    if path:
        case.ask("way_to", {"repo": start, "on": end}, {"data": [path]})
    else:
        case.refuse("way_to", {"repo": start, "on": end}, *NO_PATH)


def ask_largest(count, langs):
    files = by(by([f for f in graph.all("File") if f["lang"] in langs], "path"), "lines", descending=True)
    case.ask("largest", {"count": count, "langs": langs}, {"files": [
        {
            **f.only("path", "lines"),
            "hundreds": float(math.floor(f["lines"] / 100.0)),
            "root": float(math.floor(math.sqrt(f["lines"]) + 0.5)),
            "even": f["lines"] % 2,
        }
        for f in files[:count]
    ]})


def ask_tests(slower):
    tests = graph.all("Test")
    slow = by(by([t for t in tests if t["millis"] > slower], "name"), "millis", descending=True)
    case.ask("tests", {"slower": slower}, {
        "failed": [
            {**t.only("name", "runs"), "breaks": each(graph.out(t, "Covers"), "path")}
            for t in by([t for t in tests if t["passed"] is False], "name")
        ],
        "slow": [t.only("name", "millis", "added") for t in slow],
        "groups": {"Group": grouped(tests, "passed", "runs")},
        "total": total(tests, "millis"),
    })


def ask_affected(path):
    functions = out(some(file(path)), "Defines")
    direct, indirect = into(functions, "Covers"), into(into(functions, "Calls"), "Covers")
    case.ask("affected", {"path": path}, {"response": {"data": [
        {"kind": "direct", "tests": names(direct), "passed": {"Group": grouped(direct, "passed")}},
        {"kind": "indirect", "tests": names(indirect), "passed": len(indirect)},
    ]}})


# Search.


def tokens(text):
    return [token for token in re.findall(r"[^\W_]+", text.lower()) if len(token.encode()) > 2]


def printed(value):
    return value if isinstance(value, str) else str(value).lower()


def ranked(label, query, k):
    """The nodes that fit best, by the formula of BM25, and by age where they fit the same."""
    items = graph.all(label)
    texts = [
        [token for value in item.fields.values() if value is not None for token in tokens(printed(value))]
        for item in items
    ]
    mean_length = sum(map(len, texts)) / len(texts) if texts else 0
    scores = []
    for item, text in zip(items, texts):
        score = 0
        for token in tokens(query):
            df = sum(token in other for other in texts)
            tf = text.count(token)
            idf = math.log((len(texts) - df + 0.5) / (df + 0.5) + 1)
            score += idf * tf * 2.2 / (tf + 1.2 * (1 - 0.75 + 0.75 * len(text) / mean_length))
        if score > 0:
            scores.append((score, item))
    scores.sort(key=lambda entry: -entry[0])
    for (a, _), (b, _) in zip(scores[: k + 1], scores[1 : k + 1]):
        assert a == b or a - b > 1e-4, f"`{query}`: two hits score almost the same"
    return [item for _, item in scores[:k]]


def ask_search(query, k):
    case.ask("search", {"q": query, "k": k}, {"hits": paths(ranked("Function", query, k))})


def ask_search_open(query, complexity):
    hits = [f for f in ranked("Function", query, 20) if f["open"] and f["complexity"] >= complexity]
    case.ask("search_open", {"q": query, "least": complexity}, {
        "hits": [{"path": f["path"], "callers": len(graph.into(f, "Calls"))} for f in hits],
        "files": {"Group": grouped(into(hits, "Defines"), "path")},
    })


def ask_search_both(query):
    functions, types = ranked("Function", query, 3), ranked("Type", query, 3)
    if not types:
        case.refuse("search_both", {"q": query}, *NOTHING)
        return
    case.ask("search_both", {"q": query}, {
        "functions": paths(functions), "types": paths(types), "best": types[0].only("path", "kind"),
    })


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


def near(snippets, vector, k):
    """The most similar ones, which are clearly apart in what they are."""
    ranking = sorted(snippets, key=lambda s: -cosine(s["data"], vector))
    likeness = [cosine(s["data"], vector) for s in ranking[: k + 1]]
    assert all(a - b > 1e-4 for a, b in zip(likeness, likeness[1:])), "the snippets are too near each other"
    return ranking[:k]


def ask_similar(vector, k):
    found = near(graph.all("Snippet"), vector, k)
    case.ask("similar", {"vector": vector, "k": k}, {
        "near": [s.only("path", "size") for s in found], "functions": names(out(found, "Describes")),
    })


def ask_varied(vector, k, weight):
    """Maximal marginal relevance: near what is asked, and far from what was taken."""
    rest = near(graph.all("Snippet"), vector, k)
    taken_ = [rest.pop(0)] if rest else []
    while rest:
        def worth(s):
            most = max([0, *(cosine(s["data"], t["data"]) for t in taken_)])
            return weight * cosine(s["data"], vector) - (1 - weight) * most

        rest.sort(key=lambda s: -worth(s))
        assert len(rest) < 2 or worth(rest[0]) - worth(rest[1]) > 1e-4, "two snippets are worth almost the same"
        taken_.append(rest.pop(0))
    case.ask("varied", {"vector": vector, "k": k, "lambda": weight}, {"varied": paths(taken_)})


def ask_small_like(path, size, k):
    own = into(some(function(path)), "Describes")
    if not own:
        case.refuse("small_like", {"path": path, "size": size, "k": k}, *NOTHING)
        return

    def fits(s):
        return s["size"] <= size and s["path"] != path

    everything = graph.all("Snippet")
    case.ask("small_like", {"path": path, "size": size, "k": k}, {
        "near": paths(near([s for s in everything if fits(s)], own[0]["data"], k)),
        "after": paths(s for s in near(everything, own[0]["data"], k) if fits(s)),
        "described": paths(d.end for d in graph.all("Describes") if d.start["path"] == path),
    })


fan_in = paths(ordered(graph.all("Function"), lambda f: len(graph.into(f, "Calls")), descending=True))
recursive = next(f["path"] for f in graph.all("Function") if f in graph.out(f, "Calls"))


def ask_hierarchy(name, lines):
    r = repo(name)
    if r is None:
        case.refuse("hierarchy", {"repo": name, "least": lines}, *NOTHING)
        return
    all_lines = total(out(graph.out(r, "Holds"), "Has"), "lines")

    def large(f):
        return [
            {
                "name": g["name"],
                "size": {"lines": g["lines"], "of": f["lines"]},
                "outside": each([h for h in graph.out(g, "Calls") if f not in graph.into(h, "Defines")], "path"),
            }
            for g in by(graph.out(f, "Defines"), "path")
            if g["lines"] >= lines
        ]

    case.ask("hierarchy", {"repo": name, "least": lines}, {"home": {"name": name, "lines": all_lines, "modules": [
        {
            "path": m["path"],
            "part": 100 * total(graph.out(m, "Has"), "lines") // all_lines,
            "files": [{"path": f["path"], "large": large(f)} for f in by(graph.out(m, "Has"), "path")],
        }
        for m in by(graph.out(r, "Holds"), "path")
    ]}})


def ask_related(path, k):
    f = function(path)
    if f is None:
        case.refuse("related", {"path": path, "k": k}, *NOTHING)
        return
    hits = [g for g in ranked("Function", f["name"], k) if g["path"] != path]
    near_ = intersection([graph.into(d, "Has") for d in into(hits, "Defines")])
    case.ask("related", {"path": path, "k": k}, {"hits": paths(hits), "near": paths(near_)})


def ask_snippets_of(name, vector):
    answer = []
    for m in by(out(some(repo(name)), "Holds"), "path"):
        snippets = into(out(graph.out(m, "Has"), "Defines"), "Describes")
        answer.append({
            "path": m["path"], "best": each(near(snippets, vector, 2), "path"), "sizes": total(snippets, "size"),
        })
    case.ask("snippets_of", {"repo": name, "vector": vector}, {"modules": answer})


def questions():
    """What is asked again after the changes."""
    ask_dead()
    ask_fan_in(0, 5)
    ask_callers(fan_in[1])
    ask_self_calls()
    ask_needs("cli")
    ask_hierarchy("engine", 190)
    ask_snippets_of("compiler", [0.5, 0.25, -1.0, 1.5, 2.0])
    ask_search("lock held while flushed", 5)
    ask_search("snapshot", 4)
    ask_complexities("engine")
    ask_tests(900.0)
    ask_totals()


questions()
for path in (fan_in[0], recursive, fan_in[-1], "none"):
    ask_function(path)
case.refuse("function", {"path": ["x"]}, *mistyped("path", "String", "array"))
ask_callers(fan_in[-1])
ask_callers("none")
busy = ordered(graph.all("Function"), lambda f: len(graph.out(f, "Calls")), descending=True)
ask_callees(busy[0]["path"], 1)
ask_callees(busy[1]["path"], 3)
ask_callees("none", 0)
pairs = [
    (f["path"], g["path"])
    for f in busy[:60]
    for g in busy[:60]
    if f is not g and len(intersection([graph.out(f, "Calls"), graph.out(g, "Calls")])) > 1
]
for pair in pairs[:2]:
    ask_called_by_all(list(pair))
ask_called_by_all(fan_in[:2])
ask_called_by_all(fan_in[:3] + ["none"])
ask_called_by_all([])
ask_fan_in(len(every) - 3, len(every) + 3)
case.refuse("fan_in", {"start": -1, "end": 3}, *BAD_RANGE)
starts = sample(every, 40)
found = 0
for start in starts:
    path = fewest(function(start), function(fan_in[2]), "Calls")
    if path and len(path[1]) > 2 and found < 3:
        found += 1
        ask_call_path(start, fan_in[2])
assert found
ask_call_path(fan_in[0], fan_in[0])
ask_call_path(fan_in[0], fan_in[-1])
ask_call_path("none", fan_in[0])
ask_call_path(fan_in[0], "none")
found = 0
for start in starts:
    path, only = least(function(start), function(fan_in[3]), "Calls", heat)
    if path and len(path[1]) > 2 and found < 3:
        found += ask_hot_path(start, fan_in[3])
assert found
ask_hot_path(fan_in[0], fan_in[-1])
case.ask("hot_path", {"from": "none", "to": fan_in[0]}, {"path": []})
shared = max((f["name"] for f in graph.all("Function")), key=lambda n: names(graph.all("Function")).count(n))
ask_named(shared)
ask_named("none")

for path in (modules[0], modules[5], modules[15], "none"):
    ask_module(path)
ask_complexities("site")
ask_complexities("none")
ask_called_modules(modules[3])
ask_called_modules("none")
found = 0
for start in modules[:14]:
    for end in modules[:14]:
        path, only = least(module(start), module(end), "Imports", lambda i: float(i["weight"]))
        if path and len(path[1]) > 1 and found < 3:
            found += ask_import_path(start, end)
assert found
ask_import_path(modules[0], modules[15])
ask_import_path("none", modules[0])
case.refuse("import_path", {"from": modules[0], "to": "none"}, *NOTHING)
ask_importing(modules[0])
ask_importing("std::fs")
ask_importing("std")
ask_repos(topic="rust")
ask_repos(topic="rust", least=0)
ask_repos(least=1, topic=None)
ask_repos()
ask_needs("site")
ask_needs("none")
ask_way_to("site", "engine")
ask_way_to("compiler", "engine")
ask_way_to("engine", "cli")
ask_largest(4, ["rust", "c"])
ask_largest(0, ["rust"])
ask_largest(255, ["c"])
ask_largest(3, [])
case.refuse("largest", {"count": 256, "langs": []}, *out_of_range("count", "U8", 256))
ask_tests(1000000.0)
covered = into([function(next(path for path in every if graph.into(function(path), "Covers")))], "Defines")[0]
ask_affected(covered["path"])
ask_affected("none")

for query in ("quadratic lexer", "Größe überlauf", "parse token", "deprecated unsafe deprecated", "b-tree utf8"):
    ask_search(query, 6)
number = next(
    str(f["lines"]) for f in graph.all("Function")
    if f["lines"] > 99 and sum(g["lines"] == f["lines"] for g in graph.all("Function")) == 1
)
ask_search(number, 3)
ask_search("to be or", 3)
ask_search("", 3)
ask_search("none", 0)
ask_search("unknown words", 5)
ask_search("heuristic", 1)
case.refuse("search", {"q": "lock", "k": -1}, 400, error("Graph error: k must be non-negative"))
case.refuse("search", {"q": "lock"}, *missing("k"))
ask_search_open("engine graph snapshot", 2)
ask_search_open("none", 0)
for path in (every[4], every[50], "none"):
    ask_related(path, 3)
ask_related(every[4], 1)
case.refuse("hierarchy", {"repo": "cli", "least": -1}, *out_of_range("least", "U16", -1))
ask_hierarchy("none", 1)
ask_hierarchy("site", 65535)
ask_search_both("trait snapshot")
ask_search_both("enum heuristic unsafe")
ask_search_both("zebra")
ask_similar([0.5, -1.0, 2.0, 0.125, 1.0], 4)
ask_similar([-1, 0, 0, 3, 2], 100)
ask_similar([-1, 0, 0, 3, 2], 0)
for weight in (1.0, 0.7, 0.3):
    ask_varied([0.5, -1.0, 2.0, 0.125, 1.0], 9, weight)
ask_varied([1, 1, 1, 1, 1], 28, 0.5)
ask_varied([1, 1, 1, 1, 1], 0, 0.5)
ask_small_like(snippet_rows[0]["path"], 120, 5)
ask_small_like(snippet_rows[2]["path"], -6, 5)
ask_small_like(snippet_rows[1]["path"], 300, 3)
ask_small_like(next(path for path in every if path not in {row["path"] for row in snippet_rows}), 9, 3)
case.refuse("grep", {"q": "x"}, *no_query("grep"))


# The code is indexed again: some functions changed, some are gone, one moved, some are new.

engine = code["engine"]
changed = engine[0]["files"][0]["functions"]
changed[0].update(doc="A snapshot of the quadratic lexer.", lines=500, complexity=20)
gone = changed.pop()["path"]
moved = changed.pop(1) if len(changed) > 1 else changed[0]
engine[1]["files"][0]["functions"].append(moved)
engine[1]["files"][0]["functions"].append(function_row(engine[1]["path"]))
engine[2]["files"].pop()
engine.append({"path": "engine::fresh", "files": [{
    "path": "engine/src/fresh.rs", "lines": 12, "hash": "00000000", "types": [],
    "functions": [{**function_row("engine::fresh"), "doc": "", "open": False}],
}]})
index("engine", "2024-04-01")
ask_totals()
ask_function(moved["path"])
ask_search("quadratic lexer", 6)


def forget_stale(name, before):
    files = out(out(some(repo(name)), "Holds"), "Has")
    stale = [f for f in out(files, "Defines") if f["seen"] < midnight(before)]
    graph.drop(*into(stale, "Describes"))
    graph.drop(*stale)
    graph.drop(*[f for f in files if f["seen"] < midnight(before)])
    left = paths(graph.all("File"))
    case.ask("forget_stale", {"repo": name, "before": before}, {
        "stale": paths(stale), "files": [{"path": f["path"], "there": f["path"] in left} for f in files],
    })


forget_stale("engine", "2024-04-01")
forget_stale("engine", "2024-04-01")
forget_stale("none", "2024-04-01")
ask_function(gone)
ask_module(engine[2]["path"])
ask_module("engine::fresh")
index("site", "2024-04-02", modules=[])
index("docs", "2024-04-02", modules=[], topics=["text"])
ask_repos(topic="text")
put_calls([
    {
        "caller": moved["path"],
        "calls": [{"callee": fan_in[1], "times": 5}, {"callee": moved["path"], "times": 2}],
        "takes": [types[0]] * 2,
    },
    {"caller": engine[-1]["files"][0]["functions"][0]["path"], "calls": [], "takes": []},
])
ask_function(moved["path"])
questions()


# Changes by hand.


def rename(path, new_path, **more):
    body = {"path": path, "new_path": new_path, **more}
    f = function(path)
    if f is None:
        case.refuse("rename", body, *NOTHING)
        return
    if function(new_path) not in (None, f):
        case.refuse("rename", body, *taken("path"))
        return
    f.fields["path"] = new_path
    if more.get("new_name") is not None:
        f.fields["name"] = more["new_name"]
    case.ask("rename", body, {"function": {**f.only("path", "name"), "callers": len(graph.into(f, "Calls"))}})


old_name = function(fan_in[0])["name"]
rename(fan_in[0], "core::zebra", new_name="zebra")
rename(fan_in[0], "core::zebra")
rename("core::zebra", fan_in[1], new_name="other")
rename("core::zebra", "core::zebra", new_name=None)
ask_named("zebra")
ask_named("other")
ask_named(old_name)
ask_function("core::zebra")
ask_search("zebra", 5)
ask_call_path(recursive, "core::zebra")


def document(path, **more):
    f = function(path)
    body = {"path": path, **more}
    if f is None:
        case.refuse("document", body, *NOTHING)
        return
    if more.get("complexity") is not None and not 0 <= more["complexity"] < 256:
        case.refuse("document", body, *unfit("complexity", more["complexity"], "U8"))
        return
    f.fields.update({key: value for key, value in more.items() if value is not None})
    found = len(ranked("Function", f["doc"], 1))
    case.ask("document", body, {"function": f.only("doc", "complexity"), "found": found})


document(fan_in[1], doc="Giraffes \"and\" okapis;\n\\ `zebras`, too.", complexity=200)
document(fan_in[2], doc="", complexity=0)
document(fan_in[3], complexity=None)
document(fan_in[3], complexity=-1)
document(fan_in[3], doc="not kept okapis", complexity=256)
document("none", doc="x")
ask_search("okapis giraffes", 3)
ask_search("not kept", 3)
ask_complexities("compiler")


def undocument(path):
    f = function(path)
    f.fields["doc"] = None
    rest = {key: value for key, value in f.fields.items() if key != "seen"}
    case.ask("undocument", {"path": path}, {"function": {"label": "Function", **rest}})


undocument(fan_in[1])
undocument(fan_in[1])
case.refuse("undocument", {"path": "none"}, *NOTHING)
ask_search("okapis", 3)
document(fan_in[1], doc="Okapis again")
ask_search("okapis", 3)


def mark_hot(times, but):
    hot = [
        c for c in graph.all("Calls") if c["times"] >= times and c.start["path"] not in but and c.start is not c.end
    ]
    body = {"least": times, "but": but}
    if not hot:
        case.refuse("mark_hot", body, *NOTHING)
        return
    for c in hot:
        c.fields["hot"] = True
    groups = {"Group": grouped(graph.all("Calls"), "hot", "times")}
    case.ask("mark_hot", body, {"first": hot[0].only("times", "hot"), "groups": groups})


mark_hot(40, [busy[0]["path"], fan_in[1], "none"])
mark_hot(8, [])
mark_hot(4294967295, [])
ask_callees(busy[2]["path"], 8)


def own(prefix, owner):
    found = [m for m in graph.all("Module") if prefix in m["path"]]
    if not found:
        case.refuse("own", {"prefix": prefix, "owner": owner}, *NOTHING)
        return
    for m in found:
        m.fields["owner"] = owner
    owned = sum(m["owner"] == owner for m in graph.all("Module"))
    case.ask("own", {"prefix": prefix, "owner": owner}, {"first": found[0]["path"], "owned": owned})


own("engine::", "Ann")
own("fresh", "Bo_Ann")
own("zebra", "Cy")
own("", "Di")
own("::graph", "Ann")
ask_called_modules(modules[6])


def move_file(path, goal, at):
    body = {"path": path, "module": goal, "at": at}
    f, m = file(path), module(goal)
    if not f or not m:
        case.refuse("move_file", body, *NOTHING)
        return
    graph.drop(*graph.in_edges(f, "Has"))
    graph.add("Has", m, f, seen=midnight(at))
    case.ask("move_file", body, {"file": {"path": path, "at": [{"path": goal}]}})


move_file("engine/src/fresh.rs", modules[4], "2024-04-03")
move_file("engine/src/fresh.rs", "none", "2024-04-03")
move_file("none", modules[4], "2024-04-03")
move_file("engine/src/fresh.rs", modules[4], "2024-04-04")
ask_module(modules[4])
ask_module("engine::fresh")


def inline(path):
    f = function(path)
    if f is None:
        case.refuse("inline", {"path": path}, *NOTHING)
        return
    callers = [c for c in graph.into(f, "Calls") if c is not f]
    calls = [c for c in graph.out_edges(f, "Calls") if c.end is not f]
    for caller in callers:
        for call in calls:
            upsert_edge("Calls", caller, call.end, times=call["times"])
    graph.drop(*graph.into(f, "Describes"))
    graph.drop(f)
    case.ask("inline", {"path": path}, {
        "callers": [{"path": c["path"], "calls": len(graph.out(c, "Calls"))} for c in callers],
        "callees": len(calls),
    })


inline(fan_in[4])
inline(fan_in[4])
inline(recursive)
inline(fan_in[-1])
ask_function(recursive)
ask_call_path(busy[2]["path"], fan_in[5])
ask_call_path(fan_in[7], fan_in[6])
ask_similar([0.5, -1.0, 2.0, 0.125, 1.0], 6)


def import_all(start, end):
    importers = [m for m in graph.all("Module") if m["path"] in start]
    imported = [m for m in graph.all("Module") if m["path"] in end]
    body = {"from": start, "to": end}
    for a in importers:
        for b in imported:
            if b in graph.out(a, "Imports"):
                case.duplicate_edge("import_all", body, "Imports", a.id, b.id)
                return
    edges = [graph.add("Imports", a, b, names=["*"]) for a in importers for b in imported]
    case.ask("import_all", body, {"edges": [
        {**i.only("names", "weight"), "from": {"path": i.start["path"]}, "to": {"path": i.end["path"]}} for i in edges
    ]})


import_all([modules[15], "engine::fresh", modules[14]], ["engine::fresh", modules[13]])
import_all([modules[14], modules[15]], [modules[15], modules[14], "none"])
import_all([modules[1], modules[15]], [modules[13], modules[14]])
import_all([], modules)
ask_module("engine::fresh")
ask_importing("*")
ask_import_path(modules[15], modules[13])


def star(name, count):
    r = repo(name)
    body = {"name": name, "by": count}
    if r is None:
        case.refuse("star", body, *NOTHING)
        return
    if not 0 <= r["stars"] + count < 2**32:
        case.refuse("star", body, *unfit("stars", r["stars"] + count, "U32"))
        return
    r.fields.update(stars=r["stars"] + count, archived=r["archived"] and bool(graph.into(r, "DependsOn")))
    case.ask("star", body, {"starred": r.only("stars", "archived")})


star("engine", 40)
star("engine", -41)
star("docs", 2**32 - 1)
star("docs", 1)
star("none", 1)
ask_repos(least=40)
want("engine", "docs", "1")
ask_way_to("site", "docs")
ask_needs("engine")


def drop_module(path):
    for m in some(module(path)):
        files = graph.out(m, "Has")
        graph.drop(*into(out(files, "Defines"), "Describes"))
        graph.drop(*out(files, "Defines"))
        graph.drop(*out(files, "Declares"))
        graph.drop(*files)
        graph.drop(m)
    case.ask("drop_module", {"path": path}, None)


drop_module(modules[2])
drop_module(modules[2])
drop_module(modules[9])
ask_module(modules[2])
ask_totals()
ask_importing(modules[0])
ask_varied([1, 1, 1, 1, 1], 12, 0.5)


def drop_orphans():
    orphans = [t for t in graph.all("Test") if not graph.out(t, "Covers")]
    graph.drop(*orphans)
    case.ask("drop_orphans", {}, {"tests": names(orphans), "data": len(graph.all("Test"))})


drop_orphans()
drop_orphans()
put_tests([{**test_rows[0], "name": "t00_zebra", "covers": ["core::zebra", fan_in[1]]}])
ask_affected(into(some(function("core::zebra")), "Defines")[0]["path"])
ask_search_both("struct lock")
questions()

case.main()

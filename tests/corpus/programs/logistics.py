"""Computes what `logistics.md` answers: `logistics.py` writes it, `logistics.py --check` compares."""

import math
import random
from collections import deque

from computed import (
    BAD_RANGE, F32, NOTHING, NOT_AN_ID, NOT_A_DATE, NOT_WHOLE, NO_EDGE, NO_PATH, Case, Graph, aggregated, error,
    grouped, intersection, missing, mistyped, no_query, ordered, out_of_range, taken, unfit,
)

rng = random.Random(20240501)
case = Case(__file__)
graph = Graph({
    "Hub": {
        "code": None, "name": None, "country": None, "kind": "depot", "capacity": 100, "handling": 4, "x": None,
        "y": None, "bound": 0, "open": True, "zones": None, "since": None,
    },
    "Carrier": {"slug": None, "name": None, "rating": F32(3), "modes": None},
    "Shipment": {
        "tracking": None, "weight": None, "volume": None, "priority": 1, "status": "planned", "due": None,
        "insured": False,
    },
    "Route": {
        "ref": None, "distance": None, "cost": None, "traffic": 1.0, "mode": None, "lanes": 2, "toll": None,
    },
    "Ferry": {"ref": None, "minutes": None},
    "Serves": {"since": None, "docks": 1},
    "StartsAt": {},
    "GoesTo": {},
    "Passed": {"leg": None, "at": None},
    "Carries": {"price": None},
})


def choose(values):
    return values[rng.randrange(len(values))]


def day(first=2018, last=2024):
    return f"{rng.randrange(first, last + 1)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def midnight(day):
    return f"{day}T00:00:00+00:00"


def hub(code):
    return next((item for item in graph.all("Hub") if item["code"] == code), None)


def carrier(slug):
    return next((item for item in graph.all("Carrier") if item["slug"] == slug), None)


def shipment(tracking):
    return next((item for item in graph.all("Shipment") if item["tracking"] == tracking), None)


def hubs_of(country):
    return [item for item in graph.all("Hub") if item["country"] == country]


def codes(hubs):
    return [item["code"] for item in hubs]


def by_code(hubs):
    return ordered(hubs, lambda item: item["code"])


def total(items, field):
    """A sum: an integer where nothing is summed."""
    return sum(item[field] for item in items if item[field] is not None)


def mean(values):
    return sum(values) / len(values) if values else None


# Paths.


def walked(edges, start):
    return [[node.whole() for node in [start, *(edge.end for edge in edges)]], [edge.whole() for edge in edges]]


def fewest(start, goal, *labels):
    """The path of the fewest edges that is found first. Nothing if there is none."""
    known, queue = {id(start): []}, deque([start])
    while queue:
        node = queue.popleft()
        if node is goal:
            return walked(known[id(node)], start)
        for edge in graph.out_edges(node, *labels):
            if id(edge.end) not in known:
                known[id(edge.end)] = [*known[id(node)], edge]
                queue.append(edge.end)
    return None


class Ambiguous(Exception):
    """Two paths weigh the same, or almost so."""


def distances(start, weight):
    """The least weight to each node: routes are relaxed until nothing changes."""
    least = {id(start): 0.0}
    routes = [(edge, float(weight(edge))) for edge in graph.all("Route")]
    changed = True
    while changed:
        changed = False
        for edge, w in routes:
            known = least.get(id(edge.start), math.inf) + w
            if known < least.get(id(edge.end), math.inf):
                least[id(edge.end)] = known
                changed = True
    return least


def least(start, goal, weight):
    """The path of the least weight, which is the only one."""
    far = distances(start, weight)
    if id(goal) not in far:
        return None
    edges, node = [], goal
    while node is not start:
        last = [
            edge
            for edge in graph.in_edges(node, "Route")
            if id(edge.start) in far and far[id(edge.start)] + weight(edge) < far[id(node)] + 1e-6
        ]
        if len(last) != 1:
            raise Ambiguous
        edges.insert(0, last[0])
        node = last[0].start
    return walked(edges, start)


def decided(pairs, weight, count):
    """Some of the pairs, between which there is a single best path, the longer ones first."""
    found = []
    for start, goal in pairs:
        try:
            path = least(start, goal, weight)
        except Ambiguous:
            continue
        if path and len(path[1]) > 2:
            found.append((start["code"], goal["code"]))
        if len(found) == count:
            return found
    raise AssertionError("not enough pairs")


def ask_path(query, start, goal, path, **more):
    body = {"from": start, "to": goal, **more}
    if path is None:
        case.refuse(query, body, *NO_PATH)
    else:
        case.ask(query, body, {"path": path if query == "cheapest" else [path]})


WEIGHTS = {
    "shortest": lambda r: r["distance"],
    "cheapest": lambda r: r["cost"],
    "fastest": lambda r: r["distance"] * r["traffic"] + 10 * r.end["handling"],
    "roomiest": lambda r: max(r["distance"], r.start["capacity"]) / r["lanes"] ** 2,
    "guided": lambda r: r["distance"],
    "straight": lambda r: math.hypot(r.start["x"] - r.end["x"], r.start["y"] - r.end["y"]),
    "thinnest": lambda r: r["lanes"] / 8 + r["distance"] / 300,
}


def blend(per_km, per_cost):
    return lambda r: per_km * r["distance"] + per_cost * r["cost"]


# The data.

COUNTRIES = ["NO", "SE", "DK", "DE", "PL", "NL"]
KINDS = ["depot", "port", "airport", "yard"]
ZONES = ["cold", "customs", "bulk", "hazard", "parcels", "überseehafen"]
STEMS = ["Nord", "Sør", "Ost", "West", "Øvre", "Klein", "Groß", "Stara", "Nowa", "Oude"]
ENDS = ["havn", "stad", "by", "berg", "wald", "ów", "dam", "vik", "furt"]
MODES = ["road", "rail", "air"]

hub_rows = []
for number in range(90):
    country = COUNTRIES[number % len(COUNTRIES)]
    hub_rows.append({
        "code": f"{country}{(number * 37) % 90:02}",
        "name": choose(STEMS) + choose(ENDS),
        "country": country,
        "kind": choose(KINDS),
        "capacity": rng.randrange(4, 40) * 10,
        "handling": rng.randrange(1, 13),
        "x": (number % 10) * 100 + rng.randrange(-30, 31),
        "y": (number // 10) * 100 + rng.randrange(-30, 31),
        "bound": 0,
        "zones": [zone for zone in ZONES if rng.random() < 0.3],
        "since": day(),
    })
# Islands: ferries only, in a ring with one way to the mainland and none back; the last has nothing.
for number in range(6):
    hub_rows.append({
        "code": f"XI{number}", "name": f"Insel {number}", "country": "XI", "kind": "port", "capacity": 50,
        "handling": 20, "x": -500 - number * 10, "y": number * 7, "bound": 0, "zones": [],
        "since": f"2020-01-0{number + 1}",
    })

mainland = hub_rows[:90]
route_rows = []


def route_row(start, end, mode=None):
    away = abs(start["x"] - end["x"]) + abs(start["y"] - end["y"])
    route_rows.append({
        "ref": f"R{len(route_rows):03}",
        "from": start["code"],
        "to": end["code"],
        "distance": away + rng.randrange(10, 120),
        "cost": rng.randrange(40, 2000) / 4,
        "traffic": choose([1.0, 1.0, 1.5, 2.0, 2.5, 3.0]),
        "mode": mode or choose(["road", "road", "rail"]),
        "lanes": rng.randrange(1, 5),
    })


# The last two of the mainland have no way out, the two before them no way in.
for start in mainland[:88]:
    near = sorted(mainland, key=lambda end: abs(start["x"] - end["x"]) + abs(start["y"] - end["y"]))
    near = [end for end in near[1:9] if end not in mainland[86:88]]
    for _ in range(rng.randrange(2, 5)):
        route_row(start, near[rng.randrange(len(near))])
for _ in range(20):
    start, end = mainland[rng.randrange(86)], mainland[rng.randrange(86)]
    if start is not end:
        route_row(start, end, "air")
# Two hubs that are joined twice.
route_row(mainland[0], mainland[1], "road")
route_row(mainland[0], mainland[1], "rail")

ferry_rows = [
    {"ref": f"F{number}", "from": f"XI{number}", "to": f"XI{(number + 1) % 5}", "minutes": 45 + number * 5}
    for number in range(5)
]
ferry_rows.append({"ref": "F5", "from": mainland[3]["code"], "to": "XI0", "minutes": 300})
for number in range(6, 30):
    start, end = mainland[rng.randrange(86)], mainland[rng.randrange(86)]
    ferry_rows.append(
        {"ref": f"F{number}", "from": start["code"], "to": end["code"], "minutes": rng.randrange(30, 900)}
    )

carrier_rows = []
for number, name in enumerate([
    "Alpha Freight", "Bergen Line", "Cargo Süd", "Delta Rail", "Elbe Barge", "Fjord Express", "Gdańsk Trans",
    "Hanse Logistik", "Inland Air", "Jylland Truck",
]):
    bases = [row["code"] for row in hub_rows if rng.random() < 0.35] if number != 7 else []
    carrier_rows.append({
        "slug": name.lower().split()[0],
        "name": name,
        "rating": choose([4.3, 3.9, 4.5, 2.7, 3.0]),
        "modes": [mode for mode in MODES if rng.random() < 0.6],
        "serves": [{"hub": code, "since": day(), "docks": rng.randrange(1, 9)} for code in bases],
    })

shipment_rows = []
for number in range(110):
    ends = [choose(hub_rows)["code"] for _ in range(2)]
    passed = rng.randrange(0, 4) if rng.random() < 0.6 else 0
    shipment_rows.append({
        "tracking": f"S-{1000 + number * 7}",
        "weight": rng.randrange(1, 400) / 4,
        "volume": rng.randrange(1, 90),
        "priority": rng.randrange(1, 6),
        "status": "planned" if not passed else choose(["moving", "moving", "delivered", "held"]),
        "due": f"2024-0{rng.randrange(5, 8)}-{rng.randrange(1, 29):02}",
        "insured": rng.random() < 0.3,
        "from": ends[0],
        "to": ends[1],
        "offers": [
            {"carrier": row["slug"], "price": rng.randrange(100, 4000) / 4}
            for row in carrier_rows[:8]
            if rng.random() < 0.18 and row["slug"] != "elbe"
        ],
        "passed": [
            {
                "hub": choose(mainland)["code"], "leg": leg + 1,
                "at": f"2024-04-{leg * 5 + 3:02}T{6 + leg:02}:30:00+00:00",
            }
            for leg in range(passed)
        ],
    })


def load_hubs(rows):
    for row in rows:
        graph.add("Hub", **{**row, "since": midnight(row["since"])})
    case.ask("load_hubs", {"rows": rows}, {"data": len(graph.all("Hub"))})


def load_routes(rows):
    for row in rows:
        fields = {key: value for key, value in row.items() if key not in ("from", "to")}
        graph.add("Route", hub(row["from"]), hub(row["to"]), **fields)
    answer = {"hubs": len(graph.all("Hub")), "routes": len(graph.all("Route"))}
    case.ask("load_routes", {"rows": rows}, answer)


TOTALS = {
    "hubs": "Hub", "carriers": "Carrier", "shipments": "Shipment", "routes": "Route", "ferries": "Ferry",
    "serves": "Serves", "starts": "StartsAt", "ends": "GoesTo", "passed": "Passed", "offers": "Carries",
}


def totals():
    case.ask("totals", {}, {key: len(graph.all(label)) for key, label in TOTALS.items()})


# Nothing is there.
totals()
case.ask("modes", {}, {"modes": {"Group": {}}, "jams": {"Count": {}}, "tolls": {"Group": {}}})
case.refuse("hub", {"code": "NO00"}, *NOTHING)

# The bounds that guide: the distance to one hub, or nothing. The routes must be known for that.
MAIN = mainland[44]["code"]
draft = Graph(graph.types)
graph, kept = draft, graph
for row in hub_rows:
    graph.add("Hub", code=row["code"])
for row in route_rows:
    graph.add("Route", hub(row["to"]), hub(row["from"]), distance=row["distance"])
back = distances(hub(MAIN), WEIGHTS["shortest"])
for row in hub_rows:
    away = back.get(id(hub(row["code"])))
    row["bound"] = int(away) if away is not None and rng.random() < 0.5 else 0
graph = kept

load_hubs(hub_rows[:60])
load_hubs(hub_rows[60:])
case.ask("load_hubs", {"rows": []}, {"data": len(hub_rows)})
extra = {**hub_rows[0], "code": "ZZ01"}
case.refuse("load_hubs", {"rows": [extra, hub_rows[5]]}, *taken("code"))
zoneless = {key: value for key, value in extra.items() if key != "zones"}
case.refuse("load_hubs", {"rows": [zoneless]}, *missing("rows.zones"))
case.refuse("load_hubs", {"rows": [extra, {**extra, "capacity": "many"}]}, *mistyped("rows.capacity", "U32", "string"))
case.refuse("load_hubs", {"rows": [{**extra, "handling": 70000}]}, *out_of_range("rows.handling", "U16", 70000))
case.refuse("load_hubs", {"rows": [{**extra, "zones": ["cold", 7]}]}, *mistyped("rows.zones", "String", "number"))
case.refuse("load_hubs", {}, *missing("rows"))

load_routes(route_rows)
case.refuse("load_routes", {"rows": [{**route_rows[0], "ref": "R999"}, {**route_rows[1], "to": "ZZ01"}]}, *NOTHING)
totals()

for row in ferry_rows:
    graph.add("Ferry", hub(row["from"]), hub(row["to"]), ref=row["ref"], minutes=row["minutes"])
case.ask("load_ferries", {"rows": ferry_rows}, {"ferries": len(ferry_rows)})

for row in carrier_rows:
    new = graph.add("Carrier", slug=row["slug"], name=row["name"], rating=F32(row["rating"]), modes=row["modes"])
    for base in row["serves"]:
        graph.add("Serves", new, hub(base["hub"]), since=midnight(base["since"]), docks=base["docks"])
case.ask("load_carriers", {"rows": carrier_rows}, {"carriers": len(carrier_rows), "bases": len(graph.all("Serves"))})

for row in shipment_rows:
    simple = ("tracking", "weight", "volume", "priority", "status", "insured")
    new = graph.add("Shipment", due=midnight(row["due"]), **{key: row[key] for key in simple})
    graph.add("StartsAt", new, hub(row["from"]))
    graph.add("GoesTo", new, hub(row["to"]))
    for offer in row["offers"]:
        graph.add("Carries", carrier(offer["carrier"]), new, price=offer["price"])
    for stop in row["passed"]:
        graph.add("Passed", new, hub(stop["hub"]), leg=stop["leg"], at=stop["at"])
case.ask("load_shipments", {"rows": shipment_rows}, {
    "shipments": len(shipment_rows), "offers": len(graph.all("Carries")), "passed": len(graph.all("Passed")),
})

toll_rows = [{"ref": row["ref"], "toll": rng.randrange(0, 30) * 5 - 10} for row in route_rows if rng.random() < 0.25]
toll_rows.append({"ref": "R999", "toll": 100000})
for row in toll_rows:
    for route in graph.all("Route"):
        if route["ref"] == row["ref"]:
            route.fields["toll"] = row["toll"]
tolls = [route["toll"] for route in graph.all("Route") if route["toll"] is not None]
answer = {"paid": sum(toll >= 0 for toll in tolls), "sum": sum(tolls), "most": max(tolls)}
# UPDATE of nothing is an error, and nothing of the request is kept.
case.refuse("load_tolls", {"rows": toll_rows}, *NOTHING)
case.ask("load_tolls", {"rows": toll_rows[:-1]}, answer)
totals()


# What can be asked at any time.


def ask_hub(code):
    found = hub(code)
    if found is None:
        case.refuse("hub", {"code": code}, *NOTHING)
        return
    whole = found.whole()
    del whole["id"]
    case.ask("hub", {"code": code}, {"hub": whole})


def ask_hub_card(code):
    h = hub(code)
    routes = graph.out_edges(h, "Route")
    load = total(graph.into(h, "GoesTo"), "volume")
    case.ask("hub_card", {"code": code}, {"hub": {
        "code": code,
        "place": {"x": h["x"], "y": h["y"]},
        "open": h["open"],
        "carriers": [c.only("slug", "rating") for c in ordered(graph.into(h, "Serves"), lambda c: c["slug"])],
        "routes": [
            {
                "ref": r["ref"], "km": r["distance"], "to": {"code": r.end["code"]},
                "onward": len(graph.out(r.end, "Route")),
            }
            for r in ordered(routes, lambda r: r["ref"])
        ],
        "coming": len(graph.into(h, "GoesTo")),
        "load": load,
        "free": h["capacity"] - load,
        "first_out": routes[0].only("ref", "mode") if routes else {"ref": None, "mode": None},
    }})


def ask_hubs(country, start, end):
    hubs = by_code(hubs_of(country))
    page = [h.only("code", "name", "kind") for h in hubs[start:end]]
    case.ask("hubs", {"country": country, "start": start, "end": end}, {"hubs": page, "total": len(hubs)})


def ask_find_hubs(**body):
    every, any_ = [], []
    for h in graph.all("Hub"):
        if body.get("country") == h["country"] and body.get("kind") == h["kind"]:
            every.append(h["code"])
        roomy = body.get("least") is not None and h["capacity"] >= body["least"]
        if roomy or body.get("zone") in (h["zones"] or []):
            any_.append(h["code"])
    case.ask("find_hubs", body, {"all": every, "any": any_})


def ask_named(part):
    case.ask("named", {"part": part}, {"hubs": [h["name"] for h in graph.all("Hub") if part in (h["name"] or "")]})


def ask_opened(start, end):
    first, last = midnight(start), midnight(end)
    hubs = by_code(h for h in graph.all("Hub") if h["since"] and first <= h["since"] < last)
    hubs = ordered(hubs, lambda h: h["since"], descending=True)
    case.ask("opened", {"from": start, "to": end}, {"hubs": [h.only("code", "since") for h in hubs]})


def ask_nearest(x, y, count):
    def away(h):
        return None if h["x"] is None else abs(h["x"] - x) + abs(h["y"] - y)

    hubs = ordered(by_code(graph.all("Hub")), away)[:count]
    answer = {"hubs": [{"code": h["code"], "away": away(h)} for h in hubs]}
    case.ask("nearest", {"x": x, "y": y, "count": count}, answer)


def ask_borders(country, other):
    def next_to(h):
        return [n["country"] for n in graph.out(h, "Route")]

    hubs = hubs_of(country)
    case.ask("borders", {"country": country, "other": other}, {
        "out": [h["code"] for h in hubs if other in next_to(h)],
        "abroad": [h["code"] for h in hubs if any(n != country for n in next_to(h))],
        "inland": [h["code"] for h in hubs if all(n == country for n in next_to(h))],
    })


def ask_dead_ends():
    hubs = graph.all("Hub")
    case.ask("dead_ends", {}, {
        "no_way_out": [h["code"] for h in hubs if not graph.out_edges(h, "Route")],
        "no_way_in": [h["code"] for h in hubs if not graph.in_edges(h, "Route")],
        "alone": [
            h["code"]
            for h in hubs
            if not graph.out_edges(h, "Route", "Ferry") and not graph.in_edges(h, "Route", "Ferry")
        ],
    })


def ask_busiest(start, end):
    def ways(h):
        return len(graph.into(h, "Route")), len(graph.out(h, "Route"))

    hubs = ordered(by_code(graph.all("Hub")), lambda h: sum(ways(h)), descending=True)[start:end]
    answer = [{"code": h["code"], "in": ways(h)[0], "out": ways(h)[1]} for h in hubs]
    case.ask("busiest", {"start": start, "end": end}, {"hubs": answer})


def ask_two_hops(code):
    first = graph.out(hub(code), "Route") if hub(code) else []
    reached = [far for near in first for far in graph.out(near, "Route")]
    answer = {"groups": {"Group": grouped(reached, "code")}, "number": len(reached)}
    case.ask("two_hops", {"code": code}, answer)


def ask_around(country):
    def next_to(h):
        return [
            {
                "code": n["code"],
                "back": [b.only("code", "kind") for b in graph.out(n, "Route") if b["country"] == country],
            }
            for n in graph.out(h, "Route")
        ]

    hubs = ordered(hubs_of(country), lambda h: h["code"], descending=True)
    case.ask("around", {"country": country}, {"hubs": [{"code": h["code"], "next": next_to(h)} for h in hubs]})


def ask_met_from_all(wanted):
    starts = [h for h in graph.all("Hub") if h["code"] in wanted]
    met = intersection([graph.out(h, "Route") for h in starts])
    case.ask("met_from_all", {"codes": wanted}, {"hubs": codes(met)})


def ask_served_by_all(slugs):
    chosen = [c for c in graph.all("Carrier") if c["slug"] in slugs]
    hubs = intersection([[h for h in graph.out(c, "Serves") if h["open"]] for c in chosen])
    case.ask("served_by_all", {"slugs": slugs}, {"hubs": codes(hubs), "number": len(hubs)})


def ask_route(ref):
    r = next(r for r in graph.all("Route") if r["ref"] == ref)
    case.ask("route", {"ref": ref}, {"route": {
        **r.fields,
        "from": {"code": r.start["code"]},
        "to": r.end.only("code", "country"),
        "per_km": r["cost"] / r["distance"],
        "hundreds": r["distance"] // 100,
        "rest": r["distance"] % 100,
        "jam": r["distance"] * r["traffic"],
    }})


def ask_modes():
    routes = graph.all("Route")
    case.ask("modes", {}, {
        "modes": {"Group": grouped(routes, "mode")},
        "jams": {"Count": grouped([r for r in routes if r["traffic"] > 2], "mode", "traffic")},
        "tolls": {"Group": grouped([r for r in routes if r["mode"] == "air"], "toll")},
    })


def ask_mode_totals(mode):
    routes = [r for r in graph.all("Route") if r["mode"] == mode]
    costs = [r["cost"] for r in routes]
    case.ask("mode_totals", {"mode": mode}, {
        "n": len(routes),
        "km": total(routes, "distance"),
        "mean": mean(costs),
        "least": min(costs, default=None),
        "longest": max((r["distance"] for r in routes), default=None),
    })


def ask_dearest(count):
    def a_lane(r):
        return r["cost"] / r["lanes"]

    routes = ordered(ordered(graph.all("Route"), lambda r: r["ref"]), a_lane, descending=True)[:count]
    answer = [{"ref": r["ref"], "a_lane": a_lane(r)} for r in routes]
    case.ask("dearest", {"count": count}, {"routes": answer})


def ask_tolls(start, end):
    routes = ordered(graph.all("Route"), lambda r: r["ref"])
    cheap, dear = (ordered(routes, lambda r: r["toll"], descending)[start:end] for descending in (False, True))
    case.ask("tolls", {"start": start, "end": end}, {
        "cheap": [r.only("ref", "toll") for r in cheap], "dear": [r.only("ref", "toll") for r in dear],
    })


def ask_between(start, end):
    routes = graph.out_edges(hub(start), "Route") if hub(start) else []
    answer = [r.only("ref", "distance", "mode") for r in routes if r.end["code"] == end]
    case.ask("between", {"from": start, "to": end}, {"routes": answer})


def ask_shipment(tracking):
    s = shipment(tracking)
    if s is None:
        case.refuse("shipment", {"tracking": tracking}, *NOTHING)
        return
    passed = ordered(graph.out_edges(s, "Passed"), lambda p: p["leg"], descending=True)
    offers = ordered(graph.in_edges(s, "Carries"), lambda o: o["price"])
    last = {"leg": None, "at": None, "hub": None}
    if passed:
        last = {**passed[0].only("leg", "at"), "hub": {"code": passed[0].end["code"]}}
    case.ask("shipment", {"tracking": tracking}, {"shipment": {
        "from": [{"code": h["code"]} for h in graph.out(s, "StartsAt")],
        "to": graph.out(s, "GoesTo")[0].only("code", "country"),
        "last": last,
        "offers": [{"price": o["price"], "by": o.start.only("slug", "rating")} for o in offers],
        **s.whole(),
    }})


def ask_shipment_card(tracking):
    s = shipment(tracking)
    ends = [graph.out(s, "StartsAt")[0]["code"], graph.out(s, "GoesTo")[0]["code"]]
    prices = [o["price"] for o in graph.in_edges(s, "Carries")]
    case.ask("shipment_card", {"tracking": tracking}, {"response": {
        "shipment": {**s.only("tracking", "due"), "ends": ends},
        "passed": codes(graph.out(s, "Passed")),
        "cheapest": min(prices, default=None),
    }})


def ask_urgent(before, level):
    found = [
        s
        for s in graph.all("Shipment")
        if s["due"] is not None
        and s["due"] < midnight(before)
        and s["status"] != "delivered"
        and (s["priority"] >= level or s["insured"] is True)
    ]
    found = ordered(ordered(found, lambda s: s["tracking"]), lambda s: s["due"])
    answer = [
        {**s.only("tracking", "due", "priority"), "to": [{"code": h["code"]} for h in graph.out(s, "GoesTo")]}
        for s in found
    ]
    case.ask("urgent", {"day": before, "level": level}, {"shipments": answer})


def ask_next_of(status):
    s = next((s for s in graph.all("Shipment") if s["status"] == status), None)
    if s:
        case.ask("next_of", {"status": status}, {"shipment": s.only("tracking", "status", "priority")})
    else:
        case.refuse("next_of", {"status": status}, *NOTHING)


def ask_due_on(days, priorities):
    wanted = [midnight(day) for day in days]
    found = [s for s in graph.all("Shipment") if s["due"] in wanted and s["priority"] not in priorities]
    answer = [s.only("tracking", "due") for s in ordered(found, lambda s: s["due"])]
    case.ask("due_on", {"days": days, "priorities": priorities}, {"shipments": answer})


def ask_idle():
    idle = [
        s["tracking"]
        for s in graph.all("Shipment")
        if not graph.out(s, "Passed") and s["status"] != "delivered" and not graph.into(s, "Carries")
    ]
    case.ask("idle", {}, {"shipments": idle})


def ask_exports(country):
    found = [
        s
        for s in graph.all("Shipment")
        if any(h["country"] == country for h in graph.out(s, "StartsAt"))
        and any(h["country"] != country for h in graph.out(s, "GoesTo"))
    ]
    answer = {"shipments": [s["tracking"] for s in found], "statuses": {"Group": grouped(found, "status")}}
    case.ask("exports", {"country": country}, answer)


def ask_overloaded():
    hubs = []
    for h in by_code(graph.all("Hub")):
        load = total(graph.into(h, "GoesTo"), "volume")
        if load > h["capacity"]:
            hubs.append({**h.only("code", "capacity"), "load": load, "part": load * 100 // h["capacity"]})
    case.ask("overloaded", {}, {"hubs": hubs})


def ask_statuses():
    shipments = graph.all("Shipment")
    third = ordered([s for s in shipments if s["priority"] == 3], lambda s: s["tracking"])
    answer = {"all": {"Group": grouped(shipments, "status", "priority")}, "due": {"Group": grouped(third, "due")}}
    case.ask("statuses", {}, answer)


def ask_heaviest_by_status(least):
    heavy = [s for s in graph.all("Shipment") if s["weight"] >= least]
    case.ask("heaviest_by_status", {"least": least}, {"heavy": {"Group": aggregated(heavy, "status")}})


def ask_carriers():
    def worth(c):
        return total(graph.out_edges(c, "Carries"), "price")

    answer = []
    for c in ordered(ordered(graph.all("Carrier"), lambda c: c["slug"]), worth, descending=True):
        prices = [o["price"] for o in graph.out_edges(c, "Carries")]
        bases = ordered(graph.out_edges(c, "Serves"), lambda s: s["since"])
        answer.append({
            **c.only("slug", "rating"),
            "offers": len(prices),
            "worth": worth(c),
            "mean": mean(prices),
            "best": max(prices, default=None),
            "docks": total(bases, "docks"),
            "first": {"since": bases[0]["since"] if bases else None},
        })
    case.ask("carriers", {}, {"carriers": answer})


def ask_rated(least, exactly):
    carriers = graph.all("Carrier")
    case.ask("rated", {"least": least, "exactly": exactly}, {
        "good": [c["slug"] for c in carriers if c["rating"] >= F32(least)],
        "exact": [c["slug"] for c in carriers if c["rating"] == exactly],
        "literal": [c["slug"] for c in carriers if c["rating"] == F32(4.3)],
        "groups": {"Group": grouped(carriers, "rating")},
    })


def ask_by_mode(mode):
    carriers = [c for c in graph.all("Carrier") if mode in (c["modes"] or [])]
    hubs = [h for c in carriers for h in graph.out(c, "Serves") if h["kind"] in ("port", "airport")]
    answer = {"carriers": [c.only("name", "modes") for c in carriers], "hubs": codes(by_code(hubs))}
    case.ask("by_mode", {"mode": mode}, answer)


# The questions of a morning.

for code in (mainland[0]["code"], MAIN, "XI5", "ZZ01"):
    ask_hub(code)
case.refuse("hub", {}, *missing("code"))
case.refuse("hub", {"code": 5}, *mistyped("code", "String", "number"))
for code in (mainland[0]["code"], mainland[89]["code"], "XI1"):
    ask_hub_card(code)
case.refuse("hub_card", {"code": "no00"}, *NOTHING)
ask_hubs("NO", 0, 5)
ask_hubs("DE", 12, 40)
ask_hubs("DE", 5, 5)
ask_hubs("FR", 0, 10)
case.refuse("hubs", {"country": "NO", "start": -1, "end": 5}, *BAD_RANGE)
case.refuse("hubs", {"country": "NO", "start": 0, "end": 1.5}, *mistyped("end", "I64", NOT_WHOLE))
ask_find_hubs(country="SE", kind="port", least=350, zone="hazard")
ask_find_hubs(country="SE")
ask_find_hubs(zone="überseehafen", country=None)
ask_find_hubs()
case.refuse("find_hubs", {"least": -1}, *out_of_range("least", "U32", -1))
ask_named("ø")
ask_named("Insel")
ask_named("insel")
first_of = {country: hubs_of(country)[0] for country in COUNTRIES}
case.ask("oldest_of", {"country": "PL"}, {"hub": first_of["PL"].only("code", "since")})
case.refuse("oldest_of", {"country": "FR"}, *NOTHING)
ask_opened("2019-01-01", "2020-01-01")
ask_opened("2020-01-01", "2020-01-06")
ask_opened("2024-01-01", "2023-01-01")
case.refuse("opened", {"from": "2020", "to": "2021-01-01"}, *mistyped("from", "Date", NOT_A_DATE))
ask_nearest(450, 450, 6)
ask_nearest(-500, 0, 3)
ask_nearest(0, 0, 0)
case.refuse("nearest", {"x": 0, "y": 0, "count": -2}, *BAD_RANGE)
ask_borders("NO", "PL")
ask_borders("NL", "XI")
ask_borders("FR", "NO")
ask_dead_ends()
ask_busiest(0, 8)
ask_busiest(90, 200)
ask_two_hops(mainland[20]["code"])
ask_two_hops(mainland[88]["code"])
ask_two_hops("ZZ01")
ask_around("DK")
ask_around("FR")
hubs = graph.all("Hub")
shared = [
    (a["code"], b["code"])
    for a in hubs for b in hubs
    if a is not b and len(intersection([graph.out(a, "Route"), graph.out(b, "Route")])) > 1
]
ask_met_from_all([shared[0][0]])
for pair in (shared[0], shared[-1]):
    ask_met_from_all(list(pair))
ask_met_from_all([mainland[0]["code"], mainland[89]["code"]])
ask_met_from_all([])
ask_met_from_all(["ZZ01"])
ask_served_by_all(["alpha", "bergen"])
ask_served_by_all(["alpha", "bergen", "cargo", "delta"])
ask_served_by_all(["alpha", "hanse"])

for ref in ("R000", "R100", toll_rows[0]["ref"]):
    ask_route(ref)
case.refuse("route", {"ref": "R999"}, *NOTHING)
ask_modes()
for mode in ("road", "rail", "sea"):
    ask_mode_totals(mode)
ask_dearest(7)
ask_tolls(0, 4)
ask_tolls(60, 75)
ask_tolls(len(graph.all("Route")) - len(toll_rows) - 1, len(graph.all("Route")) - len(toll_rows) + 4)


def route_ids(refs):
    """Keeps the ids of routes, in the order in which these were made."""
    routes = [r for r in graph.all("Route") if r["ref"] in refs]
    case.ask("route_ids", {"refs": refs}, {"routes": [r.id for r in routes]}, keep="routes")
    return routes


def ask_route_by_id(place, r):
    ends = graph.out(r.start, "Route")
    case.ask("route_by_id", {"id": f"${{routes.routes.{place}}}"}, {"route": {
        **r.only("ref", "traffic"),
        "others": sum(end is not r.end for end in ends),
        "back": r.start in graph.out(r.end, "Route"),
    }})


for place, r in enumerate(route_ids(["R040", "R001", "R999", "R150"])):
    ask_route_by_id(place, r)
case.refuse("route_by_id", {"id": "00000000-0000-0000-0000-000000000000"}, *NO_EDGE)
case.refuse("route_by_id", {"id": "R001"}, *mistyped("id", "ID", NOT_AN_ID))
ask_between(mainland[0]["code"], mainland[1]["code"])
ask_between(mainland[0]["code"], mainland[89]["code"])
ask_between("ZZ01", "ZZ02")


def paths(count):
    """Paths by all measures, between hubs where the answer is the only one."""
    hubs = graph.all("Hub")
    pairs = [(choose(hubs), choose(hubs)) for _ in range(300)]
    for query in ("shortest", "cheapest", "fastest", "roomiest"):
        weight = WEIGHTS[query]
        for start, goal in decided(pairs, weight, count):
            ask_path(query, start, goal, least(hub(start), hub(goal), weight))
    for start, goal in decided(pairs, WEIGHTS["straight"], count):
        ask_path("straight", start, goal, least(hub(start), hub(goal), WEIGHTS["straight"]))
    for start, goal in decided(pairs, WEIGHTS["thinnest"], count):
        ask_path("thinnest", start, goal, least(hub(start), hub(goal), WEIGHTS["thinnest"]), per=3)
    for per_km, per_cost in ((1.0, 0.5), (0.25, 2.0)):
        for start, goal in decided(pairs, blend(per_km, per_cost), 1):
            path = least(hub(start), hub(goal), blend(per_km, per_cost))
            ask_path("blended", start, goal, path, per_km=per_km, per_cost=per_cost)
    to_main = [(start, hub(MAIN)) for start, _ in pairs]
    for item in hubs:
        assert item["bound"] <= distances(item, WEIGHTS["guided"]).get(id(hub(MAIN)), math.inf), "a bound is too high"
    for start, goal in decided(to_main, WEIGHTS["guided"], count):
        ask_path("guided", start, goal, least(hub(start), hub(goal), WEIGHTS["guided"]))
    for start, goal in pairs[:count]:
        path = fewest(start, goal, "Route")
        ask_path("fewest", start["code"], goal["code"], path)
        ask_path("fewest_any", start["code"], goal["code"], fewest(start, goal, "Route", "Ferry"))


paths(2)
# From a hub to itself, to one that has no way in, from one that has no way out, to one that is not there.
a, no_in, no_out = mainland[0]["code"], mainland[87]["code"], mainland[88]["code"]
for query in ("fewest", "fewest_any", "shortest", "cheapest", "guided"):
    path = [[hub(a).whole()], []]
    ask_path(query, a, a, path)
    ask_path(query, no_out, a, None)
for query in ("fewest", "shortest", "cheapest"):
    ask_path(query, a, no_in, None)
    case.refuse(query, {"from": a, "to": "ZZ01"}, *NOTHING)
for query in ("fewest", "fastest", "guided"):
    case.ask(query, {"from": "ZZ01", "to": a}, {"path": []})
case.refuse("cheapest", {"from": "ZZ01", "to": a}, *NOTHING)
case.refuse("shortest", {"from": a}, *missing("to"))
case.refuse("thinnest", {"from": a, "to": MAIN}, 400, error("Parameter per not found in request"))
case.refuse("thinnest", {"from": a, "to": MAIN, "per": 1.5}, *mistyped("per", "I32", NOT_WHOLE))
# Over the sea.
ask_path("fewest", a, "XI3", None)
ask_path("fewest_any", a, "XI3", fewest(hub(a), hub("XI3"), "Route", "Ferry"))
ask_path("fewest_any", "XI3", a, None)
ask_path("fewest_any", "XI4", "XI1", fewest(hub("XI4"), hub("XI1"), "Route", "Ferry"))
ask_path("fewest_any", a, "XI5", None)
# Weights below zero are refused.
discounts = decided([(hub(a), goal) for goal in graph.all("Hub")], lambda r: r["cost"] - 0.25, 1)
for start, goal in discounts:
    weight = lambda r: r["cost"] - 0.25
    ask_path("discounted", start, goal, least(hub(start), hub(goal), weight), discount=0.25)
    case.refuse(
        "discounted", {"from": start, "to": goal, "discount": 5000.0}, 500,
        error("Traversal error: Negative edge weights are not supported for Dijkstra's algorithm"),
    )


def ask_to_ports(start, country):
    ports = [h for h in hubs_of(country) if h["kind"] == "port"]
    paths = [least(hub(start), h, WEIGHTS["shortest"]) for h in ports]
    body = {"from": start, "country": country}
    if None in paths:
        case.refuse("to_ports", body, *NO_PATH)
    else:
        case.ask("to_ports", body, {"paths": paths, "number": len(paths)})


def clear_ports():
    """A hub from which there is a single best path to each port of a country, and more than one port."""
    for country in COUNTRIES:
        for start in mainland[:86]:
            ports = [h for h in hubs_of(country) if h["kind"] == "port"]
            try:
                paths = [least(hub(start["code"]), h, WEIGHTS["shortest"]) for h in ports]
            except Ambiguous:
                continue
            if 1 < len(paths) < 5 and all(path is not None for path in paths):
                return start["code"], country
    raise AssertionError("no ports")


ask_to_ports(*clear_ports())
ask_to_ports(a, "XI")
ask_to_ports(a, "FR")


def ask_from_all(wanted, goal):
    starts = [h for h in graph.all("Hub") if h["code"] in wanted]
    paths = [fewest(h, hub(goal), "Route") for h in starts]
    if None in paths:
        case.refuse("from_all", {"codes": wanted, "to": goal}, *NO_PATH)
    else:
        case.ask("from_all", {"codes": wanted, "to": goal}, {"paths": paths, "number": len(paths)})


ask_from_all([mainland[11]["code"], mainland[2]["code"], "ZZ01"], MAIN)
ask_from_all([mainland[11]["code"], no_out], MAIN)
ask_from_all([], MAIN)


def ask_ways(wanted, goal):
    answer = []
    for start in (h for h in graph.all("Hub") if h["code"] in wanted):
        way, best = fewest(start, hub(goal), "Route"), least(start, hub(goal), WEIGHTS["shortest"])
        if not way:
            case.refuse("ways", {"codes": wanted, "to": goal}, *NO_PATH)
            return
        answer.append({"code": start["code"], "way": [way], "any": 1, "best": best})
    case.ask("ways", {"codes": wanted, "to": goal}, {"starts": answer})


pairs = [(hub(row["code"]), hub(MAIN)) for row in mainland[20:]]
clear = [start for start, _ in decided(pairs, WEIGHTS["shortest"], 2)]
ask_ways([*clear, MAIN], MAIN)
ask_ways([clear[0], no_out], MAIN)
ask_ways(["ZZ01"], MAIN)
case.ask("is_reached", {"from": a, "to": MAIN}, {"reached": True})
case.ask("is_reached", {"from": "ZZ01", "to": MAIN}, {"reached": False})
case.refuse("is_reached", {"from": no_out, "to": MAIN}, *NO_PATH)


def way_of(tracking):
    s = shipment(tracking)
    return least(graph.out(s, "StartsAt")[0], graph.out(s, "GoesTo")[0], WEIGHTS["shortest"])


ways = 0
for s in graph.all("Shipment"):
    try:
        way = way_of(s["tracking"])
    except Ambiguous:
        continue
    if way and len(way[1]) > 4 and ways < 2:
        ways += 1
        case.ask("way_of", {"tracking": s["tracking"]}, {"way": [way]})
lost = next(s for s in graph.all("Shipment") if graph.out(s, "GoesTo")[0]["country"] == "XI")
case.refuse("way_of", {"tracking": lost["tracking"]}, *NO_PATH)
case.refuse("way_of", {"tracking": "S-1"}, *NOTHING)


def questions():
    """What is asked again after the changes."""
    s = graph.all("Shipment")
    for item in (s[3], s[40], max(s, key=lambda item: len(graph.into(item, "Carries")))):
        ask_shipment(item["tracking"])
        ask_shipment_card(item["tracking"])
    ask_urgent("2024-05-20", 4)
    ask_urgent("2024-05-01", 1)
    for status in ("planned", "moving", "delivered", "lost"):
        ask_next_of(status)
    ask_due_on(["2024-05-20", "2024-06-03", "2024-06-04", "2024-07-11"], [1, 4])
    ask_due_on(["2024-05-20"], [])
    ask_due_on([], [1])
    ask_idle()
    ask_exports("SE")
    ask_overloaded()
    ask_statuses()
    ask_carriers()
    totals()


questions()
ask_shipment("S-1")
case.refuse("urgent", {"day": "2024-05-01", "level": 256}, *out_of_range("level", "U8", 256))
ask_exports("FR")
ask_heaviest_by_status(97.5)
ask_heaviest_by_status(1000.0)
ask_rated(4.3, 4.3)
ask_rated(4.0, 4.5)
ask_by_mode("air")
ask_by_mode("sea")
case.refuse("timetable", {}, *no_query("timetable"))


# A day of work.


def add_hub(code, name, country, **more):
    new = graph.add("Hub", code=code, name=name, country=country, **more)
    whole = new.whole()
    del whole["id"]
    case.ask("add_hub", {"code": code, "name": name, "country": country, **more}, {"hub": whole})


add_hub("NO95", "Ny \"havn\"\n", "NO")
add_hub("NO96", "Nordkap", "NO", kind="port", capacity=0, zones=["cold", "cold"])
add_hub("FR01", "Le Havre", "FR", kind=None, zones=[])
case.refuse("add_hub", {"code": "NO95", "name": "again", "country": "NO"}, *taken("code"))
huge = {"code": "NO97", "name": "x", "country": "NO", "capacity": 2**32}
case.refuse("add_hub", huge, *out_of_range("capacity", "U32", 2**32))
ask_hubs("FR", 0, 10)
ask_hub("NO95")
ask_hub_card("NO96")
ask_nearest(450, 450, 3)


def add_route(ref, start, end, distance, cost, mode, **more):
    new = graph.add("Route", hub(start), hub(end), ref=ref, distance=distance, cost=cost, mode=mode, **more)
    body = {"ref": ref, "from": start, "to": end, "distance": distance, "cost": cost, "mode": mode, **more}
    case.ask("add_route", body, {"route": new.only("ref", "traffic", "lanes", "toll")})


# Routes that are made after the ferries, so that both kinds alternate in the order of a hub.
add_route("N000", a, "NO95", 700, 80.0, "road")
add_route("N001", "NO95", "NO96", 300, 12.5, "rail", lanes=1, traffic=None)
add_route("N002", "NO96", MAIN, 900, 7.75, "road", traffic=2.5)
add_route("N003", mainland[3]["code"], "XI0", 2500, 400.0, "air", lanes=4)
add_route("N004", "XI0", "XI2", 90, 3.0, "road")
add_route("N005", "XI2", "XI4", 70, 3.5, "road")
short = {"ref": "N9", "from": a, "to": a, "distance": 1, "cost": 1.0, "mode": "road"}
case.refuse("add_route", {**short, "lanes": 256}, *unfit("lanes", 256, "U8"))
case.refuse("add_route", {**short, "lanes": -1}, *unfit("lanes", -1, "U8"))
case.refuse("add_route", {**short, "to": "NO98"}, *NOTHING)
ask_path("fewest", a, "NO96", fewest(hub(a), hub("NO96"), "Route"))
ask_path("shortest", a, "NO96", least(hub(a), hub("NO96"), WEIGHTS["shortest"]))
# Two ways of two edges, over ferries and over routes: the one whose edges were made first is found.
ask_path("fewest_any", "XI0", "XI4", fewest(hub("XI0"), hub("XI4"), "Route", "Ferry"))
ask_path("fewest_any", mainland[3]["code"], "XI2", fewest(hub(mainland[3]["code"]), hub("XI2"), "Route", "Ferry"))
ask_path("fewest", a, "XI4", fewest(hub(a), hub("XI4"), "Route"))
ask_dead_ends()
ask_to_ports(a, "FR")


def serve(slug, code, since):
    new = graph.add("Serves", carrier(slug), hub(code), since=midnight(since))
    case.ask("serve", {"slug": slug, "hub": code, "since": since}, {"serves": new.only("since", "docks")})


serve("hanse", "NO95", "2024-05-02")
serve("hanse", "NO96", "2024-05-03")
serve("alpha", "NO96", "2024-05-03")
case.duplicate_edge(
    "serve", {"slug": "hanse", "hub": "NO96", "since": "2024-05-04"}, "Serves", carrier("hanse").id, hub("NO96").id
)
case.refuse("serve", {"slug": "nobody", "hub": "NO96", "since": "2024-05-04"}, *NOTHING)
ask_served_by_all(["alpha", "hanse"])


def put_carrier(slug, name, **more):
    found = carrier(slug)
    if "rating" in more and more["rating"] is not None:
        more_fields = {"rating": F32(more["rating"])}
    else:
        more_fields = {}
    if found:
        found.fields.update(name=name, **more_fields)
    else:
        found = graph.add("Carrier", slug=slug, name=name, **more_fields)
    answer = found.only("slug", "name", "rating", "modes")
    case.ask("put_carrier", {"slug": slug, "name": name, **more}, {"carrier": answer})


put_carrier("hanse", "Hanse Logistik SE")
put_carrier("kogge", "Kogge & Söhne")
put_carrier("kogge", "Kogge", rating=4.3)
put_carrier("kogge", "Kogge", rating=None)
put_carrier("lux", "Lux", rating=5)
case.refuse("put_carrier", {"slug": "lux"}, *missing("name"))
ask_rated(4.5, 5.0)


def offer(slug, tracking, price):
    by, s = carrier(slug), shipment(tracking)
    edge = next((edge for edge in graph.out_edges(by, "Carries") if edge.end is s), None)
    if edge:
        edge.fields["price"] = price
    else:
        edge = graph.add("Carries", by, s, price=price)
    body = {"slug": slug, "tracking": tracking, "price": price}
    case.ask("offer", body, {"offer": price, "n": len(graph.into(s, "Carries"))})


offer("kogge", "S-1021", 99.5)
offer("kogge", "S-1021", 88.25)
offer("lux", "S-1021", 150.0)
offer("lux", "S-1280", 7.0)
case.refuse("offer", {"slug": "lux", "tracking": "S-1", "price": 1.0}, *NOTHING)
case.refuse("offer", {"slug": "lux", "tracking": "S-1021", "price": "1.0"}, *mistyped("price", "F64", "string"))


def reprice(slug, factor):
    offers = graph.out_edges(carrier(slug), "Carries") if carrier(slug) else []
    before = total(offers, "price")
    for edge in offers:
        edge.fields["price"] *= factor
    answer = {"before": before, "now": total(offers, "price")}
    case.ask("reprice", {"slug": slug, "factor": factor}, answer)


reprice("alpha", 1.5)
reprice("lux", 0.5)
reprice("elbe", 2.0)
reprice("nobody", 2.0)


def jam(country, traffic):
    routes = [
        r for h in hubs_of(country) for r in graph.out_edges(h, "Route") if r["mode"] == "road"
    ]
    if not routes:
        case.refuse("jam", {"country": country, "traffic": traffic}, *NOTHING)
        return
    for r in routes:
        r.fields["traffic"] = traffic
    now = sum(r["traffic"] == traffic for r in graph.all("Route"))
    answer = {"first": {**routes[0].only("ref", "traffic")}, "now": now}
    case.ask("jam", {"country": country, "traffic": traffic}, answer)


jam("DE", 8.0)
jam("NO", 3.0)
jam("FR", 9.0)
ask_modes()
for start, goal in decided([(hub(h["code"]), hub(MAIN)) for h in mainland], WEIGHTS["fastest"], 2):
    ask_path("fastest", start, goal, least(hub(start), hub(goal), WEIGHTS["fastest"]))


def move(tracking, code, leg, at):
    s = shipment(tracking)
    s.fields["status"] = "moving"
    graph.add("Passed", s, hub(code), leg=leg, at=at)
    legs = ordered(graph.out_edges(s, "Passed"), lambda p: p["leg"])
    answer = {
        "changed": s.only("tracking", "status"),
        "legs": [{**p.only("leg", "at"), "hub": {"code": p.end["code"]}} for p in legs],
    }
    case.ask("move", {"tracking": tracking, "hub": code, "leg": leg, "at": at}, answer)


planned = [s["tracking"] for s in graph.all("Shipment") if s["status"] == "planned"]
move(planned[0], a, 1, "2024-05-03T08:00:00+00:00")
move(planned[0], MAIN, 3, "2024-05-04T20:15:00+00:00")
move(planned[0], "NO95", 2, "2024-05-04T02:00:00+00:00")
# The hub is not there: the shipment stays as it was.
case.refuse("move", {"tracking": planned[1], "hub": "ZZ01", "leg": 1, "at": "2024-05-03"}, *NOTHING)
ask_shipment(planned[1])
ask_shipment(planned[0])


def plan(tracking, weight, volume, start, end, **more):
    body = {"tracking": tracking, "weight": weight, "volume": volume, "from": start, "to": end, **more}
    if shipment(tracking):
        case.refuse("plan", body, *taken("tracking"))
        return
    new = graph.add(
        "Shipment", tracking=tracking, weight=float(weight), volume=volume, priority=more.get("priority"),
        due=midnight(more["due"]) if "due" in more else None,
    )
    graph.add("StartsAt", new, hub(start))
    graph.add("GoesTo", new, hub(end))
    whole = new.whole()
    del whole["id"]
    case.ask("plan", body, {"shipment": whole, "end": len(graph.into(hub(end), "GoesTo"))})


plan("N-1", 12, 5, a, MAIN)
plan("N-2", 0.5, 90, MAIN, "NO95", priority=255, due="2024-06-04")
plan("N-3", 1e-7, 0, MAIN, MAIN, due="2024-05-20")
plan("N-1", 1.0, 1, a, a)
case.refuse("plan", {"tracking": "N-4", "weight": 1.0, "volume": 1, "from": a, "to": "ZZ01"}, *NOTHING)
case.refuse("plan", {"tracking": "N-4", "weight": None, "volume": 1, "from": a, "to": a}, *mistyped("weight", "F64", "null"))
ask_shipment("N-3")
ask_urgent("2030-01-01", 6)


def deliver(tracking):
    s = shipment(tracking)
    if s is None or s["status"] != "moving":
        case.refuse("deliver", {"tracking": tracking}, *NOTHING)
        return
    s.fields.update(status="delivered", insured=None)
    case.ask("deliver", {"tracking": tracking}, {"shipment": s.only("tracking", "status", "insured")})


deliver(planned[0])
deliver(planned[0])
deliver(planned[1])
for s in [s for s in graph.all("Shipment") if s["status"] == "moving"][:5]:
    deliver(s["tracking"])
ask_statuses()
ask_shipment_card(planned[0])


def grow(code, by):
    h = hub(code)
    before = h["capacity"]
    if not 0 <= before + by < 2**32:
        case.refuse("grow", {"code": code, "by": by}, *unfit("capacity", before + by, "U32"))
        return
    h.fields["capacity"] += by
    case.ask("grow", {"code": code, "by": by}, {"before": before, "after": h["capacity"]})


grow(MAIN, 25)
grow(MAIN, -20)
grow("NO96", 0)
grow("NO96", -1)
grow("NO95", 2**32)
grow("NO95", 2**32 - 101)
case.refuse("grow", {"code": "ZZ01", "by": 1}, *NOTHING)
ask_find_hubs(least=400)
ask_overloaded()


def close_hub(code):
    h = hub(code)
    h.fields["open"] = False
    graph.drop(*graph.out_edges(h, "Route"), *graph.in_edges(h, "Route"))
    answer = {"hub": {"code": code, "open": False}, "data": len(graph.all("Route"))}
    case.ask("close_hub", {"code": code}, answer)




def drop_route(place, r):
    graph.drop(r)
    case.ask("drop_route", {"id": f"${{routes.routes.{place}}}"}, {"data": len(graph.all("Route"))})


doomed = route_ids(["R010", "R011", "N001"])
drop_route(1, doomed[1])
drop_route(1, doomed[1])
case.refuse("route_by_id", {"id": "${routes.routes.1}"}, *NO_EDGE)
ask_route_by_id(0, doomed[0])
drop_route(2, doomed[2])
ask_path("fewest", a, "NO96", None)
closed = mainland[45]["code"]
served = [c["slug"] for c in graph.into(hub(closed), "Serves")]
ask_served_by_all(served[:1])
close_hub(closed)
close_hub(closed)
case.refuse("close_hub", {"code": "ZZ01"}, *NOTHING)
ask_served_by_all(served[:1])
ask_hub_card(closed)
ask_path("shortest", a, closed, None)
ask_dead_ends()
ask_busiest(0, 5)


def merge_hub(code, into):
    old, new = hub(code), hub(into)
    coming, leaving = graph.in_edges(old, "Route"), graph.out_edges(old, "Route")
    for r in coming:
        graph.add("Route", r.start, new, **r.fields)
    for r in leaving:
        graph.add("Route", new, r.end, **r.only("ref", "distance", "cost", "mode"))
    graph.drop(old)
    case.ask("merge_hub", {"code": code, "into": into}, {
        "coming": len(coming),
        "leaving": len(leaving),
        "in": len(graph.into(new, "Route")),
        "out": len(graph.out(new, "Route")),
    })


gone, into = mainland[55]["code"], mainland[0]["code"]
merge_hub(gone, into)
ask_hub(gone)
ask_hub_card(into)
merge_hub(mainland[1]["code"], into)
case.refuse("merge_hub", {"code": gone, "into": into}, *NOTHING)
case.refuse("merge_hub", {"code": into, "into": gone}, *NOTHING)
ask_between(into, into)
ask_two_hops(into)
ask_tolls(0, 5)
totals()

for code in (mainland[30]["code"], "XI2", "ZZ01"):
    graph.drop(*[h for h in [hub(code)] if h])
    case.ask("drop_hub", {"code": code}, None)
ask_path("fewest_any", "XI0", "XI4", fewest(hub("XI0"), hub("XI4"), "Route", "Ferry"))
totals()
ask_path("fewest", into, MAIN, fewest(hub(into), hub(MAIN), "Route"))
assert hub(MAIN)

graph.drop(*[s for s in graph.all("Shipment") if s["status"] == "delivered"])
case.ask("drop_delivered", {}, {"data": len(graph.all("Shipment"))})
case.ask("drop_delivered", {}, {"data": len(graph.all("Shipment"))})
ask_statuses()
ask_carriers()
ask_idle()
ask_modes()
ask_mode_totals("road")
ask_around("SE")
totals()

case.main()

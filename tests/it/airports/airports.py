"""Loads airports and routes through HTTP and checks the answers against the same computed here.

airports.py URL AIRPORTS_CSV ROUTES_CSV
"""

import csv
import http.client
import json
import math
import sys
from collections import Counter, defaultdict
from urllib.parse import urlsplit

url, airports_csv, routes_csv = sys.argv[1:]
connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)


def call(query, expect=200, **body):
    connection.request("POST", f"/{query}", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == expect, (query, response.status, answer)
    return answer


def same(what, found, expected):
    assert found == expected, f"{what}:\n  found    {found}\n  expected {expected}"


def position(airport):
    """The place on the unit sphere: cosine distance orders as distance over ground does."""
    lat, lon = math.radians(airport["latitude"]), math.radians(airport["longitude"])
    return [math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)]


def batches(rows, size=500):
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


airports = [
    {key: row[key] for key in ("iata", "name", "city", "state")}
    | {"latitude": float(row["latitude"]), "longitude": float(row["longitude"])}
    for row in csv.DictReader(open(airports_csv, encoding="utf-8"))
]
routes = [
    {"origin": row["origin"], "destination": row["destination"], "count": int(row["count"])}
    for row in csv.DictReader(open(routes_csv, encoding="utf-8"))
]
by_code = {airport["iata"]: airport for airport in airports}

for rows in batches(airports):
    call("load_airports", rows=[airport | {"position": position(airport)} for airport in rows])
for rows in batches(routes):
    call("load_routes", rows=rows)

# The same graph, here.
outgoing, incoming = defaultdict(list), defaultdict(list)
for route in routes:
    outgoing[route["origin"]].append(route)
    incoming[route["destination"]].append(route)


def destinations(code):
    return [route["destination"] for route in outgoing[code]]


# Counts and lookups.
same("counts", call("count_all"), {"airports": len(airports), "routes": len(routes), "places": len(airports)})
for code in ("ATL", "00M", "ZZV"):
    found = call("airport", iata=code)["airport"]
    same(f"airport {code}", {key: found[key] for key in by_code[code]}, by_code[code])
    same(f"label of {code}", (found["label"], found["reviewed"]), ("Airport", False))
same("unknown airport", call("airport", expect=404, iata="none")["error"], "Graph error: No value found")
for state in ("TX", "AK", "XX"):
    same(f"airports in {state}", call("in_state", state=state)["airports"], [a["iata"] for a in airports if a["state"] == state])

# One hop and two hops, in the order in which the edges were made, with duplicates.
for code in ("ATL", "ABE", "SEA", "00M"):
    same(f"from {code}", call("destinations", iata=code)["found"], destinations(code))
    same(f"to {code}", call("origins", iata=code)["found"], [route["origin"] for route in incoming[code]])
    hops = [second for first in destinations(code) for second in destinations(first)]
    same(f"two hops from {code}", call("two_hops", iata=code), {"found": hops, "total": len(hops)})

# Filters on edges, with their ends projected.
for code, least in (("ATL", 5000), ("ORD", 8000), ("00M", 0)):
    expected = [{"to": {"iata": r["destination"]}, "flights": r["count"]} for r in outgoing[code] if r["count"] >= least]
    same(f"busy routes from {code}", call("busy_routes", iata=code, min=least)["routes"], expected)
same("busy routes", call("busy_count", min=1000)["routes"], sum(route["count"] > 1000 for route in routes))

# Filter, order, range.
north = [a for a in airports if a["latitude"] >= 40.0 and a["longitude"] < -100.0]
north.sort(key=lambda a: -a["latitude"])
for start, end in ((0, 10), (10, 25), (len(north) - 2, len(north) + 5), (5, 5)):
    expected = [{"iata": a["iata"], "latitude": a["latitude"]} for a in north[start:end]]
    same(f"northernmost {start}..{end}", call("northernmost", south=40.0, start=start, end=end)["airports"], expected)
assert "non-negative" in call("northernmost", expect=400, south=40.0, start=-1, end=5)["error"]

# Counts in filters and projections.
expected = [
    {"iata": a["iata"], "out": len(outgoing[a["iata"]]), "into": len(incoming[a["iata"]])}
    for a in airports
    if len(outgoing[a["iata"]]) >= 50
]
same("hubs", call("hubs", min=50)["airports"], expected)
same("unconnected", call("unconnected")["airports"], sum(not outgoing[c] and not incoming[c] for c in by_code))

# Vectors against brute force. Equal distances may come in any order.
positions = {airport["iata"]: position(airport) for airport in airports}


def distance(a, b):
    return 1.0 - sum(x * y for x, y in zip(a, b)) / (math.hypot(*a) * math.hypot(*b))


recalls = []
for code in list(by_code)[::170]:
    nearest = sorted(distance(positions[code], other) for other in positions.values())[:10]
    hits = call("near", position=positions[code], k=10)["places"]
    same(f"hits near {code}", len(hits), 10)
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores), f"near {code}: not best first: {scores}"
    for hit in hits:
        true = distance(positions[code], positions[hit["iata"]])
        assert abs(hit["score"] - true) < 1e-5, f"near {code}: {hit} is at {true}"
    recalls.append(sum(distance(positions[code], positions[hit["iata"]]) <= nearest[-1] + 1e-6 for hit in hits) / 10)
assert sum(recalls) / len(recalls) >= 0.97, f"recall@10 is {sum(recalls) / len(recalls)}"
same("nothing near", call("near", position=positions["ATL"], k=0), {"places": []})
same("all near", len(call("near", position=positions["ATL"], k=5000)["places"]), len(airports))
same("airports at ATL", call("airports_near", position=positions["ATL"], k=1), {"airports": ["ATL"]})
assert "Invalid vector length" in call("near", expect=400, position=[1.0, 2.0], k=1)["error"]

# Updates: all of them, and the indexes follow.
same("reviewed", call("review", state="VT"), {"airports": "VT"})
same("reviewed", call("reviewed")["airports"], [a["iata"] for a in airports if a["state"] == "VT"])
same("renamed", call("rename_code", iata="ABE", new="XABE"), {"airport": "XABE"})
call("airport", expect=404, iata="ABE")
same("from the renamed", call("destinations", iata="XABE")["found"], destinations("ABE"))
assert "Duplicate key on unique index: iata" in call("rename_code", expect=409, iata="XABE", new="ATL")["error"]
same("renamed back", call("rename_code", iata="XABE", new="ABE"), {"airport": "ABE"})

# A failing batch leaves nothing: the second row is taken, so that the first is not stored either.
first = airports[0] | {"iata": "NEW1", "position": [1.0, 0.0, 0.0]}
taken = airports[1] | {"position": [1.0, 0.0, 0.0]}
call("load_airports", expect=409, rows=[first, taken])
call("airport", expect=404, iata="NEW1")
same("counts", call("count_all"), {"airports": len(airports), "routes": len(routes), "places": len(airports)})
again = {"origin": routes[0]["origin"], "destination": routes[0]["destination"], "count": 1}
assert "Duplicate key on unique index: Route:" in call("load_routes", expect=409, rows=[again])["error"]

# Drops: edges alone, then a node with all of its edges.
call("cancel_routes", iata="SEA")
same("from SEA", call("destinations", iata="SEA")["found"], [])
same("to SEA", call("origins", iata="SEA")["found"], [route["origin"] for route in incoming["SEA"]])
call("close_airport", iata="ATL")
call("airport", expect=404, iata="ATL")
left = [r for r in routes if r["origin"] not in ("SEA", "ATL") and r["destination"] != "ATL"]
same("counts", call("count_all"), {"airports": len(airports) - 1, "routes": len(left), "places": len(airports)})
same("from ABE", call("destinations", iata="ABE")["found"], [code for code in destinations("ABE") if code != "ATL"])
same("at ATL", call("airports_near", position=positions["ATL"], k=1), {"airports": []})
call("close_airport", iata="ATL")

"""Computes what `crm.md` must answer, on a plain graph and by brute force."""

import collections
import itertools
import math
import random

from computed import (
    BAD_RANGE,
    F32,
    NOTHING,
    NO_PATH,
    Case,
    Graph,
    aggregated,
    error,
    grouped,
    intersection,
    missing,
    mistyped,
    no_query,
    ordered,
    out_of_range,
    taken,
    unfit,
)

rng = random.Random(4821)
case = Case(__file__)
NEGATIVE_K = (400, error("Graph error: k must be non-negative"))
ZERO = (400, error("Graph error: Division by zero"))
WRONG_LENGTH = (400, error("Graph error: Invalid vector length: 2, expected 6"))

# ---------------------------------------------------------------------------------------------------------------------
# The graph. Streams are lists of items, in which an item may stand twice.


class Net(Graph):
    """A graph that remembers which edges start and end at a node."""

    def __init__(self, types):
        super().__init__(types)
        self.starts, self.ends = collections.defaultdict(list), collections.defaultdict(list)

    def add(self, label, start=None, end=None, **fields):
        item = super().add(label, start, end, **fields)
        self.remember(item)
        return item

    def remember(self, item):
        if item.start:
            self.starts[id(item.start), item.label].append(item)
            self.ends[id(item.end), item.label].append(item)

    def drop(self, *items):
        super().drop(*items)
        self.starts.clear()
        self.ends.clear()
        for item in self.items:
            self.remember(item)

    def out_edges(self, node, *labels):
        return self.starts[id(node), labels[0]]

    def in_edges(self, node, *labels):
        return self.ends[id(node), labels[0]]


def date(day):
    return day and f"{day}T00:00:00+00:00"


net = Net({
    "Tenant": {"slug": None, "name": None, "plan": "free", "seats": 5, "active": True, "created": "<now>"},
    "Role": {"name": None, "rank": None, "permissions": None},
    "User": {"email": None, "name": None, "status": "invited", "quota": 0.0, "zone": None, "last_login": None},
    "Account": {"code": None, "name": None, "industry": None, "country": None, "size": None, "revenue": None,
                "health": 0, "created": None},
    "Contact": {"email": None, "first": None, "last": None, "title": None, "opted_in": False},
    "Pipeline": {"key": None, "name": None, "currency": "EUR"},
    "Stage": {"key": None, "name": None, "position": None, "probability": None},
    "Deal": {"number": None, "title": None, "amount": None, "discount": F32(0), "status": "open", "reason": None,
             "opened": None, "expected": None, "closed": None},
    "Product": {"sku": None, "name": None, "price": None},
    "Activity": {"key": None, "kind": None, "subject": None, "due": None, "done": False, "minutes": 0},
    "Note": {"key": None, "text": None},
    "Tag": {"name": None, "color": "grey"},
    "Profile": {"account": None, "revised": 0},
    "Labels": {"used": True},
    "Manages": {"since": None},
    "WorksAt": {"primary": False},
    "Knows": {"warmth": None},
    "Owns": {"share": 1.0},
    "InStage": {"entered": None},
    "Involves": {"influence": 1},
    "Line": {"quantity": None, "price": None},
    "Wrote": {"at": None},
    "NoteOn": {"pinned": False},
    **{label: {} for label in ("Defines", "Employs", "Granted", "ReportsTo", "Serves", "Sells", "Runs", "HasStage",
                               "Tagged", "PartOf", "For", "Logged", "Concerns", "Meets", "ProfiledAs")},
})


def out(items, *labels):
    for label in labels:
        items = [end for item in items for end in net.out(item, label)]
    return items


def into(items, *labels):
    for label in labels:
        items = [start for item in items for start in net.into(item, label)]
    return items


def oute(items, label):
    return [edge for item in items for edge in net.out_edges(item, label)]


def ine(items, label):
    return [edge for item in items for edge in net.in_edges(item, label)]


def having(items, **wanted):
    return [item for item in items if all(item[field] == value for field, value in wanted.items())]


def values(items, field):
    return [item[field] for item in items]


def named(items, field):
    return [item.only(field) for item in items]


def first(items, *fields):
    """What `FIRST::{…}` gives within a projection."""
    return items[0].only(*fields) if items else dict.fromkeys(fields)


def by(items, field, descending=False):
    return ordered(items, lambda item: item[field], descending)


def total(items, field):
    return sum(values(items, field))


def average(numbers):
    return sum(numbers) / len(numbers) if numbers else None


def tenants(slug):
    return having(net.all("Tenant"), slug=slug)


def users_of(slug, **wanted):
    return having(out(tenants(slug), "Employs"), **wanted)


def accounts_of_tenant(slug, **wanted):
    return having(out(tenants(slug), "Serves"), **wanted)


def contacts_of(slug, **wanted):
    return having(into(accounts_of_tenant(slug), "WorksAt"), **wanted)


def deals_of_tenant(slug, **wanted):
    return having(into(accounts_of_tenant(slug), "For"), **wanted)


def stages_of(slug, **wanted):
    return having(out(tenants(slug), "Runs", "HasStage"), **wanted)


def tags_of(slug, **wanted):
    return having(out(tenants(slug), "Labels"), **wanted)


def products_of(slug, **wanted):
    return having(out(tenants(slug), "Sells"), **wanted)


def work_of(slug, **wanted):
    return having(out(tenants(slug), "Employs", "Logged"), **wanted)


def ask(query, answer, **body):
    case.ask(query, body, answer)


def ask_first(query, items, answer, **body):
    """A query that needs an item: what it answers of the first, or that there is none."""
    if items:
        case.ask(query, body, answer(items[0]))
    else:
        case.refuse(query, body, *NOTHING)


def change(items, **fields):
    """Sets the fields that are given. Dates come as days."""
    for item in items:
        for field, value in fields.items():
            if value is not None:
                item.fields[field] = value


def given(**fields):
    return {field: value for field, value in fields.items() if value is not None}


# ---------------------------------------------------------------------------------------------------------------------
# What is searched: distances, words.


def cosine(a, b):
    return math.fsum(x * y for x, y in zip(a, b)) / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))


def nearest(profiles, vector, k):
    vector = [F32(x) for x in vector]
    found = sorted(((1 - cosine(vector, p.data), p) for p in profiles), key=lambda pair: pair[0])
    for (a, _), (b, _) in itertools.pairwise(found[: k + 1]):
        assert abs(a - b) > 1e-6
    return [profile for _, profile in found[:k]]


def tokens(text):
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return [word for word in words if len(word.encode()) > 2]


def by_words(notes, text, k):
    """The k notes that fit a text best (Okapi BM25)."""
    bags = [tokens(note["key"] + " " + note["text"]) for note in notes]
    mean = sum(len(bag) for bag in bags) / max(1, len(bags))
    found = []
    for note, bag in zip(notes, bags):
        score, profile = 0, []
        for word in tokens(text):
            holders = sum(word in other for other in bags)
            times = bag.count(word)
            idf = math.log((len(bags) - holders + 0.5) / (holders + 0.5) + 1)
            score += idf * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * len(bag) / mean))
            profile.append((times, len(bag)))
        if score:
            found.append((score, note, profile))
    found.sort(key=lambda hit: -hit[0])
    for (a, _, p), (b, _, q) in itertools.pairwise(found[: k + 1]):
        assert p == q or abs(a - b) > 1e-5, "too close"
    return [note for _, note, _ in found[:k]]


def shortest(start, end, label, weight):
    """The lightest simple path: its edges."""
    found = []

    def walk(node, path, cost):
        if found and cost > found[0][0] + 0.1:
            return
        if node is end:
            found.append((cost, path))
            found.sort(key=lambda one: one[0])
            return
        for edge in net.out_edges(node, label):
            if edge.end is not start and all(edge.end is not step.end for step in path):
                walk(edge.end, [*path, edge], cost + weight(edge))

    walk(start, [], 0)
    assert len(found) < 2 or found[1][0] - found[0][0] > 1e-9
    return found[0][1] if found else None


def ask_path(query, key, start, end, label, weight, **body):
    path = shortest(start, end, label, weight)
    if path is None:
        case.refuse(query, body, *NO_PATH)
    else:
        nodes = [start, *(edge.end for edge in path)]
        case.ask(query, body, {key: [[[node.whole() for node in nodes], [edge.whole() for edge in path]]]})
    return len(path or [])


# ---------------------------------------------------------------------------------------------------------------------
# Tenants, users, roles.


def create_tenant(slug, name, **more):
    tenant = net.add("Tenant", slug=slug, name=name, **more)
    ask("create_tenant", {"tenant": {"label": "Tenant", **tenant.fields}}, slug=slug, name=name, **more)


def tenant(slug):
    ask_first("tenant", tenants(slug), lambda t: {"tenant": t.only("name", "plan", "seats", "active")}, slug=slug)


def all_tenants():
    shown = [
        {**t.only("slug", "plan"), "users": len(out([t], "Employs")), "accounts": len(out([t], "Serves"))}
        for t in by(net.all("Tenant"), "slug")
    ]
    ask("tenants", {"tenants": shown})


def tenants_on(*plans):
    there = [t["slug"] for t in net.all("Tenant") if t["plan"] in plans]
    groups = grouped(net.all("Tenant"), "plan", "active")
    ask("tenants_on", {"tenants": there, "data": {"Group": groups}}, plans=plans)


def full_tenants():
    shown = [
        {**t.only("slug", "seats"), "left": t["seats"] - len(out([t], "Employs"))}
        for t in net.all("Tenant")
        if len(out([t], "Employs")) >= t["seats"]
    ]
    ask("full_tenants", {"tenants": shown})


def summary(slug):
    def shown(t):
        deals = deals_of_tenant(slug)
        return {"response": {
            "tenant": t.only("name", "plan"),
            "people": {"users": len(users_of(slug)), "roles": len(out([t], "Defines")),
                       "contacts": len(contacts_of(slug))},
            "deals": {"all": len(deals), "open": len(having(deals, status="open")), "value": total(deals, "amount"),
                      "largest": max(values(deals, "amount"), default=None)},
            "tags": values(by(tags_of(slug), "name"), "name"),
        }}

    ask_first("summary", tenants(slug), shown, slug=slug)


def census():
    kinds = {"tenants": "Tenant", "roles": "Role", "users": "User", "accounts": "Account", "contacts": "Contact",
             "stages": "Stage", "deals": "Deal", "products": "Product", "activities": "Activity", "notes": "Note",
             "tags": "Tag", "profiles": "Profile", "granted": "Granted", "lines": "Line"}
    ask("census", {key: len(net.all(label)) for key, label in kinds.items()})


def drop_tenant(slug):
    accounts, deals, users = accounts_of_tenant(slug), deals_of_tenant(slug), users_of(slug)
    net.drop(*into(deals, "Concerns"), *deals, *into(accounts, "NoteOn"), *into(accounts, "WorksAt"),
             *out(accounts, "ProfiledAs"), *accounts, *stages_of(slug), *out(tenants(slug), "Runs"),
             *products_of(slug), *tags_of(slug), *out(users, "Logged"), *users, *out(tenants(slug), "Defines"),
             *tenants(slug))
    case.ask("drop_tenant", {"slug": slug}, None)


def define_roles(tenant, roles):
    owner, = tenants(tenant)
    for role in roles:
        net.add("Defines", owner, net.add("Role", **role))
    ask("define_roles", {"owner": values(out([owner], "Defines"), "name")}, tenant=tenant, roles=roles)


def add_users(tenant, users):
    owner, = tenants(tenant)
    for row in users:
        role = having(out([owner], "Defines"), name=row["role"])[0]
        user = net.add("User", **{field: row[field] for field in ("email", "name", "quota", "zone")})
        net.add("Employs", owner, user)
        net.add("Granted", user, role)
    ask("add_users", {"owner": len(out([owner], "Employs"))}, tenant=tenant, users=users)


def user(tenant, email):
    def shown(who):
        return {"user": {
            **who.only("name", "status", "quota"),
            "roles": [role.only("name", "rank") for role in by(out([who], "Granted"), "rank", True)],
            "boss": first(out([who], "ReportsTo"), "name", "email"),
            "reports": len(into([who], "ReportsTo")),
            "accounts": len(out([who], "Manages")),
        }}

    ask_first("user", users_of(tenant, email=email), shown, tenant=tenant, email=email)


def users(tenant, start, end):
    there = by(users_of(tenant), "name")[start:end]
    ask("users", {"users": [u.only("name", "email", "status") for u in there]}, tenant=tenant, start=start, end=end)


def users_with_role(tenant, role):
    there = into(having(out(tenants(tenant), "Defines"), name=role), "Granted")
    ask("users_with_role", {"users": values(there, "email")}, tenant=tenant, role=role)


def allowed(user, permission):
    return any(permission in role["permissions"] for role in out([user], "Granted"))


def users_who_may(tenant, permission):
    there = sorted(u["email"] for u in users_of(tenant) if allowed(u, permission))
    ask("users_who_may", {"users": there}, tenant=tenant, permission=permission)


def may(tenant, email, permission):
    there = any(allowed(u, permission) for u in users_of(tenant, email=email))
    ask("may", {"allowed": there}, tenant=tenant, email=email, permission=permission)


def grant(tenant, email, role):
    user, = users_of(tenant, email=email)
    new = having(out(tenants(tenant), "Defines"), name=role)[0]
    body = {"tenant": tenant, "email": email, "role": role}
    if new in out([user], "Granted"):
        case.duplicate_edge("grant", body, "Granted", user.id, new.id)
        return
    net.add("Granted", user, new)
    case.ask("grant", body, {"user": values(out([user], "Granted"), "name")})


def revoke(tenant, email, role):
    user, = users_of(tenant, email=email)
    net.drop(*[edge for edge in oute([user], "Granted") if edge.end["name"] == role])
    ask("revoke", {"user": values(out([user], "Granted"), "name")}, tenant=tenant, email=email, role=role)


def roles(tenant):
    shown = [
        {**role.only("name", "rank", "permissions"), "holders": len(into([role], "Granted"))}
        for role in by(out(tenants(tenant), "Defines"), "rank", True)
    ]
    ask("roles", {"roles": shown}, tenant=tenant)


def highest_role(tenant, email):
    there = by(out(users_of(tenant, email=email), "Granted"), "rank", True)
    ask_first("highest_role", there, lambda r: {"role": r.only("name", "rank")}, tenant=tenant, email=email)


def change_role(tenant, role, **fields):
    there = having(out(tenants(tenant), "Defines"), name=role)
    change(there, **fields)
    ask_first("change_role", there, lambda r: {"changed": r.only("name", "rank", "permissions")},
              tenant=tenant, role=role, **fields)


def oldest_role(name):
    ask_first("oldest_role", having(net.all("Role"), name=name),
              lambda r: {"role": {"rank": r["rank"], "tenant": first(into([r], "Defines"), "slug")}}, name=name)


def login(tenant, email, at):
    there = [u for u in users_of(tenant, email=email) if u["status"] != "blocked"]
    change(there, last_login=date(at), status="active")
    ask_first("login", there, lambda u: {"user": u.only("email", "status", "last_login")},
              tenant=tenant, email=email, at=at)


def set_status(tenant, emails, status):
    there = [u for u in users_of(tenant) if u["email"] in emails]
    change(there, status=status)
    ask_first("set_status", there, lambda u: {"first": u.only("email", "status")},
              tenant=tenant, emails=emails, status=status)


def statuses(tenant):
    ask("statuses", {"users": {"Count": grouped(users_of(tenant), "status")}}, tenant=tenant)


def never_logged_in(tenant):
    ask("never_logged_in", {"users": values(users_of(tenant, last_login=None), "email")}, tenant=tenant)


def in_zones(tenant, zones, least):
    there = [u.only("name", "zone", "quota") for u in users_of(tenant) if u["zone"] in zones and u["quota"] >= least]
    ask("in_zones", {"users": there}, tenant=tenant, zones=zones, least=least)


def set_boss(tenant, email, boss):
    user, above = users_of(tenant, email=email)[0], users_of(tenant, email=boss)[0]
    net.drop(*oute([user], "ReportsTo"))
    net.add("ReportsTo", user, above)
    ask("set_boss", {"above": values(into([above], "ReportsTo"), "email")}, tenant=tenant, email=email, boss=boss)


def team(tenant, email):
    def below(member):
        there = [{"name": u["name"], "reports": len(into([u], "ReportsTo"))} for u in into([member], "ReportsTo")]
        return {"name": member["name"], "team": there}

    ask_first("team", users_of(tenant, email=email),
              lambda top: {"boss": {"name": top["name"], "team": [below(u) for u in into([top], "ReportsTo")]}},
              tenant=tenant, email=email)


def chain(tenant, email, boss):
    start, end = users_of(tenant, email=email)[0], users_of(tenant, email=boss)[0]
    ask_path("chain", "chain", start, end, "ReportsTo", lambda edge: 1, tenant=tenant, email=email, boss=boss)


def without_boss(tenant):
    there = [u for u in users_of(tenant) if not out([u], "ReportsTo")]
    shown = [{"name": u["name"], "reports": len(into([u], "ReportsTo"))} for u in there]
    ask("without_boss", {"users": shown}, tenant=tenant)


def raise_quotas(tenant, factor, least):
    for u in users_of(tenant):
        if u["quota"] >= least:
            u.fields["quota"] *= factor
    ask("raise_quotas", {"data": total(users_of(tenant), "quota")}, tenant=tenant, factor=factor, least=least)


def remove_user(tenant, email):
    net.drop(*users_of(tenant, email=email))
    ask("remove_user", {"data": len(users_of(tenant))}, tenant=tenant, email=email)


# ---------------------------------------------------------------------------------------------------------------------
# Accounts, tags, contacts.


def add_accounts(tenant, accounts):
    owner, = tenants(tenant)
    for row in accounts:
        fields = ("code", "name", "industry", "country", "size", "revenue")
        account = net.add("Account", **{field: row[field] for field in fields}, created=date(row["created"]))
        net.add("Serves", owner, account)
        profile = net.add("Profile", account=row["code"])
        profile.data = [F32(x) for x in row["profile"]]
        net.add("ProfiledAs", account, profile)
        for manager in users_of(tenant, email=row["manager"]):
            net.add("Manages", manager, account, since=date(row["created"]))
        for tag in row["tags"]:
            label = next(iter(tags_of(tenant, name=tag)), None)
            if label is None:
                label = net.add("Tag", name=tag)
                net.add("Labels", owner, label)
            net.add("Tagged", account, label)
    ask("add_accounts", {"owner": len(out([owner], "Serves"))}, tenant=tenant, accounts=accounts)


def account(tenant, code):
    def shown(card):
        managers = [{"since": e["since"], "who": e.start.only("name")} for e in ine([card], "Manages")]
        return {"account": {
            **card.only("name", "industry", "health"),
            "managers": managers,
            "tags": named(by(out([card], "Tagged"), "name"), "name"),
            "contacts": len(into([card], "WorksAt")),
            "open": [d.only("number", "amount") for d in having(into([card], "For"), status="open")],
            "parent": first(out([card], "PartOf"), "code", "name"),
        }}

    ask_first("account", accounts_of_tenant(tenant, code=code), shown, tenant=tenant, code=code)


def raw_account(tenant, code):
    ask_first("raw_account", accounts_of_tenant(tenant, code=code), lambda a: {"accounts": a.fields},
              tenant=tenant, code=code)


def accounts(tenant, start, end):
    there = by(accounts_of_tenant(tenant), "code")[start:end]
    ask("accounts", {"accounts": [a.only("code", "name") for a in there]}, tenant=tenant, start=start, end=end)


def pick_accounts(tenant, **wanted):
    there = [
        a["code"] for a in accounts_of_tenant(tenant)
        if wanted.get("country") in (None, a["country"]) and wanted.get("industry") in (None, a["industry"])
        and a["size"] >= (wanted.get("least") or 0) and ("most" not in wanted or a["size"] < wanted["most"])
    ]
    ask("pick_accounts", {"accounts": there}, tenant=tenant, **wanted)


def industries(tenant):
    there = accounts_of_tenant(tenant)
    one, both = grouped(there, "industry"), grouped(there, "country", "industry")
    ask("industries", {"by_industry": {"Group": one}, "by_both": {"Group": both}}, tenant=tenant)


def largest(tenant, n):
    there = by(accounts_of_tenant(tenant), "revenue", True)[:n]
    shown = [{**a.only("code", "revenue"), "each": a["revenue"] / a["size"]} for a in there]
    ask("largest", {"accounts": shown}, tenant=tenant, n=n)


def revenues(tenant, industry):
    there = values(accounts_of_tenant(tenant, industry=industry), "revenue")
    answer = {"number": len(there), "total": sum(there), "mean": average(there)}
    answer |= {"least": min(there, default=None), "most": max(there, default=None)}
    ask("revenues", answer, tenant=tenant, industry=industry)


def find_accounts(tenant, part):
    there = [a for a in accounts_of_tenant(tenant) if part in a["name"] or part in a["code"]]
    ask("find_accounts", {"accounts": [{"who": a["name"], "code": a["code"]} for a in there]}, tenant=tenant, part=part)


def change_account(tenant, code, **fields):
    there = accounts_of_tenant(tenant, code=code)
    change(there, **fields)
    ask_first("change_account", there, lambda a: {"account": a.only("name", "industry", "size")},
              tenant=tenant, code=code, **fields)


def first_in_industry(industry):
    ask_first("first_in_industry", having(net.all("Account"), industry=industry),
              lambda a: {"account": a.only("code", "industry")}, industry=industry)


def transfer(code, giver, taker):
    there = accounts_of_tenant(giver, code=code)
    if not there or not tenants(taker):
        case.refuse("transfer", {"code": code, "from": giver, "to": taker}, *NOTHING)
        return
    net.drop(*ine(there, "Serves"), *ine(there, "Manages"), *oute(there, "Tagged"))
    net.add("Serves", tenants(taker)[0], there[0])
    case.ask("transfer", {"code": code, "from": giver, "to": taker}, {"account": [taker]})


def set_parent(tenant, child, parent):
    below, above = accounts_of_tenant(tenant, code=child)[0], accounts_of_tenant(tenant, code=parent)[0]
    body = {"tenant": tenant, "child": child, "parent": parent}
    if above in out([below], "PartOf"):
        case.duplicate_edge("set_parent", body, "PartOf", below.id, above.id)
        return
    net.add("PartOf", below, above)
    case.ask("set_parent", body, {"above": values(into([above], "PartOf"), "code")})


def group_of(tenant, code):
    def shown(a):
        parts = into([a], "PartOf")
        return {"account": {
            **a.only("code", "revenue"),
            "together": a["revenue"] + total(parts, "revenue"),
            "parts": [{"code": p["code"], "parts": named(into([p], "PartOf"), "code")} for p in parts],
        }}

    ask_first("group_of", accounts_of_tenant(tenant, code=code), shown, tenant=tenant, code=code)


def above(tenant, code):
    parents = out(accounts_of_tenant(tenant, code=code), "PartOf")
    answer = {"parents": values(parents, "code"), "grandparents": values(out(parents, "PartOf"), "code")}
    ask("above", answer, tenant=tenant, code=code)


def assign(tenant, code, email, since):
    user, account = users_of(tenant, email=email)[0], accounts_of_tenant(tenant, code=code)[0]
    edge = next((e for e in oute([user], "Manages") if e.end is account), None) or net.add("Manages", user, account)
    edge.fields["since"] = date(since)
    answer = {"managed": date(since), "account": values(into([account], "Manages"), "email")}
    ask("assign", answer, tenant=tenant, code=code, email=email, since=since)


def accounts_of(tenant, email, before):
    there = [e for e in oute(users_of(tenant, email=email), "Manages") if e["since"] < date(before)]
    shown = [{"since": e["since"], "code": e.end.only("code")} for e in there]
    ask("accounts_of", {"managed": shown}, tenant=tenant, email=email, before=before)


def unmanaged(tenant):
    there = [a["code"] for a in accounts_of_tenant(tenant) if not into([a], "Manages")]
    ask("unmanaged", {"accounts": there}, tenant=tenant)


def shared(tenant, emails):
    there = intersection([out([u], "Manages") for u in users_of(tenant) if u["email"] in emails])
    ask("shared", {"accounts": sorted(values(there, "code"))}, tenant=tenant, emails=emails)
    return len(there)


def adjust_health(tenant, code, step):
    there = accounts_of_tenant(tenant, code=code)
    body = {"tenant": tenant, "code": code, "by": step}
    if not there:
        case.refuse("adjust_health", body, *NOTHING)
    elif -128 <= there[0]["health"] + step <= 127:
        there[0].fields["health"] += step
        case.ask("adjust_health", body, {"changed": there[0]["health"]})
    else:
        case.refuse("adjust_health", body, *unfit("health", there[0]["health"] + step, "I8"))


def unhealthy(tenant, below):
    there = by(by([a for a in accounts_of_tenant(tenant) if a["health"] < below], "code"), "health")
    shown = [{**a.only("code", "health"), "gap": abs(a["health"])} for a in there]
    case.ask("unhealthy", {"tenant": tenant, "below": below}, {"accounts": shown})


def lookalikes(tenant, code, k):
    seeds = out(accounts_of_tenant(tenant, code=code), "ProfiledAs")
    among = [p for p in out(accounts_of_tenant(tenant), "ProfiledAs") if p["account"] != code]
    ask_first("lookalikes", seeds, lambda s: {"profiles": values(nearest(among, s.data, k), "account")},
              tenant=tenant, code=code, k=k)


def shaped_like(tenant, profile, k):
    there = into(nearest(net.all("Profile"), profile, k), "ProfiledAs")
    there = [a.only("code", "industry") for a in there if a in accounts_of_tenant(tenant)]
    ask("shaped_like", {"accounts": there}, tenant=tenant, profile=profile, k=k)


def rank_own(tenant, profile, k):
    there = nearest(out(accounts_of_tenant(tenant), "ProfiledAs"), profile, k)
    ask("rank_own", {"profiles": values(there, "account")}, tenant=tenant, profile=profile, k=k)


def reprofile(tenant, code, profile, revised):
    shape = out(accounts_of_tenant(tenant, code=code), "ProfiledAs")[0]
    shape.data = [F32(x) for x in profile]
    shape.fields["revised"] = revised
    ask("reprofile", {"shape": shape.fields}, tenant=tenant, code=code, profile=profile, revised=revised)


def delete_account(tenant, code):
    there = accounts_of_tenant(tenant, code=code)
    deals = into(there, "For")
    contacts = [c for c in into(there, "WorksAt") if len(out([c], "WorksAt")) == 1]
    net.drop(*into(deals, "Concerns"), *deals, *into(there, "NoteOn"), *contacts, *out(there, "ProfiledAs"), *there)
    ask("delete_account", {"data": len(accounts_of_tenant(tenant))}, tenant=tenant, code=code)


def tag_account(tenant, code, tag):
    account, label = accounts_of_tenant(tenant, code=code)[0], tags_of(tenant, name=tag)[0]
    body = {"tenant": tenant, "code": code, "tag": tag}
    if label in out([account], "Tagged"):
        case.duplicate_edge("tag_account", body, "Tagged", account.id, label.id)
        return
    net.add("Tagged", account, label)
    case.ask("tag_account", body, {"account": values(out([account], "Tagged"), "name")})


def untag(tenant, code, tag):
    account = accounts_of_tenant(tenant, code=code)[0]
    net.drop(*[e for e in oute([account], "Tagged") if e.end["name"] == tag])
    ask("untag", {"account": values(out([account], "Tagged"), "name")}, tenant=tenant, code=code, tag=tag)


def tags(tenant):
    there = ordered(by(tags_of(tenant), "name"), lambda t: len(into([t], "Tagged")), True)
    shown = [{**t.only("name", "color"), "accounts": len(into([t], "Tagged"))} for t in there]
    ask("tags", {"tags": shown}, tenant=tenant)


def tagged(tenant, *names):
    some = [a["code"] for a in accounts_of_tenant(tenant) if set(values(out([a], "Tagged"), "name")) & set(names)]
    every = intersection([into([t], "Tagged") for t in tags_of(tenant) if t["name"] in names])
    ask("tagged", {"any": some, "every": sorted(values(every, "code"))}, tenant=tenant, names=names)


def recolor(tenant, tag, color):
    there = tags_of(tenant, name=tag)
    change(there, color=color)
    ask_first("recolor", there, lambda t: {"tag_node": color, "data": len(having(net.all("Tag"), color=color))},
              tenant=tenant, tag=tag, color=color)


def drop_unused_tags(tenant):
    net.drop(*[t for t in tags_of(tenant) if not into([t], "Tagged")])
    ask("drop_unused_tags", {"data": len(net.all("Tag"))}, tenant=tenant)


def add_contacts(tenant, contacts):
    for row in contacts:
        fields = ("email", "first", "last", "title")
        contact = net.add("Contact", **{field: row[field] for field in fields})
        net.add("WorksAt", contact, accounts_of_tenant(tenant, code=row["account"])[0], primary=row["primary"])
    ask("add_contacts", {"accounts": len(contacts_of(tenant))}, tenant=tenant, contacts=contacts)


def contact(tenant, email):
    def shown(c):
        deals = [{"influence": e["influence"], "number": e.start.only("number")} for e in ine([c], "Involves")]
        works_at = named(out([c], "WorksAt"), "code")
        return {"contact": {**c.only("first", "last", "title", "opted_in"), "works_at": works_at, "deals": deals}}

    ask_first("contact", contacts_of(tenant, email=email), shown, tenant=tenant, email=email)


def contacts_at(tenant, code):
    there = by(by(into(accounts_of_tenant(tenant, code=code), "WorksAt"), "first"), "last")
    ask("contacts_at", {"contacts": [c.only("last", "first") for c in there]}, tenant=tenant, code=code)


def primary_contact(tenant, code):
    there = [e.start for e in ine(accounts_of_tenant(tenant, code=code), "WorksAt") if e["primary"]]
    ask_first("primary_contact", there, lambda c: {"contact": c["email"]}, tenant=tenant, code=code)


def opt(tenant, emails, opted_in):
    for email in emails:
        for c in contacts_of(tenant, email=email):
            c.fields["opted_in"] = opted_in
    number = len(having(net.all("Contact"), opted_in=True))
    ask("opt", {"data": number}, tenant=tenant, emails=emails, opted_in=opted_in)


def mailing_list(tenant, tag):
    there = having(into(tags_of(tenant, name=tag), "Tagged", "WorksAt"), opted_in=True)
    ask("mailing_list", {"contacts": sorted(values(there, "email"))}, tenant=tenant, tag=tag)


def put_contact(tenant, email, first, last, account):
    employer = accounts_of_tenant(tenant, code=account)[0]
    contact = next(iter(contacts_of(tenant, email=email)), None) or net.add("Contact", email=email)
    change([contact], first=first, last=last)
    edge = next((e for e in oute([contact], "WorksAt") if e.end is employer), None)
    edge = edge or net.add("WorksAt", contact, employer)
    edge.fields["primary"] = False
    answer = {**contact.only("first", "last", "title"), "works_at": len(out([contact], "WorksAt"))}
    ask("put_contact", {"contact": answer}, tenant=tenant, email=email, first=first, last=last, account=account)


def change_job(tenant, email, to, **title):
    contact, employer = contacts_of(tenant, email=email)[0], accounts_of_tenant(tenant, code=to)[0]
    net.drop(*oute([contact], "WorksAt"))
    net.add("WorksAt", contact, employer)
    change([contact], **title)
    answer = {"title": contact["title"], "works_at": [{"code": to}]}
    ask("change_job", {"changed": answer}, tenant=tenant, email=email, to=to, **title)


def introduce(tenant, pairs):
    for pair in pairs:
        one, other = contacts_of(tenant, email=pair["from"])[0], contacts_of(tenant, email=pair["to"])[0]
        edge = next((e for e in oute([one], "Knows") if e.end is other), None) or net.add("Knows", one, other)
        edge.fields["warmth"] = pair["warmth"]
    ask("introduce", {"contacts": len(oute(contacts_of(tenant), "Knows"))}, tenant=tenant, pairs=pairs)


def way_to(start, end):
    ends = [having(net.all("Contact"), email=email)[0] for email in (start, end)]
    return ask_path("way_to", "way", *ends, "Knows", lambda e: 1 - e["warmth"], **{"from": start, "to": end})


def colleagues(tenant, email):
    there = into(out(contacts_of(tenant, email=email), "WorksAt"), "WorksAt")
    ask("colleagues", {"colleagues": [c["email"] for c in there if c["email"] != email]}, tenant=tenant, email=email)


def find_contacts(tenant, part):
    there = [
        c["email"] for c in contacts_of(tenant)
        if part in c["first"] or part in c["last"] or part in c["email"] and c["opted_in"]
    ]
    ask("find_contacts", {"contacts": sorted(there)}, tenant=tenant, part=part)


def titles(tenant):
    ask("titles", {"contacts": {"Group": grouped(contacts_of(tenant), "title")}}, tenant=tenant)


def not_involved(tenant):
    there = [c["email"] for c in contacts_of(tenant) if not into([c], "Involves") and into(out([c], "WorksAt"), "For")]
    ask("not_involved", {"contacts": there}, tenant=tenant)


def delete_contact(tenant, email):
    net.drop(*contacts_of(tenant, email=email))
    ask("delete_contact", {"data": len(net.all("Contact"))}, tenant=tenant, email=email)


def namesakes(last):
    ask("namesakes", {"data": {"Group": aggregated(having(net.all("Contact"), last=last), "last", "first")}}, last=last)


# ---------------------------------------------------------------------------------------------------------------------
# Pipelines, deals, products.


def add_pipeline(tenant, key, name, stages, **currency):
    pipeline = net.add("Pipeline", key=key, name=name, **currency)
    net.add("Runs", tenants(tenant)[0], pipeline)
    for stage in stages:
        net.add("HasStage", pipeline, net.add("Stage", **stage))
    answer = {**pipeline.only("name", "currency"), "stages": len(stages)}
    ask("add_pipeline", {"pipeline": answer}, tenant=tenant, key=key, name=name, **currency, stages=stages)


def pipelines(tenant):
    shown = [
        {**p.only("key", "name", "currency"), "stages": named(by(out([p], "HasStage"), "position"), "name")}
        for p in out(tenants(tenant), "Runs")
    ]
    ask("pipelines", {"pipelines": shown}, tenant=tenant)


def board(tenant, pipeline):
    shown = []
    for stage in by(out(having(out(tenants(tenant), "Runs"), key=pipeline), "HasStage"), "position"):
        deals = into([stage], "InStage")
        value = total(deals, "amount")
        column = {"name": stage["name"], "deals": len(deals), "value": value, "weighted": value * stage["probability"]}
        shown.append({**column, "top": first(by(deals, "amount", True), "number", "amount")})
    ask("board", {"stages": shown}, tenant=tenant, pipeline=pipeline)


def insert_stage(tenant, pipeline, key, name, position, probability):
    row = having(out(tenants(tenant), "Runs"), key=pipeline)[0]
    for stage in out([row], "HasStage"):
        if stage["position"] >= position:
            stage.fields["position"] += 1
    stage = {"key": key, "name": name, "position": position, "probability": probability}
    net.add("HasStage", row, net.add("Stage", **stage))
    shown = [s.only("name", "position") for s in by(out([row], "HasStage"), "position")]
    ask("insert_stage", {"row": shown}, tenant=tenant, pipeline=pipeline, **stage)


def drop_stage(tenant, key):
    net.drop(*[s for s in stages_of(tenant, key=key) if not into([s], "InStage")])
    ask("drop_stage", {"data": len(having(net.all("Stage"), key=key))}, tenant=tenant, key=key)


def add_products(tenant, products):
    for product in products:
        net.add("Sells", tenants(tenant)[0], net.add("Product", **product))
    ask("add_products", {"owner": len(products_of(tenant))}, tenant=tenant, products=products)


def add_deals(tenant, deals):
    for row in deals:
        customer = accounts_of_tenant(tenant, code=row["account"])[0]
        deal = net.add("Deal", number=row["number"], title=row["title"], amount=row["amount"],
                       discount=F32(row["discount"]), opened=date(row["opened"]), expected=date(row["expected"]))
        net.add("For", deal, customer)
        net.add("InStage", deal, stages_of(tenant, key=row["stage"])[0], entered=date(row["opened"]))
        net.add("Owns", users_of(tenant, email=row["owner"])[0], deal)
        for seat in row["contacts"]:
            person = having(into([customer], "WorksAt"), email=seat["email"])[0]
            net.add("Involves", deal, person, influence=seat["influence"])
        for line in row["lines"]:
            product = products_of(tenant, sku=line["sku"])[0]
            net.add("Line", deal, product, quantity=line["quantity"], price=line["price"])
    ask("add_deals", {"company": len(deals_of_tenant(tenant))}, tenant=tenant, deals=deals)


def deal(tenant, number):
    def shown(card):
        seats = ordered(oute([card], "Involves"), lambda e: e["influence"], True)
        return {"deal": {
            **card.only("title", "amount"),
            "net": card["amount"] * (1 - float(card["discount"])),
            "status": card["status"],
            "stage": [s.only("name", "probability") for s in out([card], "InStage")],
            "account": first(out([card], "For"), "code", "name"),
            "owners": [{"share": e["share"], "who": e.start.only("name")} for e in ine([card], "Owns")],
            "people": [{"influence": e["influence"], "email": e.end.only("email")} for e in seats],
            "lines": len(oute([card], "Line")),
        }}

    ask_first("deal", deals_of_tenant(tenant, number=number), shown, tenant=tenant, number=number)


def raw_deal(tenant, number):
    ask_first("raw_deal", deals_of_tenant(tenant, number=number),
              lambda d: {"deals": {"label": "Deal", **d.fields}}, tenant=tenant, number=number)


def has_deal(tenant, number):
    ask("has_deal", {"there": bool(deals_of_tenant(tenant, number=number))}, tenant=tenant, number=number)


def deals(tenant, status, start, end):
    there = by(by(deals_of_tenant(tenant, status=status), "number"), "amount", True)[start:end]
    answer = {"deals": [d.only("number", "amount") for d in there]}
    ask("deals", answer, tenant=tenant, status=status, start=start, end=end)


def deals_between(tenant, low, high):
    there = by([d for d in deals_of_tenant(tenant) if low <= d["amount"] < high], "number")
    answer = {"deals": values(there, "number"), "data": len(there)}
    ask("deals_between", answer, **{"tenant": tenant, "from": low, "to": high})


def move_deal(tenant, number, stage, at):
    there, places = deals_of_tenant(tenant, number=number, status="open"), stages_of(tenant, key=stage)
    body = {"tenant": tenant, "number": number, "stage": stage, "at": at}
    if not there or not places:
        case.refuse("move_deal", body, *NOTHING)
        return
    net.drop(*oute(there, "InStage"))
    net.add("InStage", there[0], places[0], entered=date(at))
    case.ask("move_deal", body, {"entry": {"entered": date(at), "stage": places[0].only("name")}})


def win(tenant, number, at):
    there = deals_of_tenant(tenant, number=number, status="open")
    change(there, status="won", closed=date(at))
    ask_first("win", there, lambda d: {"deal": d.only("status", "closed", "amount")},
              tenant=tenant, number=number, at=at)


def lose(tenant, numbers, at, **reason):
    there = [d for d in deals_of_tenant(tenant, status="open") if d["number"] in numbers]
    change(there, status="lost", closed=date(at), **reason)
    ask_first("lose", there, lambda d: {"first": d.only("number", "status", "reason")},
              tenant=tenant, numbers=numbers, at=at, **reason)


def reopen(tenant, number):
    there = [d for d in deals_of_tenant(tenant, number=number) if d["status"] != "open"]
    for d in there:
        d.fields |= {"status": "open", "closed": None, "reason": None}
    ask_first("reopen", there, lambda d: {"deal": d.only("number", "status", "closed", "reason")},
              tenant=tenant, number=number)


def reprice_deal(tenant, number, **fields):
    there = deals_of_tenant(tenant, number=number)
    change(there, **{**fields, **given(discount=F32(fields["discount"]) if "discount" in fields else None)})
    ask_first("reprice_deal", there,
              lambda d: {"deal": {**d.only("title", "amount", "discount"), "off": d["amount"] * float(d["discount"])}},
              tenant=tenant, number=number, **fields)


def share_deal(tenant, number, email, share):
    deal, seller = deals_of_tenant(tenant, number=number)[0], users_of(tenant, email=email)[0]
    edge = next((e for e in oute([seller], "Owns") if e.end is deal), None) or net.add("Owns", seller, deal)
    edge.fields["share"] = share
    answer = {"owners": len(into([deal], "Owns")), "shares": total(ine([deal], "Owns"), "share")}
    ask("share_deal", {"deal": answer}, tenant=tenant, number=number, email=email, share=share)


def copy_deal(tenant, number, new_number, opened):
    old, = deals_of_tenant(tenant, number=number)
    title = "Copy of " + old["title"]
    copy = net.add("Deal", number=new_number, title=title, amount=old["amount"], opened=date(opened))
    for customer in out([old], "For"):
        net.add("For", copy, customer)
    for line in list(oute([old], "Line")):
        net.add("Line", copy, line.end, quantity=line["quantity"], price=line["price"])
    shown = copy.only("title", "amount", "discount", "status", "expected")
    answer = {**shown, "lines": named(out([copy], "Line"), "sku")}
    ask("copy_deal", {"copy": answer}, tenant=tenant, number=number, new_number=new_number, opened=opened)


def forecast(tenant, start, end):
    there = [
        d for d in deals_of_tenant(tenant, status="open")
        if d["expected"] and date(start) <= d["expected"] < date(end)
    ]
    shown = [
        {**d.only("number", "expected"), "likely": d["amount"] * out([d], "InStage")[0]["probability"]}
        for d in by(there, "number")
    ]
    answer = {"sum": total(there, "amount"), "deals": shown}
    ask("forecast", answer, **{"tenant": tenant, "from": start, "to": end})


def stalled(tenant, before):
    there = [
        d for d in deals_of_tenant(tenant, status="open")
        if any(e["entered"] < date(before) for e in oute([d], "InStage"))
    ]
    shown = [{"number": d["number"], "since": first(oute([d], "InStage"), "entered")} for d in by(there, "number")]
    ask("stalled", {"deals": shown}, tenant=tenant, before=before)


def deals_of(tenant, email):
    there = by(out(users_of(tenant, email=email), "Owns"), "number")
    shown = [{**d.only("number", "status"), "account": named(out([d], "For"), "code")} for d in there]
    ask("deals_of", {"deals": shown}, tenant=tenant, email=email)


def deals_at(tenant, code):
    there = into(accounts_of_tenant(tenant, code=code), "For")
    answer = {"numbers": values(there, "number"), "total": total(there, "amount")}
    ask("deals_at", {**answer, "by_status": {"Group": grouped(there, "status")}}, tenant=tenant, code=code)


def sellers(tenant):
    shown = []
    for u in by([u for u in users_of(tenant) if out([u], "Owns")], "name"):
        owned = out([u], "Owns")
        row = {"name": u["name"], "open": len(having(owned, status="open"))}
        won = total(having(owned, status="won"), "amount")
        shown.append({**row, "won": won, "largest": max(values(owned, "amount"))})
    ask("sellers", {"users": shown}, tenant=tenant)


def attainment(tenant, least):
    shown = []
    for u in users_of(tenant):
        won = having(out([u], "Owns"), status="won")
        if u["quota"] > 0 and won and total(won, "amount") / u["quota"] >= least:
            shown.append({"email": u["email"], "reached": total(won, "amount") / u["quota"]})
    ask("attainment", {"good": shown}, tenant=tenant, least=least)


def quota_left(tenant, email):
    ask_first("quota_left", users_of(tenant, email=email),
              lambda u: {"user": {"reached": total(out([u], "Owns"), "amount") / u["quota"]}},
              tenant=tenant, email=email)


def outcomes(tenant):
    there = deals_of_tenant(tenant)
    reasons = grouped(having(there, status="lost"), "reason")
    ask("outcomes", {"status": {"Group": grouped(there, "status")}, "reasons": {"Count": reasons}}, tenant=tenant)


def lines(tenant, number):
    shown = [
        {**e.only("quantity", "price"), "total": e["quantity"] * e["price"], "product": e.end.only("sku", "name")}
        for e in oute(deals_of_tenant(tenant, number=number), "Line")
    ]
    ask("lines", {"lines": shown}, tenant=tenant, number=number)


def best_sellers(tenant, n):
    there = ordered(by(products_of(tenant), "sku"), lambda p: total(ine([p], "Line"), "quantity"), True)[:n]
    shown = [
        {"sku": p["sku"], "sold": total(ine([p], "Line"), "quantity")}
        | {"mean": average(values(ine([p], "Line"), "price"))}
        for p in there
    ]
    ask("best_sellers", {"products": shown}, tenant=tenant, n=n)


def unsold(tenant):
    there = [p.only("sku", "price") for p in products_of(tenant) if not into([p], "Line")]
    ask("unsold", {"products": there}, tenant=tenant)


def below_list(tenant):
    there = [e for e in ine(products_of(tenant), "Line") if e["price"] < e.end["price"]]
    shown = [{"price": e["price"], "sku": e.end.only("sku"), "deal": e.start.only("number")} for e in there]
    ask("below_list", {"lines": shown}, tenant=tenant)


def set_price(tenant, sku, price):
    there = products_of(tenant, sku=sku)
    change(there, price=price)
    ask_first("set_price", there, lambda p: {"product": p.only("sku", "price")}, tenant=tenant, sku=sku, price=price)


def bought_together(tenant, *skus):
    there = intersection([into([p], "Line") for p in products_of(tenant) if p["sku"] in skus])
    ask("bought_together", {"deals": sorted(values(there, "number"))}, tenant=tenant, skus=skus)
    return len(there)


def delete_deal(tenant, number):
    there = deals_of_tenant(tenant, number=number)
    net.drop(*into(there, "Concerns"), *there)
    ask("delete_deal", {"data": len(net.all("Deal"))}, tenant=tenant, number=number)


def drop_lost(tenant, before):
    net.drop(*[d for d in deals_of_tenant(tenant, status="lost") if d["closed"] < date(before)])
    ask("drop_lost", {"data": len(deals_of_tenant(tenant))}, tenant=tenant, before=before)


# ---------------------------------------------------------------------------------------------------------------------
# Activities, notes, and whether tenants are kept apart.


def log(tenant, activities):
    for row in activities:
        fields = {field: row[field] for field in ("key", "kind", "subject", "minutes")}
        activity = net.add("Activity", **fields, due=date(row["due"]))
        net.add("Logged", users_of(tenant, email=row["by"])[0], activity)
        net.add("Concerns", activity, deals_of_tenant(tenant, number=row["deal"])[0])
        for person in contacts_of(tenant):
            if person["email"] in row["with"]:
                net.add("Meets", activity, person)
    ask("log", {"company": len(work_of(tenant))}, tenant=tenant, activities=activities)


def complete(tenant, key, **minutes):
    there = work_of(tenant, key=key)
    change(there, done=True, **minutes)
    ask_first("complete", there, lambda a: {"activity": a.only("key", "done", "minutes")},
              tenant=tenant, key=key, **minutes)


def agenda(tenant, email, start, end):
    there = having(out(users_of(tenant, email=email), "Logged"), done=False)
    there = by(by([a for a in there if date(start) <= a["due"] < date(end)], "key"), "due")
    shown = [
        {**a.only("key", "due"), "deal": first(out([a], "Concerns"), "number")}
        | {"with": named(out([a], "Meets"), "email")}
        for a in there
    ]
    ask("agenda", {"activities": shown}, **{"tenant": tenant, "email": email, "from": start, "to": end})


def overdue(tenant, at):
    there = by([a for a in work_of(tenant, done=False) if a["due"] < date(at)], "key")
    shown = [{"key": a["key"], "who": first(into([a], "Logged"), "name")} for a in there]
    ask("overdue", {"activities": shown}, tenant=tenant, at=at)


def time_spent(tenant):
    def spent(u):
        return total(out([u], "Logged"), "minutes")

    shown = [
        {"email": u["email"], "minutes": spent(u), "hours": spent(u) // 60, "rest": spent(u) % 60}
        for u in ordered(by(users_of(tenant), "email"), spent, True)
    ]
    ask("time_spent", {"users": shown}, tenant=tenant)


def activities_on(tenant, number):
    there = by(into(deals_of_tenant(tenant, number=number), "Concerns"), "key", True)
    ask("activities_on", {"activities": [a.only("key", "kind", "done") for a in there]}, tenant=tenant, number=number)


def work_kinds(tenant):
    ask("work_kinds", {"activities": {"Group": grouped(work_of(tenant), "kind", "done")}}, tenant=tenant)


def postpone(tenant, keys, to):
    there = [a for a in work_of(tenant, done=False) if a["key"] in keys]
    change(there, due=date(to))
    ask_first("postpone", there, lambda a: {"first": a.only("key", "due")}, tenant=tenant, keys=keys, to=to)


def hand_over(tenant, giver, taker):
    one, other = users_of(tenant, email=giver)[0], users_of(tenant, email=taker)[0]
    handed = having(out([one], "Logged"), done=False)
    net.drop(*ine(handed, "Logged"))
    for activity in handed:
        net.add("Logged", other, activity)
    answer = {"giver": len(out([one], "Logged")), "taker": len(out([other], "Logged"))}
    ask("hand_over", answer, **{"tenant": tenant, "from": giver, "to": taker})


def clear_done(tenant):
    net.drop(*work_of(tenant, done=True))
    ask("clear_done", {"data": len(net.all("Activity"))}, tenant=tenant)


def untouched(tenant):
    there = [d["number"] for d in by(deals_of_tenant(tenant, status="open"), "number") if not into([d], "Concerns")]
    ask("untouched", {"deals": there}, tenant=tenant)


def met(tenant, email):
    there = into(contacts_of(tenant, email=email), "Meets", "Logged")
    ask("met", {"users": {"Group": grouped(there, "email")}}, tenant=tenant, email=email)


def write_note(tenant, key, text, by, code, at):
    account = accounts_of_tenant(tenant, code=code)[0]
    note = net.add("Note", key=key, text=text)
    net.add("Wrote", users_of(tenant, email=by)[0], note, at=date(at))
    net.add("NoteOn", note, account)
    answer = {"account": len(into([account], "NoteOn"))}
    ask("write_note", answer, tenant=tenant, key=key, text=text, by=by, code=code, at=at)


def notes_on(tenant, code):
    edges = ordered(ine(accounts_of_tenant(tenant, code=code), "NoteOn"), lambda e: e.start["key"], True)
    shown = [
        {"pinned": e["pinned"], "note": e.start.only("key", "text"), "by": named(into([e.start], "Wrote"), "name")}
        for e in ordered(edges, lambda e: e["pinned"], True)
    ]
    ask("notes_on", {"notes": shown}, tenant=tenant, code=code)


def pin_note(tenant, key, pinned):
    there = [e for e in ine(accounts_of_tenant(tenant), "NoteOn") if e.start["key"] == key]
    change(there, pinned=pinned)
    ask_first("pin_note", there, lambda e: {"edge": pinned}, tenant=tenant, key=key, pinned=pinned)


def edit_note(tenant, key, text):
    there = having(into(accounts_of_tenant(tenant), "NoteOn"), key=key)
    change(there, text=text)
    ask_first("edit_note", there, lambda n: {"note": n.whole()}, tenant=tenant, key=key, text=text)


def search_notes(tenant, text, k):
    found = by_words(net.all("Note"), text, k)
    there = [n for n in found if set(tenants(tenant)) & set(into(out([n], "NoteOn"), "Serves"))]
    shown = [{"key": n["key"], "account": first(out([n], "NoteOn"), "code")} for n in there]
    ask("search_notes", {"notes": shown}, tenant=tenant, text=text, k=k)


def authors(tenant, since):
    shown = []
    for u in users_of(tenant):
        recent = sum(e["at"] >= date(since) for e in oute([u], "Wrote"))
        if recent:
            shown.append({"email": u["email"], "notes": len(out([u], "Wrote")), "recent": recent})
    ask("authors", {"users": shown}, tenant=tenant, since=since)


def drop_notes(tenant, before):
    net.drop(*[e.end for e in oute(users_of(tenant), "Wrote") if e["at"] < date(before)])
    ask("drop_notes", {"data": len(net.all("Note"))}, tenant=tenant, before=before)


def leaks():
    loose = [a["code"] for a in net.all("Account") if len(into([a], "Serves")) != 1]
    lost = [d["number"] for d in net.all("Deal") if into([d], "Owns") and not into(out([d], "For"), "Serves")]
    ask("leaks", {"accounts": loose, "deals": lost})


def strangers(tenant):
    owners = into(deals_of_tenant(tenant), "Owns")
    owners = [u["email"] for u in owners if tenants(tenant)[0] not in into([u], "Employs")]
    tags = out(accounts_of_tenant(tenant), "Tagged")
    foreign = [t["name"] for t in tags if any(owner["slug"] != tenant for owner in into([t], "Labels"))]
    ask("strangers", {"owners": owners, "tags": foreign}, tenant=tenant)


def apart(asking, other):
    """What belongs to one tenant is not there for another."""
    code = accounts_of_tenant(other)[0]["code"]
    email = users_of(other)[0]["email"]
    mine = users_of(asking)[0]["email"]
    person = contacts_of(other)[0]["email"]
    number = deals_of_tenant(other)[0]["number"]
    key = work_of(other)[0]["key"]
    note = into(accounts_of_tenant(other), "NoteOn")[0]["key"]
    sku = products_of(other)[0]["sku"]
    pipeline = out(tenants(other), "Runs")[0]["key"]
    stage = stages_of(other)[0]["key"]
    assert not accounts_of_tenant(asking, code=code) and not users_of(asking, email=email)
    user(asking, email)
    may(asking, email, "read")
    highest_role(asking, email)
    login(asking, email, "2024-08-01")
    set_status(asking, [email], "blocked")
    team(asking, email)
    remove_user(asking, email)
    account(asking, code)
    raw_account(asking, code)
    change_account(asking, code, name="Taken over")
    adjust_health(asking, code, 1)
    above(asking, code)
    lookalikes(asking, code, 3)
    contacts_at(asking, code)
    primary_contact(asking, code)
    transfer(code, asking, asking)
    delete_account(asking, code)
    contact(asking, person)
    colleagues(asking, person)
    delete_contact(asking, person)
    deal(asking, number)
    raw_deal(asking, number)
    has_deal(asking, number)
    win(asking, number, "2024-08-01")
    lose(asking, [number], "2024-08-01")
    reprice_deal(asking, number, amount=1.0)
    lines(asking, number)
    delete_deal(asking, number)
    move_deal(asking, deals_of_tenant(asking, status="open")[0]["number"], stage, "2024-08-01")
    board(asking, pipeline)
    drop_stage(asking, stage)
    set_price(asking, sku, 0.25)
    complete(asking, key)
    postpone(asking, [key], "2024-08-01")
    activities_on(asking, number)
    pin_note(asking, note, True)
    edit_note(asking, note, "Overwritten.")
    notes_on(asking, code)
    foreign = {"tenant": asking, "code": code, "email": mine, "since": "2024-08-01"}
    case.refuse("assign", foreign, *NOTHING)
    case.refuse("assign", {**foreign, "code": accounts_of_tenant(asking)[0]["code"], "email": email}, *NOTHING)
    case.refuse("set_boss", {"tenant": asking, "email": mine, "boss": email}, *NOTHING)
    case.refuse("change_job", {"tenant": asking, "email": person, "to": code}, *NOTHING)
    case.refuse("opt", {"tenant": asking, "emails": [person], "opted_in": True}, *NOTHING)
    body = {"tenant": asking, "email": person, "first": "Not", "last": "Mine"}
    case.refuse("put_contact", {**body, "account": accounts_of_tenant(asking)[0]["code"]}, *taken("email"))
    case.refuse("copy_deal", {"tenant": asking, "number": number, "new_number": 1, "opened": "2024-08-01"}, *NOTHING)
    case.refuse("hand_over", {"tenant": asking, "from": email, "to": mine}, *NOTHING)
    strangers(asking)


# ---------------------------------------------------------------------------------------------------------------------
# The data.

FIRST = ["Ada", "Bo", "Cleo", "Dov", "Émile", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kai", "Lena", "Mio", "Noa"]
LAST = ["Abel", "Brandt", "Çelik", "Duval", "Ek", "Falk", "Grün", "Holm", "Ito", "Jansen"]
INDUSTRIES = ["energy", "food", "health", "media"]
COUNTRIES = ["DE", "FR", "SE", "US"]
ZONES = ["Europe/Oslo", "Asia/Tokyo", "America/Lima"]
TITLES = ["CEO", "CTO", "Buyer", "Engineer"]
THINGS = ["Turbine", "Valve", "Sensor", "Licence", "Training", "Cable", "Filter"]
TAGS = ["vip", "risk", "renewal", "partner", "été"]
CENTRES = {industry: [rng.gauss(0, 1) for _ in range(6)] for industry in INDUSTRIES}
numbers = itertools.count(1001)


def day(start=2023, end=2024):
    return f"{rng.randrange(start, end + 1)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def quarter(low, high):
    return rng.randrange(low * 4, high * 4) / 4


def new_users(prefix, number, roles):
    names = rng.sample([f"{a} {b}" for a in FIRST for b in LAST], number)
    return [
        {
            "email": f"u{n}@{prefix}.example",
            "name": name,
            "role": rng.choice(roles),
            "quota": float(rng.choice([0, 20000, 30000, 50000])),
            "zone": rng.choice(ZONES),
        }
        for n, name in enumerate(names)
    ]


def new_account(prefix, number, users):
    industry = rng.choice(INDUSTRIES)
    return {
        "code": f"{prefix}-a{number:02}",
        "name": f"{rng.choice(LAST)} {rng.choice(['Group', 'Works', 'Lab', 'AG', '& Söhne'])}",
        "industry": industry,
        "country": rng.choice(COUNTRIES),
        "size": rng.randrange(1, 900),
        "revenue": quarter(1000, 900000),
        "created": day(2021, 2022),
        "manager": rng.choice(users)["email"] if rng.random() < 0.85 else "nobody",
        "tags": rng.sample(TAGS, rng.randrange(0, 4)),
        "profile": [round(x + rng.gauss(0, 0.3), 3) for x in CENTRES[industry]],
    }


def new_contact(prefix, number, account):
    return {
        "email": f"c{number:02}@{prefix}.example",
        "first": rng.choice(FIRST),
        "last": rng.choice(LAST),
        "title": rng.choice(TITLES),
        "account": account,
        "primary": rng.random() < 0.4,
    }


def new_deal(tenant, users):
    customer = rng.choice(accounts_of_tenant(tenant)[:-4])
    people = into([customer], "WorksAt")
    products = rng.sample(products_of(tenant)[:-1], rng.randrange(0, 4))
    return {
        "number": next(numbers),
        "title": f"{rng.choice(THINGS)} for {customer['name']}",
        "amount": quarter(500, 40000),
        "discount": rng.choice([0, 0, 0.125, 0.25, 0.375]),
        "opened": day(2023, 2023),
        "expected": day(2024, 2024),
        "account": customer["code"],
        "stage": rng.choice(stages_of(tenant))["key"],
        "owner": rng.choice(users)["email"],
        "contacts": [
            {"email": c["email"], "influence": n} for c, n in
            zip(rng.sample(people, min(len(people), rng.randrange(0, 4))), rng.sample(range(1, 10), 4))
        ],
        "lines": [
            {"sku": p["sku"], "quantity": rng.randrange(1, 30), "price": p["price"] - rng.choice([0, 0, 0.25, 1.5])}
            for p in products
        ],
    }


def new_activity(prefix, number, tenant, users):
    deal = rng.choice(deals_of_tenant(tenant))
    people = values(out([deal], "Involves"), "email")
    return {
        "key": f"{prefix}-w{number:03}",
        "kind": rng.choice(["call", "mail", "visit"]),
        "subject": rng.choice(["Offer", "Follow-up", "Demo", "Contract"]),
        "due": day(2024, 2024),
        "minutes": rng.choice([0, 5, 15, 45, 90]),
        "by": rng.choice(users)["email"],
        "deal": deal["number"],
        "with": rng.sample(people, min(len(people), rng.randrange(0, 3))),
    }


SENTENCES = ["asked for a longer warranty", "wants the sensor delivered sooner", "compares prices with a rival",
             "complained about the invoice", "renewal looks certain", "budget freeze until autumn",
             "needs training for twelve engineers", "praised the support team", "moves to a new plant"]


def note_text():
    return f"{rng.choice(LAST)} {rng.choice(SENTENCES)}, {rng.choice(SENTENCES)}."


# ---------------------------------------------------------------------------------------------------------------------
# An empty store; tenants, roles and users.

census()
leaks()
all_tenants()
tenant("north")
summary("north")
create_tenant("north", "Northern Lights", plan="gold", seats=14)
create_tenant("south", "Southern Cross", plan="silver", seats=8)
create_tenant("tiny", "Tiny & Co")
create_tenant("void", "Nobody Home", seats=1)
case.refuse("create_tenant", {"slug": "north", "name": "Another North"}, *taken("slug"))
case.refuse("create_tenant", {"slug": "west", "name": "West", "seats": 65536}, *out_of_range("seats", "U16", 65536))
case.refuse("create_tenant", {"slug": "west"}, *missing("name"))
for slug in ("north", "void", "west"):
    tenant(slug)
case.refuse("tenants_of", {}, *no_query("tenants_of"))

ROLES = [
    {"name": "admin", "rank": 90, "permissions": ["read", "write", "delete", "invite"]},
    {"name": "seller", "rank": 50, "permissions": ["read", "write"]},
    {"name": "guest", "rank": 10, "permissions": ["read"]},
    {"name": "robot", "rank": 20, "permissions": []},
]
define_roles("north", ROLES)
define_roles("south", [{**role, "rank": role["rank"] + 5} for role in ROLES[1:3]])
define_roles("south", [{**ROLES[0], "permissions": ["read", "invite"]}])
define_roles("tiny", [ROLES[2]])
define_roles("void", [])
case.refuse("define_roles", {"tenant": "west", "roles": ROLES[:1]}, *NOTHING)
case.refuse("define_roles", {"tenant": "tiny", "roles": [{"name": "x", "rank": 1}]}, *missing("roles.permissions"))
for name in ("seller", "robot", "pilot"):
    oldest_role(name)

TEAM = {
    "north": new_users("north", 12, ["admin", "seller", "seller", "guest"]),
    "south": new_users("south", 8, ["admin", "seller"]),
    "tiny": new_users("tiny", 1, ["guest"]),
}
for slug, rows in TEAM.items():
    add_users(slug, rows)
fresh = {**TEAM["tiny"][0], "email": "new@tiny.example"}
roleless = {**fresh, "email": "more@tiny.example", "role": "admin"}
case.refuse("add_users", {"tenant": "tiny", "users": [fresh, roleless]}, *NOTHING)
case.refuse("add_users", {"tenant": "tiny", "users": [fresh, TEAM["north"][0] | {"role": "guest"}]}, *taken("email"))
census()
for slug, email in (("north", "u0@north.example"), ("south", "u3@south.example"), ("north", "u3@south.example")):
    user(slug, email)
users("north", 0, 5)
users("north", 10, 99)
users("south", 3, 2)
users("west", 0, 9)
case.refuse("users", {"tenant": "north", "start": 0}, *missing("end"))
for slug, role in (("north", "admin"), ("south", "seller"), ("south", "guest"), ("tiny", "admin"), ("north", "robot")):
    users_with_role(slug, role)
for slug, permission in (("north", "delete"), ("south", "invite"), ("south", "delete"), ("tiny", "read")):
    users_who_may(slug, permission)
email = values(into(having(out(tenants("north"), "Defines"), name="guest"), "Granted"), "email")[0]
may("north", email, "write")
may("south", email, "read")
grant("north", email, "seller")
grant("north", email, "robot")
grant("north", email, "seller")
may("north", email, "write")
may("north", email, "delete")
highest_role("north", email)
user("north", email)
case.refuse("grant", {"tenant": "north", "email": email, "role": "pilot"}, *NOTHING)
case.refuse("grant", {"tenant": "south", "email": email, "role": "admin"}, *NOTHING)
revoke("north", email, "guest")
revoke("north", email, "pilot")
roles("north")
roles("south")
roles("west")
change_role("south", "seller", rank=60)
change_role("north", "guest", name="visitor", permissions=["read", "comment"])
change_role("north", "guest", name="ghost")
change_role("tiny", "guest")
case.refuse("change_role", {"tenant": "north", "role": "robot", "rank": 256}, *out_of_range("rank", "U8", 256))
roles("north")
oldest_role("guest")
users_who_may("north", "comment")
highest_role("tiny", "u0@tiny.example")

for n in range(0, 12, 2):
    login("north", f"u{n}@north.example", f"2024-0{n // 2 + 1}-15")
set_status("north", ["u1@north.example", "u4@north.example", "u1@south.example"], "blocked")
login("north", "u4@north.example", "2024-06-01")
set_status("south", ["nobody"], "blocked")
for slug in ("north", "south", "west"):
    statuses(slug)
never_logged_in("north")
never_logged_in("void")
in_zones("north", ZONES[:2], 20000.0)
in_zones("south", ZONES, 0.0)
in_zones("south", [], 0.0)
for n in range(1, 12):
    set_boss("north", f"u{n}@north.example", f"u{(n - 1) // 3}@north.example")
set_boss("north", "u11@north.example", "u10@north.example")
set_boss("south", "u1@south.example", "u0@south.example")
set_boss("south", "u0@south.example", "u0@south.example")
team("north", "u0@north.example")
team("north", "u2@north.example")
team("south", "u0@south.example")
team("south", "u7@south.example")
chain("north", "u11@north.example", "u0@north.example")
chain("north", "u4@north.example", "u4@north.example")
chain("north", "u0@north.example", "u11@north.example")
without_boss("north")
without_boss("south")
user("north", "u1@north.example")
raise_quotas("north", 1.5, 30000.0)
raise_quotas("south", 2, 1000000.0)
raise_quotas("west", 2, 0.0)
tenants_on("gold", "free")
tenants_on("silver")
tenants_on()
full_tenants()

# Accounts, tags, contacts.

for slug, count in (("north", 24), ("south", 16), ("tiny", 3)):
    add_accounts(slug, [new_account(slug[0], n, TEAM[slug]) for n in range(count)])
spare = new_account("n", 90, TEAM["north"])
case.refuse("add_accounts", {"tenant": "south", "accounts": [spare, {**spare, "code": "n-a00"}]}, *taken("code"))
case.refuse("add_accounts", {"tenant": "south", "accounts": [{**spare, "profile": [1, 2]}]}, *WRONG_LENGTH)
case.refuse("add_accounts", {"tenant": "west", "accounts": [spare]}, *NOTHING)
case.refuse("add_accounts", {"tenant": "south", "accounts": [{**spare, "size": -1}]},
            *out_of_range("accounts.size", "U32", -1))
all_tenants()
full_tenants()
census()
for slug, code in (("north", "n-a00"), ("north", "n-a07"), ("south", "s-a03"), ("tiny", "t-a01"), ("north", "zz")):
    account(slug, code)
raw_account("north", "n-a02")
raw_account("south", "s-a02")
accounts("north", 0, 4)
accounts("north", 22, 40)
accounts("void", 0, 4)
case.refuse("accounts", {"tenant": "north", "start": -1, "end": 4}, *BAD_RANGE)
pick_accounts("north")
pick_accounts("north", country="DE")
pick_accounts("north", industry="food", least=100)
pick_accounts("south", least=200, most=600)
pick_accounts("south", country="SE", industry="media", least=1, most=2)
for slug in ("north", "tiny", "void"):
    industries(slug)
largest("north", 5)
largest("south", 2)
largest("south", 0)
change_account("tiny", "t-a00", size=0)
case.refuse("largest", {"tenant": "tiny", "n": 9}, *ZERO)
for slug, industry in (("north", "energy"), ("south", "media"), ("north", "space")):
    revenues(slug, industry)
for slug, part in (("north", "Söhne"), ("south", "a1"), ("south", "Lab"), ("tiny", "xyz"), ("tiny", "")):
    find_accounts(slug, part)
change_account("north", "n-a03", name="Renamed “Ltd”", industry="space")
change_account("north", "n-a04", size=12)
change_account("north", "n-a04")
for industry in ("space", "food", "time"):
    first_in_industry(industry)
for child, parent in (("01", "00"), ("02", "00"), ("05", "01"), ("06", "01"), ("01", "00")):
    set_parent("north", f"n-a{child}", f"n-a{parent}")
case.refuse("set_parent", {"tenant": "north", "child": "n-a01", "parent": "s-a00"}, *NOTHING)
for code in ("n-a00", "n-a01", "n-a09"):
    group_of("north", code)
group_of("south", "n-a00")
above("north", "n-a05")
above("north", "n-a00")
assign("north", "n-a08", "u5@north.example", "2024-01-31")
assign("north", "n-a08", "u6@north.example", "2024-02-01")
assign("north", "n-a08", "u5@north.example", "2020-12-31")
assign("north", "n-a09", "u6@north.example", "2024-02-02")
assign("north", "n-a09", "u5@north.example", "2024-02-03")
accounts_of("north", "u5@north.example", "2024-02-03")
accounts_of("north", "u5@north.example", "2024-12-31")
accounts_of("south", "u5@north.example", "2024-12-31")
for slug in ("north", "south", "void"):
    unmanaged(slug)
assert shared("north", ["u5@north.example", "u6@north.example"]) > 1
shared("north", ["u5@north.example", "u0@south.example"])
shared("north", [])
for code, step in (("00", -40), ("01", -40), ("00", -88), ("00", -1), ("02", 127), ("02", 1), ("03", -5)):
    adjust_health("north", f"n-a{code}", step)
unhealthy("north", 0)
unhealthy("north", -128)
unhealthy("south", 1)
for slug, code, k in (("north", "n-a10", 4), ("south", "s-a10", 3), ("south", "s-a10", 100), ("tiny", "t-a00", 9)):
    lookalikes(slug, code, k)
case.refuse("lookalikes", {"tenant": "north", "code": "n-a10", "k": -1}, *NEGATIVE_K)
shape = [round(x, 3) for x in CENTRES["food"]]
for slug in ("north", "south", "tiny", "void"):
    shaped_like(slug, shape, 7)
    rank_own(slug, shape, 3)
reprofile("tiny", "t-a01", [round(0.01 - x, 3) for x in shape], 1)
rank_own("tiny", [round(-x, 3) for x in shape], 1)
reprofile("tiny", "t-a01", shape, 2)
shaped_like("tiny", shape, 1)
case.refuse("reprofile", {"tenant": "tiny", "code": "t-a01", "profile": [1, 2], "revised": 3}, *WRONG_LENGTH)
case.refuse("reprofile", {"tenant": "tiny", "code": "t-a09", "profile": shape, "revised": 3}, *NOTHING)

for slug in ("north", "south", "void"):
    tags(slug)
tagged("north", "vip", "risk")
tagged("south", "vip")
tagged("south", "vip", "nothing")
tagged("tiny")
bare = next(a["code"] for a in accounts_of_tenant("north") if not out([a], "Tagged"))
tag_account("north", bare, "été")
tag_account("north", bare, "vip")
tag_account("north", bare, "vip")
case.refuse("tag_account", {"tenant": "north", "code": bare, "tag": "nothing"}, *NOTHING)
untag("north", bare, "été")
untag("north", bare, "nothing")
recolor("north", "vip", "gold")
recolor("south", "vip", "gold")
recolor("south", "nothing", "gold")
tags("south")
for a in accounts_of_tenant("south"):
    if "partner" in values(out([a], "Tagged"), "name"):
        untag("south", a["code"], "partner")
drop_unused_tags("south")
drop_unused_tags("south")
tags("south")
tags("north")

PEOPLE = {}
for slug, count in (("north", 48), ("south", 30), ("tiny", 2)):
    codes = values(accounts_of_tenant(slug), "code")
    PEOPLE[slug] = [new_contact(slug, n, rng.choice(codes[: max(1, len(codes) * 2 // 3)])) for n in range(count)]
    add_contacts(slug, PEOPLE[slug])
one_more = {**PEOPLE["tiny"][0], "email": "more@tiny.example"}
known = {**PEOPLE["north"][0], "account": "t-a00"}
case.refuse("add_contacts", {"tenant": "tiny", "contacts": [one_more, known]}, *taken("email"))
case.refuse("add_contacts", {"tenant": "tiny", "contacts": [one_more, {**one_more, "account": "n-a00"}]}, *NOTHING)
case.refuse("add_contacts", {"tenant": "tiny", "contacts": [{**one_more, "primary": 1}]},
            *mistyped("contacts.primary", "Boolean", "number"))
for row in PEOPLE["north"][:3]:
    contact("north", row["email"])
employers = [("north", PEOPLE["north"][0]["account"]), ("north", "n-a23"), ("south", PEOPLE["south"][1]["account"])]
for slug, code in employers:
    contacts_at(slug, code)
    primary_contact(slug, code)
opt("north", [row["email"] for row in PEOPLE["north"][::2]], True)
opt("south", [row["email"] for row in PEOPLE["south"][:9]], True)
opt("north", [PEOPLE["north"][4]["email"]] * 2, False)
opt("tiny", [], True)
for slug, tag in (("north", "vip"), ("south", "risk"), ("north", "nothing")):
    mailing_list(slug, tag)
address = PEOPLE["north"][0]["email"]
put_contact("north", address, "Zoë", "Abel", "n-a20")
put_contact("north", address, "Zoë", "Ek", PEOPLE["north"][0]["account"])
put_contact("south", "fresh@south.example", "Ulf", "Ek", "s-a01")
contact("north", address)
contact("south", "fresh@south.example")
contacts_at("south", "s-a01")
titles("south")
titles("void")
change_job("north", PEOPLE["north"][1]["email"], "n-a21", title="CFO")
change_job("north", PEOPLE["north"][2]["email"], "n-a21")
case.refuse("change_job", {"tenant": "north", "email": address, "to": "s-a01"}, *NOTHING)
contacts_at("north", "n-a21")
pairs = []
for _ in range(90):
    a, b = rng.sample(PEOPLE["north"], 2)
    pairs.append({"from": a["email"], "to": b["email"], "warmth": round(rng.uniform(0.05, 0.95), 3)})
introduce("north", pairs)
introduce("north", [{**pairs[0], "warmth": 0.999}])
introduce("south", [{"from": "fresh@south.example", "to": PEOPLE["south"][0]["email"], "warmth": 0.5}])
case.refuse("introduce", {"tenant": "south", "pairs": [pairs[0]]}, *NOTHING)
long = 0
for a, b in itertools.product(PEOPLE["north"][:12], PEOPLE["north"][20:32]):
    if long < 8 and rng.random() < 0.1:
        long += way_to(a["email"], b["email"])
way_to(PEOPLE["north"][0]["email"], PEOPLE["south"][0]["email"])
way_to("fresh@south.example", PEOPLE["south"][0]["email"])
case.refuse("way_to", {"from": "nobody", "to": address}, *NOTHING)
colleagues("north", address)
colleagues("south", PEOPLE["south"][1]["email"])
for slug, part in (("north", "Grün"), ("south", "Ha"), ("north", "c1"), ("tiny", "north"), ("south", "zzz")):
    find_contacts(slug, part)
for last in ("Ek", "Nobody"):
    namesakes(last)

# Pipelines, products, deals.

STEPS = [("lead", "Lead", 0.1), ("talk", "Talks", 0.3), ("offer", "Offer", 0.6), ("deal", "Handshake", 0.9)]
for slug, keys in (("north", ["n1", "n2"]), ("south", ["s1"]), ("tiny", ["t1"])):
    for key in keys:
        stages = [
            {"key": f"{key}-{step}", "name": name, "probability": p, "position": 10 - n if key == "n2" else n}
            for n, (step, name, p) in enumerate(STEPS[: 2 if key == "t1" else 4])
        ]
        more = {"currency": "SEK"} if key == "n2" else {}
        add_pipeline(slug, key, f"Pipeline {key}", stages, **more)
case.refuse("add_pipeline", {"tenant": "south", "key": "n1", "name": "Mine", "stages": []}, *taken("key"))
case.refuse("add_pipeline", {"tenant": "west", "key": "w1", "name": "Mine", "stages": []}, *NOTHING)
for slug in ("north", "south", "void"):
    pipelines(slug)
board("tiny", "t1")
for slug, count in (("north", 9), ("south", 6), ("tiny", 2)):
    add_products(slug, [
        {"sku": f"{slug[0]}-p{n}", "name": rng.choice(THINGS), "price": quarter(5, 400)} for n in range(count)
    ])
foreign = {"sku": "n-p0", "name": "Copy", "price": 1}
case.refuse("add_products", {"tenant": "south", "products": [foreign]}, *taken("sku"))
best_sellers("north", 3)
for slug, count in (("north", 60), ("south", 34)):
    add_deals(slug, [new_deal(slug, TEAM[slug]) for _ in range(count)])
deal_row = {**new_deal("south", TEAM["south"]), "contacts": [], "lines": []}
for field, value in (("account", "n-a00"), ("stage", "n1-lead"), ("owner", "u0@north.example")):
    case.refuse("add_deals", {"tenant": "south", "deals": [{**deal_row, field: value}]}, *NOTHING)
case.refuse("add_deals", {"tenant": "south", "deals": [deal_row, {**deal_row, "number": 1001}]}, *taken("number"))
body = {"tenant": "south", "deals": [{**deal_row, "lines": [{"sku": "n-p0", "quantity": 1, "price": 1}]}]}
case.refuse("add_deals", body, *NOTHING)
add_deals("tiny", [])
census()
all_tenants()
for slug in ("north", "south", "tiny", "void"):
    summary(slug)
owned = {slug: values(deals_of_tenant(slug), "number") for slug in ("north", "south")}
for number in sorted(owned["north"])[:3]:
    deal("north", number)
deal("south", min(owned["south"]))
raw_deal("north", 1005)
has_deal("north", 1005)
has_deal("south", 1005)
deals("north", "open", 0, 6)
deals("south", "open", 30, 99)
deals("south", "won", 0, 9)
for slug, low, high in (("north", 0.0, 5000.0), ("south", 30000, 31000.5), ("tiny", 0.0, 1e9)):
    deals_between(slug, low, high)
case.refuse("deals_between", {"tenant": "north", "from": "0", "to": 1}, *mistyped("from", "F64", "string"))
for pipeline in ("n1", "n2"):
    board("north", pipeline)
insert_stage("north", "n1", "n1-wait", "Waiting", 2, 0.45)
insert_stage("north", "n1", "n1-last", "Last", 255, 1.0)
body = {"tenant": "north", "pipeline": "n1", "key": "n1-x", "name": "X", "position": 9, "probability": 0.5}
case.refuse("insert_stage", body, *unfit("position", 256, "U8"))
case.refuse("insert_stage", {**body, "pipeline": "s1"}, *NOTHING)
drop_stage("north", "n1-last")
drop_stage("north", "n1-lead")
drop_stage("north", "nothing")
moving = values(having(by(deals_of_tenant("north"), "number"), status="open"), "number")[:7]
for n, number in enumerate(moving):
    move_deal("north", number, ["n1-wait", "n1-deal", "n2-offer"][n % 3], f"2024-03-{n + 10}")
move_deal("north", 1, "n1-wait", "2024-03-01")
board("north", "n1")
board("void", "n1")
for n, number in enumerate(sorted(owned["north"])[::4]):
    win("north", number, f"2024-0{n % 9 + 1}-20")
for number in sorted(owned["south"])[::5]:
    win("south", number, "2024-05-05")
win("north", sorted(owned["north"])[0], "2024-09-09")
lost = sorted(owned["north"])[1::6]
lose("north", lost[:4], "2024-04-04", reason="price")
lose("north", lost, "2024-06-06", reason="timing")
lose("south", [*sorted(owned["south"])[1:4], *lost], "2024-06-07")
lose("south", [], "2024-06-07")
move_deal("north", lost[0], "n1-wait", "2024-07-01")
reopen("north", lost[0])
reopen("north", lost[0])
reopen("south", sorted(owned["south"])[0])
raw_deal("north", lost[0])
for slug in ("north", "south", "tiny"):
    outcomes(slug)
number = sorted(owned["south"])[7]
reprice_deal("south", number, amount=12000.5, discount=0.25)
reprice_deal("south", number, discount=0.1)
reprice_deal("south", number, title="Repriced")
reprice_deal("south", number)
deal("south", number)
body = {"tenant": "south", "number": number, "amount": "much"}
case.refuse("reprice_deal", body, *mistyped("amount", "F64", "string"))
case.refuse("reprice_deal", {"tenant": "south", "number": -1}, *out_of_range("number", "U64", -1))
share_deal("south", number, "u2@south.example", 0.5)
share_deal("south", number, "u5@south.example", 0.25)
share_deal("south", number, "u2@south.example", 0.75)
case.refuse("share_deal", {"tenant": "south", "number": number, "email": "u5@north.example", "share": 0.25}, *NOTHING)
deal("south", number)
source = next(d["number"] for d in deals_of_tenant("north") if len(out([d], "Line")) > 2)
copy_deal("north", source, 9001, "2024-07-07")
body = {"tenant": "north", "number": source, "new_number": 9001, "opened": "2024-07-07"}
case.refuse("copy_deal", body, *taken("number"))
deal("north", 9001)
lines("north", 9001)
lines("north", source)
lines("south", 9001)
forecast("north", "2024-03-01", "2024-06-01")
for slug in ("south", "tiny"):
    forecast(slug, "2024-01-01", "2025-01-01")
for slug, before in (("north", "2023-03-01"), ("south", "2023-06-15"), ("south", "2020-01-01")):
    stalled(slug, before)
for slug, who in (("north", "u3@north.example"), ("south", "u2@south.example"), ("south", "u3@north.example")):
    deals_of(slug, who)
for slug, code in (("north", "n-a00"), ("north", "n-a23"), ("south", "s-a04"), ("south", "n-a00")):
    deals_at(slug, code)
for slug in ("north", "south", "void"):
    sellers(slug)
for slug, least in (("north", 0.0), ("north", 0.75), ("south", 0.5), ("void", 0.0)):
    attainment(slug, least)
quota_left("north", next(u["email"] for u in users_of("north") if u["quota"] > 0 and out([u], "Owns")))
case.refuse("quota_left", {"tenant": "north", "email": users_of("north", quota=0.0)[0]["email"]}, *ZERO)
quota_left("north", "u0@south.example")
for slug, n in (("north", 4), ("south", 127), ("void", 3)):
    best_sellers(slug, n)
case.refuse("best_sellers", {"tenant": "north", "n": -1}, *BAD_RANGE)
case.refuse("best_sellers", {"tenant": "north", "n": 128}, *out_of_range("n", "I8", 128))
for slug in ("north", "tiny"):
    unsold(slug)
below_list("south")
set_price("south", "s-p0", 1000.25)
set_price("south", "s-p9", 1.0)
below_list("south")
below_list("void")
found = 0
for skus in itertools.combinations([f"n-p{n}" for n in range(8)], 2):
    if found < 6 and any(set(skus) <= set(values(out([d], "Line"), "sku")) for d in deals_of_tenant("north")):
        found += bought_together("north", *skus)
bought_together("north", "n-p0", "s-p0")
bought_together("north")
for slug in ("north", "south"):
    not_involved(slug)

# Activities and notes.

for slug, count in (("north", 70), ("south", 40)):
    log(slug, [new_activity(slug[0], n, slug, TEAM[slug]) for n in range(count)])
row = new_activity("s", 99, "south", TEAM["south"])
case.refuse("log", {"tenant": "south", "activities": [row, {**row, "key": "s-w000"}]}, *taken("key"))
case.refuse("log", {"tenant": "south", "activities": [{**row, "deal": 1001}]}, *NOTHING)
case.refuse("log", {"tenant": "south", "activities": [{**row, "by": "u0@north.example"}]}, *NOTHING)
case.refuse("log", {"tenant": "south", "activities": [{**row, "due": "2024-13-01"}]}, *mistyped(
    "activities.due", "Date", "a string that is no date (`2024-05-01` or `2024-05-01T12:00:00Z`)"))
for n in range(0, 70, 3):
    complete("north", f"n-w{n:03}", **({"minutes": n} if n % 2 else {}))
complete("south", "s-w001", minutes=65535)
complete("south", "s-w002", minutes=0)
agenda("north", "u2@north.example", "2024-01-01", "2024-07-01")
agenda("south", "u0@south.example", "2024-01-01", "2025-01-01")
agenda("south", "u2@north.example", "2024-01-01", "2025-01-01")
overdue("north", "2024-04-01")
overdue("south", "2024-01-01")
for slug in ("north", "south", "void"):
    time_spent(slug)
    work_kinds(slug)
for number in sorted(owned["north"])[:2]:
    activities_on("north", number)
postpone("north", ["n-w001", "n-w000", "n-w002", "s-w003"], "2024-12-24")
postpone("north", ["n-w000"], "2024-12-24")
busy = into(work_of("north", key="n-w001"), "Logged")[0]["email"]
agenda("north", busy, "2024-12-24", "2024-12-25")
hand_over("north", "u2@north.example", "u3@north.example")
hand_over("north", "u3@north.example", "u3@north.example")
agenda("north", "u2@north.example", "2024-01-01", "2025-01-01")
overdue("north", "2024-03-01")
for slug in ("north", "south", "tiny"):
    untouched(slug)
person = out(work_of("north"), "Meets")[0]["email"]
met("north", person)
met("south", person)

search_notes("north", "warranty", 3)
for n in range(34):
    slug = rng.choice(["north", "north", "south"])
    write_note(slug, f"{slug[0]}-n{n:02}", note_text(), rng.choice(TEAM[slug])["email"],
               f"{slug[0]}-a{rng.randrange(0, 8):02}", day(2024, 2024))
body = {"tenant": "south", "key": "s-n99", "text": "Lost.", "by": "u0@south.example", "code": "s-a00"}
body |= {"at": "2024-08-08"}
case.refuse("write_note", {**body, "key": values(net.all("Note"), "key")[0]}, *taken("key"))
case.refuse("write_note", {**body, "code": "n-a00"}, *NOTHING)
case.refuse("write_note", {**body, "by": "u0@north.example"}, *NOTHING)
for n in (1, 3):
    notes_on("north", f"n-a0{n}")
    notes_on("south", f"s-a0{n}")
note = into(accounts_of_tenant("north", code="n-a03"), "NoteOn")[0]["key"]
pin_note("north", note, True)
notes_on("north", "n-a03")
pin_note("north", note, False)
edit_note("north", note, "The zeppelin contract, unique and rare.")
for slug in ("north", "south"):
    search_notes(slug, "invoice", 40)
    search_notes(slug, "renewal budget", 5)
    search_notes(slug, "ZEPPELIN", 5)
    search_notes(slug, "of", 5)
    search_notes(slug, "sensor sooner training", 0)
search_notes("west", "invoice", 40)
case.refuse("search_notes", {"tenant": "north", "text": "invoice", "k": -5}, *NEGATIVE_K)
for slug, since in (("north", "2024-06-01"), ("south", "2024-01-01"), ("south", "2025-01-01")):
    authors(slug, since)

# Each asks for what is the other's.

leaks()
for slug in ("north", "south"):
    strangers(slug)
apart("south", "north")
apart("north", "south")
for slug in ("north", "south"):
    summary(slug)
census()

# Things go.

delete_contact("north", PEOPLE["north"][5]["email"])
delete_contact("north", PEOPLE["north"][5]["email"])
contact("north", PEOPLE["north"][5]["email"])
delete_deal("north", source)
deal("north", source)
lines("north", 9001)
untouched("north")
drop_lost("north", "2024-05-01")
drop_lost("north", "2024-05-01")
drop_lost("south", "2025-01-01")
outcomes("north")
clear_done("north")
time_spent("north")
work_kinds("north")
drop_notes("north", "2024-07-01")
drop_notes("void", "2024-07-01")
search_notes("north", "invoice", 40)
search_notes("south", "invoice", 40)
gone = deals_of_tenant("south")[0]
owner = into([gone], "Owns")[0]["email"]
remove_user("south", owner)
user("south", owner)
deal("south", gone["number"])
deals_of("south", owner)
sellers("south")
unmanaged("south")
census()
delete_account("north", "n-a01")
account("north", "n-a05")
above("north", "n-a05")
group_of("north", "n-a00")
delete_account("north", "n-a20")
contact("north", address)
leaks()
census()

# An account changes hands, and takes its deals along.

moved = next(a["code"] for a in accounts_of_tenant("south") if len(into([a], "For")) > 1 and out([a], "Tagged"))
transfer("nothing", "south", "north")
transfer(moved, "north", "south")
transfer(moved, "south", "west")
transfer(moved, "south", "tiny")
account("south", moved)
account("tiny", moved)
deals_at("tiny", moved)
deals_at("south", moved)
strangers("tiny")
strangers("south")
lookalikes("tiny", moved, 5)
leaks()
all_tenants()

# Tenants change and go.

case.ask("change_plan", {"slug": "tiny", "plan": "gold", "seats": 50}, {"tenant": {"plan": "gold", "seats": 50}})
change(tenants("tiny"), plan="gold", seats=50)
case.ask("change_plan", {"slug": "tiny", "plan": "silver"}, {"tenant": {"plan": "silver", "seats": 50}})
change(tenants("tiny"), plan="silver")
case.refuse("change_plan", {"slug": "west", "plan": "gold"}, *NOTHING)
change(tenants("void"), active=False)
case.ask("set_active", {"slug": "void", "active": False}, {"tenant": False, "data": 3})
case.refuse("set_active", {"slug": "west", "active": False}, *NOTHING)
tenants_on("silver", "free")
change(tenants("void"), slug="empty")
case.ask("rename_tenant", {"slug": "void", "new_slug": "empty"}, {"tenant": {"slug": "empty", "name": "Nobody Home"}})
case.refuse("rename_tenant", {"slug": "empty", "new_slug": "north"}, *taken("slug"))
case.refuse("rename_tenant", {"slug": "void", "new_slug": "empty"}, *NOTHING)
tenant("empty")
tenant("void")
drop_tenant("north")
case.refuse("drop_tenant", {"slug": "north"}, *NOTHING)
all_tenants()
census()
leaks()
summary("south")
summary("north")
users("north", 0, 99)
raw_account("north", "n-a00")
accounts("south", 0, 99)
deals("south", "open", 0, 99)
tags("south")
search_notes("south", "invoice renewal", 40)
shaped_like("south", shape, 5)
oldest_role("seller")
oldest_role("robot")
namesakes("Ek")
create_tenant("north", "North Again")
summary("north")
add_users("south", [{**TEAM["north"][0], "role": "seller"}])
drop_tenant("south")
drop_tenant("tiny")
drop_tenant("empty")
drop_tenant("north")
census()
all_tenants()

case.main()

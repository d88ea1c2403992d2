"""The published Python client, unmodified, against a running instance: python.py PORT."""

import sys

import helix
from helix.client import HelixNoValueFoundError, HelixRequestError


class follow(helix.Query):
    """A query object, whose class name is the endpoint."""

    def __init__(self, follower, followed):
        super().__init__()
        self.follower, self.followed = follower, followed

    def query(self):
        return [{"follower": self.follower, "followed": self.followed}]

    def response(self, response):
        return response


def fails(kind, status, call):
    try:
        answer = call()
    except kind as error:
        assert error.status_code == status, (error.status_code, status)
        return str(error)
    raise AssertionError(f"no {kind.__name__}: {answer}")


db = helix.Client(local=True, port=int(sys.argv[1]), verbose=False)

# Create and read.
[created] = db.query("create_user", {"email": "ann@x", "name": "Ann", "age": 31})
user = created["user"]
assert user["label"] == "User" and user["name"] == "Ann" and user["age"] == 31, created
assert user["joined"].endswith("+00:00"), created
[read] = db.query("get_user", {"email": "ann@x"})
assert read == created, (read, created)
[by_id] = db.query("get_by_id", {"id": user["id"]})
assert by_id == {"user": {"name": "Ann", "age": 31}}, by_id

# Many payloads are one request each.
answers = db.query("create_user", [{"email": f"u{n}@x", "name": f"U{n}", "age": n} for n in range(5)])
assert [answer["user"]["age"] for answer in answers] == list(range(5)), answers
[users] = db.query("list_users")
assert len(users["users"]) == 6, users

# A query object.
[edge] = db.query(follow("ann@x", "u1@x"))
assert edge["e"]["label"] == "Follows" and edge["e"]["from_node"] == user["id"], edge

# Update and drop.
[updated] = db.query("set_age", {"email": "ann@x", "age": 32})
assert updated["user"]["age"] == 32, updated
assert db.query("drop_user", {"email": "u4@x"}) == [None]
[users] = db.query("list_users")
assert len(users["users"]) == 5, users

# What goes wrong.
fails(HelixNoValueFoundError, 404, lambda: db.query("get_user", {"email": "nobody@x"}))
assert "Node not found" in fails(HelixRequestError, 404, lambda: db.query("get_by_id", {"id": "00000000-0000-0000-0000-000000000000"}))
assert "expected U8, got string" in fails(HelixRequestError, 400, lambda: db.query("set_age", {"email": "ann@x", "age": "old"}))
assert "missing field" in fails(HelixRequestError, 400, lambda: db.query("set_age", {"email": "ann@x"}))
assert "Duplicate key" in fails(HelixRequestError, 409, lambda: db.query("create_user", {"email": "ann@x", "name": "A", "age": 1}))
assert "NOT_FOUND" in fails(HelixRequestError, 404, lambda: db.query("no_such_query", {}))
[users] = db.query("list_users")
assert len(users["users"]) == 5, users

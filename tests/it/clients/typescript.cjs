// The published TypeScript client, unmodified, against a running instance: typescript.cjs PORT.
const assert = require("node:assert/strict");
const { HelixDB } = require("helix-ts");

async function main() {
  const db = new HelixDB(`http://127.0.0.1:${process.argv[2]}`);

  // Create and read.
  const { user } = await db.query("create_user", { email: "zoe@x", name: "Zoë", age: 40 });
  assert.equal(user.label, "User");
  assert.equal(user.name, "Zoë");
  assert.deepEqual(await db.query("get_user", { email: "zoe@x" }), { user });
  assert.deepEqual(await db.query("get_by_id", { id: user.id }), { user: { name: "Zoë", age: 40 } });

  // A query without parameters and without a body.
  const { users } = await db.query("list_users");
  assert.ok(users.some((other) => other.name === "Zoë"));

  // Update and drop.
  assert.equal((await db.query("set_age", { email: "zoe@x", age: 41 })).user.age, 41);
  assert.equal(await db.query("drop_user", { email: "zoe@x" }), null);

  // The client never checks the status, so that errors must be JSON objects.
  const missing = await db.query("get_user", { email: "zoe@x" });
  assert.deepEqual(missing, { error: "Graph error: No value found", code: "GRAPH_ERROR" });
  const bad = await db.query("set_age", { email: "zoe@x", age: 300 });
  assert.match(bad.error, /^Decode error: /);
  const unknown = await db.query("no_such_query", {});
  assert.deepEqual(unknown, { error: "Couldn't find `no_such_query` of type Query", code: "NOT_FOUND" });
}

main();

N::User { name: String, age: U8, city: String, tags: [String] }
N::Doc { name: String, text: String }
V::Passage { of: String }
E::Follows { From: User, To: User, Properties: { since: I32 } }
E::Embedded { From: Doc, To: Passage }

QUERY setup() =>
    ann <- AddN<User>({ name: "ann", age: 31, tags: ["x", "y"] })
    bob <- AddN<User>({ name: "bob", age: 40, city: "Oslo", tags: ["y"] })
    cat <- AddN<User>({ name: "cat", age: 20, city: "Oslo", tags: ["z"] })
    AddE<Follows>({ since: 2019 })::From(ann)::To(bob)
    AddE<Follows>({ since: 2020 })::From(ann)::To(cat)
    AddE<Follows>({ since: 2021 })::From(bob)::To(cat)
    one <- AddN<Doc>({ name: "one", text: "graph databases and graph queries in databases" })
    two <- AddN<Doc>({ name: "two", text: "a graph of friends" })
    first <- AddV<Passage>([1.0, 0.0], { of: "one" })
    second <- AddV<Passage>([0.0, 1.0], { of: "two" })
    AddE<Embedded>::From(one)::To(first)
    AddE<Embedded>::From(two)::To(second)
    RETURN NONE

#[mcp]
QUERY older(than: U8, city?: String) =>
    users <- N<User>::WHERE(_::{age}::GT(than))::{name}
    RETURN users

#[mcp]
QUERY add(name: String, age: U8) =>
    user <- AddN<User>({ name: name, age: age })
    RETURN user::{name, age}

QUERY find(text: String) =>
    docs <- SearchBM25<Doc>(text, 5)
    RETURN docs::{name}

N::User { UNIQUE INDEX email: String, name: String, age: U8, score: F64 }
E::Follows { From: User, To: User }
V::Doc { title: String }
QUERY load(rows: [{ email: String, name: String, age: U8, score: F64 }]) =>
    FOR { email, name, age, score } IN rows { AddN<User>({ email: email, name: name, age: age, score: score }) }
    RETURN NONE
QUERY link(pairs: [{ a: String, b: String }]) =>
    FOR { a, b } IN pairs {
        x <- N<User>({ email: a })
        y <- N<User>({ email: b })
        AddE<Follows>::From(x)::To(y)
    }
    RETURN NONE
QUERY constant() => RETURN NONE
QUERY follow(a: ID, b: ID) =>
    edge <- AddE<Follows>::From(a)::To(b)
    RETURN edge
QUERY add(email: String, name: String, age: U8) =>
    user <- AddN<User>({ email: email, name: name, age: age })
    RETURN user
QUERY id(email: String) =>
    user <- N<User>({ email: email })
    RETURN user::ID
QUERY by_id(id: ID) =>
    user <- N<User>(id)
    RETURN user
QUERY by_index(email: String) =>
    user <- N<User>({ email: email })
    RETURN user
QUERY one_hop(id: ID) =>
    users <- N<User>(id)::Out<Follows>
    RETURN users::{name, age}
QUERY two_hop_count(id: ID) =>
    n <- N<User>(id)::Out<Follows>::Out<Follows>::COUNT
    RETURN n
QUERY filter(min: U8) =>
    n <- N<User>::WHERE(_::{age}::GT(min))::COUNT
    RETURN n
QUERY filter_more(min: U8, score: F64) =>
    users <- N<User>::WHERE(AND(_::{age}::GT(min), OR(_::{score}::LT(score), _::{name}::CONTAINS("99"))))
    RETURN users::{ name, age, points: MUL(_::{score}, 2.0) }
QUERY sum_of_hops(min: U8) =>
    n <- N<User>::WHERE(_::{age}::LT(min))::Out<Follows>::WHERE(_::{age}::GTE(min))::COUNT
    RETURN n
QUERY order() =>
    users <- N<User>::ORDER<Desc>(_::{score})::RANGE(0, 10)
    RETURN users::{name}
QUERY add_doc(v: [F64], title: String) =>
    doc <- AddV<Doc>(v, { title: title })
    RETURN doc::ID
QUERY load_docs(rows: [{ v: [F64], title: String }]) =>
    FOR { v, title } IN rows { AddV<Doc>(v, { title: title }) }
    RETURN NONE
QUERY near(v: [F64]) =>
    docs <- SearchV<Doc>(v, 10)
    RETURN docs::{title, score}

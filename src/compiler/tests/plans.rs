//! What constructs mean: snapshots of the plans that they become.

use super::compile_text;
use crate::compiler::explain;

const SCHEMA: &str = r"
N::User { UNIQUE INDEX email: String, INDEX age: U8, name: String, ratio: F32, born: Date, owner: ID, active: Boolean,
          tags: [String], weights: [F64] }
N::City { name: String }
V::Doc { title: String }
E::Follows { From: User, To: User, Properties: { since: Date, weight: F64 } }
E::Lives { From: User, To: City }
E::Wrote { From: User, To: Doc }
";

/// The source of the queries, and the plan below.
fn plan(queries: &str) -> String {
    let (_, compiled) = compile_text(&format!("{SCHEMA}{queries}"));
    let messages: Vec<_> = compiled.diagnostics.iter().map(|found| (found.code, found.message.as_str())).collect();
    assert_eq!(messages, [], "in {queries}");
    let program = compiled.program.expect("a program without diagnostics is built");
    format!("{}\n\n{}", queries.trim(), explain::program(&program))
}

macro_rules! plans {
    ($($(#[$doc:meta])* $name:ident $queries:literal)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(plan($queries)) });
        }
    )*};
}

plans! {
    sources_by_type_id_and_index r#"
QUERY a(id: ID) => RETURN {a: N<User>(id), b: E<Follows>}
QUERY b(ids: [ID], x: ID) =>
    many <- N<User>(ids)
    two <- N<User>(x, "1f0e3e9c-5b1a-6c40-8f00-010203040506")
    edge <- E<Follows>(x)
    doc <- V<Doc>(x)::{data}
    RETURN many, two, edge, doc
QUERY c(email: String, n: I32) =>
    by_text <- N<User>({email: email})
    by_number <- N<User>({age: n})
    by_literal <- N<User>({age: 30})
    RETURN by_text, by_number, by_literal
QUERY d(user: ID) =>
    u <- N<User>(user)
    again <- N<User>(u)
    RETURN again
"#
    literals_take_the_type_of_their_place r#"
QUERY a() =>
    u <- AddN<User>({ age: 30, ratio: 1, born: "2024-05-01", active: true, tags: ["a"], weights: [1.0, 2.5],
                      owner: "1f0e3e9c-5b1a-6c40-8f00-010203040506", name: NONE })
    i <- 5
    long <- 3000000000
    huge <- 340282366920938463463374607431768211455
    negative <- -1
    f <- 1e-3
    list <- [1, 3000000000]
    RETURN u, i, long, huge, negative, f, list
QUERY b() =>
    a <- N<User>::WHERE(_::{ratio}::EQ(0.1))
    b <- N<User>::WHERE(_::{ratio}::GT(1))
    c <- N<User>::WHERE(_::{born}::LT("2024-05-01T12:00:00+02:00"))
    d <- N<User>::WHERE(_::{age}::IS_IN([1, 2]))
    RETURN a, b, c, d
"#
    comparisons r#"
QUERY a(name: String, names: [String], id: ID) =>
    many <- N<User>::WHERE(_::Out<Follows>::{name}::EQ(name))
    count <- N<User>::WHERE(_::Out<Follows>::COUNT::GT(2))
    member <- N<User>::WHERE(_::{name}::IS_IN(names))
    part <- N<User>::WHERE(_::{name}::CONTAINS("x"))
    element <- N<User>::WHERE(_::{tags}::CONTAINS(name))
    self <- N<User>::WHERE(_::ID::NEQ(id))
    other <- N<User>::WHERE(_::{name}::EQ(N<City>::{name}))
    math <- N<User>::WHERE(ADD(_::{age}, 1)::GTE(18))
    inner <- N<User>::WHERE(EXISTS(_::OutE<Follows>::WHERE(_::{weight}::LTE(0.5))))
    RETURN many, count, member, part, element, self, other, math, inner
"#
    booleans r#"
QUERY a(flag: Boolean, name: String) =>
    property <- N<User>::WHERE(_::{active})
    parameter <- N<User>::WHERE(flag)
    constant <- N<User>::WHERE(true)
    negated <- N<User>::WHERE(AND(!EXISTS(_::Out<Follows>), !AND(_::{active}, flag), OR(flag, _::{name}::EQ(name))))
    both <- AND(flag, true)
    any <- EXISTS(N<User>)
    truth <- N<User>::{age}::GT(3)
    RETURN property, parameter, constant, negated, both, any, truth
"#
    one_field_is_a_value_several_are_an_object r#"
QUERY a(id: ID) =>
    user <- N<User>(id)
    name <- user::{name}
    names <- N<User>::{name}
    ids <- N<User>::ID
    renamed <- N<User>::{alias: email}
    both <- user::{id, age}
    RETURN { name: name, names: names, ids: ids, renamed: renamed, direct: user::{name}, both: both, later: both::{email} }
"#
    nested_traversals_keep_their_published_shapes r#"
QUERY a() =>
    users <- N<User>
    RETURN users::|u|{ plain: u::{name}, id: u::ID, whole: u, items: u::Out<Follows>, one_key: u::Out<Follows>::{name},
        ids: u::Out<Follows>::ID, objects: _::Out<Follows>::{name, age}, first: u::Out<Follows>::FIRST::{name},
        count: u::In<Follows>::COUNT, truth: u::{age}::GT(3), deep: u::Out<Follows>::|v|{ name, back: v::Out<Lives>::{name} } }
QUERY b() =>
    edges <- E<Follows>
    RETURN edges::{ since, from: _::FromN, name: _::FromN::{name}, to: ::ToN::{name, age}, fixed: 1, nested: { w: weight } }
"#
    spread_and_exclude_become_explicit_keys r#"
QUERY a(name: String) =>
    cities <- N<City>
    RETURN { all: cities::{..}, renamed: cities::{ who: id, .. }, without: cities::!{id}, spread: cities::!{id}::{ n: _::In<Lives>::COUNT, .. },
        cut: cities::!{label}::RANGE(0, 2), moved: cities::!{name}::In<Lives>::{name} }
"#
    steps_that_shape_the_stream r#"
QUERY a(start: I64, end: U8) =>
    cut <- N<User>::RANGE(start, end)
    sorted <- N<User>::ORDER<Desc>(_::{age})::ORDER<Asc>(_::Out<Follows>::COUNT)::RANGE(0, 10)
    first <- N<User>::FIRST::{name}
    count <- N<User>::COUNT
    ends <- N<User>::OutE<Follows>::ToN
    docs <- N<User>::Out<Wrote>::In<Wrote>
    RETURN cut, sorted, first, count, ends, docs
"#
    vectors_and_embeddings r#"
QUERY a(v: [F64], text: String, k: I32) =>
    doc <- AddV<Doc>(v, { title: text })
    near <- SearchV<Doc>(Embed(text), k)::WHERE(_::{score}::LT(0.5))
    exact <- N<User>::Out<Wrote>::SearchV<Doc>([1, 0.5], 5)
    made <- AddV<Doc>(Embed("constant"))
    changed <- V<Doc>::WHERE(_::{title}::EQ(text))::UpsertV(v, { title: text })
    RETURN doc, near, exact, made, changed
"#
    edges_between_ids_and_items r#"
QUERY a(x: ID, y: ID, ids: [ID]) =>
    users <- N<User>
    one <- AddE<Follows>({ weight: 1 })::To(x)::From(y)
    fan <- AddE<Follows>::From(x)::To(users)
    by_ids <- AddE<Follows>::From(N<User>(ids))::To("1f0e3e9c-5b1a-6c40-8f00-010203040506")
    merged <- E<Follows>::UpsertE({ weight: 2.0 })::From(x)::To(y)
    RETURN one, fan, by_ids, merged
"#
    writes r#"
QUERY a(id: ID, name: String) =>
    u <- N<User>(id)::UPDATE({ name: name, born: NOW })
    p <- N<User>::WHERE(_::{name}::EQ(name))::UpsertN({ name: name, age: ADD(u::{age}, 1) })::{name, age}
    N<User>({email: name})::UPDATE({ name: NONE })
    AddN<City>
    DROP N<User>(id)::OutE<Follows>
    DROP u
    RETURN p
"#
    loops_bind_elements_members_and_items r#"
QUERY a(rows: [{ title: String, kids: [{ n: U8 }] }], ids: [ID]) =>
    FOR { kids, title } IN rows {
        city <- AddN<City>({ name: title })
        FOR kid IN kids {
            AddN<User>({ age: kid::{n} })
        }
    }
    FOR id IN ids {
        city <- N<City>(id)
    }
    users <- N<User>
    FOR user IN users {
        DROP user::Out<Lives>
    }
    RETURN NONE
"#
    responses r#"
QUERY a(x: String) =>
    users <- N<User>
    RETURN users, x, NONE, "ok"
QUERY b() => RETURN 5
QUERY c() => RETURN NONE
QUERY d() =>
    users <- N<User>
    RETURN { people: users::WHERE(_::{age}::GT(3))::{name}, n: users::COUNT }
"#
    math_keeps_integers_whole r#"
QUERY a(n: I32) =>
    users <- N<User>
    quotient <- DIV(n, 2)
    float <- DIV(n, 2.0)
    root <- SQRT(n)
    text <- ADD("a", "b")
    RETURN quotient, float, root, text, users::{ name, double: MUL(_::{ratio}, _::{ratio}), kept: MAX(ABS(_::{age}), n), mean: DIV(_::Out<Follows>::{ratio}, _::Out<Follows>::COUNT) }
"#
    reads_by_id_are_short_and_scans_long r#"
QUERY by_id(id: ID) => RETURN N<User>(id)
QUERY by_index(email: String) => RETURN N<User>({email: email})::{name}
QUERY with_value(email: String) => RETURN N<User>::WHERE(AND(_::{age}::GT(3), _::{email}::EQ(email)))
QUERY degree(id: ID) => RETURN N<User>(id)::Out<Follows>::COUNT
QUERY first_page(id: ID) => RETURN N<User>(id)::Out<Follows>::RANGE(0, 20)
QUERY any(id: ID) => RETURN N<User>(id)::WHERE(EXISTS(_::Out<Follows>))
QUERY neighbours(id: ID) => RETURN N<User>(id)::Out<Follows>
QUERY friends_of_friends(id: ID) => RETURN N<User>(id)::Out<Follows>::Out<Follows>::COUNT
QUERY scan() => RETURN N<User>::COUNT
QUERY many(ids: [ID]) => RETURN N<User>(ids)
QUERY search(v: [F64]) => RETURN SearchV<Doc>(v, 1)
"#
    text_search r#"
QUERY a(text: String, k: I32) =>
    users <- SearchBM25<User>(text, k)::WHERE(_::{score}::GT(1.5))
    cities <- SearchBM25<City>(users::FIRST::{name}, 3)::In<Lives>
    RETURN users::{name, score}, cities
"#
}

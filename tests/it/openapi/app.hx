N::User { UNIQUE INDEX email: String, name: String, age: U8, joined: Date DEFAULT NOW, tags: [String], big: U128 }
N::Post { title: String, likes: I32 DEFAULT 0 }
V::Doc { title: String }
E::Wrote { From: User, To: Post, Properties: { at: Date DEFAULT NOW } }

QUERY add_user(email: String, name: String, age: U8, nick?: String, born?: Date) =>
    user <- AddN<User>({ email: email, name: name, age: age, tags: ["new"] })
    RETURN user, nick, born

QUERY write(email: String, posts: [{ title: String, likes: I32 }]) =>
    author <- N<User>({ email: email })
    FOR { title, likes } IN posts {
        post <- AddN<Post>({ title: title, likes: likes })
        AddE<Wrote>::From(author)::To(post)
    }
    RETURN author::{name, email}

QUERY feed(min: U8) =>
    people <- N<User>::WHERE(_::{age}::GTE(min))::RANGE(0, 3)
    RETURN people::|p|{ who: p::{name}, big: p::{big}, posts: p::Out<Wrote>::{title, likes}, first: p::Out<Wrote>::FIRST }

QUERY by_id(id: ID) =>
    user <- N<User>(id)
    RETURN user

QUERY counts() =>
    users <- N<User>::COUNT
    ages <- N<User>::{age}
    RETURN { users: users, ages: ages }

QUERY sums(a: I64, b: F64, c: U128) =>
    whole <- ADD(ABS(a), 0)
    float <- MUL(b, 0.5)
    RETURN whole, float, c

QUERY edges() =>
    edges <- E<Wrote>::RANGE(0, 2)
    RETURN edges

QUERY whole() =>
    users <- N<User>::COUNT
    RETURN { all: { users: users, name: "x" } }

QUERY nothing() => RETURN NONE

// What is stored: nodes, edges between them, and vectors.

// A kind of node. A field is a name and a type; UNIQUE INDEX makes it findable and one of a kind.
N::User {
    UNIQUE INDEX email: String,
    name: String,
    age: U8,
    joined: Date DEFAULT NOW
}

// A kind of edge, from one node to another.
E::Follows {
    From: User,
    To: User,
    Properties: {
        since: Date DEFAULT NOW
    }
}

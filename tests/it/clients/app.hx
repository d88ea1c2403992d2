N::User {
    UNIQUE INDEX email: String,
    name: String,
    age: U8,
    joined: Date DEFAULT NOW
}

E::Follows { From: User, To: User }

QUERY create_user(email: String, name: String, age: U8) =>
    user <- AddN<User>({ email: email, name: name, age: age })
    RETURN user

QUERY get_user(email: String) =>
    user <- N<User>({ email: email })
    RETURN user

QUERY get_by_id(id: ID) =>
    user <- N<User>(id)
    RETURN user::{ name, age }

QUERY list_users() =>
    users <- N<User>
    RETURN users::{ name, age }

QUERY follow(follower: String, followed: String) =>
    a <- N<User>({ email: follower })
    b <- N<User>({ email: followed })
    e <- AddE<Follows>::From(a)::To(b)
    RETURN e

QUERY set_age(email: String, age: U8) =>
    user <- N<User>({ email: email })::UPDATE({ age: age })
    RETURN user

QUERY drop_user(email: String) =>
    DROP N<User>({ email: email })
    RETURN NONE

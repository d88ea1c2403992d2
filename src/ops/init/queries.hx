// What can be asked: each query is an endpoint, `POST /add_user` and so on.

// Adds a user.
//   helix query dev add_user --param name=Ann --param email=ann@example.com --param age=31
QUERY add_user(name: String, email: String, age: U8) =>
    user <- AddN<User>({ name: name, email: email, age: age })
    RETURN user

// Lets one user follow another, both given by their e-mail address.
QUERY follow(follower: String, followed: String) =>
    from <- N<User>({ email: follower })
    to <- N<User>({ email: followed })
    follows <- AddE<Follows>::From(from)::To(to)
    RETURN follows

// Who follows a user?
QUERY followers(email: String) =>
    user <- N<User>({ email: email })
    fans <- user::In<Follows>
    RETURN fans::{ name, email }

// All users, the youngest first.
QUERY users() =>
    users <- N<User>::ORDER<Asc>(_::{age})
    RETURN users::{ name, email, age }

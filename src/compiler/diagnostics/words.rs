//! Words that several families share.

use helix_plan::ItemKind;

/// The word for a kind of item.
pub(in crate::compiler) const fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Node => "node",
        ItemKind::Edge => "edge",
        ItemKind::Vector => "vector",
    }
}

/// The letter that declares a kind of item and starts a traversal over it.
pub(in crate::compiler) const fn letter(kind: ItemKind) -> char {
    match kind {
        ItemKind::Node => 'N',
        ItemKind::Edge => 'E',
        ItemKind::Vector => 'V',
    }
}

/// The names as a list for people: `a`, `b` and `c`; at most `limit` of them.
pub(in crate::compiler) fn list<'a>(names: impl IntoIterator<Item = &'a str>, limit: usize) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let shown = names.iter().take(limit).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    match shown.as_slice() {
        [] => "none".to_owned(),
        _ if names.len() > limit => format!("{} and {} more", shown.join(", "), names.len() - limit),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

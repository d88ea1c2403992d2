use super::*;

fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn hashes(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), hash(text))).collect()
}

/// `+a` is made, `=a` changed, `-a` removed; `!a` is a conflict.
fn told(base: &[(&str, &str)], local: &[(&str, &str)], remote: &[(&str, &str)], prefer: Prefer) -> String {
    let decision = decide(&hashes(base), &tree(local), &tree(remote), prefer);
    let list = |side: &str, all: &[Difference]| -> Vec<String> {
        all.iter().map(|one| format!("{side}{}{}", one.deed.sign(), one.path)).collect()
    };
    let conflicts = decision.conflicts.iter().map(|path| format!("!{path}"));
    list("pull ", &decision.pull)
        .into_iter()
        .chain(list("push ", &decision.push))
        .chain(conflicts)
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn whoever_changed_since_the_last_time_wins() {
    let old = &[("a", "1")][..];
    let new = &[("a", "2")][..];
    assert_eq!(told(old, old, new, Prefer::None), "pull =a");
    assert_eq!(told(old, new, old, Prefer::None), "push =a");
    assert_eq!(told(old, new, new, Prefer::None), "");
    assert_eq!(told(old, &[], old, Prefer::None), "push -a");
    assert_eq!(told(old, old, &[], Prefer::None), "pull -a");
    assert_eq!(told(old, &[], &[], Prefer::None), "");
}

#[test]
fn what_changed_at_both_sides_is_a_conflict() {
    let (old, here, there) = (&[("a", "1")][..], &[("a", "2")][..], &[("a", "3")][..]);
    assert_eq!(told(old, here, there, Prefer::None), "!a");
    assert_eq!(told(old, here, there, Prefer::Local), "push =a");
    assert_eq!(told(old, here, there, Prefer::Cloud), "pull =a");
    assert_eq!(told(old, &[], there, Prefer::None), "!a");
    assert_eq!(told(old, &[], there, Prefer::Local), "push -a");
    assert_eq!(told(old, here, &[], Prefer::Cloud), "pull -a");
}

#[test]
fn without_a_last_time_nothing_is_deleted() {
    let (here, there) = (&[("a", "1"), ("both", "x")][..], &[("b", "1"), ("both", "y")][..]);
    assert_eq!(told(&[], here, there, Prefer::None), "pull +b, push +a, !both");
}

proptest::proptest! {
    #[test]
    fn every_difference_is_decided_once_and_a_preference_leaves_no_conflict(
        base in proptest::collection::btree_map("[a-c]", "[0-2]", 0..3),
        local in proptest::collection::btree_map("[a-c]", "[0-2]", 0..3),
        remote in proptest::collection::btree_map("[a-c]", "[0-2]", 0..3),
        prefer in proptest::sample::select(vec![Prefer::Local, Prefer::Cloud, Prefer::None]),
    ) {
        let known: BTreeMap<String, String> = base.iter().map(|(path, text)| (path.clone(), hash(text))).collect();
        let decision = decide(&known, &local, &remote, prefer);
        let mut paths: Vec<&String> = decision.pull.iter().chain(&decision.push).map(|one| &one.path).chain(&decision.conflicts).collect();
        paths.sort();
        let differing: BTreeSet<&String> = local.keys().chain(remote.keys()).filter(|path| local.get(*path) != remote.get(*path)).collect();
        proptest::prop_assert_eq!(paths, differing.into_iter().collect::<Vec<_>>());
        proptest::prop_assert!(prefer == Prefer::None || decision.conflicts.is_empty());
        // In step, there is nothing more to do, and nothing is forgotten.
        let common = common(&known, &local, &local);
        proptest::prop_assert!(decide(&common, &local, &local, prefer).is_empty());
        proptest::prop_assert_eq!(common.len(), local.len());
    }
}

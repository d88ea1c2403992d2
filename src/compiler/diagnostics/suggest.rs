//! Finding the name that was probably meant.

/// Names longer than this are not compared, which bounds the work that one mistake can cause.
const MAX_LEN: usize = 64;

/// The candidate nearest to `name`, if one is near enough to be meant: another case, or few edits for the length.
///
/// Among equally near candidates the first wins, so the answer depends only on the order of `candidates`.
pub(in crate::compiler) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if name.len() > MAX_LEN {
        return None;
    }
    let limit = (name.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate.len() > MAX_LEN || candidate == name {
            continue;
        }
        let distance = if candidate.eq_ignore_ascii_case(name) {
            0
        } else if candidate.len().abs_diff(name.len()) > limit {
            continue;
        } else {
            strsim::osa_distance(name, candidate)
        };
        // A one-letter name is one edit away from every other one-letter name, which says nothing.
        if distance <= limit && distance < name.chars().count() && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

/// The help line for a misspelt name.
pub(super) fn did_you_mean(nearest: Option<String>) -> Option<String> {
    nearest.map(|name| format!("did you mean `{name}`?"))
}

//! Laws of vector search, on the store in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::storage::{Memory, Store};

const INDEX: u16 = 7;

/// Repeatable components between −1 and 1.
fn random_vector(seed: u64, dimension: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..dimension)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % 2_000) as f32 / 1_000.0 - 1.0
        })
        .collect()
}

fn brute_force(model: &BTreeMap<u64, Vec<f32>>, query: &[f32], k: usize) -> Vec<ItemId> {
    let mut all: Vec<(f32, u64)> =
        model.iter().map(|(id, data)| (cosine_distance(query, data).unwrap(), *id)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.into_iter().take(k).map(|(_, id)| ItemId(id)).collect()
}

/// A graph over `count` vectors, all linked.
fn filled(count: u64, dimension: usize, config: &VectorConfig) -> (Memory, BTreeMap<u64, Vec<f32>>, Vec<u32>) {
    let store = Memory::default();
    let mut model = BTreeMap::new();
    let mut slots = Vec::new();
    let mut txn = store.write().unwrap();
    for id in 0..count {
        let data = random_vector(id + 1, dimension);
        slots.push(insert(&mut txn, INDEX, config, ItemId(id), &data).unwrap());
        model.insert(id, data);
    }
    let mut meta = table::meta(&txn, INDEX).unwrap().unwrap();
    while meta.linked < meta.next_slot {
        graph::link(&mut txn, INDEX, config, &mut meta).unwrap();
    }
    table::put_meta(&mut txn, INDEX, &meta).unwrap();
    txn.commit().unwrap();
    (store, model, slots)
}

#[test]
fn the_graph_finds_what_brute_force_finds() {
    let config = VectorConfig { ef_search: 128, ..VectorConfig::default() };
    let (store, model, _) = filled(3_000, 16, &config);
    let txn = store.read().unwrap();
    let mut found = 0;
    for seed in 0..50 {
        let query = random_vector(90_000 + seed, 16);
        let hits = search_from(&txn, INDEX, &config, &query, 10, |_| Ok(true), 0).unwrap();
        assert_eq!(hits.len(), 10);
        assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
        let truth = brute_force(&model, &query, 10);
        found += hits.iter().filter(|hit| truth.contains(&hit.id)).count();
    }
    assert!(found >= 485, "recall@10 is {}", f64::from(found as u32) / 500.0);
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
}

#[test]
fn removed_and_refused_vectors_are_never_found_and_others_take_their_place() {
    let config = VectorConfig { ef_search: 32, ..VectorConfig::default() };
    let (store, mut model, slots) = filled(2_500, 8, &config);
    let mut txn = store.write().unwrap();
    for id in (0..2_500).step_by(3) {
        remove(&mut txn, INDEX, slots[id as usize]).unwrap();
        model.remove(&id);
    }
    for seed in 0..20 {
        let query = random_vector(70_000 + seed, 8);
        let hits = search_from(&txn, INDEX, &config, &query, 20, |id| Ok(id.0 % 2 == 0), 0).unwrap();
        assert_eq!(hits.len(), 20);
        assert!(hits.iter().all(|hit| hit.id.0 % 2 == 0 && model.contains_key(&hit.id.0)));
    }
    // More than there are: all of them, whatever the graph hides.
    let all = search_from(&txn, INDEX, &config, &random_vector(1, 8), 5_000, |_| Ok(true), 0).unwrap();
    assert_eq!(all.len(), model.len());
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
}

#[test]
fn too_many_dead_vectors_make_a_new_graph() {
    let config = VectorConfig::default();
    let (store, mut model, slots) = filled(4_500, 4, &config);
    let mut txn = store.write().unwrap();
    for id in 0..2_100_u64 {
        remove(&mut txn, INDEX, slots[id as usize]).unwrap();
        model.remove(&id);
    }
    let meta = table::meta(&txn, INDEX).unwrap().unwrap();
    assert_eq!((meta.live, meta.entry), (2_400, None), "the graph was dropped with its dead");
    assert!(meta.dead < 100, "{}", meta.dead);
    let query = random_vector(3, 4);
    let hits = search(&txn, INDEX, &config, &query, 10, |_| Ok(true)).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), brute_force(&model, &query, 10));
    for id in 10_000..12_000 {
        insert(&mut txn, INDEX, &config, ItemId(id), &random_vector(id, 4)).unwrap();
    }
    let meta = table::meta(&txn, INDEX).unwrap().unwrap();
    assert_eq!(meta.linked, meta.next_slot, "insertions caught up with the backlog");
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
}

#[test]
fn the_same_insertions_build_the_same_graph() {
    let config = VectorConfig::default();
    let links = |store: &Memory| {
        let txn = store.read().unwrap();
        let mut all = Vec::new();
        for slot in 0..2_200 {
            let mut links = Vec::new();
            table::links(&txn, INDEX, slot, 0, &mut links).unwrap();
            all.push(links);
        }
        all
    };
    let (a, b) = (filled(2_200, 4, &config).0, filled(2_200, 4, &config).0);
    assert_eq!(links(&a), links(&b));
}

#[test]
fn planted_damage_is_found() {
    let config = VectorConfig::default();
    let (store, _, slots) = filled(2_100, 4, &config);
    let mut txn = store.write().unwrap();
    table::put_links(&mut txn, INDEX, slots[0], 0, &[999_999]).unwrap();
    assert!(verify(&txn, INDEX).unwrap().iter().any(|finding| finding.contains("never used")));
    table::put_links(&mut txn, INDEX, slots[0], 0, &[]).unwrap();
    table::delete(&mut txn, INDEX, slots[5]).unwrap();
    let findings = verify(&txn, INDEX).unwrap();
    assert!(findings.iter().any(|finding| finding.contains("empty")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.contains("counts")), "{findings:?}");
}

#[test]
fn odd_vectors_are_refused_or_far_away() {
    let store = Memory::default();
    let config = VectorConfig::default();
    let mut txn = store.write().unwrap();
    assert!(insert(&mut txn, INDEX, &config, ItemId(1), &[]).is_err());
    assert!(insert(&mut txn, INDEX, &config, ItemId(1), &[f32::INFINITY]).is_err());
    insert(&mut txn, INDEX, &config, ItemId(1), &[0.0, 0.0]).unwrap();
    insert(&mut txn, INDEX, &config, ItemId(2), &[1e30, 1e30]).unwrap();
    let error = insert(&mut txn, INDEX, &config, ItemId(3), &[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "Graph error: Invalid vector length: 1, expected 2");
    let hits = search(&txn, INDEX, &config, &[1.0, 1.0], 5, |_| Ok(true)).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.id.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(hits[1].distance, 2.0);
    assert!(search(&txn, INDEX, &config, &[1.0, 1.0], 0, |_| Ok(true)).unwrap().is_empty());
    assert!(search(&txn, INDEX + 1, &config, &[1.0, 1.0], 5, |_| Ok(true)).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn small_indexes_answer_exactly(
        steps in prop::collection::vec((any::<bool>(), 0_u64..40), 1..80),
        query in prop::collection::vec(-1.0_f32..1.0, 3),
        k in 0_usize..20,
    ) {
        let store = Memory::default();
        let config = VectorConfig::default();
        let mut txn = store.write().unwrap();
        let mut model = BTreeMap::new();
        let mut slots = BTreeMap::new();
        for (add, id) in steps {
            if add && !model.contains_key(&id) {
                let data = random_vector(id + 1, 3);
                slots.insert(id, insert(&mut txn, INDEX, &config, ItemId(id), &data).unwrap());
                model.insert(id, data);
            } else if let Some(slot) = slots.remove(&id) {
                remove(&mut txn, INDEX, slot).unwrap();
                model.remove(&id);
            }
        }
        let hits = search(&txn, INDEX, &config, &query, k, |_| Ok(true)).unwrap();
        prop_assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), brute_force(&model, &query, k));
        prop_assert_eq!(live(&txn, INDEX).unwrap(), model.len() as u64);
        prop_assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
    }
}

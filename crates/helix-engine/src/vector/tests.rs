//! Laws of vector search, on the store in memory.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

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

/// Searches walk the graph, however few the vectors.
fn walking() -> VectorConfig {
    VectorConfig { exact_below: Some(0), ef_search: 128, ..VectorConfig::default() }
}

fn tend_all<W: WriteTxn>(txn: &mut W, config: &VectorConfig) {
    assert!(!tend(txn, INDEX, config, Instant::now() + Duration::from_secs(600)).unwrap());
    assert!(!wants_tending(txn, INDEX, config).unwrap());
}

fn recall(txn: &impl ReadTxn, config: &VectorConfig, model: &BTreeMap<u64, Vec<f32>>, dimension: usize) -> f64 {
    let mut found = 0;
    for seed in 0..50 {
        let query = random_vector(90_000 + seed, dimension);
        let hits = search(txn, INDEX, config, &query, 10, |_| Ok(true)).unwrap();
        assert_eq!(hits.len(), 10);
        assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
        let truth = brute_force(model, &query, 10);
        found += hits.iter().filter(|hit| truth.contains(&hit.id)).count();
    }
    f64::from(found as u32) / 500.0
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
    tend_all(&mut txn, config);
    txn.commit().unwrap();
    (store, model, slots)
}

#[test]
fn the_graph_finds_what_brute_force_finds() {
    let config = walking();
    let (store, model, _) = filled(3_000, 16, &config);
    let txn = store.read().unwrap();
    let recall = recall(&txn, &config, &model, 16);
    assert!(recall >= 0.97, "recall@10 is {recall}");
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
}

#[test]
fn removed_and_refused_vectors_are_never_found_and_others_take_their_place() {
    let config = VectorConfig { ef_search: 32, ..walking() };
    let (store, mut model, slots) = filled(2_500, 8, &config);
    let mut txn = store.write().unwrap();
    for id in (0..2_500).step_by(3) {
        remove(&mut txn, INDEX, &config, slots[id as usize]).unwrap();
        model.remove(&id);
    }
    for seed in 0..20 {
        let query = random_vector(70_000 + seed, 8);
        let hits = search(&txn, INDEX, &config, &query, 20, |id| Ok(id.0 % 2 == 0)).unwrap();
        assert_eq!(hits.len(), 20);
        assert!(hits.iter().all(|hit| hit.id.0 % 2 == 0 && model.contains_key(&hit.id.0)));
    }
    // More than there are: all of them, whatever the graph hides.
    let all = search(&txn, INDEX, &config, &random_vector(1, 8), 5_000, |_| Ok(true)).unwrap();
    assert_eq!(all.len(), model.len());
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_not_linked_yet_is_found_exactly() {
    let config = walking();
    let (store, mut model, _) = filled(1_000, 16, &config);
    let late = VectorConfig { exact_below: Some(1_000), ..config };
    let mut txn = store.write().unwrap();
    for id in 5_000..5_400 {
        let data = random_vector(id, 16);
        insert(&mut txn, INDEX, &late, ItemId(id), &data).unwrap();
        model.insert(id, data);
    }
    let meta = table::meta(&txn, INDEX).unwrap().unwrap();
    assert!(meta.linked < meta.next_slot && wants_tending(&txn, INDEX, &late).unwrap());
    for id in 5_000..5_400 {
        let hits = search(&txn, INDEX, &late, &model[&id], 1, |_| Ok(true)).unwrap();
        assert_eq!(hits[0].id, ItemId(id));
    }
}

#[test]
fn a_backlog_that_grows_too_long_is_linked_by_insertions() {
    let store = Memory::default();
    let config = VectorConfig { exact_below: Some(200), ..VectorConfig::default() };
    let mut txn = store.write().unwrap();
    for id in 0..1_000 {
        insert(&mut txn, INDEX, &config, ItemId(id), &random_vector(id, 4)).unwrap();
        let meta = table::meta(&txn, INDEX).unwrap().unwrap();
        assert!(meta.next_slot - meta.linked <= 201, "{meta:?}");
    }
}

#[test]
fn a_graph_from_the_first_vector_on_links_no_more_than_there_is() {
    let store = Memory::default();
    let config = walking();
    let mut txn = store.write().unwrap();
    for id in 0..50 {
        insert(&mut txn, INDEX, &config, ItemId(id), &random_vector(id, 4)).unwrap();
        let meta = table::meta(&txn, INDEX).unwrap().unwrap();
        assert!(meta.linked <= meta.next_slot, "{meta:?}");
    }
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
}

#[test]
fn a_vacuum_in_slices_frees_the_dead_and_keeps_the_graph_whole() {
    let config = walking();
    let (store, mut model, slots) = filled(3_000, 8, &config);
    let mut txn = store.write().unwrap();
    // Half of them, in a region of the slots and spread over all.
    for id in (0..3_000_u64).filter(|id| *id < 1_000 || id % 4 == 0) {
        remove(&mut txn, INDEX, &config, slots[id as usize]).unwrap();
        model.remove(&id);
    }
    let mut slices = 0;
    while tend(&mut txn, INDEX, &config, Instant::now() + Duration::from_millis(2)).unwrap() {
        assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
        slices += 1;
        // Vectors come and go meanwhile.
        let (new, data) = (10_000 + slices, random_vector(10_000 + slices, 8));
        insert(&mut txn, INDEX, &config, ItemId(new), &data).unwrap();
        model.insert(new, data);
    }
    assert!(slices > 1);
    let meta = table::meta(&txn, INDEX).unwrap().unwrap();
    assert_eq!((meta.live, meta.dead), (model.len() as u64, 0));
    let before = meta.next_slot;
    assert!(meta.free > 1_000);
    let recall = recall(&txn, &config, &model, 8);
    assert!(recall >= 0.97, "recall@10 is {recall}");
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
    // What was freed is used again, and found.
    for id in 20_000..21_000 {
        let data = random_vector(id, 8);
        insert(&mut txn, INDEX, &config, ItemId(id), &data).unwrap();
        assert_eq!(search(&txn, INDEX, &config, &data, 1, |_| Ok(true)).unwrap()[0].id, ItemId(id));
    }
    assert_eq!(table::meta(&txn, INDEX).unwrap().unwrap().next_slot, before);
}

#[test]
fn an_index_whose_vectors_are_all_removed_starts_anew() {
    let config = walking();
    let (store, _, slots) = filled(300, 4, &config);
    let mut txn = store.write().unwrap();
    for slot in slots {
        remove(&mut txn, INDEX, &config, slot).unwrap();
    }
    tend_all(&mut txn, &config);
    assert!(search(&txn, INDEX, &config, &[1.0; 4], 5, |_| Ok(true)).unwrap().is_empty());
    insert(&mut txn, INDEX, &config, ItemId(9), &[1.0; 4]).unwrap();
    assert_eq!(search(&txn, INDEX, &config, &[1.0; 4], 5, |_| Ok(true)).unwrap().len(), 1);
    let meta = table::meta(&txn, INDEX).unwrap().unwrap();
    assert_eq!((meta.next_slot, meta.live), (300, 1));
    assert!(meta.dead <= 64, "too few for a vacuum: {meta:?}");
}

#[test]
fn replacing_vectors_for_ever_takes_no_more_room() {
    let store = Memory::default();
    let config = VectorConfig::default();
    let mut txn = store.write().unwrap();
    let mut slot = insert(&mut txn, INDEX, &config, ItemId(1), &random_vector(1, 4)).unwrap();
    for round in 0..500 {
        remove(&mut txn, INDEX, &config, slot).unwrap();
        slot = insert(&mut txn, INDEX, &config, ItemId(1), &random_vector(round, 4)).unwrap();
    }
    assert_eq!(table::meta(&txn, INDEX).unwrap().unwrap().next_slot, 1);
}

#[test]
fn removals_keep_the_dead_few_where_the_writer_is_never_idle() {
    let config = walking();
    let (store, mut model, slots) = filled(400, 8, &config);
    let mut txn = store.write().unwrap();
    let mut present: VecDeque<(u64, u32)> = (0..400).zip(slots).collect();
    for id in 1_000..6_000_u64 {
        let (old, slot) = present.pop_front().unwrap();
        remove(&mut txn, INDEX, &config, slot).unwrap();
        model.remove(&old);
        let data = random_vector(id, 8);
        present.push_back((id, insert(&mut txn, INDEX, &config, ItemId(id), &data).unwrap()));
        model.insert(id, data);
        let meta = table::meta(&txn, INDEX).unwrap().unwrap();
        assert!(meta.dead < 2 * meta.live, "{meta:?}");
    }
    assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
    let recall = recall(&txn, &config, &model, 8);
    assert!(recall >= 0.97, "recall@10 is {recall}");
}

#[test]
fn the_same_insertions_build_the_same_graph() {
    let config = walking();
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
    let config = walking();
    let (store, _, slots) = filled(2_100, 4, &config);
    let mut txn = store.write().unwrap();
    table::put_links(&mut txn, INDEX, slots[0], 0, &[999_999]).unwrap();
    assert!(verify(&txn, INDEX).unwrap().iter().any(|finding| finding.contains("never used")));
    table::put_links(&mut txn, INDEX, slots[0], 0, &[]).unwrap();
    let meta = table::meta(&txn, INDEX).unwrap().unwrap();
    table::set_state(&mut txn, INDEX, &meta, slots[5], None).unwrap();
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
                remove(&mut txn, INDEX, &config, slot).unwrap();
                model.remove(&id);
            }
        }
        let hits = search(&txn, INDEX, &config, &query, k, |_| Ok(true)).unwrap();
        prop_assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), brute_force(&model, &query, k));
        prop_assert_eq!(counts(&txn, INDEX).unwrap().live, model.len() as u64);
        prop_assert_eq!(verify(&txn, INDEX).unwrap(), Vec::<String>::new());
    }
}

//! Distance kernels: plain loops that the compiler turns into vector instructions, chosen at run time.

use multiversion::multiversion;

/// Components that a loop takes at a time; independent sums keep the pipelines busy.
const LANES: usize = 32;

/// Products of norms within which sums of products in f32 neither overflow nor lose what counts.
const SAFE: std::ops::RangeInclusive<f32> = 1e-20..=1e30;

/// The cosine distance of a query from a stored vector, whose components are little-endian bytes. A zero vector is at distance 2
/// from everything.
#[inline]
pub(super) fn cosine(query: &[f32], query_norm: f32, stored: &[u8], stored_norm: f32) -> f32 {
    finish(dot_bytes(query, stored), query_norm, stored_norm)
        .unwrap_or_else(|| cosine_in_f64(query.iter().copied(), components(stored)))
}

/// The cosine distance of two vectors.
pub(super) fn cosine_slices(a: &[f32], a_norm: f32, b: &[f32], b_norm: f32) -> f32 {
    finish(dot(a, b), a_norm, b_norm).unwrap_or_else(|| cosine_in_f64(a.iter().copied(), b.iter().copied()))
}

/// The cosine distance of two stored vectors, whose components are little-endian bytes.
#[inline]
pub(super) fn cosine_stored(a: &[u8], a_norm: f32, b: &[u8], b_norm: f32) -> f32 {
    finish(dot_stored(a, b), a_norm, b_norm).unwrap_or_else(|| cosine_in_f64(components(a), components(b)))
}

/// `None` where the norms tell that the dot product may have overflowed or vanished.
#[inline]
fn finish(dot: f32, a_norm: f32, b_norm: f32) -> Option<f32> {
    if a_norm == 0.0 || b_norm == 0.0 {
        return Some(2.0);
    }
    let norms = a_norm * b_norm;
    SAFE.contains(&norms).then(|| (1.0 - (dot / norms).clamp(-1.0, 1.0)).max(0.0))
}

/// The cosine distance of two vectors, neither of them zero, whatever the size of their components.
#[cold]
fn cosine_in_f64(a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>) -> f32 {
    let (mut dot, mut a_square, mut b_square) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (a, b) in a.zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        dot += a * b;
        a_square += a * a;
        b_square += b * b;
    }
    (1.0 - (dot / (a_square.sqrt() * b_square.sqrt())).clamp(-1.0, 1.0)).max(0.0) as f32
}

fn components(stored: &[u8]) -> impl Iterator<Item = f32> {
    stored.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// The Euclidean norm.
pub(super) fn norm(data: &[f32]) -> f32 {
    // In f64, since squares of large components do not fit f32.
    data.iter().map(|component| f64::from(*component).powi(2)).sum::<f64>().sqrt() as f32
}

/// The dot product of two vectors.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    rest + total(&sums)
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn dot_bytes(query: &[f32], stored: &[u8]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (query, query_rest) = query.as_chunks::<LANES>();
    let (stored, stored_rest) = stored.as_chunks::<4>().0.as_chunks::<LANES>();
    let rest: f32 = query_rest.iter().zip(stored_rest).map(|(a, b)| a * f32::from_le_bytes(*b)).sum();
    for (a, b) in query.iter().zip(stored) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * f32::from_le_bytes(b[lane]);
        }
    }
    rest + total(&sums)
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn dot_stored(a: &[u8], b: &[u8]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a, a_rest) = a.as_chunks::<4>().0.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<4>().0.as_chunks::<LANES>();
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| f32::from_le_bytes(*a) * f32::from_le_bytes(*b)).sum();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += f32::from_le_bytes(a[lane]) * f32::from_le_bytes(b[lane]);
        }
    }
    rest + total(&sums)
}

/// The sum of the lanes, by halves: adding one by one would wait for each addition.
///
/// Not inlined, so that the lanes are memory there: inlined, the compiler carries the pairs of the last halving into the loops
/// and computes two lanes at a time.
#[inline(never)]
fn total(sums: &[f32; LANES]) -> f32 {
    let mut sums = *sums;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

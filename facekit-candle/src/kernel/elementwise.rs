//! Functions of pairs of values, on the calling thread. Candle's own functions wake a pool of threads.

use super::buffers::take_buffer;

/// The contribution of one of two tensors to a run, which covers the last dimensions of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// One value for each place of the run.
    Each,
    /// One value for the whole run.
    One,
}

/// Applies `function` to each pair of values, with both tensors broadcast to `shape`: each of their sizes is that of the shape,
/// or one.
pub(crate) fn broadcast_pairs(
    (a, a_dims): (&[f32], &[usize]),
    (b, b_dims): (&[f32], &[usize]),
    shape: &[usize],
    function: impl Fn(f32, f32) -> f32,
) -> Vec<f32> {
    let (a_dims, b_dims) = (aligned(a_dims, shape.len()), aligned(b_dims, shape.len()));
    let (a_run, b_run, lead) = longest_run(&a_dims, &b_dims, shape);
    let length: usize = shape[lead..].iter().product();
    let mut out = take_buffer(shape.iter().product());
    out.clear();
    let (a_starts, b_starts) = (starts(&a_dims, shape, lead), starts(&b_dims, shape, lead));
    for (a_start, b_start) in a_starts.into_iter().zip(b_starts) {
        let (a, b) = (&a[a_start..], &b[b_start..]);
        match (a_run, b_run) {
            (Side::Each, Side::Each) => {
                out.extend(
                    a[..length]
                        .iter()
                        .zip(&b[..length])
                        .map(|(&a, &b)| function(a, b)),
                );
            }
            (Side::Each, Side::One) => {
                let b = b[0];
                out.extend(a[..length].iter().map(|&a| function(a, b)));
            }
            (Side::One, Side::Each) => {
                let a = a[0];
                out.extend(b[..length].iter().map(|&b| function(a, b)));
            }
            (Side::One, Side::One) => out.extend(std::iter::repeat_n(function(a[0], b[0]), length)),
        }
    }
    out
}

/// The dimensions, preceded by dimensions of size one up to `rank`.
fn aligned(dims: &[usize], rank: usize) -> Vec<usize> {
    let mut aligned = vec![1; rank - dims.len()];
    aligned.extend(dims);
    aligned
}

/// The longest run of last dimensions in which each tensor contributes in one way: the ways of the two tensors, and the first
/// dimension of the run.
fn longest_run(a: &[usize], b: &[usize], shape: &[usize]) -> (Side, Side, usize) {
    let side = |dims: &[usize], axis: usize| match dims[axis] == shape[axis] {
        _ if shape[axis] == 1 => None,
        true => Some(Side::Each),
        false => Some(Side::One),
    };
    let (mut a_run, mut b_run) = (None, None);
    let mut lead = shape.len();
    while lead > 0 {
        let (a_next, b_next) = (side(a, lead - 1), side(b, lead - 1));
        let fits =
            |run: Option<Side>, next: Option<Side>| run.is_none() || next.is_none() || run == next;
        if !fits(a_run, a_next) || !fits(b_run, b_next) {
            break;
        }
        (a_run, b_run) = (a_run.or(a_next), b_run.or(b_next));
        lead -= 1;
    }
    (
        a_run.unwrap_or(Side::Each),
        b_run.unwrap_or(Side::Each),
        lead,
    )
}

/// The offset of each run in a tensor of these dimensions.
fn starts(dims: &[usize], shape: &[usize], lead: usize) -> Vec<usize> {
    let mut starts = vec![0];
    let mut stride: usize = dims[lead..].iter().product();
    let mut strides = vec![0; lead];
    for axis in (0..lead).rev() {
        strides[axis] = if dims[axis] == 1 { 0 } else { stride };
        stride *= dims[axis];
    }
    // In the order of the result: the last of the leading dimensions changes fastest.
    for axis in 0..lead {
        let places = |start: usize| (0..shape[axis]).map(move |place| (start, place));
        starts = starts
            .iter()
            .flat_map(|&start| places(start))
            .map(|(start, place)| start + place * strides[axis])
            .collect();
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(dims: &[usize]) -> Vec<f32> {
        (0..dims.iter().product()).map(|i| i as f32).collect()
    }

    /// The value of a tensor that is broadcast, at a place of the result.
    fn value_at(values: &[f32], dims: &[usize], place: &[usize]) -> f32 {
        let dims = aligned(dims, place.len());
        let flat = dims.iter().zip(place);
        values[flat.fold(0, |flat, (&size, &place)| flat * size + place.min(size - 1))]
    }

    #[test]
    fn tensors_are_broadcast() {
        let shape = [2, 3, 4];
        for a_dims in [
            &[2, 3, 4][..],
            &[1],
            &[3, 1],
            &[2, 1, 4],
            &[1, 1, 4],
            &[2, 1, 1],
        ] {
            for b_dims in [&[2, 3, 4][..], &[], &[4], &[3, 1], &[2, 3, 1], &[1, 3, 4]] {
                let (a, b) = (numbers(a_dims), numbers(b_dims));
                let found =
                    broadcast_pairs((&a, a_dims), (&b, b_dims), &shape, |a, b| 100.0 * a + b);
                assert_eq!(found.len(), 24);
                for (number, found) in found.into_iter().enumerate() {
                    let place = [number / 12, number / 4 % 3, number % 4];
                    let expected =
                        100.0 * value_at(&a, a_dims, &place) + value_at(&b, b_dims, &place);
                    assert_eq!(found, expected, "{a_dims:?} and {b_dims:?} at {place:?}");
                }
            }
        }
    }
}

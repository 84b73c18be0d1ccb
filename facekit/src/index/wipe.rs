//! Embeddings leave no trace in memory that is freed.

use std::hint::black_box;

/// Overwrites numbers with `blank`, also if they are never read again.
pub(super) fn wipe<T: Copy>(numbers: &mut [T], blank: T) {
    numbers.fill(blank);
    // Keeps the compiler from removing writes to memory that is freed next.
    black_box(numbers);
}

/// Resizes without leaving a copy behind in memory that is freed.
pub(super) fn resize<T: Copy>(numbers: &mut Vec<T>, length: usize, fill: T) {
    if numbers.capacity() < length {
        let mut longer = Vec::with_capacity(length);
        longer.extend_from_slice(numbers);
        wipe(numbers, fill);
        *numbers = longer;
    }
    numbers.resize(length, fill);
}

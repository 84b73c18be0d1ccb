//! Depthwise convolutions and pools: each output folds the values of one window of one channel.

use multiversion::{multiversion, target::match_target};

use super::{activation::Activation, columns::Columns, multiply_add::multiply_add, plane::SLACK};

/// Columns that are folded together; the second number is for the last columns.
const WIDE: usize = SLACK;
const NARROW: usize = 16;

/// A depthwise convolution of one channel. `taps` holds, for each weight, the offset in `buffer` of the value that it is
/// multiplied by in the first window.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma", "aarch64+neon"))]
pub(crate) fn depthwise(
    buffer: &[f32],
    taps: &[usize],
    columns: &Columns,
    weights: &[f32],
    bias: f32,
    (activation, channel): (&Activation, usize),
    out: &mut [f32],
) {
    let last = |values: &mut [f32]| activation.apply(channel, values);
    let fused = match_target! {
        "x86_64+avx512f+avx512vl+fma" => true,
        "x86_64+avx2+fma" => true,
        "aarch64+neon" => true,
        _ => false,
    };
    let taps = || taps.iter().copied().zip(weights.iter().copied());
    if fused {
        let add = |sum, weight, value| multiply_add::<true>(weight, value, sum);
        folded(buffer, taps, columns, bias, add, last, out);
    } else {
        let add = |sum, weight, value| multiply_add::<false>(weight, value, sum);
        folded(buffer, taps, columns, bias, add, last, out);
    }
}

/// The greatest value in each window.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub(crate) fn maxima(buffer: &[f32], taps: &[usize], columns: &Columns, out: &mut [f32]) {
    let taps = || taps.iter().map(|&tap| (tap, 1.0));
    let greater = |most, _, value| if value > most { value } else { most };
    folded(
        buffer,
        taps,
        columns,
        f32::NEG_INFINITY,
        greater,
        |_| {},
        out,
    );
}

/// The mean of each window. `counts` holds the number of values in each row of windows and in each column of windows.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub(crate) fn averages(
    buffer: &[f32],
    taps: &[usize],
    columns: &Columns,
    counts: &[Vec<f32>; 2],
    out: &mut [f32],
) {
    let taps = || taps.iter().map(|&tap| (tap, 1.0));
    folded(
        buffer,
        taps,
        columns,
        0.0,
        |sum, _, value| sum + value,
        |_| {},
        out,
    );
    for (row, count_down) in out.chunks_exact_mut(columns.width).zip(&counts[0]) {
        for (sum, count_across) in row.iter_mut().zip(&counts[1]) {
            *sum /= count_down * count_across;
        }
    }
}

/// Folds the values under all taps into each column, starting from `start`, and applies `last` to the results.
#[inline(always)]
fn folded<T: Iterator<Item = (usize, f32)>>(
    buffer: &[f32],
    taps: impl Fn() -> T,
    columns: &Columns,
    start: f32,
    fold: impl Fn(f32, f32, f32) -> f32,
    last: impl Fn(&mut [f32]),
    out: &mut [f32],
) {
    let count = columns.count();
    let mut first = 0;
    while first < count {
        if count - first > NARROW {
            let mut values = block::<WIDE, T>(buffer, first, taps(), start, &fold);
            last(&mut values);
            columns.store(&values, first, out);
            first += WIDE;
        } else {
            let mut values = block::<NARROW, T>(buffer, first, taps(), start, &fold);
            last(&mut values);
            columns.store(&values, first, out);
            first += NARROW;
        }
    }
}

#[inline(always)]
fn block<const WIDTH: usize, T: Iterator<Item = (usize, f32)>>(
    buffer: &[f32],
    first: usize,
    taps: T,
    start: f32,
    fold: &impl Fn(f32, f32, f32) -> f32,
) -> [f32; WIDTH] {
    let mut folded = [start; WIDTH];
    for (tap, weight) in taps {
        let values = &buffer[tap + first..][..WIDTH];
        for column in 0..WIDTH {
            folded[column] = fold(folded[column], weight, values[column]);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kernel::plane::Plane, windows::Windows};

    /// Whole numbers, whose sums and products are exact.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 37 + 11) % 23) as f32 - 11.0)
            .collect()
    }

    /// The values in the window at (y, x), tap by tap; `around` outside the image.
    fn seen(image: &[f32], windows: &Windows, window: [usize; 2], around: f32) -> Vec<f32> {
        let place = |axis: usize, tap: usize| {
            let place = window[axis] * windows.strides[axis] + tap * windows.dilations[axis];
            place
                .checked_sub(windows.before[axis])
                .filter(|&place| place < windows.size[axis])
        };
        let taps = (0..windows.kernel[0]).flat_map(|y| (0..windows.kernel[1]).map(move |x| [y, x]));
        taps.map(|[y, x]| match (place(0, y), place(1, x)) {
            (Some(y), Some(x)) => image[y * windows.size[1] + x],
            _ => around,
        })
        .collect()
    }

    /// Kernels, strides, dilations and paddings, over images of several sizes.
    fn all_windows() -> Vec<Windows> {
        let mut all = Vec::new();
        for kernel in [[1, 1], [3, 3], [2, 5], [7, 4]] {
            for strides in [[1, 1], [2, 2], [1, 3]] {
                for dilations in [[1, 1], [2, 1]] {
                    for before in [[0, 0], [1, 1], [3, 0]] {
                        for size in [[7, 9], [13, 5], [20, 83]] {
                            let count = [0, 1].map(|axis| {
                                let extent = (kernel[axis] - 1) * dilations[axis] + 1;
                                let padded: usize = size[axis] + 2 * before[axis];
                                padded
                                    .checked_sub(extent)
                                    .map_or(0, |room| room / strides[axis] + 1)
                            });
                            if !count.contains(&0) {
                                let after = before;
                                all.push(Windows {
                                    kernel,
                                    strides,
                                    dilations,
                                    size,
                                    before,
                                    after,
                                    count,
                                });
                            }
                        }
                    }
                }
            }
        }
        assert!(all.len() > 150);
        all
    }

    /// Compares the results of `fold` with `expected` of the values in each window.
    fn check(
        around: f32,
        fold: impl Fn(&[f32], &[usize], &Columns, &mut [f32]),
        expected: impl Fn(&[f32]) -> f32,
    ) {
        for windows in all_windows() {
            let image = numbers(windows.size[0] * windows.size[1]);
            let plane = Plane::new(&windows);
            let mut buffer = plane.buffer(1, around);
            plane.copy_image(&image, &mut buffer);
            let [rows, columns] = windows.count;
            let mut out = vec![f32::NAN; rows * columns];
            fold(&buffer, &plane.taps(), &plane.columns(), &mut out);
            for (number, found) in out.iter().enumerate() {
                let window = [number / columns, number % columns];
                let seen = seen(&image, &windows, window, around);
                assert_eq!(*found, expected(&seen), "window {window:?} of {windows:?}");
            }
        }
    }

    #[test]
    fn a_depthwise_convolution_is_the_sum_over_each_window() {
        let weights = numbers(7 * 5);
        let activation = Activation::Clamp {
            min: -40.0,
            max: f32::INFINITY,
        };
        check(
            0.0,
            |buffer, taps, columns, out| {
                let weights = &weights[..taps.len()];
                depthwise(buffer, taps, columns, weights, 3.0, (&activation, 0), out);
            },
            |seen| {
                let sum: f32 = seen.iter().zip(&weights).map(|(a, b)| a * b).sum();
                (sum + 3.0).max(-40.0)
            },
        );
    }

    #[test]
    fn maxima_are_those_of_each_window() {
        check(f32::NEG_INFINITY, maxima, |seen| {
            seen.iter().copied().fold(f32::NEG_INFINITY, f32::max)
        });
    }
}

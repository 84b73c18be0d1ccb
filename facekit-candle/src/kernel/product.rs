//! Products of two matrices. The rows of the right one are runs of values in a buffer.

use multiversion::{multiversion, target::match_target};

use super::{
    activation::Activation,
    buffers::{return_buffer, take_buffer},
    columns::Columns,
    multiply_add::multiply_add,
};

/// Rows of weights that are multiplied together.
const ROWS: usize = 4;

/// The left matrix. Its rows are packed in groups of [`ROWS`], in which the weights of one column lie together.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    depth: usize,
    packed: Vec<f32>,
}

impl Weights {
    /// Packs a matrix of `rows` × `depth`.
    pub(crate) fn pack(matrix: &[f32], rows: usize, depth: usize) -> Self {
        let mut packed = vec![0.0; rows.div_ceil(ROWS) * ROWS * depth];
        if depth > 0 {
            for (row, values) in matrix.chunks_exact(depth).enumerate() {
                let group = &mut packed[row / ROWS * ROWS * depth..][..ROWS * depth];
                for (slot, value) in group[row % ROWS..].iter_mut().step_by(ROWS).zip(values) {
                    *slot = *value;
                }
            }
        }
        Self { depth, packed }
    }
}

/// The arguments of a product: `activation(weights · matrix + bias)`.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub(crate) weights: &'a Weights,
    /// One value for each row of weights.
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: &'a Activation,
    /// The channel of the first row, for the activation.
    pub(crate) first_row: usize,
    /// The buffer that holds the right matrix.
    pub(crate) source: &'a [f32],
    /// The offset in `source` of each row of the right matrix.
    pub(crate) starts: &'a [usize],
    pub(crate) columns: Columns,
}

/// Computes `job`. `out` is one image for each row of weights.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma", "aarch64+neon"))]
pub(crate) fn product(job: &Product<'_>, out: &mut [f32]) {
    match_target! {
        "x86_64+avx512f+avx512vl+fma" => in_blocks::<48, true>(job, out),
        "x86_64+avx2+fma" => in_blocks::<16, true>(job, out),
        "aarch64+neon" => in_blocks::<16, true>(job, out),
        _ => in_blocks::<16, false>(job, out),
    }
}

#[inline(always)]
fn in_blocks<const WIDTH: usize, const FUSED: bool>(job: &Product<'_>, out: &mut [f32]) {
    const { assert!(WIDTH.is_multiple_of(NARROW)) };
    let count = job.columns.count();
    let mut panel = take_buffer(job.starts.len() * WIDTH);
    let mut first = 0;
    while first < count {
        let left = count - first;
        // Columns that do not fill a wide block are computed in narrow blocks.
        if left >= WIDTH {
            block::<WIDTH, FUSED>(job, first, &mut panel, out);
            first += WIDTH;
        } else {
            block::<NARROW, FUSED>(job, first, &mut panel, out);
            first += NARROW;
        }
    }
    return_buffer(panel);
}

const NARROW: usize = 16;

/// Computes all rows for `WIDTH` columns. `panel` is memory for these columns of the right matrix: the groups of rows all read
/// it, so it must stay in the processor's cache.
#[inline(always)]
fn block<const WIDTH: usize, const FUSED: bool>(
    job: &Product<'_>,
    first: usize,
    panel: &mut [f32],
    out: &mut [f32],
) {
    let columns = &job.columns;
    let (panel, _) = panel[..job.starts.len() * WIDTH].as_chunks_mut::<WIDTH>();
    let valid = WIDTH.min(columns.count() - first);
    let rows = panel.iter_mut().zip(job.starts);
    if valid == WIDTH {
        for (row, start) in rows {
            // In pieces of one register: the compiler would copy the whole by a call of `memcpy`.
            let (row, _) = row.as_chunks_mut::<NARROW>();
            let (values, _) = job.source[start + first..][..WIDTH].as_chunks::<NARROW>();
            for (row, values) in row.iter_mut().zip(values) {
                *row = *values;
            }
        }
    } else {
        for (row, start) in rows {
            row[..valid].copy_from_slice(&job.source[start + first..][..valid]);
            row[valid..].fill(0.0);
        }
    }
    let image = columns.width * columns.height;
    let groups = job.weights.packed.chunks_exact(ROWS * job.weights.depth);
    let images = out.chunks_mut(ROWS * image);
    for (group, (weights, images)) in groups.zip(images).enumerate() {
        let sums = sums::<WIDTH, FUSED>(weights, panel);
        for (row, (sums, image)) in sums
            .into_iter()
            .zip(images.chunks_exact_mut(image))
            .enumerate()
        {
            let number = group * ROWS + row;
            let mut values = sums;
            if let Some(bias) = job.bias {
                let bias = bias[number];
                values.iter_mut().for_each(|value| *value += bias);
            }
            job.activation.apply(job.first_row + number, &mut values);
            columns.store(&values, first, image);
        }
    }
}

/// A group of rows times the panel. It is a function of its own so that the sums stay in registers.
#[inline(always)]
fn sums<const WIDTH: usize, const FUSED: bool>(
    weights: &[f32],
    panel: &[[f32; WIDTH]],
) -> [[f32; WIDTH]; ROWS] {
    let mut sums = [[0.0; WIDTH]; ROWS];
    let (weights, _) = weights.as_chunks::<ROWS>();
    for (weights, values) in weights.iter().zip(panel) {
        for row in 0..ROWS {
            for column in 0..WIDTH {
                sums[row][column] =
                    multiply_add::<FUSED>(weights[row], values[column], sums[row][column]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, whose sums and products are exact.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 31 + 7) % 19) as f32 - 9.0)
            .collect()
    }

    #[test]
    fn each_value_is_a_row_times_a_column() {
        check(product);
        // The versions for other processors.
        check(in_blocks::<48, true>);
        check(in_blocks::<16, true>);
        check(in_blocks::<16, false>);
    }

    fn check(product: fn(&Product<'_>, &mut [f32])) {
        for (rows, depth, count) in [(1, 1, 1), (4, 3, 8), (5, 7, 49), (13, 2, 48), (3, 64, 203)] {
            let (matrix, source) = (numbers(rows * depth), numbers(depth * count));
            let bias = numbers(rows);
            let slopes: Vec<f32> = (0..rows + 2).map(|row| row as f32).collect();
            let starts: Vec<usize> = (0..depth).map(|row| row * count).collect();
            let mut out = vec![f32::NAN; rows * count];
            let job = Product {
                weights: &Weights::pack(&matrix, rows, depth),
                bias: Some(&bias),
                activation: &Activation::Slope(slopes.clone()),
                first_row: 2,
                source: &source,
                starts: &starts,
                columns: Columns::dense(count),
            };
            product(&job, &mut out);
            for (index, found) in out.iter().enumerate() {
                let (row, column) = (index / count, index % count);
                let terms =
                    (0..depth).map(|k| matrix[row * depth + k] * source[k * count + column]);
                let sum = bias[row] + terms.sum::<f32>();
                let expected = if sum < 0.0 {
                    sum * slopes[row + 2]
                } else {
                    sum
                };
                assert_eq!(
                    *found, expected,
                    "row {row}, column {column} of {rows}×{depth}×{count}"
                );
            }
        }
    }
}

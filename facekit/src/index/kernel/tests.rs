//! Every kernel that this processor has gives the results of the portable one.

use proptest::prelude::*;

use super::*;

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn byte(&mut self) -> u8 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }

    fn lines(&mut self, count: usize) -> Vec<Line> {
        (0..count)
            .map(|_| Line(std::array::from_fn(|_| self.byte())))
            .collect()
    }

    /// A probe, with the extreme values more often than chance has them.
    fn probe(&mut self, chunks: usize) -> Vec<ProbeChunk> {
        let mut value = || match self.byte() {
            0..32 => -127,
            32..64 => 127,
            _ => self.byte().cast_signed().max(-127),
        };
        (0..chunks)
            .map(|_| std::array::from_fn(|_| value()))
            .collect()
    }
}

#[test]
fn the_portable_kernel_is_among_those_available() {
    let available = Kernel::available();
    assert_eq!(available[0], Kernel::Portable);
    assert!(available.contains(&Kernel::fastest()));
}

proptest! {
    #[test]
    fn products_agree(blocks in 0_usize..5, chunks in 1_usize..40, seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let rows = blocks * BLOCK;
        let codes = numbers.lines(rows / GROUP * chunks);
        let probes: [_; PROBES] = std::array::from_fn(|_| numbers.probe(chunks));
        let expected = probes.each_ref().map(|probe| {
            (0..rows).map(|row| {
                let group = &codes[row / GROUP * chunks..][..chunks];
                (0..chunks * CHUNK).map(|at| {
                    let code = group[at / CHUNK].0[row % GROUP * CHUNK + at % CHUNK];
                    i32::from(code) * i32::from(probe[at / CHUNK][at % CHUNK])
                }).sum::<i32>()
            }).collect::<Vec<_>>()
        });
        for kernel in Kernel::available() {
            let mut sums = [(); PROBES].map(|()| vec![i32::MIN; rows]);
            kernel.products(&codes, probes.each_ref().map(|probe| &probe[..]), sums.each_mut().map(|sums| &mut sums[..]));
            prop_assert_eq!(&sums, &expected, "{:?}", kernel);
            let mut alone = vec![i32::MIN; rows];
            kernel.products(&codes, [&probes[1]], [&mut alone]);
            prop_assert_eq!(&alone, &expected[1], "{:?}", kernel);
            for (row, expected) in expected[2].iter().enumerate() {
                let group = &codes[row / GROUP * chunks..][..chunks];
                prop_assert_eq!(kernel.product(group, row % GROUP, &probes[2]), *expected, "{:?}", kernel);
            }
        }
    }

    #[test]
    fn row_products_agree(count in 1_u32..40, lines in 1_usize..10, picks in prop::collection::vec(any::<u32>(), 0..40), seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let codes = numbers.lines(count as usize * lines);
        let probe = numbers.probe(lines * 4);
        let rows: Vec<u32> = picks.iter().map(|pick| pick % count).collect();
        let expected: Vec<i32> = rows.iter().map(|&row| {
            let bytes = codes[row as usize * lines..][..lines].iter().flat_map(|line| line.0);
            bytes.zip(probe.as_flattened()).map(|(code, &value)| i32::from(code) * i32::from(value)).sum()
        }).collect();
        for kernel in Kernel::available() {
            let mut sums = vec![i32::MIN; rows.len()];
            kernel.row_products(&codes, &rows, &probe, &mut sums);
            prop_assert_eq!(&sums, &expected, "{:?}", kernel);
        }
    }

    #[test]
    fn estimates_agree(blocks in 0_usize..6, stretches in 1_usize..12, full in any::<bool>(), seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let rows = blocks * BLOCK;
        let signs = numbers.lines(blocks * stretches * 8);
        let tables: Vec<Table> = (0..stretches * 16)
            .map(|_| std::array::from_fn(|_| if full { TABLE_MAX } else { numbers.byte() % (TABLE_MAX + 1) }))
            .collect();
        let shift = shift(tables.len());
        let expected: Vec<u8> = (0..rows).map(|row| {
            let lines = &signs[row / BLOCK * stretches * 8..][..stretches * 8];
            let sum: u32 = lines.iter().zip(tables.chunks(2)).map(|(line, tables)| {
                let signs = usize::from(line.0[row % BLOCK]);
                u32::from(tables[0][signs % 16]) + u32::from(tables[1][signs / 16])
            }).sum();
            u8::try_from(sum >> shift).expect("fits a byte")
        }).collect();
        for kernel in Kernel::available() {
            let mut sums = vec![99; rows];
            kernel.estimates(&signs, &tables, &mut sums);
            prop_assert_eq!(&sums, &expected, "{:?}", kernel);
        }
    }

    #[test]
    fn marks_agree(words in 0_usize..5, floor in any::<u8>(), seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let values: Vec<u8> = (0..words * 64).map(|_| numbers.byte()).collect();
        // Around the floor, and at both ends.
        let sums: Vec<i32> = values.iter().map(|&value| match value {
            0 => i32::MIN,
            255 => i32::MAX,
            value => i32::from(value) - 128,
        }).collect();
        let floors = [i32::MIN, i32::from(floor) - 128, i32::MAX];
        for kernel in Kernel::available() {
            let mut marks = vec![0; words];
            kernel.at_least(&values, floor, &mut marks);
            let marked = |marks: &[u64], at: usize| marks[at / 64] >> (at % 64) & 1 == 1;
            for (at, &value) in values.iter().enumerate() {
                prop_assert_eq!(marked(&marks, at), value >= floor, "{:?}", kernel);
            }
            for floor in floors {
                kernel.sums_at_least(&sums, floor, &mut marks);
                for (at, &sum) in sums.iter().enumerate() {
                    prop_assert_eq!(marked(&marks, at), sum >= floor, "{:?}", kernel);
                }
            }
        }
    }

    #[test]
    fn small_loops(values in prop::collection::vec(any::<u8>(), 64), bits in any::<u64>()) {
        prop_assert_eq!(bytes::greatest(&values), values.iter().copied().max().unwrap_or(0));
        let mut kept: [u8; 64] = values.clone().try_into().expect("64 values");
        bytes::keep(&mut kept, bits);
        for (at, &value) in values.iter().enumerate() {
            prop_assert_eq!(kept[at], if bits >> at & 1 == 1 { value.max(1) } else { 0 });
        }
    }
}

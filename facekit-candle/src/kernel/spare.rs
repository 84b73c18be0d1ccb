//! Memory that is used again.
//!
//! A large piece of memory is new to the process each time it is asked for, and the first touch of each of its pages costs as
//! much as computing it: YuNet took twice as long. So what a step no longer needs is kept for the steps after it, by thread.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

use crate::error::Result;

/// A thread keeps no more than this for later: 64 MiB of numbers.
const MOST: usize = 1 << 24;

thread_local! {
    static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Room for `count` numbers, which are left from before or zero: all must be written.
pub(crate) fn take(count: usize) -> Vec<f32> {
    let found = SPARE.with_borrow_mut(|spare| {
        let large = spare
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.len() >= count);
        let best = large
            .min_by_key(|(_, piece)| piece.len())
            .map(|(at, piece)| (at, piece.len()));
        // A small tensor does not hold on to the room of a large one.
        best.filter(|(_, length)| *length / 4 <= count)
            .map(|(at, _)| spare.swap_remove(at))
    });
    match found {
        Some(mut piece) => {
            piece.truncate(count);
            piece
        }
        None => vec![0.0; count],
    }
}

/// Keeps a piece for later, or frees it where there are enough.
pub(crate) fn give(mut piece: Vec<f32>) {
    // What was cut off for the last use is room again.
    piece.resize(piece.capacity(), 0.0);
    SPARE.with_borrow_mut(|spare| {
        let kept: usize = spare.iter().map(Vec::len).sum();
        if piece.len() >= 1024 && kept + piece.len() <= MOST {
            spare.push(piece);
        }
    });
}

/// Keeps the memory of a tensor that nobody else has a part in.
pub(crate) fn give_tensor(tensor: &Tensor) -> Result<()> {
    tensor.inplace_op1(&Empty)
}

struct Empty;

impl InplaceOp1 for Empty {
    fn name(&self) -> &'static str {
        "facekit"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        if let CpuStorage::F32(values) = storage {
            give(std::mem::take(values));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn memory_is_used_again() -> Result<()> {
        let piece = vec![1.0; 5000];
        let address = piece.as_ptr();
        let tensor = Tensor::from_vec(piece, 5000, &Device::Cpu)?;
        give_tensor(&tensor)?;
        let other = take(100);
        assert_ne!(other.as_ptr(), address, "far too large");
        let again = take(4000);
        assert_eq!((again.as_ptr(), again.len()), (address, 4000));
        give(again);
        let again = take(5000);
        assert_eq!(again.as_ptr(), address);
        Ok(())
    }
}

//! Buffers that later steps of the same thread use again.
//!
//! The allocator returns large buffers to the system, so each one that is allocated consists of new pages. The first write to
//! them costs as much as the computation: with new buffers, YuNet took twice as long.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

use crate::error::Result;

/// The most values that a thread keeps: 64 MiB.
const MAX_KEPT_VALUES: usize = 1 << 24;

/// Smaller buffers are not worth keeping: the allocator has them at hand.
const MIN_KEPT_VALUES: usize = 1024;

thread_local! {
    static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of `count` values. They are zero or left over from an earlier use: the caller must write all of them.
pub(crate) fn take_buffer(count: usize) -> Vec<f32> {
    let found = SPARE.with_borrow_mut(|spare| {
        let large = spare
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.len() >= count);
        let best = large
            .min_by_key(|(_, buffer)| buffer.len())
            .map(|(index, buffer)| (index, buffer.len()));
        // A small tensor must not occupy the buffer of a large one.
        best.filter(|(_, length)| *length / 4 <= count)
            .map(|(index, _)| spare.swap_remove(index))
    });
    match found {
        Some(mut buffer) => {
            buffer.truncate(count);
            buffer
        }
        None => vec![0.0; count],
    }
}

/// Keeps a buffer for [`take_buffer`], or frees it if it is small or the thread keeps enough.
pub(crate) fn return_buffer(mut buffer: Vec<f32>) {
    // Undoes `truncate` of `take_buffer`.
    buffer.resize(buffer.capacity(), 0.0);
    SPARE.with_borrow_mut(|spare| {
        let kept: usize = spare.iter().map(Vec::len).sum();
        if buffer.len() >= MIN_KEPT_VALUES && kept + buffer.len() <= MAX_KEPT_VALUES {
            spare.push(buffer);
        }
    });
}

/// Keeps the memory of a tensor. No other tensor may share it: its values are gone afterwards.
pub(crate) fn return_tensor(tensor: &Tensor) -> Result<()> {
    tensor.inplace_op1(&TakeStorage)
}

struct TakeStorage;

impl InplaceOp1 for TakeStorage {
    fn name(&self) -> &'static str {
        "facekit"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        if let CpuStorage::F32(values) = storage {
            return_buffer(std::mem::take(values));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn buffers_are_used_again() -> Result<()> {
        let buffer = vec![1.0; 5000];
        let address = buffer.as_ptr();
        let tensor = Tensor::from_vec(buffer, 5000, &Device::Cpu)?;
        return_tensor(&tensor)?;
        let other = take_buffer(100);
        assert_ne!(other.as_ptr(), address, "the buffer is far too large");
        let again = take_buffer(4000);
        assert_eq!((again.as_ptr(), again.len()), (address, 4000));
        return_buffer(again);
        let again = take_buffer(5000);
        assert_eq!(again.as_ptr(), address);
        Ok(())
    }
}

//! The overlay behaves as a disk that is written.

use std::sync::Arc;

use super::{FailingDisk, Numbers};
use crate::sealed_file::{disk::Disk, overlay::Overlay};

#[test]
fn overlays_behave_like_disks() {
    let mut numbers = Numbers(6);
    let start: Vec<u8> = (0..20_000).map(|_| numbers.next() as u8).collect();
    let below = FailingDisk::new(start.clone(), Some(0));
    let overlay = Overlay::new(Arc::clone(&below)).unwrap();
    let plain = FailingDisk::new(start.clone(), None);
    for _ in 0..3000 {
        let length = plain.len().unwrap() as usize;
        let (offset, count) = (numbers.below(30_000), numbers.below(9_000));
        match numbers.below(5) {
            0 => {
                for disk in [&overlay as &dyn Disk, &*plain] {
                    disk.set_len(offset as u64).unwrap();
                }
            }
            1..3 if offset + count <= length.max(25_000) => {
                let bytes: Vec<u8> = (0..count).map(|_| numbers.next() as u8).collect();
                for disk in [&overlay as &dyn Disk, &*plain] {
                    disk.write(offset as u64, &bytes).unwrap();
                }
            }
            _ => {
                let (mut one, mut other) = (vec![0; count], vec![0; count]);
                let read = overlay.read(offset as u64, &mut one).is_ok();
                if offset + count <= length {
                    plain.read(offset as u64, &mut other).unwrap();
                    assert!(read && one == other);
                } else {
                    assert!(!read);
                }
            }
        }
        assert_eq!(overlay.len().unwrap(), plain.len().unwrap());
    }
    assert!(below.bytes() == start);
}

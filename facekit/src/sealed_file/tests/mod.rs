//! A disk that loses power, for the tests of sealed files.

mod failing_disk;
pub(crate) mod kills;
mod numbers;
mod overlay;

pub(crate) use failing_disk::FailingDisk;
pub(crate) use numbers::Numbers;

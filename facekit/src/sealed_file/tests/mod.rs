//! A disk that loses power, for the tests of sealed files.

mod failing_disk;
pub(crate) mod kills;
mod numbers;
mod overlay;

pub(crate) use failing_disk::FailingDisk;
pub(crate) use numbers::Numbers;

/// The places in a file where a sealed record of this length can be: the windows without four zeros in a row, which random bytes
/// do not have.
pub(crate) fn windows_of_records(bytes: &[u8], length: usize) -> impl Iterator<Item = &[u8]> {
    let mut zeros = 0;
    let mut start = 0;
    bytes.iter().enumerate().filter_map(move |(at, &byte)| {
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        if zeros >= 4 {
            start = at - 2;
        }
        let end = at + 1;
        (end >= start + length).then(|| &bytes[end - length..end])
    })
}

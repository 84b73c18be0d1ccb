//! Graphs that compute the same in another way.

mod channels;
mod prelu;

pub use self::{channels::pad_channels, prelu::split_prelu};

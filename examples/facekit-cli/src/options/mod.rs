//! The options that commands share, one file for each group of the help text.

mod detect;
mod gallery;
mod key;
mod matching;
mod models;
mod number;
mod quality;
mod recognize;
mod roster;

pub(crate) use self::{
    detect::DetectArgs,
    gallery::{GalleryArgs, NewGalleryArgs, require_absent},
    key::{KeyArgs, new_key},
    models::{DEFAULT_MODELS, JobArgs, ModelArgs, SelectionArgs, open_models, registry},
    number::{cosine, share},
    recognize::RecognizeArgs,
    roster::roster,
};

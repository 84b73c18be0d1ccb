use serde::{Deserialize, Serialize};

use crate::{
    embed::{Embedding, Mean},
    error::Result,
    store::Template,
};

/// How a gallery compares a probe with a person who has several templates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fusion {
    /// A person is as near as the normalized mean of their templates. The index has one entry for each person. See
    /// `BENCHMARKS.md` for the error rates of both.
    #[default]
    Mean,
    /// A person is as near as the nearest of their templates. The index has one entry for each template.
    Nearest,
}

/// The mean of a person's templates, which are added in rising order of id.
pub(super) struct PersonMean {
    mean: Mean,
    pub(super) photos: usize,
    pub(super) mirrored: bool,
}

impl PersonMean {
    pub(super) fn new(first: &Template) -> Self {
        Self {
            mean: Mean::new(&first.embedding),
            photos: 1,
            mirrored: first.embedding.is_mirrored(),
        }
    }

    pub(super) fn add(&mut self, template: &Template) -> Result<()> {
        // A template that is the opposite of the mean of those before it is left out.
        if self.mean.add(&template.embedding)? {
            self.photos += 1;
            self.mirrored |= template.embedding.is_mirrored();
        }
        Ok(())
    }

    pub(super) fn embedding(self) -> Result<Embedding> {
        self.mean.embedding()
    }
}

use facekit::{Image, Rect};

/// A photo of a person, and the box of the face in it.
#[derive(Clone, Debug)]
pub struct Portrait {
    pub(crate) photo: Image,
    pub(crate) face: Rect,
}

impl Portrait {
    /// A photo with the box of its face, in pixels.
    #[must_use]
    pub fn new(photo: Image, face: Rect) -> Self {
        Self { photo, face }
    }
}

/// A person who can walk through scenes.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The name.
    pub name: String,
    pub(crate) portraits: Vec<Portrait>,
}

impl Actor {
    /// A person with one portrait or more.
    ///
    /// # Panics
    ///
    /// If there is no portrait.
    #[must_use]
    pub fn new(name: impl Into<String>, portraits: Vec<Portrait>) -> Self {
        assert!(!portraits.is_empty(), "a person needs a portrait");
        Self {
            name: name.into(),
            portraits,
        }
    }
}

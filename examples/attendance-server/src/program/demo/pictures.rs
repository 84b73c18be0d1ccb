//! The pictures of the demo: photos of people, and the frames of a camera.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use facekit::image;

/// The pictures of the demo.
#[derive(Debug)]
pub(super) struct Pictures {
    /// The people, by name.
    pub(super) people: Vec<Photos>,
    /// The frames of a camera, in order of their names.
    pub(super) frames: Vec<Bytes>,
}

/// The photos of a person. None of those for the enrolment is shown to a camera.
#[derive(Debug)]
pub(super) struct Photos {
    /// The name, which is the name of the folder.
    pub(super) name: String,
    /// All photos but the last, for the enrolment.
    pub(super) enrolment: Vec<Bytes>,
    /// The last photo: the person before a camera.
    pub(super) visit: Bytes,
}

impl Pictures {
    /// Reads the folders `people` and `frames`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut people = Vec::new();
        for path in entries(&folder.join("people"))? {
            let mut photos = files(&path)?;
            let name = path.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            match photos.pop() {
                Some(visit) if !photos.is_empty() => people.push(Photos {
                    name,
                    enrolment: photos,
                    visit,
                }),
                _ => bail!("{} has less than two photos", path.display()),
            }
        }
        let frames = files(&folder.join("frames"))?;
        if people.len() < 3 || frames.is_empty() {
            bail!(
                "the demo needs three people and a frame, and {} has {} people and {} frames",
                folder.display(),
                people.len(),
                frames.len()
            );
        }
        Ok(Self { people, frames })
    }
}

/// A wall, as the camera of a tablet sees it when nobody is there.
pub(super) fn wall() -> Bytes {
    image::encode_jpeg(&facekit::Image::filled(300, 360, [150, 152, 150]), 90).into()
}

/// The files of a folder, in order of their names.
fn files(folder: &Path) -> Result<Vec<Bytes>> {
    let read = |path: PathBuf| {
        let content =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Bytes::from(content))
    };
    entries(folder)?.into_iter().map(read).collect()
}

/// The entries of a folder that are not hidden, in order of their names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).with_context(|| {
        format!(
            "the pictures of the demo are missing: {} cannot be read. State their folder with --pictures",
            folder.display()
        )
    })?;
    let mut paths = Vec::new();
    for entry in read {
        let entry = entry.with_context(|| folder.display().to_string())?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

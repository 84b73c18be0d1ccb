//! Which files a command works on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{Error, Image, PersonId, image};

use crate::output::shown;

/// What a folder is searched for. Formats that facekit cannot read are among them, so that such a photo is reported
/// instead of passed over.
const IMAGES: &[&str] = &[
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp",
];

/// Reads an image file, upright.
pub(crate) fn open_image(path: &Path) -> Result<Image> {
    Ok(image::open(path, &image::DecodeLimits::default())?)
}

/// The image files that a command line names: each file itself, and of a folder the images right in it.
///
/// A file that is not there is left to whoever reads it, since it need not stop the others.
pub(crate) fn expand(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        if input.is_dir() {
            files.extend(images_in(input)?);
        } else {
            files.push(input.clone());
        }
    }
    Ok(files)
}

/// The image files right in a folder, by name. An error where there is none.
pub(crate) fn images_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut images = entries(folder)?;
    images.retain(|path| is_image(path) && !path.is_dir());
    if images.is_empty() {
        bail!("{}: no images in this folder", folder.display());
    }
    Ok(images)
}

/// A folder of photos of one person, who is named as it is.
#[derive(Debug)]
pub(crate) struct PersonFolder {
    pub(crate) person: PersonId,
    pub(crate) folder: PathBuf,
    /// The images in it, by name; none where there are none.
    pub(crate) photos: Vec<PathBuf>,
}

/// The folders in `folder`, one for each person, by name.
pub(crate) fn people_in(folder: &Path) -> Result<Vec<PersonFolder>> {
    let mut people = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap_or_default();
        let name = name
            .to_str()
            .with_context(|| format!("{}: the folder's name is not UTF-8", path.display()))?;
        let person = PersonId::new(name)
            .with_context(|| format!("{}: its name cannot be a person's id", path.display()))?;
        let mut photos = entries(&path)?;
        photos.retain(|photo| is_image(photo) && !photo.is_dir());
        people.push(PersonFolder {
            person,
            folder: path,
            photos,
        });
    }
    if people.is_empty() {
        bail!(
            "{}: no folders in this folder; it needs one for each person, named as the person's id",
            folder.display()
        );
    }
    Ok(people)
}

/// What is right in a folder and not hidden, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || Error::io("reading the folder", folder);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| IMAGES.contains(&extension.to_ascii_lowercase().as_str()))
}

/// A file that could not be read, and why.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Unreadable {
    pub(crate) file: String,
    pub(crate) error: String,
}

impl Unreadable {
    pub(crate) fn new(file: &Path, error: &anyhow::Error) -> Self {
        Self {
            file: shown(file),
            error: crate::output::chain(error),
        }
    }
}

/// What came of several images.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Images<T> {
    pub(crate) images: Vec<T>,
    pub(crate) unreadable: Vec<Unreadable>,
}

impl<T> Default for Images<T> {
    fn default() -> Self {
        Self {
            images: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

impl<T> Images<T> {
    /// Takes down what came of a file.
    pub(crate) fn push(&mut self, file: &Path, result: Result<T>) {
        match result {
            Ok(image) => self.images.push(image),
            Err(error) => self.unreadable.push(Unreadable::new(file, &error)),
        }
    }
}

/// What to print of files that could not be read; nothing where all could.
pub(crate) fn unreadable_text(unreadable: &[Unreadable]) -> String {
    unreadable
        .iter()
        .map(|one| format!("\nunreadable: {}", crate::output::plain(&one.error)))
        .collect()
}

/// An error where there is nothing but unreadable files.
pub(crate) fn require_readable(readable: usize, unreadable: &[Unreadable]) -> Result<()> {
    match unreadable {
        [] => Ok(()),
        _ if readable > 0 => Ok(()),
        [only] => bail!("{}", only.error),
        [first, rest @ ..] => bail!(
            "none of the {} images can be read; the first: {}",
            rest.len() + 1,
            first.error
        ),
    }
}

//! The files of a command: images to read, and files to write.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result, bail};
use facekit::{
    Error, FileStore, GalleryKey, Image, PersonId,
    image::{self, DecodeLimits},
};

use crate::output::shown;

/// The extensions of images. Some of these formats cannot be read: such photos are reported, not silently ignored.
const IMAGES: &[&str] = &[
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp",
];

/// Reads an image file, turned upright.
///
/// A pipe or device with the name of an image is refused, since reading it may never end.
pub(crate) fn open_image(path: &Path, limits: &DecodeLimits) -> Result<Image> {
    if is_image(path) && fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        bail!("{}: not a plain file, so it is not opened", path.display());
    }
    Ok(image::open(path, limits)?)
}

/// The image files of a command line: each file, and the images directly in each folder.
///
/// A file that does not exist is in the result. The error comes when it is read, and does not stop the others.
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

/// The image files directly in a folder, sorted by name. An error if there is none.
pub(crate) fn images_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut images = entries(folder)?;
    images.retain(|path| is_image(path) && !path.is_dir());
    if images.is_empty() {
        bail!("{}: no images in this folder", folder.display());
    }
    Ok(images)
}

/// A folder of photos of one person. Its name is the person's id.
#[derive(Debug)]
pub(crate) struct PersonFolder {
    pub(crate) person: PersonId,
    pub(crate) folder: PathBuf,
    /// The images in the folder, sorted by name.
    pub(crate) photos: Vec<PathBuf>,
}

/// The folders of people in `folder`, sorted by name, and the folders that cannot be used. An error if there are no folders of
/// people.
pub(crate) fn people_in(folder: &Path) -> Result<(Vec<PersonFolder>, Vec<Unreadable>)> {
    let (mut people, mut skipped) = (Vec::new(), Vec::new());
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        match person_in(&path) {
            Ok(person) => people.push(person),
            Err(error) => skipped.push(Unreadable::new(&path, &error)),
        }
    }
    match &skipped[..] {
        _ if !people.is_empty() => Ok((people, skipped)),
        [first, ..] => bail!("{}", first.error),
        [] => bail!(
            "{}: no folders in this folder; it needs a folder for each person, named by the person's id",
            folder.display()
        ),
    }
}

fn person_in(folder: &Path) -> Result<PersonFolder> {
    let name = folder.file_name().unwrap_or_default();
    let name = name
        .to_str()
        .with_context(|| format!("{}: the folder's name is not UTF-8", folder.display()))?;
    let person = PersonId::new(name)
        .with_context(|| format!("{}: its name cannot be a person's id", folder.display()))?;
    let mut photos = entries(folder)?;
    photos.retain(|photo| is_image(photo) && !photo.is_dir());
    Ok(PersonFolder {
        person,
        folder: folder.to_owned(),
        photos,
    })
}

/// The entries of a folder that are not hidden, sorted by name.
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

/// Refuses to write to `out` if that would destroy one of `inputs`, a gallery or a key.
pub(crate) fn check_output<'a>(
    out: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> Result<()> {
    // A new file destroys nothing, and a pipe or device is not replaced.
    if !fs::metadata(out).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    if inputs.into_iter().any(|input| same_file(out, input)) {
        bail!(
            "{}: not overwritten, because this command reads it",
            out.display()
        );
    }
    if FileStore::protection_kind(out).is_ok() {
        bail!(
            "{}: not overwritten, because it is a gallery",
            out.display()
        );
    }
    if GalleryKey::from_file(out).is_ok() {
        bail!(
            "{}: not overwritten, because it is a key file",
            out.display()
        );
    }
    Ok(())
}

/// True if two paths lead to the same existing file.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // Also finds hard links.
        if let (Ok(a), Ok(b)) = (fs::metadata(a), fs::metadata(b))
            && (a.dev(), a.ino()) == (b.dev(), b.ino())
        {
            return true;
        }
    }
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// True for a name of standard output. If that is a file, a second handle would write from the beginning of the file.
fn is_standard_output(path: &Path) -> bool {
    ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|own| path == Path::new(own))
}

/// Opens a file that grows while the command runs. What was in it is lost.
pub(crate) fn create_growing(path: &Path) -> Result<Box<dyn io::Write>> {
    if is_standard_output(path) {
        return Ok(Box::new(io::stdout()));
    }
    let is_device = path.starts_with("/dev") || path.starts_with("/proc");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(!is_device)
        .open(path);
    Ok(Box::new(file.map_err(Error::io("writing", path))?))
}

/// Writes a file completely or not at all. A symbolic link is kept, and its target is replaced. A pipe or device is written to.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    if is_standard_output(path) {
        let written = io::stdout().lock().write_all(text.as_bytes());
        return Ok(written.map_err(Error::io("writing", path))?);
    }
    let direct = path.starts_with("/dev") || path.starts_with("/proc");
    let target = match fs::symlink_metadata(path) {
        Ok(_) if direct => None,
        Ok(_) => fs::canonicalize(path).ok(),
        Err(_) => Some(path.to_owned()),
    };
    let found = target.as_ref().and_then(|path| fs::metadata(path).ok());
    let plain = found.as_ref().is_none_or(fs::Metadata::is_file);
    let written = match target.filter(|_| plain) {
        Some(target) => replace(&target, found.as_ref(), text),
        None => File::options()
            .write(true)
            .create(true)
            .truncate(!direct)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes())),
    };
    Ok(written.map_err(Error::io("writing", path))?)
}

fn replace(target: &Path, found: Option<&fs::Metadata>, text: &str) -> io::Result<()> {
    if found.is_some() {
        // A file without permission to write is not replaced.
        File::options().write(true).open(target)?;
    }
    let mut number = 0_u32;
    let (partial, mut file) = loop {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{}-{number}.partial", process::id()));
        let partial = target.with_file_name(name);
        match File::options().write(true).create_new(true).open(&partial) {
            Ok(file) => break (partial, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    };
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| match found {
            Some(found) => file.set_permissions(found.permissions()),
            None => Ok(()),
        })
        .and_then(|()| fs::rename(&partial, target));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// A file that could not be read, and the reason.
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

/// The results of several images.
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
    /// Adds the result of a file.
    pub(crate) fn push(&mut self, file: &Path, result: Result<T>) {
        match result {
            Ok(image) => self.images.push(image),
            Err(error) => self.unreadable.push(Unreadable::new(file, &error)),
        }
    }
}

/// A line for each file that could not be read.
pub(crate) fn unreadable_text(unreadable: &[Unreadable]) -> String {
    unreadable
        .iter()
        .map(|one| format!("\nunreadable: {}", crate::output::plain(&one.error)))
        .collect()
}

/// An error if no file could be read.
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

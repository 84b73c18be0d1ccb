//! Notes on the parts of a photo that were not read or not searched.

use facekit::{FoundFaces, Image};

/// The notes on a photo as it was read.
pub(crate) fn of_photo(image: &Image) -> Vec<String> {
    let mut notes = Vec::new();
    if image.reduction() > 1.0 {
        notes.push(format!(
            "read at {} of its size, {} × {} pixels, to save memory (--image-memory)",
            share(image.reduction()),
            image.width(),
            image.height()
        ));
    }
    notes.extend(of_missing_rows(image));
    notes
}

/// The note on a photo whose end is missing.
pub(crate) fn of_missing_rows(image: &Image) -> Option<String> {
    (image.missing() > 0.0).then(|| {
        format!(
            "the end of the file is missing, and {:.0} % of the photo with it",
            (100.0 * image.missing()).max(1.0)
        )
    })
}

/// The notes on a photo and on the search for faces in it.
pub(crate) fn of_search(image: &Image, found: &FoundFaces) -> Vec<String> {
    let mut notes = of_photo(image);
    if found.reduction > 1.0 {
        notes.push(format!(
            "searched at {} of this size, so faces of less than {:.0} pixels may be missing (--passes, --max-side)",
            share(found.reduction),
            found.smallest_face()
        ));
    }
    notes
}

/// A line for each note on a file.
pub(crate) fn text<'a>(notes: impl IntoIterator<Item = (&'a str, &'a [String])>) -> String {
    let lines = notes.into_iter().flat_map(|(file, notes)| {
        notes
            .iter()
            .map(move |note| format!("\nnote: {file}: {note}"))
    });
    lines.collect()
}

/// One divided by `reduction`.
fn share(reduction: f32) -> String {
    format!("1/{}", (10.0 * reduction).round() / 10.0)
}

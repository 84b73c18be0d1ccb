//! Photos in a form, as pages and programs send them.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, multipart::MultipartError},
    http::StatusCode,
};

use crate::error::{Error, ErrorKind, Result};

/// The largest form with photos, in bytes.
const LARGEST_UPLOAD: usize = 64 << 20;

/// The files of the fields `photo` of a form. Empty ones are left out: browsers send one for a field without a file.
#[derive(Clone, Debug)]
pub struct Photos(pub Vec<Bytes>);

impl<S: Send + Sync> FromRequest<S> for Photos {
    type Rejection = Error;

    async fn from_request(mut request: Request, state: &S) -> Result<Self> {
        DefaultBodyLimit::max(LARGEST_UPLOAD).apply(&mut request);
        let mut parts = Multipart::from_request(request, state)
            .await
            .map_err(|error| {
                let detail =
                    "The body must be a form with files, with Content-Type: multipart/form-data.";
                tracing::debug!(%error, "no form");
                Error::new(ErrorKind::WrongMediaType, "not_a_form", detail)
            })?;
        let mut photos = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            if part.name() == Some("photo") {
                photos.push(part.bytes().await.map_err(broken)?);
            }
        }
        photos.retain(|photo| !photo.is_empty());
        Ok(Self(photos))
    }
}

fn broken(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("The photos together are larger than {LARGEST_UPLOAD} bytes.");
        return Error::new(ErrorKind::TooLarge, "too_large", detail);
    }
    Error::new(ErrorKind::Malformed, "broken_upload", error.body_text())
}

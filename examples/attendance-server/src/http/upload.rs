//! Photos in a form, as pages and programs send them.

use std::{sync::Arc, time::Duration};

use axum::{
    RequestExt,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, multipart::MultipartError},
    http::StatusCode,
};
use tokio::sync::OwnedSemaphorePermit;

use super::Caller;
use crate::{
    commands::enrolments::{self, MOST_PHOTOS},
    error::{Error, ErrorKind, Result},
    id::Id,
    server::Server,
};

/// The largest form with photos, in bytes.
const LARGEST_UPLOAD: usize = 64 << 20;

/// A form that takes longer is refused, so that it gives its place to others.
const LONGEST_UPLOAD: Duration = Duration::from_secs(180);

/// The files of the fields `photo` of a form, as photos of the person in the path. Empty ones are left out: browsers send one
/// for a field without a file. Nothing is read for a caller who may not enrol the person, and few forms are read at once.
#[derive(Debug)]
pub struct Photos {
    /// The files, at most one more than an enrolment has.
    pub files: Vec<Bytes>,
    /// The place among the forms that are in memory.
    _permit: OwnedSemaphorePermit,
}

impl FromRequest<Server> for Photos {
    type Rejection = Error;

    async fn from_request(mut request: Request, server: &Server) -> Result<Self> {
        let Caller(actor) = request.extract_parts().await?;
        let path = request.extract_parts::<Path<Id>>().await;
        let Path(person) = path.map_err(|_| Error::not_found("person"))?;
        let mut tx = server.store.read().await?;
        enrolments::may_begin(&mut tx, &actor, person).await?;
        drop(tx);
        let permit = Arc::clone(&server.uploads).acquire_owned().await;
        let permit = permit.map_err(Error::internal)?;
        DefaultBodyLimit::max(LARGEST_UPLOAD).apply(&mut request);
        let mut parts = Multipart::from_request(request, server)
            .await
            .map_err(|error| {
                let detail =
                    "The body must be a form with files, with Content-Type: multipart/form-data.";
                tracing::debug!(%error, "no form");
                Error::new(ErrorKind::WrongMediaType, "not_a_form", detail)
            })?;
        let read = tokio::time::timeout(LONGEST_UPLOAD, files(&mut parts)).await;
        let files = read.map_err(|_| {
            let detail = format!("The form took longer than {LONGEST_UPLOAD:?}.");
            Error::new(ErrorKind::Malformed, "slow_upload", detail)
        })??;
        Ok(Self {
            files,
            _permit: permit,
        })
    }
}

/// The files of a form. A form with more than an enrolment has is refused later, and the rest of it is not read.
async fn files(parts: &mut Multipart) -> Result<Vec<Bytes>> {
    let mut files = Vec::new();
    while files.len() <= MOST_PHOTOS
        && let Some(part) = parts.next_field().await.map_err(broken)?
    {
        if part.name() == Some("photo") {
            let file = part.bytes().await.map_err(broken)?;
            files.extend(Some(file).filter(|file| !file.is_empty()));
        }
    }
    Ok(files)
}

#[allow(clippy::needless_pass_by_value, reason = "`map_err` passes the error")]
fn broken(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("The photos together are larger than {LARGEST_UPLOAD} bytes.");
        return Error::new(ErrorKind::TooLarge, "too_large", detail);
    }
    Error::new(ErrorKind::Malformed, "broken_upload", error.body_text())
}

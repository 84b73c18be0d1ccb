//! The inputs of handlers: bodies, queries, paths, and headers.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::document::{Input, Operation};
use crate::{
    cameras::LARGEST_FRAME,
    commands::import,
    error::{Error, ErrorKind, Result},
    http::{Caller, Photos},
    id::Id,
    server::Server,
};

/// The largest JSON body, in bytes.
const LARGEST: usize = 1 << 20;

/// A JSON body.
#[derive(Clone, Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if kind != Some("application/json") {
            let detail = "The body must be JSON, with Content-Type: application/json.";
            return Err(Error::new(ErrorKind::WrongMediaType, "not_json", detail));
        }
        let bytes = bytes(request, LARGEST).await?;
        let mut read = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut read).map_err(|error| {
            let path = error.path().to_string();
            let detail = error.inner().to_string();
            match error.inner().classify() {
                serde_json::error::Category::Data => {
                    Error::invalid(&pointer(&path), "wrong_value", detail)
                }
                _ => Error::new(
                    ErrorKind::Malformed,
                    "malformed",
                    format!("The body is no JSON: {detail}"),
                ),
            }
        })?;
        read.end().map_err(|error| {
            Error::new(
                ErrorKind::Malformed,
                "malformed",
                format!("The body is no JSON: {error}"),
            )
        })?;
        Ok(Self(value))
    }
}

/// The bytes of a body, up to a limit.
async fn bytes(mut request: Request, largest: usize) -> Result<Bytes> {
    let too_large = || {
        let detail = format!("The body is larger than {largest} bytes.");
        Error::new(ErrorKind::TooLarge, "too_large", detail)
    };
    let stated = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if stated.is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    DefaultBodyLimit::max(largest).apply(&mut request);
    let read = Bytes::from_request(request, &()).await;
    read.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Error::new(ErrorKind::Malformed, "malformed", error.body_text()),
    })
}

/// `a.b[0]` as a JSON pointer.
fn pointer(path: &str) -> String {
    if path == "." {
        return String::new();
    }
    let parts = path.replace('[', ".").replace(']', "");
    parts
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| format!("/{part}"))
        .collect()
}

/// The values of a query.
#[derive(Clone, Debug)]
pub(super) struct Values<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Values<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let wrong = |error: axum::extract::rejection::QueryRejection| {
            Error::new(ErrorKind::Invalid, "wrong_query", error.body_text())
        };
        query.map(|Query(values)| Self(values)).map_err(wrong)
    }
}

/// The id in a path. A text that is no id names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub(super) struct ById(pub(super) Id);

impl<S: Send + Sync> FromRequestParts<S> for ById {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| Error::not_found("thing"))
    }
}

/// The version that the client has seen, from `If-Match`.
#[derive(Clone, Copy, Debug)]
pub(super) struct IfMatch(pub(super) i64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(tag) = text(&parts.headers, "if-match") else {
            let detail = "Send the ETag of the version that you have seen as If-Match.";
            return Err(Error::new(
                ErrorKind::PreconditionRequired,
                "if_match_required",
                detail,
            ));
        };
        let version = tag.trim().trim_matches('"').parse();
        version.map(Self).map_err(|_| {
            let detail = "If-Match is not the ETag of a version.";
            Error::new(ErrorKind::Outdated, "outdated", detail)
        })
    }
}

/// The key by which a request that is sent again is known, from `Idempotency-Key`.
#[derive(Clone, Debug)]
pub(super) struct IdempotencyKey(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        match text(&parts.headers, "idempotency-key") {
            Some(key) if (1..=128).contains(&key.len()) => Ok(Self(key.to_owned())),
            Some(_) => {
                let detail = "Idempotency-Key has 1 to 128 bytes.";
                Err(Error::new(
                    ErrorKind::Malformed,
                    "wrong_idempotency_key",
                    detail,
                ))
            }
            None => {
                let detail = "Send a new random text as Idempotency-Key, and the same one if you send the request again.";
                Err(Error::new(
                    ErrorKind::Malformed,
                    "idempotency_key_required",
                    detail,
                ))
            }
        }
    }
}

impl Input for IdempotencyKey {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.parameter(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "A random text. The same request with the same key gets the first answer, for a day.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
        }));
    }
}

/// A CSV file as the body.
#[derive(Clone, Debug)]
pub(super) struct CsvFile(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for CsvFile {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let kind = text(request.headers(), "content-type").and_then(|kind| kind.split(';').next());
        if kind.map(str::trim) != Some("text/csv") {
            let detail = "The body must be CSV, with Content-Type: text/csv.";
            return Err(Error::new(ErrorKind::WrongMediaType, "not_csv", detail));
        }
        bytes(request, import::LARGEST).await.map(Self)
    }
}

impl Input for CsvFile {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.body("text/csv", &schemars::json_schema!({ "type": "string" }));
    }
}

/// A picture as the body: JPEG, PNG or WebP.
#[derive(Clone, Debug)]
pub(super) struct ImageFile(pub(super) Bytes);

/// The media types of pictures.
const IMAGES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

impl<S: Send + Sync> FromRequest<S> for ImageFile {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let kind = text(request.headers(), "content-type").and_then(|kind| kind.split(';').next());
        if !kind.is_some_and(|kind| IMAGES.contains(&kind.trim())) {
            let detail = "The body must be a picture, with Content-Type: image/jpeg, image/png or image/webp.";
            return Err(Error::new(
                ErrorKind::WrongMediaType,
                "not_an_image",
                detail,
            ));
        }
        bytes(request, LARGEST_FRAME).await.map(Self)
    }
}

impl Input for ImageFile {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let binary = schemars::json_schema!({ "type": "string", "contentMediaType": "image/jpeg" });
        operation.body(IMAGES[0], &binary);
    }
}

impl Input for Photos {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let schema = schemars::json_schema!({
            "type": "object",
            "properties": {
                "photo": {
                    "type": "array",
                    "description": "JPEG, PNG or WebP files: 1 to 10, at most 25 MiB each and 64 MiB together.",
                    "items": { "type": "string", "contentMediaType": "application/octet-stream" },
                },
            },
            "required": ["photo"],
        });
        operation.body("multipart/form-data", &schema);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl<T: JsonSchema> Input for Body<T> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        operation.body("application/json", &generator.subschema_for::<T>());
    }
}

impl<T: JsonSchema> Input for Values<T> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        operation.query(&T::json_schema(generator));
    }
}

impl Input for IfMatch {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.parameter(json!({
            "name": "If-Match", "in": "header", "required": true,
            "description": "The ETag of the version that you have seen.",
            "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" },
        }));
    }
}

/// The path says it all.
impl Input for ById {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

impl Input for Caller {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

impl Input for State<Server> {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn paths_become_pointers() {
        assert_eq!(pointer("."), "");
        assert_eq!(pointer("roles[0].site"), "/roles/0/site");
    }
}

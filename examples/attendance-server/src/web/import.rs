//! `/people/import`: people from a CSV file, with a report.

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};

use super::{PageResult, page::Page, render, visitor::Visitor};
use crate::{
    access::Actor,
    commands::import::{self, ImportOptions, ImportReport, LARGEST, RowResult},
    error::{Error, ErrorKind, Result},
    http::Caller,
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/people/import", get(form).post(upload))
        // The file, and the lines around it.
        .layer(DefaultBodyLimit::max(LARGEST + 4096))
}

#[derive(Template)]
#[template(path = "people_import.html")]
struct ImportPage {
    page: Page,
    report: Option<ImportReport>,
    error: Option<String>,
}

impl ImportPage {
    /// The line and the reason of each row that was refused.
    fn wrong(&self, report: &ImportReport) -> Vec<(u64, String)> {
        let wrong = report
            .rows
            .iter()
            .filter(|row| row.result == RowResult::Wrong);
        let language = self.page.language;
        wrong
            .map(|row| {
                let code = row.code.as_deref().unwrap_or_default();
                let reason = row.reason.as_deref().unwrap_or_default();
                (row.line, language.problem_of(code, reason))
            })
            .collect()
    }
}

async fn page_of(server: &Server, actor: &Actor, visitor: &Visitor) -> Result<ImportPage> {
    let mut tx = server.store.read().await?;
    let title = visitor.language.say("import-title");
    Ok(ImportPage {
        page: visitor.page(&mut tx, actor, "/people", title).await?,
        report: None,
        error: None,
    })
}

async fn form(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    render(&page_of(&server, &actor, &visitor).await?)
}

async fn upload(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    mut parts: Multipart,
) -> PageResult {
    let mut page = page_of(&server, &actor, &visitor).await?;
    let imported = async {
        let (file, options) = read(&mut parts).await?;
        let mut tx = server.store.write().await?;
        let report = import::people(&mut tx, &actor, &file, &options).await?;
        if report.imported {
            tx.commit().await?;
        }
        Ok::<_, Error>(report)
    }
    .await;
    match imported {
        Ok(report) => {
            page.report = Some(report);
            render(&page)
        }
        Err(error)
            if matches!(
                error.kind,
                ErrorKind::Invalid | ErrorKind::Malformed | ErrorKind::TooLarge
            ) =>
        {
            page.error = Some(visitor.language.problem(&error));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The file of the form, and what to do with wrong rows.
async fn read(parts: &mut Multipart) -> Result<(Vec<u8>, ImportOptions)> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        let kind = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ErrorKind::TooLarge
        } else {
            ErrorKind::Malformed
        };
        Error::new(kind, "broken_upload", error.body_text())
    };
    let (mut file, mut options) = (Vec::new(), ImportOptions::default());
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        match part.name().unwrap_or_default() {
            "file" => file = part.bytes().await.map_err(broken)?.to_vec(),
            "partial" => options.partial = true,
            _ => {}
        }
    }
    if file.is_empty() {
        return Err(Error::invalid("/file", "empty_file", "The file is empty."));
    }
    Ok((file, options))
}

//! `/settings/two-step`: two-step sign-in of the own account, and its reset for another one.

use askama::{Template, filters::Safe};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};

use super::{
    PageResult,
    audit::main_zone,
    input::{Form, Path},
    mark::Mark,
    page::{Page, Refused},
    qr, render,
    visitor::Visitor,
};
use crate::{
    access::Actor,
    commands::two_step::{self, FirstCode, NewTwoStep, OwnPassword, OwnProof},
    error::{Error, ErrorKind, Result},
    http::{Browser, Caller, session_cookie},
    id::Id,
    server::Server,
    store::Transaction,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/settings/two-step", get(show).post(begin))
        .route("/settings/two-step/confirm", post(confirm))
        .route("/settings/two-step/off", post(switch_off))
        .route("/accounts/{account}/two-step/reset", post(reset))
}

/// The part of the page that is shown.
enum Part {
    /// It is off; the password begins the set-up.
    Off,
    /// The secret for the app, which awaits the first code.
    Begun {
        qr: Safe<String>,
        /// The secret in groups of four letters.
        secret: String,
    },
    /// It was switched on just now. The recovery codes are shown once.
    SwitchedOn { codes: Vec<String> },
    /// It is on since a date, with this number of recovery codes.
    On { since: String, codes: i64 },
}

#[derive(Template)]
#[template(path = "two_step.html")]
struct TwoStepPage {
    page: Page,
    part: Part,
    error: Option<Refused>,
}

impl TwoStepPage {
    fn error_of(&self, field: &str) -> Option<&str> {
        self.error.as_ref().and_then(|error| error.at(field))
    }
}

async fn page(tx: &mut Transaction, actor: &Actor, visitor: &Visitor) -> Result<Page> {
    let title = visitor.language.say("two-step");
    visitor.page(tx, actor, "/settings", title).await
}

/// The page with the present state.
async fn present(tx: &mut Transaction, actor: &Actor, visitor: &Visitor) -> Result<TwoStepPage> {
    let page = page(tx, actor, visitor).await?;
    let state = two_step::get(tx, actor).await?;
    let part = match state.since {
        None => Part::Off,
        Some(since) => {
            let zone = main_zone(tx, actor).await?;
            Part::On {
                since: page.date(since.to_zoned_datetime(zone).date()),
                codes: state.recovery_codes,
            }
        }
    };
    Ok(TwoStepPage {
        page,
        part,
        error: None,
    })
}

fn begun(page: &Page, new: &NewTwoStep) -> Result<Part> {
    let groups: Vec<&str> = new
        .secret
        .as_bytes()
        .chunks(4)
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    Ok(Part::Begun {
        qr: qr::svg(&new.uri, &page.say("two-step-qr"))?,
        secret: groups.join(" "),
    })
}

/// The page with a refusal; an error that is not about the input stays an error.
fn refused(mut shown: TwoStepPage, visitor: &Visitor, error: &Error) -> PageResult {
    shown.error = Some(Refused::of(error, visitor.language));
    let status =
        StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    Ok((status, render(&shown)?).into_response())
}

fn is_of_input(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::TooMany
    )
}

async fn show(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    render(&present(&mut tx, &actor, &visitor).await?)
}

async fn begin(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(password): Form<OwnPassword>,
) -> PageResult {
    let begun_now = two_step::begin(&server.store, &server.limits, &actor, password).await;
    let mut tx = server.store.read().await?;
    match begun_now {
        Ok(new) => {
            let page = page(&mut tx, &actor, &visitor).await?;
            let part = begun(&page, &new)?;
            render(&TwoStepPage {
                page,
                part,
                error: None,
            })
        }
        Err(error) if is_of_input(&error) => {
            refused(present(&mut tx, &actor, &visitor).await?, &visitor, &error)
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirm(
    State(server): State<Server>,
    Caller(actor): Caller,
    Browser(browser): Browser,
    visitor: Visitor,
    Form(first): Form<FirstCode>,
) -> PageResult {
    let on = two_step::confirm(&server.store, &server.limits, &actor, &first, &browser).await;
    let mut tx = server.store.read().await?;
    match on {
        Ok(on) => {
            let shown = TwoStepPage {
                page: page(&mut tx, &actor, &visitor).await?,
                part: Part::SwitchedOn {
                    codes: on.codes.recovery_codes,
                },
                error: None,
            };
            Ok((session_cookie(&on.session), render(&shown)?).into_response())
        }
        Err(error) if is_of_input(&error) => {
            let mut shown = present(&mut tx, &actor, &visitor).await?;
            // The secret once more, as long as its code is awaited.
            if let Ok(new) = two_step::pending(&mut tx, &actor).await {
                shown.part = begun(&shown.page, &new)?;
            }
            refused(shown, &visitor, &error)
        }
        Err(error) => Err(error.into()),
    }
}

async fn switch_off(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(proof): Form<OwnProof>,
) -> PageResult {
    match two_step::switch_off(&server.store, &server.limits, &actor, proof).await {
        Ok(()) => Ok(Redirect::to("/settings?done=two-step-off").into_response()),
        Err(error) if is_of_input(&error) => {
            let mut tx = server.store.read().await?;
            refused(present(&mut tx, &actor, &visitor).await?, &visitor, &error)
        }
        Err(error) => Err(error.into()),
    }
}

async fn reset(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(account): Path<Id>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    two_step::reset(&mut tx, &actor, account).await?;
    tx.commit().await?;
    Ok(Redirect::to("/settings?done=two-step-reset").into_response())
}

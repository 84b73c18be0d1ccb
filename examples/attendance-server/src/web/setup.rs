//! `/setup`: the first steps of a new server. The first one is behind a one-time link; it makes the organisation, the account
//! of the admin, the site and its rules. The others are commands of that admin.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    PageResult,
    input::{Form, Query},
    page::{Choice, Page, Refused},
    render,
    visitor::Visitor,
};
use crate::{
    access::{Actor, password::HashedSecret},
    commands::{
        devices::{self, NewDevice},
        organisations::{self, Setup},
        people::{self, NewPerson},
        sessions, sites, tokens,
    },
    error::{Error, ErrorKind, Result},
    http::{Browser, Caller, session_cookie},
    id::Id,
    presets::PRESETS,
    server::Server,
    store::Transaction,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/setup", get(first).post(set_up))
        .route("/setup/device", get(device).post(add_device))
        .route("/setup/person", get(person).post(add_person))
        .route("/setup/ready", get(ready))
}

/// A step of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The organisation, the first account, and the first site with its rules.
    Organisation,
    /// The first device.
    Device,
    /// The first person.
    Person,
    /// The end, with a link to the pages.
    Ready,
}

impl Step {
    const ALL: [Self; 4] = [Self::Organisation, Self::Device, Self::Person, Self::Ready];

    /// The name, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Device => "device",
            Self::Person => "person",
            Self::Ready => "ready",
        }
    }

    /// The address to which its form is sent.
    fn address(self) -> &'static str {
        match self {
            Self::Organisation => "/setup",
            Self::Device => "/setup/device",
            Self::Person => "/setup/person",
            Self::Ready => "/setup/ready",
        }
    }

    /// The number from 1 on.
    fn number(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).unwrap_or(0) + 1
    }
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    page: Page,
    step: Step,
    /// The token of the link.
    token: String,
    /// The fields that were sent, and their values.
    sent: Vec<(String, String)>,
    presets: Vec<Choice>,
    error: Option<Refused>,
    /// The token of the first device. It is shown once.
    device_token: Option<String>,
}

impl SetupPage {
    fn new(visitor: &Visitor, step: Step) -> Self {
        let presets = PRESETS
            .iter()
            .enumerate()
            .map(|(index, preset)| Choice {
                value: preset.name.to_owned(),
                label: visitor.language.say(&format!("preset-{}", preset.name)),
                chosen: index == 0,
            })
            .collect();
        Self {
            page: visitor.public_page(visitor.language.say("setup-first"), None),
            step,
            token: String::new(),
            sent: Vec::new(),
            presets,
            error: None,
            device_token: None,
        }
    }

    /// The form again, with what was sent and the reason of the refusal.
    fn refused(
        visitor: &Visitor,
        step: Step,
        sent: Vec<(String, String)>,
        error: &Error,
    ) -> Result<Response> {
        if !matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) {
            return Err(Error::new(error.kind, error.code, error.detail.clone()));
        }
        let mut page = Self::new(visitor, step);
        page.error = Some(Refused::of(error, visitor.language));
        for preset in &mut page.presets {
            preset.chosen = sent
                .iter()
                .any(|(name, value)| name == "preset" && *value == preset.value);
        }
        let token = sent.iter().find(|(name, _)| name == "token");
        page.token = token.map(|(_, token)| token.clone()).unwrap_or_default();
        // Passwords are not sent back.
        page.sent = sent
            .into_iter()
            .filter(|(name, _)| name != "password")
            .collect();
        let html = page.render().map_err(Error::internal)?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, axum::response::Html(html)).into_response())
    }

    /// The value of a field that was sent.
    fn value(&self, name: &str) -> &str {
        let found = self.sent.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn error_of(&self, field: &str) -> Option<&str> {
        self.error.as_ref().and_then(|error| error.at(field))
    }

    /// Each step, whether it is done, and whether it is current.
    fn steps(&self) -> Vec<(Step, bool, bool)> {
        Step::ALL
            .into_iter()
            .map(|step| (step, step.number() < self.step.number(), step == self.step))
            .collect()
    }
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

/// Fails unless the token is that of the link. It has 20 characters or more, so that attempts need no limit.
async fn check(server: &Server, token: &str) -> Result<()> {
    let mut tx = server.store.read().await?;
    tokens::check_setup(&mut tx, token).await
}

async fn first(
    State(server): State<Server>,
    visitor: Visitor,
    Query(link): Query<Link>,
) -> PageResult {
    check(&server, &link.token).await?;
    let mut page = SetupPage::new(&visitor, Step::Organisation);
    page.token = link.token;
    render(&page)
}

async fn set_up(
    State(server): State<Server>,
    Browser(browser): Browser,
    visitor: Visitor,
    Form(sent): Form<Vec<(String, String)>>,
) -> PageResult {
    let field = |name: &str| {
        let found = sent.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    check(&server, &field("token")).await?;
    let password = match HashedSecret::password("/password", field("password")).await {
        Ok(password) => password,
        Err(error) => {
            return Ok(SetupPage::refused(
                &visitor,
                Step::Organisation,
                sent,
                &error,
            )?);
        }
    };
    let input = Setup {
        organisation: field("organisation"),
        name: field("name"),
        mail: field("mail"),
        password,
        site: field("site"),
        time_zone: field("time_zone"),
        preset: field("preset"),
    };
    let mut tx = server.store.write().await?;
    match organisations::set_up(&mut tx, input).await {
        Ok(installed) => {
            let session =
                sessions::begin(&mut tx, installed.organisation, installed.account, &browser)
                    .await?;
            tx.commit().await?;
            Ok((session_cookie(&session), Redirect::to("/setup/device")).into_response())
        }
        Err(error) => Ok(SetupPage::refused(
            &visitor,
            Step::Organisation,
            sent,
            &error,
        )?),
    }
}

async fn device(visitor: Visitor) -> PageResult {
    render(&SetupPage::new(&visitor, Step::Device))
}

#[derive(Deserialize)]
struct DeviceForm {
    #[serde(default)]
    device: String,
    skip: Option<String>,
}

async fn add_device(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(form): Form<DeviceForm>,
) -> PageResult {
    if form.skip.is_some() {
        return Ok(Redirect::to("/setup/person").into_response());
    }
    let mut tx = server.store.write().await?;
    let site = first_site(&mut tx, &actor).await?;
    let input = NewDevice {
        name: form.device.clone(),
        site,
        place: None,
    };
    match devices::create(&mut tx, &actor, input).await {
        Ok(added) => {
            tx.commit().await?;
            let mut page = SetupPage::new(&visitor, Step::Person);
            page.device_token = Some(added.token.token);
            render(&page)
        }
        Err(error) => {
            let sent = vec![("device".to_owned(), form.device)];
            Ok(SetupPage::refused(
                &visitor,
                Step::Device,
                sent,
                &at(error, "name", "device"),
            )?)
        }
    }
}

async fn person(visitor: Visitor) -> PageResult {
    render(&SetupPage::new(&visitor, Step::Person))
}

#[derive(Deserialize)]
struct PersonForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    number: String,
    skip: Option<String>,
}

async fn add_person(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(form): Form<PersonForm>,
) -> PageResult {
    if form.skip.is_some() {
        return Ok(Redirect::to("/setup/ready").into_response());
    }
    let mut tx = server.store.write().await?;
    let input = NewPerson {
        number: form.number.clone(),
        name: form.name.clone(),
        mail: None,
        site: first_site(&mut tx, &actor).await?,
        joined: None,
        left: None,
    };
    match people::create(&mut tx, &actor, input).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/setup/ready").into_response())
        }
        Err(error) => {
            let sent = vec![
                ("name".to_owned(), form.name),
                ("number".to_owned(), form.number),
            ];
            Ok(SetupPage::refused(&visitor, Step::Person, sent, &error)?)
        }
    }
}

async fn ready(visitor: Visitor) -> PageResult {
    render(&SetupPage::new(&visitor, Step::Ready))
}

async fn first_site(tx: &mut Transaction, actor: &Actor) -> Result<Id> {
    let sites = sites::list(tx, actor).await?;
    sites
        .first()
        .map(|site| site.id)
        .ok_or_else(|| Error::not_found("site"))
}

/// The error, with the field of the form that has another name here.
fn at(mut error: Error, from: &str, to: &str) -> Error {
    for field in &mut error.fields {
        if field.pointer == format!("/{from}") {
            field.pointer = format!("/{to}");
        }
    }
    error
}

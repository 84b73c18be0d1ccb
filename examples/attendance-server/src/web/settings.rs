//! `/settings`: language and look, sites, models and their change, accounts and API tokens.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    PageResult,
    audit::main_zone,
    backups::BackupsCard,
    input::{Form, Path, origin},
    mark::Mark,
    page::{Choice, Page, Refused},
    render,
    visitor::Visitor,
};
use crate::{
    access::{Actor, Grant, Principal, Role},
    commands::{
        accounts::{self, AccountChanges, NewAccount},
        locks::{self, NewLock},
        model_change, people,
        sites::{self, NewSite},
        tokens::{self, NewApiToken, TokenKind},
        two_step,
    },
    error::{Error, ErrorKind, Result},
    http::Caller,
    id::Id,
    presets::PRESETS,
    recognition::{Models, Room},
    server::Server,
    store::Transaction,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/settings", get(show))
        .route("/settings/models/end", post(end_model_change))
        .route("/sites", post(add_site))
        .route("/sites/{site}/lock", post(lock))
        .route("/accounts", post(invite))
        .route("/accounts/{account}/disable", post(disable))
        .route("/accounts/{account}/enable", post(enable))
        .route("/tokens", post(add_token))
        .route("/tokens/{token}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    page: Page,
    sites: Vec<SiteRow>,
    presets: Vec<Choice>,
    accounts: Vec<AccountRow>,
    tokens: Vec<TokenRow>,
    /// The models, and the room of the gallery; none on a page with an error.
    recognition: Option<RecognitionCard>,
    /// The backups; none on a page with an error, and if the server makes none.
    backups: Option<BackupsCard>,
    /// Two-step sign-in of the own account; none for callers without a password.
    two_step: Option<TwoStepCard>,
    /// The key of an explanation, and a text that is shown once.
    secret: Option<(&'static str, String)>,
    error: Option<Refused>,
    /// The visitor may change sites, accounts and tokens.
    edits: bool,
}

/// A site.
struct SiteRow {
    id: Id,
    name: String,
    zone: String,
    /// The days up to this one are closed; empty if none are.
    locked: String,
}

/// An account.
struct AccountRow {
    id: Id,
    name: String,
    mail: String,
    role: &'static str,
    mark: Mark,
    state: String,
    own: bool,
    active: bool,
    has_two_step: bool,
}

/// Two-step sign-in of the own account.
struct TwoStepCard {
    mark: Mark,
    state: String,
    /// The key of the text of its link.
    link: &'static str,
}

/// An API token.
struct TokenRow {
    id: Id,
    label: String,
    role: &'static str,
    used: String,
}

/// The key of the name of a role.
fn role_key(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Admin) => "role-admin",
        Some(Role::Manager) => "role-manager",
        Some(Role::Auditor) => "role-auditor",
        Some(Role::Device) => "role-device",
        _ => "role-member",
    }
}

async fn show(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    let mut page = settings_page(&mut tx, &actor, &visitor).await?;
    let models = server.recognition.models();
    let change = if page.edits {
        ChangeCard::load(&mut tx, &actor, models).await?
    } else {
        None
    };
    page.recognition = Some(RecognitionCard {
        models: models.name.clone(),
        runtime: models.runtime.clone(),
        has_liveness: models.has_liveness,
        room: server.recognition.room(actor.org),
        change,
    });
    if page.edits {
        let zone = main_zone(&mut tx, &actor).await?;
        page.backups = BackupsCard::of(&server, &actor, &page.page, &zone)?;
    }
    render(&page)
}

/// The people to enrol again whom the page names.
const MOST_NAMED: usize = 50;

/// A change of models.
struct ChangeCard {
    /// The names of the earlier models.
    earlier: String,
    /// Earlier models are not here, so that their people are not recognized.
    is_missing: bool,
    /// The people with new templates.
    done: usize,
    /// The people with templates.
    all: usize,
    /// The people whose pictures are embedded again.
    waiting: usize,
    /// The people who have no new templates.
    left: usize,
    /// The people to enrol again.
    to_enrol: Vec<(Id, String)>,
    /// The people to enrol again who are not named.
    more: usize,
}

impl ChangeCard {
    /// None without a change.
    async fn load(tx: &mut Transaction, actor: &Actor, models: &Models) -> Result<Option<Self>> {
        let change = model_change::state(tx, actor, &models.space).await?;
        if change.is_over() {
            return Ok(None);
        }
        let directory = people::directory(tx, actor.org).await?;
        let named = change.to_enrol.iter().take(MOST_NAMED);
        let to_enrol: Vec<_> = named
            .filter_map(|&id| Some((id, directory.get(id)?.name.clone())))
            .collect();
        let left = change.waiting + change.to_enrol.len();
        Ok(Some(Self {
            earlier: models.earlier.join(", "),
            is_missing: !models.missing_spaces.is_empty(),
            done: change.done,
            all: change.done + left,
            waiting: change.waiting,
            left,
            more: change.to_enrol.len() - to_enrol.len(),
            to_enrol,
        }))
    }
}

async fn end_model_change(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
) -> PageResult {
    let mut tx = server.store.write().await?;
    match model_change::end(&mut tx, &actor, &server.recognition.models().space).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/settings?done=model-change-ended").into_response())
        }
        Err(error) => {
            drop(tx);
            refused(&server, &actor, &visitor, error).await
        }
    }
}

/// The models of recognition.
struct RecognitionCard {
    models: String,
    runtime: String,
    has_liveness: bool,
    room: Option<Room>,
    change: Option<ChangeCard>,
}

async fn settings_page(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
) -> Result<SettingsPage> {
    let title = visitor.language.say("settings");
    let page = visitor.page(tx, actor, "/settings", title).await?;
    let edits = actor.require(&[Role::Admin]).is_ok();
    let two_step = match actor.principal {
        Principal::Account(id) if accounts::get(tx, actor, id).await?.has_password => {
            let (mark, state, link) = match two_step::get(tx, actor).await?.since {
                Some(_) => (Mark::Present, "two-step-is-on", "two-step-change"),
                None => (Mark::Unknown, "two-step-is-off", "two-step-set-up"),
            };
            let state = page.say(state);
            Some(TwoStepCard { mark, state, link })
        }
        _ => None,
    };
    let mut settings = SettingsPage {
        sites: Vec::new(),
        presets: PRESETS
            .iter()
            .map(|preset| Choice {
                value: preset.name.to_owned(),
                label: page.say(&format!("preset-{}", preset.name)),
                chosen: false,
            })
            .collect(),
        accounts: Vec::new(),
        tokens: Vec::new(),
        recognition: None,
        backups: None,
        two_step,
        secret: None,
        error: None,
        edits,
        page,
    };
    if !edits {
        return Ok(settings);
    }
    let page = &settings.page;
    let zone = main_zone(tx, actor).await?;
    for site in sites::list(tx, actor).await? {
        let through = locks::get(tx, actor, site.id).await?.through;
        settings.sites.push(SiteRow {
            id: site.id,
            name: site.name,
            zone: site.time_zone,
            locked: through
                .map(|through| page.date(through))
                .unwrap_or_default(),
        });
    }
    for account in accounts::list(tx, actor).await? {
        let (mark, key) = match (account.disabled, account.has_password) {
            (Some(_), _) => (Mark::Absent, "account-disabled"),
            (None, false) => (Mark::Late, "account-invited"),
            (None, true) => (Mark::Present, "account-active"),
        };
        settings.accounts.push(AccountRow {
            id: account.id,
            name: account.name,
            mail: account.mail,
            role: role_key(account.roles.first().map(|grant| grant.role)),
            mark,
            state: page.say(key),
            own: actor.principal == Principal::Account(account.id),
            active: account.disabled.is_none(),
            has_two_step: account.has_two_step,
        });
    }
    for token in tokens::list(tx, actor).await? {
        if token.kind != TokenKind::Api {
            continue;
        }
        let used = token
            .last_used
            .map(|used| used.to_zoned_datetime(zone.clone()).date());
        settings.tokens.push(TokenRow {
            id: token.id,
            label: token.label,
            role: role_key(token.role),
            used: match used {
                Some(used) => page.say_with("token-used", "date", page.date(used)),
                None => page.say("token-unused"),
            },
        });
    }
    Ok(settings)
}

/// The page with a refusal; an error that is not about the input stays an error.
async fn refused(server: &Server, actor: &Actor, visitor: &Visitor, error: Error) -> PageResult {
    if !matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) {
        return Err(error.into());
    }
    let mut tx = server.store.read().await?;
    let mut page = settings_page(&mut tx, actor, visitor).await?;
    let mut refused = Refused::of(&error, visitor.language);
    // The field is in a dialog, which is closed again.
    refused.field.clear();
    page.error = Some(refused);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

/// The page with a text that is shown once.
async fn shown_once(
    server: &Server,
    actor: &Actor,
    visitor: &Visitor,
    secret: (&'static str, String),
) -> PageResult {
    let mut tx = server.store.read().await?;
    let mut page = settings_page(&mut tx, actor, visitor).await?;
    page.secret = Some(secret);
    render(&page)
}

async fn add_site(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(input): Form<NewSite>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    match sites::create(&mut tx, &actor, input).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/settings?done=site-added").into_response())
        }
        Err(error) => {
            drop(tx);
            refused(&server, &actor, &visitor, error).await
        }
    }
}

#[derive(Deserialize)]
struct Through {
    through: Date,
}

async fn lock(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(site): Path<Id>,
    Form(input): Form<Through>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let new = NewLock {
        through: Some(input.through),
    };
    match locks::set(&mut tx, &actor, site, new).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/settings?done=locked").into_response())
        }
        Err(error) => {
            drop(tx);
            refused(&server, &actor, &visitor, error).await
        }
    }
}

#[derive(Deserialize)]
struct Invitation {
    name: String,
    mail: String,
    role: Role,
    /// The site; empty for the whole organisation.
    #[serde(default)]
    site: String,
}

async fn invite(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    headers: HeaderMap,
    Form(input): Form<Invitation>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let invited = async {
        let site = match input.site.as_str() {
            "" => None,
            site => Some(site.parse().map_err(|_| Error::not_found("site"))?),
        };
        let new = NewAccount {
            name: input.name,
            mail: input.mail,
            person: None,
            roles: vec![Grant {
                role: input.role,
                site,
            }],
        };
        let account = accounts::create(&mut tx, &actor, new).await?;
        tokens::invite(&mut tx, &actor, account.id).await
    }
    .await;
    match invited {
        Ok(issued) => {
            tx.commit().await?;
            let link = format!("{}/invitation?token={}", origin(&headers), issued.token);
            shown_once(&server, &actor, &visitor, ("secret-invitation", link)).await
        }
        Err(error) => {
            drop(tx);
            refused(&server, &actor, &visitor, error).await
        }
    }
}

async fn disable(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
) -> PageResult {
    set_disabled(&server, &actor, &visitor, id, true).await
}

async fn enable(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
) -> PageResult {
    set_disabled(&server, &actor, &visitor, id, false).await
}

async fn set_disabled(
    server: &Server,
    actor: &Actor,
    visitor: &Visitor,
    id: Id,
    disabled: bool,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let changes = AccountChanges {
        disabled: Some(disabled),
        ..AccountChanges::default()
    };
    match accounts::update(&mut tx, actor, id, None, changes).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/settings?done=saved").into_response())
        }
        Err(error) => {
            drop(tx);
            refused(server, actor, visitor, error).await
        }
    }
}

#[derive(Deserialize)]
struct TokenForm {
    label: String,
    role: Role,
}

async fn add_token(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(input): Form<TokenForm>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let new = NewApiToken {
        label: input.label,
        role: input.role,
        site: None,
        days: None,
    };
    match tokens::create_api_token(&mut tx, &actor, new).await {
        Ok(issued) => {
            tx.commit().await?;
            shown_once(&server, &actor, &visitor, ("secret-token", issued.token)).await
        }
        Err(error) => {
            drop(tx);
            refused(&server, &actor, &visitor, error).await
        }
    }
}

async fn revoke(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    tokens::revoke(&mut tx, &actor, id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/settings?done=withdrawn").into_response())
}

//! `/audit`: each change, who made it and when, in a chain that shows later edits.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use jiff::{civil::DateTime, tz::TimeZone};

use super::{PageResult, input::Query, list::Search, page::Page, render, visitor::Visitor, zone};
use crate::{
    access::{Actor, Role},
    commands::{
        accounts,
        audit::{self, AuditRecord},
        people, sites,
    },
    error::Result,
    http::Caller,
    id::Id,
    paging::PageRequest,
    server::Server,
    store::{Directory, Transaction},
    text::encode,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/audit", get(list))
        .route("/audit/verify", post(verify))
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    page: Page,
    /// The result of a verification; none if it was not asked for.
    valid: Option<bool>,
    rows: Vec<Row>,
    older: Option<String>,
}

struct Row {
    sequence: i64,
    at: DateTime,
    actor: String,
    action: String,
    subject: String,
    /// The address of the subject's page.
    address: Option<String>,
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    render(&audit_page(&mut tx, &actor, &visitor, query.cursor, None).await?)
}

async fn verify(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let verified = audit::verify(&mut tx, &actor).await?;
    let valid = Some(verified.fault.is_none());
    render(&audit_page(&mut tx, &actor, &visitor, None, valid).await?)
}

async fn audit_page(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    cursor: Option<String>,
    valid: Option<bool>,
) -> Result<AuditPage> {
    let title = visitor.language.say("audit");
    let page = visitor.page(tx, actor, "/audit", title).await?;
    let request = PageRequest {
        limit: None,
        cursor,
    };
    let records = audit::list(tx, actor, &request).await?;
    let directory = people::directory(tx, actor.org).await?;
    let names = actor_names(tx, actor).await?;
    let zone = main_zone(tx, actor).await?;
    let rows = records
        .items
        .into_iter()
        .map(|record| row(&page, record, &directory, &names, &zone))
        .collect();
    let older = records
        .next
        .map(|cursor| format!("/audit?cursor={}", encode(&cursor)));
    Ok(AuditPage {
        page,
        valid,
        rows,
        older,
    })
}

/// The time zone of the first site: times of the whole organisation are shown in it.
pub(super) async fn main_zone(tx: &mut Transaction, actor: &Actor) -> Result<TimeZone> {
    let sites = sites::list(tx, actor).await?;
    Ok(zone(sites.first().map_or("UTC", |site| &site.time_zone)))
}

/// The names of the accounts, by the labels of their actors. Only admins may read them; others see the role.
pub(super) async fn actor_names(
    tx: &mut Transaction,
    actor: &Actor,
) -> Result<HashMap<String, String>> {
    if actor.require(&[Role::Admin]).is_err() {
        return Ok(HashMap::new());
    }
    let accounts = accounts::list(tx, actor).await?;
    Ok(accounts
        .into_iter()
        .map(|account| (format!("account {}", account.id), account.name))
        .collect())
}

/// The name of an actor for people.
pub(super) fn actor_name(page: &Page, names: &HashMap<String, String>, label: &str) -> String {
    if let Some(name) = names.get(label) {
        return name.clone();
    }
    match label.split(' ').next().unwrap_or_default() {
        "account" => page.say("actor-account"),
        "token" => page.say("actor-token"),
        "device" => page.say("actor-device"),
        _ => page.say("actor-operator"),
    }
}

fn row(
    page: &Page,
    record: AuditRecord,
    directory: &Directory,
    names: &HashMap<String, String>,
    zone: &TimeZone,
) -> Row {
    let person = |id: Id| directory.get(id).map(|entry| (id, entry.name.clone()));
    let person = record.subject.and_then(person);
    let key = format!("audit-{}", record.action.replace('_', "-"));
    let action = if page.language.has(&key) {
        page.say(&key)
    } else {
        record.action
    };
    // A site or a device has its name in the detail.
    let named = || {
        let detail = record.detail.as_ref()?;
        let name = detail.get("name").or_else(|| detail.get("label"))?;
        // The label of a session is the whole name of the browser.
        Some(name.as_str().filter(|name| name.len() <= 100)?.to_owned())
    };
    Row {
        sequence: record.seq,
        at: record.at.to_zoned_datetime(zone.clone()).datetime(),
        actor: actor_name(page, names, &record.actor),
        action,
        address: person.as_ref().map(|(id, _)| format!("/people/{id}")),
        subject: person
            .map(|(_, name)| name)
            .or_else(named)
            .unwrap_or_default(),
    }
}

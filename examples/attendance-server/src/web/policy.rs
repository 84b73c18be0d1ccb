//! `/policy`: the rules of a site as a form, with a dry run before a change.

use std::collections::HashMap;

use askama::Template;
use attendance_rules::{DayRecord, Policy};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::{
    PageResult,
    audit::{actor_name, actor_names},
    input::{Form, Query},
    language,
    mark::Mark,
    page::{Choice, Page, Refused},
    people::site_choices,
    policy_form::{self, Control, Section},
    record::status,
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    access::Actor,
    commands::{
        people,
        policies::{self, Effect, NewPolicy},
        sites::{self, ALWAYS, PolicyVersion},
    },
    error::{Error, ErrorKind, Result},
    http::Caller,
    id::Id,
    server::Server,
    store::Transaction,
};

/// The most days in the list of a dry run.
const MOST_CHANGES: usize = 12;

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/policy", get(show).post(apply))
        .route("/policy/preview", post(preview))
}

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    page: Page,
    site: Id,
    site_name: String,
    sites: Vec<Choice>,
    since: String,
    sections: Vec<Section>,
    starts: Date,
    text: String,
    error: Option<Refused>,
    dry_run: Option<DryRun>,
    history: Vec<VersionRow>,
}

/// The days that a policy would change.
struct DryRun {
    days: usize,
    people: usize,
    changes: Vec<ChangedDay>,
    /// The policy that the button applies, as TOML.
    policy: String,
}

/// A day before and after.
struct ChangedDay {
    id: Id,
    name: String,
    date: Date,
    before: (Mark, String),
    after: (Mark, String),
}

/// A version of the policy.
struct VersionRow {
    since: String,
    by: String,
    current: bool,
}

#[derive(Deserialize)]
struct Chosen {
    site: Option<Id>,
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let shown = Shown {
        site: chosen.site,
        ..Shown::default()
    };
    render(&policy_page(&mut tx, &actor, &visitor, shown).await?)
}

/// The input and the results that the page shows beside the policy in force.
#[derive(Default)]
struct Shown {
    site: Option<Id>,
    /// The policy as it was sent; by default that in force.
    policy: Option<Value>,
    text: Option<String>,
    starts: Option<Date>,
    effect: Option<Effect>,
    error: Option<Error>,
}

async fn policy_page(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    shown: Shown,
) -> Result<PolicyPage> {
    let site = match shown.site {
        Some(id) => sites::get(tx, actor, id).await?,
        None => {
            let mut sites = sites::list(tx, actor).await?.into_iter();
            sites.next().ok_or_else(|| Error::not_found("site"))?
        }
    };
    let title = visitor.language.say("policy");
    let page = visitor.page(tx, actor, "/policy", title).await?;
    let today = tx.now.to_zoned_datetime(zone(&site.time_zone)).date();
    let versions = sites::policy_versions(tx, actor, site.id).await?;
    let current = in_force(&versions, today)?;
    let names = actor_names(tx, actor).await?;
    let since = |version: &PolicyVersion| {
        if version.applies_from == ALWAYS {
            page.say("policy-always")
        } else {
            page.say_with("policy-from", "date", page.date(version.applies_from))
        }
    };
    let history = versions
        .iter()
        .map(|version| VersionRow {
            since: since(version),
            by: actor_name(&page, &names, &version.created_by),
            current: version.id == current.id,
        })
        .collect();
    let error = shown.error.map(|error| place(&error, visitor));
    let policy = match shown.policy {
        Some(policy) => policy,
        None => serde_json::to_value(Policy::from_toml(&current.toml)?)?,
    };
    let at = error
        .as_ref()
        .map(|error| (error.field.as_str(), error.text.as_str()));
    let sections = policy_form::sections(&policy, &Policy::json_schema(), page.language, at);
    let dry_run = match shown.effect {
        Some(effect) => Some(dry_run(tx, actor, &page, effect).await?),
        None => None,
    };
    Ok(PolicyPage {
        sites: site_choices(tx, actor, Some(site.id)).await?,
        site: site.id,
        site_name: site.name,
        since: since(current),
        sections,
        starts: shown.starts.unwrap_or(today),
        text: shown.text.unwrap_or_else(|| current.toml.clone()),
        error,
        dry_run,
        history,
        page,
    })
}

/// The version that applies on a day. The list has the newest first.
fn in_force(versions: &[PolicyVersion], today: Date) -> Result<&PolicyVersion> {
    let begun = versions
        .iter()
        .find(|version| version.applies_from <= today);
    begun
        .or_else(|| versions.last())
        .ok_or_else(|| Error::internal("a site has no policy"))
}

/// A refusal, at the field with the name that the form uses.
fn place(error: &Error, visitor: &Visitor) -> Refused {
    let pointer = error
        .fields
        .first()
        .map_or("", |field| field.pointer.as_str());
    Refused {
        field: match pointer.strip_prefix("/policy/") {
            Some(path) => path.replace('/', "."),
            None if pointer == "/applies_from" => "starts".to_owned(),
            None if pointer == "/toml" => "text".to_owned(),
            None => String::new(),
        },
        text: visitor.language.problem(error),
    }
}

async fn dry_run(
    tx: &mut Transaction,
    actor: &Actor,
    page: &Page,
    effect: Effect,
) -> Result<DryRun> {
    let directory = people::directory(tx, actor.org).await?;
    let side = |record: &Value| -> Result<(Mark, String)> {
        if record.is_null() {
            return Ok((Mark::Unknown, page.say("status-free")));
        }
        let record: DayRecord = serde_json::from_value(record.clone())?;
        Ok(status(page, &record))
    };
    let mut changes = Vec::new();
    for changed in effect.examples.iter().take(MOST_CHANGES) {
        let change = &changed.change;
        let (mut before, mut after) = (side(&change.before)?, side(&change.after)?);
        if before == after {
            // The times differ, and not the status.
            for (side, record) in [(&mut before, &change.before), (&mut after, &change.after)] {
                let balance = record["balance_seconds"].as_i64().unwrap_or(0);
                side.1 = format!("{}, {}", side.1, language::signed_hours(balance));
            }
        }
        changes.push(ChangedDay {
            id: changed.person,
            name: directory
                .get(changed.person)
                .map(|entry| entry.name.clone())
                .unwrap_or_default(),
            date: change.date,
            before,
            after,
        });
    }
    Ok(DryRun {
        days: effect.days,
        people: effect.people,
        changes,
        policy: effect.toml,
    })
}

/// The input of a form: the fields of the form, or the whole text.
struct Sent {
    site: Id,
    starts: Date,
    text: Option<String>,
    fields: Vec<(String, String)>,
}

impl Sent {
    fn read(fields: Vec<(String, String)>) -> Result<Self> {
        let field = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.as_str())
        };
        let site = field("site").unwrap_or_default();
        let site = site.parse().map_err(|_| Error::not_found("site"))?;
        let starts = field("starts").unwrap_or_default();
        let starts = starts.parse().map_err(|_| {
            Error::invalid(
                "/applies_from",
                "wrong_date",
                format!("{starts:?} is not a date such as 2026-03-02."),
            )
        })?;
        let text = field("text").or_else(|| field("policy")).map(str::to_owned);
        Ok(Self {
            site,
            starts,
            text,
            fields,
        })
    }
}

/// Shows which days the policy of the form would change.
async fn preview(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> PageResult {
    let sent = Sent::read(fields)?;
    let mut tx = server.store.read().await?;
    let mut shown = Shown {
        site: Some(sent.site),
        starts: Some(sent.starts),
        text: sent.text.clone(),
        ..Shown::default()
    };
    let mut new = NewPolicy {
        applies_from: sent.starts,
        toml: sent.text,
        policy: None,
    };
    if new.toml.is_none() {
        let site = sites::get(&mut tx, &actor, sent.site).await?;
        let today = tx.now.to_zoned_datetime(zone(&site.time_zone)).date();
        let versions = sites::policy_versions(&mut tx, &actor, sent.site).await?;
        let current = serde_json::to_value(Policy::from_toml(&in_force(&versions, today)?.toml)?)?;
        let changed = policy_form::apply(
            &current,
            &Policy::json_schema(),
            visitor.language,
            &sent.fields,
        );
        shown.policy = Some(changed.clone());
        new.policy = Some(changed);
    }
    match policies::dry_run(&mut tx, &actor, sent.site, &new).await {
        Ok(effect) => {
            shown.text = Some(effect.toml.clone());
            shown.policy = Some(serde_json::to_value(Policy::from_toml(&effect.toml)?)?);
            shown.effect = Some(effect);
            render(&policy_page(&mut tx, &actor, &visitor, shown).await?)
        }
        Err(error) => refused(&mut tx, &actor, &visitor, shown, error).await,
    }
}

async fn refused(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    mut shown: Shown,
    error: Error,
) -> PageResult {
    if !matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) {
        return Err(error.into());
    }
    shown.error = Some(error);
    let page = policy_page(tx, actor, visitor, shown).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

async fn apply(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(fields): Form<HashMap<String, String>>,
) -> PageResult {
    let sent = Sent::read(fields.into_iter().collect())?;
    let new = NewPolicy {
        applies_from: sent.starts,
        toml: sent.text.clone(),
        policy: None,
    };
    let mut tx = server.store.write().await?;
    match policies::apply(&mut tx, &actor, sent.site, &new).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/policy?site={}&done=policy", sent.site)).into_response())
        }
        Err(error) => {
            drop(tx);
            let shown = Shown {
                site: Some(sent.site),
                starts: Some(sent.starts),
                text: sent.text,
                ..Shown::default()
            };
            let mut tx = server.store.read().await?;
            refused(&mut tx, &actor, &visitor, shown, error).await
        }
    }
}

//! `/privacy`: the records that are kept about people, and the people who can read them.

use askama::Template;
use axum::{Router, extract::State, routing::get};

use super::{PageResult, page::Page, render, visitor::Visitor};
use crate::{
    access::Role,
    commands::{accounts, inventory},
    http::Caller,
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/privacy", get(show))
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    page: Page,
    /// The key of each kind of record, and the number of records.
    kept: Vec<(&'static str, usize)>,
    /// The key of each role's name, and the number of accounts with it. Only admins see it.
    readers: Vec<(&'static str, usize)>,
    /// Consents and erasures.
    decisions: inventory::Decisions,
}

async fn show(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    let title = visitor.language.say("privacy");
    let page = visitor.page(&mut tx, &actor, "/privacy", title).await?;
    let kept = inventory::of_organisation(&mut tx, &actor).await?;
    let decisions = inventory::decisions(&mut tx, &actor).await?;
    let mut readers = Vec::new();
    if actor.require(&[Role::Admin]).is_ok() {
        let accounts = accounts::list(&mut tx, &actor).await?;
        let roles = [
            (Role::Admin, "role-admin"),
            (Role::Manager, "role-manager"),
            (Role::Auditor, "role-auditor"),
            (Role::Member, "role-member"),
        ];
        for (role, key) in roles {
            let has = |account: &&accounts::Account| {
                account.disabled.is_none() && account.roles.iter().any(|grant| grant.role == role)
            };
            readers.push((key, accounts.iter().filter(has).count()));
        }
    }
    render(&PrivacyPage {
        page,
        kept: kept_rows(&kept),
        readers,
        decisions,
    })
}

/// The records with the keys of their names.
pub(super) fn kept_rows(kept: &inventory::Inventory) -> Vec<(&'static str, usize)> {
    let mut rows = vec![
        ("kept-people", kept.people),
        ("kept-sightings", kept.sightings),
        ("kept-punches", kept.punches),
        ("kept-corrections", kept.corrections),
        ("kept-days", kept.days),
        ("kept-consents", kept.consents),
        ("kept-templates", kept.templates),
        ("kept-crops", kept.crops),
    ];
    rows.extend(kept.audit_records.map(|count| ("kept-audit", count)));
    rows
}

//! The table of roles and routes, walked whole, for two organisations.

use std::collections::BTreeSet;

use attendance_server::{
    access::{Grant, ROUTES, Role, Who},
    api,
};
use axum::{body::Body, http::StatusCode};
use serde_json::{Value, json};

use crate::support::{Office, Organisation, Reply, sighting};

/// The things of an organisation, by the name of the part of the path.
struct Things(Vec<(&'static str, String)>);

impl Things {
    async fn of(office: &Office, org: &Organisation, number: &str) -> Self {
        let person = office.person_with_pin(org, number, "4711").await;
        let answer = office
            .post(
                "/api/v1/sightings",
                &org.device,
                sighting(1, number, crate::support::START),
            )
            .await;
        let sighting = answer.expect(201)["sighting"].as_str().unwrap().to_owned();
        let add = json!({ "person": person, "reason": "r", "change": { "kind": "add", "at": "2026-03-01T08:00:00Z" } });
        let made = office
            .post_once("/api/v1/corrections", &org.admin, add)
            .await
            .expect(201);
        let correction = made["correction"]["id"].as_str().unwrap().to_owned();
        let grant = Grant {
            role: Role::Manager,
            site: None,
        };
        let (account, _) = office.session(org, grant, None).await;
        let token = json!({ "label": "spare", "role": "auditor" });
        let token = office
            .post("/api/v1/tokens", &org.admin, token)
            .await
            .expect(201)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let (consent, enrolment, template) = crate::faces::enrolled(office, org, person).await;
        Self(vec![
            ("{consent}", consent),
            ("{enrolment}", enrolment),
            ("{template}", template),
            ("{person}", person.to_string()),
            ("{site}", org.site.to_string()),
            ("{device}", org.device_id.to_string()),
            ("{sighting}", sighting),
            ("{correction}", correction),
            ("{account}", account.to_string()),
            ("{token}", token),
            ("{file}", "base.css".to_owned()),
            ("{date}", "2026-03-02".to_owned()),
        ])
    }

    fn path(&self, pattern: &str) -> String {
        let filled = self.0.iter().fold(pattern.to_owned(), |path, (name, id)| {
            path.replace(name, id)
        });
        assert!(
            !filled.contains('{'),
            "{pattern} has a part that this test does not fill"
        );
        filled
    }

    fn id(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| *known == name).unwrap().1
    }
}

/// A sound body of a route, which names things of `things`.
fn body(method: &str, path: &str, things: &Things) -> Option<Value> {
    Some(match (method, path) {
        ("POST", "/api/v1/people") => {
            json!({ "number": "new", "name": "New", "site": things.id("{site}") })
        }
        ("PUT", "/api/v1/people/{person}/pin") => json!({ "pin": "4711" }),
        ("POST", "/api/v1/people/{person}/consents") => {
            json!({ "text_version": "1", "language": "en" })
        }
        ("POST", "/api/v1/people/{person}/erasure") => json!({ "number": "1" }),
        ("POST", "/api/v1/sites") => {
            json!({ "name": "New", "time_zone": "UTC", "preset": "nights" })
        }
        ("POST", "/api/v1/sites/{site}/policies" | "/api/v1/sites/{site}/policies/dry-run") => {
            json!({ "applies_from": "2026-04-01", "toml": "" })
        }
        ("PUT", "/api/v1/sites/{site}/lock") => json!({ "through": null }),
        ("POST", "/api/v1/devices") => json!({ "site": things.id("{site}"), "name": "new" }),
        ("POST", "/api/v1/sightings") => sighting(1, "1", crate::support::START),
        ("POST", "/api/v1/corrections") => json!({
            "person": things.id("{person}"), "reason": "r", "change": { "kind": "add", "at": "2026-03-01T09:00:00Z" },
        }),
        ("POST", "/api/v1/corrections/{correction}/undo") => json!({ "reason": "r" }),
        ("POST", "/api/v1/accounts") => json!({
            "name": "N", "mail": "new@example.org", "person": things.id("{person}"), "roles": [{ "role": "member" }],
        }),
        ("POST", "/api/v1/tokens") => {
            json!({ "label": "l", "role": "manager", "site": things.id("{site}") })
        }
        ("PATCH", _) => json!({}),
        _ => return None,
    })
}

/// The credentials of a role.
enum Credentials {
    Nobody,
    Token(String),
    Cookie(String),
}

async fn call(
    office: &Office,
    credentials: &Credentials,
    method: &str,
    pattern: &str,
    things: &Things,
) -> Reply {
    let mut path = things.path(pattern);
    if pattern.ends_with("/days") || pattern.ends_with("/punches") {
        path.push_str("?from=2026-03-01&to=2026-03-02");
    }
    let key = attendance_server::id::Id::new(jiff::Timestamp::now()).to_string();
    let mut headers = vec![("if-match", "\"1\""), ("idempotency-key", &key)];
    let mut token = "";
    let cookie;
    match credentials {
        Credentials::Nobody => {}
        Credentials::Token(secret) => token = secret,
        Credentials::Cookie(secret) => {
            cookie = format!("__Host-session={secret}");
            headers.extend([
                ("cookie", cookie.as_str()),
                ("sec-fetch-site", "same-origin"),
            ]);
        }
    }
    // Those whose body is not JSON.
    let other: Option<(&str, String, Body)> = match (method, pattern) {
        (_, "/api/v1/imports/people") => {
            Some(("text/csv", "dry_run=true".to_owned(), "number\n".into()))
        }
        (_, "/api/v1/devices/{device}/frames") => {
            let query = format!("boot=first&sequence=1&at={}", crate::support::START);
            Some(("image/jpeg", query, "no picture".into()))
        }
        ("POST", "/api/v1/people/{person}/enrolments" | "/people/{person}/enrol") => Some((
            crate::faces::FORM,
            String::new(),
            crate::faces::form(&[crate::support::picture("people/Ari/6.jpg")]),
        )),
        _ => None,
    };
    if let Some((kind, query, content)) = other {
        headers.push(("content-type", kind));
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(format!("{path}?{query}"));
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        return office.send(request.body(content).unwrap()).await;
    }
    office
        .call(
            method,
            &path,
            token,
            &headers,
            body(method, pattern, things).as_ref(),
        )
        .await
}

#[tokio::test]
async fn each_route_is_for_the_roles_of_the_table() {
    for role in [None].into_iter().chain(Role::ALL.map(Some)) {
        let (office, org) = Office::with_organisation().await;
        let things = Things::of(&office, &org, "1").await;
        let credentials = match role {
            None => Credentials::Nobody,
            Some(Role::Admin) => Credentials::Token(org.admin.clone()),
            Some(Role::Manager) => Credentials::Token(org.manager.clone()),
            Some(Role::Auditor) => Credentials::Token(org.auditor.clone()),
            Some(Role::Device) => Credentials::Token(org.device.clone()),
            Some(Role::Member) => {
                let grant = Grant {
                    role: Role::Member,
                    site: None,
                };
                let person = things.id("{person}").parse().unwrap();
                Credentials::Cookie(office.session(&org, grant, Some(person)).await.1)
            }
        };
        // A refused request changes nothing, so those come first. Signing out is last, because it ends the member's session.
        let may = |who: Who| match (who, role) {
            (Who::Everybody, _) => true,
            (Who::Roles(roles), Some(role)) => roles.contains(&role),
            (Who::Roles(_), None) => false,
        };
        let mut routes: Vec<_> = ROUTES
            .iter()
            .filter(|route| route.who != Who::Everybody)
            .collect();
        // The person is erased after all other routes.
        let is_last = |path: &str| path.ends_with("/erasure") || path.ends_with("/erase");
        routes.sort_by_key(|route| {
            let ends_session = route.path == "/sign-out";
            (may(route.who), ends_session, is_last(route.path))
        });
        for route in routes {
            let reply = call(&office, &credentials, route.method, route.path, &things).await;
            let name = format!(
                "{} {} as {role:?}: {} {}",
                route.method, route.path, reply.status, reply.text
            );
            if may(route.who) {
                assert!(
                    !matches!(reply.status.as_u16(), 401 | 403) && reply.status.as_u16() < 500,
                    "{name}"
                );
            } else if role.is_none() {
                let is_page = !route.path.starts_with("/api/");
                let to_sign_in = reply.status == StatusCode::SEE_OTHER
                    && reply.headers["location"] == "/sign-in";
                assert!(
                    if is_page {
                        to_sign_in
                    } else {
                        reply.status == StatusCode::UNAUTHORIZED
                    },
                    "{name}"
                );
            } else {
                assert_eq!(reply.status, StatusCode::FORBIDDEN, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn another_organisation_is_not_there() {
    let (office, org) = Office::with_organisation().await;
    let own = Things::of(&office, &org, "1").await;
    let other = office.organisation("Other").await;
    let foreign = Things::of(&office, &other, "1").await;
    let mut walked = 0;
    for route in ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
    {
        let Who::Roles(roles) = route.who else {
            continue;
        };
        let names_a_thing = route.path.contains('{')
            || body(route.method, route.path, &foreign) != body(route.method, route.path, &own);
        if !names_a_thing {
            continue;
        }
        for role in roles {
            let token = match role {
                Role::Admin => &org.admin,
                Role::Manager => &org.manager,
                Role::Auditor => &org.auditor,
                Role::Device => &org.device,
                Role::Member => continue,
            };
            let credentials = Credentials::Token(token.clone());
            let reply = call(&office, &credentials, route.method, route.path, &foreign).await;
            assert_eq!(
                reply.status,
                StatusCode::NOT_FOUND,
                "{} {} as {role}: {}",
                route.method,
                route.path,
                reply.text
            );
            walked += 1;
        }
    }
    assert!(walked > 40, "{walked} calls");
    for path in [
        "/api/v1/people",
        "/api/v1/sightings",
        "/api/v1/accounts",
        "/api/v1/tokens",
        "/api/v1/devices",
        "/api/v1/sites",
        "/api/v1/days?from=2026-03-01&to=2026-03-02",
        "/api/v1/today",
        "/api/v1/events",
        "/api/v1/audit",
    ] {
        let text = office.get(path, &org.admin).await.text;
        for (_, id) in foreign
            .0
            .iter()
            .filter(|(name, _)| !matches!(*name, "{date}" | "{file}"))
        {
            assert!(
                !text.contains(id.as_str()),
                "{path} shows {id} of another organisation"
            );
        }
    }
}

#[tokio::test]
async fn another_organisation_is_not_there_on_pages() {
    let (office, org) = Office::with_organisation().await;
    let other = office.organisation("Other").await;
    let foreign = Things::of(&office, &other, "1").await;
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let credentials = Credentials::Cookie(session);
    let mut walked = 0;
    for route in ROUTES {
        let is_page = !route.path.starts_with("/api/") && !route.path.starts_with("/assets/");
        // Forms with fields are refused before their thing is looked up.
        let has_fields = route.method == "POST"
            && (route.path.ends_with('}')
                || route.path.ends_with("/lock")
                || route.path.ends_with("/erase")
                || route.path.ends_with("/corrections"));
        if !is_page || has_fields || !route.path.contains('{') || route.path.contains("{date}") {
            continue;
        }
        let reply = call(&office, &credentials, route.method, route.path, &foreign).await;
        assert_eq!(
            reply.status,
            StatusCode::NOT_FOUND,
            "{} {}: {}",
            route.method,
            route.path,
            reply.text
        );
        walked += 1;
    }
    assert!(walked >= 9, "{walked} calls");
    for path in [
        "/",
        "/people",
        "/days/2026-03-02",
        "/devices",
        "/review",
        "/audit",
        "/settings",
    ] {
        let cookie = match &credentials {
            Credentials::Cookie(session) => format!("__Host-session={session}"),
            _ => String::new(),
        };
        let page = office
            .call("GET", path, "", &[("cookie", &cookie)], None)
            .await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for name in ["{person}", "{device}", "{account}", "{site}"] {
            let id = foreign.id(name);
            assert!(
                !page.text.contains(id),
                "{path} shows {id} of another organisation"
            );
        }
    }
}

#[test]
fn each_operation_is_in_the_table_and_the_other_way_round() {
    let (_, document) = api::api();
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            operations.insert((method.to_uppercase(), path.clone()));
        }
    }
    let table = ROUTES.iter().filter(|route| {
        // OpenAPI describes no WebSocket.
        let is_described = !matches!(
            route.path,
            "/api/v1/openapi.json" | "/api/v1/camera" | "/api/v1/live"
        );
        route.path.starts_with("/api/v1/") && is_described
    });
    let table: BTreeSet<_> = table
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(operations, table);
}

#[tokio::test]
async fn a_member_sees_only_the_own_records() {
    let (office, org) = Office::with_organisation().await;
    let (anna, bela) = (
        office.person_with_pin(&org, "1", "4711").await,
        office.person_with_pin(&org, "2", "4711").await,
    );
    office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    office
        .punch(&org, 2, "2", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    let grant = Grant {
        role: Role::Member,
        site: None,
    };
    let (_, session) = office.session(&org, grant, Some(anna)).await;
    let cookie = format!("__Host-session={session}");
    let get = async |path: &str| {
        office
            .call("GET", path, "", &[("cookie", &cookie)], None)
            .await
    };
    assert_eq!(
        get(&format!("/api/v1/people/{anna}")).await.expect(200)["number"],
        "1"
    );
    assert_eq!(
        get(&format!("/api/v1/people/{bela}")).await.problem(404),
        "not_found"
    );
    assert_eq!(
        get(&format!(
            "/api/v1/people/{bela}/punches?from=2026-03-02&to=2026-03-02"
        ))
        .await
        .problem(404),
        "not_found"
    );
    for path in [
        "/api/v1/days?from=2026-03-01&to=2026-03-03",
        "/api/v1/today",
        "/api/v1/events",
        "/api/v1/exports/days?from=2026-03-01&to=2026-03-03",
    ] {
        let text = get(path).await.text;
        assert!(
            !text.contains(&bela.to_string()) && !text.contains("Person 2"),
            "{path}: {text}"
        );
    }
    assert_eq!(
        get("/api/v1/today").await.expect(200)["people"][0]["state"],
        "in"
    );
}

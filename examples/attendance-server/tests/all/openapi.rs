//! The OpenAPI document.

use std::{fs, path::Path};

use attendance_server::api;
use serde_json::Value;

use crate::support::Office;

/// Clients depend on the document. Look at the difference, and write it with `ATTENDANCE_SNAPSHOT=write`.
#[test]
fn the_document_is_the_one_that_clients_know() {
    let (_, document) = api::api();
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi.json");
    if std::env::var_os("ATTENDANCE_SNAPSHOT").is_some_and(|mode| mode == "write") {
        fs::write(&file, &text).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    let differing = known
        .lines()
        .zip(text.lines())
        .position(|(known, now)| known != now);
    assert!(
        known == text,
        "tests/openapi.json differs from line {:?} on",
        differing.map(|line| line + 1)
    );
}

#[test]
fn each_reference_leads_somewhere_and_each_operation_has_a_name() {
    let (_, document) = api::api();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            names.push(operation["operationId"].as_str().unwrap());
            assert!(!operation["summary"].as_str().unwrap().is_empty());
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two operations have the same name");
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(
                fields
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_server_serves_the_document() {
    let office = Office::new().await;
    let served = office.get("/api/v1/openapi.json", "").await.expect(200);
    assert_eq!(served, api::api().1);
}

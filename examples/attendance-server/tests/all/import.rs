//! People from CSV files.

use attendance_server::access::{Grant, Role};
use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::support::{Office, Organisation, Reply};

async fn import(
    office: &Office,
    org: &Organisation,
    query: &str,
    file: impl Into<Vec<u8>>,
) -> Reply {
    import_by(office, &org.manager, query, file).await
}

async fn import_by(office: &Office, token: &str, query: &str, file: impl Into<Vec<u8>>) -> Reply {
    let key = attendance_server::id::Id::new(jiff::Timestamp::now()).to_string();
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1/imports/people?{query}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "text/csv; charset=utf-8")
        .header("idempotency-key", key);
    office
        .send(request.body(Body::from(file.into())).unwrap())
        .await
}

async fn people(office: &Office, org: &Organisation) -> Vec<Value> {
    let list = office
        .get("/api/v1/people?limit=500", &org.manager)
        .await
        .expect(200);
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn people_are_added_changed_and_left_as_they_are() {
    let (office, org) = Office::with_organisation().await;
    let file = "\u{feff}Number;Name;E-Mail;Eintritt;Shoe size\r\n1;Anna;anna@example.org;2026-03-01;38\r\n2;\"Bela; the second\";;;\r\n";
    let dry = import(&office, &org, "dry_run=true", file)
        .await
        .expect(200);
    assert_eq!(
        (&dry["imported"], &dry["created"]),
        (&json!(false), &json!(2))
    );
    assert!(
        people(&office, &org).await.is_empty(),
        "a dry run changes nothing"
    );
    let report = import(&office, &org, "", file).await.expect(200);
    assert_eq!(
        (&report["imported"], &report["created"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(report["unknown_columns"], json!(["Shoe size"]));
    let known = people(&office, &org).await;
    assert_eq!(known[0]["mail"], "anna@example.org");
    assert_eq!(known[1]["name"], "Bela; the second");
    let next = "number,name,joined\n1,Anna,2026-03-01\n2,Bela,\n3,Cleo,2026-03-02\n";
    let report = import(&office, &org, "", next).await.expect(200);
    let counts =
        ["created", "updated", "unchanged", "wrong"].map(|count| report[count].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 0]);
    assert_eq!(
        people(&office, &org).await[0]["mail"],
        "anna@example.org",
        "a column that is missing changes nothing"
    );
}

#[tokio::test]
async fn wrong_rows_are_named_and_nothing_is_imported() {
    let (office, org) = Office::with_organisation().await;
    let mut file = b"number,name,mail,site,joined,left\n1,Anna,,,,\n,Nobody,,,,\n3,,,,,\n4,D,not a mail,,,\n5,E,,Paris,,\n\
        6,F,,,01.03.2026,\n7,G,,,2026-03-02,2026-03-01\n1,Again,,,,\n8,H,,,,,more\n9,"
        .to_vec();
    file.extend(b"\xff\xfe,,,,\n10,Last,,berlin,,\n");
    let report = import(&office, &org, "", file.clone()).await.expect(200);
    assert_eq!(report["imported"], false);
    assert!(people(&office, &org).await.is_empty());
    let reasons: Vec<(u64, &str)> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["result"] == "wrong")
        .map(|row| {
            (
                row["line"].as_u64().unwrap(),
                row["reason"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (3, "the number is empty"),
        (4, "the name is empty"),
        (5, "is not a mail address"),
        (6, "there is no site \"Paris\""),
        (7, "a date has the form 2026-03-02"),
        (8, "is before the first"),
        (9, "is in an earlier row"),
        (10, "the row has 7 fields, and the header has 6"),
        (11, "the row is not UTF-8"),
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:#?}");
    for ((line, reason), (expected_line, part)) in reasons.iter().zip(expected) {
        assert!(
            *line == expected_line && reason.contains(part),
            "line {line}: {reason}, not {part}"
        );
    }
    let report = import(&office, &org, "partial=true", file)
        .await
        .expect(200);
    assert_eq!(
        (&report["imported"], &report["created"], &report["wrong"]),
        (&json!(true), &json!(2), &json!(9))
    );
    assert_eq!(people(&office, &org).await.len(), 2);
}

#[tokio::test]
async fn a_manager_of_a_site_learns_nothing_about_people_of_others() {
    let (office, org) = Office::with_organisation().await;
    office.person(&org, "1").await;
    let new = json!({ "name": "Wien", "time_zone": "Europe/Vienna", "preset": "flexitime" });
    let site = office.post("/api/v1/sites", &org.admin, new).await;
    let site = site.expect(201)["id"].clone();
    let token = json!({ "label": "vienna", "role": "manager", "site": site });
    let token = office.post("/api/v1/tokens", &org.admin, token).await;
    let token = token.expect(201)["token"].as_str().unwrap().to_owned();
    // The same answer for a row that is as the person is, and for one that is not.
    for row in ["1,Person 1,Berlin", "1,Anna,Wien", "1,,"] {
        let file = format!("number,name,site\n{row}\n2,Bela,Wien\n");
        let report = import_by(&office, &token, "dry_run=true", file).await;
        let report = report.expect(200);
        assert_eq!(
            (&report["wrong"], &report["unchanged"], &report["created"]),
            (&json!(1), &json!(0), &json!(1)),
            "{row}"
        );
        let wrong = &report["rows"][0];
        assert_eq!(wrong["code"], "number_of_other_site", "{row}");
        assert_eq!(wrong["person"], json!(null), "{row}");
    }
    let report = import(&office, &org, "dry_run=true", "number,name\n1,Person 1\n").await;
    assert_eq!(report.expect(200)["unchanged"], 1);
}

#[tokio::test]
async fn the_page_says_what_is_wrong_in_the_language_of_the_visitor() {
    let (office, org) = Office::with_organisation().await;
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let page = async |file: &str| {
        let body = format!(
            "--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\r\n{file}\r\n--part--\r\n"
        );
        let request = Request::post("/people/import")
            .header("cookie", format!("__Host-session={session}"))
            .header("sec-fetch-site", "same-origin")
            .header("accept-language", "de")
            .header("content-type", "multipart/form-data; boundary=part");
        office.send(request.body(Body::from(body)).unwrap()).await
    };
    let reply = page("number,name,site\n1,,\n2,Bela,Paris\n").await;
    assert_eq!(reply.status, 200);
    for text in [
        "Der Name fehlt.",
        "Einen Standort mit diesem Namen gibt es nicht.",
    ] {
        assert!(reply.text.contains(text), "{}", reply.text);
    }
    let reply = page("name\nAnna\n").await;
    assert_eq!(reply.status, 422);
    assert!(
        reply.text.contains("Keine Spalte heißt Nummer."),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn files_that_are_no_tables_of_people_are_refused() {
    let (office, org) = Office::with_organisation().await;
    for (file, code) in [
        (&b""[..], "no_number_column"),
        (b"name\nAnna\n", "no_number_column"),
        (b"number,number\n1,2\n", "column_twice"),
        (b"PK\x03\x04\x00\x00", "not_text"),
    ] {
        assert_eq!(import(&office, &org, "", file).await.problem(422), code);
    }
    let large = import(&office, &org, "", vec![b'x'; (8 << 20) + 1]).await;
    assert_eq!(large.problem(413), "too_large");
    let json = office
        .post_once("/api/v1/imports/people", &org.manager, json!({}))
        .await;
    assert_eq!(json.problem(415), "not_csv");
}

#[tokio::test]
async fn ten_thousand_people_come_at_once() {
    let (office, org) = Office::with_organisation().await;
    let mut file = "number,name\n".to_owned();
    for number in 0..10_000 {
        file.push_str(&format!("{number},Person {number}\n"));
    }
    let report = import(&office, &org, "", file.clone()).await.expect(200);
    assert_eq!(
        (&report["imported"], &report["created"]),
        (&json!(true), &json!(10_000))
    );
    let report = import(&office, &org, "", file).await.expect(200);
    assert_eq!(report["unchanged"], 10_000);
    assert_eq!(people(&office, &org).await.len(), 500);
}

//! `facekit remove` and `facekit people`: removes and lists the people of a gallery.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use facekit::{Error, PersonId, TemplateStore};
use serde::Serialize;

use crate::{
    Answer,
    options::GalleryArgs,
    output::{count, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct RemoveArgs {
    /// The ids of the people to remove
    #[arg(required = true, value_name = "PERSON")]
    people: Vec<PersonId>,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(clap::Args, Debug)]
pub(crate) struct PeopleArgs {
    #[command(flatten)]
    gallery: GalleryArgs,
}

pub(crate) fn remove(session: &Session, args: &RemoveArgs) -> Result<Answer> {
    let store = args.gallery.open(session)?;
    require_known(&*store, &args.people)?;
    let removed = store.remove(&args.people)?;
    let document = serde_json::json!({ "gallery": shown(store.path()), "removed": removed });
    session.output.answer(&document, || {
        format!("{} removed", count(removed, "person", "people"))
    })?;
    Ok(Answer::Yes)
}

/// An error that names the first of `people` who is not in the store.
fn require_known(store: &dyn TemplateStore, people: &[PersonId]) -> Result<()> {
    let known: BTreeSet<PersonId> = store.people()?.into_iter().map(|one| one.id).collect();
    match people.iter().find(|person| !known.contains(*person)) {
        Some(stranger) => Err(Error::UnknownPerson {
            id: stranger.to_string(),
        }
        .into()),
        None => Ok(()),
    }
}

pub(crate) fn list(session: &Session, args: &PeopleArgs) -> Result<Answer> {
    #[derive(Serialize)]
    struct Listed {
        id: PersonId,
        name: Option<String>,
        enrolled: jiff::Timestamp,
        /// The number of templates of each embedding space.
        templates: BTreeMap<String, usize>,
    }
    #[derive(Serialize)]
    struct Report {
        gallery: String,
        people: Vec<Listed>,
    }
    let store = args.gallery.open_read_only(session)?;
    let mut templates: BTreeMap<PersonId, BTreeMap<String, usize>> = BTreeMap::new();
    store.templates(&mut |template| {
        let space = template.embedding.space().to_string();
        *templates
            .entry(template.person)
            .or_default()
            .entry(space)
            .or_default() += 1;
        session.token.check()
    })?;
    let people: Vec<Listed> = store
        .people()?
        .into_iter()
        .map(|person| Listed {
            templates: templates.remove(&person.id).unwrap_or_default(),
            id: person.id,
            name: person.name,
            enrolled: person.enrolled,
        })
        .collect();
    let report = Report {
        gallery: shown(store.path()),
        people,
    };
    session.output.answer(&report, || {
        let rows = report.people.iter().map(|person| {
            let templates = person.templates.iter();
            let templates: Vec<String> = templates
                .map(|(space, count)| format!("{count} of {space}"))
                .collect();
            [
                person.id.to_string(),
                person.name.clone().unwrap_or_default(),
                person.enrolled.strftime("%Y-%m-%d").to_string(),
                templates.join(", "),
            ]
        });
        format!(
            "{}\n{}",
            table(["person", "name", "enrolled", "templates"], rows),
            count(report.people.len(), "person", "people")
        )
    })?;
    Ok(Answer::Yes)
}

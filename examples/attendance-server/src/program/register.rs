//! `register`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use attendance_server::{
    access::Actor,
    commands::{
        consents::{self, NewConsent, TEXT_VERSION},
        enrolments::{self, Enrolment, EnrolmentState, PhotoReport, SealedPhotos},
        model_change,
        people::{self, NewPerson},
        sites, templates,
    },
    id::Id,
    store::{Store, Transaction},
};
use axum::body::Bytes;
use clap::Args;

use super::{
    organisation::{self, Chosen},
    serve::open_recognition,
    settings::Settings,
    store,
};

/// Options of `register`.
#[derive(Debug, Args)]
pub(crate) struct RegisterOptions {
    /// The staff number. If nobody has it, the person is added.
    number: String,
    /// Photos of the person, 1 to 10: JPEG, PNG or WebP.
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
    /// The name. It is needed for a new person.
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// The home site of a new person, by its name. It is needed if there are several.
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// The person has read this version of the text of consent and agrees. It is needed unless a consent is recorded.
    #[arg(long, value_name = "VERSION", requires = "language")]
    consent: Option<String>,
    /// The language in which the person has read the text, such as de.
    #[arg(long, value_name = "CODE", requires = "consent")]
    language: Option<String>,
    /// The person also agrees that the small pictures of the face from which templates are made are kept, so that other models
    /// can embed them again.
    #[arg(long, requires = "consent")]
    keep_crops: bool,
}

pub(crate) async fn register(settings: &Settings, options: &RegisterOptions) -> Result<()> {
    let photos: Result<Vec<Bytes>> = options.photos.iter().map(|file| read(file)).collect();
    let photos = photos?;
    let store = store(settings).await.map_err(explained)?;
    let mut tx = store.read().await?;
    let spaces = model_change::spaces(&mut tx).await?;
    drop(tx);
    // Before anything is recorded, so that nothing waits for models that are not there.
    let recognition = open_recognition(settings, spaces).await?;
    let mut tx = store.write().await?;
    let org = organisation::find(&mut tx, &options.chosen).await?;
    let actor = Actor::operator(org);
    let person = person(&mut tx, &actor, options).await?;
    let photos = SealedPhotos::new(tx.keys(), org, person, &photos)?;
    let enrolment = enrolments::begin(&mut tx, &actor, photos).await?;
    tx.commit().await?;

    let done = loop {
        let mut tx = store.read().await?;
        let state = enrolments::get(&mut tx, &actor, enrolment.id).await?;
        drop(tx);
        if state.state != EnrolmentState::Waiting {
            break state;
        }
        // Without the templates of the others, a look-alike would not be named.
        templates::load_all(&store, &*recognition).await?;
        enrolments::run_next(&store, &*recognition).await?;
    };
    let accepted = report(&store, &actor, options, &done).await?;
    store.engine().close().await;
    if accepted == 0 {
        bail!(
            "no photo became a template; {} is not enrolled",
            options.number
        );
    }
    Ok(())
}

fn read(file: &Path) -> Result<Bytes> {
    let content = std::fs::read(file);
    let content = content.with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(content.into())
}

/// The error of a store that a running server has, with what to do instead.
fn explained(error: anyhow::Error) -> anyhow::Error {
    let is_locked = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref::<facekit::Error>(),
            Some(facekit::Error::FileLocked { .. })
        )
    });
    if !is_locked {
        return error;
    }
    error.context(
        "nobody was registered. While the server runs, enrol people on its pages (People, the person, Enrol), or send the photos \
         to POST /api/v1/people/{person}/enrolments with an API token. Or stop the server, and run this command again",
    )
}

/// The person with the number, who is added if there is none. The consent is recorded.
async fn person(tx: &mut Transaction, actor: &Actor, options: &RegisterOptions) -> Result<Id> {
    let directory = people::directory(tx, actor.org).await?;
    let known = directory.by_number(options.number.trim());
    let has_consented = match known {
        Some(known) => consents::is_given(tx, actor.org, known.id).await?,
        None => false,
    };
    if options.consent.is_none() && !has_consented {
        bail!(
            "no consent is recorded. When the person has read the text of consent and agrees, state --consent {TEXT_VERSION} \
             and --language"
        );
    }
    let id = match known {
        Some(known) => {
            if let Some(name) = &options.full_name
                && name.trim() != known.name
            {
                bail!("the number {} is that of {}", known.number, known.name);
            }
            if let Some(site) = &options.site
                && organisation::site(tx, actor, site).await?.id != known.site
            {
                bail!("{} is of another site", known.name);
            }
            known.id
        }
        None => {
            let name = options.full_name.clone().with_context(|| {
                let number = &options.number;
                format!("nobody has the number {number:?}. State --full-name to add a person")
            })?;
            let new = NewPerson {
                number: options.number.clone(),
                name,
                mail: None,
                site: home(tx, actor, options).await?,
                joined: None,
                left: None,
            };
            people::create(tx, actor, new).await?.id
        }
    };
    if let (Some(text_version), Some(language)) = (&options.consent, &options.language) {
        let new = NewConsent {
            text_version: text_version.clone(),
            language: language.clone(),
            keeps_crops: options.keep_crops,
        };
        consents::give(tx, actor, id, &new).await?;
    }
    Ok(id)
}

/// The home site of a new person.
async fn home(tx: &mut Transaction, actor: &Actor, options: &RegisterOptions) -> Result<Id> {
    if let Some(name) = &options.site {
        return Ok(organisation::site(tx, actor, name).await?.id);
    }
    match &sites::list(tx, actor).await?[..] {
        [site] => Ok(site.id),
        _ => bail!("there are several sites: state --site"),
    }
}

/// Prints the result of each photo, and returns how many became templates.
async fn report(
    store: &Store,
    actor: &Actor,
    options: &RegisterOptions,
    done: &Enrolment,
) -> Result<usize> {
    let report = done.report.as_ref().context(
        "the photos could not be analysed; the log has the reason. The person and the consent are recorded",
    )?;
    // The report ends at the last photo that was looked at.
    let none = PhotoReport::default();
    for (number, file) in options.photos.iter().enumerate() {
        let photo = report.photos.get(number).unwrap_or(&none);
        let file = file.display();
        match photo.quality {
            Some(quality) if photo.accepted => println!("{file}: taken, quality {quality:.2}"),
            _ => {
                let reasons: Vec<String> = photo
                    .reasons
                    .iter()
                    .map(|reason| {
                        format!("{} ({})", reason.detail.trim_end_matches('.'), reason.code)
                    })
                    .collect();
                println!("{file}: refused: {}", reasons.join("; "));
            }
        }
    }
    let mut tx = store.read().await?;
    let directory = people::directory(&mut tx, actor.org).await?;
    for other in &report.resembles {
        if let (Some(file), Some(person)) =
            (options.photos.get(other.photo), directory.get(other.person))
        {
            println!(
                "{}: resembles {} {}, score {:.2}: one person with two numbers, or people who look alike",
                file.display(),
                person.number,
                person.name,
                other.score
            );
        }
    }
    let accepted = report.photos.iter().filter(|photo| photo.accepted).count();
    let name = directory.get(done.person).map_or("", |person| &person.name);
    println!(
        "{} {name}: {accepted} of {} photos became templates",
        options.number,
        options.photos.len()
    );
    Ok(accepted)
}

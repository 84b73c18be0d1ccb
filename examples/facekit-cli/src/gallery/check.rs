//! `facekit gallery check`: reads all of a gallery and reports damage.

use anyhow::Result;
use facekit::{CheckReport, Error, Watch};
use serde::Serialize;

use crate::{
    Answer,
    options::GalleryArgs,
    output::{chain, count, plain, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Default, Serialize)]
struct Report {
    clean: bool,
    people: usize,
    templates: Vec<Templates>,
    crops: usize,
    damage: Vec<String>,
}

/// The number of templates of an embedding space.
#[derive(Serialize)]
struct Templates {
    space: String,
    count: usize,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let bar = session.output.bar("checking");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let checked = args
        .gallery
        .open_read_only(session)
        .and_then(|store| Ok(store.check(watch.with_progress(&progress))?));
    drop(bar);
    let report = match checked {
        Ok(checked) => Report::from(checked),
        // A gallery that is too damaged to be opened is an answer too.
        Err(error) if is_damage(&error) => Report {
            damage: vec![chain(&error)],
            ..Report::default()
        },
        Err(error) => return Err(error),
    };
    session.output.answer(&report, || report.text())?;
    Ok(Answer::from(report.clean))
}

fn is_damage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::FileDamaged { .. }))
}

impl From<CheckReport> for Report {
    fn from(checked: CheckReport) -> Self {
        let clean = checked.is_clean();
        let templates = checked
            .templates
            .into_iter()
            .map(|(space, count)| Templates {
                space: space.to_string(),
                count,
            })
            .collect();
        Self {
            clean,
            people: checked.people,
            templates,
            crops: checked.crops,
            damage: checked.damage,
        }
    }
}

impl Report {
    fn text(&self) -> String {
        let templates = self
            .templates
            .iter()
            .map(|one| [one.space.clone(), one.count.to_string()]);
        let mut text = format!(
            "{}\n{}, {}",
            table(["space", "templates"], templates),
            count(self.people, "person", "people"),
            count(self.crops, "crop", "crops"),
        );
        for damage in &self.damage {
            text += &format!("\ndamage: {}", plain(damage));
        }
        if self.clean {
            text += "\nno damage";
        }
        text
    }
}

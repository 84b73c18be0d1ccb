//! `breach-list`.

use anyhow::{Context, Result, bail};
use attendance_server::{
    access::Actor,
    commands::{
        breach::{self, Reach},
        devices, sites,
    },
    store::Transaction,
};
use clap::Args;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    organisation::{self, Chosen},
    settings::Settings,
    store_beside_server,
};

/// Options of `breach-list`.
#[derive(Debug, Args)]
pub(crate) struct BreachListOptions {
    #[command(flatten)]
    chosen: Chosen,
    /// Only people of this home site, by its name.
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Only people of whom this device has a punch or a sighting, by its name.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Only people of whom there is a record from this day or time on: 2026-03-02, or 2026-03-02T08:00:00Z. With --device, a
    /// record of the device. A day is one of the first site.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Moment>,
    /// Only people of whom there is a record up to the end of this day, or before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Moment>,
}

/// A day or a time.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Day(Date),
    Time(Timestamp),
}

fn moment(text: &str) -> Result<Moment, String> {
    let day = text.parse().map(Moment::Day);
    // A time is also a date for the parser of dates, so the time comes first.
    text.parse().map(Moment::Time).or(day).map_err(|_| {
        "it is neither a day such as 2026-03-02 nor a time such as 2026-03-02T08:00:00Z".to_owned()
    })
}

impl Moment {
    /// The time at which it begins.
    fn start(self, zone: &TimeZone) -> Result<Timestamp> {
        match self {
            Self::Time(time) => Ok(time),
            Self::Day(day) => Ok(day.to_zoned_datetime(zone.clone())?.timestamp()),
        }
    }

    /// The first time after it.
    fn end(self, zone: &TimeZone) -> Result<Timestamp> {
        match self {
            Self::Time(time) => Ok(time),
            Self::Day(day) => Self::Day(day.tomorrow()?).start(zone),
        }
    }
}

pub(crate) async fn breach_list(settings: &Settings, options: &BreachListOptions) -> Result<()> {
    let (store, _copy) = store_beside_server(settings).await?;
    // Doors write while the records are counted.
    let mut tx = store.read().await?;
    let org = organisation::find(&mut tx, &options.chosen).await?;
    let actor = Actor::operator(org);
    let reach = reach(&mut tx, &actor, options).await?;
    let found = breach::list(&mut tx, &actor, reach).await?;
    drop(tx);
    let text = breach::csv(&found)?;
    let mut tx = store.write().await?;
    breach::record(&mut tx, &actor, reach, &found).await?;
    tx.commit().await?;
    store.engine().close().await;
    print!("{text}");
    Ok(())
}

async fn reach(tx: &mut Transaction, actor: &Actor, options: &BreachListOptions) -> Result<Reach> {
    let sites = sites::list(tx, actor).await?;
    let site = match &options.site {
        Some(name) => Some(organisation::site(tx, actor, name).await?.id),
        None => None,
    };
    let device = match &options.device {
        Some(name) => {
            let known = devices::list(tx, actor).await?;
            let found = known.iter().find(|device| device.name == *name);
            Some(
                found
                    .with_context(|| format!("there is no device {name:?}"))?
                    .id,
            )
        }
        None => None,
    };
    let zone = sites.first().map_or("UTC", |site| &site.time_zone);
    let zone = TimeZone::get(zone)?;
    let from = options.from.map(|from| from.start(&zone)).transpose()?;
    let until = options.to.map(|to| to.end(&zone)).transpose()?;
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        bail!("--from is not before --to");
    }
    Ok(Reach {
        site,
        device,
        from,
        until,
    })
}

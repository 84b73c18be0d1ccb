//! `verify-audit`.

use anyhow::{Result, bail};
use attendance_server::{
    access::Actor,
    commands::{audit, organisations},
};

use super::{settings::Settings, store_beside_server};

pub(crate) async fn verify_audit(settings: &Settings) -> Result<()> {
    let (store, _copy) = store_beside_server(settings).await?;
    let mut tx = store.read().await?;
    let mut faults = 0;
    for org in organisations::all(&mut tx).await? {
        let verification = audit::verify(&mut tx, &Actor::operator(org)).await?;
        match verification.fault {
            None => println!("{} records, and none was changed", verification.records),
            Some(fault) => {
                println!(
                    "{fault}; the {} records before it are whole",
                    verification.records
                );
                faults += 1;
            }
        }
    }
    drop(tx);
    store.engine().close().await;
    if faults > 0 {
        bail!("the audit was changed");
    }
    Ok(())
}

//! Changes of the catalog: written one by one under the revision they were decided on.

use crate::link::Live;
use crate::rows;
use domain::Epoch;
use store::{CatalogChange, MemberRecord, StoreError, SupplierRecord};
use tokio_postgres::{Client, Error, Statement};

/// Members that are written in one go.
const TOGETHER: usize = 100;

/// Writes the changes, raises the revision, and tells the other nodes. Refused when another node
/// changed the catalog since this one read it: what was decided may rest on what is no longer so.
pub(crate) async fn write(
    live: &mut Live,
    changes: &[CatalogChange],
    seen: i64,
) -> Result<Result<(), StoreError>, Error> {
    let at: i64 =
        live.client.query_one("SELECT catalog FROM revision FOR UPDATE", &[]).await?.get(0);
    if at != seen {
        let why = format!("revision {at}, decided on {seen}");
        return Ok(Err(StoreError::Outdated(why)));
    }
    all(live, changes).await?;
    live.client
        .batch_execute("UPDATE revision SET catalog = catalog + 1; NOTIFY gerbang_catalog")
        .await?;
    Ok(Ok(()))
}

/// Writes changes, whatever the revision.
pub(crate) async fn all(live: &mut Live, changes: &[CatalogChange]) -> Result<(), Error> {
    let mut changes = changes.iter().peekable();
    while let Some(change) = changes.next() {
        let CatalogChange::Member(record) = change else {
            one(live, change).await?;
            continue;
        };
        // A take-over brings thousands: they go out together, so that nobody waits for each of them.
        let mut records = vec![record];
        while records.len() < TOGETHER
            && let Some(CatalogChange::Member(record)) = changes.peek()
        {
            records.push(record);
            changes.next();
        }
        members(live, &records).await?;
    }
    Ok(())
}

async fn one(live: &mut Live, change: &CatalogChange) -> Result<(), Error> {
    match change {
        CatalogChange::Member(record) => members(live, &[record]).await,
        CatalogChange::Level(level) => {
            let sql = live
                .prepare(
                    "INSERT INTO level (code, name, list_id) VALUES ($1, $2, $3) ON CONFLICT (code)
                     DO UPDATE SET name = excluded.name, list_id = excluded.list_id",
                )
                .await?;
            let values = (level.code.as_str(), level.name.as_str(), level.list_id.as_str());
            live.client.execute(&sql, &[&values.0, &values.1, &values.2]).await.map(drop)
        }
        CatalogChange::Product(product) => {
            let sql = live
                .prepare(
                    "INSERT INTO product (code, name, grp, category, qty_min, qty_max, dest_rule,
                     open, cut_off, strategy) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
                     ON CONFLICT (code) DO UPDATE SET name = excluded.name, grp = excluded.grp,
                     category = excluded.category, qty_min = excluded.qty_min,
                     qty_max = excluded.qty_max, dest_rule = excluded.dest_rule,
                     open = excluded.open, cut_off = excluded.cut_off,
                     strategy = excluded.strategy",
                )
                .await?;
            let (min, max) = match product.denomination {
                domain::Denomination::Fixed => (None, None),
                domain::Denomination::Open { min, max } => {
                    (Some(i64::from(min.get())), Some(i64::from(max.get())))
                }
            };
            live.client
                .execute(
                    &sql,
                    &[
                        &product.code.as_str(),
                        &product.name.as_str(),
                        &product.group,
                        &product.category,
                        &min,
                        &max,
                        &product.dest_rule.to_string(),
                        &product.open,
                        &product.cut_off.map(|window| window.to_string()),
                        &product.strategy.word(),
                    ],
                )
                .await
                .map(drop)
        }
        CatalogChange::Price { level, product, price } => {
            let sql = live
                .prepare(
                    "INSERT INTO price (level, product, amount, basis_points) VALUES ($1,$2,$3,$4)
                     ON CONFLICT (level, product) DO UPDATE SET amount = excluded.amount,
                     basis_points = excluded.basis_points",
                )
                .await?;
            let points = price.basis_points;
            live.client
                .execute(&sql, &[&level.as_str(), &product.as_str(), &price.amount.get(), &points])
                .await
                .map(drop)
        }
        CatalogChange::Supplier(record) => supplier(live, record).await,
        CatalogChange::Route(route) => {
            let sql = live
                .prepare(
                    "INSERT INTO route (product, supplier, sku, cost, priority, enabled,
                     allow_loss, weight, cost_most, hours, prefixes, stocked, daily_most)
                     VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
                     ON CONFLICT (product, supplier) DO UPDATE SET sku = excluded.sku,
                     cost = excluded.cost, priority = excluded.priority,
                     enabled = excluded.enabled, allow_loss = excluded.allow_loss,
                     weight = excluded.weight, cost_most = excluded.cost_most,
                     hours = excluded.hours, prefixes = excluded.prefixes,
                     stocked = excluded.stocked, daily_most = excluded.daily_most",
                )
                .await?;
            live.client
                .execute(
                    &sql,
                    &[
                        &route.product.as_str(),
                        &route.supplier.as_str(),
                        &route.sku.as_str(),
                        &route.cost.get(),
                        &i64::from(route.priority),
                        &route.enabled,
                        &route.allow_loss,
                        &i64::from(route.weight),
                        &route.cost_most.map(types::Rupiah::get),
                        &route.hours.map(|hours| hours.to_string()),
                        &route.prefixes.join(" "),
                        &route.stocked,
                        &route.daily_most.map(i64::from),
                    ],
                )
                .await
                .map(drop)
        }
        CatalogChange::Epoch(epoch) => restored(live, epoch).await,
        CatalogChange::RemoveRoute { product, supplier } => {
            let sql =
                live.prepare("DELETE FROM route WHERE product = $1 AND supplier = $2").await?;
            let (product, supplier) = (product.as_str(), supplier.as_str());
            live.client.execute(&sql, &[&product, &supplier]).await.map(drop)
        }
    }
}

async fn members(live: &mut Live, records: &[&MemberRecord]) -> Result<(), Error> {
    let sql = live
        .prepare(
            "INSERT INTO member (id, code, name, active, level, credit_limit, daily_limit,
             same_day_guard, callback_url, sedang, sn_ref, ip_allow, pin, password, signing, seller,
             webhook, upline, markup, markups, sandbox, dialect,
             imported)
             VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,
             $23)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = excluded.active,
             level = excluded.level, credit_limit = excluded.credit_limit,
             daily_limit = excluded.daily_limit, same_day_guard = excluded.same_day_guard,
             callback_url = excluded.callback_url, sedang = excluded.sedang,
             sn_ref = excluded.sn_ref, ip_allow = excluded.ip_allow, pin = excluded.pin,
             password = excluded.password, signing = excluded.signing, seller = excluded.seller,
             webhook = excluded.webhook, upline = excluded.upline, markup = excluded.markup,
             markups = excluded.markups, sandbox = excluded.sandbox,
             dialect = excluded.dialect, imported = excluded.imported",
        )
        .await?;
    let account = live
        .prepare(
            "INSERT INTO account (member, balance, day, day_total) VALUES ($1, 0, 0, 0)
             ON CONFLICT (member) DO NOTHING",
        )
        .await?;
    let client = &live.client;
    let together = records.iter().map(|record| {
        let (sql, account) = (&sql, &account);
        async move {
            tokio::try_join!(
                biased;
                member(client, sql, record),
                async { client.execute(account, &[&record.member.id.get()]).await },
            )
        }
    });
    for written in rows::together(together.collect()).await {
        written?;
    }
    Ok(())
}

async fn member(client: &Client, sql: &Statement, record: &MemberRecord) -> Result<u64, Error> {
    let member = &record.member;
    let upline = member.upline.as_ref();
    let addresses: Vec<String> = record.ip_allow.iter().map(ToString::to_string).collect();
    let signing = record.signing.as_ref().map(|sealed| &sealed.0);
    client
        .execute(
            sql,
            &[
                &member.id.get(),
                &member.code.as_str(),
                &member.name,
                &member.active,
                &member.level.as_str(),
                &member.credit_limit.get(),
                &member.daily_limit.map(types::Rupiah::get),
                &member.same_day_guard,
                &member.callback_url,
                &member.wording.sedang,
                &member.wording.sn_ref,
                &addresses.join(" "),
                &record.pin.0,
                &record.password.0,
                &signing,
                &member.wording.seller.word(),
                &member.wording.webhook,
                &upline.map(|upline| upline.member.get()),
                &upline.map_or(0, |upline| upline.markup.get()),
                &upline.map_or_else(String::new, |upline| upline.markups.to_string()),
                &member.sandbox,
                &member.dialect.to_string(),
                &record.imported.number(),
            ],
        )
        .await
}

async fn supplier(live: &mut Live, record: &SupplierRecord) -> Result<(), Error> {
    let sql = live
        .prepare(
            "INSERT INTO supplier (code, name, connector, paused, check_after_ms, suspect_after_ms,
             trusted_reversal, settings, counts) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
             ON CONFLICT (code) DO UPDATE SET name = excluded.name,
             connector = excluded.connector, paused = excluded.paused,
             check_after_ms = excluded.check_after_ms,
             suspect_after_ms = excluded.suspect_after_ms,
             trusted_reversal = excluded.trusted_reversal, settings = excluded.settings,
             counts = excluded.counts",
        )
        .await?;
    let supplier = &record.supplier;
    let settings = record.settings.as_ref().map(|sealed| &sealed.0);
    live.client
        .execute(
            &sql,
            &[
                &supplier.code.as_str(),
                &supplier.name,
                &supplier.connector,
                &supplier.paused,
                &supplier.check_after_ms,
                &supplier.suspect_after_ms,
                &supplier.trusted_reversal,
                &settings,
                &supplier.counts,
            ],
        )
        .await
        .map(drop)
}

/// The epoch, and both sequences at least where it begins: numbers in hand of a node are lost.
async fn restored(live: &mut Live, epoch: &Epoch) -> Result<(), Error> {
    let number = i64::from(epoch.number);
    let (trx_from, delivery_from) = (epoch.trx_from.get(), epoch.delivery_from.get());
    live.client
        .execute(
            "INSERT INTO epoch (number, at, trx_from, delivery_from, tag, open)
             VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT (number) DO UPDATE SET at = excluded.at,
             trx_from = excluded.trx_from, delivery_from = excluded.delivery_from,
             tag = excluded.tag, open = excluded.open",
            &[&number, &epoch.at.get(), &trx_from, &delivery_from, &epoch.tag, &epoch.open],
        )
        .await?;
    live.client
        .execute(
            "SELECT setval('trx_block', $1, false) FROM trx_block WHERE last_value < $1",
            &[&trx_from],
        )
        .await?;
    live.client
        .execute(
            "SELECT setval('delivery_block', $1, false) FROM delivery_block WHERE last_value < $1",
            &[&delivery_from],
        )
        .await
        .map(drop)
}

//! Serial numbers that settled a purchase, open attempts for the same, equal purchases of a day, and
//! how often a route was chosen on it.
//!
//! Two lanes may find a serial number new at the same moment: its key is unique, and the second one
//! decides again.

use crate::columns::PgRow;
use crate::fold::Folded;
use crate::link::Live;
use crate::rows::{Step, column};
use store::{Facts, StoreError, Wants, codec, is_rival};
use tokio_postgres::{Error, Row};
use types::TrxNo;

/// Rivals of one purchase that are looked at: one is enough to keep words from deciding.
const RIVALS_MOST: usize = 8;

const PROOFS: &str = "SELECT w.i AS i, p.trx AS trx
     FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS w(supplier, digest, i)
     JOIN proof p ON p.supplier = w.supplier AND p.digest = w.digest";

/// Open ones by the index of what is due, lately closed ones by the time they were made.
fn places() -> String {
    format!(
        "SELECT w.i AS i, {} FROM unnest($1::text[], $2::text[], $3::text[])
           WITH ORDINALITY AS w(supplier, sku, dest, i)
         JOIN attempt a ON a.supplier = w.supplier AND a.sku = w.sku
           AND ((a.state IN ('sent', 'waiting', 'unknown') AND a.state <> 'intended'
             AND a.next IS NOT NULL) OR a.created >= $4)
         JOIN trx t ON t.member = a.member AND t.no = a.trx AND t.dest = w.dest
           AND (a.state IN ('sent', 'waiting', 'unknown') OR t.created >= $4)
         ORDER BY a.trx, a.n",
        codec::ATTEMPT
    )
}

const TURNS: &str = "SELECT w.i AS i, t.count AS count
     FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS w(day, product, dest, i)
     JOIN turn t ON t.day = w.day AND t.product = w.product AND t.dest = w.dest";

/// The first one of a day counts what there is: the limit may be new.
const BEGIN_DAILY: &str = "INSERT INTO daily (day, supplier, sku, count)
     SELECT w.day, w.supplier, w.sku, (SELECT count(*) FROM attempt a
       WHERE a.supplier = w.supplier AND a.sku = w.sku AND a.created >= $4)
     FROM unnest($1::bigint[], $2::text[], $3::text[]) AS w(day, supplier, sku)
     WHERE NOT EXISTS (SELECT 1 FROM daily d
       WHERE d.day = w.day AND d.supplier = w.supplier AND d.sku = w.sku)
     ON CONFLICT DO NOTHING";

/// In one order for all, so that nobody waits in a ring.
const LOCK_DAILY: &str = "SELECT w.i AS i, d.count AS count
     FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS w(day, supplier, sku, i)
     JOIN daily d ON d.day = w.day AND d.supplier = w.supplier AND d.sku = w.sku
     ORDER BY w.i FOR UPDATE OF d";

const COUNT_DAILY: &str = "UPDATE daily d SET count = d.count + w.more
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS w(day, supplier, sku, more)
     WHERE d.day = w.day AND d.supplier = w.supplier AND d.sku = w.sku";

const OPEN_AT: &str = "SELECT w.i AS i, count(a.trx) AS count
     FROM unnest($1::text[]) WITH ORDINALITY AS w(supplier, i)
     LEFT JOIN attempt a ON a.supplier = w.supplier
       AND a.state IN ('sent', 'waiting', 'unknown') AND a.state <> 'intended'
       AND a.next IS NOT NULL
     GROUP BY w.i";

const INSERT_PROOF: &str = "INSERT INTO proof (supplier, digest, trx)
     SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[])";

const PUT_TURN: &str = "INSERT INTO turn (day, product, dest, count)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
     ON CONFLICT (day, product, dest) DO UPDATE SET count = excluded.count";

/// What was found, as it came.
#[derive(Default)]
pub(crate) struct Evidence {
    proofs: Vec<Row>,
    places: Vec<Row>,
    turns: Vec<Row>,
    bought: Vec<Row>,
    open_at: Vec<Row>,
}

/// Reads what a batch asks for; most batches ask for serial numbers only.
pub(crate) async fn load(live: &mut Live, wants: &Wants) -> Result<Evidence, Error> {
    let mut found = Evidence::default();
    if !wants.proofs.is_empty() {
        let sql = live.prepare(PROOFS).await?;
        let (suppliers, digests): (Vec<&str>, Vec<&[u8]>) =
            wants.proofs.iter().map(|key| (key.supplier.as_str(), &key.digest[..])).unzip();
        found.proofs = live.client.query(&sql, &[&suppliers, &digests]).await?;
    }
    if !wants.places.is_empty() {
        let sql = live.prepare(&places()).await?;
        let suppliers: Vec<&str> = wants.places.iter().map(|at| at.supplier.as_str()).collect();
        let skus: Vec<&str> = wants.places.iter().map(|at| at.sku.as_str()).collect();
        let dests: Vec<&str> = wants.places.iter().map(|at| at.dest.as_str()).collect();
        found.places = live
            .client
            .query(&sql, &[&suppliers, &skus, &dests, &wants.places_since.get()])
            .await?;
    }
    if !wants.turns.is_empty() {
        let sql = live.prepare(TURNS).await?;
        let days: Vec<i64> = wants.turns.iter().map(|turn| i64::from(turn.day.get())).collect();
        let products: Vec<&str> = wants.turns.iter().map(|turn| turn.product.as_str()).collect();
        let dests: Vec<&str> = wants.turns.iter().map(|turn| turn.dest.as_str()).collect();
        found.turns = live.client.query(&sql, &[&days, &products, &dests]).await?;
    }
    if !wants.bought.is_empty() {
        let (begin, lock) = (live.prepare(BEGIN_DAILY).await?, live.prepare(LOCK_DAILY).await?);
        let days: Vec<i64> = wants.bought.iter().map(|key| i64::from(key.day.get())).collect();
        let suppliers: Vec<&str> = wants.bought.iter().map(|key| key.supplier.as_str()).collect();
        let skus: Vec<&str> = wants.bought.iter().map(|key| key.sku.as_str()).collect();
        let midnight = wants.midnight.get();
        live.client.execute(&begin, &[&days, &suppliers, &skus, &midnight]).await?;
        found.bought = live.client.query(&lock, &[&days, &suppliers, &skus]).await?;
    }
    if !wants.open_at.is_empty() {
        let sql = live.prepare(OPEN_AT).await?;
        let suppliers: Vec<&str> = wants.open_at.iter().map(types::SupplierCode::as_str).collect();
        found.open_at = live.client.query(&sql, &[&suppliers]).await?;
    }
    Ok(found)
}

/// Rows that belong to the n-th wanted key.
fn of(rows: &[Row], number: i64) -> impl Iterator<Item = &Row> {
    rows.iter().filter(move |row| row.get::<_, i64>("i") == number)
}

fn small(count: i64) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

impl Evidence {
    pub(crate) fn into_facts(self, wants: &Wants, facts: &mut Facts) -> Result<(), StoreError> {
        for (number, key) in (1_i64..).zip(&wants.proofs) {
            if let Some(row) = of(&self.proofs, number).next() {
                facts.proofs.insert(key.clone(), TrxNo::new(row.get("trx")));
            }
        }
        for (number, place) in (1_i64..).zip(&wants.places) {
            let mut rivals = Vec::new();
            for row in of(&self.places, number) {
                let attempt = codec::attempt(&PgRow(row))
                    .map_err(|error| StoreError::Broken(error.to_string()))?;
                if is_rival(&attempt, &place.dest) && rivals.len() < RIVALS_MOST {
                    rivals.push(attempt.id);
                }
            }
            facts.places.insert(place.clone(), rivals);
        }
        for (number, turn) in (1_i64..).zip(&wants.turns) {
            if let Some(row) = of(&self.turns, number).next() {
                facts.turns.insert(turn.clone(), small(row.get("count")));
            }
        }
        for (number, key) in (1_i64..).zip(&wants.bought) {
            if let Some(row) = of(&self.bought, number).next() {
                let count = u32::try_from(row.get::<_, i64>("count")).unwrap_or(u32::MAX);
                facts.bought.insert(key.clone(), count);
            }
        }
        for (number, supplier) in (1_i64..).zip(&wants.open_at) {
            let count = of(&self.open_at, number).next().map_or(0, |row| row.get("count"));
            facts.open_at.insert(supplier.clone(), count);
        }
        Ok(())
    }
}

/// Writes what a batch learned.
pub(crate) fn put(rows: &Folded, steps: &mut Vec<Step>) {
    if !rows.proofs.is_empty() {
        let all: Vec<_> = rows.proofs.iter().collect();
        steps.push(Step::new(
            INSERT_PROOF,
            vec![
                column(&all, |(key, _)| key.supplier.to_string()),
                column(&all, |(key, _)| key.digest.to_vec()),
                column(&all, |(_, trx)| trx.get()),
            ],
        ));
    }
    if !rows.bought.is_empty() {
        let all: Vec<_> = rows.bought.iter().collect();
        steps.push(Step::new(
            COUNT_DAILY,
            vec![
                column(&all, |(key, _)| i64::from(key.day.get())),
                column(&all, |(key, _)| key.supplier.to_string()),
                column(&all, |(key, _)| key.sku.to_string()),
                column(&all, |(_, more)| **more),
            ],
        ));
    }
    if !rows.turns.is_empty() {
        let all: Vec<_> = rows.turns.iter().collect();
        steps.push(Step::new(
            PUT_TURN,
            vec![
                column(&all, |(turn, _)| i64::from(turn.day.get())),
                column(&all, |(turn, _)| turn.product.to_string()),
                column(&all, |(turn, _)| turn.dest.to_string()),
                column(&all, |(_, count)| i64::from(**count)),
            ],
        ));
    }
}

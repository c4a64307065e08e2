//! What no key of the tables forbids and must not be, looked for page after page: no statement grows
//! with the business.

use crate::reader::PgReads;
use store::StoreError;
use types::TrxNo;

/// Rows looked at in one statement.
const PIECE: i64 = 50_000;

/// What is wrong, in words.
pub(crate) fn find(
    reads: &mut PgReads,
    after: Option<TrxNo>,
) -> Result<Option<String>, StoreError> {
    // The last number of a page begins the next one: its twin may stand there.
    let mut from = after.map_or(i64::MIN, TrxNo::get);
    loop {
        let rows = reads.rows(
            "SELECT no, count(*) AS count FROM
               (SELECT no FROM trx WHERE no >= $1 ORDER BY no LIMIT $2) AS page
             GROUP BY no ORDER BY no",
            &[&from, &PIECE],
        )?;
        if let Some(row) = rows.iter().find(|row| row.get::<_, i64>("count") > 1) {
            return Ok(Some(format!("trx {} is there twice", row.get::<_, i64>("no"))));
        }
        match rows.last().map(|row| row.get::<_, i64>("no")) {
            Some(last) if last > from => from = last,
            Some(_) | None => break,
        }
    }
    if after.is_some() {
        // Attempts stand by member: those of new trx cannot be told without reading all.
        return Ok(None);
    }
    let mut after = (i64::MIN, i64::MIN, i64::MIN);
    loop {
        let rows = reads.rows(
            "SELECT page.member, page.trx, page.n, t.no IS NULL AS lost FROM
               (SELECT member, trx, n FROM attempt WHERE (member, trx, n) > ($1, $2, $3)
                ORDER BY member, trx, n LIMIT $4) AS page
             LEFT JOIN trx t ON t.member = page.member AND t.no = page.trx
             ORDER BY page.member, page.trx, page.n",
            &[&after.0, &after.1, &after.2, &PIECE],
        )?;
        if let Some(row) = rows.iter().find(|row| row.get("lost")) {
            let no: i64 = row.get("trx");
            return Ok(Some(format!("an attempt of trx {no} has no trx")));
        }
        let Some(last) = rows.last() else { return Ok(None) };
        after = (last.get("member"), last.get("trx"), last.get("n"));
    }
}

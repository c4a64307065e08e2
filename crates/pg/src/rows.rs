//! The statements of a batch. Each writes all its rows at once; all of them but the COMMIT go out
//! together.

use crate::catalog;
use crate::evidence;
use crate::fold::Folded;
use crate::link::Live;
use crate::papers;
use domain::Attempt;
use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use store::{ChainHead, Delivery, Direction, StoreError, codec};
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;
use types::{AttemptId, MemberId, Rupiah, TrxNo, UtcMillis};

/// Where the batch's rows stand on the lane's chains.
#[derive(Default)]
pub(crate) struct Chained {
    pub(crate) lane: i64,
    /// One for each transfer.
    pub(crate) transfers: Vec<ChainHead>,
    /// One for each line of the journal.
    pub(crate) lines: Vec<ChainHead>,
    pub(crate) ledger: ChainHead,
    pub(crate) journal: ChainHead,
}

pub(crate) const LOCK_MEMBERS: &str =
    "SELECT * FROM account WHERE member = ANY($1::bigint[]) ORDER BY member FOR UPDATE";

/// The owners of trx and those who share in them as well; neither ever changes, so they are found
/// before they are locked.
pub(crate) const LOCK_OWNERS: &str = "SELECT * FROM account WHERE member = ANY(ARRAY(
       SELECT unnest($1::bigint[])
       UNION SELECT member FROM trx WHERE no = ANY($2::bigint[])
       UNION SELECT split_part(unnest(string_to_array(shares, ' ')), ':', 1)::bigint
             FROM trx WHERE no = ANY($2::bigint[]) AND shares <> ''))
     ORDER BY member FOR UPDATE";

/// Whose these trx are; that never changes.
pub(crate) const OWNERS: &str = "SELECT no, member FROM trx WHERE no = ANY($1::bigint[])";

pub(crate) const LOCK_DELIVERIES: &str =
    "SELECT * FROM delivery WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE";

pub(crate) const SAME_DAY: &str = "SELECT w.i AS i, count(t.no) AS count
     FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w(member, guard, i)
     LEFT JOIN trx t ON t.member = w.member AND t.guard = w.guard
                    AND t.state IN ('pending', 'success')
     GROUP BY w.i";

/// The columns of a trx, of a table called `t`.
pub(crate) fn trx_columns() -> String {
    let named: Vec<String> =
        codec::TRX.split(',').map(|column| format!("t.{}", column.trim())).collect();
    named.join(", ")
}

pub(crate) fn by_ref() -> String {
    format!(
        "SELECT {} FROM unnest($1::bigint[], $2::text[]) AS w(member, ref)
         JOIN trx t ON t.member = w.member AND t.ref = w.ref",
        trx_columns()
    )
}

pub(crate) fn by_no() -> String {
    format!("SELECT {} FROM trx t WHERE t.no = ANY($1::bigint[])", trx_columns())
}

pub(crate) fn attempts() -> String {
    format!(
        "SELECT {} FROM trx t JOIN attempt a ON a.member = t.member AND a.trx = t.no
         WHERE t.no = ANY($1::bigint[]) ORDER BY a.trx, a.n",
        codec::ATTEMPT
    )
}

pub(crate) fn ref_attempts() -> String {
    format!(
        "SELECT {} FROM unnest($1::bigint[], $2::text[]) AS w(member, ref)
         JOIN trx t ON t.member = w.member AND t.ref = w.ref
         JOIN attempt a ON a.member = t.member AND a.trx = t.no ORDER BY a.trx, a.n",
        codec::ATTEMPT
    )
}

const INSERT_TRX: &str = "INSERT INTO trx (member, no, ref, product, name, dest, qty, price, before,
     created, day, attempt, state, sn, reason, refusal, cost, final_at, final_balance, suspect, guard,
     shares, given) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
     $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
     $13::text[], $14::text[], $15::text[], $16::text[], $17::bigint[], $18::bigint[],
     $19::bigint[], $20::text[], $21::text[], $22::text[], $23::text[])";

/// The conditional flip: a row must still be in the state it was decided from.
const FLIP: &str = "UPDATE trx t SET state = f.state, sn = f.sn, reason = f.reason, cost = f.cost,
     final_at = f.final_at, final_balance = f.final_balance
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
       $7::bigint[], $8::bigint[], $9::bigint[])
       AS f(member, no, was, state, sn, reason, cost, final_at, final_balance)
     WHERE t.member = f.member AND t.no = f.no AND t.state = f.was";

const SUSPECT: &str = "UPDATE trx t SET suspect = s.suspect
     FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS s(member, no, suspect)
     WHERE t.member = s.member AND t.no = s.no";

const CURRENT: &str = "UPDATE trx t SET attempt = c.attempt
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c(member, no, attempt)
     WHERE t.member = c.member AND t.no = c.no";

const INSERT_ATTEMPT: &str = "INSERT INTO attempt (member, trx, n, lane, supplier, sku, cost, state,
     detail, created, sent, next, checks, counter, why)
     SELECT member, trx, n, $15::bigint, supplier, sku, cost, state, detail, created, sent, next,
     checks, counter, why
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
       $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
       $14::text[])
       AS a(member, trx, n, supplier, sku, cost, state, detail, created, sent, next, checks, counter,
       why)";

const UPDATE_ATTEMPT: &str = "UPDATE attempt a SET cost = u.cost, state = u.state,
     detail = u.detail, sent = u.sent, next = u.next, checks = u.checks
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
       $7::bigint[], $8::bigint[], $9::bigint[])
       AS u(member, trx, n, cost, state, detail, sent, next, checks)
     WHERE a.member = u.member AND a.trx = u.trx AND a.n = u.n";

const INSERT_TRANSFER: &str =
    "INSERT INTO transfer (lane, seq, src, dst, amount, kind, trx, member,
     balance, at, note, hash)
     SELECT $12::bigint, t.seq, t.src, t.dst, t.amount, t.kind, t.trx, t.member, t.balance, t.at,
     t.note, t.hash
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
       $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[])
       AS t(seq, src, dst, amount, kind, trx, member, balance, at, note, hash) ORDER BY t.seq";

const UPDATE_ACCOUNT: &str = "UPDATE account a SET balance = u.balance, day = u.day,
     day_total = u.day_total
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
       AS u(member, balance, day, day_total)
     WHERE a.member = u.member";

const INSERT_DELIVERY: &str = "INSERT INTO delivery (id, lane, trx, member, ref, message, created,
     state, tries, next, last)
     SELECT id, $11::bigint, trx, member, ref, message, created, state, tries, next, last
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
       $7::text[], $8::bigint[], $9::bigint[], $10::text[])
       AS d(id, trx, member, ref, message, created, state, tries, next, last)";

const UPDATE_DELIVERY: &str = "UPDATE delivery d SET state = u.state, tries = u.tries,
     next = u.next, last = u.last
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
       AS u(id, state, tries, next, last)
     WHERE d.id = u.id";

const INSERT_JOURNAL: &str = "INSERT INTO journal (lane, seq, at, direction, channel, peer, member,
     trx, request, reply, status, millis, hash, stamps)
     SELECT $14::bigint, j.*
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
       $7::bigint[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bytea[], $13::bytea[])
       AS j(seq, at, direction, channel, peer, member, trx, request, reply, status, millis, hash,
         stamps)";

/// Both heads, and the fence: nothing is written by a node that lost the lane.
const ADVANCE: &str = "UPDATE lane SET batches = batches + 1, ledger_seq = $3, ledger_head = $4,
     journal_seq = $5, journal_head = $6 WHERE id = $1 AND epoch = $2";

pub(crate) type Param = Box<dyn ToSql + Sync>;

/// One statement of a batch.
pub(crate) struct Step {
    sql: &'static str,
    params: Vec<Param>,
    /// Rows it must touch, when fewer mean that something was decided on an old state.
    exactly: Option<(u64, &'static str)>,
}

impl Step {
    pub(crate) fn new(sql: &'static str, params: Vec<Param>) -> Self {
        Self { sql, params, exactly: None }
    }

    fn exactly(mut self, count: usize, otherwise: &'static str) -> Self {
        self.exactly = Some((u64::try_from(count).unwrap_or(u64::MAX), otherwise));
        self
    }
}

/// A column of all rows.
pub(crate) fn column<R, T: ToSql + Sync + 'static>(rows: &[R], value: impl Fn(&R) -> T) -> Param
where
    Vec<T>: ToSql,
{
    Box::new(rows.iter().map(value).collect::<Vec<T>>())
}

fn text(value: impl ToString) -> String {
    value.to_string()
}

/// Writes everything but the COMMIT.
pub(crate) async fn write(
    live: &mut Live,
    rows: &Folded,
    chained: &Chained,
    owners: &HashMap<TrxNo, MemberId>,
    epoch: i64,
    seen: i64,
) -> Result<Result<(), StoreError>, Error> {
    if !rows.catalog.is_empty()
        && let Err(why) = catalog::write(live, &rows.catalog, seen).await?
    {
        return Ok(Err(why));
    }
    if let Err(why) = papers::write(live, &rows.papers).await? {
        return Ok(Err(why));
    }
    let steps = match steps(rows, chained, owners, epoch) {
        Ok(steps) => steps,
        Err(why) => return Ok(Err(why)),
    };
    run(live, &steps).await
}

/// Runs statements together; why the batch is dropped, when one touched too few rows.
async fn run(live: &mut Live, steps: &[Step]) -> Result<Result<(), StoreError>, Error> {
    let mut prepared = Vec::with_capacity(steps.len());
    for step in steps {
        prepared.push(live.prepare(step.sql).await?);
    }
    let client = &live.client;
    let waiting = steps.iter().zip(&prepared).map(|(step, statement)| {
        let params: Vec<&(dyn ToSql + Sync)> = step.params.iter().map(AsRef::as_ref).collect();
        async move { client.execute(statement, &params).await }
    });
    for (step, touched) in steps.iter().zip(self::together(waiting.collect()).await) {
        let touched = touched?;
        if let Some((wanted, otherwise)) = step.exactly
            && touched != wanted
        {
            let why = format!("{otherwise} ({touched} of {wanted}); the batch is dropped");
            return Ok(Err(StoreError::Broken(why)));
        }
    }
    Ok(Ok(()))
}

/// Polls all, the first time in order, so that they go out together; all outcomes in order.
pub(crate) async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(move |context| {
        let mut left = false;
        for (future, done) in running.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *done = Some(value),
                    Poll::Pending => left = true,
                }
            }
        }
        if left {
            return Poll::Pending;
        }
        Poll::Ready(done.iter_mut().filter_map(Option::take).collect())
    })
    .await
}

/// Writes rows as they are, onto a lane that nobody holds.
pub(crate) async fn copy(
    live: &mut Live,
    rows: &Folded,
    chained: &Chained,
    owners: &HashMap<TrxNo, MemberId>,
) -> Result<Result<(), StoreError>, Error> {
    if let Err(why) = papers::write(live, &rows.papers).await? {
        return Ok(Err(why));
    }
    let mut steps = Vec::new();
    let made = purchases(rows, owners, &mut steps)
        .and_then(|()| attempts_of(rows, owners, chained.lane, &mut steps));
    if let Err(why) = made {
        return Ok(Err(why));
    }
    evidence::put(rows, &mut steps);
    money(rows, chained, &mut steps);
    records(rows, chained, &mut steps);
    run(live, &steps).await
}

fn steps(
    rows: &Folded,
    chained: &Chained,
    owners: &HashMap<TrxNo, MemberId>,
    epoch: i64,
) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    purchases(rows, owners, &mut steps)?;
    attempts_of(rows, owners, chained.lane, &mut steps)?;
    evidence::put(rows, &mut steps);
    money(rows, chained, &mut steps);
    records(rows, chained, &mut steps);
    steps.push(
        Step::new(
            ADVANCE,
            vec![
                Box::new(chained.lane),
                Box::new(epoch),
                Box::new(chained.ledger.seq),
                Box::new(chained.ledger.hash.to_vec()),
                Box::new(chained.journal.seq),
                Box::new(chained.journal.hash.to_vec()),
            ],
        )
        .exactly(1, "this lane is another node's: we were silent for longer than our lease"),
    );
    Ok(steps)
}

fn purchases(
    rows: &Folded,
    owners: &HashMap<TrxNo, MemberId>,
    steps: &mut Vec<Step>,
) -> Result<(), StoreError> {
    if !rows.trxs.is_empty() {
        let new: Vec<_> =
            rows.trxs.values().map(|new| (new, codec::state_columns(&new.trx.state))).collect();
        steps.push(Step::new(
            INSERT_TRX,
            vec![
                column(&new, |(new, _)| new.trx.member.get()),
                column(&new, |(new, _)| new.trx.no.get()),
                column(&new, |(new, _)| text(&new.trx.ref_id)),
                column(&new, |(new, _)| text(&new.trx.product)),
                column(&new, |(new, _)| text(&new.trx.name)),
                column(&new, |(new, _)| text(&new.trx.dest)),
                column(&new, |(new, _)| new.trx.qty.map(|qty| i64::from(qty.get()))),
                column(&new, |(new, _)| new.trx.price.get()),
                column(&new, |(new, _)| new.trx.before.get()),
                column(&new, |(new, _)| new.trx.created.get()),
                column(&new, |(new, _)| i64::from(new.trx.day.get())),
                column(&new, |(new, _)| i64::from(new.trx.attempt)),
                column(&new, |(new, _)| new.trx.state.word()),
                column(&new, |(_, state)| state.sn.clone()),
                column(&new, |(_, state)| state.reason.clone()),
                column(&new, |(_, state)| state.refusal),
                column(&new, |(_, state)| state.cost),
                column(&new, |(_, state)| state.at),
                column(&new, |(_, state)| state.balance),
                column(&new, |(new, _)| new.trx.suspect.clone()),
                column(&new, |(new, _)| new.guard.clone()),
                column(&new, |(new, _)| new.trx.shares.to_string()),
                column(&new, |(new, _)| new.trx.given.as_ref().map(ToString::to_string)),
            ],
        ));
    }
    let owner = |no: &TrxNo| owner(owners, *no);
    if !rows.flips.is_empty() {
        let flips = rows
            .flips
            .iter()
            .map(|(no, (was, state))| Ok((owner(no)?, no, was, state, codec::state_columns(state))))
            .collect::<Result<Vec<_>, StoreError>>()?;
        steps.push(
            Step::new(
                FLIP,
                vec![
                    column(&flips, |flip| flip.0),
                    column(&flips, |flip| flip.1.get()),
                    column(&flips, |flip| *flip.2),
                    column(&flips, |flip| flip.3.word()),
                    column(&flips, |flip| flip.4.sn.clone()),
                    column(&flips, |flip| flip.4.reason.clone()),
                    column(&flips, |flip| flip.4.cost),
                    column(&flips, |flip| flip.4.at),
                    column(&flips, |flip| flip.4.balance),
                ],
            )
            .exactly(flips.len(), "a trx is no longer in the state it was decided from"),
        );
    }
    if !rows.suspects.is_empty() {
        let suspects = rows
            .suspects
            .iter()
            .map(|(no, why)| Ok((owner(no)?, no.get(), why.clone())))
            .collect::<Result<Vec<_>, StoreError>>()?;
        steps.push(Step::new(
            SUSPECT,
            vec![
                column(&suspects, |row| row.0),
                column(&suspects, |row| row.1),
                column(&suspects, |row| row.2.clone()),
            ],
        ));
    }
    if !rows.currents.is_empty() {
        let currents = rows
            .currents
            .iter()
            .map(|(no, n)| Ok((owner(no)?, no.get(), i64::from(*n))))
            .collect::<Result<Vec<_>, StoreError>>()?;
        steps.push(Step::new(
            CURRENT,
            vec![
                column(&currents, |row| row.0),
                column(&currents, |row| row.1),
                column(&currents, |row| row.2),
            ],
        ));
    }
    Ok(())
}

fn attempts_of(
    rows: &Folded,
    owners: &HashMap<TrxNo, MemberId>,
    lane: i64,
    steps: &mut Vec<Step>,
) -> Result<(), StoreError> {
    let owned = |attempts: &BTreeMap<AttemptId, Attempt>| {
        attempts
            .values()
            .map(|attempt| Ok((owner(owners, attempt.id.trx)?, attempt.clone())))
            .collect::<Result<Vec<(i64, Attempt)>, StoreError>>()
    };
    let new = owned(&rows.attempts)?;
    if !new.is_empty() {
        steps.push(Step::new(
            INSERT_ATTEMPT,
            vec![
                column(&new, |(member, _)| *member),
                column(&new, |(_, a)| a.id.trx.get()),
                column(&new, |(_, a)| i64::from(a.id.n)),
                column(&new, |(_, a)| text(&a.supplier)),
                column(&new, |(_, a)| text(&a.sku)),
                column(&new, |(_, a)| a.cost.get()),
                column(&new, |(_, a)| codec::attempt_state(&a.state).0),
                column(&new, |(_, a)| codec::attempt_state(&a.state).1.to_owned()),
                column(&new, |(_, a)| a.created.get()),
                column(&new, |(_, a)| a.sent.map(UtcMillis::get)),
                column(&new, |(_, a)| a.next.map(UtcMillis::get)),
                column(&new, |(_, a)| i64::from(a.checks)),
                column(&new, |(_, a)| i64::from(a.counter)),
                column(&new, |(_, a)| a.why.clone()),
                Box::new(lane),
            ],
        ));
    }
    let changed = owned(&rows.changed_attempts)?;
    if !changed.is_empty() {
        steps.push(
            Step::new(
                UPDATE_ATTEMPT,
                vec![
                    column(&changed, |(member, _)| *member),
                    column(&changed, |(_, a)| a.id.trx.get()),
                    column(&changed, |(_, a)| i64::from(a.id.n)),
                    column(&changed, |(_, a)| a.cost.get()),
                    column(&changed, |(_, a)| codec::attempt_state(&a.state).0),
                    column(&changed, |(_, a)| codec::attempt_state(&a.state).1.to_owned()),
                    column(&changed, |(_, a)| a.sent.map(UtcMillis::get)),
                    column(&changed, |(_, a)| a.next.map(UtcMillis::get)),
                    column(&changed, |(_, a)| i64::from(a.checks)),
                ],
            )
            .exactly(changed.len(), "an attempt is missing"),
        );
    }
    Ok(())
}

fn money(rows: &Folded, chained: &Chained, steps: &mut Vec<Step>) {
    if !rows.transfers.is_empty() {
        let all: Vec<_> = rows.transfers.iter().zip(&chained.transfers).collect();
        steps.push(Step::new(
            INSERT_TRANSFER,
            vec![
                column(&all, |(_, place)| place.seq),
                column(&all, |(t, _)| text(&t.from)),
                column(&all, |(t, _)| text(&t.to)),
                column(&all, |(t, _)| t.amount.get()),
                column(&all, |(t, _)| t.kind.word()),
                column(&all, |(t, _)| t.trx.map(TrxNo::get)),
                column(&all, |(t, _)| t.member_change().map(|(member, _)| member.get())),
                column(&all, |(t, _)| t.balance.map(Rupiah::get)),
                column(&all, |(t, _)| t.at.get()),
                column(&all, |(t, _)| t.note.clone()),
                column(&all, |(_, place)| place.hash.to_vec()),
                Box::new(chained.lane),
            ],
        ));
    }
    if !rows.accounts.is_empty() {
        let all: Vec<_> = rows.accounts.iter().collect();
        steps.push(
            Step::new(
                UPDATE_ACCOUNT,
                vec![
                    column(&all, |(member, _)| member.get()),
                    column(&all, |(_, account)| account.balance.get()),
                    column(&all, |(_, account)| i64::from(account.day.get())),
                    column(&all, |(_, account)| account.day_total.get()),
                ],
            )
            .exactly(all.len(), "a member's account is missing"),
        );
    }
}

fn records(rows: &Folded, chained: &Chained, steps: &mut Vec<Step>) {
    if !rows.deliveries.is_empty() {
        let all: Vec<&Delivery> = rows.deliveries.values().collect();
        steps.push(Step::new(
            INSERT_DELIVERY,
            vec![
                column(&all, |d| d.id.get()),
                column(&all, |d| d.trx.get()),
                column(&all, |d| d.member.get()),
                column(&all, |d| d.ref_id.clone()),
                column(&all, |d| d.message.clone()),
                column(&all, |d| d.created.get()),
                column(&all, |d| d.state.word()),
                column(&all, |d| i64::from(d.tries)),
                column(&all, |d| d.next.get()),
                column(&all, |d| d.last.clone()),
                Box::new(chained.lane),
            ],
        ));
    }
    if !rows.changed_deliveries.is_empty() {
        let all: Vec<&Delivery> = rows.changed_deliveries.values().collect();
        steps.push(
            Step::new(
                UPDATE_DELIVERY,
                vec![
                    column(&all, |d| d.id.get()),
                    column(&all, |d| d.state.word()),
                    column(&all, |d| i64::from(d.tries)),
                    column(&all, |d| d.next.get()),
                    column(&all, |d| d.last.clone()),
                ],
            )
            .exactly(all.len(), "a delivery is missing"),
        );
    }
    if !rows.journal.is_empty() {
        let all: Vec<_> = rows.journal.iter().zip(&chained.lines).collect();
        steps.push(Step::new(
            INSERT_JOURNAL,
            vec![
                column(&all, |(_, place)| place.seq),
                column(&all, |(line, _)| line.at.get()),
                column(&all, |(line, _)| match line.direction {
                    Direction::In => 0_i64,
                    Direction::Out => 1,
                }),
                column(&all, |(line, _)| line.channel.word()),
                column(&all, |(line, _)| line.peer.clone()),
                column(&all, |(line, _)| line.member.map(MemberId::get)),
                column(&all, |(line, _)| line.trx.map(TrxNo::get)),
                column(&all, |(line, _)| line.request.clone()),
                column(&all, |(line, _)| line.reply.clone()),
                column(&all, |(line, _)| line.status.clone()),
                column(&all, |(line, _)| line.millis),
                column(&all, |(_, place)| place.hash.to_vec()),
                column(&all, |(line, _)| (!line.stamps.is_empty()).then(|| line.stamps.clone())),
                Box::new(chained.lane),
            ],
        ));
    }
}

/// The owner of a trx, which is part of its key.
fn owner(owners: &HashMap<TrxNo, MemberId>, no: TrxNo) -> Result<i64, StoreError> {
    let found = owners.get(&no).map(|member| member.get());
    found.ok_or_else(|| StoreError::Broken(format!("trx {no} is changed and was not loaded")))
}

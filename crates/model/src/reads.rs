//! The read side: the same pages a database gives, by looking at every row.

use crate::{Model, Tables};
use domain::{Account, Attempt, AttemptState, Transfer, Trx, TrxState};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use store::{
    CatalogRows, ChainRow, Counts, Delivery, DeliveryFilter, DeliveryState, Heads, JournalFilter,
    JournalLine, Known, Lane, Paper, PaperFilter, PaperKey, Places, Progress, ProofKey, Reads,
    StoreError, Story, TrxFilter, Work,
};
use types::{AttemptId, MemberId, RefId, Rupiah, Sku, SupplierCode, TrxNo, UtcMillis};

/// Longest page anyone gets.
const PAGE_MOST: usize = 1_000;
/// Most lines of the journal in a story.
const STORY_MOST: usize = 1_000;

fn page(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(PAGE_MOST)
}

impl Tables {
    fn work(&self, attempt: &Attempt) -> Option<Work> {
        let trx = &self.trxs.get(&attempt.id.trx)?.trx;
        Some(Work {
            attempt: attempt.clone(),
            member: trx.member,
            dest: trx.dest.clone(),
            qty: trx.qty,
        })
    }

    fn due(
        &self,
        wanted: impl Fn(&Attempt) -> bool,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Vec<Work> {
        let mut due: Vec<(UtcMillis, &Attempt)> = self
            .attempts
            .values()
            .filter(|attempt| wanted(attempt) && !skip.contains(&attempt.supplier))
            .filter_map(|attempt| Some((attempt.next.filter(|next| *next <= now)?, attempt)))
            .collect();
        due.sort_by_key(|(next, attempt)| (*next, attempt.id));
        let due = due.into_iter().take(page(limit));
        due.filter_map(|(_, attempt)| self.work(attempt)).collect()
    }
}

fn beyond<T: Clone>(rows: &[ChainRow<T>], after: &Places) -> Vec<ChainRow<T>> {
    let is_new = |row: &&ChainRow<T>| after.get(&row.lane).is_none_or(|seen| row.seq > *seen);
    rows.iter().filter(is_new).cloned().collect()
}

fn visit_all<T: Clone>(
    rows: &[T],
    visit: &mut dyn FnMut(T) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    for row in rows {
        if visit(row.clone()).is_break() {
            break;
        }
    }
    Ok(())
}

impl Reads for Model {
    fn catalog(&mut self) -> Result<CatalogRows, StoreError> {
        Ok(self.with(|tables| {
            let mut routes: Vec<_> = tables.routes.values().cloned().collect();
            routes.sort_by(|a, b| (&a.product, a.priority).cmp(&(&b.product, b.priority)));
            CatalogRows {
                revision: 0,
                members: tables.members.values().cloned().collect(),
                levels: tables.levels.values().cloned().collect(),
                products: tables.products.values().cloned().collect(),
                prices: tables
                    .prices
                    .iter()
                    .map(|((level, product), price)| (level.clone(), product.clone(), *price))
                    .collect(),
                suppliers: tables.suppliers.values().cloned().collect(),
                routes,
                epochs: tables.restores.values().cloned().collect(),
            }
        }))
    }

    fn balance(&mut self, member: MemberId) -> Result<Option<Rupiah>, StoreError> {
        Ok(self.with(|tables| tables.accounts.get(&member).map(|account| account.balance)))
    }

    fn accounts(&mut self) -> Result<Vec<(MemberId, Account)>, StoreError> {
        Ok(self.with(|tables| {
            tables.accounts.iter().map(|(id, account)| (*id, account.clone())).collect()
        }))
    }

    fn trx_by_ref(&mut self, member: MemberId, ref_id: &RefId) -> Result<Option<Trx>, StoreError> {
        Ok(self.with(|tables| {
            let no = tables.refs.get(&(member, ref_id.clone()))?;
            tables.trxs.get(no).map(|row| row.trx.clone())
        }))
    }

    fn story(&mut self, no: TrxNo) -> Result<Option<Story>, StoreError> {
        Ok(self.with(|tables| {
            let of = |trx: Option<TrxNo>| trx == Some(no);
            Some(Story {
                known: tables.known(no)?,
                transfers: tables
                    .transfers
                    .iter()
                    .filter(|row| of(row.row.trx))
                    .map(|row| (row.seq, row.row.clone()))
                    .collect(),
                deliveries: tables
                    .deliveries
                    .values()
                    .filter(|delivery| delivery.trx == no)
                    .cloned()
                    .collect(),
                journal: tables
                    .journal
                    .iter()
                    .filter(|row| of(row.row.trx))
                    .take(STORY_MOST)
                    .map(|row| (row.seq, row.row.clone()))
                    .collect(),
            })
        }))
    }

    fn trx_page(&mut self, filter: &TrxFilter) -> Result<Vec<Trx>, StoreError> {
        let fits = |trx: &Trx| {
            filter.below.is_none_or(|below| trx.no < below)
                && filter.state.as_deref().is_none_or(|state| trx.state.word() == state)
                && (!filter.suspect || trx.suspect.is_some())
                && filter.member.is_none_or(|member| trx.member == member)
                && filter.dest.as_ref().is_none_or(|dest| trx.dest == *dest)
                && filter.ref_id.as_ref().is_none_or(|ref_id| trx.ref_id == *ref_id)
        };
        Ok(self.with(|tables| {
            let newest = tables.trxs.values().rev().map(|row| &row.trx);
            newest
                .filter(|trx| fits(trx))
                .take(page(filter.limit).min(PAGE_MOST))
                .cloned()
                .collect()
        }))
    }

    fn delivery_page(&mut self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let fits = |delivery: &&Delivery| {
            filter.below.is_none_or(|below| delivery.id.get() < below)
                && filter.member.is_none_or(|member| delivery.member == member)
                && filter.state.is_none_or(|state| delivery.state == state)
                && filter.trx.is_none_or(|trx| delivery.trx == trx)
        };
        Ok(self.with(|tables| {
            let newest = tables.deliveries.values().rev().filter(fits);
            newest.take(page(filter.limit).min(PAGE_MOST)).cloned().collect()
        }))
    }

    fn due_intents(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError> {
        Ok(self.with(|tables| {
            let wanted = |attempt: &Attempt| {
                attempt.state == AttemptState::Intended
                    && self.does(tables.attempt_lanes.get(&attempt.id))
            };
            tables.due(wanted, now, limit, skip)
        }))
    }

    fn due_checks(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError> {
        Ok(self.with(|tables| {
            let open = |attempt: &Attempt| {
                attempt.state != AttemptState::Intended
                    && self.does(tables.attempt_lanes.get(&attempt.id))
            };
            tables.due(open, now, limit, skip)
        }))
    }

    fn bought_since(
        &mut self,
        since: UtcMillis,
    ) -> Result<Vec<(SupplierCode, Sku, u32)>, StoreError> {
        Ok(self.with(|tables| {
            let mut counts: BTreeMap<(SupplierCode, Sku), u32> = BTreeMap::new();
            for attempt in tables.attempts.values().filter(|attempt| attempt.created >= since) {
                *counts.entry((attempt.supplier.clone(), attempt.sku.clone())).or_default() += 1;
            }
            counts.into_iter().map(|((supplier, sku), count)| (supplier, sku, count)).collect()
        }))
    }

    fn work_of(&mut self, attempt: AttemptId) -> Result<Option<Work>, StoreError> {
        Ok(self.with(|tables| tables.work(tables.attempts.get(&attempt)?)))
    }

    fn settled_by(&mut self, key: &ProofKey) -> Result<Option<TrxNo>, StoreError> {
        Ok(self.with(|tables| tables.proofs.get(key).copied()))
    }

    fn sent_attempts(
        &mut self,
        lane: Lane,
        after: TrxNo,
        limit: u32,
    ) -> Result<Vec<Work>, StoreError> {
        Ok(self.with(|tables| {
            let sent = |attempt: &&Attempt| {
                let written_on = tables.attempt_lanes.get(&attempt.id).copied();
                attempt.state == AttemptState::Sent
                    && attempt.id.trx > after
                    && written_on.unwrap_or_default() == lane
            };
            let found = tables.attempts.values().filter(sent).take(page(limit));
            found.filter_map(|attempt| tables.work(attempt)).collect()
        }))
    }

    fn due_deliveries(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[MemberId],
    ) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.with(|tables| {
            let due = |delivery: &&Delivery| {
                delivery.state == DeliveryState::Due
                    && delivery.next <= now
                    && !skip.contains(&delivery.member)
                    && self.does(tables.delivery_lanes.get(&delivery.id))
            };
            let mut found: Vec<_> = tables.deliveries.values().filter(due).cloned().collect();
            found.sort_by_key(|delivery| (delivery.next, delivery.id));
            found.truncate(page(limit));
            found
        }))
    }

    fn paper(&mut self, key: &PaperKey) -> Result<Option<Paper>, StoreError> {
        Ok(self.with(|tables| tables.papers.get(key).cloned()))
    }

    fn papers(&mut self, filter: &PaperFilter) -> Result<Vec<Paper>, StoreError> {
        let fits = |paper: &&Paper| {
            paper.key.kind == filter.kind
                && filter.tag.as_ref().is_none_or(|tag| paper.tag == *tag)
                && filter.below.as_ref().is_none_or(|below| paper.key.id < *below)
        };
        let most = page(filter.limit).min(PAGE_MOST);
        Ok(self
            .with(|tables| tables.papers.values().rev().filter(fits).take(most).cloned().collect()))
    }

    fn each_paper(
        &mut self,
        visit: &mut dyn FnMut(Paper) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let rows: Vec<Paper> = self.with(|tables| tables.papers.values().cloned().collect());
        visit_all(&rows, visit)
    }

    fn transfers_after(
        &mut self,
        lane: Lane,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<ChainRow<Transfer>>, StoreError> {
        Ok(self.with(|tables| {
            let next = tables.transfers.iter().filter(|row| row.lane == lane && row.seq > seq);
            next.take(page(limit)).cloned().collect()
        }))
    }

    fn knowns(&mut self, numbers: &[TrxNo]) -> Result<Vec<Known>, StoreError> {
        Ok(self.with(|tables| numbers.iter().filter_map(|no| tables.known(*no)).collect()))
    }

    fn journal_page(
        &mut self,
        filter: &JournalFilter,
    ) -> Result<Vec<ChainRow<JournalLine>>, StoreError> {
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let fits = |row: &&ChainRow<JournalLine>| {
            let line = &row.row;
            filter.below.is_none_or(|below| (row.lane, row.seq) < below)
                && filter.channel.is_none_or(|channel| line.channel == channel)
                && filter.trx.is_none_or(|trx| line.trx == Some(trx))
                && text.as_ref().is_none_or(|text| {
                    format!("{} {}", line.request, line.reply).to_lowercase().contains(text)
                })
        };
        let most = page(filter.limit).min(PAGE_MOST);
        Ok(self.with(|tables| {
            let mut found: Vec<_> = tables.journal.iter().filter(fits).cloned().collect();
            found.sort_by_key(|row| std::cmp::Reverse((row.lane, row.seq)));
            found.truncate(most);
            found
        }))
    }

    fn counts(&mut self) -> Result<Counts, StoreError> {
        Ok(self.with(|tables| {
            let count = |fits: &dyn Fn(&Trx) -> bool| {
                let found = tables.trxs.values().filter(|row| fits(&row.trx)).count();
                i64::try_from(found).unwrap_or(i64::MAX)
            };
            let due = tables.deliveries.values().filter(|d| d.state == DeliveryState::Due).count();
            Counts {
                pending: count(&|trx| trx.state == TrxState::Pending),
                suspect: count(&|trx| trx.suspect.is_some()),
                callbacks_due: i64::try_from(due).unwrap_or(i64::MAX),
            }
        }))
    }

    fn each_transfer(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<Transfer>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let rows = self.with(|tables| beyond(&tables.transfers, after));
        visit_all(&rows, visit)
    }

    fn each_journal(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<JournalLine>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let rows = self.with(|tables| beyond(&tables.journal, after));
        visit_all(&rows, visit)
    }

    fn each_trx(
        &mut self,
        after: Option<TrxNo>,
        visit: &mut dyn FnMut(Trx) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let above = |trx: &&Trx| after.is_none_or(|after| trx.no > after);
        let rows: Vec<Trx> = self.with(|tables| {
            tables.trxs.values().map(|row| &row.trx).filter(above).cloned().collect()
        });
        visit_all(&rows, visit)
    }

    fn damage(&mut self, after: Option<TrxNo>) -> Result<Option<String>, StoreError> {
        Ok(self.with(|tables| {
            let fits = |row: &crate::TrxRow| {
                let key = (row.trx.member, row.trx.ref_id.clone());
                tables.refs.get(&key) == Some(&row.trx.no)
            };
            let above = |row: &&crate::TrxRow| after.is_none_or(|after| row.trx.no > after);
            let wrong = tables.trxs.values().filter(above).find(|row| !fits(row))?;
            Some(format!("refID {} is not that of trx {}", wrong.trx.ref_id, wrong.trx.no))
        }))
    }

    fn heads(&mut self) -> Result<Vec<Heads>, StoreError> {
        Ok(self.with(|tables| tables.lanes().into_iter().map(|lane| tables.heads(lane)).collect()))
    }

    fn hold(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn release(&mut self) {}

    fn backup(&mut self, _: &Path, _: Progress<'_>) -> Result<(), StoreError> {
        Err(StoreError::NotWritten("a store in memory has no file to copy".to_owned()))
    }
}

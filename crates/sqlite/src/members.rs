//! Writing a member. A new one gets an empty account in the same step; secrets are sealed before they
//! get here.

use crate::writer::SqliteStore;
use rusqlite::params;
use store::MemberRecord;

impl SqliteStore {
    /// Inserts or replaces.
    pub(crate) fn put_member(&self, record: &MemberRecord) -> rusqlite::Result<usize> {
        let member = &record.member;
        let upline = member.upline.as_ref();
        let addresses: Vec<String> = record.ip_allow.iter().map(ToString::to_string).collect();
        self.cached(
            "INSERT INTO member (id, code, name, active, level, credit_limit, daily_limit, \
             same_day_guard, callback_url, sedang, sn_ref, ip_allow, pin, password, signing, \
             seller, webhook, upline, markup, markups, sandbox, dialect, imported) VALUES \
             (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = excluded.active, \
             level = excluded.level, credit_limit = excluded.credit_limit, \
             daily_limit = excluded.daily_limit, same_day_guard = excluded.same_day_guard, \
             callback_url = excluded.callback_url, sedang = excluded.sedang, \
             sn_ref = excluded.sn_ref, ip_allow = excluded.ip_allow, pin = excluded.pin, \
             password = excluded.password, signing = excluded.signing, \
             seller = excluded.seller, webhook = excluded.webhook, upline = excluded.upline, \
             markup = excluded.markup, markups = excluded.markups, sandbox = excluded.sandbox, \
             dialect = excluded.dialect, imported = excluded.imported",
        )?
        .execute(params![
            member.id.get(),
            member.code.as_str(),
            member.name,
            member.active,
            member.level.as_str(),
            member.credit_limit.get(),
            member.daily_limit.map(types::Rupiah::get),
            member.same_day_guard,
            member.callback_url,
            member.wording.sedang,
            member.wording.sn_ref,
            addresses.join(" "),
            record.pin.0,
            record.password.0,
            record.signing.as_ref().map(|sealed| &sealed.0),
            member.wording.seller.word(),
            member.wording.webhook,
            upline.map(|upline| upline.member.get()),
            upline.map_or(0, |upline| upline.markup.get()),
            upline.map_or_else(String::new, |upline| upline.markups.to_string()),
            member.sandbox,
            member.dialect.to_string(),
            record.imported.number(),
        ])?;
        self.cached(
            "INSERT INTO account (member, balance, day, day_total) VALUES (?1, 0, 0, 0) \
             ON CONFLICT (member) DO NOTHING",
        )?
        .execute([member.id.get()])
    }
}

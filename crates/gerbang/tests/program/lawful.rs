//! A program that is wrong writes lawfully: its chains, its sums and its balances fit. `verify` names the
//! account or the amount that was the wrong one. (With `master.key` at hand the stamps of what was changed
//! here would be told as well; without it only the audit can see it.)

use super::rig::House;
use super::tamper::changed;
use domain::{AccountName, Kind, Transfer};
use rusqlite::Connection;
use std::collections::BTreeMap;
use store::{Hash, transfer_hash};
use types::{MemberId, Rupiah, TrxNo, UtcMillis};

/// What a program that is wrong decides in place of what was.
type Otherwise = Box<dyn Fn(&mut Vec<Transfer>)>;

fn ledger(database: &Connection) -> Vec<Transfer> {
    let sql = "SELECT src, dst, amount, kind, trx, balance, at, note FROM transfer ORDER BY seq";
    let mut asked = database.prepare(sql).unwrap();
    let rows = asked.query_map([], |row| {
        let text = |place: usize| row.get::<_, String>(place);
        Ok(Transfer {
            from: text(0)?.parse().unwrap(),
            to: text(1)?.parse().unwrap(),
            amount: Rupiah::new(row.get(2)?),
            kind: text(3)?.parse().unwrap(),
            trx: row.get::<_, Option<i64>>(4)?.map(TrxNo::new),
            balance: row.get::<_, Option<i64>>(5)?.map(Rupiah::new),
            at: UtcMillis::new(row.get(6)?),
            note: text(7)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The ledger as a program writes it that decided these transfers: with the balances and the chain that
/// follow from them.
fn write(database: &mut Connection, all: &[Transfer]) {
    let change = database.transaction().unwrap();
    change.execute("DELETE FROM transfer", []).unwrap();
    let (mut head, mut balances) = (Hash::default(), BTreeMap::new());
    for (seq, transfer) in (1..).zip(all) {
        let moved = transfer.member_change().map(|(member, change)| {
            let balance: &mut i64 = balances.entry(member.get()).or_default();
            *balance += change;
            (member.get(), *balance)
        });
        let balance = moved.map(|(_, balance)| Rupiah::new(balance));
        let transfer = Transfer { balance, ..transfer.clone() };
        head = transfer_hash(&head, seq, &transfer);
        let Transfer { from, to, amount, kind, trx, at, note, .. } = transfer;
        change
            .execute(
                "INSERT INTO transfer (seq, src, dst, amount, kind, trx, member, balance, at, note, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                rusqlite::params![
                    seq,
                    from.to_string(),
                    to.to_string(),
                    amount.get(),
                    kind.word(),
                    trx.map(TrxNo::get),
                    moved.map(|(member, _)| member),
                    moved.map(|(_, balance)| balance),
                    at.get(),
                    note,
                    head,
                ],
            )
            .unwrap();
    }
    for (member, balance) in balances {
        let sql = "UPDATE account SET balance = ?2 WHERE member = ?1";
        change.execute(sql, [member, balance]).unwrap();
    }
    let sql = "UPDATE chain SET seq = ?1, head = ?2 WHERE name = 'ledger'";
    change.execute(sql, rusqlite::params![i64::try_from(all.len()).unwrap(), head]).unwrap();
    change.commit().unwrap();
}

/// A copy of the business whose ledger was decided otherwise.
fn written(house: &House, otherwise: &dyn Fn(&mut Vec<Transfer>)) -> House {
    let other = changed(house, "SELECT 1");
    let mut database = Connection::open(other.data().join("gerbang.db")).unwrap();
    let mut all = ledger(&database);
    let before = all.clone();
    otherwise(&mut all);
    write(&mut database, &all);
    assert_eq!(ledger(&database).len(), all.len());
    // Written as it was, it is what it was.
    if all == before {
        assert_eq!(ledger(&database), before);
    }
    other
}

fn said(house: &House, words: &[&str], named: &str) -> String {
    let output = house.run(words);
    assert!(!output.status.success(), "not seen: {named}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first transfer of a kind.
fn first(all: &mut [Transfer], kind: Kind) -> &mut Transfer {
    all.iter_mut().find(|transfer| transfer.kind == kind).unwrap()
}

fn other_than(member: &AccountName) -> AccountName {
    let first = AccountName::Member(MemberId::new(1));
    if *member == first { AccountName::Member(MemberId::new(2)) } else { first }
}

fn otherwise(kind: Kind, wrong: fn(&mut Transfer)) -> Otherwise {
    Box::new(move |all| wrong(first(all, kind)))
}

/// A purchase that was reversed, and whose uplines had earned.
fn shared_and_reversed(all: &[Transfer]) -> Option<TrxNo> {
    all.iter().find(|transfer| transfer.kind == Kind::CommissionReversal)?.trx
}

#[test]
fn the_wrong_account_or_amount_is_named() {
    let house = House::new();
    let mut server = house.lively_demo("12");
    server.buy("lawful-1");
    server.line_with("callback: ");
    server.terminate();
    assert!(server.wait().success());
    // Which fates the days of the demo had depends on the hour: one of each is made here.
    let no = {
        let database = Connection::open(house.data().join("gerbang.db")).unwrap();
        let sql = "SELECT trx FROM transfer t WHERE kind = 'commission' AND EXISTS
                   (SELECT 1 FROM trx WHERE no = t.trx AND state = 'success') ORDER BY seq DESC LIMIT 1";
        database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().to_string()
    };
    house.ok(&["trx", "resolve", &no, "--reverse", "salah", "--returned", "--note", "budi: back"]);
    assert_eq!(house.json(&["verify"])["holds"], true);
    let same = written(&house, &|_| {});
    std::fs::remove_file(same.data().join("master.key")).unwrap();
    assert_eq!(same.json(&["verify"])["holds"], true);

    let two = |text: &str| text.parse::<AccountName>().unwrap();
    let person = |from: &str, to: &str, kind, trx| Transfer {
        from: two(from),
        to: two(to),
        amount: Rupiah::new(5),
        kind,
        trx,
        balance: None,
        at: UtcMillis::new(1),
        note: "budi: x".to_owned(),
    };
    let added =
        |transfer: Transfer| -> Otherwise { Box::new(move |all| all.push(transfer.clone())) };
    let cases: Vec<(Otherwise, &str)> = vec![
        (
            otherwise(Kind::Debit, |wrong| wrong.from = other_than(&wrong.from)),
            "its debit came from",
        ),
        (otherwise(Kind::Refund, |wrong| wrong.to = other_than(&wrong.to)), "refund of trx"),
        (otherwise(Kind::Refund, |wrong| wrong.to = other_than(&wrong.to)), " bought it"),
        (otherwise(Kind::Reversal, |wrong| wrong.to = other_than(&wrong.to)), "reversal of trx"),
        (
            otherwise(Kind::Reversal, |wrong| wrong.to = AccountName::Adjustment),
            "reversal moves from sales to adjustment, but goes from sales to a member",
        ),
        (
            otherwise(Kind::Refund, |wrong| wrong.amount = Rupiah::new(wrong.amount.get() - 1)),
            "its debit was another amount",
        ),
        (
            otherwise(Kind::Commission, |wrong| wrong.to = other_than(&wrong.to)),
            "is success and the share of member",
        ),
        (
            otherwise(Kind::Commission, |wrong| wrong.amount = Rupiah::new(wrong.amount.get() + 1)),
            "it earned",
        ),
        (
            Box::new(|all| {
                let no = shared_and_reversed(all);
                all.retain(|t| t.kind != Kind::CommissionReversal || t.trx != no);
            }),
            "it gave back 0 and had spent 0",
        ),
        (
            otherwise(Kind::Cost, |wrong| wrong.from = "supplier:nobody".parse().unwrap()),
            "but its cost was paid to nobody",
        ),
        (
            otherwise(Kind::Cost, |wrong| wrong.amount = Rupiah::new(wrong.amount.get() + 7)),
            "in the ledger, but its attempt 1 says",
        ),
        (
            otherwise(Kind::CostReversal, |wrong| wrong.to = "supplier:nobody".parse().unwrap()),
            "is about another supplier than its cost",
        ),
        (
            otherwise(Kind::Deposit, |wrong| wrong.from = AccountName::Sales),
            "deposit moves from sales to member:",
        ),
        (
            added(person("member:1", "exchange", Kind::Given, None)),
            "member 1 gave 5 that no other member received",
        ),
        (
            added(person("exchange", "member:1", Kind::Received, None)),
            "member 1 received 5 that no other member gave",
        ),
        (
            added(person("adjustment", "member:1", Kind::Adjustment, Some(TrxNo::new(1)))),
            "adjustment names trx 1, but belongs to no purchase",
        ),
    ];
    for (wrong, named) in &cases {
        let other = written(&house, wrong.as_ref());
        std::fs::remove_file(other.data().join("master.key")).unwrap();
        let told = said(&other, &["verify"], named);
        assert!(told.contains(named), "{named} is not in:\n{told}");
        assert!(!told.contains("was changed or inserted"), "{told}");
    }

    // From a checkpoint on: of a purchase that came after it, and of what people moved since.
    let file = house.folder.path().join("proof");
    let on = ["verify", "--checkpoint", file.to_str().unwrap()];
    house.ok(&on);
    let mut server = house.demo();
    server.buy("lawful-2");
    server.line_with("callback: ");
    server.terminate();
    assert!(server.wait().success());
    let sealed = std::fs::read(&file).unwrap();
    house.ok(&on);
    let last: &dyn Fn(&mut Vec<Transfer>) = &|all| {
        let cost = all.iter_mut().rfind(|transfer| transfer.kind == Kind::Cost).unwrap();
        cost.from = "supplier:nobody".parse().unwrap();
    };
    for (wrong, named) in [
        (last, "but its cost was paid to nobody"),
        (
            &|all: &mut Vec<Transfer>| {
                all.push(person("member:1", "exchange", Kind::Given, None));
            },
            "member 1 gave 5 that no other member received",
        ),
    ] {
        let other = written(&house, wrong);
        std::fs::write(&file, &sealed).unwrap();
        let told = said(&other, &on, named);
        assert!(told.contains(named), "{named} is not in:\n{told}");
    }
}

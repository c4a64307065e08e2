//! Promise 5: what the audit itself must not miss, at its own bounds.

use super::*;

fn moved(from: &str, to: &str, amount: i64, kind: Kind) -> Transfer {
    Transfer {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        amount: Rupiah::new(amount),
        kind,
        trx: None,
        balance: None,
        at: now().utc,
        note: String::new(),
    }
}

fn words(audit: Audit) -> Vec<String> {
    audit.findings().iter().map(Finding::to_string).collect()
}

#[test]
fn a_hundred_findings_tell_enough() {
    let expense = moved("expense:sewa", "cash:bca", -1, Kind::Expense);
    let mut audit = Audit::new();
    for id in 1..=101 {
        audit.transfer(id, &expense);
    }
    let found = words(audit);
    assert_eq!(found.len(), 100);
    assert_eq!(found[99], "transfer 100 moves a negative amount (-1)");
    // What moves nothing is no less than nothing.
    let mut audit = Audit::new();
    audit.transfer(1, &moved("expense:sewa", "cash:bca", 0, Kind::Expense));
    assert_eq!(words(audit), Vec::<String>::new());
}

/// What is pending is due: its own attempt is open and has a moment.
#[test]
fn what_is_pending_and_never_due_is_found() {
    let closed = || AttemptState::Unsent { proof: "x".to_owned() };
    for (state, next, n, due) in [
        (AttemptState::Intended, true, 1, true),
        (AttemptState::Sent, true, 1, true),
        (AttemptState::Sent, false, 1, false),
        (closed(), true, 1, false),
        (closed(), false, 1, false),
        (AttemptState::Sent, true, 2, false),
    ] {
        let mut life = Life::begin();
        let attempt = &mut life.attempts[0];
        attempt.state = state;
        attempt.next = next.then_some(now().utc);
        life.trx.attempt = n;
        let found = life.audit();
        let expected = "trx 1 is pending and never due".to_owned();
        assert_eq!(found, if due { vec![] } else { vec![Finding(expected)] });
    }
}

/// A ledger is read in parts: the second goes on from the sums of the first, and finds what the whole would.
#[test]
fn an_audit_goes_on_from_the_sums_of_another() {
    let balance = |rupiah| Some(Rupiah::new(rupiah));
    let all = [
        Transfer { balance: balance(900), ..moved("cash:bca", "member:7", 900, Kind::Deposit) },
        Transfer { balance: balance(800), ..moved("member:7", "cash:bca", 100, Kind::Withdrawal) },
        Transfer { balance: balance(805), ..moved("adjustment", "member:7", 5, Kind::Adjustment) },
    ];
    for cut in 0..=all.len() {
        for (last, fits) in [(805, true), (804, false)] {
            let mut first = Audit::new();
            let mut ids = 1..;
            all[..cut].iter().zip(&mut ids).for_each(|(one, id)| first.transfer(id, one));
            let sums: Vec<_> = first.sums().map(|(account, sum)| (account.clone(), sum)).collect();
            let mut second = Audit::after(sums);
            for (one, id) in all[cut..].iter().zip(&mut ids) {
                second.passed(id, one);
                second.moved(id, one);
            }
            assert_eq!(second.sum(&"cash:bca".parse().unwrap()), -800);
            assert_eq!(second.sum(&"sales".parse().unwrap()), 0);
            second.account(MemberId::new(7), Rupiah::new(last), Rupiah::ZERO);
            let found = words(second);
            let why = "member 7: cached balance 804 but its transfers sum to 805";
            assert_eq!(found, if fits { vec![] } else { vec![why.to_owned()] });
        }
    }
}

#[test]
fn a_balance_may_stand_at_its_floor() {
    for (floor, found) in [
        (-101, vec![]),
        (-100, vec![]),
        (-99, vec!["member 7: balance -100 is below its floor -99".to_owned()]),
    ] {
        let mut audit = Audit::new();
        let taken = moved("member:7", "cash:bca", 100, Kind::Withdrawal);
        audit.transfer(1, &Transfer { balance: Some(Rupiah::new(-100)), ..taken });
        audit.account(MemberId::new(7), Rupiah::new(-100), Rupiah::new(floor));
        assert_eq!(words(audit), found);
    }
}

/// Stored with no balance, or beside another account's: told with what the sum is.
#[test]
fn a_stored_balance_is_the_sum_of_what_moved() {
    let deposit = moved("cash:bca", "member:7", 900, Kind::Deposit);
    for (stored, word) in [(None, "nothing"), (Some(899), "899")] {
        let mut audit = Audit::new();
        audit.transfer(4, &Transfer { balance: stored.map(Rupiah::new), ..deposit.clone() });
        audit.account(MemberId::new(7), Rupiah::new(900), Rupiah::ZERO);
        let why =
            format!("transfer 4: balance of member 7 after it is stored as {word}, the sum is 900");
        assert_eq!(words(audit), [why]);
    }
}

/// As many gifts may be open at once as there can be lanes; of more the oldest is told.
#[test]
fn as_many_gifts_are_open_as_there_can_be() {
    let open = |count: i64| {
        let mut audit = Audit::new();
        for id in 1..=count {
            let given = moved("member:7", "exchange", 1, Kind::Given);
            let at = UtcMillis::new(id);
            audit.transfer(id, &Transfer { balance: Some(Rupiah::new(-id)), at, ..given });
        }
        for id in 1..=count {
            let received = moved("exchange", "member:3", 1, Kind::Received);
            let at = UtcMillis::new(id);
            audit
                .transfer(count + id, &Transfer { balance: Some(Rupiah::new(id)), at, ..received });
        }
        audit.account(MemberId::new(7), Rupiah::new(-count), Rupiah::new(-count));
        audit.account(MemberId::new(3), Rupiah::new(count), Rupiah::ZERO);
        words(audit)
    };
    assert_eq!(open(4_096), Vec::<String>::new());
    let lost = [
        "transfer 1: member 7 gave 1 that no other member received",
        "transfer 4098: member 3 received 1 that no other member gave",
    ];
    assert_eq!(open(4_097), lost);
}

/// What went round between members stays with one of them.
#[test]
fn nothing_stays_between_members() {
    let mut audit = Audit::new();
    let given = moved("member:7", "exchange", 5, Kind::Given);
    audit.transfer(1, &Transfer { balance: Some(Rupiah::new(-5)), ..given });
    audit.account(MemberId::new(7), Rupiah::new(-5), Rupiah::new(-5));
    let found = words(audit);
    assert!(found.contains(&"5 went to no member in transfers between members".to_owned()));
    let mut audit = Audit::new();
    let named =
        Transfer { trx: Some(TrxNo::new(9)), ..moved("cash:bca", "capital", 5, Kind::Capital) };
    audit.transfer(1, &named);
    let found = words(audit);
    let expected = [
        "transfer 1: capital names trx 9, but belongs to no purchase",
        "transfers name trx 9, which does not exist",
    ];
    assert_eq!(found, expected);
}

/// Without a debit there is no buyer and no amount to compare with: it is told that there is none.
#[test]
fn a_purchase_without_a_debit_is_told_once() {
    let audited = |life: &Life, without: Kind| {
        let mut audit = Audit::new();
        let all = life.transfers.iter().filter(|one| one.kind != without);
        for (id, transfer) in (1..).zip(all) {
            audit.moved(id, transfer);
        }
        audit.trx(&life.trx);
        audit.attempts(&life.trx, &life.attempts);
        words(audit)
    };
    let counts = |state: &str, counts: [u8; 5]| {
        let [debit, settle, cost, refund, reversal] = counts;
        format!(
            "trx 1 is {state} but has {debit} debit, {settle} settle, {cost} cost, {refund} refund, \
             {reversal} reversal"
        )
    };
    let mut failed_life = Life::begin();
    failed_life.send();
    failed_life.news(1, Source::Reply, failed(FailureClass::Number));
    let mut sold = Life::begin();
    sold.send();
    sold.news(1, Source::Reply, ok());
    let mut reversed = Life::begin();
    reversed.send();
    reversed.news(1, Source::Reply, ok());
    reversed.news(1, Source::Callback, failed(FailureClass::Number));
    let other = "is 1.321, its debit was another amount";
    for (life, without, expected) in [
        (
            &failed_life,
            Kind::Debit,
            vec![format!("transfer 2: refund of trx 1 {other}"), counts("failed", [0, 0, 0, 1, 0])],
        ),
        (&failed_life, Kind::Refund, vec![counts("failed", [1, 0, 0, 0, 0])]),
        (
            &sold,
            Kind::Cost,
            vec![
                counts("success", [1, 1, 0, 0, 0]),
                "trx 1 cost 0 in the ledger, but its attempt 1 says 1299".to_owned(),
            ],
        ),
        (&sold, Kind::Settle, vec![counts("success", [1, 0, 1, 0, 0])]),
        (
            &reversed,
            Kind::CostReversal,
            vec![
                "trx 1 is reversed and cost 1299 in the end".to_owned(),
                "trx 1 is reversed, and its cost came back or was kept 0 times".to_owned(),
            ],
        ),
        (&reversed, Kind::Reversal, vec![counts("reversed", [1, 1, 1, 0, 0])]),
    ] {
        let mut found = audited(life, without);
        // The whole ledger is judged elsewhere.
        found.retain(|one| !one.starts_with("hold is") && !one.contains("does not exist"));
        assert_eq!(found, expected);
    }
}

/// A statement may correct a cost to nothing, and never to less.
#[test]
fn what_was_sold_cost_nothing_at_least() {
    for (back, expected) in [
        (1_299, vec!["trx 1 cost 0 in the ledger, but its attempt 1 says 1299".to_owned()]),
        (
            1_300,
            vec![
                "trx 1 is success and cost -1 in the end".to_owned(),
                "trx 1 cost -1 in the ledger, but its attempt 1 says 1299".to_owned(),
            ],
        ),
    ] {
        let mut life = Life::begin();
        life.send();
        life.news(1, Source::Reply, ok());
        let correction = moved("cogs", "supplier:a", back, Kind::CostCorrection);
        life.transfers.push(Transfer { trx: Some(life.trx.no), ..correction });
        let found: Vec<String> = life.audit().iter().map(Finding::to_string).collect();
        assert_eq!(found, expected);
    }
}

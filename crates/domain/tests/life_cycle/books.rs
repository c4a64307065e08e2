//! Promise 5: the audit knows which accounts a movement may join and how much. Whatever life a purchase
//! had, one movement of it with another account, amount or kind is a finding, although every sum and
//! every cached balance fits.

use super::*;
use std::collections::BTreeMap;

/// Everybody who may be named, by right or by mistake.
const MEMBERS: [i64; 4] = [7, 3, 9, 5];

/// What a program that is wrong writes instead.
#[derive(Clone, Debug)]
enum Wrong {
    Amount(i64),
    From(usize),
    To(usize),
    Kind(usize),
    Dropped,
    Twice,
    NoTrx,
    OtherTrx,
}

fn wrong() -> impl proptest::strategy::Strategy<Value = Wrong> {
    let amount = prop_oneof![-1_500_i64..0, 1_i64..1_500, Just(-1), Just(1)];
    prop_oneof![
        4 => amount.prop_map(Wrong::Amount),
        4 => (0..accounts().len()).prop_map(Wrong::From),
        4 => (0..accounts().len()).prop_map(Wrong::To),
        2 => (0..Kind::ALL.len()).prop_map(Wrong::Kind),
        1 => Just(Wrong::Dropped),
        1 => Just(Wrong::Twice),
        1 => Just(Wrong::NoTrx),
        1 => Just(Wrong::OtherTrx),
    ]
}

fn accounts() -> Vec<AccountName> {
    let words = "member:7 member:3 member:9 member:5 supplier:a supplier:b supplier:c cash:bca hold sales \
                 cogs adjustment commission exchange loss:kept-cost loss:spent-commission deposit:a \
                 expense:sewa capital opening";
    words.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// The books of a life whose transfers were written like this, with balances that fit them.
fn audited(life: &Life, transfers: &[Transfer]) -> Vec<Finding> {
    let mut audit = Audit::new();
    let mut sums: BTreeMap<AccountName, i64> = BTreeMap::new();
    for (id, transfer) in (1..).zip(transfers) {
        *sums.entry(transfer.from.clone()).or_default() -= transfer.amount.get();
        *sums.entry(transfer.to.clone()).or_default() += transfer.amount.get();
        let moved = transfer.member_change().map(|(member, _)| sums[&AccountName::Member(member)]);
        audit.transfer(id, &Transfer { balance: moved.map(Rupiah::new), ..transfer.clone() });
    }
    audit.trx(&life.trx);
    audit.attempts(&life.trx, &life.attempts);
    for member in MEMBERS.map(MemberId::new) {
        let sum = sums.get(&AccountName::Member(member)).copied().unwrap_or_default();
        audit.account(member, Rupiah::new(sum), Rupiah::new(i64::MIN));
    }
    audit.findings()
}

fn mistaken(transfers: &[Transfer], which: usize, wrong: &Wrong) -> Option<Vec<Transfer>> {
    let mut all = transfers.to_vec();
    let own: Vec<usize> = (0..all.len()).filter(|place| all[*place].trx.is_some()).collect();
    let place = own[which % own.len()];
    let (transfer, pool) = (&mut all[place], accounts());
    let nothing = transfer.amount == Rupiah::ZERO;
    match wrong {
        Wrong::Amount(more) => transfer.amount = transfer.amount.plus(Rupiah::new(*more)).unwrap(),
        // Nothing that moved is nothing that is missed, or moved elsewhere.
        Wrong::From(_) | Wrong::To(_) | Wrong::Dropped | Wrong::Twice if nothing => return None,
        Wrong::From(other) => transfer.from = pool[*other].clone(),
        Wrong::To(other) => transfer.to = pool[*other].clone(),
        Wrong::Kind(other) => transfer.kind = Kind::ALL[*other],
        Wrong::NoTrx => transfer.trx = None,
        Wrong::OtherTrx => transfer.trx = Some(TrxNo::new(2)),
        Wrong::Dropped => drop(all.remove(place)),
        Wrong::Twice => {
            let again = transfer.clone();
            all.insert(place, again);
        }
    }
    (all != transfers).then_some(all)
}

/// A purchase that came to its end in one of the ways there are.
fn lived(end: usize, (spent, which): (i64, usize), corrected: i64) -> Life {
    let mut life = Life::shared(["", "3:15", "3:15 9:120"][which].parse().unwrap());
    life.send();
    match end {
        0 => {}
        1 => life.news(1, Source::Reply, failed(FailureClass::Number)),
        _ => life.news(1, Source::Reply, ok()),
    }
    if end >= 3 {
        life.correct(corrected);
    }
    life.spend(which.saturating_sub(1), spent);
    match end {
        4 => life.news(1, Source::Callback, failed(FailureClass::Number)),
        5 => {
            let kept = reversals::by_hand("x", CostBack::Kept);
            let decision = decide_resolution(&life.facts(), &kept).unwrap();
            life.apply(decision);
        }
        _ => {}
    }
    life
}

impl Life {
    /// Its supplier's statement says another cost.
    fn correct(&mut self, more: i64) {
        let correction = CostCorrection {
            supplier: self.attempts[0].supplier.clone(),
            trx: self.trx.no,
            was: None,
            more: Rupiah::new(more),
            note: "budi: statement".to_owned(),
        };
        if let Ok((attempt, transfer)) = decide_correction(&correction, &self.attempts, self.now) {
            self.attempts[0] = attempt;
            self.transfers.push(transfer);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_movement_that_is_not_as_it_must_be_is_found(
        end in 0_usize..6,
        spent in (prop_oneof![Just(0_i64), 1_i64..200], 0_usize..3),
        corrected in -200_i64..200,
        which: usize,
        wrong in wrong(),
    ) {
        let life = lived(end, spent, corrected);
        prop_assert_eq!(audited(&life, &life.transfers), vec![]);
        prop_assert_eq!(life.audit(), vec![]);
        if let Some(all) = mistaken(&life.transfers, which, &wrong) {
            let found = audited(&life, &all);
            prop_assert!(!found.is_empty(), "not seen: {:#?}", all);
        }
    }

    /// The purchase says one thing and its movements another: also the rows beside the ledger are judged
    /// by it.
    #[test]
    fn a_purchase_that_its_movements_do_not_fit_is_found(
        end in 0_usize..6, spent in (1_i64..200, 0_usize..3), what in 0_usize..8, more in 1_i64..50,
    ) {
        let mut life = lived(end, spent, 1);
        match what {
            0 => life.trx.member = MemberId::new(5),
            1 => life.trx.price = life.trx.price.plus(Rupiah::new(more)).unwrap(),
            2 if end >= 2 => life.attempts[0].supplier = SupplierCode::parse("b").unwrap(),
            3 if end >= 2 => {
                let cost = &mut life.attempts[0].cost;
                *cost = cost.plus(Rupiah::new(more)).unwrap();
            }
            4 if end >= 2 => {
                let share = Share { member: MemberId::new(5), amount: Rupiah::new(more) };
                life.trx.shares.0.push(share);
            }
            5 if end >= 1 => life.attempts[0].state = AttemptState::Sent,
            6 if matches!(life.trx.state, TrxState::Failed { .. }) => {
                life.attempts[0].state = AttemptState::Delivered { sn: Sn::parse("SN1").unwrap() };
            }
            7 if matches!(life.trx.state, TrxState::Success { .. }) => {
                life.attempts[0].state = AttemptState::Failed {
                    reason: Reason::clean("Nomor tujuan salah"),
                };
            }
            _ => return Ok(()),
        }
        prop_assert!(!audited(&life, &life.transfers).is_empty(), "not seen: {:?}", life.trx);
    }
}

/// What is found of a life in which one movement was written otherwise.
fn said(life: &Life, kind: Kind, otherwise: impl Fn(&mut Transfer)) -> String {
    let mut all = life.transfers.clone();
    let found = all.iter_mut().find(|transfer| transfer.kind == kind).unwrap();
    otherwise(found);
    let words: Vec<String> = audited(life, &all).into_iter().map(|finding| finding.0).collect();
    words.join("\n")
}

#[test]
fn a_finding_says_what_was_expected() {
    let to =
        |name: &'static str| move |transfer: &mut Transfer| transfer.to = name.parse().unwrap();
    let from =
        |name: &'static str| move |transfer: &mut Transfer| transfer.from = name.parse().unwrap();
    let (failed, reversed) = (lived(1, (0, 0), 0), lived(4, (100, 2), 10));
    for (said, named) in [
        (
            said(&failed, Kind::Refund, to("member:5")),
            "transfer 3: refund of trx 1 goes to member 5, but member 7 bought it",
        ),
        (
            said(&failed, Kind::Debit, from("member:5")),
            "trx 1 was bought by member 7, but its debit came from member 5",
        ),
        (
            said(&reversed, Kind::Reversal, to("adjustment")),
            "reversal moves from sales to adjustment, but goes from sales to a member",
        ),
        (
            said(&reversed, Kind::Commission, to("member:9")),
            "trx 1 is reversed and the share of member 3 is 15: it earned 0",
        ),
        (
            said(&reversed, Kind::CommissionReversal, |transfer| transfer.amount = Rupiah::new(14)),
            "trx 1 is reversed and the share of member 3 is 15: it gave back 14 and had spent 0",
        ),
        (
            said(&reversed, Kind::Cost, from("supplier:b")),
            "trx 1 was delivered by a, but its cost was paid to b",
        ),
        (
            said(&reversed, Kind::CostReversal, to("supplier:b")),
            "cost_reversal of trx 1 is about another supplier than its cost",
        ),
    ] {
        assert!(said.contains(named), "{named} is not in:\n{said}");
    }
}

/// What moves nothing is told as well where it may not be: a share of nobody's, a cost that came back under
/// another name.
#[test]
fn a_reversal_ends_its_cost_once_and_names_no_strangers() {
    let life = lived(4, (15, 1), 0);
    let found = said(&life, Kind::CommissionReversal, |transfer| {
        assert_eq!(transfer.amount, Rupiah::ZERO);
        transfer.from = AccountName::Member(MemberId::new(5));
    });
    assert!(found.contains("member 5 has no share of it, but moves one"), "{found}");
    let found = said(&life, Kind::CostReversal, |transfer| transfer.kind = Kind::CostCorrection);
    assert!(found.contains("its cost came back or was kept 0 times"), "{found}");
}

/// A reversal that forgets what uplines earned, or takes less than they have and calls it spent.
#[test]
fn uplines_give_back_to_the_rupiah() {
    let life = lived(4, (100, 2), 0);
    let is_back = |t: &Transfer| matches!(t.kind, Kind::CommissionReversal | Kind::SpentCommission);
    let kept: Vec<_> = life.transfers.iter().filter(|t| !is_back(t)).cloned().collect();
    let found = audited(&life, &kept);
    assert!(found[0].0.contains("the share of member 3 is 15: it gave back 0"), "{found:?}");
    let mut spared = life.transfers.clone();
    for transfer in spared.iter_mut().filter(|transfer| is_back(transfer)) {
        match transfer.kind {
            Kind::SpentCommission => transfer.amount = Rupiah::new(110),
            _ if transfer.from == AccountName::Member(MemberId::new(9)) => {
                transfer.amount = Rupiah::new(10);
            }
            _ => {}
        }
    }
    let found = audited(&life, &spared);
    assert!(found[0].0.contains("110 of the share of member 9 counts as spent"), "{found:?}");
    // Nothing is taken, and all of it counts as spent.
    let rich = lived(4, (0, 1), 0);
    let mut spared = rich.transfers.clone();
    for transfer in &mut spared {
        if transfer.kind == Kind::CommissionReversal {
            transfer.kind = Kind::SpentCommission;
            transfer.from = AccountName::Loss(Loss::SpentCommission);
            transfer.note = "spent by member 3".to_owned();
        }
    }
    let found = audited(&rich, &spared);
    assert!(found[0].0.contains("counts as spent, but nothing was taken from it"), "{found:?}");
    // Businesses of before booked no loss; what they wrote says how much it was.
    let mut before = life.transfers.clone();
    before.retain(|transfer| transfer.kind != Kind::SpentCommission);
    let last = before.iter_mut().rfind(|transfer| is_back(transfer)).unwrap();
    last.note = "short of 100, which was spent".to_owned();
    assert_eq!(audited(&life, &before), vec![]);
    // No sum of what was given back and spent makes up for less than nothing of either.
    let mut odd = life.transfers.clone();
    for transfer in odd.iter_mut().filter(|transfer| is_back(transfer)) {
        match transfer.kind {
            Kind::SpentCommission => transfer.amount = Rupiah::new(125),
            _ if transfer.from == AccountName::Member(MemberId::new(9)) => {
                transfer.amount = Rupiah::new(-5);
            }
            _ => {}
        }
    }
    let found = audited(&life, &odd);
    assert!(found.iter().any(|found| found.0.contains("it gave back -5")), "{found:?}");
}

/// An upline that has balance besides gives its share back and keeps the rest.
#[test]
fn an_upline_with_balance_besides_gives_back_its_share() {
    let life = lived(4, (0, 2), 0);
    let (upline, more) = (MemberId::new(3), 500);
    let mut richer = life.transfers.clone();
    let paid_in = Transfer {
        from: AccountName::Cash("manual".to_owned()),
        to: AccountName::Member(upline),
        amount: Rupiah::new(more),
        kind: Kind::Deposit,
        trx: None,
        ..richer[0].clone()
    };
    richer.insert(0, paid_in);
    assert_eq!(audited(&life, &richer), vec![]);
}

/// Movements by people: `(from, to, amount, kind)`.
type ByPeople = (&'static str, &'static str, i64, Kind);

fn by_people(all: &[ByPeople]) -> Vec<String> {
    written(all, 0)
}

/// The same, each so long after the one before.
fn written(all: &[ByPeople], apart_ms: i64) -> Vec<String> {
    let mut audit = Audit::new();
    let mut sums: BTreeMap<AccountName, i64> = BTreeMap::new();
    for (id, (from, to, amount, kind)) in (1..).zip(all) {
        let (from, to): (AccountName, AccountName) = (from.parse().unwrap(), to.parse().unwrap());
        *sums.entry(from.clone()).or_default() -= amount;
        *sums.entry(to.clone()).or_default() += amount;
        let mut transfer = Transfer {
            from,
            to,
            amount: Rupiah::new(*amount),
            kind: *kind,
            trx: None,
            balance: None,
            at: now().utc.after(apart_ms * id),
            note: String::new(),
        };
        let member = transfer.member_change().map(|(member, _)| AccountName::Member(member));
        transfer.balance = member.map(|member| Rupiah::new(sums[&member]));
        audit.transfer(id, &transfer);
    }
    for member in MEMBERS.map(MemberId::new) {
        let sum = sums.get(&AccountName::Member(member)).copied().unwrap_or_default();
        audit.account(member, Rupiah::new(sum), Rupiah::new(i64::MIN));
    }
    audit.findings().into_iter().map(|finding| finding.0).collect()
}

#[test]
fn what_people_move_joins_the_accounts_of_its_kind() {
    let fine = [
        ("cash:bca", "member:7", 900, Kind::Deposit),
        ("member:7", "cash:bca", 100, Kind::Withdrawal),
        ("member:7", "exchange", 50, Kind::Given),
        ("exchange", "member:3", 50, Kind::Received),
        ("adjustment", "member:7", 5, Kind::Adjustment),
        ("member:7", "adjustment", 5, Kind::Adjustment),
        ("opening", "member:9", 5, Kind::Opening),
        ("member:5", "opening", 5, Kind::Opening),
        ("deposit:a", "cash:bca", 5, Kind::TopUp),
        ("cash:bca", "deposit:a", 5, Kind::TopUp),
        ("expense:sewa", "cash:bca", 5, Kind::Expense),
        ("cash:bca", "capital", 5, Kind::Capital),
    ];
    assert_eq!(by_people(&fine), Vec::<String>::new());
    let given = ("member:7", "exchange", 50, Kind::Given);
    for (all, named) in [
        (vec![("sales", "member:7", 5, Kind::Deposit)], "1: deposit moves from sales to member:7"),
        (vec![("member:3", "member:7", 5, Kind::Given)], "given moves from member:3 to member:7"),
        (vec![("hold", "member:7", 5, Kind::Refund)], "transfer 1: refund belongs to no purchase"),
        (vec![given], "transfer 1: member 7 gave 50 that no other member received"),
        (
            vec![given, ("exchange", "member:7", 50, Kind::Received)],
            "transfer 2: member 7 received 50 that no other member gave",
        ),
        (
            vec![
                given,
                ("exchange", "member:3", 30, Kind::Received),
                ("exchange", "member:3", 20, Kind::Received),
            ],
            "transfer 2: member 3 received 30 that no other member gave",
        ),
        (
            vec![("cash:bca", "member:8", 5, Kind::Deposit)],
            "transfers name member 8, which does not exist",
        ),
    ] {
        let said = by_people(&all).join("\n");
        assert!(said.contains(named), "{named} is not in:\n{said}");
    }
    // What was received at another moment is of another commit.
    let pair = [given, ("exchange", "member:3", 50, Kind::Received)];
    assert_eq!((by_people(&pair).len(), written(&pair, 1).len()), (0, 2));
}

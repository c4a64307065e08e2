//! The rule for two persons against a model: random people and tokens ask for and agree to things, and
//! the model says what may happen.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{Ticking, house_with_clock};
use office::{
    Actor, Credit, Done, Giving, NewUser, Office, Operation, Problem, Proven, Role, Rules,
    Takeover, execute,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Reads as _;

/// Alone, one act and one day.
const ACT: i64 = 1_000;
const DAY: i64 = 2_500;
const PEOPLE: [(&str, Role); 4] =
    [("ani", Role::Owner), ("budi", Role::Finance), ("cici", Role::Cs), ("dewi", Role::Admin)];

#[derive(Clone, Debug)]
enum Op {
    Credit { who: usize, token: bool, amount: i64 },
    Give { who: usize, token: bool, amount: i64 },
    Import { who: usize, token: bool, amounts: Vec<i64>, again: bool },
    Decide { who: usize, token: bool, which: usize, agree: bool },
    Rules { who: usize, more: bool },
    Lock { who: usize, on: bool },
    Demote { who: usize, on: bool },
    Remove { who: usize },
    Wait { minutes: i64 },
}

fn op() -> impl Strategy<Value = Op> {
    let who = || (0_usize..4, prop::bool::weighted(0.3));
    prop_oneof![
        4 => (who(), 1_i64..1_500)
            .prop_map(|((who, token), amount)| Op::Credit { who, token, amount }),
        2 => (who(), 1_i64..1_500).prop_map(|((who, token), amount)| Op::Give { who, token, amount }),
        3 => (who(), prop::collection::vec(0_i64..700, 1..4), prop::bool::weighted(0.3)).prop_map(
            |((who, token), amounts, again)| Op::Import { who, token, amounts, again }),
        5 => (who(), 0_usize..3, prop::bool::weighted(0.8))
            .prop_map(|((who, token), which, agree)| Op::Decide { who, token, which, agree }),
        1 => (0_usize..4, any::<bool>()).prop_map(|(who, more)| Op::Rules { who, more }),
        2 => (0_usize..4, any::<bool>()).prop_map(|(who, on)| Op::Lock { who, on }),
        2 => (0_usize..4, any::<bool>()).prop_map(|(who, on)| Op::Demote { who, on }),
        1 => (0_usize..4).prop_map(|who| Op::Remove { who }),
        1 => (1_i64..90).prop_map(|minutes| Op::Wait { minutes }),
    ]
}

/// What the model knows of something that waits.
#[derive(Clone, Debug)]
struct Waiting {
    by: usize,
    /// What who asked must still be allowed when it is agreed to.
    needs: office::Permission,
    /// What changes when it is agreed to: the amount that comes into being, or the limit of one act.
    credits: i64,
    limit: Option<i64>,
    /// Alone at that moment: it may be carried out by who asked from here on.
    ready: Option<i64>,
    /// The file of a take-over.
    file: Option<String>,
}

struct Model {
    limit: i64,
    day: i64,
    now: i64,
    spent: BTreeMap<usize, i64>,
    active: [bool; 4],
    roles: [Role; 4],
    waiting: BTreeMap<String, Waiting>,
    /// Sum of all balances.
    total: i64,
    /// Files of take-overs that opened balances, or wait.
    files: Vec<String>,
    imports: usize,
}

impl Model {
    fn may_approve(&self, who: usize) -> bool {
        self.may(who, office::Permission::Approve)
    }

    /// As the office knows it now, whatever the session says that it came with.
    fn may(&self, who: usize, permission: office::Permission) -> bool {
        self.active[who] && self.roles[who].may(permission)
    }

    fn others(&self, than: usize) -> bool {
        (0..4).any(|who| who != than && self.may_approve(who))
    }

    fn alone(&mut self, who: usize, amount: i64) -> bool {
        let spent = self.spent.entry(who).or_default();
        let fits = amount <= self.limit && *spent + amount <= self.day;
        if fits {
            *spent += amount;
        }
        fits
    }
}

/// Somebody who is logged in since before roles changed: the office looks for itself.
fn actor(who: usize, token: bool) -> Actor {
    let (name, role) = PEOPLE[who];
    if token {
        Actor::program(name, "bot", role, "test")
    } else {
        Actor::person(name, role, "test")
    }
}

fn code(result: &anyhow::Error) -> &'static str {
    result.downcast_ref::<Problem>().map_or("none", |problem| problem.code)
}

struct Trial {
    office: Office,
    clock: Arc<Ticking>,
    model: Model,
}

impl Trial {
    async fn new() -> (Self, model::Model) {
        let (office, rows, clock) = house_with_clock();
        let local = Actor::local();
        let proven = Proven::at_the_machine(&local).unwrap();
        for (login, role) in PEOPLE {
            let new = NewUser {
                login: login.to_owned(),
                name: String::new(),
                password: "tujuh gajah makan bambu".to_owned(),
                role: role.word().to_owned(),
            };
            office.add_user(&local, &proven, new).await.unwrap();
        }
        let rules =
            Rules { approval_above: ACT, approval_above_day: DAY, ..office.rules().await.unwrap() };
        office.set_rules(&local, &rules).await.unwrap();
        let credit = |member: &str| Credit {
            member: member.to_owned(),
            amount: "100000".to_owned(),
            cash: String::new(),
            note: "set up".to_owned(),
        };
        let mut total = 0;
        for member in ["OK0", "OK1"] {
            office.credit(&local, credit(member), None).await.unwrap();
            total += 100_000;
        }
        let model = Model {
            limit: ACT,
            day: DAY,
            now: 0,
            spent: BTreeMap::new(),
            active: [true; 4],
            roles: PEOPLE.map(|(_, role)| role),
            waiting: BTreeMap::new(),
            total,
            files: Vec::new(),
            imports: 0,
        };
        (Self { office, clock, model }, rows)
    }

    /// What a proposal came to, against what the model says.
    fn proposed(
        &mut self,
        who: usize,
        may: bool,
        waits: Option<Waiting>,
        done: anyhow::Result<Done>,
    ) {
        match (may, waits, done) {
            (false, _, Err(error)) => assert_eq!(code(&error), "forbidden", "{who}: {error:#}"),
            (true, Some(waiting), Ok(Done::Waiting { approval })) => {
                self.model.waiting.insert(approval, waiting);
            }
            (true, None, Ok(Done::Moved { .. } | Done::Changed)) => {}
            (may, waits, done) => panic!("{who}: may {may}, waits {waits:?}, but {done:?}"),
        }
    }

    async fn act(&mut self, op: Op) {
        use office::Permission as P;
        // Time enough that no two papers have one name.
        self.clock.0.fetch_add(1, Ordering::Relaxed);
        self.model.now = self.clock.0.load(Ordering::Relaxed);
        match op {
            Op::Credit { who, token, amount } => {
                let credit = Credit {
                    member: "OK0".to_owned(),
                    amount: amount.to_string(),
                    cash: String::new(),
                    note: "test".to_owned(),
                };
                let may = PEOPLE[who].1.may(P::MoveMoney);
                let waits = self.asked(who, may, amount, amount, P::MoveMoney);
                let done = self.office.credit(&actor(who, token), credit, None).await;
                self.proposed(who, may, waits, done);
            }
            Op::Give { who, token, amount } => {
                let giving = Giving {
                    from: "OK0".to_owned(),
                    to: "OK1".to_owned(),
                    amount: amount.to_string(),
                    note: String::new(),
                };
                let may = PEOPLE[who].1.may(P::MoveMoney);
                let waits = self.asked(who, may, amount, 0, P::MoveMoney);
                let done = self.office.give(&actor(who, token), giving, None).await;
                self.proposed(who, may, waits, done);
            }
            Op::Import { who, token, amounts, again } => {
                self.import(who, token, &amounts, again).await;
            }
            Op::Rules { who, more } => {
                let now = self.office.rules().await.unwrap();
                let limit = if more { now.approval_above + 100 } else { now.approval_above - 100 };
                let rules = Rules { approval_above: limit.clamp(0, DAY), ..now.clone() };
                let weaker = rules.approval_above > now.approval_above;
                let may = PEOPLE[who].1.may(P::ManageUsers);
                let waits = match (may, weaker) {
                    (true, true) => {
                        self.waiting(who, 0, Some(rules.approval_above), P::ManageUsers)
                    }
                    (true, false) => {
                        self.model.limit = rules.approval_above;
                        None
                    }
                    (false, _) => None,
                };
                let done = self.office.set_rules(&actor(who, false), &rules).await;
                self.proposed(who, may, waits, done);
            }
            Op::Lock { who, on } => {
                // By who has the machine; the last owner stays.
                let local = Actor::local();
                let proven = Proven::at_the_machine(&local).unwrap();
                let login = PEOPLE[who].0;
                let done = self.office.set_user(&local, &proven, login, None, Some(on)).await;
                if done.is_ok() {
                    self.model.active[who] = on;
                }
            }
            Op::Demote { who, on } => {
                let (login, role) = PEOPLE[who];
                let role = if on { Role::Readonly } else { role };
                let local = Actor::local();
                let proven = Proven::at_the_machine(&local).unwrap();
                let word = Some(role.word());
                if self.office.set_user(&local, &proven, login, word, None).await.is_ok() {
                    self.model.roles[who] = role;
                }
            }
            Op::Remove { who } => {
                let local = Actor::local();
                let proven = Proven::at_the_machine(&local).unwrap();
                if self.office.remove_user(&local, &proven, PEOPLE[who].0).await.is_ok() {
                    self.model.active[who] = false;
                }
            }
            Op::Wait { minutes } => {
                self.clock.0.fetch_add(minutes * 60_000, Ordering::Relaxed);
            }
            Op::Decide { who, token, which, agree } => self.decide(who, token, which, agree).await,
        }
    }

    fn waiting(
        &self,
        by: usize,
        credits: i64,
        limit: Option<i64>,
        needs: office::Permission,
    ) -> Option<Waiting> {
        let ready = (!self.model.others(by)).then_some(self.model.now + 60 * 60_000);
        Some(Waiting { by, needs, credits, limit, ready, file: None })
    }

    /// A file with new members, or one that was brought before: whoever brings it, it is done once.
    async fn import(&mut self, who: usize, token: bool, amounts: &[i64], again: bool) {
        let known = self.model.files.first().cloned().filter(|_| again);
        let text = known.clone().unwrap_or_else(|| {
            self.model.imports += 1;
            let mut text = "kode,pin,password,saldo\n".to_owned();
            for (number, amount) in amounts.iter().enumerate() {
                text += &format!("T{}-{number},480913,teh-manis-3,{amount}\n", self.model.imports);
            }
            text
        });
        let sum: i64 = amounts.iter().sum();
        let role = PEOPLE[who].1;
        let members = role.may(office::Permission::ManageMembers);
        let may = members && (sum == 0 || role.may(office::Permission::MoveMoney));
        let takeover = Takeover { text: text.clone(), ..Takeover::default() };
        let operation = Operation::MemberImport(Box::new(takeover));
        let done = execute(&self.office, &actor(who, token), operation).await;
        if known.is_some() {
            match done {
                Ok(told) => assert!(members && told["state"] == "repeated", "{told}"),
                Err(error) => assert!(!members && code(&error) == "forbidden", "{error:#}"),
            }
            return;
        }
        let waits = self.asked(who, may, sum, sum, office::Permission::ManageMembers);
        let waits = waits.map(|waiting| Waiting { file: Some(text.clone()), ..waiting });
        if may && sum > 0 {
            self.model.files.push(text);
        }
        let done = done.map(|told| match told["approval"].as_str() {
            Some(approval) => Done::Waiting { approval: approval.to_owned() },
            None => {
                assert_eq!(told["balances"], sum, "{told}");
                Done::Changed
            }
        });
        self.proposed(who, may, waits, done);
    }

    fn asked(
        &mut self,
        who: usize,
        may: bool,
        weight: i64,
        credits: i64,
        needs: office::Permission,
    ) -> Option<Waiting> {
        if !may {
            return None;
        }
        if self.model.alone(who, weight) {
            self.model.total += credits;
            return None;
        }
        self.waiting(who, credits, None, needs)
    }

    async fn decide(&mut self, who: usize, token: bool, which: usize, agree: bool) {
        let Some((id, waiting)) = self.model.waiting.iter().nth(which) else { return };
        let (id, waiting) = (id.clone(), waiting.clone());
        let role = PEOPLE[who].1;
        // A second before or after makes no difference to a person; the test keeps away from it.
        let cooled = waiting.ready.is_some_and(|ready| self.model.now > ready + 1_000);
        let nearly = waiting.ready.is_some_and(|ready| (self.model.now - ready).abs() <= 1_000);
        if nearly {
            return;
        }
        let another = who != waiting.by || (cooled && !self.model.others(waiting.by));
        // What somebody asked for who may not ask for it any more is agreed to by nobody.
        let stands = self.model.may(waiting.by, waiting.needs);
        let may =
            role.may(office::Permission::Approve) && !token && (!agree || (another && stands));
        let done = self.office.decide_approval(&actor(who, token), &id, agree).await;
        assert_eq!(done.is_ok(), may, "{who} {token} {agree} {waiting:?}: {done:?}");
        if may {
            self.model.waiting.remove(&id);
            if agree {
                self.model.total += waiting.credits;
                self.model.limit = waiting.limit.unwrap_or(self.model.limit);
            } else if let Some(file) = waiting.file {
                // It may be brought again.
                self.model.files.retain(|known| *known != file);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_model_says_what_may_happen(ops in prop::collection::vec(op(), 1..40)) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut trial, mut rows) = Trial::new().await;
            for op in ops {
                trial.act(op).await;
                let total: i64 =
                    rows.accounts().unwrap().iter().map(|(_, account)| account.balance.get()).sum();
                assert_eq!(total, trial.model.total);
                let waiting = trial.office.approvals(true).await.unwrap();
                assert_eq!(waiting.len(), trial.model.waiting.len());
            }
        });
    }
}

/// What somebody asked for ends with what it was asked by: its lock, its removal, another role.
#[test]
fn nobody_agrees_to_what_somebody_asked_who_may_not_any_more() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        for (change, told) in [
            (0, "budi, who asked for this, is locked now"),
            (1, "budi, who asked for this, was removed"),
            (2, "budi, who asked for this, is cs now and may not ask for it any more"),
        ] {
            let (trial, mut rows) = Trial::new().await;
            let local = Actor::local();
            let proven = Proven::at_the_machine(&local).unwrap();
            let (ani, budi) = (actor(0, false), actor(1, false));
            let credit = Credit {
                member: "OK0".to_owned(),
                amount: (ACT + 1).to_string(),
                cash: String::new(),
                note: "test".to_owned(),
            };
            let asked = trial.office.credit(&budi, credit, None).await.unwrap();
            let Done::Waiting { approval } = asked else { panic!("{asked:?}") };
            let office = &trial.office;
            match change {
                0 => {
                    drop(office.set_user(&local, &proven, "budi", None, Some(false)).await.unwrap())
                }
                1 => office.remove_user(&local, &proven, "budi").await.unwrap(),
                _ => {
                    drop(office.set_user(&local, &proven, "budi", Some("cs"), None).await.unwrap())
                }
            }
            let error = office.decide_approval(&ani, &approval, true).await.unwrap_err();
            assert!(error.to_string().contains(told), "{error:#}");
            assert_eq!(code(&error), "asker_gone", "{error:#}");
            let sum: i64 = rows.accounts().unwrap().iter().map(|(_, a)| a.balance.get()).sum();
            assert_eq!(sum, trial.model.total);
            // It can be refused, and what comes back is what was asked.
            assert!(!office.decide_approval(&ani, &approval, false).await.unwrap().waiting);
        }
    });
}

/// An owner and the one person of its finance: whatever the owner does to that person, what it asks
/// for waits for somebody else, and not for an hour only.
#[test]
fn nobody_becomes_the_only_one_by_changing_the_other() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        for change in 0..2 {
            let (trial, _) = Trial::new().await;
            let proven = Proven::at_the_machine(&Actor::local()).unwrap();
            let (ani, budi) = (actor(0, false), actor(1, false));
            trial.office.remove_user(&Actor::local(), &proven, "dewi").await.unwrap();
            match change {
                0 => {
                    let new = "sembilan kerbau di sawah";
                    trial.office.reset_password(&ani, &proven, "budi", new).await.unwrap();
                }
                _ => {
                    let off = trial.office.set_user(&ani, &proven, "budi", None, Some(false)).await;
                    assert!(!off.unwrap().active);
                    let gone = trial.office.remove_user(&ani, &proven, "budi").await;
                    assert_eq!(code(&gone.unwrap_err()), "locked_first");
                }
            }
            let credit = |amount: i64| Credit {
                member: "OK0".to_owned(),
                amount: amount.to_string(),
                cash: String::new(),
                note: "test".to_owned(),
            };
            let asked = trial.office.credit(&ani, credit(ACT + 1), None).await.unwrap();
            assert!(matches!(asked, Done::Waiting { .. }), "{asked:?}");
            let waiting = trial.office.approvals(true).await.unwrap();
            assert_eq!(waiting[0].ready, None, "nobody else could agree, it says");
            if change == 0 {
                // Who sits behind the new password may be ani; a day later there was time to notice.
                let agreed = trial.office.decide_approval(&budi, &waiting[0].id, true).await;
                assert!(agreed.is_err(), "{agreed:?}");
                trial.clock.0.fetch_add(25 * 60 * 60_000, Ordering::Relaxed);
                trial.office.decide_approval(&budi, &waiting[0].id, true).await.unwrap();
            }
            let done = trial.office.credit(&ani, credit(2_000_000_000_000_000), None).await;
            assert_eq!(code(&done.unwrap_err()), "out_of_range");
        }
    });
}

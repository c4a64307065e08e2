//! What one node tells the others, as a text of lines with tabs: written by one version and read by
//! another, so lines that are not understood are left out, and everything is counted.

use crate::circuit::{Open, Turned};
use crate::gate::Allotted;
use crate::health::Deposit;
use std::fmt::Write as _;
use suppliers::Movement;
use types::{Rupiah, Sku, SupplierCode, UtcMillis};

/// Lines that are read of one node.
const LINES_MOST: usize = 10_000;

/// A circuit of a supplier, or of one product of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CircuitAt {
    pub(crate) supplier: SupplierCode,
    pub(crate) sku: Option<Sku>,
    pub(crate) turned: Turned,
}

/// A deposit as it was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DepositOf {
    pub(crate) supplier: SupplierCode,
    pub(crate) deposit: Deposit,
}

/// A movement of a deposit, numbered by who saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) number: i64,
    pub(crate) supplier: SupplierCode,
    pub(crate) movement: Movement,
}

/// What a node has of a supplier's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holds {
    pub(crate) supplier: SupplierCode,
    pub(crate) has: Allotted,
    /// Something waits there, or is under way.
    pub(crate) has_work: bool,
}

/// Everything one node tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// When it was told.
    pub(crate) at: UtcMillis,
    /// The number of its last movement.
    pub(crate) last: i64,
    /// Movements that somebody has not heard yet.
    pub(crate) moves: Vec<Move>,
    /// Up to which number it has heard each of the others.
    pub(crate) acks: Vec<(i64, i64)>,
    pub(crate) circuits: Vec<CircuitAt>,
    pub(crate) deposits: Vec<DepositOf>,
    /// Gaps it told lately: where they begin.
    pub(crate) gaps: Vec<(SupplierCode, Rupiah)>,
    pub(crate) holds: Vec<Holds>,
}

impl Word {
    pub(crate) fn written(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "at\t{}\t{}", self.at.get(), self.last);
        for (run, number) in &self.acks {
            let _ = writeln!(text, "ack\t{run}\t{number}");
        }
        for Move { number, supplier, movement } in &self.moves {
            let number_of = |rupiah: Option<Rupiah>| {
                rupiah.map(|rupiah| rupiah.get().to_string()).unwrap_or_default()
            };
            let (before, price) = (number_of(movement.before), number_of(movement.price));
            let after = movement.after.get();
            let _ = writeln!(text, "move\t{number}\t{supplier}\t{before}\t{price}\t{after}");
        }
        for CircuitAt { supplier, sku, turned } in &self.circuits {
            let sku = sku.as_ref().map_or("", Sku::as_str);
            let _ = write!(text, "circuit\t{supplier}\t{sku}\t{}", turned.at.get());
            let _ = match turned.open {
                None => writeln!(text),
                Some(open) => writeln!(
                    text,
                    "\t{}\t{}\t{}",
                    open.since.get(),
                    open.probe.get(),
                    open.pause_ms
                ),
            };
        }
        for DepositOf { supplier, deposit } in &self.deposits {
            let (balance, floor) = (deposit.balance.get(), deposit.floor.get());
            let _ =
                writeln!(text, "deposit\t{supplier}\t{balance}\t{floor}\t{}", deposit.seen.get());
        }
        for (supplier, from) in &self.gaps {
            let _ = writeln!(text, "gap\t{supplier}\t{}", from.get());
        }
        for Holds { supplier, has, has_work } in &self.holds {
            let work = u8::from(*has_work);
            let _ = writeln!(text, "holds\t{supplier}\t{}\t{}\t{work}", has.seats, has.rate);
        }
        text
    }

    pub(crate) fn read(text: &str) -> Self {
        let mut word = Self::default();
        for line in text.lines().take(LINES_MOST) {
            // A line of a newer version says nothing to this one.
            let _ = word.take(line);
        }
        word
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let parts: Vec<&str> = line.split('\t').collect();
        let (kind, parts) = parts.split_first()?;
        let text = |at: usize| parts.get(at).copied();
        let number = |at: usize| text(at)?.parse::<i64>().ok();
        let amount = |at: usize| number(at).map(Rupiah::new);
        let moment = |at: usize| number(at).map(UtcMillis::new);
        let supplier = |at: usize| SupplierCode::parse(text(at)?).ok();
        match *kind {
            "at" => (self.at, self.last) = (moment(0)?, number(1)?),
            "ack" => self.acks.push((number(0)?, number(1)?)),
            "move" => {
                let movement = Movement { before: amount(2), price: amount(3), after: amount(4)? };
                self.moves.push(Move { number: number(0)?, supplier: supplier(1)?, movement });
            }
            "circuit" => {
                let sku = match text(1)? {
                    "" => None,
                    sku => Some(Sku::parse(sku).ok()?),
                };
                let open = match text(3) {
                    None => None,
                    Some(_) => {
                        Some(Open { since: moment(3)?, probe: moment(4)?, pause_ms: number(5)? })
                    }
                };
                let turned = Turned { at: moment(2)?, open };
                self.circuits.push(CircuitAt { supplier: supplier(0)?, sku, turned });
            }
            "deposit" => {
                let deposit = Deposit { balance: amount(1)?, floor: amount(2)?, seen: moment(3)? };
                self.deposits.push(DepositOf { supplier: supplier(0)?, deposit });
            }
            "gap" => self.gaps.push((supplier(0)?, amount(1)?)),
            "holds" => {
                let has = Allotted { seats: number(1)?.max(0), rate: number(2)?.max(0) };
                let has_work = text(3)? == "1";
                self.holds.push(Holds { supplier: supplier(0)?, has, has_work });
            }
            _ => {}
        }
        Some(())
    }

    /// What it has of this supplier's limits.
    pub(crate) fn holds_of(&self, supplier: &SupplierCode) -> Option<&Holds> {
        self.holds.iter().find(|holds| holds.supplier == *supplier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word() -> Word {
        let supplier = SupplierCode::parse("one").unwrap();
        let (at, amount) = (UtcMillis::new(1_234), Rupiah::new);
        let open = Open { since: at, probe: at.after(5), pause_ms: 15_000 };
        let sku = Sku::parse("t1").unwrap();
        let circuit =
            |sku, open| CircuitAt { supplier: supplier.clone(), sku, turned: Turned { at, open } };
        let movement = |before| Movement { before, price: None, after: amount(900) };
        let of = |number, before| Move {
            number,
            supplier: supplier.clone(),
            movement: movement(before),
        };
        Word {
            at,
            last: 8,
            moves: vec![of(7, Some(amount(1_000))), of(8, None)],
            acks: vec![(4_294_967_297, 3), (-1, 0)],
            circuits: vec![circuit(None, Some(open)), circuit(Some(sku), None)],
            deposits: vec![DepositOf {
                supplier: supplier.clone(),
                deposit: Deposit { balance: amount(5), floor: amount(0), seen: at },
            }],
            gaps: vec![(supplier.clone(), amount(650))],
            holds: vec![Holds { supplier, has: Allotted { seats: 3, rate: 0 }, has_work: true }],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Word::read(&word().written()), word());
    }

    /// Of another version, cut, or damaged: what can be read is taken, and nothing breaks.
    #[test]
    fn any_text_is_read() {
        let text = format!("new\t1\t2\n{}", word().written());
        assert_eq!(Word::read(&text), word());
        for cut in 0..text.len() {
            Word::read(&text[..cut]);
            Word::read(&text.replacen(&text[cut..=cut], "x", 1));
        }
    }
}

//! Who stands below whom after a file was read: no loop, nobody too deep, nobody below one who is left
//! out.

use domain::DEEPEST;
use engine::Catalog;
use std::collections::HashMap;
use types::MemberId;

/// Uplines of all members, those of the file over those that are there.
pub(super) struct Tree {
    /// What there is without the file.
    known: HashMap<MemberId, Option<MemberId>>,
    /// What the file says.
    put: HashMap<MemberId, Option<MemberId>>,
}

impl Tree {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let one = |entry: &std::sync::Arc<engine::MemberEntry>| {
            (entry.member.id, entry.member.upline.as_ref().map(|upline| upline.member))
        };
        let known = catalog.members().into_iter().map(one).collect();
        Self { known, put: HashMap::new() }
    }

    pub(super) fn put(&mut self, member: MemberId, above: Option<MemberId>) {
        self.put.insert(member, above);
    }

    fn above(&self, member: MemberId) -> Option<Option<MemberId>> {
        self.put.get(&member).or_else(|| self.known.get(&member)).copied()
    }

    /// Why a member cannot stand where it does, and whose line says so.
    fn judge(&self, member: MemberId) -> Option<(MemberId, &'static str)> {
        let mut blamed = None;
        let mut at = member;
        for _ in 0..DEEPEST {
            if self.put.contains_key(&at) && blamed.is_none() {
                blamed = Some(at);
            }
            match self.above(at) {
                Some(Some(above)) => at = above,
                Some(None) => return None,
                None => return blamed.map(|line| (line, "is of a line that is not taken")),
            }
        }
        blamed.map(|line| (line, "stands in a loop, or too deep"))
    }

    /// The members whose lines cannot be taken. Each pass takes out what stands too deep, so there are
    /// not more of them than a network is deep.
    pub(super) fn settle(&mut self) -> Vec<(MemberId, &'static str)> {
        let mut out = Vec::new();
        for _ in 0..=DEEPEST + 1 {
            let mut all: Vec<MemberId> =
                self.known.keys().chain(self.put.keys()).copied().collect();
            all.sort_unstable();
            all.dedup();
            let before = out.len();
            for member in all {
                if let Some((line, why)) = self.judge(member)
                    && self.put.remove(&line).is_some()
                {
                    out.push((line, why));
                }
            }
            if out.len() == before {
                break;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: i64) -> MemberId {
        MemberId::new(number)
    }

    fn tree(known: &[(i64, i64)], put: &[(i64, i64)]) -> Tree {
        let above = |above: i64| (above != 0).then(|| id(above));
        let all = |all: &[(i64, i64)]| all.iter().map(|(a, b)| (id(*a), above(*b))).collect();
        Tree { known: all(known), put: all(put) }
    }

    #[test]
    fn loops_strangers_and_depth_are_found() {
        assert!(tree(&[(1, 0), (2, 1)], &[(3, 2), (4, 3)]).settle().is_empty());
        // One below the other: the loop is opened by taking one line out.
        let out = tree(&[(1, 0), (2, 1)], &[(1, 2)]).settle();
        assert_eq!(out, [(id(1), "stands in a loop, or too deep")]);
        // A line that was not taken takes those below it with it, in whatever order they stand.
        let out = tree(&[(1, 0)], &[(3, 9), (4, 3), (2, 4)]).settle();
        assert_eq!(out.len(), 3, "{out:?}");
        // A whole network that is moved below another may become too deep.
        let long: Vec<(i64, i64)> = (1..=40)
            .map(|n| (n, n - 1))
            .chain((101..=140).map(|n| (n, if n == 101 { 0 } else { n - 1 })))
            .collect();
        let out = tree(&long, &[(101, 40)]).settle();
        assert_eq!(out, [(id(101), "stands in a loop, or too deep")]);
        assert!(tree(&long, &[(101, 20)]).settle().is_empty());
        // A chain of any length ends.
        let chain: Vec<(i64, i64)> = (2..=3_000).map(|n| (n, n - 1)).collect();
        let mut all = tree(&[(1, 0)], &chain);
        let out = all.settle();
        assert_eq!(out.len(), 3_000 - DEEPEST);
        assert!((1..=3_000).all(|n| all.judge(id(n)).is_none()));
    }
}

//! Everything of a business that is sealed, row by row: what a rotation of the master key goes through.
//!
//! Whoever seals something in a new place names it here, else a rotation leaves it behind; the test of
//! the rotation looks through the whole database for what is still under the old key.

use crate::{keys, portal_password, sandbox_login, second_factor, takeover, users};
use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{place, supplier_place};
use serde_json::Value;
use store::{CatalogChange, KeyId, MasterKey, Paper, Sealed};

/// A row that may hold something sealed.
#[derive(Clone, Debug)]
pub enum Held {
    /// A member or a supplier.
    Catalog(Box<CatalogChange>),
    /// A paper.
    Paper(Box<Paper>),
}

/// Bytes in a text.
#[derive(Clone, Copy)]
enum Spelt {
    Hex,
    Base64,
}

impl Spelt {
    fn read(self, text: &str) -> Option<Sealed> {
        match self {
            Self::Hex => types::unhex(text),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
        .map(Sealed)
    }

    fn write(self, sealed: &Sealed) -> String {
        match self {
            Self::Hex => types::hex(&sealed.0),
            Self::Base64 => STANDARD.encode(&sealed.0),
        }
    }
}

/// Something sealed: where it is sealed for as it stands, and where it is to be.
struct One<'a> {
    from: String,
    to: String,
    sealed: Sealed,
    put: Box<dyn FnOnce(&Sealed) + 'a>,
}

impl<'a> One<'a> {
    fn column(place: String, sealed: &'a mut Sealed) -> Self {
        let now = sealed.clone();
        let put = Box::new(move |new: &Sealed| sealed.clone_from(new));
        Self { from: place.clone(), to: place, sealed: now, put }
    }
}

/// The row as what is sealed under some key; none for one that never holds anything.
#[must_use]
pub fn held(paper: Paper) -> Option<Held> {
    let kinds =
        [users::KIND, portal_password::KIND, keys::KEY, sandbox_login::KIND, takeover::KIND];
    kinds.contains(&paper.key.kind.as_str()).then(|| Held::Paper(Box::new(paper)))
}

impl Held {
    /// The keys that its values are under; none for those from before values said so.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn under(&self) -> anyhow::Result<Vec<Option<KeyId>>> {
        let mut found = Vec::new();
        self.clone().each(&mut |one| {
            found.push(one.sealed.key());
            Ok(())
        })?;
        Ok(found)
    }

    /// The row with everything that is under `old` under `new`; none when nothing is.
    ///
    /// # Errors
    /// When something opens under neither.
    pub fn resealed(mut self, old: &MasterKey, new: &MasterKey) -> anyhow::Result<Option<Self>> {
        let mut changed = false;
        self.each(&mut |one| {
            if one.sealed.key() == Some(new.id()) {
                new.open(&one.to, &one.sealed)?;
                return Ok(());
            }
            let plain = old.open(&one.from, &one.sealed)?;
            (one.put)(&new.seal(&one.to, &plain)?);
            changed = true;
            Ok(())
        })?;
        Ok(changed.then_some(self))
    }

    fn each(&mut self, take: &mut dyn FnMut(One<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        match self {
            Self::Catalog(change) => match &mut **change {
                CatalogChange::Member(record) => {
                    let code = record.member.code.clone();
                    take(One::column(place(&code, "pin"), &mut record.pin))?;
                    take(One::column(place(&code, "password"), &mut record.password))?;
                    match &mut record.signing {
                        Some(signing) => take(One::column(place(&code, "signing"), signing)),
                        None => Ok(()),
                    }
                }
                CatalogChange::Supplier(record) => match &mut record.settings {
                    Some(settings) => {
                        take(One::column(supplier_place(&record.supplier.code), settings))
                    }
                    None => Ok(()),
                },
                CatalogChange::Level(_)
                | CatalogChange::Product(_)
                | CatalogChange::Price { .. }
                | CatalogChange::Route(_)
                | CatalogChange::Epoch(_)
                | CatalogChange::RemoveRoute { .. } => Ok(()),
            },
            Self::Paper(paper) => each_of(paper, take),
        }
    }
}

/// Pointer into the body, place.
fn places(paper: &Paper, body: &Value) -> (Spelt, Vec<(String, String)>) {
    let id = &paper.key.id;
    let one = |place| vec![("/sealed".to_owned(), place)];
    match paper.key.kind.as_str() {
        users::KIND => (Spelt::Hex, second_factor::sealed_in(body, &users::place(id))),
        portal_password::KIND => {
            (Spelt::Hex, second_factor::sealed_in(body, &portal_password::place(id)))
        }
        keys::KEY => {
            let member = body["member"].as_str().unwrap_or_default();
            (Spelt::Hex, one(keys::place(member, id)))
        }
        sandbox_login::KIND => (Spelt::Hex, one(sandbox_login::place(id))),
        takeover::KIND => (Spelt::Base64, one(takeover::place(id))),
        _ => (Spelt::Hex, Vec::new()),
    }
}

fn each_of(
    paper: &mut Paper,
    take: &mut dyn FnMut(One<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = format!("{} {}", paper.key.kind, paper.key.id);
    let mut body: Value = serde_json::from_str(&paper.body).with_context(|| name.clone())?;
    let (spelt, places) = places(paper, &body);
    let member = body["member"].as_str().unwrap_or_default().to_owned();
    let mut changed = false;
    for (pointer, to) in places {
        let Some(field) = body.pointer_mut(&pointer).filter(|field| !field.is_null()) else {
            continue;
        };
        let sealed = field.as_str().and_then(|text| spelt.read(text));
        let sealed = sealed.ok_or_else(|| anyhow!("{name}: {pointer} cannot be read"))?;
        let from = match paper.key.kind.as_str() {
            keys::KEY => keys::place_of(&member, &paper.key.id, &sealed),
            _ => to.clone(),
        };
        let put = Box::new(|new: &Sealed| {
            *field = Value::String(spelt.write(new));
            changed = true;
        });
        take(One { from, to, sealed, put })?;
    }
    if changed {
        paper.body = serde_json::to_string(&body)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use store::PaperKey;
    use types::UtcMillis;

    fn paper(kind: &str, id: &str, body: &Value) -> Held {
        let (key, at, body) = (PaperKey::new(kind, id), UtcMillis::new(1), body.to_string());
        held(Paper { key, tag: String::new(), version: 1, at, body }).unwrap()
    }

    fn body(held: &Held) -> Value {
        let Held::Paper(paper) = held else { panic!("no paper") };
        serde_json::from_str(&paper.body).unwrap()
    }

    #[test]
    fn everything_in_a_paper_goes_under_the_new_key_and_nothing_else_changes() {
        let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let seal = |place: &str| types::hex(old.seal(place, "secret").unwrap().0);
        let offer = |session: &str| json!({"sealed": seal("user/budi/totp/offered"), "session": session, "later": 1});
        let before = json!({"hash": "$argon2", "unknown": [1, null], "totp": seal("user/budi/totp"),
            "offered": [offer("a"), offer("b")], "recovery": ["d1"]});
        let row = paper("user", "budi", &before);
        assert_eq!(row.under().unwrap(), vec![Some(old.id()); 3]);
        let row = row.resealed(&old, &new).unwrap().unwrap();
        assert_eq!(row.under().unwrap(), vec![Some(new.id()); 3]);
        let mut after = body(&row);
        let totp = Sealed(types::unhex(after["totp"].as_str().unwrap()).unwrap());
        assert_eq!(*new.open("user/budi/totp", &totp).unwrap(), "secret");
        for pointer in ["/totp", "/offered/0/sealed", "/offered/1/sealed"] {
            *after.pointer_mut(pointer).unwrap() = before.pointer(pointer).unwrap().clone();
        }
        assert_eq!(after, before);
        // Done already: nothing to do. Under a third key: refused, with its place.
        assert!(row.clone().resealed(&old, &new).unwrap().is_none());
        let third = MasterKey::generate().unwrap();
        let said = row.resealed(&old, &third).unwrap_err().to_string();
        assert!(said.contains("user/budi/totp is sealed under key"), "{said}");
    }

    #[test]
    fn a_key_of_a_member_from_before_is_sealed_to_its_member() {
        let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let mut sealed = old.seal("apikey/gk_1/secret", "s").unwrap().0;
        // As version 1 wrote it.
        sealed.splice(..5, [1]);
        let row = paper("apikey", "gk_1", &json!({"member": "OK1", "sealed": types::hex(sealed)}));
        assert_eq!(row.under().unwrap(), [None]);
        let after = body(&row.resealed(&old, &new).unwrap().unwrap());
        let sealed = Sealed(types::unhex(after["sealed"].as_str().unwrap()).unwrap());
        assert_eq!(*new.open("member/OK1/apikey/gk_1", &sealed).unwrap(), "s");
        assert!(new.open("member/OK2/apikey/gk_1", &sealed).is_err());
        assert!(new.open("apikey/gk_1/secret", &sealed).is_err());
        let moved = paper("apikey", "gk_1", &json!({"member": "OK2", "sealed": after["sealed"]}));
        let third = MasterKey::generate().unwrap();
        assert!(moved.resealed(&new, &third).is_err());
    }

    #[test]
    fn what_is_off_or_was_carried_out_holds_nothing() {
        let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        for (kind, text) in [
            ("user", json!({"hash": "x"})),
            ("portal-login", json!({"hash": "x", "totp": null, "offered": []})),
            ("takeover", json!({"by": "ani", "sealed": null})),
        ] {
            let row = paper(kind, "x", &text);
            assert!(row.under().unwrap().is_empty());
            assert!(row.resealed(&old, &new).unwrap().is_none());
        }
        let odd = paper("user", "x", &json!({"totp": "zz"}));
        assert!(odd.resealed(&old, &new).unwrap_err().to_string().contains("user x: /totp"));
    }
}

//! The same business on each of the three stores.

use super::House;
use model::Model;
use std::time::Duration;
use store::{Batch, KeySet, Reads as _, Store, Wants};

/// Writes the business into an empty store.
fn found(store: &mut dyn Store, founding: &Batch) {
    // Nobody changed the catalog yet.
    store.load(&Wants { revision: Some(0), ..Wants::default() }).unwrap();
    store.commit(founding.clone()).unwrap();
}

pub(crate) fn model_house(key: &KeySet, founding: &Batch) -> (House, Model) {
    let model = Model::default();
    found(&mut model.clone(), founding);
    let (mut rows, kept) = (model.clone(), model.clone());
    let house = House::new(
        "model",
        vec![Box::new(model.clone())],
        Box::new(model.clone()),
        Box::new(model),
        Box::new(move || rows.catalog()),
        key,
    );
    (house, kept)
}

pub(crate) fn sqlite_house(folder: &std::path::Path, key: &KeySet, founding: &Batch) -> House {
    let path = folder.join("gerbang.db");
    let mut opened = sqlite::open_sorting(&path, Some(3)).unwrap();
    found(&mut opened.store, founding);
    let mut rows = sqlite::open_reader(&path).unwrap();
    let pool = Box::new(opened.reader().unwrap());
    let reads = Box::new(opened.reader().unwrap());
    House::new(
        "sqlite",
        vec![Box::new(opened.store)],
        pool,
        reads,
        Box::new(move || rows.catalog()),
        key,
    )
}

/// Joined with one lane, so that numbers and chains are those of the others.
pub(crate) fn pg_house(url: &str, key: &KeySet, founding: &Batch) -> (House, pg::Keeper) {
    let (node, seat) = ("test".to_owned(), String::new());
    let joining = pg::Joining { node, seat, lanes: 1, lease: Duration::from_secs(30) };
    let mut joined = pg::join(pg::Target::parse(url, None).unwrap(), &joining).unwrap();
    let mut rows = joined.reader().unwrap();
    rows.catalog().unwrap();
    found(&mut joined.stores[0], founding);
    let (pool, reads) = (joined.reader().unwrap(), joined.reader().unwrap());
    let stores = joined.stores.into_iter().map(|store| Box::new(store) as Box<dyn Store>);
    let rows = Box::new(move || rows.catalog());
    let house = House::new("pg", stores.collect(), Box::new(pool), Box::new(reads), rows, key);
    (house, joined.keeper)
}

/// A member that comes with an import, or is changed by one: an errand with its opening balance.
pub(crate) fn take_over(which: u8, imported: u8, opening: i16, key: &KeySet) -> engine::Errand {
    let code = types::MemberCode::parse(&format!("NEW{which}")).unwrap();
    let seal = |column: &str| key.seal(&engine::place(&code, column), "secret").unwrap();
    let id = types::MemberId::new(20 + i64::from(which));
    let opening = types::Rupiah::new(i64::from(opening));
    let change = sim::found(key).unwrap().changes.into_iter().find_map(|change| match change {
        store::Change::Catalog(change) => match *change {
            store::CatalogChange::Member(record) => Some(record),
            _ => None,
        },
        _ => None,
    });
    let mut record = change.unwrap();
    (record.pin, record.password) = (seal("pin"), seal("password"));
    record.imported = store::Imported::of(i64::from(imported)).unwrap();
    record.ip_allow = vec!["203.0.113.0/24".parse().unwrap()];
    record.member.credit_limit = types::Rupiah::new(500);
    (record.member.id, record.member.code) = (id, code);
    let movement = domain::Movement {
        member: id,
        amount: opening,
        other: domain::AccountName::Opening,
        kind: domain::Kind::Opening,
        note: "somebody: opening balance".to_owned(),
    };
    engine::Errand {
        moves: if opening == types::Rupiah::ZERO { Vec::new() } else { vec![movement] },
        catalog: vec![store::CatalogChange::Member(record)],
        ..engine::Errand::default()
    }
}

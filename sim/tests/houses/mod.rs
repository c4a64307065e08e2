//! The same business on each of the three stores.

use super::House;
use model::Model;
use std::time::Duration;
use store::{MasterKey, Reads as _, Store, Wants};

/// Writes the business into an empty store.
fn found(store: &mut dyn Store, key: &MasterKey) {
    // Nobody changed the catalog yet.
    store.load(&Wants { revision: Some(0), ..Wants::default() }).unwrap();
    store.commit(sim::found(key).unwrap()).unwrap();
}

pub(crate) fn model_house(key: &MasterKey) -> (House, Model) {
    let model = Model::default();
    found(&mut model.clone(), key);
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

pub(crate) fn sqlite_house(folder: &std::path::Path, key: &MasterKey) -> House {
    let path = folder.join("gerbang.db");
    let mut opened = sqlite::open_sorting(&path, Some(3)).unwrap();
    found(&mut opened.store, key);
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
pub(crate) fn pg_house(url: &str, key: &MasterKey) -> (House, pg::Keeper) {
    let (node, seat) = ("test".to_owned(), String::new());
    let joining = pg::Joining { node, seat, lanes: 1, lease: Duration::from_secs(30) };
    let mut joined = pg::join(pg::Target::parse(url, None).unwrap(), &joining).unwrap();
    let mut rows = joined.reader().unwrap();
    rows.catalog().unwrap();
    found(&mut joined.stores[0], key);
    let (pool, reads) = (joined.reader().unwrap(), joined.reader().unwrap());
    let stores = joined.stores.into_iter().map(|store| Box::new(store) as Box<dyn Store>);
    let rows = Box::new(move || rows.catalog());
    let house = House::new("pg", stores.collect(), Box::new(pool), Box::new(reads), rows, key);
    (house, joined.keeper)
}

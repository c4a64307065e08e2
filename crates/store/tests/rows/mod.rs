//! Rows of a business.
#![allow(clippy::unwrap_used, dead_code)]

use domain::{Attempt, AttemptState, Shares, Trx, TrxState};
use store::{Delivery, DeliveryState, Paper, PaperKey};
use types::{
    AttemptId, Day, DeliveryId, Dest, MemberId, ProductCode, ProductName, RefId, Rupiah, Sku,
    SupplierCode, TrxNo, UtcMillis,
};

pub(crate) fn trx(no: i64) -> Trx {
    Trx {
        no: TrxNo::new(no),
        member: MemberId::new(3),
        ref_id: RefId::parse(&format!("r{no}")).unwrap(),
        product: ProductCode::parse("T1").unwrap(),
        name: ProductName::parse("Three 1.000").unwrap(),
        dest: Dest::parse("089660522887").unwrap(),
        qty: None,
        given: None,
        price: Rupiah::new(1_321),
        shares: Shares::default(),
        before: Rupiah::new(10_000),
        created: UtcMillis::new(5),
        day: Day::new(20_261_130),
        attempt: 1,
        state: TrxState::Pending,
        suspect: None,
    }
}

pub(crate) fn attempt(no: i64, n: u16, state: AttemptState) -> Attempt {
    Attempt {
        id: AttemptId { trx: TrxNo::new(no), n },
        supplier: SupplierCode::parse("oke").unwrap(),
        sku: Sku::parse("t1").unwrap(),
        cost: Rupiah::new(1_200),
        state,
        created: UtcMillis::new(5),
        sent: None,
        next: None,
        checks: 0,
        counter: 1,
        why: String::new(),
    }
}

pub(crate) fn delivery(id: i64, state: DeliveryState) -> Delivery {
    Delivery {
        id: DeliveryId::new(id),
        trx: TrxNo::new(7),
        member: MemberId::new(3),
        ref_id: "r7".to_owned(),
        message: "T#7".to_owned(),
        created: UtcMillis::new(5),
        state,
        tries: 0,
        next: UtcMillis::new(5),
        last: String::new(),
    }
}

pub(crate) fn paper(id: &str, body: &str) -> Paper {
    Paper {
        key: PaperKey::new("approval", id),
        tag: String::new(),
        version: 1,
        at: UtcMillis::new(1),
        body: body.to_owned(),
    }
}

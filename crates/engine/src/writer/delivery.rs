//! Callback tries at the desk.

use super::Desk;
use domain::{DeliveryTry, decide_try};
use store::{Change, Delivery};
use types::DeliveryId;

impl Desk<'_> {
    pub(super) fn tried(&mut self, id: DeliveryId, result: &DeliveryTry) {
        let Some(delivery) = self.facts.deliveries.get(&id) else { return };
        let Some(tried) = decide_try(delivery.state, delivery.tries, result, self.now.utc) else {
            return;
        };
        self.put(Change::UpdateDelivery(Box::new(Delivery {
            state: tried.state,
            tries: tried.tries,
            next: tried.next.unwrap_or(delivery.next),
            last: tried.last,
            ..delivery.clone()
        })));
    }
}

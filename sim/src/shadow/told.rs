//! Callbacks as they must be told.

use super::{Desk, Shadow};
use crate::world::State;
use store::{Delivery, DeliveryState};

/// Tries of a callback before it is given up.
const TRIES: u16 = 11;

impl Shadow {
    pub(super) fn tells(&mut self, delivery: &Delivery, desk: &mut Desk<'_>) {
        let found = desk.tell.iter().position(|tell| {
            tell.trx == delivery.trx && delivery.message.contains(tell.words.as_str())
        });
        match found {
            Some(place) => {
                desk.tell.remove(place);
            }
            None => {
                let (id, message) = (delivery.id, &delivery.message);
                desk.wrong.push(format!("callback {id} tells what is not so: {message}"));
            }
        }
        if self.deliveries.insert(delivery.id, delivery.clone()).is_some() {
            desk.wrong.push(format!("callback {} is there already", delivery.id));
        }
    }

    pub(super) fn told(&mut self, state: &State, delivery: &Delivery, desk: &mut Desk<'_>) {
        let id = delivery.id;
        let Some(before) = self.deliveries.get_mut(&id) else {
            desk.wrong.push(format!("callback {id} changes and is not there"));
            return;
        };
        if (before.trx, &before.ref_id, &before.message)
            != (delivery.trx, &delivery.ref_id, &delivery.message)
        {
            desk.wrong.push(format!("callback {id} has other words than before"));
        }
        if delivery.tries > before.tries {
            desk.told.push(delivery.trx);
        }
        match delivery.state {
            DeliveryState::Due | DeliveryState::Parked => {}
            DeliveryState::Delivered => {
                if !state.taken.contains(&format!("gerbang-{id}")) {
                    desk.wrong.push(format!("callback {id} was taken by nobody"));
                }
            }
            DeliveryState::Exhausted => {
                if delivery.tries < TRIES {
                    let tries = delivery.tries;
                    desk.wrong.push(format!("callback {id} is given up after {tries} tries"));
                }
            }
        }
        *before = delivery.clone();
    }
}

//! Selling prices and costs.

use crate::{Denomination, Price};
use types::{MoneyError, Qty, Rupiah};

/// What a purchase costs the member (or, with a route's price, costs us): the amount of a fixed
/// product; nominal + fee + percentage of an open one (12.345 with fee 171 is 12.516).
///
/// # Errors
/// [`MoneyError::Overflow`] when it does not fit.
pub fn selling_price(
    denomination: Denomination,
    price: Price,
    qty: Option<Qty>,
) -> Result<Rupiah, MoneyError> {
    match (denomination, qty) {
        (Denomination::Fixed, _) | (Denomination::Open { .. }, None) => Ok(price.amount),
        (Denomination::Open { .. }, Some(qty)) => {
            let nominal = Rupiah::new(i64::from(qty.get()));
            nominal.plus(price.amount)?.plus(nominal.share_half_up(price.basis_points)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_denomination_adds_fee_and_percent() {
        let open = Denomination::Open {
            min: Qty::new(10_000).expect("fine"),
            max: Qty::new(10_000_000).expect("fine"),
        };
        let price = |amount, basis_points| Price { amount: Rupiah::new(amount), basis_points };
        let qty = Qty::new(12_345);
        assert_eq!(selling_price(open, price(171, 0), qty), Ok(Rupiah::new(12_516)));
        assert_eq!(selling_price(open, price(171, 50), qty), Ok(Rupiah::new(12_578)));
        assert_eq!(
            selling_price(Denomination::Fixed, price(1_321, 0), None),
            Ok(Rupiah::new(1_321))
        );
    }
}

//! The OkeConnect text protocol: bytes in, bytes out, no IO.
//!
//! Both ends use this crate: the gateway reads requests and prints replies, suppliers' connectors
//! and clients read replies. The grammar is WIRE.md; where it quotes an example, the output here
//! equals it byte for byte (`tests/examples.rs`). Nothing here panics on any input, and nothing here
//! decides anything about money.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod answer;
mod ask;
mod callback;
mod json;
mod loose;
mod names;
mod price_list;
mod read;
mod refusal;
mod reply;
mod request;
mod request_sign;
mod seller;
mod sign;
mod tail;
mod webhook;

pub use answer::Answer;
pub use ask::{Account, AskUrl, Wanted};
pub use callback::{CallbackUrlError, callback_query, callback_url, check_callback_url};
pub use json::{V2Status, v2_balance_json, v2_json};
pub use loose::{Loose, LooseObject, clean_name, foreign_json, read_items};
pub use price_list::{PriceRow, PriceRows, odd_row, print_price_list, read_price_list, slug};
pub use read::{Reading, Status, read};
pub use refusal::reason;
pub use reply::{CallbackText, Echo, Head, Phrase, Processing, Reply, SnLabel, unnumbered};
pub use request::{
    BalanceRequest, Credentials, Fields, Names, PriceListRequest, RequestError, Secret, TrxRequest,
    Typed,
};
pub use request_sign::Signed;
pub use seller::{
    SellerFields, SellerReport, SellerRequest, SellerStatus, is_seller_report, sign_seller,
};
pub use sign::{same_alphabet, sign_balance, sign_balance_bars, sign_trx};
pub use tail::{amount, cut as cut_tail, for_others};
pub use webhook::{Webhook, WebhookData, is_webhook};

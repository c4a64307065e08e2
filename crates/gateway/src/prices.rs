//! The price list, rendered once per catalog and filter, with ETag and gzip.

use engine::Catalog;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, Weak};
use wire::PriceListRequest;

/// Rendered lists kept; filters are the caller's, so there is a limit.
const KEPT_MOST: usize = 256;

pub(crate) struct Rendered {
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
    pub(crate) etag: String,
}

#[derive(Default)]
struct Kept {
    of: Weak<Catalog>,
    lists: HashMap<(String, Vec<String>), Arc<Rendered>>,
}

#[derive(Default)]
pub(crate) struct PriceLists(Mutex<Kept>);

impl PriceLists {
    /// The list, or `None` for an unknown id.
    pub(crate) fn get(
        &self,
        catalog: &Arc<Catalog>,
        request: &PriceListRequest,
    ) -> Option<Arc<Rendered>> {
        let of = catalog.list_of(&request.id)?;
        let key = (request.id.clone(), request.produk.clone());
        let current = Arc::downgrade(catalog);
        if let Ok(kept) = self.0.lock()
            && kept.of.ptr_eq(&current)
            && let Some(found) = kept.lists.get(&key)
        {
            return Some(found.clone());
        }
        let rows = catalog.price_list(of, &request.produk);
        let rendered = Arc::new(render(wire::print_price_list(&rows)));
        if let Ok(mut kept) = self.0.lock() {
            if !kept.of.ptr_eq(&current) {
                *kept = Kept { of: current, lists: HashMap::new() };
            }
            if kept.lists.len() < KEPT_MOST {
                kept.lists.insert(key, rendered.clone());
            }
        }
        Some(rendered)
    }
}

fn render(text: String) -> Rendered {
    let digest = Sha256::digest(text.as_bytes());
    let tag = types::hex(&digest[..12]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a vector does not fail.
    let _ = encoder.write_all(text.as_bytes());
    Rendered {
        gzip: Bytes::from(encoder.finish().unwrap_or_default()),
        plain: Bytes::from(text),
        etag: format!("\"{tag}\""),
    }
}

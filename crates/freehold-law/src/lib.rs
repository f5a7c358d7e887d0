//! The catalog of this build. `build.rs` reads `catalog/`, checks it as the loader does and writes it down as bytes, so that
//! a run starts from the loaded form: reading its files of TOML takes longer than judging a model.

use std::sync::OnceLock;

use freehold_catalog::{Catalog, CatalogFile};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

static COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalog.bin"));

/// The catalog that this build carries.
pub fn catalog() -> Catalog {
    // the bytes were written by the same code in the same build; should that ever fail, the files still answer
    Catalog::from_bytes(COMPILED).unwrap_or_else(|_| Catalog::load(embedded::FILES).0)
}

/// The same, loaded once for a whole process.
pub fn shared() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(catalog)
}

/// The files of the catalog that this build carries, as they are in `catalog/`.
pub fn files() -> &'static [CatalogFile<'static>] {
    embedded::FILES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_catalog_is_the_loaded_one() {
        let compiled = Catalog::from_bytes(COMPILED).unwrap();
        let (loaded, _) = Catalog::load(files());
        assert_eq!(compiled.to_bytes().unwrap(), loaded.to_bytes().unwrap());
    }
}

//! TFLite's flatbuffers and HDF5: offsets that lead anywhere.

use std::io;
use std::path::Path;

use crate::disk::{card, put, sparse};
use crate::{Attack, Cases, Class};

/// A flatbuffer with the identifier of TFLite whose root lies at `root`, over `rest`.
fn tflite(root: u32, rest: &[u8]) -> Vec<u8> {
    [&root.to_le_bytes()[..], b"TFL3", rest].concat()
}

fn model(home: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    card(home)?;
    put(home, "model.tflite", bytes)
}

/// The smallest sound file: a table with a version and nothing else.
fn sound() -> Vec<u8> {
    // vtable of 6 bytes at 8, the table at 14: its way back, the version
    let vtable = [6_u16.to_le_bytes(), 8_u16.to_le_bytes(), 4_u16.to_le_bytes()].concat();
    let table = [&6_i32.to_le_bytes()[..], &3_u32.to_le_bytes()].concat();
    tflite(14, &[vtable, table].concat())
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Flatbuffer);
    c.ok("flatbuffer-valid", "the smallest sound TFLite file", |d| model(d, sound()));
    c.ok("flatbuffer-valid-hdf5", "an HDF5 file by its signature", |d| {
        card(d)?;
        put(d, "model.h5", [b"\x89HDF\r\n\x1a\n".to_vec(), vec![0; 88]].concat())
    });
    c.ok("flatbuffer-valid-sparse", "a sound TFLite file of 30 GB", |d| {
        card(d)?;
        sparse(d, "model.tflite", &sound(), 30 << 30)
    });
    c.warning("flatbuffer-root-max", "a root at 2^32-1", |d| model(d, tflite(u32::MAX, &[0; 64])));
    c.warning("flatbuffer-root-beyond", "a root beyond the file", |d| model(d, tflite(4096, &[0; 64])));
    c.warning("flatbuffer-vtable-beyond", "a table whose vtable lies before the file", |d| {
        model(d, tflite(8, &[&i32::MAX.to_le_bytes()[..], &[0; 32]].concat()))
    });
    c.warning("flatbuffer-vtable-wrap", "a table whose vtable's place wraps", |d| {
        model(d, tflite(8, &[&i32::MIN.to_le_bytes()[..], &[0; 32]].concat()))
    });
    c.ok("flatbuffer-vtable-odd", "a vtable of three bytes", |d| {
        let vtable = [3_u16.to_le_bytes(), 8_u16.to_le_bytes(), 4_u16.to_le_bytes()].concat();
        let table = [&6_i32.to_le_bytes()[..], &3_u32.to_le_bytes()].concat();
        model(d, tflite(14, &[vtable, table].concat()))
    });
    c.ok("flatbuffer-self", "a table that is its own vtable", |d| model(d, tflite(8, &[0; 64])));
    c.warning("flatbuffer-metadata-max", "2^32-1 entries of metadata", |d| {
        // slots 0..6 of the model; the metadata vector is the seventh
        let mut vtable = vec![18_u16, 12, 4, 0, 0, 0, 0, 0, 8];
        vtable.truncate(9);
        let vtable: Vec<u8> = vtable.into_iter().flat_map(u16::to_le_bytes).collect();
        let table = [&18_i32.to_le_bytes()[..], &3_u32.to_le_bytes(), &4_u32.to_le_bytes()].concat();
        model(d, tflite(26, &[vtable, table, u32::MAX.to_le_bytes().to_vec(), vec![0; 16]].concat()))
    });
    c.warning("flatbuffer-cut", "a file of nine bytes", |d| model(d, tflite(14, b"\0")));
    c.ok("flatbuffer-sparse", "a root in the middle of a hole of 2 GB", |d| {
        card(d)?;
        sparse(d, "model.tflite", &tflite(1 << 30, &[]), 2 << 30)
    });
    c.done()
}

//! Files of torch, as `torch.save` writes them.

/// A tensor: name, shape, torch's class of its storage, bytes of a number, bytes.
pub(crate) type Saved<'a> = (&'a str, Vec<usize>, &'a str, usize, Vec<u8>);

fn text(out: &mut Vec<u8>, t: &str) {
    out.push(b'X');
    out.extend(u32::try_from(t.len()).unwrap().to_le_bytes());
    out.extend(t.as_bytes());
}

fn number(out: &mut Vec<u8>, n: usize) {
    out.push(b'J');
    out.extend(i32::try_from(n).unwrap().to_le_bytes());
}

fn sizes(out: &mut Vec<u8>, all: &[usize]) {
    out.push(b'(');
    all.iter().for_each(|n| number(out, *n));
    out.push(b't');
}

/// The pickle of a state dictionary; `legacy`: storages have one more field.
fn pickle(all: &[Saved<'_>], legacy: bool) -> Vec<u8> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (i, (name, shape, class, width, bytes)) in all.iter().enumerate() {
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(format!("ctorch\n{class}\n").bytes());
        text(&mut out, &i.to_string());
        text(&mut out, "cpu");
        number(&mut out, bytes.len() / width);
        out.extend(if legacy { &b"Nt"[..] } else { &b"t"[..] });
        out.push(b'Q');
        number(&mut out, 0);
        sizes(&mut out, shape);
        let stride: Vec<usize> = (0..shape.len()).map(|d| shape[d + 1..].iter().product()).collect();
        sizes(&mut out, &stride);
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

/// A zip archive of stored members.
pub(crate) fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let four = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    for (name, bytes) in members {
        let at = out.len();
        let sizes = [[0; 4], four(bytes.len()), four(bytes.len())].concat();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        out.extend(
            [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", &sizes[..], &length, &[0; 2], name.as_bytes(), bytes].concat(),
        );
        directory.extend(
            [&b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0"[..], &sizes, &length, &[0; 12], &four(at), name.as_bytes()]
                .concat(),
        );
    }
    let n = u16::try_from(members.len()).unwrap().to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &n, &n, &four(directory.len()), &four(out.len()), &[0; 2]].concat();
    [out, directory, end].concat()
}

/// The form of torch 1.6 and later.
pub(crate) fn torch_zip(all: &[Saved<'_>]) -> Vec<u8> {
    let mut members = vec![("m/data.pkl".to_owned(), pickle(all, false)), ("m/byteorder".into(), b"little".to_vec())];
    members.extend(all.iter().enumerate().map(|(i, t)| (format!("m/data/{i}"), t.4.clone())));
    zip(&members)
}

/// The form before it.
pub(crate) fn torch_legacy(all: &[Saved<'_>]) -> Vec<u8> {
    let mut out = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\0.".to_vec();
    out.extend(pickle(all, true));
    out.extend(b"\x80\x02](");
    (0..all.len()).for_each(|i| text(&mut out, &i.to_string()));
    out.extend(b"e.");
    for (_, _, _, width, bytes) in all {
        out.extend(u64::try_from(bytes.len() / width).unwrap().to_le_bytes());
        out.extend(bytes);
    }
    out
}

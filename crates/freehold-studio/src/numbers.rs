//! Half-width floats and back.

/// A bfloat16 as f32: exact.
#[inline(always)]
pub fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bfloat16, ties to even.
#[inline(always)]
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return ((bits >> 16) | 64) as u16;
    }
    ((bits + (0x7fff + ((bits >> 16) & 1))) >> 16) as u16
}

/// An IEEE half as f32: exact.
#[inline(always)]
pub fn from_f16(bits: u16) -> f32 {
    let (sign, exponent, mantissa) = (u32::from(bits >> 15) << 31, (bits >> 10) & 31, u32::from(bits & 0x3ff));
    match exponent {
        0 => f32::from_bits(sign | ((mantissa as f32) / 16_777_216.0).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | (mantissa << 13)),
        e => f32::from_bits(sign | ((u32::from(e) + 112) << 23) | (mantissa << 13)),
    }
}

/// The nearest IEEE half, ties to even.
#[inline(always)]
pub fn to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let (sign, rest) = ((bits >> 16) & 0x8000, bits & 0x7fff_ffff);
    let half = match rest {
        r if r > 0x7f80_0000 => 0x7e00,
        // 65520 and above round to infinity
        r if r >= 0x477f_f000 => 0x7c00,
        r if r >= 0x3880_0000 => {
            let r = r - 0x3800_0000;
            (r + 0x0fff + ((r >> 13) & 1)) >> 13
        }
        // below the least normal half: adding 0.5 leaves the rounded value in the low bits
        r => (f32::from_bits(r) + 0.5).to_bits() - 0x3f00_0000,
    };
    (sign | half) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_goes_there_and_back() {
        for bits in 0..=u16::MAX {
            let x = from_f16(bits);
            assert!(x.is_nan() || to_f16(x) == bits, "{bits:04x}");
            let y = from_bf16(bits);
            assert!(y.is_nan() || to_bf16(y) == bits, "{bits:04x}");
            // halfway to the next: to the even one
            let next = from_f16(bits.wrapping_add(1));
            if bits & 0x7fff < 0x7bff {
                let middle = (f64::from(x) + f64::from(next)) / 2.0;
                assert_eq!(to_f16(middle as f32), bits + (bits & 1), "{bits:04x}");
            }
        }
        assert_eq!(to_f16(65_519.0), 0x7bff);
        assert_eq!(to_f16(65_520.0), 0x7c00);
        assert_eq!(to_f16(1e-9), 0);
    }
}

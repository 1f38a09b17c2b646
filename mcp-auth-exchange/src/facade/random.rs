//! Random bytes as an argument.

use zeroize::Zeroizing;

use super::Refusal;

/// How many random bytes one step is given.
pub const RANDOM_BYTES: usize = 256;

/// Bytes from a cryptographic random source, for one step: no byte is used twice.
pub struct RandomBytes {
    bytes: Zeroizing<[u8; RANDOM_BYTES]>,
    used: usize,
}

impl RandomBytes {
    /// Takes the bytes.
    pub fn new(bytes: [u8; RANDOM_BYTES]) -> Self {
        Self { bytes: Zeroizing::new(bytes), used: 0 }
    }

    /// The next `N` bytes. A step that would need more than it was given is refused, never served with the same ones.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let chunk = self.bytes.get(self.used..).and_then(|rest| rest.first_chunk::<N>());
        let chunk = *chunk.ok_or(Refusal::Internal)?;
        self.used += N;
        Ok(chunk)
    }
}

/// None of the bytes.
impl std::fmt::Debug for RandomBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RandomBytes").field("used", &self.used).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_given_twice() {
        let mut bytes = [0; RANDOM_BYTES];
        bytes.iter_mut().zip(0..=255).for_each(|(byte, i)| *byte = i);
        let mut random = RandomBytes::new(bytes);
        let taken: Vec<[u8; 32]> = std::iter::from_fn(|| random.take().ok()).collect();
        assert_eq!(taken.concat(), bytes);
        assert_eq!(random.take::<1>(), Err(Refusal::Internal));
    }
}

//! Choices out of bytes: where they end, everything is zero.

/// What is left of the bytes.
pub(super) struct Draw<'a>(pub(super) &'a [u8]);

impl<'a> Draw<'a> {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn point(&mut self) -> u32 {
        (0..4).fold(0, |sum, _| sum << 8 | u32::from(self.byte()))
    }

    /// One of so many, of which there is at least one.
    pub(super) fn below(&mut self, many: usize) -> usize {
        let wide = if many > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (wide | usize::from(self.byte())) % many.max(1)
    }

    /// Once in so many.
    pub(super) fn once_in(&mut self, many: u8) -> bool {
        self.byte() % many == many - 1
    }

    pub(super) fn one<'b, T: ?Sized>(&mut self, all: &[&'b T]) -> &'b T {
        all[self.below(all.len())]
    }

    pub(super) fn bytes(&mut self, many: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(many.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

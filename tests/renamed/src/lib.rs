//! Annotated functions in a crate of edition 2021 that calls the library `telemetry`.

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::Future;
    use telemetry::testing::capture_async;
    use telemetry::traced;

    /// Two lifetimes that the future captures: an `async fn` does so in every edition.
    #[traced(fields(left))]
    async fn captures<'a, 'b>(left: &'a str, right: &'b str) -> (&'a str, &'b str) {
        tokio::task::yield_now().await;
        (left, right)
    }

    #[traced]
    async fn opaque(text: &str, n: &u8) -> Option<impl Fn() -> usize> {
        let (len, n) = (text.len(), usize::from(*n));
        Some(move || len + n)
    }

    #[traced]
    fn boxed<'a>(text: &'a str) -> std::pin::Pin<Box<dyn Future<Output = usize> + 'a>> {
        Box::pin(async move { text.len() })
    }

    #[traced]
    fn temporaries(n: usize) -> Result<usize, ()> {
        let cell = RefCell::new(vec![n]);
        let len = cell.borrow().len();
        Ok(len)
    }

    /// # Safety
    /// `pointer` is valid.
    #[traced]
    #[allow(unsafe_op_in_unsafe_fn)]
    unsafe fn no_unsafe_block(pointer: *const u8) -> Result<u8, ()> {
        Ok(*pointer)
    }

    async fn all() {
        let text = String::from("text");
        assert_eq!(captures(&text, "b").await, ("text", "b"));
        assert_eq!(opaque(&text, &1).await.map(|f| f()), Some(5));
        assert_eq!(boxed(&text).await, 4);
        assert_eq!(temporaries(1), Ok(1));
        // SAFETY: the pointer is of a reference.
        assert_eq!(unsafe { no_unsafe_block(&7) }, Ok(7));
    }

    #[tokio::test]
    async fn the_edition_of_the_caller_changes_nothing() {
        let captured = capture_async(all()).await;
        let names: Vec<_> = captured.spans.iter().map(|s| &*s.name).collect();
        assert_eq!(
            names,
            [
                "captures",
                "opaque",
                "boxed",
                "temporaries",
                "no_unsafe_block"
            ]
        );
    }
}

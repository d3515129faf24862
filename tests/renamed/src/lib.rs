//! Annotated functions in a crate of edition 2021 that calls the library `telemetry`.

// case: 77, 98, 143, 145 (no feature is on, and the crate depends on nothing else of ours)
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

    // case: 39
    /// # Safety
    /// `pointer` is valid.
    #[traced]
    #[allow(unsafe_op_in_unsafe_fn)]
    unsafe fn no_unsafe_block(pointer: *const u8) -> Result<u8, ()> {
        Ok(*pointer)
    }

    thread_local! {
        static DROPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    struct Noisy(&'static str);

    impl Noisy {
        fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl Drop for Noisy {
        fn drop(&mut self) {
            DROPS.with(|drops| drops.borrow_mut().push(self.0));
        }
    }

    fn drops(run: impl FnOnce()) -> Vec<&'static str> {
        run();
        DROPS.with(RefCell::take)
    }

    macro_rules! twice {
        ($plain:ident $annotated:ident ($($a:ident)?) $ret:ty, $body:block) => {
            $($a)? fn $plain(_argument: Noisy) -> $ret $body
            #[traced]
            $($a)? fn $annotated(_argument: Noisy) -> $ret $body
        };
    }
    twice!(guard guard_traced () usize, {
        let _local = Noisy("local");
        Noisy("temporary").len()
    });
    twice!(closure closure_traced () Result<usize, usize>, {
        let _local = Noisy("local");
        Noisy("temporary").len().checked_sub(1).ok_or(Noisy("last").len())
    });
    twice!(future future_traced (async) usize, {
        let _local = Noisy("local");
        Noisy("temporary").len()
    });

    // case: 9
    #[tokio::test]
    async fn temporaries_of_the_tail_end_after_the_locals_as_in_this_edition() {
        let argument = || Noisy("argument");
        let plain = drops(|| assert_eq!(guard(argument()), 9));
        assert_eq!(plain, ["local", "temporary", "argument"]);
        assert_eq!(drops(|| assert_eq!(guard_traced(argument()), 9)), plain);
        let plain = drops(|| assert_eq!(closure(argument()), Ok(8)));
        assert_eq!(plain, ["local", "last", "temporary", "argument"]);
        assert_eq!(
            drops(|| assert_eq!(closure_traced(argument()), Ok(8))),
            plain
        );
        let value = future(argument()).await;
        let plain = drops(|| assert_eq!(value, 9));
        let value = future_traced(argument()).await;
        assert_eq!(drops(|| assert_eq!(value, 9)), plain);
        assert_eq!(plain, ["local", "temporary", "argument"]);
    }

    // case: 137
    #[deny(
        warnings,
        boxed_slice_into_iter,
        if_let_rescope,
        impl_trait_overcaptures,
        keyword_idents_2024,
        rust_2024_incompatible_pat,
        rust_2024_prelude_collisions,
        static_mut_refs,
        tail_expr_drop_order,
        unsafe_attr_outside_unsafe,
        unsafe_op_in_unsafe_fn
    )]
    mod lints_of_the_next_edition {
        use telemetry::traced;

        #[traced(fields(n))]
        pub(super) async fn future(n: u8) -> Result<u8, String> {
            tokio::task::yield_now().await;
            Ok(n)
        }
        #[traced(ret)]
        pub(super) fn sync(n: Option<u8>) -> Result<u8, String> {
            let n = n.ok_or("none")?;
            Ok(n)
        }
        #[traced]
        pub(super) fn opaque(n: u8) -> impl std::fmt::Display {
            n
        }
    }

    #[tokio::test]
    async fn lints_of_the_next_edition_have_nothing_to_say() {
        use lints_of_the_next_edition::{future, opaque, sync};
        assert_eq!(future(1).await, Ok(1));
        assert_eq!(sync(Some(2)), Ok(2));
        assert_eq!(opaque(3).to_string(), "3");
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

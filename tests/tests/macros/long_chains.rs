//! Each level awaits the next: `Send` is proved through all of them within the default recursion limit.

use obs_runtime::traced;

// case: 84
macro_rules! chain {
    ($name:ident) => {
        #[traced]
        async fn $name(n: u32) -> Result<u32, String> {
            tokio::task::yield_now().await;
            Ok(n)
        }
    };
    ($name:ident $next:ident $($rest:ident)*) => {
        #[traced]
        async fn $name(n: u32) -> Result<u32, String> {
            Ok($next(n).await? + 1)
        }
        chain!($next $($rest)*);
    };
}
chain!(a b c d e f g h i j k l m n o p q r s t u v w x);

#[tokio::test]
async fn stay_send_and_callable() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(is_send(a(0)).await, Ok(23));
}

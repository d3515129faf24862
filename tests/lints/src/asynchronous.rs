use std::future::Future;
use std::pin::Pin;

use futures_core::Stream;

use crate::annotate;

#[annotate]
async fn never_called(n: u8) -> u8 {
    n
}

#[annotate]
pub async fn one_line(n: u8) -> u8 { n }

#[annotate(timings, track_concurrency, labels(odd = n == 1))]
pub async fn waits(n: u8, mut text: String, _ignored: u8) -> Result<u8, String> {
    let local = 1;
    let n = one_line(n).await;
    if n == 0 {
        return Err(text);
    }
    return Ok(n);
}

#[annotate]
pub async fn nothing_to_wait_for(text: String) -> usize {
    text.len()
}

#[annotate]
pub async fn forgets() {
    one_line(1);
    waits(1, String::new(), 2).await;
}

#[annotate]
pub async fn yields_a_future(n: u8) -> impl Future<Output = u8> {
    one_line(n).await;
    one_line(n)
}

#[annotate]
pub async fn yields_inside(n: u8) -> Option<impl Sized> {
    let inner = async { one_line(n) };
    Some(inner.await.await)
}

#[annotate]
pub async fn alias(n: u8) -> Answer {
    let inner = async { one_line(n) };
    Ok(inner.await.await)
}

pub type Answer = Result<u8, String>;

#[annotate]
pub fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    Box::pin(async move { text.len() })
}

#[annotate]
pub fn opaque(n: u8) -> impl Future<Output = u8> {
    async move { n }
}

#[annotate]
pub fn opaque_yields(n: u8) -> impl Future<Output = u8> {
    async move { one_line(n) }.boxed_in(n)
}

trait BoxedIn: Sized {
    fn boxed_in(self, n: u8) -> std::future::Ready<u8> {
        std::future::ready(n)
    }
}

impl<F: Future> BoxedIn for F {}

#[annotate]
pub async fn diverges() -> Result<u8, String> {
    todo!()
}

#[annotate]
pub async fn diverges_late() -> u8 {
    panic!("always");
    1
}

#[annotate]
pub async fn never() -> ! {
    loop {}
}

#[annotate]
pub async fn holds_a_lock(lock: &std::sync::Mutex<u8>) -> u8 {
    let guard = lock.lock().unwrap();
    one_line(*guard).await
}

#[annotate]
pub async fn large(buffer: [u8; 4096]) -> usize {
    one_line(buffer[0]).await;
    buffer.len()
}

#[annotate]
pub async fn patterns((a, b): (u8, u8), &c: &u8) -> u8 {
    let unused = b;
    one_line(a + c).await
}

#[annotate(fields(n), name = "mine")]
#[allow(clippy::unused_async, unused_variables)]
pub async fn allowed(n: u8) -> u8 {
    let local = 1;
    n
}

#[annotate]
#[expect(unused_variables)]
pub async fn expected(n: u8) -> Result<(), String> {
    one_line(2).await;
    Ok(())
}

#[derive(Debug)]
pub struct Items(u8);

impl Stream for Items {
    type Item = u8;

    #[annotate]
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<u8>> {
        self.0 -= 1;
        std::task::Poll::Ready(Some(self.0))
    }
}

#[annotate]
pub fn items(n: u8) -> impl Stream<Item = u8> {
    let made = Items(n);
    made
}

#[annotate]
pub async fn diverges_behind_an_alias() -> Answer {
    todo!()
}

#[annotate]
pub async fn returns_behind_an_alias(n: u8) -> Answer {
    if one_line(n).await == 0 {
        return Ok(1);
    }
    let made = Ok(n);
    made
}

#[annotate]
pub async fn nothing_at_all() {}

#[annotate]
pub async fn ends_with_return(n: u8) -> Answer {
    if one_line(n).await == 0 {
        return Ok(1);
    }
    return Ok(n);
}

#[annotate(args)]
pub async fn recorded(name: String, list: Vec<Option<u8>>, _c: ()) -> usize {
    name.len() + list.len()
}

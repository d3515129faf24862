use std::collections::HashMap;

use crate::annotate;

#[annotate]
fn never_called() -> Result<u8, String> {
    Ok(1)
}

#[annotate]
pub fn one_line(n: u8) -> u8 { n }

#[annotate(track_concurrency, labels(kind = "x"))]
pub fn unused(n: u8, mut text: String, _ignored: u8, _: &str) -> usize {
    let local = 1;
    text.len()
}

#[annotate(ret, err(level = "warn"), track_concurrency)]
pub fn early(n: u8) -> Result<u8, String> {
    if n == 0 {
        return Err("zero".to_string());
    } else {
        return Ok(n);
    }
}

#[annotate]
pub fn questions(text: &String) -> Result<i32, Box<dyn std::error::Error>> {
    let n: i32 = text.parse()?;
    let n = n + 1;
    let n = n as u8 as i32;
    Ok(n)
}

#[annotate]
pub fn let_and_return() -> Vec<u8> {
    let made = vec![1, 2];
    made
}

#[annotate]
pub fn needless_borrows(map: &mut HashMap<String, Vec<u8>>) -> Option<&Vec<u8>> {
    if !map.contains_key("a") {
        map.insert("a".into(), vec![]);
    }
    map.get(&"a".to_string())
}

#[annotate]
pub fn unreachable() -> Result<u8, String> {
    return Ok(1);
    let _ = 2;
}

#[annotate]
pub fn diverges() -> u8 {
    todo!()
}

#[annotate]
pub fn never() -> ! {
    panic!("always")
}

#[annotate]
pub fn closures(n: u8) -> impl Fn(u8) -> u8 {
    let add = |m| one_line(m);
    move |m| add(m) + n
}

#[annotate]
pub fn unit(n: u8) {
    let nothing = drop(n);
    nothing
}

#[annotate]
pub fn pattern((a, b): (u8, u8), [c, ..]: [u8; 3], &d: &u8) -> u8 {
    let unused = b;
    a + c + d
}

#[annotate]
#[must_use]
pub fn wanted() -> u8 {
    1
}

#[annotate]
#[deprecated]
pub fn old() {}

#[annotate]
pub fn uses_them() {
    wanted();
    old();
    early(1);
    println!("said");
    let x = 1;
    let x = x + 1;
    match x {
        1 => {}
        _ => {}
    }
}

#[annotate(fields(n))]
#[allow(unused_variables, clippy::let_and_return)]
pub fn allowed(n: u8) -> u8 {
    let local = 1;
    let m = n;
    m
}

#[annotate]
#[expect(clippy::let_and_return)]
pub fn expected(n: u8) -> u8 {
    let m = n;
    m
}

#[annotate]
#[expect(unused_variables)]
pub fn expected_in_vain(n: u8) -> u8 {
    n
}

#[annotate]
#[inline]
pub fn generic<'a, T: Clone, const N: usize>(items: &'a [T; N]) -> Vec<T> where T: 'a {
    const STEP: usize = 1;
    let mut out = Vec::new();
    for i in 0..items.len() {
        out.push(items[i].clone());
    }
    out.truncate(N * STEP);
    out
}

#[annotate]
pub fn items() -> u8 {
    let a = late();
    fn late() -> u8 {
        1
    }
    a
}

#[annotate]
pub unsafe fn dangerous(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

#[annotate]
pub fn by_value(text: String, numbers: Vec<u8>) -> usize {
    text.len() + numbers.len()
}

#[annotate]
pub fn long(a: u8, b: u8, c: u8, d: u8) -> u8 {
    let mut n = 0;
    if a > 1 {
        n += 1;
    }
    if b > 1 {
        n += 1;
    }
    if c > 1 {
        n += 1;
    }
    if d > 1 {
        n += 1;
    }
    n
}

#[annotate(name = "mine", kind = "client", fields(%n, twice = n * 2, "quoted" = true))]
pub fn all_arguments(n: u8) -> Result<(), String> {
    let _ = n;
    Ok(())
}

pub mod documented {
    use crate::annotate;

    /// Says nothing of its errors.
    #[annotate(err(Debug))]
    pub fn errors(n: u8) -> Result<u8, ()> {
        if n > 1 { Err(()) } else { Ok(n) }
    }
}

#[annotate(args, skip(_more))]
pub fn recorded(name: &str, list: &[Option<u8>], (a, _b): (u8, char), _more: fn()) -> usize {
    name.len() + list.len() + usize::from(a)
}

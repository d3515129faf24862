use std::rc::Rc;

use crate::annotate;

pub struct Store {
    pub opened: u64,
    name: String,
}

impl Store {
    #[annotate]
    pub fn new() -> Self {
        Store {
            opened: 0,
            name: String::new(),
        }
    }

    #[annotate]
    pub fn name(&self) -> &String {
        &self.name
    }

    #[annotate(fields(self.opened))]
    pub fn open(&mut self, n: u64) -> Result<&mut Self, String> {
        self.opened = self.opened.checked_add(n).ok_or("too many")?;
        Ok(self)
    }

    #[annotate]
    pub fn into_name(self) -> String {
        self.name
    }

    #[annotate]
    pub fn to_pair(self) -> (u64, String) {
        (self.opened, self.name)
    }

    #[annotate]
    pub fn no_self(&self, n: u64) -> u64 {
        n
    }

    #[annotate]
    pub async fn load(&self, n: u64) -> Result<u64, String> {
        std::future::ready(()).await;
        self.opened.checked_sub(n).ok_or_else(|| "none".into())
    }

    #[annotate]
    pub async fn shared(self: Rc<Self>, _unused: u8) -> u64 {
        std::future::ready(()).await;
        self.opened
    }

    #[annotate]
    pub fn should_implement_trait(&self) -> bool {
        self.opened == 1 as u64
    }
}

impl Default for Store {
    #[annotate]
    fn default() -> Self {
        Self::new()
    }
}

pub trait Shape {
    #[annotate]
    fn area(&self, scale: f64) -> f64 {
        let scaled = scale * 2.0;
        return scaled;
    }

    fn edges(&self) -> Result<u32, String>;
}

impl Shape for Store {
    #[annotate]
    fn edges(&self) -> Result<u32, String> {
        let n: u32 = self.opened as u32;
        Ok(n)
    }
}

impl Clone for Store {
    #[annotate]
    fn clone(&self) -> Self {
        Self {
            opened: self.opened.clone(),
            name: self.name.clone(),
        }
    }
}

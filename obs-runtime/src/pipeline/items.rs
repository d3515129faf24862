//! The items of a mapped task: where they come from, and the list of their outputs.

use core::any::{Any, type_name};
use core::fmt;
use core::ops::{Deref, Index};
use std::sync::Arc;

use crate::pipeline::TaskContext;
use crate::pipeline::lazy::MakesItems;
use crate::pipeline::result::{Output, TaskError};

/// The outputs of a mapped task some of whose items may fail (`allow_failed`): those that succeeded,
/// each at the place of its item.
///
/// ```
/// use obs_runtime::pipeline::Items;
///
/// fn total(pages: &Items<u32>) -> (u32, usize) {
///     (pages.iter().map(|(_, words)| words).sum(), pages.missing())
/// }
/// assert_eq!(total(&Items::from(vec![Some(3), None, Some(4)])), (7, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items<T> {
    outputs: Vec<Option<T>>,
    missing: usize,
}

impl<T> Items<T> {
    /// Returns the number of items, those that failed included.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Returns whether there was no item.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Returns the number of items without an output.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Returns the output of an item; none if it has none.
    pub fn get(&self, item: usize) -> Option<&T> {
        self.outputs.get(item)?.as_ref()
    }

    /// Returns the outputs with the numbers of their items, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let outputs = self.outputs.iter().enumerate();
        outputs.filter_map(|(item, output)| Some((item, output.as_ref()?)))
    }
}

impl<T> From<Vec<Option<T>>> for Items<T> {
    fn from(outputs: Vec<Option<T>>) -> Self {
        let missing = outputs.iter().filter(|output| output.is_none()).count();
        Self { outputs, missing }
    }
}

impl<T> Index<usize> for Items<T> {
    type Output = T;

    /// Returns the output of an item.
    ///
    /// # Panics
    /// Panics when the item has none; [`get`](Self::get) does not.
    fn index(&self, item: usize) -> &T {
        match self.get(item) {
            Some(output) => output,
            None => panic!("item {item} has no output"),
        }
    }
}

/// An output whose items a task can be mapped over.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no items that a task can be mapped over",
    label = "the output of this task is `{Self}`",
    note = "a task is mapped over the output of one that returns `Vec<T>`, `Box<[T]>`, `Arc<[T]>`, `[T; N]` or `Lazy<T>`"
)]
pub trait MapSource: Any + Send + Sync + Sized {
    /// The type of one item.
    type Item;

    /// Returns how many items there are, or what makes them; none if another task has them.
    fn counted(this: &Arc<Self>) -> Option<Counted>;

    /// Returns an item.
    fn item(&self, at: usize) -> Option<ItemRef<'_, Self::Item>>;
}

/// The items of an output: how many there are, or what makes them.
pub struct Counted(pub(crate) Count);

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Count::Known(items) => write!(f, "{items} items"),
            Count::Made(_) => f.write_str("items that are made"),
        }
    }
}

pub(crate) enum Count {
    Known(usize),
    /// They are made one after the other.
    Made(Arc<dyn MakesItems>),
}

/// One item, for an attempt.
#[derive(Debug)]
pub struct ItemRef<'a, T>(Kept<'a, T>);

#[derive(Debug)]
enum Kept<'a, T> {
    Lent(&'a T),
    Held(Arc<T>),
}

impl<T> ItemRef<'_, T> {
    pub(crate) fn held(item: Arc<T>) -> Self {
        Self(Kept::Held(item))
    }
}

impl<T> Deref for ItemRef<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Kept::Lent(item) => item,
            Kept::Held(item) => item,
        }
    }
}

macro_rules! sources {
    ($([$($generic:tt)*] $source:ty,)+) => {$(
        impl<$($generic)*> MapSource for $source {
            type Item = T;

            fn counted(this: &Arc<Self>) -> Option<Counted> {
                Some(Counted(Count::Known(this.len())))
            }

            fn item(&self, at: usize) -> Option<ItemRef<'_, T>> {
                self.get(at).map(|item| ItemRef(Kept::Lent(item)))
            }
        }
    )+};
}

sources! {
    [T: Send + Sync + 'static] Vec<T>,
    [T: Send + Sync + 'static] Box<[T]>,
    [T: Send + Sync + 'static] Arc<[T]>,
    [T: Send + Sync + 'static, const N: usize] [T; N],
}

/// Counts the items of an output of this type.
pub fn count_items<O: MapSource>(output: Output) -> Option<Counted> {
    O::counted(&output.downcast().ok()?)
}

/// Returns the item that an attempt is for.
///
/// # Errors
/// When the task is called outside of a run that maps it.
pub fn item<'a, O: MapSource>(
    output: &'a Arc<O>,
    context: &TaskContext,
) -> Result<ItemRef<'a, O::Item>, TaskError> {
    let item = context.item().and_then(|item| output.item(item));
    item.ok_or_else(|| TaskError::new("items", "the attempt is for no item of its list"))
}

fn unwrap<T: Any + Send + Sync>(output: Option<Output>) -> Option<T> {
    Arc::into_inner(output?.downcast::<T>().ok()?)
}

/// Makes one list of the outputs of all items.
///
/// # Panics
/// Panics when one is missing, or of another type.
pub fn collect_all<T: Any + Send + Sync>(outputs: Vec<Option<Output>>) -> Output {
    let outputs = outputs.into_iter().map(|output| match unwrap::<T>(output) {
        Some(output) => output,
        None => panic!("an item without an output of type `{}`", type_name::<T>()),
    });
    Arc::new(outputs.collect::<Vec<T>>())
}

/// Makes a list of the outputs that there are.
pub fn collect_some<T: Any + Send + Sync>(outputs: Vec<Option<Output>>) -> Output {
    let outputs = outputs.into_iter().map(unwrap::<T>);
    Arc::new(Items::from(outputs.collect::<Vec<Option<T>>>()))
}

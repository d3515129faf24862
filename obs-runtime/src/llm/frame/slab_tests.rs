use proptest::prelude::*;

use super::*;

fn slab(most: usize, rest: usize) -> Slab {
    Slab::new(most, rest)
}

fn open(slab: &mut Slab, around: FrameId) -> Option<FrameId> {
    let make = |id, parent| Frame::new(id, parent, "agent".into(), Limits::new());
    slab.open(around, make).map(|(frame, _)| frame.id())
}

fn found(slab: &Slab, id: FrameId) -> Option<(FrameId, bool)> {
    slab.find(id).map(|found| (found.frame.id(), found.is_late))
}

#[test]
fn a_closed_frame_leads_to_the_nearest_one_that_is_open() {
    let mut slab = slab(8, 8);
    let outer = open(&mut slab, FrameId::NONE).unwrap();
    let middle = open(&mut slab, outer).unwrap();
    let inner = open(&mut slab, middle).unwrap();
    assert_eq!(found(&slab, inner), Some((inner, false)));
    slab.close(middle);
    slab.close(inner);
    assert_eq!(found(&slab, inner), Some((outer, true)));
    slab.close(outer);
    assert_eq!(found(&slab, inner), None);
    assert_eq!(slab.open_count(), 0);
    // It is closed once.
    slab.close(inner);
    assert_eq!(slab.open_count(), 0);
}

#[test]
fn a_number_of_an_earlier_turn_leads_nowhere() {
    let mut slab = slab(8, 0);
    let first = open(&mut slab, FrameId::NONE).unwrap();
    slab.close(first);
    let second = open(&mut slab, FrameId::NONE).unwrap();
    assert_ne!(first, second);
    assert_eq!(first.parts().0, second.parts().0);
    assert_eq!(found(&slab, first), None);
    slab.close(first);
    assert_eq!(found(&slab, second), Some((second, false)));
    assert_eq!(found(&slab, FrameId::new(7, 1)), None);
}

#[test]
fn a_full_slab_opens_none_until_a_place_is_free() {
    let mut slab = slab(2, 100);
    let [one, _other] = [0; 2].map(|_| open(&mut slab, FrameId::NONE).unwrap());
    assert_eq!(open(&mut slab, one), None);
    slab.close(one);
    assert!(open(&mut slab, FrameId::NONE).is_some());
    assert_eq!(open(&mut slab, FrameId::NONE), None);
}

#[test]
fn turns_begin_again_without_the_number_of_none() {
    let mut slab = slab(1, 0);
    let mut last = FrameId::NONE;
    for _ in 0..=usize::from(u16::MAX) + 2 {
        last = open(&mut slab, FrameId::NONE).unwrap();
        assert_ne!(last, FrameId::NONE);
        slab.close(last);
    }
    assert_eq!(last.parts().0, 0);
}

proptest! {
    /// A number leads to its own frame while that is open, and to none that is not around it.
    #[test]
    fn a_number_never_leads_astray(
        steps in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..200),
    ) {
        let mut slab = slab(64, 2);
        // Each frame that ever was: its number, those around it, whether it is open.
        let mut all: Vec<(FrameId, Vec<FrameId>, bool)> = Vec::new();
        for (which, opens) in steps {
            let at = (!all.is_empty()).then(|| which.index(all.len()));
            if opens {
                let around = at.map_or(FrameId::NONE, |at| all[at].0);
                let parent = found(&slab, around).map(|(id, _)| id);
                let outer = parent.into_iter().flat_map(|id| {
                    let (_, outer, _) = all.iter().rev().find(|(one, ..)| *one == id).unwrap();
                    outer.iter().copied().chain([id]).collect::<Vec<_>>()
                });
                let outer = outer.collect();
                if let Some(id) = open(&mut slab, around) {
                    all.push((id, outer, true));
                }
            } else if let Some(at) = at {
                slab.close(all[at].0);
                all[at].2 = false;
            }
            for (id, outer, is_open) in &all {
                let wanted = outer.iter().rev().find(|id| {
                    all.iter().any(|(one, _, open)| one == *id && *open)
                });
                match found(&slab, *id) {
                    Some((frame, late)) if *is_open => prop_assert!(frame == *id && !late),
                    Some((frame, late)) => prop_assert!(Some(&frame) == wanted && late),
                    None => prop_assert!(!is_open),
                }
            }
            let count = all.iter().filter(|(.., open)| *open).count();
            prop_assert_eq!(slab.open_count(), count);
        }
    }
}

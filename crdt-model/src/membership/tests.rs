//! What membership comes to, from small histories whose statements name what they know.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::journal::membership::{consent, recovered, recovery};
use crate::journal::record::notebook_id;

const NONCE: [u8; 16] = [7; 16];

/// Some devices' journals, and what each knows of the others'.
struct Lab {
    keys: Vec<SigningKey>,
    statements: Vec<Statement>,
    knows: Vec<Knows>,
    seqs: Vec<u64>,
}

impl Lab {
    fn new(devices: u8) -> Self {
        let keys: Vec<SigningKey> = (0..devices).map(|n| SigningKey::from_bytes(&[n + 1; 32])).collect();
        let count = keys.len();
        let mut lab =
            Self { keys, statements: Vec::new(), knows: vec![Knows::default(); count], seqs: vec![0; count] };
        lab.say(0, MembershipChange::Found { nonce: NONCE, name: "lab".into(), device_name: "0".into() });
        lab
    }

    fn device(&self, n: usize) -> DeviceId {
        DeviceId(self.keys[n].verifying_key().to_bytes())
    }

    fn person(&self, n: usize) -> PersonId {
        PersonId::of_first(self.device(n))
    }

    fn notebook(&self) -> NotebookId {
        notebook_id(&self.device(0), &NONCE)
    }

    /// The next record of a device's journal. Its hash is its content's.
    fn next(&mut self, by: usize, salt: &[u8]) -> Tip {
        self.seqs[by] += 1;
        let (device, seq) = (self.device(by), self.seqs[by]);
        let bytes = [device.0.as_slice(), &seq.to_be_bytes(), salt].concat();
        Tip { device, volume: Volume(1), seq, hash: RecordHash(*blake3::hash(&bytes).as_bytes()) }
    }

    fn say(&mut self, by: usize, change: MembershipChange) -> Tip {
        let tip = self.next(by, &postcard::to_stdvec(&change).unwrap());
        self.statements.push(Statement { tip, knows: self.knows[by].clone(), change });
        tip
    }

    /// A record of another kind.
    fn write(&mut self, by: usize) -> (Tip, Knows) {
        (self.next(by, b"edit"), self.knows[by].clone())
    }

    /// One device hears all that another knows.
    fn meet(&mut self, from: usize, to: usize) {
        let (device, seq) = (self.device(from), self.seqs[from]);
        let theirs = self.knows[from].clone();
        self.knows[to].see(device, Volume(1), seq);
        let own = self.device(to);
        theirs
            .journals()
            .filter(|(device, ..)| *device != own)
            .for_each(|(d, v, s)| self.knows[to].see(d, v, s));
    }

    fn meet_all(&mut self) {
        for _ in 0..2 {
            for a in 0..self.keys.len() {
                (0..self.keys.len()).filter(|b| *b != a).for_each(|b| self.meet(a, b));
            }
        }
    }

    fn admit(&mut self, by: usize, whom: usize, role: Role) -> Tip {
        let device = self.device(whom);
        self.say(by, MembershipChange::Admit { device, role, name: whom.to_string() })
    }

    fn set_role(&mut self, by: usize, whom: usize, role: Option<Role>) -> Tip {
        let accepted = self.accepted(by, whom);
        self.say(by, MembershipChange::Role { person: self.person(whom), role, accepted })
    }

    fn revoke(&mut self, by: usize, whom: usize) -> Tip {
        let accepted = self.accepted(by, whom);
        self.say(by, MembershipChange::Revoke { device: self.device(whom), accepted })
    }

    fn accepted(&self, by: usize, whom: usize) -> Vec<Tip> {
        let device = self.device(whom);
        let seq = self.knows[by].seq(device, Volume(1));
        vec![Tip { device, volume: Volume(1), seq, hash: RecordHash([0; 32]) }]
    }

    fn judge(&self) -> Membership {
        Membership::of(&self.notebook(), self.statements.clone())
    }

    fn role(&self, n: usize) -> Option<Role> {
        self.judge().role(&self.device(n))
    }

    fn verdict(&self, of: &Tip) -> Verdict {
        self.judge().statements().find(|(statement, _)| statement.tip == *of).unwrap().1
    }
}

/// A founder and others, all of one role, who all know each other.
fn lab(others: u8, role: Role) -> Lab {
    let mut lab = Lab::new(others + 1);
    for n in 1..=usize::from(others) {
        lab.admit(0, n, role);
    }
    lab.meet_all();
    lab
}

#[test]
fn only_owners_admit_and_only_the_true_founding_counts() {
    let mut lab = lab(2, Role::Editor);
    lab.admit(1, 2, Role::Owner);
    let stranger = Lab::new(4).device(3);
    lab.say(1, MembershipChange::Admit { device: stranger, role: Role::Editor, name: "x".into() });
    let other =
        lab.say(1, MembershipChange::Found { nonce: NONCE, name: "mine".into(), device_name: "1".into() });
    assert_eq!(lab.role(1), Some(Role::Editor));
    assert_eq!(lab.role(2), Some(Role::Editor));
    assert_eq!(lab.judge().role(&stranger), None);
    assert_eq!(lab.verdict(&other), Verdict::Dropped(Why::OtherFounding));
}

#[test]
fn of_two_owners_who_revoke_each_other_the_smaller_hash_counts() {
    for revoke in [true, false] {
        let mut lab = lab(2, Role::Owner);
        let (a, b) = if revoke {
            (lab.revoke(0, 1), lab.revoke(1, 0))
        } else {
            (lab.set_role(0, 1, None), lab.set_role(1, 0, None))
        };
        let (winner, loser) = if a.hash < b.hash { (a, b) } else { (b, a) };
        assert_eq!(lab.verdict(&winner), Verdict::Counts);
        assert_eq!(lab.verdict(&loser), Verdict::Dropped(Why::Ended(winner.hash)));
        let stays = if winner == a { (0, 1) } else { (1, 0) };
        assert_eq!((lab.role(stays.0), lab.role(stays.1)), (Some(Role::Owner), None));
        assert_eq!(lab.role(2), Some(Role::Owner));
    }
}

#[test]
fn a_ring_of_revocations_has_one_answer() {
    let mut lab = lab(2, Role::Owner);
    let tips = [lab.revoke(0, 1), lab.revoke(1, 2), lab.revoke(2, 0)];
    let first = tips.iter().min_by_key(|tip| tip.hash).unwrap();
    assert_eq!(lab.verdict(first), Verdict::Counts);
    let counting = tips.iter().filter(|tip| lab.verdict(tip) == Verdict::Counts).count();
    assert!((1..3).contains(&counting), "{counting}");
}

#[test]
fn what_a_revoked_owner_says_unknowing_does_not_count() {
    let mut lab = lab(2, Role::Owner);
    let revoked = lab.revoke(0, 1);
    let demoted = lab.set_role(1, 2, Some(Role::Viewer));
    assert_eq!(lab.verdict(&demoted), Verdict::Dropped(Why::Ended(revoked.hash)));
    assert_eq!(lab.role(2), Some(Role::Owner));
    // A device admitted that way is nobody's.
    let mut lab = self::lab(1, Role::Owner);
    lab.revoke(0, 1);
    let sock = Lab::new(4).device(3);
    lab.say(1, MembershipChange::Admit { device: sock, role: Role::Owner, name: "sock".into() });
    assert_eq!(lab.judge().role(&sock), None);
}

#[test]
fn what_was_said_before_stays() {
    let mut lab = lab(2, Role::Owner);
    lab.set_role(1, 2, Some(Role::Viewer));
    lab.meet_all();
    lab.revoke(0, 1);
    assert_eq!(lab.role(1), None);
    assert_eq!(lab.role(2), Some(Role::Viewer));
}

#[test]
fn of_two_roles_given_at_once_the_lesser_holds_until_somebody_knows_both() {
    let mut lab = lab(2, Role::Owner);
    lab.set_role(0, 2, Some(Role::Editor));
    lab.set_role(1, 2, Some(Role::Viewer));
    assert_eq!(lab.role(2), Some(Role::Viewer));
    lab.meet_all();
    lab.set_role(0, 2, Some(Role::Editor));
    assert_eq!(lab.role(2), Some(Role::Editor));
}

#[test]
fn whoever_wants_to_leaves_and_comes_back_only_by_an_owner() {
    let mut lab = lab(1, Role::Editor);
    lab.set_role(1, 1, None);
    lab.meet_all();
    assert_eq!(lab.role(1), None);
    lab.set_role(1, 1, Some(Role::Editor));
    assert_eq!(lab.role(1), None);
    lab.admit(0, 1, Role::Commenter);
    assert_eq!(lab.role(1), Some(Role::Commenter));
    lab.meet_all();
    lab.set_role(1, 1, Some(Role::Owner));
    assert_eq!(lab.role(1), Some(Role::Commenter), "nobody raises oneself");
}

#[test]
fn a_device_is_somebodys_when_it_agrees_and_lost_when_any_of_them_says_so() {
    let mut lab = Lab::new(4);
    lab.admit(0, 1, Role::Editor);
    lab.meet_all();
    let (person, notebook) = (lab.person(1), lab.notebook());
    let device = |lab: &Lab, n: usize, by: usize| MembershipChange::Device {
        device: lab.device(n),
        name: "tablet".into(),
        consent: consent(&lab.keys[by], &notebook, &person),
    };
    let forced = device(&lab, 3, 1);
    assert_eq!(
        {
            let tip = lab.say(1, forced);
            lab.verdict(&tip)
        },
        Verdict::Dropped(Why::NoProof)
    );
    let second = device(&lab, 2, 2);
    lab.say(1, second);
    assert_eq!(lab.role(2), Some(Role::Editor));
    assert_eq!(lab.judge().person_of(&lab.device(2)), Some(person));
    lab.meet_all();
    lab.revoke(2, 1);
    assert_eq!(
        (lab.role(1), lab.role(2)),
        (None, Some(Role::Editor)),
        "the other one is lost, the person is not"
    );
    // An owner's device cannot be claimed, not even with its word for another notebook.
    let claimed = device(&lab, 0, 2);
    let tip = lab.say(2, claimed);
    assert_ne!(lab.verdict(&tip), Verdict::Counts);
    assert_eq!(lab.role(0), Some(Role::Owner));
}

#[test]
fn a_phrase_on_paper_brings_a_person_back() {
    let mut lab = Lab::new(4);
    lab.admit(0, 1, Role::Editor);
    lab.meet_all();
    let paper = SigningKey::from_bytes(&[99; 32]);
    lab.say(1, MembershipChange::Recovery { key: paper.verifying_key().to_bytes() });
    lab.meet_all();
    lab.revoke(0, 1);
    let (person, device, notebook) = (lab.person(1), lab.device(2), lab.notebook());
    let by = |lab: &Lab, n: usize, key: &SigningKey| {
        recovered(&lab.keys[n], &notebook, &key.verifying_key().to_bytes())
    };
    let agreed = by(&lab, 2, &paper);
    let recover = |key: &SigningKey| MembershipChange::Recover {
        person,
        device,
        name: "new".into(),
        proof: recovery(key, &notebook, &device),
        consent: agreed.clone(),
    };
    lab.meet_all();
    lab.say(0, recover(&SigningKey::from_bytes(&[98; 32])));
    assert_eq!(lab.role(2), None);
    lab.say(0, recover(&paper));
    assert_eq!((lab.role(1), lab.role(2)), (None, Some(Role::Editor)));
    // Nobody takes a device that is another's: it does not give its word.
    lab.meet_all();
    let owner = lab.device(0);
    for agreed in [by(&lab, 2, &paper), Vec::new(), consent(&lab.keys[0], &notebook, &lab.person(0))] {
        let proof = recovery(&paper, &notebook, &owner);
        let taken =
            MembershipChange::Recover { person, device: owner, name: "mine".into(), proof, consent: agreed };
        let tip = lab.say(2, taken);
        assert_eq!(lab.verdict(&tip), Verdict::Dropped(Why::NoProof));
    }
    assert_eq!(lab.role(0), Some(Role::Owner));
}

/// What a revoked device writes without knowing counts as far as it was accepted, as far as others built on it before
/// they knew, and as far as an owner accepts it later.
#[test]
fn a_revoked_devices_records_count_up_to_a_point() {
    let mut lab = lab(2, Role::Editor);
    let (before, knew_before) = lab.write(1);
    lab.meet_all();
    let (built_on, knew_built_on) = lab.write(1);
    lab.meet(1, 2);
    let (honest, knew) = lab.write(2);
    lab.revoke(0, 1);
    let (after, knew_after) = lab.write(1);
    let judged = lab.judge();
    let mut reach = Reach::default();
    let check =
        |tip: &Tip, knows: &Knows, reach: &Reach| judged.allows(tip, knows, Role::Editor, reach).is_ok();
    assert!(check(&before, &knew_before, &reach));
    assert!(!check(&built_on, &knew_built_on, &reach));
    assert!(judged.witness(&honest, &knew, &mut reach));
    assert!(!judged.witness(&honest, &knew, &mut reach), "it says nothing new");
    assert!(check(&honest, &knew, &reach) && check(&built_on, &knew_built_on, &reach));
    assert!(!judged.witness(&after, &knew_after, &mut reach), "nobody is one's own witness");
    assert!(!check(&after, &knew_after, &reach));
    // Whoever knows of the end is no witness any more.
    lab.meet_all();
    let (late, knew_late) = lab.write(2);
    assert!(!lab.judge().witness(&late, &knew_late, &mut reach));
    lab.say(0, MembershipChange::Release { accepted: vec![after] });
    assert!(lab.judge().allows(&after, &knew_after, Role::Editor, &Reach::default()).is_ok());
}

#[test]
fn a_release_accepts_also_whoever_was_never_admitted() {
    let mut lab = Lab::new(2);
    let (tip, knows) = lab.write(1);
    let check = |lab: &Lab| lab.judge().allows(&tip, &knows, Role::Editor, &Reach::default());
    assert_eq!(check(&lab), Err(Why::NotAllowed));
    lab.say(0, MembershipChange::Release { accepted: vec![tip] });
    assert_eq!(check(&lab), Ok(()));
    let (later, knew) = lab.write(1);
    let later = lab.judge().allows(&later, &knew, Role::Editor, &Reach::default());
    assert_eq!(later, Err(Why::NotAllowed), "only what it names");
}

#[test]
fn a_lesser_role_cuts_only_what_it_does_not_allow() {
    let mut lab = lab(1, Role::Editor);
    lab.set_role(0, 1, Some(Role::Commenter));
    let (tip, knows) = lab.write(1);
    let judged = lab.judge();
    assert!(judged.allows(&tip, &knows, Role::Commenter, &Reach::default()).is_ok());
    assert!(matches!(judged.allows(&tip, &knows, Role::Editor, &Reach::default()), Err(Why::Ended(_))));
    lab.meet_all();
    let (tip, knows) = lab.write(1);
    assert_eq!(lab.judge().allows(&tip, &knows, Role::Editor, &Reach::default()), Err(Why::NotAllowed));
}

#[test]
fn statements_that_claim_to_know_each_other_do_not_count() {
    let mut lab = lab(2, Role::Owner);
    let (one, two) = (lab.set_role(0, 2, None), lab.set_role(1, 2, None));
    let count = lab.statements.len();
    lab.statements[count - 2].knows.see(two.device, two.volume, two.seq);
    lab.statements[count - 1].knows.see(one.device, one.volume, one.seq);
    assert_eq!(lab.role(2), Some(Role::Owner));
}

#[test]
fn whoever_an_owner_let_in_stays_heard_whatever_becomes_of_the_owner() {
    let mut lab = Lab::new(5);
    lab.admit(0, 1, Role::Owner);
    lab.admit(0, 2, Role::Viewer);
    lab.meet(0, 1);
    lab.meet(0, 2);
    // At once: the founder revokes device 1, which admits device 3. A viewer admits device 4.
    lab.revoke(0, 1);
    lab.admit(1, 3, Role::Editor);
    lab.admit(2, 4, Role::Owner);
    let judged = lab.judge();
    assert_eq!((lab.role(3), lab.role(4)), (None, None));
    assert_eq!(judged.let_in(&lab.device(3)), Some(lab.person(3)));
    assert_eq!(judged.let_in(&lab.device(4)), None);
    assert!(judged.has_heard_of(&lab.device(4)));
}

#[test]
fn saying_of_oneself_what_was_so_before_ends_nothing() {
    let mut lab = Lab::new(2);
    lab.admit(0, 1, Role::Viewer);
    lab.meet(0, 1);
    lab.set_role(1, 1, Some(Role::Viewer));
    assert_eq!(lab.judge().cuts().len(), 0);
    lab.set_role(1, 1, None);
    lab.set_role(1, 1, None);
    assert_eq!(lab.judge().cuts().len(), 1);
}

/// What somebody does in a random history.
#[derive(Debug, Clone)]
enum Act {
    Meet(usize, usize),
    Admit(usize, usize, Role),
    SetRole(usize, usize, Option<Role>),
    Revoke(usize, usize),
    Device(usize, usize),
    Profile(usize),
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Owner), Just(Role::Editor), Just(Role::Commenter), Just(Role::Viewer)]
}

fn act() -> impl Strategy<Value = Act> {
    let n = || 0..5_usize;
    prop_oneof![
        4 => (n(), n()).prop_map(|(a, b)| Act::Meet(a, b)),
        3 => (n(), n(), role()).prop_map(|(a, b, role)| Act::Admit(a, b, role)),
        2 => (n(), n(), proptest::option::of(role())).prop_map(|(a, b, role)| Act::SetRole(a, b, role)),
        2 => (n(), n()).prop_map(|(a, b)| Act::Revoke(a, b)),
        1 => (n(), n()).prop_map(|(a, b)| Act::Device(a, b)),
        1 => n().prop_map(Act::Profile),
    ]
}

fn lived(acts: &[Act]) -> Lab {
    let mut lab = Lab::new(5);
    let notebook = lab.notebook();
    for act in acts {
        match *act {
            Act::Meet(a, b) if a != b => lab.meet(a, b),
            Act::Meet(..) => {}
            Act::Admit(a, b, role) => {
                lab.admit(a, b, role);
            }
            Act::SetRole(a, b, role) => {
                lab.set_role(a, b, role);
            }
            Act::Revoke(a, b) => {
                lab.revoke(a, b);
            }
            Act::Device(a, b) => {
                let consent = consent(&lab.keys[b], &notebook, &lab.person(a));
                lab.say(a, MembershipChange::Device { device: lab.device(b), name: "d".into(), consent });
            }
            Act::Profile(a) => {
                lab.say(a, MembershipChange::Profile { name: "p".into(), colour: [0; 3] });
            }
        }
    }
    lab
}

fn answer(membership: &Membership) -> (Vec<Person>, Vec<(Tip, Verdict)>, Vec<Cut>) {
    let verdicts = membership.statements().map(|(statement, verdict)| (statement.tip, verdict)).collect();
    (membership.people(), verdicts, membership.cuts().to_vec())
}

proptest! {
    /// The same statements give the same answer, in whatever order they come.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        acts in proptest::collection::vec(act(), 0..40),
        seed in any::<u64>(),
    ) {
        let lab = lived(&acts);
        let expected = answer(&lab.judge());
        let mut shuffled = lab.statements.clone();
        shuffled.sort_by_key(|statement| *blake3::hash(&[&seed.to_be_bytes()[..], &statement.tip.hash.0].concat()).as_bytes());
        prop_assert_eq!(answer(&Membership::of(&lab.notebook(), shuffled.clone())), expected.clone());
        shuffled.extend(lab.statements.clone());
        prop_assert_eq!(answer(&Membership::of(&lab.notebook(), shuffled)), expected);
    }

    /// One statement more, that ends nothing, gives what judging all of them again gives.
    #[test]
    fn one_more_statement_changes_what_it_should_and_no_more(acts in proptest::collection::vec(act(), 0..40)) {
        let lab = lived(&acts);
        let (mut before, mut grown) = (Vec::new(), Membership::default());
        for statement in &lab.statements {
            before.push(statement.clone());
            let all = Membership::of(&lab.notebook(), before.clone());
            if !grown.add(&lab.notebook(), statement) {
                grown = all.clone();
            }
            let sorted = |membership: &Membership| {
                let mut said: Vec<_> = membership.statements().map(|(one, verdict)| (one.tip, verdict)).collect();
                said.sort_by_key(|(tip, _)| tip.hash);
                format!("{:?} {said:?} {:?} {:?}", membership.people(), membership.cuts(), membership.let_in)
            };
            prop_assert_eq!(sorted(&grown), sorted(&all));
        }
    }

    /// Somebody who was never admitted by an owner changes nothing, whatever they say.
    #[test]
    fn strangers_change_nothing(acts in proptest::collection::vec(act(), 0..30)) {
        let touches = |act: &Act| match *act {
            Act::Admit(_, b, _) | Act::Device(_, b) => b == 4,
            _ => false,
        };
        let acts: Vec<Act> = acts.into_iter().filter(|act| !touches(act)).collect();
        let by_stranger = |act: &Act| match *act {
            Act::Admit(a, ..) | Act::SetRole(a, ..) | Act::Revoke(a, _) | Act::Device(a, _) | Act::Profile(a) => a == 4,
            Act::Meet(..) => false,
        };
        let without: Vec<Act> = acts.iter().filter(|act| !by_stranger(act)).cloned().collect();
        let roles = |lab: Lab| -> Vec<Option<Role>> { (0..5).map(|n| lab.role(n)).collect() };
        let (with, without) = (lived(&acts), lived(&without));
        prop_assert_eq!(roles(with), roles(without));
    }
}

#![allow(clippy::unwrap_used)]

mod hostile;
mod serving;
mod sharing;
mod transfer;

use std::sync::Mutex;

use super::*;

const NOTEBOOK: NotebookId = NotebookId([9; 32]);
const SECRET: [u8; 16] = [5; 16];

/// What notebooks name, and who asked for what.
#[derive(Debug, Default)]
struct Shelf {
    named: BTreeSet<(NotebookId, ContentHash)>,
    asked: Vec<(DeviceId, ContentHash)>,
}

/// A device with its network on loopback. Everything it was told is kept until it is asked for.
struct Node {
    shelf: Arc<Mutex<Shelf>>,
    _dir: tempfile::TempDir,
    net: Net,
    blobs: Blobs,
    events: mpsc::UnboundedReceiver<NetEvent>,
}

fn config(seed: u8) -> NetConfig {
    NetConfig {
        secret: [seed; 32],
        listen: Some("127.0.0.1:0".parse().unwrap()),
        relay: RelayChoice::None,
        discovery: false,
        device_name: format!("device {seed}"),
    }
}

fn id_of(seed: u8) -> DeviceId {
    DeviceId(*SecretKey::from_bytes(&[seed; 32]).public().as_bytes())
}

impl Node {
    async fn start(seed: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
        let (tell, mut told) = mpsc::unbounded_channel();
        let net = Net::start(config(seed), blobs.clone(), tell).await.unwrap();
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let (pass_on, events) = mpsc::unbounded_channel();
        let answers = Arc::clone(&shelf);
        tokio::spawn(async move {
            while let Some(event) = told.recv().await {
                let NetEvent::BlobAsked { peer, notebooks, hash, answer } = event else {
                    let _ = pass_on.send(event);
                    continue;
                };
                let mut shelf = answers.lock().unwrap();
                shelf.asked.push((peer, hash));
                let _ =
                    answer.send(notebooks.iter().any(|notebook| shelf.named.contains(&(*notebook, hash))));
            }
        });
        Self { shelf, _dir: dir, net, blobs, events }
    }

    /// A blob that a notebook names, and that is here.
    async fn give(&self, notebook: NotebookId, bytes: impl Into<bytes::Bytes>) -> ContentHash {
        let hash = self.blobs.import_bytes(bytes.into()).await.unwrap();
        self.name(notebook, hash);
        hash
    }

    fn name(&self, notebook: NotebookId, hash: ContentHash) {
        self.shelf.lock().unwrap().named.insert((notebook, hash));
    }

    /// Who has asked for it.
    fn asked_for(&self, hash: ContentHash) -> Vec<DeviceId> {
        let shelf = self.shelf.lock().unwrap();
        shelf.asked.iter().filter(|(_, asked)| *asked == hash).map(|(peer, _)| *peer).collect()
    }

    fn id(&self) -> DeviceId {
        self.net.device()
    }

    fn share(&self, members: &[DeviceId]) {
        self.net.share(NOTEBOOK, members.iter().copied().collect());
    }

    /// The next event that fits; others are dropped. Panics when none comes.
    async fn wait<T>(&mut self, what: &str, mut fits: impl FnMut(NetEvent) -> Option<T>) -> T {
        let work = async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                if let Some(found) = fits(event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), work)
            .await
            .unwrap_or_else(|_| panic!("{what} did not come to {}", self.id().short()))
    }

    async fn opened(&mut self, by: DeviceId) {
        self.wait("Opened", |event| {
            matches!(event, NetEvent::Opened { peer, .. } if peer == by).then_some(())
        })
        .await;
    }

    async fn closed(&mut self, by: DeviceId) {
        self.wait("Closed", |event| {
            matches!(event, NetEvent::Closed { peer, .. } if peer == by).then_some(())
        })
        .await;
    }

    async fn frame(&mut self) -> Vec<u8> {
        self.wait("Frame", |event| if let NetEvent::Frame { frame, .. } = event { Some(frame) } else { None })
            .await
    }

    async fn held(&mut self, hash: ContentHash) {
        self.wait("BlobHeld", |event| {
            matches!(event, NetEvent::BlobHeld(held) if held == hash).then_some(())
        })
        .await;
    }

    async fn stop(self) {
        self.net.shutdown().await;
        self.blobs.shutdown().await;
    }
}

/// Both hear a word from the other. A stream that is replaced by a simultaneous one takes its frames with it
/// (the core begins anew at `Opened`), so it is said until it is heard.
async fn ping(a: &mut Node, b: &mut Node, word: &[u8]) {
    let (a_id, b_id) = (a.id(), b.id());
    let heard = async {
        let mut again = tokio::time::interval(Duration::from_millis(50));
        let (mut to_a, mut to_b) = (false, false);
        while !(to_a && to_b) {
            tokio::select! {
                _ = again.tick() => {
                    a.net.send(NOTEBOOK, b_id, word.to_vec());
                    b.net.send(NOTEBOOK, a_id, word.to_vec());
                }
                frame = a.frame() => to_a |= frame == word,
                frame = b.frame() => to_b |= frame == word,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), heard).await.expect("both hear the other");
}

/// Two devices that share the notebook and have a stream.
async fn pair() -> (Node, Node) {
    let (mut a, mut b) = (Node::start(1).await, Node::start(2).await);
    a.share(&[b.id()]);
    b.net.remember(a.id(), a.net.addresses());
    b.share(&[a.id()]);
    let (a_id, b_id) = (a.id(), b.id());
    tokio::join!(a.opened(b_id), b.opened(a_id));
    (a, b)
}

fn ticket(inviter: &Node) -> Ticket {
    Ticket {
        notebook: NOTEBOOK,
        name: "Lab".into(),
        inviter: inviter.id(),
        addresses: inviter.net.addresses(),
        secret: SECRET,
        expires: i64::MAX,
        role: codex_crdt_model::journal::Role::Editor,
        person: None,
    }
}

/// Of odd seeds; an even one is the same as the next.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

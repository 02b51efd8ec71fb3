//! WebSocket with what there is for tokio.

mod broadcast;
mod fastwebsockets;
mod tungstenite;

pub(crate) use self::broadcast::Broadcast;
pub(crate) use self::fastwebsockets::FastWebSockets;
pub(crate) use self::tungstenite::Tungstenite;

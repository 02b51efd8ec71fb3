//! WebSocket echo with what there is for tokio.

mod fastwebsockets;
mod tungstenite;

pub(crate) use self::fastwebsockets::FastWebSockets;
pub(crate) use self::tungstenite::Tungstenite;

//! Clients that do not read what is pushed to them: closed, or left out, as their binding says.

use std::time::Duration;

use super::meeting::Meeting;
use crate::engine::{BindingId, Limits, SlowConsumers};
use crate::service::{Chat, Count, Notify, NotifyMode, Number, Service, Source, Stream};

/// So much may wait for a client.
const CAP: usize = 10_000;

/// A service whose slow clients are left out.
fn leaving_out(service: impl Service) -> Meeting {
    let mut limits = Limits { max_queued_bytes: CAP, ..Limits::default() }.with_max_message(2_000);
    (limits.high_water_bytes, limits.low_water_bytes) = (4_000, 1_000);
    let mut meeting = Meeting::with(limits, service);
    for index in 0..2 {
        meeting.world.engine.set_slow_consumers(BindingId::nth(index), SlowConsumers::Drop);
    }
    meeting
}

impl Meeting {
    fn dropped(&self) -> u64 {
        let stats = self.world.engine.stats();
        assert_eq!((stats.slow_consumers, stats.shed), (0, 0), "nobody is closed");
        stats.dropped_messages
    }
}

/// The numbers at the end of lines.
fn numbers(heard: &[String]) -> Vec<u64> {
    heard.iter().map(|line| line.rsplit(' ').next().unwrap().parse().expect("a number")).collect()
}

/// What was heard of the numbers from 1 to `last` is a beginning of them, and the last one.
fn check_missed(heard: &[String], last: u64) -> u64 {
    let numbers = numbers(heard);
    let before = numbers.len() as u64 - 1;
    assert!((1..last - 1).contains(&before), "{before} of {last} were heard, and the last");
    assert_eq!(numbers, (1..=before).chain([last]).collect::<Vec<_>>());
    last - 1 - before
}

#[test]
fn a_slow_member_of_a_room_misses_whole_messages_and_stays() {
    let mut meeting = leaving_out(Chat::default());
    let [slow, speaker, fast] = [(); 3].map(|()| meeting.line_client());
    let slow_web = meeting.web_client(None);
    for id in [slow, speaker, fast, slow_web] {
        meeting.heard(id);
    }
    let text = "x".repeat(200);
    for number in 1..=100 {
        meeting.say(speaker, &format!("{text} {number}"));
        assert_eq!(numbers(&meeting.heard(fast)), [number]);
    }
    let mut heard = [meeting.heard(slow), meeting.heard(slow_web)];
    meeting.say(speaker, "101");
    heard[0].extend(meeting.heard(slow));
    heard[1].extend(meeting.heard(slow_web));
    let missed = heard.map(|heard| check_missed(&heard, 101));
    assert_eq!(meeting.dropped(), missed.iter().sum::<u64>());
    assert!(missed.iter().all(|&missed| missed > 40), "{missed:?}");
}

#[cfg(feature = "json")]
#[test]
fn who_misses_something_of_a_room_sees_it_by_the_number() {
    let mut meeting = leaving_out(Chat::default());
    let (slow, speaker) = (meeting.web_client(Some("chat.v1")), meeting.line_client());
    let text = "x".repeat(500);
    for _ in 0..50 {
        meeting.say(speaker, &text);
    }
    meeting.heard(slow);
    let dropped = meeting.dropped();
    meeting.say(speaker, "and this");
    let heard = meeting.heard(slow);
    // The two of them came, and fifty were said before.
    assert!(heard[0].contains("\"seq\":53"), "{heard:?}");
    assert!(dropped > 20, "{dropped}");
}

#[test]
fn a_slow_subscriber_misses_whole_publications_and_is_not_counted_as_one_who_got_them() {
    let mut meeting = leaving_out(Notify::default());
    let [slow, publisher, fast] = [(); 3].map(|()| meeting.line_client());
    meeting.say(slow, "SUB t");
    meeting.say(fast, "SUB *");
    let text = "x".repeat(200);
    for number in 1..=100 {
        meeting.say(publisher, &format!("PUB t {text} {number}"));
        assert_eq!(numbers(&meeting.heard(fast)), [number]);
    }
    let mut heard = meeting.heard(slow);
    meeting.say(publisher, "PUB t 101");
    heard.extend(meeting.heard(slow));
    assert_eq!(meeting.dropped(), check_missed(&heard, 101));
}

#[test]
fn with_a_history_a_slow_subscriber_is_told_of_the_gap() {
    let modes = [0, 1].map(|index| (BindingId::nth(index), NotifyMode::Commands { history: 5 }));
    let mut meeting = leaving_out(Notify::new(modes));
    let (slow, publisher) = (meeting.line_client(), meeting.line_client());
    meeting.say(slow, "SUB t");
    let text = "x".repeat(200);
    for _ in 0..100 {
        meeting.say(publisher, &format!("PUB t {text}"));
    }
    let mut heard = meeting.heard(slow);
    meeting.pass(Duration::ZERO);
    heard.extend(meeting.heard(slow));
    let gap = heard.iter().position(|line| line.starts_with("GAP ")).expect("a gap");
    assert_eq!(heard[gap], format!("GAP t {} 95", gap + 1), "from the first that it has not got");
    let seq = |line: &String| line.split(' ').nth(1).unwrap().parse::<usize>().unwrap();
    assert_eq!(heard[..gap].iter().map(seq).collect::<Vec<_>>(), (1..=gap).collect::<Vec<_>>());
    assert_eq!(heard[gap + 1..].iter().map(seq).collect::<Vec<_>>(), [96, 97, 98, 99, 100]);
    assert_eq!(meeting.dropped(), 0, "nothing was lost that it was not told of");
}

#[test]
fn a_stream_goes_on_for_a_slow_reader_who_misses_samples() {
    let mut meeting = leaving_out(Stream::new(Source::Counter).pushing(true));
    let slow = meeting.line_client();
    meeting.say(slow, "START 1000 2000");
    meeting.pass(Duration::from_millis(1_800));
    let mut heard = meeting.heard(slow);
    let before = heard.len() as u64;
    assert_eq!(numbers(&heard), (1..=before).collect::<Vec<_>>());
    meeting.pass(Duration::from_secs(1));
    heard = meeting.heard(slow);
    // At 1.8 s sample 1,801 was due: what came meanwhile is missed, and nothing comes late.
    assert_eq!(numbers(&heard), (1_802..=2_000).collect::<Vec<_>>());
    assert_eq!(meeting.dropped(), 1_801 - before);
}

#[test]
fn a_stream_that_is_pushed_closes_a_slow_reader_where_that_is_said() {
    let mut meeting = leaving_out(Stream::new(Source::Counter).pushing(true));
    meeting.world.engine.set_slow_consumers(BindingId::nth(0), SlowConsumers::Close);
    let (slow, left_out) = (meeting.line_client(), meeting.web_client(None));
    for id in [slow, left_out] {
        meeting.say(id, "START 1000");
    }
    meeting.pass(Duration::from_secs(5));
    assert!(meeting.world.engine.output(slow).is_none());
    assert!(meeting.world.engine.output(left_out).is_some());
    let stats = meeting.world.engine.stats();
    assert_eq!(stats.slow_consumers, 1);
    assert!(stats.dropped_messages > 3_000, "{stats}");
}

#[test]
fn whom_a_sample_has_closed_is_sent_no_other_and_takes_nothing_of_the_turn() {
    let mut meeting = leaving_out(Stream::new(Source::Counter).pushing(true));
    meeting.world.engine.set_slow_consumers(BindingId::nth(0), SlowConsumers::Close);
    // Together these may be sent all that is sent in a turn.
    for _ in 0..16 {
        let slow = meeting.line_client();
        meeting.say(slow, "START 1000000");
    }
    let late_turn = |meeting: &mut Meeting| {
        meeting.world.now.time = meeting.world.now.time + Duration::from_millis(5);
        meeting.world.engine.handle_timeout(meeting.world.now);
    };
    late_turn(&mut meeting);
    assert_eq!(meeting.world.engine.stats().slow_consumers, 0, "it fits under the cap");
    let last = meeting.line_client();
    meeting.say(last, "START 1000");
    late_turn(&mut meeting);
    assert_eq!(meeting.world.engine.stats().slow_consumers, 16);
    assert_eq!(numbers(&meeting.heard(last)), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn of_what_a_client_has_asked_for_nothing_is_left_out() {
    let mut meeting = leaving_out(Count::new(Number::Own));
    let slow = meeting.line_client();
    meeting.say(slow, &["which?"; 1_000].join("\n"));
    let mut heard = meeting.heard(slow);
    assert!((500..1_000).contains(&heard.len()), "as many as may wait, and one more");
    meeting.pass(Duration::ZERO);
    heard.extend(meeting.heard(slow));
    assert_eq!(heard, vec!["Client number: 1"; 1_000]);
    assert_eq!(meeting.dropped(), 0);
}

//! Words for a shell: what is printed as a command can be pasted as one.

/// `word` as a shell reads it back.
///
/// Plain words stay as they are. Others are put in single quotes; those with bytes that no
/// terminal should see, in the quotes of `bash` and `zsh` that have escapes.
pub(super) fn quote(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        return word.iter().copied().map(char::from).collect();
    }
    let is_printable = word.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let mut quoted = String::from(if is_printable { "'" } else { "$'" });
    for &byte in word {
        match byte {
            b'\'' if is_printable => quoted.push_str("'\\''"),
            b'\'' | b'\\' if !is_printable => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            b' '..=b'~' => quoted.push(char::from(byte)),
            // Three digits, so that a digit that follows is not taken for one of them.
            _ => quoted.push_str(&format!("\\{byte:03o}")),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;
    use std::process::Command;

    #[test]
    fn words_are_quoted_when_they_have_to_be() {
        for (word, quoted) in [
            (b"/tmp/echo.sock".as_slice(), "/tmp/echo.sock"),
            (b"", "''"),
            (b"a b", "'a b'"),
            (b"it's", "'it'\\''s'"),
            (b"a\\b", "'a\\b'"),
            (b"$(x)&;|<>", "'$(x)&;|<>'"),
            (b"~", "'~'"),
            (b"a'\\\n\xff1", "$'a\\'\\\\\\012\\3771'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }

    #[test]
    fn bash_reads_back_every_byte() {
        let word: Vec<u8> = (1..=u8::MAX).collect();
        for word in [&word[..], b"it's $HOME `x` \\ \"y\" !", b"-n"] {
            let script = format!("printf %s {}", quote(word));
            let output = Command::new("bash").args(["-c", &script]).output();
            // Where there is no bash there is nothing to be compared.
            let Ok(output) = output else { return };
            assert_eq!(output.stdout, word, "{:?}", std::ffi::OsStr::from_bytes(word));
        }
    }
}

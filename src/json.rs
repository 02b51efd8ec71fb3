//! JSON as it is written: strings. (Numbers print as they are.)

use std::fmt;

/// Text as a JSON string, in its quotation marks (RFC 8259 section 7). What could end a script that
/// it is copied into is escaped, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char('"')?;
        for letter in self.0.chars() {
            match letter {
                '"' | '\\' => write!(f, "\\{letter}")?,
                '\0'..='\x1f' | '<' | '\u{2028}' | '\u{2029}' => {
                    write!(f, "\\u{:04x}", u32::from(letter))?;
                }
                letter => f.write_char(letter)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_reads_back_as_itself() {
        let ascii: String = (0..=127).map(char::from).collect();
        for text in ["", "a\"b\\c", "</script>", "é €\u{2028}\u{2029}\u{1f600}", &ascii] {
            let json = Quoted(text).to_string();
            assert_eq!(serde_json::from_str::<String>(&json).expect(&json), text);
            assert!(!json.contains(['<', '\n', '\0']), "{json}");
        }
    }
}

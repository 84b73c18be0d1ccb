//! Tables: rows of texts, from text files, spreadsheets and JSON lists.

use crate::{
    delimited, encoding,
    error::{Error, Place, Result, Warning},
    json, workbook,
};

/// The rows of a file.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    /// The keys of a JSON list. The first row of other files may be a header.
    pub(crate) keys: Option<Vec<String>>,
    /// The fields are separated by tabs.
    pub(crate) is_tabbed: bool,
}

/// A row of a table. Its fields have no white space around them.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) place: Place,
    pub(crate) fields: Vec<String>,
}

impl Row {
    /// The field of a column, if it is not empty.
    pub(crate) fn field(&self, column: Option<usize>) -> Option<&str> {
        let field = self.fields.get(column?)?;
        (!field.is_empty()).then_some(field)
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.fields.iter().all(String::is_empty)
    }
}

/// Reads a file. Its content says which format it has. Rows without any text are left out.
pub(crate) fn read(bytes: &[u8], warnings: &mut Vec<Warning>) -> Result<Table> {
    const OLD_EXCEL: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];
    let mut table = if bytes.starts_with(b"PK\x03\x04") {
        workbook::read(bytes, warnings)?
    } else if bytes.starts_with(&OLD_EXCEL) {
        return Err(Error::format(
            "this is a workbook of Excel 97 to 2003; save it as .xlsx or as CSV",
        ));
    } else {
        let text = encoding::decode(bytes, warnings)?;
        if json::is_json(&text) {
            json::table(&text)?
        } else {
            delimited::read(&text)
        }
    };
    if table.keys.is_none() {
        table.rows.retain(|row| !row.is_blank());
        if table.rows.is_empty() {
            return Err(Error::format("the file is empty"));
        }
    }
    Ok(table)
}

//! A node of an ONNX file while an operator is made from it.

use std::{cell::RefCell, collections::HashMap, path::Path};

use candle_core::{Tensor, bail};
use facekit_onnx::{
    node_name,
    proto::{AttributeProto, AttributeType, NodeProto},
};

use crate::{
    constant::constant,
    error::Result,
    target::Target,
    tensor::{to_floats, to_ints},
};

/// A node: its attributes and its constant inputs.
///
/// An operator must read every attribute. [`check_attributes_read`](Self::check_attributes_read) refuses a node with an
/// attribute that was not read, so that none is ignored by accident.
pub(crate) struct Node<'a> {
    proto: &'a NodeProto,
    constants: &'a HashMap<&'a str, Tensor>,
    folder: Option<&'a Path>,
    /// The version of ONNX's operator set.
    pub(crate) opset: i64,
    pub(crate) target: &'a Target,
    /// The names of the attributes that were read.
    read_attributes: RefCell<Vec<&'static str>>,
    /// The inputs that the operator keeps as its own constants. A run does not pass them again.
    absorbed_inputs: RefCell<Vec<usize>>,
}

impl<'a> Node<'a> {
    pub(crate) fn new(
        proto: &'a NodeProto,
        opset: i64,
        constants: &'a HashMap<&'a str, Tensor>,
        folder: Option<&'a Path>,
        target: &'a Target,
    ) -> Self {
        Self {
            proto,
            constants,
            folder,
            opset,
            target,
            read_attributes: RefCell::default(),
            absorbed_inputs: RefCell::default(),
        }
    }

    /// The node and its operator, for errors.
    pub(crate) fn describe(proto: &NodeProto) -> String {
        format!("node {:?}: operator {}", node_name(proto), proto.op_type())
    }

    pub(crate) fn operator(&self) -> &str {
        self.proto.op_type()
    }

    /// Refuses a node with an attribute that was not read.
    pub(crate) fn check_attributes_read(&self) -> Result<()> {
        let read = self.read_attributes.borrow();
        let mut names = self.proto.attribute.iter().map(AttributeProto::name);
        match names.find(|name| !read.contains(name)) {
            Some(name) => bail!("attribute {name} is not supported"),
            None => Ok(()),
        }
    }

    /// The inputs that the operator keeps as its own constants.
    pub(crate) fn into_absorbed_inputs(self) -> Vec<usize> {
        self.absorbed_inputs.into_inner()
    }

    /// The number of inputs, without optional inputs that are left out at the end.
    pub(crate) fn input_count(&self) -> usize {
        let present = self.proto.input.iter().rposition(|name| !name.is_empty());
        present.map_or(0, |last| last + 1)
    }

    pub(crate) fn output_count(&self) -> usize {
        self.proto.output.len()
    }

    fn input_name(&self, index: usize) -> Option<&'a str> {
        let name = self.proto.input.get(index).map(String::as_str);
        name.filter(|name| !name.is_empty())
    }

    /// Refuses a node with fewer than `least` or more than `most` inputs.
    pub(crate) fn expect_inputs(&self, least: usize, most: usize) -> Result<()> {
        let count = self.input_count();
        if count < least {
            bail!("it has {count} inputs; at least {least} are needed");
        }
        if count > most {
            bail!("it has {count} inputs; at most {most} are supported");
        }
        Ok(())
    }

    /// The input, if it is a constant.
    pub(crate) fn peek_constant(&self, index: usize) -> Option<Tensor> {
        self.constants.get(self.input_name(index)?).cloned()
    }

    /// An input that the operator keeps as its own constant. `None` if it is left out; an error if it is computed.
    pub(crate) fn take_constant(&self, index: usize) -> Result<Option<Tensor>> {
        let Some(name) = self.input_name(index) else {
            return Ok(None);
        };
        let Some(constant) = self.constants.get(name) else {
            bail!("input {index} ({name:?}) is computed; only a constant is supported");
        };
        self.absorbed_inputs.borrow_mut().push(index);
        Ok(Some(constant.clone()))
    }

    /// The numbers of a constant input, as [`take_constant`](Self::take_constant).
    pub(crate) fn take_floats(&self, index: usize) -> Result<Option<Vec<f32>>> {
        let tensor = self.take_constant(index)?;
        tensor.map(|tensor| to_floats(&tensor)).transpose()
    }

    /// The only number of a constant input, as [`take_constant`](Self::take_constant).
    pub(crate) fn take_float(&self, index: usize) -> Result<Option<f32>> {
        match self.take_floats(index)?.as_deref() {
            None => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(values) => bail!(
                "input {index} holds {} numbers instead of one",
                values.len()
            ),
        }
    }

    /// The integers of a constant input, as [`take_constant`](Self::take_constant).
    pub(crate) fn take_ints(&self, index: usize) -> Result<Option<Vec<i64>>> {
        let tensor = self.take_constant(index)?;
        tensor.map(|tensor| to_ints(&tensor)).transpose()
    }

    /// Integers that are the attribute `name` before operator set `since`, and input `index` from then on.
    pub(crate) fn ints_attribute_or_input(
        &self,
        name: &'static str,
        index: usize,
        since: i64,
    ) -> Result<Option<Vec<i64>>> {
        if self.opset < since {
            self.ints(name)
        } else {
            self.take_ints(index)
        }
    }

    fn attribute(
        &self,
        name: &'static str,
        kind: AttributeType,
    ) -> Result<Option<&'a AttributeProto>> {
        self.read_attributes.borrow_mut().push(name);
        let mut named = self.proto.attribute.iter().filter(|a| a.name() == name);
        let Some(attribute) = named.next() else {
            return Ok(None);
        };
        if named.next().is_some() || attribute.ref_attr_name.is_some() || attribute.r#type() != kind
        {
            bail!("attribute {name} is not one value of type {kind:?}");
        }
        Ok(Some(attribute))
    }

    /// Marks attributes as read that have no effect on what this crate computes.
    pub(crate) fn ignore_attributes(&self, names: &[&'static str]) {
        self.read_attributes.borrow_mut().extend(names);
    }

    pub(crate) fn int(&self, name: &'static str, default: i64) -> Result<i64> {
        let attribute = self.attribute(name, AttributeType::Int)?;
        Ok(attribute.map_or(default, AttributeProto::i))
    }

    pub(crate) fn optional_int(&self, name: &'static str) -> Result<Option<i64>> {
        let attribute = self.attribute(name, AttributeType::Int)?;
        Ok(attribute.map(AttributeProto::i))
    }

    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool> {
        match self.int(name, default.into())? {
            0 => Ok(false),
            1 => Ok(true),
            other => bail!("attribute {name}: {other} is neither 0 nor 1"),
        }
    }

    pub(crate) fn float(&self, name: &'static str, default: f32) -> Result<f32> {
        let attribute = self.attribute(name, AttributeType::Float)?;
        Ok(attribute.map_or(default, AttributeProto::f))
    }

    pub(crate) fn ints(&self, name: &'static str) -> Result<Option<Vec<i64>>> {
        let attribute = self.attribute(name, AttributeType::Ints)?;
        Ok(attribute.map(|attribute| attribute.ints.clone()))
    }

    /// The value among `choices` whose word the attribute holds. Without the attribute it is the first.
    pub(crate) fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Result<T> {
        let attribute = self.attribute(name, AttributeType::String)?;
        let Some(attribute) = attribute else {
            return Ok(choices[0].1);
        };
        let word = attribute.s();
        match choices.iter().find(|(known, _)| known.as_bytes() == word) {
            Some((_, value)) => Ok(*value),
            None => bail!(
                "attribute {name}: {:?} is not supported",
                word.escape_ascii().to_string()
            ),
        }
    }

    pub(crate) fn tensor(&self, name: &'static str) -> Result<Option<Tensor>> {
        let attribute = self.attribute(name, AttributeType::Tensor)?;
        let proto = attribute.and_then(|attribute| attribute.t.as_deref());
        proto
            .map(|proto| constant(proto, self.folder, &self.target.device))
            .transpose()
    }
}

//! A node of a file while it is read: what it asks for, and whether all of that was understood.

use std::{cell::RefCell, collections::HashMap, path::Path};

use candle_core::{DType, Tensor, bail};
use facekit_onnx::{
    node_name,
    proto::{AttributeProto, AttributeType, NodeProto},
};

use crate::{constant::constant, error::Result, runtime::Target};

/// What an operator is made from.
///
/// Every attribute must be asked for: [`finish`](Self::finish) refuses a node with one that nobody looked at, so that none
/// is ignored by accident.
pub(crate) struct Node<'a> {
    proto: &'a NodeProto,
    constants: &'a HashMap<&'a str, Tensor>,
    folder: Option<&'a Path>,
    /// The version of ONNX's operators.
    pub(crate) opset: i64,
    pub(crate) target: &'a Target,
    asked: RefCell<Vec<&'static str>>,
    taken: RefCell<Vec<usize>>,
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
            asked: RefCell::default(),
            taken: RefCell::default(),
        }
    }

    /// The node and its operator, for errors.
    pub(crate) fn describe(proto: &NodeProto) -> String {
        format!("node {:?}: operator {}", node_name(proto), proto.op_type())
    }

    pub(crate) fn operator(&self) -> &str {
        self.proto.op_type()
    }

    /// Whether all attributes were asked for.
    pub(crate) fn finish(&self) -> Result<()> {
        let asked = self.asked.borrow();
        let mut names = self.proto.attribute.iter().map(AttributeProto::name);
        match names.find(|name| !asked.contains(name)) {
            Some(name) => bail!("attribute {name} is not supported"),
            None => Ok(()),
        }
    }

    /// The inputs that the operator took into itself.
    pub(crate) fn taken(self) -> Vec<usize> {
        self.taken.into_inner()
    }

    /// The number of inputs; those left out at the end do not count.
    pub(crate) fn inputs(&self) -> usize {
        let present = self.proto.input.iter().rposition(|name| !name.is_empty());
        present.map_or(0, |last| last + 1)
    }

    pub(crate) fn outputs(&self) -> usize {
        self.proto.output.len()
    }

    fn input(&self, at: usize) -> Option<&'a str> {
        let name = self.proto.input.get(at).map(String::as_str);
        name.filter(|name| !name.is_empty())
    }

    /// Refuses other numbers of inputs.
    pub(crate) fn takes(&self, least: usize, most: usize) -> Result<()> {
        let count = self.inputs();
        if count < least || count > most {
            bail!("it has {count} inputs");
        }
        Ok(())
    }

    /// The input, where it is a constant.
    pub(crate) fn known(&self, at: usize) -> Option<Tensor> {
        self.constants.get(self.input(at)?).cloned()
    }

    /// An input that must be constant where it is there; the operator keeps it.
    pub(crate) fn constant(&self, at: usize) -> Result<Option<Tensor>> {
        let Some(name) = self.input(at) else {
            return Ok(None);
        };
        let Some(constant) = self.constants.get(name) else {
            bail!("input {at} ({name:?}) is computed; only a constant is supported");
        };
        self.taken.borrow_mut().push(at);
        Ok(Some(constant.clone()))
    }

    /// The numbers of a constant input.
    pub(crate) fn constant_floats(&self, at: usize) -> Result<Option<Vec<f32>>> {
        let tensor = self.constant(at)?;
        tensor.map(|tensor| floats(&tensor)).transpose()
    }

    /// The one number of a constant input.
    pub(crate) fn constant_float(&self, at: usize) -> Result<Option<f32>> {
        match self.constant_floats(at)?.as_deref() {
            None => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(values) => bail!("input {at} holds {} numbers instead of one", values.len()),
        }
    }

    /// The integers of a constant input.
    pub(crate) fn constant_ints(&self, at: usize) -> Result<Option<Vec<i64>>> {
        let tensor = self.constant(at)?;
        tensor.map(|tensor| ints(&tensor)).transpose()
    }

    /// Integers that are an attribute before operator set `since`, and an input from there on.
    pub(crate) fn ints_or_input(
        &self,
        name: &'static str,
        at: usize,
        since: i64,
    ) -> Result<Option<Vec<i64>>> {
        if self.opset < since {
            self.ints(name)
        } else {
            self.constant_ints(at)
        }
    }

    fn attribute(
        &self,
        name: &'static str,
        kind: AttributeType,
    ) -> Result<Option<&'a AttributeProto>> {
        self.asked.borrow_mut().push(name);
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

    /// Marks attributes as understood that have no influence here.
    pub(crate) fn ignore(&self, names: &[&'static str]) {
        self.asked.borrow_mut().extend(names);
    }

    pub(crate) fn int(&self, name: &'static str, default: i64) -> Result<i64> {
        let attribute = self.attribute(name, AttributeType::Int)?;
        Ok(attribute.map_or(default, AttributeProto::i))
    }

    pub(crate) fn some_int(&self, name: &'static str) -> Result<Option<i64>> {
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

    /// The number that stands for a word, by `words`; the first is the default.
    pub(crate) fn word<T: Copy>(&self, name: &'static str, words: &[(&str, T)]) -> Result<T> {
        let attribute = self.attribute(name, AttributeType::String)?;
        let Some(attribute) = attribute else {
            return Ok(words[0].1);
        };
        let word = attribute.s();
        match words.iter().find(|(known, _)| known.as_bytes() == word) {
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

/// The integers of a tensor, in order.
pub(crate) fn ints(tensor: &Tensor) -> Result<Vec<i64>> {
    if tensor.dtype() != DType::I64 {
        bail!("found {} instead of i64", tensor.dtype().as_str());
    }
    tensor.flatten_all()?.to_vec1()
}

/// The numbers of a tensor, in order.
pub(crate) fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    if tensor.dtype() != DType::F32 {
        bail!("found {} instead of f32", tensor.dtype().as_str());
    }
    tensor.flatten_all()?.to_vec1()
}
